"""The tickets as people see them, and what they do with them: as a browser asks, without a network."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import unescape
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.attachment import MOST_A_NOTE, MOST_BYTES
from safetyd.core.closure import ClosureVerb
from safetyd.core.model import Condition, Hazard, Role
from safetyd.core.ticket import TRANSITIONS, Status, Verb
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.store import ledger, outbox
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.store.schema import ticket
from safetyd.view import view
from safetyd.web.access import Right, may
from safetyd.web.content_type import UNKNOWN, content_type
from safetyd.web.pages.ticket_chart import ticket_chart
from safetyd.web.pages.tickets import PAGE
from tests.web.school import PHOTO, Answer, Browser, School
from tests.web.writer import writer

MAPLE, CEDAR = 1, 0  # places of their tickets in `School.ids`
HOUR = timedelta(hours=1)


@pytest.fixture
def browser(at_school: School) -> Browser:
    return Browser(at_school)


@pytest.fixture
def at_work(at_school: School) -> Iterator[School]:
    """The schools, and a writer who carries out what is left for them."""
    with writer(at_school):
        yield at_school


def page_of(school: School, place: int = MAPLE) -> str:
    return f"/tickets/{school.ids[place]}"


def acts_on(page: str) -> set[str]:
    """Return the acts that a page offers a form for."""
    return set(re.findall(r'action="/tickets/[a-z0-9-]+/([a-z_]+)"', page))


def send(browser: Browser, path: str, said: dict[str, str], *files: tuple[str, bytes]) -> Answer:
    """Send a form with files, as a browser does."""
    browser.get("/tickets")
    said = {"token": browser.token(), **said}
    parts = [f'Content-Disposition: form-data; name="{k}"\r\n\r\n{v}'.encode() for k, v in said.items()]
    for name, content in files:
        head = f'Content-Disposition: form-data; name="attach"; filename="{name}"'
        parts.append(f"{head}\r\nContent-Type: image/jpeg\r\n\r\n".encode() + content)
    body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=edge", "content-length": str(len(body))}
    given = headers | browser.cookies | {"sec-fetch-site": "same-origin"}
    return browser.school.ask(path, said=body, headers=given, address=browser.address)


def history(school: School, place: int = MAPLE) -> list[dict[str, object]]:
    with closing(open_for_reading(school.url)) as connection:
        seen = view(connection, school.site, "safetyd", datetime.now(UTC))
        return list(seen.ticket(school.ids[place])["history"])


# the list


def test_the_list_shows_what_somebody_may_see_and_leads_to_it(at_school: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = browser.get("/tickets").text
    assert f'href="{page_of(at_school)}"' in page and "Too cold: <bdi>maple, Room 12" in page
    assert at_school.ids[CEDAR] not in page and "1 ticket." in page
    assert "24-hour relief" in page and "left</time>" in page


@pytest.mark.parametrize("order", ["", "newest"])
def test_page_after_page_shows_every_ticket_once_in_order(
    at_school: School, browser: Browser, order: str
) -> None:
    browser.enter(Role.DISTRICT)
    for number, (room, hazard) in enumerate(product(("12", "lab", None), Hazard)):
        at_school.passes(minutes=number % 2)  # some are of one moment
        at_school.commands(do="report", building="maple", room=room, hazard=hazard, role="facilities")
    with closing(open_for_reading(at_school.url)) as connection:
        made = [ledger.ticket(connection, id) for id in ledger.ticket_ids(connection)]
    hazards = [each for each in made if each is not None and each.hazard is not None]
    for each in hazards[::3]:
        at_school.commands(do="close", ticket=each.id, note="mended")
    closed = {each.id for each in hazards[::3]}
    seen: list[str] = []
    query = f"order={order}" if order else ""
    while True:
        page = browser.get(f"/tickets?{query}").text
        seen += re.findall(r'<span class="number-of">([\w-]+)</span>', page)
        assert f"{len(made)} tickets" in page
        following = re.search(r'rel="next" href="/tickets\?([^"]+)"', page)
        if following is None:
            break
        query = unescape(following[1])
    by_age = sorted((each for each in made if each), key=lambda each: (-each.opened_at.timestamp(), each.id))
    newest = [each.id for each in by_age]
    assert len(seen) == len(set(seen)) == len(made) > PAGE
    if order:
        assert seen == newest
    else:
        owing, rest = seen[: -len(closed)], seen[-len(closed) :]
        assert rest == [id for id in newest if id in closed] and not closed.intersection(owing)
        assert set(owing[:2]) == set(at_school.ids), "24 hours come before two weeks"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {MAPLE, CEDAR}),
        ("building=cedar", {CEDAR}),
        ("status=open", {MAPLE, CEDAR}),
        ("status=standing", {MAPLE, CEDAR}),
        ("status=closed", set()),
        ("condition=cold", {MAPLE, CEDAR}),
        ("condition=heat", set()),
        ("overdue=yes", set()),
        ("text=room+12", {MAPLE}),
        ("text=CEDAR", {CEDAR}),
        ("text=12+cedar", set()),
        ("text=&status=", {MAPLE, CEDAR}),
    ],
)
def test_filters_leave_what_fits_all_of_them(
    at_school: School, browser: Browser, query: str, found: set[int]
) -> None:
    browser.enter(Role.DISTRICT)
    page = browser.get(f"/tickets?{query}").text
    assert {n for n, id in enumerate(at_school.ids) if f'"/tickets/{id}"' in page} == found
    assert ("No ticket is like this" in page) is (not found)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("status=opn", "did you mean &#39;open&#39;"),
        ("condition=wet", "cold, heat, outage, hazard"),
        ("order=up", "urgent, newest"),
        ("building=ocean", "no building is called"),
        ("cursor=maple-1999-0001", "begin the list again"),
    ],
)
def test_a_filter_that_will_not_do_is_named(browser: Browser, query: str, words: str) -> None:
    browser.enter(Role.DISTRICT)
    answer = browser.get(f"/tickets?{query}")
    assert answer.status == 400 and words in answer.text


def test_of_a_long_list_one_page_is_shown_and_the_pages_follow_each_other(
    at_school: School, browser: Browser
) -> None:
    crowd(at_school, 60)
    browser.enter(Role.DISTRICT)
    path, seen = "/tickets?status=closed", []
    for _ in range(3):
        page = browser.get(path).text
        seen += re.findall(r'class="number-of">([^<]+)<', page)
        after = re.search(r'rel="next" href="([^"]+)"', page)
        path = after[1].replace("&amp;", "&") if after else ""
    assert path == "" and len(seen) == len(set(seen)) == 60
    assert all(a > b for a, b in pairwise(seen)), "the newest first"
    assert "62 tickets" in browser.get("/tickets").text


def crowd(school: School, count: int) -> None:
    """Put tickets on record that are closed."""
    with closing(open_for_writing(school.url)) as connection:
        for number in range(2, count + 2):
            id = f"maple-{at_year(school)}-{number:04d}"
            text = "SELECT status, body, opened_at FROM ticket WHERE id = ?"
            _, body, opened_at = connection.exec_driver_sql(text, (school.ids[MAPLE],)).one()
            said = json.loads(body) | {"id": id, "status": "closed"}
            opened = datetime.fromisoformat(said["opened_at"]) - timedelta(days=70) + number * HOUR
            said["opened_at"] = opened.isoformat()
            row = connection.execute(ticket.select().where(ticket.c.id == school.ids[MAPLE])).one()
            made = row._asdict() | {"id": id, "status": "closed", "body": json.dumps(said)}
            connection.execute(ticket.insert().values(made | {"opened_at": opened_at + number}))
        connection.commit()


def at_year(school: School) -> str:
    return school.ids[MAPLE].split("-")[1]


# one ticket


def test_a_ticket_says_first_what_to_do_and_until_when(at_school: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = browser.get(page_of(at_school)).text
    assert "Say that you are on it, then give 24-hour relief" in page
    assert page.index("What to do now") < page.index("Deadlines") < page.index("What happened")
    other = Browser(at_school)
    other.enter(Role.ASSOCIATION, "maple")
    assert (
        "For facilities, administrator or district: say that you are on it"
        in other.get(page_of(at_school)).text
    )


def test_a_ticket_shows_duties_deadlines_episodes_and_what_happened(
    at_school: School, browser: Browser
) -> None:
    browser.enter(Role.ASSOCIATION, "maple")
    page = browser.get(page_of(at_school)).text
    for clause in ("9.14.3.A", "9.14.3.B", "9.14.3.C", "9.14.3.D"):
        assert clause in page
    assert page.count("<progress ") >= 2 and 'aria-labelledby="bar-mitigation"' in page
    assert "Times in breach" in page and "goes on" in page and "55.5" in page
    assert "it stands open" in page and "<bdi>Kim Low</bdi>" in page and "window.png" in page
    assert "<svg" in page and "is the limit" in page


def test_every_notice_is_shown_with_how_far_it_came(at_school: School, browser: Browser) -> None:
    with closing(open_for_reading(at_school.url)) as connection:
        told = outbox.notices(connection, at_school.ids[MAPLE])
    browser.enter(Role.ASSOCIATION, "maple")
    page = browser.get(page_of(at_school)).text
    assert all(each["title"] in page for each in told)
    assert "Who was told" in page


def test_a_ticket_of_another_building_is_not_there(at_school: School, browser: Browser) -> None:
    browser.enter(Role.ADMINISTRATOR, "maple")
    hash = sha256(PHOTO).hexdigest()
    for path in ("", f"/files/{hash}"):
        refused = browser.get(f"/tickets/{at_school.ids[CEDAR]}{path}")
        unknown = browser.get(f"/tickets/cedar-1999-0001{path}")
        assert refused.status == unknown.status == 404
    assert browser.submit("/tickets", f"/tickets/{at_school.ids[CEDAR]}/close", {"note": "x"}).status == 404
    several = {"ticket": at_school.ids[CEDAR], "note": "x"}
    assert browser.submit("/tickets", "/tickets/close", several).status == 404
    assert left(at_school) == 0


def left(school: School) -> int:
    with closing(open_for_reading(school.url)) as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM inbox").scalar() or 0)


def test_a_page_says_when_the_record_has_changed_and_leads_to_the_new_one(
    at_school: School, browser: Browser
) -> None:
    browser.enter(Role.FACILITIES, "maple")
    for path in ("/tickets", page_of(at_school)):
        page = browser.get(path).text
        assert page.count('src="/static/live.js') == 1
        assert re.search(rf'data-live-notice[^>]* hidden>[^<]*<a href="{path}">load again', page)


def test_a_form_that_is_sent_twice_is_carried_out_once_and_with_other_words_again(
    at_work: School, browser: Browser
) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = browser.get(page_of(at_work)).text
    once = re.search('name="once" value="([^"]+)"', page)
    assert once
    for note in ("two fans", "two fans", "three fans"):
        said = {"token": browser.token(), "once": once[1], "note": note}
        assert browser.post(f"{page_of(at_work)}/note", said).status == 303
    shown = browser.get(page_of(at_work)).text
    assert shown.count("two fans") == shown.count("three fans") == 1


# files


def test_a_file_is_saved_and_never_shown_inside_a_page(at_school: School, browser: Browser) -> None:
    browser.enter(Role.ASSOCIATION, "maple")
    answer = browser.get(f"{page_of(at_school)}/files/{sha256(PHOTO).hexdigest()}")
    assert answer.body == PHOTO and answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''window.png"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("hash", ["0" * 64, "x", "..", sha256(b"").hexdigest()])
def test_a_file_that_the_ticket_has_not_is_not_there(at_school: School, browser: Browser, hash: str) -> None:
    browser.enter(Role.ASSOCIATION, "maple")
    assert browser.get(f"{page_of(at_school)}/files/{hash}").status == 404


def test_a_file_that_is_not_what_the_record_says_is_not_handed_out(
    at_school: School, browser: Browser
) -> None:
    with closing(open_for_writing(at_school.url)) as connection:
        connection.exec_driver_sql("UPDATE attachment SET content = ?", (b"another",))
        connection.commit()
    browser.enter(Role.ASSOCIATION, "maple")
    answer = browser.get(f"{page_of(at_school)}/files/{sha256(PHOTO).hexdigest()}")
    assert answer.status == 409 and "not what the record" in answer.text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0 photo", "image/jpeg"),
        (PHOTO, "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"%PDF-1.7", "application/pdf"),
        (b"<svg onload='x'>", UNKNOWN),
        (b"<!doctype html>", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_a_file_is_what_is_in_it(content: bytes, kind: str) -> None:
    assert content_type(content) == kind


@given(st.binary(max_size=40))
def test_nothing_is_ever_taken_for_a_page_or_a_script(content: bytes) -> None:
    kind = content_type(content)
    assert kind.startswith("image/") or kind in ("application/pdf", UNKNOWN)
    assert "svg" not in kind


# who may do what


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.EDUCATOR])
def test_a_person_sees_exactly_the_acts_that_they_may_do(
    at_school: School, browser: Browser, role: Role
) -> None:
    browser.enter(role, "maple")
    possible = {str(verb) for at, verb in TRANSITIONS if at is Status.OPEN}
    allowed = {each for each in possible if may(browser.account, Right(each))}
    assert acts_on(browser.get(page_of(at_school)).text) == allowed
    page = browser.get("/tickets").text
    at_once = set(re.findall(r'formaction="/tickets/([a-z]+)', page))
    assert at_once == allowed & {"acknowledge", "relieve", "note", "close"}
    assert ('type="checkbox" name="ticket"' in page) is bool(at_once)


def test_an_educator_sees_no_ticket(at_school: School, browser: Browser) -> None:
    browser.enter(Role.EDUCATOR, "maple")
    assert browser.get("/tickets").status == browser.get(page_of(at_school)).status == 403
    refused = browser.get("/tickets").text
    assert "<h1>Not for your account</h1>" in refused
    assert "Your account, educator, does not see tickets." in refused
    assert 'href="/tickets"' not in browser.get("/account").text


# acts


def test_an_act_of_the_page_is_on_record_in_the_name_of_who_is_logged_in(
    at_work: School, browser: Browser
) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = page_of(at_work)
    answer = browser.submit(page, f"{page}/acknowledge", {"note": "on my way\r\nwith a heater"})
    assert (answer.status, answer.headers["location"]) == (303, page)
    shown = browser.get(page).text
    assert "It is on record that you are on it." in shown and "on my way\nwith a heater" in shown
    assert "acknowledge" not in acts_on(shown)
    last = history(at_work)[-1]
    assert (last["by"], last["event"]) == (browser.account.name, "acknowledged")
    assert "It is on record" not in browser.get(page).text, "it is said once"


def test_relief_may_bring_photos_which_go_with_a_note(at_work: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = page_of(at_work)
    said = {"tier": "immediate", "kind": "fans_or_heaters", "note": "two heaters", "room": "", "since": ""}
    files = (("a.jpg", b"\xff\xd8\xffa"), ("b.jpg", b"\xff\xd8\xffb"))
    assert send(browser, f"{page}/relieve", said, *files).status == 303
    relieved, note = history(at_work)[-2:]
    assert (relieved["event"], relieved["tier"], relieved["kind"]) == (
        "relieved",
        "immediate",
        "fans_or_heaters",
    )
    assert [each["name"] for each in note["attachments"]] == ["a.jpg", "b.jpg"]  # type: ignore[attr-defined]
    shown = browser.get(page).text
    assert shown.count("on record</span>") >= 1 and "a.jpg" in shown
    hash = sha256(b"\xff\xd8\xffa").hexdigest()
    assert browser.get(f"{page}/files/{hash}").headers["content-type"] == "image/jpeg"


def test_what_was_typed_stays_when_it_is_refused_with_the_reason(at_work: School, browser: Browser) -> None:
    browser.enter(Role.ADMINISTRATOR, "maple")
    page = page_of(at_work)
    said = {"tier": "immediate", "until": "2020-02-02", "agreed_by": "Una & Ro", "note": "<b>roof</b>"}
    answer = browser.submit(page, f"{page}/extend", said)
    assert answer.status == 409 and "expected later than" in answer.text
    refused = answer.text.partition("Not done:</strong>")[2].partition("</p>")[0]
    assert "until is Sun 2 Feb 2020 23:59; expected later than" in refused, "by the site's clocks"
    assert "UTC" not in refused
    form = answer.text[answer.text.index('id="act-extend"') :]
    form = form[: form.index("</details>")]
    assert 'value="2020-02-02"' in form and 'value="Una &amp; Ro"' in form and "&lt;b&gt;roof" in form
    assert re.search(r'<option value="immediate" selected>', form)
    assert re.search(r'<details[^>]*id="act-extend" open>', answer.text)
    assert answer.text.count("&lt;b&gt;roof") == 1, "it stands in no other form"
    assert history(at_work)[-1]["event"] != "extended"


def test_what_safetyd_wrote_on_record_tells_the_time_by_the_sites_clocks(
    at_work: School, browser: Browser
) -> None:
    browser.enter(Role.ADMINISTRATOR, "maple")
    for _ in range(9):
        at_work.hears("maple/12", temperature_f=71.0, humidity=40.0)
        at_work.passes(minutes=5)
    said = "seen by me at 2026-12-02 16:42 UTC"
    browser.submit(page_of(at_work), f"{page_of(at_work)}/note", {"note": said})
    shown = browser.get(page_of(at_work)).text
    (ended,) = [str(each["note"]) for each in history(at_work) if each["event"] == "ended"]
    assert ended.endswith(" UTC"), "as it is on record"
    assert ended not in shown and re.search(
        r"in range since [A-Z][a-z]{2} \d+ [A-Z][a-z]{2} \d\d:\d\d<", shown
    )
    assert said in shown, "a person's words stay"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "what was done: choose it"),
        ({"kind": "", "note": " \n"}, "what was done: choose it"),
        ({"kind": "other"}, "something else was done; write what"),
        ({"kind": "alternative_space"}, "which room was offered: choose it"),
        ({"kind": "alternative_space", "room": "Room 21"}, "is none of Room 12, lab"),
        ({"kind": "alternative_space", "room": "Room 21", "note": "with desks"}, "did you mean"),
    ],
)
def test_an_empty_tap_is_no_relief(
    at_work: School, browser: Browser, said: dict[str, str], words: str
) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = page_of(at_work)
    before = history(at_work)
    answer = browser.submit(page, f"{page}/relieve", {"tier": "mitigation", **said})
    assert answer.status == 400 and words in answer.text, answer.text
    if "room" not in said:
        several = browser.submit(
            "/tickets", "/tickets/relieve", {"ticket": at_work.ids[MAPLE], "tier": "mitigation", **said}
        )
        assert several.status == 400 and words in several.text
    assert history(at_work) == before


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "fans_or_heaters"},
        {"note": "a heater"},
        {"kind": "other", "note": "lessons end early"},
        {"kind": "alternative_space", "room": "LAB"},
        {"kind": "alternative_space", "note": "in the church hall"},
    ],
)
def test_relief_says_what_was_done(at_work: School, browser: Browser, said: dict[str, str]) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = page_of(at_work)
    form = browser.get(page).text
    assert '<optgroup label="Other rooms"><option>lab</option></optgroup>' in form
    assert browser.submit(page, f"{page}/relieve", {"tier": "mitigation", **said}).status == 303
    last = history(at_work)[-1]
    assert last["event"] == "relieved" and last.get("room", "lab") == "lab", "by the name of the room"


def test_a_ticket_of_heat_says_where_it_tells_the_heat_index(at_school: School, browser: Browser) -> None:
    at_school.hears("maple/12", temperature_f=80, humidity=75)
    at_school.hears("maple/lab", temperature_f=95, humidity=50)
    browser.enter(Role.FACILITIES, "maple")
    page = browser.get("/tickets?condition=heat").text
    assert '°F <span class="hint">heat index</span>' in page
    (id,) = re.findall(r'href="/tickets/(maple-[0-9-]+)"', page)
    shown = browser.get(f"/tickets/{id}").text
    assert "Worst heat index, °F" in shown and "Heat index of <bdi>lab</bdi>, °F" in shown
    cold = browser.get(page_of(at_school)).text
    assert "Worst, °F" in cold and "heat index" not in cold.lower()


def test_a_room_in_range_that_is_getting_hot_is_marked(at_school: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES, "maple")
    for heat, is_marked in ((70, False), (80, True)):
        at_school.passes(minutes=30)
        at_school.hears("maple/lab", temperature_f=heat, humidity=70)
        page = " ".join(re.sub("<[^>]+>", " ", browser.get(page_of(at_school)).text).split())
        found = page[page.index("Where the class could go") :][:120]
        assert f"lab : {heat} °F" in found
        assert ("getting hot" in found) is ("heat index" in found) is is_marked


def test_the_list_warns_before_a_ticket_is_closed_in_breach(at_school: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES)
    page = " ".join(browser.get("/tickets").text.split())
    assert "2 of these are still in breach, and once the ticket is closed nobody is reminded" in page
    assert page.count('aria-describedby="several-breach"') == 1
    for _ in range(7):
        at_school.passes(minutes=10)
        for place in ("maple/12", "cedar/1"):
            at_school.hears(place, temperature_f=70, humidity=40)
    assert "still in breach" not in browser.get("/tickets").text


def test_what_a_closed_ticket_does_not_owe_any_more_is_not_pending(
    at_school: School, browser: Browser
) -> None:
    browser.enter(Role.FACILITIES, "maple")
    assert "</span> pending" in browser.get(page_of(at_school)).text
    at_school.commands(do="close", ticket=at_school.ids[MAPLE], note="out of use", role="facilities")
    page = browser.get(page_of(at_school)).text
    bars = page[page.index('class="bars"') : page.index('id="duties"')]
    assert "pending" not in re.sub("<[^>]+>", "", bars) and bars.count("not needed: closed") == 4
    assert "would have been due" in bars and "<progress" not in bars


def test_a_room_in_breach_is_closed_with_a_reason_only(at_work: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = page_of(at_work)
    answer = browser.submit(page, f"{page}/close")
    assert answer.status == 409 and "say why in a note" in answer.text
    assert browser.submit(page, f"{page}/close", {"note": "the room is out of use"}).status == 303
    shown = browser.get(page).text
    assert "This ticket is closed." in shown and acts_on(shown) == {"note", "reopen"}


def test_a_dispute_is_put_on_record_and_withdrawn(at_work: School, browser: Browser) -> None:
    browser.enter(Role.SAFETY_COMMITTEE, "maple")
    page = page_of(at_work)
    assert 'name="withdraw"' not in browser.get(page).text
    empty = browser.submit(page, f"{page}/dispute", {"note": " "})
    assert empty.status == 400 and "what you dispute: write it" in empty.text
    assert browser.submit(page, f"{page}/dispute", {"note": "nobody came"}).status == 303
    shown = browser.get(page).text
    assert "state-disputed" in shown and 'name="withdraw"' in shown
    assert "Your dispute is on record." in shown
    assert browser.submit(page, f"{page}/dispute", {"withdraw": "yes"}).status == 303
    shown = browser.get(page).text
    assert "state-disputed" not in shown and "Your dispute is withdrawn" in shown


@pytest.mark.parametrize("role", [Role.ASSOCIATION, Role.SAFETY_COMMITTEE, Role.EDUCATOR])
def test_what_is_not_offered_is_refused_too(at_school: School, browser: Browser, role: Role) -> None:
    browser.enter(role, "maple")
    for verb in (*Verb, *ClosureVerb):
        if not may(browser.account, Right(str(verb))):
            answer = browser.post(f"{page_of(at_school)}/{verb}", {"token": browser.token()})
            assert answer.status == 403
    assert left(at_school) == 0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("a.jpg", b"x")] * (MOST_A_NOTE + 1), "at most 5 a note"),
        ([("a.jpg", b"")], "it is empty"),
        ([(".htaccess", b"x")], "begins with a dot"),
        ([("a.jpg", b"x" * (MOST_BYTES + 1))], "at most 5242880"),
        ([("a.JPG", b"<!doctype html><script>1</script>")], "its content is no picture"),
        ([("a.png", b"%PDF-1.7")], "its content is no picture"),
        ([("a.pdf", b"<!doctype html>")], "its content is no PDF"),
    ],
)
def test_files_that_will_not_do_are_refused_in_words(
    at_school: School, browser: Browser, files: list[tuple[str, bytes]], words: str
) -> None:
    browser.enter(Role.FACILITIES, "maple")
    answer = send(browser, f"{page_of(at_school)}/note", {"note": "see"}, *files)
    assert (
        answer.status == 400 and words in answer.text and ">see</textarea>" in answer.text.replace("\n", "")
    )
    assert left(at_school) == 0


def test_a_picture_of_another_kind_than_its_name_says_is_taken(at_work: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES, "maple")
    files = ("a.jpg", b"\0\0\0\x18ftypheic"), ("b.png", b"\xff\xd8\xff"), ("c.pdf", b"%PDF-1.7"), ("d", b"x")
    assert send(browser, f"{page_of(at_work)}/note", {"note": "see"}, *files).status == 303


def test_as_many_and_as_big_files_as_a_note_takes_are_taken(at_work: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES, "maple")
    files = [(f"{n}.bin", bytes([n]) * MOST_BYTES) for n in range(MOST_A_NOTE)]
    assert send(browser, f"{page_of(at_work)}/note", {"note": "see"}, *files).status == 303
    assert len(history(at_work)[-1]["attachments"]) == MOST_A_NOTE  # type: ignore[arg-type]


def test_what_nobody_has_answered_is_not_called_done(at_school: School, browser: Browser) -> None:
    at_school.application.inbox.patience_s = 0.0
    browser.enter(Role.FACILITIES, "maple")
    page = page_of(at_school)
    assert browser.submit(page, f"{page}/acknowledge").status == 303
    assert "nobody has answered yet" in browser.get(page).text


# several at once


def choose(browser: Browser, path: str, ids: list[str], **said: str) -> Answer:
    body = "&".join([*(f"ticket={id}" for id in ids), *(f"{k}={v}" for k, v in said.items())])
    body += f"&token={browser.token()}"
    kind = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
    headers = kind | browser.cookies | {"sec-fetch-site": "same-origin"}
    return browser.school.ask(path, said=body.encode(), headers=headers, address=browser.address)


def test_several_tickets_are_acted_on_at_once_and_the_list_is_as_it_was(
    at_work: School, browser: Browser
) -> None:
    browser.enter(Role.DISTRICT)
    answer = choose(browser, "/tickets/acknowledge?status=open", at_work.ids, note="seen")
    assert (answer.status, answer.headers["location"]) == (303, "/tickets?status=open")
    assert "2 tickets: It is on record that you are on it." in browser.get("/tickets").text
    assert [history(at_work, n)[-1]["note"] for n in (MAPLE, CEDAR)] == ["seen", "seen"]


def test_a_refusal_is_told_by_its_ticket_and_stops_no_other(at_work: School, browser: Browser) -> None:
    browser.enter(Role.DISTRICT)
    page = page_of(at_work)
    assert browser.submit(page, f"{page}/acknowledge").status == 303
    answer = choose(browser, "/tickets/acknowledge", at_work.ids, note="again")
    assert answer.status == 409 and "1 of 2 tickets was refused; the others are done" in answer.text
    assert f"<li><bdi>{at_work.ids[MAPLE]} is acknowledged: cannot acknowledge it" in answer.text
    assert re.findall(r'value="([^"]+)" checked>', answer.text) == [at_work.ids[MAPLE]]
    assert ">again</textarea>" in answer.text.replace("\n", "")
    assert history(at_work, CEDAR)[-1]["note"] == "again"


def test_who_ticks_nothing_is_told_to(at_school: School, browser: Browser) -> None:
    browser.enter(Role.DISTRICT)
    answer = browser.submit("/tickets", "/tickets/note", {"note": "kept"})
    assert answer.status == 400 and "no ticket is chosen" in answer.text and "kept</textarea>" in answer.text
    assert left(at_school) == 0


# the closing of a building


def test_a_building_without_power_is_closed_and_opened_again_by_two_persons(at_school: School) -> None:
    page = f"/tickets/{outage(at_school)}"
    one, other = Browser(at_school), Browser(at_school)
    one.enter(Role.ADMINISTRATOR, "maple")
    other.enter(Role.DISTRICT)
    with writer(at_school):
        assert "Tell the district now" in one.get(page).text
        assert one.submit(page, f"{page}/tell_district", {"note": "by telephone"}).status == 303
        assert "Close the building, and put that on record." in one.get(page).text
        assert one.submit(page, f"{page}/close_building").status == 303
        shown = one.get(page).text
        assert "close" not in acts_on(shown) and "lift" in acts_on(shown)
        assert "say why in a note" in one.submit(page, f"{page}/lift").text, "power is still out"
        assert one.submit(page, f"{page}/lift", {"note": "a generator runs"}).status == 303
        assert "confirm_lift" not in acts_on(one.get(page).text)
        assert "cannot confirm it too" in one.submit(page, f"{page}/confirm_lift").text
        assert "Confirm that the building may open again, as " in other.get(page).text
        assert other.submit(page, f"{page}/confirm_lift").status == 303
        assert "confirmed" in one.get(page).text and "Building open again" in one.get(page).text


def outage(school: School) -> str:
    """Let a school have been without power for three hours, and return its ticket."""
    began = (school.now - 3 * HOUR).isoformat()
    with closing(open_for_writing(school.url)) as connection:
        service = Service(connection, school.site, "safetyd", school.now)
        said = json.dumps({"mains": "off", "ts": began}).encode()
        service.take(Message(school.now, "safetyd/power/maple", said))
        service.save_all(school.now)
        return next(id for id, each in service.world.tickets.items() if each.place.room is None)


# the chart


def test_the_chart_of_a_ticket_that_is_no_matter_of_warmth_is_not_drawn(at_school: School) -> None:
    with closing(open_for_reading(at_school.url)) as connection:
        seen = view(connection, at_school.site, "safetyd", datetime.now(UTC))
        standing = seen.world.tickets[at_school.ids[MAPLE]]
        assert ticket_chart(seen, standing) is not None
        for condition in (Condition.OUTAGE, Condition.HAZARD):
            assert ticket_chart(seen, replace(standing, condition=condition)) is None


# whatever people write


def test_what_people_write_is_only_ever_text(at_work: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES, "maple")
    page = page_of(at_work)
    words = "<script>alert(1)</script> \u202egnp.exe =1+1 {{ 7*7 }}"
    assert send(browser, f"{page}/note", {"note": words}, ("<b>.txt", b"x")).status == 303
    shown = browser.get(page).text
    assert "<script>alert" not in shown and "<bdi>&lt;script&gt;alert(1)" in shown and "{{ 7*7 }}" in shown
    assert "<bdi>&lt;b&gt;.txt</bdi>" in shown
    found = browser.get('/tickets?text="><script>alert(1)</script>').text
    assert "<script>alert" not in found and "No ticket is like this" in found


def test_a_reported_hazard_is_in_no_breach_of_a_number(at_school: School, browser: Browser) -> None:
    browser.enter(Role.FACILITIES)
    at_school.commands(do="report", building="maple", room="lab", hazard="leaks", role="facilities")
    (id,) = re.findall(
        r'href="/tickets/(maple-\d+-\d+)[^>]*>[^<]*leaks', browser.get("/buildings/maple").text
    )[:1]
    page = browser.get(f"/tickets/{id}").text
    assert "reported, and not said to be over" in page and "still in breach" not in page
    assert "Nobody has said that it is over: to close it, say why." in page
    assert re.search(r"now: <span[^>]*>.*?reported</span>", browser.get("/tickets").text, re.DOTALL)
