"""Nothing that is shown leaks the name of an educator who reported: every GET, by every role."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import unquote

import pytest

from safetyd.core.model import Hazard, Role
from safetyd.service import Service
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.web.pages.table import PAGES
from safetyd.web.routes import ROUTES
from tests.web.school import Browser, School, school
from tests.web.writer import writer

KNOWN, STRANGER = "Quillan Osprey", "Wrenna O'Tully"
MARKED = f"{STRANGER} (not logged in)"
SEE = {Role.ADMINISTRATOR, Role.DISTRICT, Role.ASSOCIATION}
PHONE = ("192.0.2.55", 50_000)
PHOTOS = [
    ("photo", f"{KNOWN} lab.jpg", b"\xff\xd8\xff"),
    ("photo", "said.txt", f"{KNOWN} says that it drips".encode()),
]
KINDS = [
    {"room": "lab", "what": "cold", "temperature": "50", "humidity": "40", "written": "yes", "note": "coats"},
    {"room": "lab", "what": "hot", "heat_index": "95", "instrument": "psychrometer"},
    {"room": "12", "what": "cold", "temperature": "66", "humidity": "40"},
    *({"room": "12", "what": each.value, "note": f"it is {each}", "written": "yes"} for each in Hazard),
    {"room": "lab", "what": "notice", "condition": "cold", "note": "as said"},
    {"room": "lab", "what": "location", "location": "library"},
]


def logged_in(school: School, name: str, role: Role, *buildings: str) -> Browser:
    browser = Browser(school, PHONE)
    with closing(open_for_writing(school.url)) as connection:
        if name not in [each.name for each, _ in accounts.everybody(connection)]:
            accounts.add(connection, name, role, buildings, "not used", school.now)
        number = accounts.named(connection, name).number
        browser.let_in(sessions.begin(connection, number, school.now))
    return browser


def report(browser: Browser, said: dict[str, str], building: str = "maple") -> None:
    shown = browser.get(f"/report?building={building}").text
    own = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown))
    answer = browser.post_files("/report", {"unit": "F", **own, **said}, PHOTOS)
    assert answer.status == 303, answer.text
    assert browser.get(answer.headers["location"]).status == 200


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """Reports of every kind, by who is logged in and by who is not; and what was told of them."""
    with school(tmp_path_factory.mktemp("planted")) as made:
        made.site = replace(made.site, reports_from=(ip_network("192.0.2.0/24"),))
        educator = logged_in(made, KNOWN, Role.EDUCATOR)
        with writer(made):
            for said in KINDS:
                report(educator, said)
                report(Browser(made, PHONE), {**said, "name": STRANGER})
            report(educator, {"room": "1", "what": "leaks", "note": "alone"}, "cedar")
            power = {"do": "report", "building": "maple", "room": None, "mains": False}
            for name in (KNOWN, MARKED):
                made.carry_out({**power, "by": name, "role": "educator"})
        with closing(open_for_writing(made.url)) as connection:
            later = made.now + timedelta(hours=3)
            service = Service(connection, made.site, "safetyd", made.now + timedelta(minutes=2))
            service.elapse(later)
            service.commit(later)
        yield made


def paths(school: School) -> Iterator[str]:
    with closing(open_for_reading(school.url)) as connection:
        ids = Service(connection, school.site, "safetyd", school.now).world.tickets
        attached = "SELECT ticket, sha256 FROM attached JOIN history ON history.id = attached.history"
        files = connection.exec_driver_sql(attached).fetchall()
    place = "?building=maple&room=lab"
    needed = {"readings": place, "explanation": place}
    for each in [*ROUTES, *PAGES]:
        if each.method == "GET" and each.path != "/live":
            for id in ids if "{id}" in each.path else [""]:
                yield school.path_of(each.path.replace("{id}", id)) + needed.get(each.name, "")
    yield from ("/account", "/report?building=maple", "/report", "/report/sent", "/login")
    yield "/report/sheet?building=maple"
    yield from (f"/tickets/{id}/files/{hash}" for id, hash in files)


@pytest.mark.parametrize("role", Role)
def test_the_name_is_seen_only_where_it_may_be(planted: School, role: Role) -> None:
    browser = logged_in(planted, f"Somebody {role}", role)
    token = planted.token(role, name=f"Some program {role}")
    seen = []
    for path in paths(planted):
        answers = [browser.get(path), planted.ask(path, token)]
        told = [f"{unquote(str(each.headers))} {each.text}" for each in answers]
        seen += [
            path for each in told if any(name in each for name in ("Quillan", "Osprey", "Wrenna", "Tully"))
        ]
    assert bool(seen) is (role in SEE), seen


def test_a_file_that_holds_it_is_kept_back_and_another_is_given(planted: School) -> None:
    facilities, district = (
        logged_in(planted, f"A {each}", each) for each in (Role.FACILITIES, Role.DISTRICT)
    )
    files = {each for each in paths(planted) if "/files/" in each}  # one of them of some tickets only
    found = [(facilities.get(each), district.get(each)) for each in sorted(files)]
    assert {(kept.status, given.status) for kept, given in found} == {(200, 200), (403, 200), (404, 404)}
    assert any("the name of somebody who reported stands in it" in kept.text for kept, _ in found)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.FACILITIES])
def test_it_stands_in_rows_and_proofs_or_an_educator_does(planted: School, role: Role) -> None:
    token = planted.token(role, name=f"Reader {role}")
    found = planted.ask("/api/v1/tickets?limit=200", token).json["tickets"]
    whole = [planted.ask(f"/api/v1/tickets/{each['id']}", token).json for each in found]
    is_named = role is Role.ADMINISTRATOR
    for name in (KNOWN, MARKED):
        mark = " (not logged in)" if name == MARKED else ""
        wanted = name if is_named else f"an educator{mark}"
        rows = [row for each in whole for row in each["history"]]
        assert {row["by"] for row in rows if row["event"] == "notice"} >= {wanted}
        assert any(wanted in json.dumps(each["duties"], ensure_ascii=False) for each in whole)
        assert any(row["by"] == wanted and row.get("attachments") for row in rows)
    told = [notice["text"] for each in whole for notice in each["notices"]]
    assert any("Note: alone" in text for text in told), told
    assert not any(name in text for name in (KNOWN, MARKED) for text in told), "a notice names nobody"


def test_everybody_sees_their_own_name_and_no_other(planted: School) -> None:
    educator = logged_in(planted, KNOWN, Role.EDUCATOR)
    shown = educator.get("/account").text
    assert KNOWN in shown and "Wrenna" not in shown


def test_reports_left_meanwhile_are_known_at_the_next_look(planted: School) -> None:
    token = planted.token(Role.FACILITIES, name="A late reader")
    assert "Tarquin" not in planted.ask("/api/v1/tickets", token).text
    with writer(planted):
        planted.carry_out(
            {"do": "report", "building": "maple", "room": "12", "hazard": "pests", "by": "Tarquin Abel"}
        )
    text = planted.ask("/api/v1/tickets?limit=200", token).text
    assert "Tarquin" not in text and "an educator" in text
    assert "Tarquin" in planted.ask("/api/v1/tickets?limit=200", planted.token(Role.DISTRICT)).text
