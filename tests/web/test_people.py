"""People and plans: who is told of what, who stands in, whether messages arrive, and no address anywhere."""

import re
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from safetyd.core.model import Role
from safetyd.core.plan import NOT_PLANNED, Reason
from safetyd.service import Service
from safetyd.site_people import fingerprint
from safetyd.store import attempts, outbox
from safetyd.store.database import open_for_writing
from safetyd.store.outbox import DeliveryState
from safetyd.trying import carry_out
from safetyd.web.pages.people import AT_ONCE, REASONS, kind_of
from tests.web.school import SITE, Browser, School, left, refile

HOSTILE = "Bo <script>alert(1)</script>"
SECRET = "mailto://bo:hush-hush@mail.example"
PEOPLE = f"""
[[plan]]
steps = [{{ after = "2h", to = ["district"] }}]
[[plan]]
effective = {date.today() + timedelta(days=400)}
opened = ["district"]
[[people]]
name = "Ann Lee"
roles = ["administrator"]
buildings = ["maple"]
notify = ["twilio://AC{"a" * 32}:{"b" * 32}@12025550100/12025550101"]
language = "es"
quiet = "21:00-06:00"
messages_per_hour = 4
[[people]]
name = "{HOSTILE}"
roles = ["facilities"]
notify = ["{SECRET}"]
[[people]]
name = "Cy Moe"
roles = ["safety_committee"]
buildings = ["cedar"]
"""


@pytest.fixture
def peopled(at_school: School) -> School:
    refile(at_school, SITE + PEOPLE)
    return at_school


def enter(school: School, role: Role, *buildings: str) -> Browser:
    browser = Browser(school)
    browser.enter(role, *buildings)
    return browser


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", text))


def test_every_planned_reason_has_its_words() -> None:
    assert set(REASONS) == set(Reason) - set(NOT_PLANNED)


def test_it_says_who_is_told_of_what_and_what_comes_if_nobody_takes_it_up(peopled: School) -> None:
    text = plain(enter(peopled, Role.ASSOCIATION).get("/people").text)
    assert "A ticket is opened ✓ told ✓ told ✓ told – not told – not told" in text
    assert "A ticket is opened because the electricity is out ✓ told ✓ told ✓ told ✓ told – not told" in text
    assert "Any ticket not acknowledged 2 h after its opening: district" in text
    assert "Reminders come at 50 % and 75 % of the time" in text
    assert text.count("in force now") == 1 and text.count("to come") == 1


def test_it_says_who_holds_a_role_who_stands_in_and_where_nobody_is_told(peopled: School) -> None:
    text = plain(enter(peopled, Role.DISTRICT).get("/people").text)
    assert "safety committee Cy Moe (no address)" in text and "nobody is told" in text
    assert "told in es" in text and "quiet from 21:00 to 06:00" in text and "at most 4 messages" in text


def test_an_address_is_known_by_its_kind_and_never_by_itself(peopled: School) -> None:
    for role in Role:
        answer = enter(peopled, role).get("/people")
        assert not any(secret in answer.text for secret in ("hush", "12025550101", "mail.example", "b" * 12))
        is_shown = role in (Role.FACILITIES, Role.ADMINISTRATOR, Role.DISTRICT)
        assert ("<h4>text message</h4>" in answer.text) is is_shown, role
        assert ("Send a test notice" in answer.text) is is_shown, role
        assert ("Who may log in" in answer.text) is (role in (Role.ADMINISTRATOR, Role.DISTRICT)), role
        assert HOSTILE not in answer.text


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("mailtos://x@y.example", "mail"),
        ("sns://key/secret", "text message"),
        ("json://host/secret", "web hook"),
        ("strange://host/secret", "strange"),
    ],
)
def test_the_kind_of_an_address(address: str, kind: str) -> None:
    assert kind_of(address) == kind


