"""A program that is told of ticket events hears each, in order, whatever it answers and whoever is killed."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from safetyd.calling import SUBJECT, Calling
from safetyd.configuration import load
from safetyd.core.model import TroubleKind
from safetyd.ingest.message import Message
from safetyd.notify.webhook import TROUBLE_AFTER, Caller
from safetyd.service import Service
from safetyd.store.database import open_for_reading, open_for_writing
from tests.journeys.servers import until
from tests.receiver import HANG, HANG_UP, SECRET, Receiver

SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{ id = "12" }, { id = "lab" }]
[[buildings]]
id = "cedar"
rooms = [{ id = "1" }]
"""
T0 = datetime(2026, 12, 1, 16, tzinfo=UTC)
COLD, WARM = 55.5, 70.0


class Loop:
    """As much of the daemon as hooks meet; another one on the same folder is the next start."""

    def __init__(self, folder: Path, *hooks: str, now: datetime = T0) -> None:
        (folder / "site.toml").write_text(SITE, encoding="utf-8")
        (folder / "secret").write_text(SECRET, encoding="utf-8")
        told = "\n".join(f'[[webhook]]\nsecret_file = "secret"\n{each}' for each in hooks)
        (folder / "safetyd.toml").write_text(f'site = "site.toml"\n{told}\n', encoding="utf-8")
        configuration = load(folder / "safetyd.toml", {})
        url = configuration.settings.store.url
        self.now = now
        self.connection, self.reader = open_for_writing(url), open_for_reading(url)
        self.service = Service(self.connection, configuration.site, "safetyd", now)
        caller = partial(Caller, pauses=lambda _: 0.01, timeout_s=0.5)
        settings = configuration.settings
        self.calling = Calling(
            settings, self.service, self.reader, lambda: self.now, lambda: None, caller=caller
        )
        self.commit()

    def commit(self) -> None:
        with self.service.writing() as connection:
            self.calling.write(connection, self.now)
        self.service.commit(self.now)

    def hear(self, room: str, value_f: float) -> None:
        self.now += timedelta(minutes=1)
        said = json.dumps({"temperature_f": value_f, "humidity": 40}).encode()
        self.service.take(Message(self.now, f"safetyd/readings/{room}", said))
        self.commit()

    def note(self, text: str, id: str = "maple-2026-0001") -> None:
        self.now += timedelta(seconds=1)
        self.service.command({"do": "note", "ticket": id, "by": "Ann Lee", "note": text}, self.now)
        self.commit()

    def until(self, promise: str, look: Callable[[], object]) -> None:
        def turn() -> object:
            self.calling.tend(self.now)
            return look()

        until(promise, turn)

    def stop(self) -> None:
        self.calling.stop()
        for each in self.calling._callers:
            each.stop(10)
        self.commit()
        self.end()

    def end(self) -> None:
        """As a power cut ends it: how far the hooks are is not saved."""
        self.calling.stop()
        self.reader.close()
        self.connection.close()

    @property
    def troubles(self) -> dict[str, str]:
        found = self.service.world.troubles.items()
        return {
            subject: kinds[TroubleKind.CONFIGURATION].note
            for subject, kinds in found
            if subject.startswith(SUBJECT) and TroubleKind.CONFIGURATION in kinds
        }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as made:
        yield made


def at(receiver: Receiver, more: str = "") -> str:
    return f'url = "{receiver.url}"\n{more}'


def begun(folder: Path, *hooks: str) -> Loop:
    loop = Loop(folder, *hooks)
    loop.until("every hook has begun", lambda: all(c.reached is not None for c in loop.calling._callers))
    return loop


