"""Somebody reports a problem: with a login and, where the site allows it, without one."""

import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_network
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from safetyd.core.model import Hazard, Role
from safetyd.store import accounts, schema
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.view import view
from safetyd.web.pages.hazards import GROUPS
from safetyd.web.pages.once import Once, Pace, new_key
from safetyd.web.pages.reporting import FEW, FILES_A_DAY, IN_A_FLOOD, PER_ADDRESS, PER_BUILDING, WITHIN_S
from tests.web.school import Answer, Browser, School, school
from tests.web.writer import writer

NETWORK = "192.0.2.0/24"
PHONE = ("192.0.2.55", 50_000)
OUTSIDE = ("198.51.100.4", 50_000)
PHOTO = ("photo", "wall.jpg", b"\xff\xd8\xff not really a picture")
LEAK = {"room": "lab", "what": "leaks", "note": "drips on the desk"}


@pytest.fixture
def open_school(at_school: School) -> Iterator[School]:
    """A school whose own network is open for reports, with the writer at work."""
    at_school.site = replace(at_school.site, reports_from=(ip_network(NETWORK),))
    with writer(at_school):
        yield at_school


def form(browser: Browser, building: str = "maple", room: str = "lab") -> dict[str, str]:
    """Return what stands in the form as it is shown."""
    answer = browser.get(f"/report?building={building}&room={room}")
    assert answer.status == 200, answer.text
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))


def send(browser: Browser, said: dict[str, str], *files: tuple[str, str, bytes], **form_of: str) -> Answer:
    return browser.post_files("/report", {"unit": "F", **form(browser, **form_of), **said}, files)


def outcome(browser: Browser, answer: Answer) -> str:
    """Return what became of a report, as plain words."""
    assert answer.status == 303, re.sub("<[^>]+>", " ", answer.text)
    shown = browser.get(answer.headers["location"])
    assert shown.status == 200
    return " ".join(re.sub("<[^>]+>", " ", shown.text).split())


def tickets(school: School) -> list[dict[str, Any]]:
    with closing(open_for_reading(school.url)) as connection:
        now = view(connection, school.site, "safetyd", school.now)
        return [now.ticket(id) for id in sorted(now.world.tickets)]


def on_record(school: School) -> tuple[int, ...]:
    tables = (schema.inbox, schema.history, schema.reading, schema.ticket, schema.refused)
    with closing(open_for_reading(school.url)) as connection:
        return tuple(
            connection.execute(select(func.count()).select_from(each)).scalar() or 0 for each in tables
        )


# with a login


def test_an_educator_reports_a_leak_and_is_told_what_happens_next(open_school: School) -> None:
    browser = Browser(open_school, OUTSIDE)
    browser.enter(Role.EDUCATOR, "maple")
    words = outcome(browser, send(browser, LEAK))
    (leak,) = [each for each in tickets(open_school) if each["hazard"] == "leaks"]
    assert (leak["building"], leak["room"]) == ("maple", "lab")
    (row,) = leak["history"]
    assert (row["by"], row["note"]) == (browser.account.name, "drips on the desk")
    assert "Your report is on record" in words and leak["id"] in words
    assert "It has opened a ticket" in words and "Told now: administrator, facilities" in words
    assert "Immediate relief (2 weeks) is due by" in words


def test_a_ticket_is_a_link_for_who_may_see_it(open_school: School) -> None:
    for role, is_link in ((Role.EDUCATOR, False), (Role.FACILITIES, True)):
        browser = Browser(open_school)
        browser.enter(role, "maple")
        shown = browser.get(send(browser, LEAK).headers["location"]).text
        assert ('href="/tickets/' in shown) is is_link


