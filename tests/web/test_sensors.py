"""Sensors: every one with what it said, a sheet of its own, and topics that are nobody's to be assigned."""

import json
from contextlib import closing
from urllib.parse import quote

import pytest

from safetyd.core.model import Role
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.store.database import open_for_writing
from tests.web.school import SITE, Browser, School, left, refile

HOSTILE = "<img src=x onerror=alert(1)>"
TOPIC = "safetyd/readings/maple/attic"


@pytest.fixture
def browser(at_school: School) -> Browser:
    made = Browser(at_school)
    made.enter(Role.FACILITIES)
    return made


def hear(school: School, topic: str, **values: object) -> None:
    with closing(open_for_writing(school.url)) as connection:
        service = Service(connection, school.site, "safetyd", school.now)
        service.take(Message(school.now, topic, json.dumps(values).encode()))
        service.save_all(school.now)


def test_each_sensor_shows_its_room_state_last_values_and_battery(
    at_school: School, browser: Browser
) -> None:
    hear(at_school, "safetyd/readings/maple/lab", temperature_f=70.25, humidity=41, battery=77)
    text = browser.get("/sensors?building=maple").text
    for words in ("Room 12", "55.5 °F", "70.2 °F", "41 %", "77 %", "ok</span>"):
        assert words in text, words
    assert "1</bdi></a>" not in browser.get("/sensors?building=maple&only=troubled").text


def test_a_sensor_has_a_sheet_of_its_own(browser: Browser) -> None:
    answer = browser.get("/sensors/maple?room=12&sensor=12")
    assert answer.status == 200
    assert "without a line in the site file and without a correction" in answer.text
    assert "What it said" in answer.text and "55.5 °F, 40 %" in answer.text
    assert browser.get("/sensors/maple").headers["location"] == "/sensors?building=maple"
    assert browser.get(f"/sensors/maple?room=12&sensor={quote(HOSTILE)}").status == 404
    assert HOSTILE not in browser.get(f"/sensors/maple?room=12&sensor={quote(HOSTILE)}").text


def test_a_device_of_the_site_file_shows_since_when_it_is_there_and_how_it_is_corrected(
    at_school: School, browser: Browser
) -> None:
    sensor = """
  [[buildings.sensors]]
  id = "t1"
  topic = "zigbee2mqtt/one"
  format = "zigbee2mqtt"
  room = "1"
  from = 2026-01-02
  offsets = [{ from = 2026-02-03, temperature_f = -0.8 }]
"""
    refile(at_school, SITE + sensor)
    text = browser.get("/sensors/cedar?room=1&sensor=t1").text
    assert "Corrected by -0.8 °F" in text and "2 Jan" in text and "3 Feb" in text
    assert "As the site file says; it changes there." in text


def test_an_instrument_of_a_person_stands_apart(at_school: School, browser: Browser) -> None:
    said = {"do": "report", "building": "maple", "room": "lab", "by": "Ann Ruiz", "role": "facilities"}
    with closing(open_for_writing(at_school.url)) as connection:
        service = Service(connection, at_school.site, "safetyd", at_school.now)
        measured = {"temperature_f": 61.5, "humidity": 40, "instrument": f"sling {HOSTILE}"}
        service.command(said | measured, at_school.now)
        service.save_all(at_school.now)
    text = browser.get("/sensors").text
    assert "Measured by hand" in text and "61.5 °F" in text and "sling &lt;img" in text
    assert HOSTILE not in text


def test_a_topic_that_is_nobodys_shows_a_sample_and_a_form_where_it_is_asked_for(
    at_school: School, browser: Browser
) -> None:
    hear(at_school, TOPIC, temperature_f=70, note=HOSTILE)
    text = browser.get("/sensors").text
    assert TOPIC in text and "&lt;img src=x" in text and HOSTILE not in text
    assert 'action="/sensors/assign"' not in text
    text = browser.get(f"/sensors?assign={quote(TOPIC)}").text
    assert 'action="/sensors/assign"' in text and 'value="maple/12"' in text


@pytest.mark.parametrize("role", [Role.SAFETY_COMMITTEE, Role.ASSOCIATION])
def test_who_may_not_assign_is_offered_nothing_of_it(at_school: School, role: Role) -> None:
    hear(at_school, TOPIC, temperature_f=70)
    browser = Browser(at_school)
    browser.enter(role)
    text = browser.get(f"/sensors?assign={quote(TOPIC)}").text
    assert TOPIC in text and "assign" not in text.replace(f"assign={quote(TOPIC)}", "")
    said = {"topic": TOPIC, "place": "maple/12"}
    assert browser.submit("/sensors", "/sensors/assign", said).status == 403


def test_who_sees_one_building_sees_no_topics_of_nobody(at_school: School) -> None:
    hear(at_school, TOPIC, temperature_f=70)
    browser = Browser(at_school)
    browser.enter(Role.ADMINISTRATOR, "cedar")
    assert TOPIC not in browser.get("/sensors").text
    assert browser.submit("/sensors", "/sensors/assign", {"topic": TOPIC, "place": "maple/12"}).status == 400


@pytest.mark.parametrize(
    ("since", "moment"),
    [
        ({}, None),
        ({"day": "", "clock": ""}, None),
        ({"since": "first", "day": ""}, "first"),
        ({"day": "2026-01-02"}, "2026-01-02"),
        ({"since": "now", "day": "2026-01-02"}, "2026-01-02"),
        ({"day": "2026-01-02", "clock": "07:30"}, "2026-01-02 07:30"),
    ],
)
def test_it_is_left_to_the_writer_as_the_command_line_says_it(
    at_school: School, browser: Browser, since: dict[str, str], moment: str | None
) -> None:
    hear(at_school, TOPIC, temperature_f=70)
    at_school.application.inbox.patience_s = 0
    said = {"topic": TOPIC, "place": "maple/12", "note": "by the door", **since}
    assert browser.submit("/sensors", "/sensors/assign", said).status == 303
    (command,) = left(at_school)
    assert (command["do"], command["building"], command["room"]) == ("assign", "maple", "12")
    assert (command.get("from"), command["note"], command["role"]) == (moment, "by the door", "facilities")
    assert "nobody has answered yet" in browser.get("/sensors").text


def test_what_is_wrong_is_said_beside_the_form_with_what_was_typed(
    at_school: School, browser: Browser
) -> None:
    hear(at_school, TOPIC, temperature_f=70)
    said = {"topic": TOPIC, "place": "maple/12", "clock": "07:30", "note": "kept"}
    answer = browser.submit("/sensors", "/sensors/assign", said)
    assert answer.status == 400 and "07:30 needs its date" in answer.text
    assert 'value="kept"' in answer.text and 'value="maple/12" selected' in answer.text
    said |= {"day": "2026-01-02", "since": "first"}
    answer = browser.submit("/sensors", "/sensors/assign", said)
    assert answer.status == 400 and "either since 2026-01-02 or since it was first heard" in answer.text
    assert left(at_school) == []
    answer = browser.submit("/sensors", "/sensors/assign", {"topic": TOPIC, "place": ""})
    assert answer.status == 400 and "say which room it is of" in answer.text