def test_each_event_comes_signed_in_order_with_its_row_and_ticket(tmp_path: Path, receiver: Receiver) -> None:
    loop = begun(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.note("a heater is on its way")
    loop.until("both are told", lambda: len(receiver.accepted) == 2)
    opened, note = receiver.accepted
    assert (opened.type, note.type) == ("ticket.opened", "ticket.note")
    assert note.data["row"]["note"] == "a heater is on its way" and note.data["row"]["by"] == "Ann Lee"
    assert note.data["ticket"]["id"] == "maple-2026-0001"
    assert note.data["row"] == note.data["ticket"]["history"][-1]
    assert opened.path == "/told/by-nobody-else" and opened.id != note.id
    loop.stop()


def test_what_was_on_record_before_a_hook_is_not_told(tmp_path: Path, receiver: Receiver) -> None:
    loop = Loop(tmp_path)
    loop.hear("maple/12", COLD)
    loop.stop()
    loop = begun(tmp_path, at(receiver))
    loop.note("later")
    loop.until("it is told", lambda: receiver.accepted)
    assert receiver.types == ["note"]
    loop.stop()


def test_what_is_decided_with_the_first_commit_is_told(tmp_path: Path, receiver: Receiver) -> None:
    Loop(tmp_path).stop()
    loop = Loop(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.until("it is told", lambda: receiver.types == ["opened"])
    loop.stop()


@pytest.mark.parametrize("answer", [500, 404, 401, 429, 301, 308, HANG_UP, HANG])
def test_what_is_not_accepted_comes_again_before_anything_else(
    tmp_path: Path, receiver: Receiver, answer: int
) -> None:
    receiver.headers = {"Location": f"http://{receiver.host}/elsewhere"}
    receiver.answers = [answer, answer]
    loop = begun(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.note("next")
    loop.until("both are told", lambda: receiver.types == ["opened", "note"])
    assert [each.id for each in receiver.posts[:3]] == [receiver.posts[0].id] * 3
    assert {each.path for each in receiver.posts} == {"/told/by-nobody-else"}, "no redirect is followed"
    loop.stop()


def test_a_hook_that_hangs_holds_up_nobody(tmp_path: Path, receiver: Receiver) -> None:
    with closing(Receiver()) as other:
        other.always = HANG
        loop = begun(tmp_path, at(other), at(receiver))
        loop.hear("maple/12", COLD)
        loop.until("it hangs", lambda: other.posts)
        loop.note("one")
        loop.note("two")
        loop.until("the other hears all", lambda: receiver.types == ["opened", "note", "note"])
        assert other.accepted == []
        loop.stop()


def test_a_restart_goes_on_where_it_was(tmp_path: Path, receiver: Receiver) -> None:
    loop = begun(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.until("it is told", lambda: receiver.accepted)
    loop.stop()
    loop = Loop(tmp_path, at(receiver), now=loop.now)
    loop.note("after")
    loop.until("the next is told", lambda: receiver.types == ["opened", "note"])
    assert len(receiver.posts) == 2, "what was saved is not told twice"
    loop.stop()


def test_a_kill_tells_some_twice_by_the_same_id_and_leaves_none_out(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.always = 503
    loop = begun(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.until("it is refused", lambda: receiver.posts)
    loop.end()
    receiver.always = 204
    loop = Loop(tmp_path, at(receiver), now=loop.now)
    loop.until("it is told", lambda: receiver.accepted)
    loop.end()  # that it was told is not saved
    loop = Loop(tmp_path, at(receiver), now=loop.now)
    loop.note("after")
    loop.until("the next is told", lambda: receiver.types == ["opened", "note"])
    assert len({each.id for each in receiver.posts}) == 2
    loop.stop()


def test_one_that_is_gone_is_asked_no_more_until_the_next_start(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [410]
    loop = begun(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.until("it is known", lambda: loop.calling._callers[0].fault)
    loop.note("not told")
    assert "410" in loop.troubles[SUBJECT + receiver.host]
    loop.stop()
    assert len(receiver.posts) == 1
    loop = Loop(tmp_path, at(receiver), now=loop.now)
    loop.until("all of it is told", lambda: receiver.types == ["opened", "note"])
    loop.commit()
    assert loop.troubles == {}
    loop.stop()


def test_one_that_is_taken_out_is_no_trouble_any_more(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [410]
    loop = begun(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.until("it is known", lambda: loop.calling._callers[0].fault)
    loop.commit()
    assert loop.troubles
    loop.stop()
    loop = Loop(tmp_path, now=loop.now)
    assert loop.troubles == {}
    loop.stop()


def test_one_that_fails_for_a_day_is_a_trouble_until_it_takes_something(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.always = 503
    loop = begun(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.now += TROUBLE_AFTER - timedelta(seconds=1)
    loop.until("it is asked a hair before a day is over", lambda: len(receiver.posts) > 20)
    loop.commit()
    assert loop.troubles == {}
    loop.now += timedelta(seconds=1)
    loop.until("it is asked after a day", lambda: loop.calling._callers[0].fault)
    loop.commit()
    ((subject, words),) = loop.troubles.items()
    assert subject == SUBJECT + receiver.host and "503" in words
    receiver.always = 200
    loop.until("it is told", lambda: loop.calling._callers[0].fault == "")
    loop.commit()
    assert loop.troubles == {}
    loop.stop()
    assert caplog.text.count("trying again") == 1 and receiver.host in caplog.text
    for hidden in (SECRET, SECRET.removeprefix("whsec_"), "by-nobody-else"):
        assert hidden not in caplog.text + words + str(loop.calling._callers[0].hook)


def test_one_that_refuses_again_and_again_is_a_trouble_at_once(tmp_path: Path, receiver: Receiver) -> None:
    receiver.always = 401
    loop = begun(tmp_path, at(receiver))
    loop.hear("maple/12", COLD)
    loop.until("it is known", lambda: loop.calling._callers[0].fault)
    assert len(receiver.posts) >= 6
    loop.commit()
    assert "401" in loop.troubles[SUBJECT + receiver.host]
    loop.stop()


def test_a_hook_hears_of_what_it_wants(tmp_path: Path, receiver: Receiver) -> None:
    loop = begun(tmp_path, at(receiver, 'buildings = ["maple"]\nevents = ["opened", "closed"]'))
    for room in ("cedar/1", "maple/12", "maple/lab"):
        loop.hear(room, COLD)
    loop.note("not wanted")
    said = {"do": "close", "ticket": "maple-2026-0002", "by": "Ann Lee", "note": "a broken sensor"}
    loop.service.command(said, loop.now)
    loop.commit()
    loop.until("what it wants is told", lambda: receiver.types == ["opened", "opened", "closed"])
    assert {each.data["ticket"]["building"] for each in receiver.posts} == {"maple"}
    loop.stop()
