"""The evidence packet from the ticket's page and by the API: for whom, and with whose names."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from safetyd.core.model import Role
from safetyd.store import inbox
from safetyd.store.database import open_for_writing
from tests.evidence.packets import Told, parts_of
from tests.web.school import Answer, Browser, School

EDUCATOR = "Zoë Quill"
API = "/api/v1/tickets"


@pytest.fixture
def at_school(at_school: School) -> School:
    """A school where an educator has put a notice on record."""
    said = {"do": "report", "by": EDUCATOR, "role": "educator"}
    at_school.commands(**said, building="maple", room="12", notice="cold", note="coats on")
    with closing(open_for_writing(at_school.url)) as connection:
        inbox.leave(connection, json.dumps(said), at_school.now)
    return at_school


def ticket(school: School) -> str:
    return school.ids[1]


def browser(school: School, role: Role, *buildings: str) -> Browser:
    found = Browser(school)
    found.enter(role, *buildings)
    return found


def is_named(answer: Answer) -> bool:
    return any(EDUCATOR.encode() in each for each in parts_of(answer.body).values())


def test_who_reads_a_ticket_may_have_its_packet_which_is_sound(at_school: School, tmp_path: Path) -> None:
    found = browser(at_school, Role.FACILITIES, "maple")
    assert f'href="/tickets/{ticket(at_school)}/evidence"' in found.get(f"/tickets/{ticket(at_school)}").text
    answer = found.get(f"/tickets/{ticket(at_school)}/evidence")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert f"{ticket(at_school)}.zip" in answer.headers["content-disposition"]
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert Told(tmp_path, answer.body).faults == []


def test_names_are_in_it_only_for_who_may_and_only_if_asked_for(at_school: School) -> None:
    here = f"/tickets/{ticket(at_school)}/evidence"
    association = browser(at_school, Role.ASSOCIATION)
    assert not is_named(association.get(here))
    assert is_named(association.get(f"{here}?names=yes"))
    facilities = browser(at_school, Role.FACILITIES)
    assert not is_named(facilities.get(here))
    assert facilities.get(f"{here}?names=yes").status == 403
    assert "names of educators" not in facilities.get(f"/tickets/{ticket(at_school)}").text


def test_an_educator_has_no_packet_and_nobody_that_of_another_building(at_school: School) -> None:
    here = f"/tickets/{ticket(at_school)}/evidence"
    assert browser(at_school, Role.EDUCATOR).get(here).status == 403
    assert browser(at_school, Role.FACILITIES, "cedar").get(here).status == 404
    assert browser(at_school, Role.FACILITIES).get("/tickets/maple-1999-0001/evidence").status == 404


def test_the_api_gives_the_same_packet(at_school: School, tmp_path: Path) -> None:
    token = at_school.token(Role.ADMINISTRATOR)
    answer = at_school.ask(f"{API}/{ticket(at_school)}/evidence", token)
    assert answer.status == 200 and Told(tmp_path, answer.body).faults == []
    page = browser(at_school, Role.ADMINISTRATOR).get(f"/tickets/{ticket(at_school)}/evidence")
    assert page.body == answer.body
    assert not is_named(answer)
    assert is_named(at_school.ask(f"{API}/{ticket(at_school)}/evidence?names=true", token))
    assert at_school.ask(f"{API}/maple-1999-0001/evidence", token).status == 404
    assert at_school.ask(f"{API}/{ticket(at_school)}/evidence?names=maybe", token).status == 400
