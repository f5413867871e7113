"""Every form and upload, filled in with anything: refused in words, and nothing of it is kept."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from safetyd.core.model import Role
from safetyd.store.database import open_for_reading
from safetyd.store.every_table import metadata
from safetyd.web.pages.table import PAGES
from tests.web.school import Answer, Browser, School, school
from tests.web.writer import writer

ENTRY = ("/login", "/logout", "/first", "/password", "/account", "/report")
KEPT = ("account", "attachment", "history", "inbox", "once", "reading", "sensor", "session", "ticket")
NAMES = (
    *("note", "tier", "kind", "room", "since", "until", "agreed_by", "withdraw", "ticket", "attach", "then"),
    *("name", "password", "old", "again", "key", "building", "what", "unit", "temperature", "humidity"),
    *("heat_index", "instrument", "condition", "location", "written", "photo", "sensor", "from", "person"),
)
WORDS = (
    *("", "immediate", "mitigation", "other", "maple", "cedar", "12", "*", "leaks", "cold", "F", "yes", "-1"),
    *("=1+1", "<script>", "\0", "\N{RIGHT-TO-LEFT OVERRIDE}", "9" * 400, "x" * 70_000, "../..", "1e999"),
    *(
        "9999-12-31T23:59",
        "0001-01-01T00:00",
        "2031-02-03",
        "\ud800",
        "\x1b[2J",
        "%00",
        "//elsewhere.example",
    ),
    *("57.5", "44", "nan", "١٢", "-", "notice", "location"),
)
POSTS = [*(each.path for each in PAGES if each.act is not None), *ENTRY]
SEVERAL = "the others are done"

fields = st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=8), st.sampled_from(WORDS) | st.text(max_size=60), max_size=8
)
file_names = st.sampled_from(
    ["a.png", "../up", ".x", "=1+1", "<b>", "x" * 300, "", 'a"b', "a\r\nb: c", "c\0d"]
)
files = st.lists(
    st.tuples(st.sampled_from(["attach", "photo", "note"]), file_names, st.binary(max_size=200)), max_size=7
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school with somebody at work who carries out what is taken."""
    with school(tmp_path_factory.mktemp("fuzzed")) as made, writer(made):
        yield made


def kept(school: School) -> dict[str, Any]:
    """Return what is on record of that which people bring about, by how many rows there are."""
    connection = open_for_reading(school.url)
    try:
        return {
            each: connection.exec_driver_sql(f"SELECT count(*), max({key}) FROM {each}").one()
            for each in KEPT
            for key in [next(iter(metadata.tables[each].primary_key)).name]
        }
    finally:
        connection.close()


def visitor(school: School, role: Role) -> Browser:
    browser = Browser(school)
    browser.enter(role)
    return browser


def send(browser: Browser, path: str, said: dict[str, str], uploads: list[tuple[str, str, bytes]]) -> Answer:
    """Send a form as a browser does that is told to send anything."""
    if uploads:
        return browser.post_files(path, said, uploads)
    plain = {name: each.encode("utf-8", "replace").decode() for name, each in said.items()}
    plain = {name.encode("utf-8", "replace").decode(): each for name, each in plain.items()}
    return browser.post(path, plain, {"sec-fetch-site": "same-origin"})


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(
    path=st.sampled_from(POSTS),
    role=st.sampled_from([Role.EDUCATOR, *[Role.ADMINISTRATOR] * 3]),
    said=fields,
    uploads=files,
    place=st.integers(0, 1),
    once=st.integers(0, 2**128 - 1).map("{:032x}".format) | st.sampled_from(["", "\0", "é" * 50, "'\"<b>"]),
)
def test_it_is_answered_in_words_and_what_is_refused_is_not_kept(
    fuzzed: School,
    path: str,
    role: Role,
    said: dict[str, str],
    uploads: list[tuple[str, str, bytes]],
    place: int,
    once: str,
) -> None:
    browser = visitor(fuzzed, role)
    token = browser.token()
    path = path.replace("{id}", fuzzed.ids[place])
    before = kept(fuzzed)
    answer = send(browser, path, {**said, "token": token, "once": once}, uploads)
    event(f"{answer.status}")
    assert answer.status < 500, answer.text
    if answer.status >= 400:
        assert "<h1>" in answer.text and "Traceback" not in answer.text
        after = kept(fuzzed)
        if answer.status == 409 and SEVERAL not in answer.text:  # the writer's answer stands in the inbox
            after["inbox"], after["once"] = before["inbox"], before["once"]
        if SEVERAL not in answer.text:
            assert after == before
    elif path not in ("/logout",):
        assert browser.get(answer.headers["location"]).status in (200, 303)


@settings(max_examples=100)
@given(
    path=st.sampled_from([each for each in POSTS if each not in ("/login", "/first", "/password")]),
    said=fields,
    token=st.sampled_from(["", "0" * 64, "ü", "\0"]) | st.text(max_size=70),
)
def test_without_its_token_nothing_is_done(
    fuzzed: School, path: str, said: dict[str, str], token: str
) -> None:
    browser = visitor(fuzzed, Role.ADMINISTRATOR)
    before = kept(fuzzed)
    answer = send(browser, path.replace("{id}", fuzzed.ids[0]), {**said, "token": token}, [])
    assert 400 <= answer.status < 500, answer.status
    assert kept(fuzzed) == before


@settings(max_examples=150)
@given(
    path=st.sampled_from(POSTS),
    body=st.binary(max_size=400)
    | st.lists(
        st.sampled_from(
            [
                b"--e\r\n",
                b"--e--\r\n",
                b"Content-Disposition: form-data; name=token\r\n\r\n",
                b"\r\n",
                b'filename="',
            ],
        )
        | st.binary(max_size=30),
        max_size=12,
    ).map(b"".join),
    kind=st.sampled_from(
        [
            "multipart/form-data; boundary=e",
            "multipart/form-data; boundary=" + "e" * 300,
            "multipart/form-data; boundary=e; charset=utf-7",
            "application/x-www-form-urlencoded; charset=nonsense",
            "application/x-www-form-urlencoded",
        ]
    ),
    length=st.sampled_from(["", "0", "-1", "9" * 30, "1.5", "²", "right"]),
)
def test_a_broken_form_is_refused_whole(
    fuzzed: School, path: str, body: bytes, kind: str, length: str
) -> None:
    browser = visitor(fuzzed, Role.ADMINISTRATOR)
    before = kept(fuzzed)
    headers = {"content-type": kind, "sec-fetch-site": "same-origin", **browser.cookies}
    headers |= {"content-length": str(len(body)) if length == "right" else length}
    answer = fuzzed.ask(path.replace("{id}", fuzzed.ids[0]), said=body, headers=headers)
    assert 400 <= answer.status < 500, answer.text
    assert kept(fuzzed) == before