def test_the_room_of_the_code_is_filled_in(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    assert '<option value="lab" selected>' in browser.get("/report?building=maple&room=lab").text
    assert " selected>lab" not in browser.get("/report?building=maple&room=nowhere").text
    assert "In which building?" in browser.get("/report").text
    assert browser.get("/report?building=nowhere").status == 400


def test_a_reading_by_hand_below_the_limit_opens_a_ticket_and_one_at_it_does_not(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    said = {"what": "cold", "room": "lab", "humidity": "40 %", "instrument": "psychrometer 3"}
    words = outcome(browser, send(browser, {**said, "temperature": "60"}))
    assert "It has opened no ticket" in words
    words = outcome(browser, send(browser, {**said, "temperature": "15,5", "unit": "C"}))
    assert "It has opened a ticket" in words and "24-hour relief is due by" in words
    (cold,) = [each for each in tickets(open_school) if each["room"] == "lab"]
    assert cold["condition"] == "cold" and cold["worst"]["value"] == pytest.approx(59.9)


def test_a_heat_index_counts_as_the_instrument_shows_it(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    said = {"what": "hot", "room": "lab"}
    assert "no ticket" in outcome(browser, send(browser, {**said, "heat_index": "85"}))
    assert "has opened a ticket" in outcome(browser, send(browser, {**said, "heat_index": "85.1"}))
    assert "open for this already" in outcome(
        browser, send(browser, {**said, "heat_index": "30", "unit": "C"})
    )


def test_a_written_notice_goes_with_a_report_or_stands_alone(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    words = outcome(browser, send(browser, {**LEAK, "written": "yes"}))
    assert "Your written notice (9.14.4.A)" in words and "Not on record" not in words
    notice = {"room": "12", "what": "notice", "condition": "cold", "note": "we sit in coats"}
    words = outcome(browser, send(browser, notice))
    cold = next(each for each in tickets(open_school) if each["room"] == "12")
    assert cold["duties"][0]["proofs"][0]["words"] == "we sit in coats" and "open for this already" in words
    location = {"room": "12", "what": "location", "location": "library"}
    outcome(browser, send(browser, location))
    assert [row["event"] for row in tickets(open_school)[1]["history"]][-2:] == ["notice", "location"]


def test_a_notice_of_what_has_no_ticket_is_refused_in_its_words(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    before = on_record(open_school)
    answer = send(browser, {"room": "lab", "what": "notice", "condition": "heat", "note": "<b>hot</b>"})
    assert answer.status == 409 and "no ticket of maple/lab is open" in answer.text
    assert "&lt;b&gt;hot&lt;/b&gt;" in answer.text, "what was typed is still there"
    assert on_record(open_school)[1:4] == before[1:4]


def test_a_photo_is_on_record_with_the_ticket_or_it_is_said_why_not(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    assert "Your photo" in outcome(browser, send(browser, LEAK, PHOTO))
    leak = next(each for each in tickets(open_school) if each["hazard"] == "leaks")
    noted = leak["history"][-1]
    assert noted["attachments"][0]["name"] == "wall.jpg" and noted["by"] == browser.account.name
    said = {"what": "cold", "room": "lab", "temperature": "70", "humidity": "40"}
    words = outcome(browser, send(browser, said, PHOTO))
    assert "Not on record: Your photo: a photo goes with a ticket, and this opened none" in words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"what": ""}, "choose what is wrong"),
        ({"what": "leak"}, "did you mean"),
        ({"room": ""}, "choose where it is"),
        ({"room": "cellar"}, "no room of maple"),
        ({"what": "cold"}, "write what was measured"),
        ({"what": "cold", "temperature": "50"}, "humidity: a reading counts with temperature and humidity"),
        ({"what": "hot", "humidity": "50"}, "temperature: a reading counts with temperature and humidity"),
        ({"what": "cold", "temperature": "warm", "humidity": "40"}, "is no number"),
        ({"what": "cold", "temperature": "1e5", "humidity": "40"}, "is no number"),
        ({"what": "cold", "temperature": "50", "humidity": "40", "unit": "K"}, "neither F nor C"),
        ({"what": "cold", "temperature": "50", "humidity": "40", "room": "*"}, "needs its room"),
        ({"what": "cold", "temperature": "900", "humidity": "40"}, "900"),
        ({"what": "hot", "heat_index": "161"}, "beyond what an instrument shows"),
        ({"what": "notice", "condition": "x"}, "what the notice is of"),
        ({"what": "notice", "condition": "cold", "note": "  "}, "a written notice says what is wrong"),
        ({"written": "yes", "note": ""}, "it is also your written notice"),
        ({"what": "location"}, "write where you work now"),
        ({"note": "x" * 4001}, "say it shorter"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_on_record(
    open_school: School, said: dict[str, str], words: str
) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    before = on_record(open_school)
    answer = send(browser, {**LEAK, **said})
    assert answer.status in (400, 409) and words in answer.text, answer.text
    assert on_record(open_school)[1:4] == before[1:4]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"what": "cold", "temperature": "55"}, "humidity"),
        ({"what": "hot", "humidity": "55"}, "temperature"),
        ({"what": "notice", "condition": "cold", "note": ""}, "note"),
    ],
)
def test_what_is_refused_is_said_by_its_field(open_school: School, said: dict[str, str], field: str) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    assert "needed with the temperature" in browser.get("/report?building=maple").text
    page = send(browser, {**LEAK, **said}).text
    assert page.count("aria-invalid") == page.count('class="fault"') == 1
    found = re.search(rf'<\w+ id="{field}" [^>]*aria-describedby="([^"]*)"[^>]*>', page)
    assert found and f"{field}-fault" in found[1].split() and 'aria-invalid="true"' in found[0]


def test_a_file_that_will_not_do_is_refused_before_anything_is_on_record(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    before = on_record(open_school)
    for files in (
        [("photo", "a.jpg", b"")],
        [("photo", "a.jpg", b"<html>")],
        [("photo", f"{n}.jpg", b"x") for n in range(6)],
    ):
        answer = send(browser, LEAK, *files)
        assert answer.status == 400 and "photo" in answer.text
    assert on_record(open_school) == before


def test_a_double_tap_makes_one_report_and_both_see_it(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    said = {**form(browser), **LEAK}
    before = on_record(open_school)[0]
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda _: browser.post_files("/report", said, [PHOTO]), range(2)))
    answers.append(browser.post_files("/report", said, [PHOTO]))
    assert {each.headers["location"] for each in answers} == {f"/report/sent?once={said['once']}"}
    assert on_record(open_school)[0] == before + 2, "the report and its photo"


def test_what_was_refused_may_be_mended_in_the_same_form(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    said = {**form(browser), **LEAK}
    assert browser.post_files("/report", {**said, "room": ""}).status == 400
    assert browser.post_files("/report", said).status == 303


def test_a_report_needs_its_own_form(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR)
    said = {**form(browser), **LEAK}
    before = on_record(open_school)
    assert browser.post_files("/report", {**said, "token": "0" * 64}).status == 403
    assert browser.post_files("/report", said, (), {"sec-fetch-site": "cross-site"}).status == 403
    assert browser.post_files("/report", {**said, "once": "1"}).status == 400
    assert on_record(open_school) == before


def test_nobody_reports_on_a_building_that_is_not_theirs(open_school: School) -> None:
    browser = Browser(open_school)
    browser.enter(Role.EDUCATOR, "cedar")
    assert browser.get("/report?building=maple").status == 400
    assert (
        browser.post_files("/report", {**form(browser, "cedar"), **LEAK, "building": "maple"}).status == 400
    )


def test_what_nobody_answers_yet_is_said_so_and_carried_out_later(at_school: School) -> None:
    at_school.application.inbox.patience_s = 0.1
    browser = Browser(at_school)
    browser.enter(Role.EDUCATOR)
    words = outcome(browser, send(browser, LEAK, PHOTO))
    assert "Your report was sent" in words and "Do not send it again" in words and "Photos: nobody" in words
    assert len(tickets(at_school)) == 2
    with writer(at_school):
        at_school.application.inbox.patience_s = 15.0
        send(browser, {**LEAK, "what": "pests"})
    assert {each["hazard"] for each in tickets(at_school)} == {None, "leaks", "pests"}


# without one


def test_without_a_word_in_the_site_file_everybody_is_led_to_the_login(at_school: School) -> None:
    for address in (PHONE, ("127.0.0.1", 1), OUTSIDE):
        browser = Browser(at_school, address)
        answer = browser.get("/report?building=maple&room=12")
        assert (answer.status, answer.headers["location"]) == (
            303,
            "/login?then=/report%3Fbuilding%3Dmaple%26room%3D12",
        )
        said = {"building": "maple", "once": new_key(), "name": "Jo Park", **LEAK}
        assert browser.post_files("/report", said).headers["location"] == "/login?then=/report"
    assert on_record(at_school)[0] == 0


def test_on_the_buildings_network_a_name_is_enough_and_it_is_marked(open_school: School) -> None:
    browser = Browser(open_school, PHONE)
    words = outcome(browser, send(browser, {**LEAK, "name": "Jo Park", "written": "yes"}, PHOTO))
    leak = next(each for each in tickets(open_school) if each["hazard"] == "leaks")
    assert {row["by"] for row in leak["history"]} == {"Jo Park (not logged in)"}
    assert leak["history"][1]["role"] == "educator"
    assert "Jo Park (not logged in)" in words and "Immediate relief (2 weeks) is due by" in words
    assert leak["id"] not in words, "who may not see tickets is not told of their numbers"


def test_everything_else_stays_behind_the_login(open_school: School) -> None:
    browser = Browser(open_school, PHONE)
    for path in ("/", "/buildings/maple", "/report/sheet", "/account"):
        assert browser.get(path).headers["location"].startswith("/login"), path
    for path in ("/api/v1/tickets", "/api/v1/rooms", "/metrics", "/live"):
        assert browser.get(path).status == 401, path


def test_one_buildings_network_is_no_other_buildings(at_school: School) -> None:
    maple, cedar = at_school.site.buildings
    own = replace(maple, reports_from=(ip_network(NETWORK),))
    at_school.site = replace(at_school.site, buildings=(own, cedar))
    browser = Browser(at_school, PHONE)
    assert "Report a problem in <bdi>maple" in browser.get("/report").text
    assert browser.get("/report?building=cedar").headers["location"].startswith("/login")
    said = {**form(browser), **LEAK, "name": "Jo Park", "building": "cedar"}
    assert browser.post_files("/report", said).status == 400
    assert on_record(at_school)[0] == 0


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 101, "Jo\nPark", "safetyd", "Jo\u202ePark", "Jo\0", "Jo (Not  logged in)"]
)
def test_without_a_name_nothing_is_taken(open_school: School, name: str) -> None:
    browser = Browser(open_school, PHONE)
    answer = send(browser, {**LEAK, "name": name})
    assert answer.status == 400 and "your name: " in answer.text
    assert on_record(open_school)[0] == 0


