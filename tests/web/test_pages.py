"""Coming in and going out, and what every page has: as a browser asks, without a network."""

import re
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from safetyd.core.model import Role
from safetyd.passwords import hashed, is_right
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_writing
from safetyd.store.sessions import Link
from safetyd.web.access import may
from safetyd.web.door import FAILURES
from safetyd.web.pages.entry import PER_NAME, first_link
from safetyd.web.pages.frame import lasting
from safetyd.web.pages.table import PAGES
from tests.web.school import Browser, School

PASSWORD = "a long enough one"


@pytest.fixture
def browser(at_school: School) -> Browser:
    return Browser(at_school)


@pytest.fixture(scope="module")
def kept() -> str:
    return hashed(PASSWORD)


def person(school: School, kept: str, role: Role = Role.ADMINISTRATOR, *buildings: str) -> str:
    """Let somebody log in by password, and return the name."""
    name = f"Ann of {role}"
    with closing(open_for_writing(school.url)) as connection:
        accounts.add(connection, name, role, buildings, kept, school.now)
    return name


# logging in


def test_who_is_not_logged_in_is_led_to_the_login_and_back(
    at_school: School, browser: Browser, kept: str
) -> None:
    answer = browser.get("/buildings/maple?x=1")
    assert answer.status == 303
    assert answer.headers["location"] == "/login?then=/buildings/maple%3Fx%3D1"
    assert browser.get(answer.headers["location"]).status == 200
    said = {"name": person(at_school, kept), "password": PASSWORD, "then": "/buildings/maple?x=1"}
    answer = browser.post("/login", said)
    assert (answer.status, answer.headers["location"]) == (303, "/buildings/maple?x=1")
    assert "Room 12" in browser.get("/buildings/maple").text


@pytest.mark.parametrize(
    "then", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "x", "", "/\n/x"]
)
def test_after_the_login_nobody_is_sent_elsewhere(
    at_school: School, browser: Browser, kept: str, then: str
) -> None:
    said = {"name": person(at_school, kept), "password": PASSWORD, "then": then}
    assert browser.post("/login", said).headers["location"] == "/"


def test_a_wrong_password_and_a_name_that_nobody_has_get_the_same_answer(
    at_school: School, browser: Browser, kept: str
) -> None:
    name = person(at_school, kept)
    wrong = browser.post("/login", {"name": name, "password": PASSWORD + "x"})
    nobody = browser.post("/login", {"name": "Ann of nowhere", "password": PASSWORD})
    assert wrong.status == nobody.status == 403
    assert wrong.text.replace(name, "X") == nobody.text.replace("Ann of nowhere", "X")


def test_who_fails_too_often_waits_by_the_address_and_keeps_nobody_else_out(
    at_school: School, browser: Browser, kept: str
) -> None:
    name = person(at_school, kept)
    told = [browser.post("/login", {"name": name, "password": "x"}).status for _ in range(FAILURES)]
    assert told == [403] * FAILURES
    good = {"name": name, "password": PASSWORD}
    assert browser.post("/login", good).status == 429
    other = {"name": "Somebody else", "password": "x"}
    assert browser.post("/login", other).status == 429
    assert Browser(at_school, ("192.0.2.99", 1)).post("/login", good).status == 303


def test_who_fails_too_often_from_everywhere_waits_by_the_name(at_school: School, kept: str) -> None:
    name = person(at_school, kept)
    for number in range(PER_NAME):
        wrong = {"name": f" {name.upper()} ", "password": "x"}
        assert Browser(at_school, (f"192.0.2.{number}", 1)).post("/login", wrong).status == 403
    good = {"name": name, "password": PASSWORD}
    assert Browser(at_school, ("192.0.2.99", 1)).post("/login", good).status == 429


def test_a_device_with_a_whole_network_of_addresses_is_one(at_school: School) -> None:
    wrong = {"name": "Somebody", "password": "x"}
    for number in range(FAILURES):
        Browser(at_school, (f"2001:db8:0:7::{number:x}", 1)).post("/login", wrong)
    assert Browser(at_school, ("2001:db8:0:7:9::1", 1)).post("/login", wrong).status == 429
    assert Browser(at_school, ("2001:db8:0:8::1", 1)).post("/login", wrong).status == 403


