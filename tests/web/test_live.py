"""News as it happens: who is told what and how soon, and for how long; over the pages' own stream."""

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from typing import Any

import pytest
from anyio import fail_after
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import StreamingResponse

from safetyd.core.model import Role
from safetyd.store import sessions
from safetyd.store.database import open_for_writing
from safetyd.view import Version
from safetyd.web.pages import live
from safetyd.web.pages.live import Live, News
from safetyd.web.problems import Problem
from tests.journeys.servers import WITHIN
from tests.web.school import Browser, School

# what is told, and when


def test_a_decision_is_told_at_once_however_often() -> None:
    news = News()
    for n, at_s in enumerate((0.0, 0.4, 0.8), start=1):
        news.take(Version(n, 0), at_s)
        assert news.told.decisions == n


def test_readings_are_told_every_ten_seconds_at_most_and_none_is_forgotten() -> None:
    news = News()
    news.take(Version(1, 0), 100.0)
    news.take(Version(1, 1), 109.9)
    assert news.told.readings == 0
    news.take(Version(1, 1), 110.0)
    assert news.told.readings == 1, "although nothing has come since"
    news.take(Version(1, 2), 119.9)
    assert news.told.readings == 1
    news.take(Version(1, 3), 120.0)
    assert news.told.readings == 3


@given(st.lists(st.tuples(st.floats(0.1, 30), st.booleans(), st.booleans()), max_size=40))
def test_whatever_happens_everything_is_told_in_the_end(steps: list[tuple[float, bool, bool]]) -> None:
    news, at_s, seen = News(), 0.0, Version()
    for after_s, is_decided, is_heard in steps:
        at_s += after_s
        seen = Version(seen.decisions + is_decided, seen.readings + is_heard)
        news.take(seen, at_s)
        assert news.told.decisions == seen.decisions
    news.take(seen, at_s + 10)
    assert news.told == seen


# the stream


class Listener:
    """A page that is open: it hears one event after the other."""

    def __init__(self, school: School, browser: Browser, live: Live, query: str = "") -> None:
        self._school, self._cookies, self._live = school, browser.cookies, live
        self._query = query.encode()
        self._events: AsyncIterator[Any] | None = None

    def begin(self) -> "Listener":
        answer = self._call(self._open)
        assert answer.headers["content-type"].startswith("text/event-stream")
        self._events = answer.body_iterator
        assert self.hears() == "retry: 2000"
        return self

    def hears(self) -> str:
        """Wait for the next event, and return its name; "" once the stream has ended."""
        return str(self._call(self._next))

    def leave(self) -> None:
        assert self._events is not None
        self._call(self._events.aclose)  # type: ignore[attr-defined]

    def _call(self, work: Callable[[], Any]) -> Any:
        return self._school._portal.call(work)

    async def _open(self) -> StreamingResponse:
        headers = [(name.encode(), value.encode()) for name, value in self._cookies.items()]
        request = Request(
            {
                "type": "http",
                "method": "GET",
                "path": "/live",
                "query_string": self._query,
                "scheme": "http",
                "headers": headers,
            }
        )
        answer = await self._live.events(request)
        assert isinstance(answer, StreamingResponse)
        return answer

    async def _next(self) -> str:
        assert self._events is not None
        with fail_after(WITHIN):
            async for said in self._events:
                return str(said).splitlines()[0].removeprefix("event: ")
        return ""


@pytest.fixture
def browser(at_school: School) -> Browser:
    made = Browser(at_school)
    made.enter(Role.EDUCATOR, "maple")
    return made


@pytest.fixture
def listener(at_school: School, browser: Browser) -> Listener:
    return Listener(at_school, browser, Live(at_school.application._looking)).begin()


def test_who_listens_hears_of_a_decision_and_of_readings(at_school: School, listener: Listener) -> None:
    at_school.hears("maple/lab", temperature_f=70, humidity=40)
    assert listener.hears() == "record", "a room that was never heard before"
    at_school.passes(seconds=1)
    listener._live._news._told_s = float("-inf")
    at_school.hears("maple/lab", temperature_f=70, humidity=40)
    assert listener.hears() == "readings"
    at_school.commands(do="acknowledge", ticket=at_school.ids[1], note="", role="facilities")
    assert listener.hears() == "record"


