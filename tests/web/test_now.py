"""A building now: the sentence on top, what falls due next, its electricity, and each room."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from safetyd.core.model import Role
from safetyd.site import read_site
from safetyd.web.pages.rooms import natural
from tests.web.school import SITE, Browser, School

WELL = {"temperature_f": 70, "humidity": 40}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def browser(at_school: School) -> Browser:
    made = Browser(at_school)
    made.enter(Role.ADMINISTRATOR)
    return made


def lead(page: str) -> str:
    """Return the sentence on top, without its markup."""
    found = re.search(r'<p id="lead".*?>(.*?)</p>', page, re.DOTALL)
    assert found
    return " ".join(re.sub("<[^>]+>", "", found[1]).split())


def rooms(page: str) -> list[str]:
    """Return the ids of the rooms, as they come."""
    return re.findall(r'id="room-(\w+)"', page)


def room(page: str, id: str) -> str:
    found = re.search(rf'<li id="room-{id}".*?</li>', page, re.DOTALL)
    assert found
    return " ".join(re.sub("<[^>]+>", " ", found[0]).split())


def test_how_a_building_is_stands_in_one_sentence(at_school: School, browser: Browser) -> None:
    assert lead(browser.get("/buildings/maple").text) == "1 room is too cold, 1 has no reading."
    at_school.hears("maple/lab", **WELL)
    assert lead(browser.get("/buildings/maple").text) == "1 room is too cold."
    assert "All" not in lead(browser.get("/buildings/cedar").text)


def test_a_building_that_is_well_says_so_of_all_its_rooms(at_school: School, browser: Browser) -> None:
    for _ in range(7):
        at_school.passes(minutes=10)
        for place in ("maple/12", "maple/lab"):
            at_school.hears(place, **WELL)
    assert lead(browser.get("/buildings/maple").text) == "All 2 rooms are neither too cold nor too hot."


def test_the_worst_room_comes_first_then_by_name_and_what_is_well_can_be_left_out(
    at_school: School, browser: Browser
) -> None:
    assert rooms(browser.get("/buildings/maple").text) == ["12", "lab"]
    at_school.hears("maple/lab", **WELL)
    assert rooms(browser.get("/buildings/maple").text) == ["12", "lab"]
    short = browser.get("/buildings/maple?only=not-ok").text
    assert rooms(short) == ["12"] and "Show all rooms" in short
    assert 'data-live-part="/buildings/maple/rooms?only=not-ok"' in short
    assert rooms(browser.get("/buildings/maple/rooms?only=not-ok").text) == ["12"]


def test_a_room_with_an_open_hazard_is_not_among_those_that_are_ok(
    at_school: School, browser: Browser
) -> None:
    at_school.hears("maple/lab", temperature_f=70, humidity=40)
    assert 'id="fine"' in browser.get("/buildings/maple").text
    at_school.commands(do="report", building="maple", room="lab", hazard="leaks", role="facilities")
    text = browser.get("/buildings/maple").text
    assert re.search(
        r'id="room-lab" class="room rank-reported" data-live-say="[^"]*a hazard was reported', text
    )
    assert "1 has a reported hazard" in " ".join(text.split())


def test_who_is_not_told_of_hazards_is_not_told_that_all_is_well(at_school: School) -> None:
    for _ in range(7):
        at_school.passes(minutes=10)
        for place in ("maple/12", "maple/lab"):
            at_school.hears(place, **WELL)
    at_school.commands(do="report", building="maple", room="lab", hazard="leaks", role="facilities")
    educator = Browser(at_school)
    educator.enter(Role.EDUCATOR)
    page = educator.get("/buildings/maple").text
    assert "Every room is ok" not in page and "Not ok" not in page and ">Ok:" not in page
    assert "No room is too cold or too hot." in page and "Neither too cold nor too hot: 2" in page
    assert "Hazards that people have reported are not shown to your account." in page
    assert "leak" not in page and "reported hazard" not in page


def test_names_are_in_the_order_in_which_people_count() -> None:
    names = ["Room 10", "Room 2", "gym", "12", "Room 2b", "²", "3"]
    assert sorted(names, key=natural) == ["3", "12", "gym", "Room 2", "Room 2b", "Room 10", "²"]


def test_a_room_shows_its_values_with_units_its_age_and_its_open_ticket(
    at_school: School, browser: Browser
) -> None:
    page = browser.get("/buildings/maple").text
    shown = room(page, "12")
    for words in ("Cold ! too cold", "Heat ✓ ok", "55.5 °F", "40 % humidity"):
        assert words in shown
    assert "heat index" not in shown, "of a room that is cold it says nothing"
    at_school.hears("maple/lab", **WELL)
    assert "heat index" in room(browser.get("/buildings/maple").text, "lab")
    assert "5 min ago ; too cold since" in shown and "Ticket, too cold: open" in shown
    assert '<a class="name" href="/history?building=maple&amp;room=12">' in page


def test_a_room_that_is_still_cold_says_so_when_its_ticket_was_closed(
    at_school: School, browser: Browser
) -> None:
    before = browser.get(f"/tickets/{at_school.ids[1]}").text
    assert "This room is still in breach: once the ticket is closed nobody is reminded of it" in before
    assert "no open ticket" not in browser.get("/buildings/maple").text
    at_school.commands(do="close", ticket=at_school.ids[1], note="out of use", role="facilities")
    page = browser.get("/buildings/maple").text
    assert "Still beyond the limit with no open ticket: its ticket was closed" in room(page, "12")
    assert f'<a href="/tickets/{at_school.ids[1]}">its ticket</a>' in page
    at_school.commands(do="reopen", ticket=at_school.ids[1], note="in use again", role="facilities")
    assert "no open ticket" not in browser.get("/buildings/maple").text


def test_a_breach_that_waits_for_work_hours_says_when_its_ticket_opens(
    at_school: School, browser: Browser, tmp_path: Path
) -> None:
    today = at_school.now.date()
    first, last, end = (today + timedelta(days=days) for days in (-2, 2, 200))
    held = f'''[[rules]]
outside_work_hours = "hold"
[calendar]
work_year = [{first}, {end}]
work_hours = "00:00-23:59"
work_days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
closed = ["{first}..{last}"]
'''
    (tmp_path / "held.toml").write_text(SITE.replace("[[buildings]]", held + "[[buildings]]", 1))
    site = read_site([tmp_path / "held.toml"], {}, faults := [])
    assert site is not None, faults
    at_school.site = site
    at_school.hears("maple/lab", temperature_f=55.5, humidity=40)
    shown = room(browser.get("/buildings/maple").text, "lab")
    assert "No ticket is open for this yet: one opens when work begins" in shown
    assert f"{last + timedelta(days=1):%b}" in shown


def test_what_was_never_heard_and_what_counts_no_longer_look_unlike_ok(
    at_school: School, browser: Browser
) -> None:
    assert "Cold ? unknown Heat ? unknown No reading never heard" in room(
        browser.get("/buildings/maple").text, "lab"
    )
    at_school.hears("maple/lab", ago=16 * MINUTE, **WELL)
    page = browser.get("/buildings/maple").text
    assert "1 has no reading since " in lead(page)
    assert "No reading since " in room(page, "lab") and "16 min ago" in room(page, "lab")
    at_school.hears("maple/lab", ago=14 * MINUTE, **WELL)
    assert "70.0 °F" in room(browser.get("/buildings/maple").text, "lab"), "it counts for 15 minutes"


def test_what_falls_due_next_stands_above_with_the_time_left(at_school: School, browser: Browser) -> None:
    page = browser.get("/buildings/maple").text
    assert f'<a href="/tickets/{at_school.ids[1]}">24-hour relief: <bdi>Room 12</bdi>, too cold' in page
    assert "23 h 55 min left" in page and "1 open ticket</a>" in page
    at_school.passes(hours=24)
    page = browser.get("/buildings/maple").text
    assert "1 overdue" in page and "5 min late</time>" in page
    relief = {"do": "relieve", "tier": "mitigation", "note": "a heater", "role": "facilities"}
    at_school.commands(ticket=at_school.ids[1], **relief)
    page = browser.get("/buildings/maple").text
    assert "Immediate relief (2 weeks): <bdi>Room 12</bdi>" in page and "overdue" not in page


def test_the_electricity_is_told_with_since_when_and_by_whom(at_school: School, browser: Browser) -> None:
    assert "nothing here has told of it" in browser.get("/buildings/maple").text
    at_school.hears("maple/ups", ago=3 * MINUTE, mains=True)
    page = browser.get("/buildings/maple").text
    assert "1 witness" in page and "<bdi>ups</bdi>" in page
    at_school.hears("maple/ups", ago=MINUTE, mains=False)
    assert lead(browser.get("/buildings/maple").text).startswith("The electricity is out since ")


def test_who_may_not_read_tickets_is_shown_none(at_school: School) -> None:
    educator = Browser(at_school)
    educator.enter(Role.EDUCATOR, "maple")
    for path in ("/buildings/maple", "/buildings/maple/rooms"):
        page = educator.get(path).text
        assert "too cold" in page and "/tickets" not in page and "Due next" not in page


def test_a_room_whose_messages_are_held_back_says_until_when_and_by_whom(
    at_school: School, browser: Browser
) -> None:
    until = (at_school.now + timedelta(hours=2)).isoformat()
    at_school.commands(
        do="shelve", building="maple", room="12", until=until, note="boiler is mended", role="facilities"
    )
    assert "Messages held back until" in room(browser.get("/buildings/maple").text, "12")


def test_a_page_is_loaded_anew_each_minute_where_no_script_runs(browser: Browser) -> None:
    for path in ("/buildings/maple", "/district"):
        assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in browser.get(path).text