def test_a_session_ends_with_the_logout_a_new_password_and_the_account(
    at_school: School, browser: Browser, kept: str
) -> None:
    name = person(at_school, kept)
    good = {"name": name, "password": PASSWORD}
    browser.post("/login", good)
    other = Browser(at_school)
    other.post("/login", good)
    browser.submit("/", "/logout")
    assert browser.get("/account").status == 303 and other.get("/account").status == 200
    browser.post("/login", good)
    new = {"old": PASSWORD, "password": "another long one", "again": "another long one"}
    assert browser.submit("/account", "/account", new).status == 303
    assert browser.get("/account").status == 200 and other.get("/account").status == 303
    with closing(open_for_writing(at_school.url)) as connection:
        accounts.remove(connection, name)
    assert browser.get("/account").status == 303


def test_a_session_ends_two_weeks_after_its_last_use_and_after_ninety_days(
    at_school: School, kept: str
) -> None:
    person(at_school, kept)
    begun = at_school.now
    with closing(open_for_writing(at_school.url)) as connection:
        secret = sessions.begin(connection, 1, begun)

        def lives(at_days: float) -> bool:
            return sessions.session_of(connection, secret, begun + timedelta(days=at_days)) is not None

        assert lives(13.9) and not lives(14)
        for days in range(13, 91, 13):
            sessions.touch(connection, secret, begun + timedelta(days=days))
        assert lives(89.9) and not lives(90)


# forms from elsewhere


def test_a_form_from_another_page_or_without_its_token_does_nothing(
    at_school: School, browser: Browser
) -> None:
    browser.enter(Role.ADMINISTRATOR)
    good = {"token": browser.token()}
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
        assert browser.post("/logout", good, headers).status == 403
    assert browser.post("/logout", good, {"origin": "http://elsewhere.example"}).status == 403
    assert browser.post("/logout", {"token": "0" * 64}).status == 403
    assert browser.post("/logout", {}).status == 403
    assert browser.get("/account").status == 200, "still logged in"
    assert browser.post("/logout", good, {"origin": "http://school.local"}).status == 303
    assert browser.get("/account").status == 303


def test_the_api_takes_a_session_and_to_act_its_token(at_school: School, browser: Browser) -> None:
    browser.enter(Role.ADMINISTRATOR)
    assert browser.get("/api/v1/rooms").status == 200
    path = f"/api/v1/tickets/{at_school.ids[0]}/note"
    assert at_school.ask(path, said={"x": 1}, headers=browser.cookies).status == 403
    token = {"x-csrf-token": browser.token()}
    assert at_school.ask(path, said={"x": 1}, headers=browser.cookies | token).status == 400


# links


def test_the_first_account_is_made_once_by_the_link_in_the_log(at_school: School, browser: Browser) -> None:
    house = at_school.house
    first = first_link(house)
    link = first_link(house)
    assert first and link and first != link and link.startswith(house.address)
    stale, path = (each.removeprefix(house.address) for each in (first, link))
    assert browser.get(stale).status == 410, "only the newest is good"
    said = {"key": path.partition("key=")[2], "name": "Di Ray", "password": "x", "again": "x"}
    assert "1 characters; 10 to 200" in browser.post("/first", said).text
    said |= {"password": PASSWORD, "again": PASSWORD + "x"}
    assert "not the same" in browser.post("/first", said).text
    said |= {"again": PASSWORD}
    assert browser.post("/first", said).status == 303
    assert "district" in browser.get("/account").text
    assert browser.post("/first", said).status == 410
    assert Browser(at_school).get(path).status == 410
    assert first_link(house) is None


def test_a_link_to_enter_logs_in_and_one_for_something_else_does_not(at_school: School) -> None:
    at_school.token(Role.EDUCATOR, "maple", name="Ed Moss")
    with closing(open_for_writing(at_school.url)) as connection:
        enter = sessions.new_link(connection, Link.ENTER, 1, at_school.now)
        password = sessions.new_link(connection, Link.PASSWORD, 1, at_school.now)
    for _ in range(2):
        browser = Browser(at_school)
        assert browser.get(f"/enter?key={enter}").headers["location"] == "/"
        assert "Ed Moss" in browser.get("/account").text
    assert Browser(at_school).get(f"/enter?key={password}").status == 410
    assert Browser(at_school).get("/enter").status == 410


# what every page has


@pytest.mark.parametrize("role", Role)
def test_every_page_is_open_to_a_role_or_refused_by_the_table(at_school: School, role: Role) -> None:
    browser = Browser(at_school)
    browser.enter(role, "maple")
    for page in PAGES:
        path = at_school.path_of(page.path)
        allowed = may(browser.account, page.right)
        if page.method == "GET":
            status = browser.get(path).status
            assert (status in (200, 303)) if allowed else (status == 403), page.name
        else:
            assert browser.post(path, {}).status == 403, "no token, or no right"