def test_the_page_of_a_ticket_hears_of_that_ticket_only(at_school: School, browser: Browser) -> None:
    live = Live(at_school.application._looking)
    mine, other = at_school.ids[1], at_school.ids[0]
    listener = Listener(at_school, browser, live, f"ticket={mine}").begin()
    at_school.commands(do="note", ticket=other, note="seen to", by="Kim Low", role="facilities")
    assert listener.hears() == "readings", "something else is as it is on every page"
    at_school.commands(do="note", ticket=mine, note="seen to", by="Kim Low", role="facilities")
    assert listener.hears() == "record"


def test_of_a_ticket_that_is_not_for_somebody_nothing_is_heard(at_school: School) -> None:
    elsewhere = Browser(at_school)
    elsewhere.enter(Role.EDUCATOR, "cedar")
    mine = at_school.ids[1]
    live = Live(at_school.application._looking)
    listener = Listener(at_school, elsewhere, live, f"ticket={mine}").begin()
    at_school.commands(do="note", ticket=mine, note="seen to", by="Kim Low", role="facilities")
    assert listener.hears() == "readings"


def test_what_was_told_of_is_there_for_who_asks_then(
    at_school: School, listener: Listener, browser: Browser
) -> None:
    at_school.hears("maple/lab", temperature_f=55, humidity=40)
    assert listener.hears() == "record"
    assert "2 rooms are too cold" in browser.get("/buildings/maple/rooms").text


def test_who_comes_later_is_not_told_of_what_was_there_before(at_school: School, browser: Browser) -> None:
    both = Live(at_school.application._looking, breath_s=0)
    Listener(at_school, browser, both).begin().leave()
    at_school.hears("maple/lab", temperature_f=70, humidity=40)
    both._looked_s = float("-inf")
    assert Listener(at_school, browser, both).begin().hears() == "here"


def test_a_stream_ends_with_the_session(at_school: School, browser: Browser) -> None:
    listener = Listener(at_school, browser, Live(at_school.application._looking, breath_s=0)).begin()
    assert listener.hears() == "here"
    with closing(open_for_writing(at_school.url)) as connection:
        sessions.end(connection, browser._secret)
    assert "" in (listener.hears(), listener.hears())
    assert listener._live.listeners == 0
    with pytest.raises(Problem, match="log in first"):
        listener.begin()
    assert Browser(at_school).get("/live").status == 401


def test_so_many_may_listen_and_one_more_is_told_to_come_again(
    at_school: School, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST", 2)
    one = Live(at_school.application._looking)
    first, _ = (Listener(at_school, browser, one).begin() for _ in range(2))
    with pytest.raises(Problem, match="2 pages are open already"):
        Listener(at_school, browser, one).begin()
    first.leave()
    third = Listener(at_school, browser, one).begin()
    assert third._live.listeners == 2


def test_one_account_keeps_no_other_from_listening(
    at_school: School, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_ONE", 2)
    one = Live(at_school.application._looking)
    first, _ = (Listener(at_school, browser, one).begin() for _ in range(2))
    with pytest.raises(Problem, match="you have 2 pages open"):
        Listener(at_school, browser, one).begin()
    other = Browser(at_school)
    other.enter(Role.EDUCATOR, "cedar")
    theirs = Listener(at_school, other, one).begin()
    first.leave()
    again = Listener(at_school, browser, one).begin()
    assert again._live.listeners == theirs._live.listeners == 3


def test_a_stream_ends_where_the_store_cannot_be_read(at_school: School, listener: Listener) -> None:
    outlook = at_school.application._looking.records[0].outlook
    outlook.close()
    outlook._url = f"{at_school.url}.gone"
    assert listener.hears() == ""
    assert listener._live.listeners == 0