def test_nobody_acts_as_somebody_who_has_an_account(open_school: School) -> None:
    with closing(open_for_writing(open_school.url)) as connection:
        for name in ("Ann Lee", "Bo (not logged in)"):
            accounts.add(connection, name, Role.ADMINISTRATOR, (), "not used", open_school.now)
    browser = Browser(open_school, PHONE)
    outcome(browser, send(browser, {**LEAK, "name": "Ann Lee"}))
    leak = next(each for each in tickets(open_school) if each["hazard"] == "leaks")
    assert leak["history"][0]["by"] == "Ann Lee (not logged in)"
    answer = send(browser, {**LEAK, "name": "bo"})
    assert answer.status == 400 and "cannot be told from somebody else" in answer.text


def test_who_comes_too_often_is_told_how_long_and_to_telephone(open_school: School) -> None:
    browser = Browser(open_school, PHONE)
    said = {**form(browser), **LEAK, "name": "Jo Park", "room": ""}
    assert {browser.post_files("/report", said).status for _ in range(PER_ADDRESS)} == {400}
    answer = browser.post_files("/report", {**said, "room": "lab"})
    assert answer.status == 429 and 0 < int(answer.headers["retry-after"]) <= WITHIN_S + 1
    assert "send it again in 10 min" in answer.text and "telephone the office" in answer.text
    assert on_record(open_school)[0] == 0
    other = Browser(open_school, ("192.0.2.56", 1))
    assert other.post_files("/report", {**said, "room": "lab"}).status == 303
    browser.enter(Role.EDUCATOR)
    assert send(browser, LEAK).status == 303, "who is logged in answers for it"