@pytest.mark.parametrize("page", [each for each in PAGES if "{building}" in each.path], ids=lambda p: p.name)
def test_a_building_that_somebody_may_not_see_is_not_there(at_school: School, page: object) -> None:
    browser = Browser(at_school)
    browser.enter(Role.DISTRICT, "maple")
    path = page.path  # type: ignore[attr-defined]
    refused, unknown = (browser.get(path.replace("{building}", each)) for each in ("cedar", "ocean"))
    assert refused.status == unknown.status == 400
    first, second = (re.sub('name="once" value="[^"]+"', "", each.text) for each in (refused, unknown))
    assert first.replace("cedar", "ocean") == second


def test_pages_carry_no_script_or_style_of_their_own_and_say_so_to_the_browser(browser: Browser) -> None:
    browser.enter(Role.DISTRICT)
    for path in ("/login", "/account", "/buildings/maple", "/nothing"):
        answer = browser.get(path, {"accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "unsafe" not in policy and "default-src 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=\"/static/)", answer.text), path


def test_a_static_file_is_kept_for_ever_and_nothing_else_is_served(browser: Browser) -> None:
    found = re.search(r'href="(/static/safetyd\.css\?v=[0-9a-f]{12})"', browser.get("/login").text)
    assert found
    answer = browser.get(found[1])
    assert answer.status == 200 and "immutable" in answer.headers["cache-control"]
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/none.css", "/static/"):
        assert browser.get(path).status == 404


def test_a_path_that_is_not_there_is_a_page_for_people_and_a_problem_for_programs(browser: Browser) -> None:
    assert "<h1>Not Found</h1>" in browser.get("/nothing", {"accept": "text/html"}).text
    assert browser.get("/nothing").headers["content-type"] == "application/problem+json"
    assert (
        browser.get("/api/nothing", {"accept": "text/html"}).headers["content-type"].endswith("problem+json")
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3660, "1 h 1 min"),
        (3600, "1 h"),
        (90_000, "1 d 1 h"),
        (86_460, "1 d"),
    ],
)
def test_a_length_of_time_is_said_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == words


def test_a_password_is_right_or_not(kept: str) -> None:
    assert is_right(PASSWORD, kept)
    assert not is_right(PASSWORD + " ", kept) and not is_right("", kept)
    assert not is_right(PASSWORD, None) and not is_right(PASSWORD, "not used")


@pytest.mark.sqlite
def test_nothing_of_a_session_or_a_link_is_kept_but_its_hash(at_school: School, tmp_path: Path) -> None:
    at_school.token(Role.EDUCATOR)
    with closing(open_for_writing(at_school.url)) as connection:
        secrets = [
            sessions.begin(connection, 1, at_school.now),
            sessions.new_link(connection, Link.FIRST, None, at_school.now),
        ]
    stored = b"".join(each.read_bytes() for each in tmp_path.glob("**/*.db*"))
    assert stored and not any(each.encode() in stored for each in secrets)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"content-type": "application/json"}, 415),
        (b"name=x", {"content-type": "application/x-www-form-urlencoded"}, 411),
        (b"", {"content-type": "application/x-www-form-urlencoded", "content-length": "9999999"}, 413),
        (b"xx", {"content-type": "multipart/form-data", "content-length": "2"}, 400),
        (b"xx", {"content-type": "multipart/form-data; boundary=b", "content-length": "2"}, 400),
    ],
)
def test_what_is_no_form_is_refused_in_words(
    at_school: School, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = at_school.ask("/login", said=body, headers=headers)
    assert answer.status == status and b"<h1>" in answer.body


def test_a_name_is_only_ever_text(at_school: School, kept: str) -> None:
    browser = Browser(at_school)
    answer = browser.post("/login", {"name": '"><script>alert(1)</script>', "password": "x"})
    assert "<script>alert" not in answer.text and "&lt;script&gt;alert" in answer.text


def test_where_the_store_cannot_be_read_what_is_not_there_is_still_a_page(
    at_school: School, browser: Browser
) -> None:
    browser.enter(Role.FACILITIES)
    outlook = at_school.application._looking.records[0].outlook
    outlook.close()
    outlook._url = f"{at_school.url}.gone"
    answer = browser.get("/nowhere", {"accept": "text/html"})
    assert answer.status == 404 and answer.headers["x-content-type-options"] == "nosniff"