def test_what_became_of_the_last_notices_stands_beside_each_address(peopled: School) -> None:
    said = {"do": "test_notice", "person": HOSTILE, "by": "Ann Ruiz", "role": "district"}
    with closing(open_for_writing(peopled.url)) as connection:
        service = Service(connection, peopled.site, "safetyd", peopled.now)
        carry_out(service, said, peopled.now)
        service.commit(peopled.now)
        outbox.mark_done(connection, 1, DeliveryState.GIVEN_UP, peopled.now, "no <b>mailbox</b>")
        attempts.reject(connection, HOSTILE, fingerprint(SECRET), peopled.now, "no <b>mailbox</b>")
        connection.commit()
    text = enter(peopled, Role.FACILITIES).get("/people").text
    assert "refused for good" in text and "no &lt;b&gt;mailbox" in text and "<b>mailbox" not in text
    assert text.count("given up</span>") == 2
    assert "refused for good" not in enter(peopled, Role.SAFETY_COMMITTEE).get("/people").text


def test_who_sees_one_building_sees_its_people_and_accounts_only(peopled: School) -> None:
    enter(peopled, Role.EDUCATOR, "cedar")
    enter(peopled, Role.FACILITIES, "maple")
    text = plain(enter(peopled, Role.ADMINISTRATOR, "maple").get("/people").text)
    assert "Ann Lee" in text and "Cy Moe" not in text
    assert "facilities maple in a browser" in text and "educator cedar in a browser" not in text


def test_a_test_is_left_to_the_writer_in_the_name_of_who_asks(peopled: School) -> None:
    peopled.application.inbox.patience_s = 0
    browser = enter(peopled, Role.FACILITIES)
    answer = browser.submit("/people", "/people/test", {"person": HOSTILE})
    assert (answer.status, answer.headers["location"]) == (303, "/people#told")
    assert left(peopled) == [
        {"do": "test_notice", "person": HOSTILE, "by": browser.account.name, "role": "facilities"}
    ]


@pytest.mark.parametrize("name", ["Cy Moe", "Nobody", ""])
def test_nobody_of_another_building_can_be_tried(peopled: School, name: str) -> None:
    browser = enter(peopled, Role.ADMINISTRATOR, "maple")
    answer = browser.submit("/people", "/people/test", {"person": name})
    assert answer.status == 400 and "nobody here is called" in answer.text
    assert left(peopled) == []


@pytest.mark.parametrize("role", [Role.SAFETY_COMMITTEE, Role.ASSOCIATION, Role.EDUCATOR])
def test_others_may_send_no_test(peopled: School, role: Role) -> None:
    browser = enter(peopled, role)
    said = {"person": "Ann Lee", "token": browser.token()}
    assert browser.post("/people/test", said, {"sec-fetch-site": "same-origin"}).status == 403
    assert left(peopled) == []


@pytest.mark.parametrize(("more", "is_one"), [(AT_ONCE - 2, False), (AT_ONCE - 1, True)])
def test_of_many_buildings_one_is_shown_with_its_people(
    at_school: School, more: int, *, is_one: bool
) -> None:
    others = "".join(f'[[buildings]]\nid = "b{number}"\n' for number in range(more))
    refile(at_school, SITE + others + PEOPLE)
    browser = enter(at_school, Role.DISTRICT)
    page = browser.get("/people").text
    assert ("Ann Lee" in page, "Cy Moe" in page) == (True, not is_one), "the first of them is maple"
    assert page.count('<dl class="card roles">') == (1 if is_one else more + 2)
    cedar = browser.get("/people?building=cedar").text
    assert "Cy Moe" in cedar and "Ann Lee" not in cedar and cedar.count('<dl class="card roles">') == 1
    assert browser.get("/people?building=none").status == 400
    other = enter(at_school, Role.ADMINISTRATOR, "maple")
    refused = other.get("/people?building=cedar")
    assert refused.status == 400 and "Cy Moe" not in refused.text
    assert "Cy Moe" not in other.get("/people").text


def test_somebody_is_shown_with_what_they_are_where(at_school: School) -> None:
    folder = Path(at_school.url.removeprefix("sqlite:///")).parent.parent
    rows = "name,roles,buildings\nDi Ray,administrator,maple\nDi Ray,safety committee,cedar\n"
    (folder / "people.csv").write_text(rows, encoding="utf-8")
    refile(at_school, f'people_csv = "people.csv"\n{SITE}')
    page = plain(enter(at_school, Role.DISTRICT).get("/people").text)
    assert "administrator maple safety committee cedar" in page
    own = plain(enter(at_school, Role.FACILITIES, "cedar").get("/people").text)
    assert "safety committee cedar" in own and "administrator maple" not in own