def test_a_building_is_not_flooded_and_a_few_telephones_do_not_silence_the_others(
    open_school: School,
) -> None:
    said = {**form(Browser(open_school, PHONE)), **LEAK, "name": "Jo Park", "what": "nonsense"}

    def status(number: int) -> int:
        browser = Browser(open_school, (f"192.0.{2 + number // 256}.{number % 256}", 1))
        return browser.post_files("/report", {**said, "once": new_key()}).status

    open_school.site = replace(open_school.site, reports_from=(ip_network("192.0.0.0/16"),))
    flood = [status(number) for number in (1, 2, 3) for _ in range(PER_ADDRESS)]
    assert flood == [400] * PER_BUILDING
    assert [status(4) for _ in range(FEW + 1)] == [400] * FEW + [429]
    told = [status(number) for number in range(5, 5 + IN_A_FLOOD)]
    assert told.count(400) == IN_A_FLOOD - 4 * FEW and told[-1] == 429
    answer = Browser(open_school, PHONE).post_files("/report", said)
    assert answer.status == 429 and "telephone the office" in answer.text and "Jo Park" in answer.text


def test_photos_of_strangers_do_not_fill_the_disk_and_their_reports_are_heard(open_school: School) -> None:
    photos = [("photo", f"{n}.jpg", b"\xff\xd8\xff" + bytes([n])) for n in range(5)]

    def shown(number: int) -> str:
        browser = Browser(open_school, (f"192.0.2.{number}", 1))
        said = {**form(browser), **LEAK, "name": "Jo Park"}
        return outcome(browser, browser.post_files("/report", said, photos))

    told = [shown(number) for number in range(1, 2 + FILES_A_DAY // 5)]
    assert ["came within a day" in each for each in told] == [False] * (FILES_A_DAY // 5) + [True]


# the parts


def test_every_class_of_hazard_may_be_chosen_once() -> None:
    offered = [each.value for group in GROUPS for each in group.choices]
    assert len(offered) == len({*offered}) and {*Hazard} <= {*offered}


def test_a_pace_counts_what_lies_within_its_time() -> None:
    now = [0.0]
    pace = Pace(2, 60.0, lambda: now[0])
    pace.note("a")
    now[0] = 10.0
    pace.note("a")
    assert pace.wait("a") == 50.0 and pace.wait("b") == 0.0
    now[0] = 60.0
    assert pace.wait("a") == 0.0


def test_an_answer_is_remembered_for_a_day(at_school: School) -> None:
    now, done = [0.0], []
    once: Once[int] = Once(lambda: now[0])

    async def work() -> int:
        done.append(1)
        return len(done)

    async def ask() -> int:
        return await once.answer("key", work)

    assert [at_school.call(ask), at_school.call(ask)] == [1, 1]
    now[0] = 24 * 3600 - 1
    assert at_school.call(ask) == 1 == once.known("key")
    now[0] = 24 * 3600
    assert once.known("key") is None and at_school.call(ask) == 2


# anything at all

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "\0",
            "<script>",
            "{{ 7*7 }}",
            "'; --",
            "*",
            "\u202e",
            "٣",
            "-0",
            "1e999",
            "9" * 400,
            "\ud83d",
            "a\udfffb",
        ]
    ),
    st.text(st.sampled_from("0123456789.,-+ °%"), max_size=9),
)
FIELDS = ["name", "room", "what", "temperature", "unit", "humidity", "heat_index", "instrument"]
FIELDS += ["condition", "location", "note", "written", "once", "building", "token", "x\0y", "attach"]
LIKELY = {
    "name": st.just("Jo Park"),
    "room": st.sampled_from(["12", "lab", "*"]),
    "what": st.sampled_from([each.value for group in GROUPS for each in group.choices]),
    "unit": st.sampled_from(["F", "C"]),
    "condition": st.sampled_from(["cold", "heat", "outage", "hazard"]),
    "building": st.just("maple"),
    "temperature": st.integers(-20, 120).map(str),
    "humidity": st.integers(-1, 104).map(str),
    "heat_index": st.one_of(st.just(""), st.integers(25, 165).map(str)),
}
FREE = {name: TEXTS for name in ("note", "instrument", "location")}
SOUND = st.fixed_dictionaries(
    {"once": st.builds(new_key), **LIKELY}, optional={**FREE, "written": st.just("yes")}
)
ODD = st.dictionaries(st.sampled_from(FIELDS), TEXTS, max_size=2)
ADDRESSES = count()  # one after the other, or an address that is drawn often is told to wait
FORMS = st.builds(lambda said, odd, is_odd: {**said, **(odd if is_odd else {})}, SOUND, ODD, st.booleans())


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with school(tmp_path_factory.mktemp("fuzzed")) as made:
        made.site = replace(made.site, reports_from=(ip_network(NETWORK),))
        with writer(made):
            yield made


def check(school: School, browser: Browser, caplog: pytest.LogCaptureFixture, said: dict[str, str]) -> None:
    before = on_record(school)
    with caplog.at_level(logging.ERROR):
        answer = browser.post_files("/report", {"building": "maple", **said})
    after = on_record(school)
    event(f"{answer.status:d}")
    assert answer.status in (303, 400, 403, 409), answer.text
    assert not caplog.records
    if answer.status == 303:
        assert after[0] > before[0]
        assert browser.get(answer.headers["location"]).status == 200
    else:
        assert after[1:4] == before[1:4]
        assert after[0] == before[0] or answer.status == 409, "refused here, it is not left in the inbox"


@given(said=FORMS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_taken_whole_or_refused_whole(
    fuzzed: School, caplog: pytest.LogCaptureFixture, said: dict[str, str]
) -> None:
    browser = Browser(fuzzed)
    browser.enter(Role.EDUCATOR)
    check(fuzzed, browser, caplog, {"token": browser.token(), **said})


@given(said=FORMS)
@settings(
    max_examples=PER_BUILDING - 10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_and_so_it_is_without_a_login(
    fuzzed: School, caplog: pytest.LogCaptureFixture, said: dict[str, str]
) -> None:
    check(fuzzed, Browser(fuzzed, (f"192.0.2.{next(ADDRESSES) % 250 + 1}", 1)), caplog, said)
