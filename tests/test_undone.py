"""The promise: what a transaction that is undone had written is written by the next, once, and told once."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from safetyd.notify.webhook import target
from safetyd.settings import Settings
from safetyd.store import beats, outbox, replica, statements
from safetyd.store.database import Connection, StoreError, abandon
from safetyd.store.replica import Stream
from safetyd.store.statements import Subject
from safetyd.timekeeper import Timekeeper
from safetyd.vitals import Vitals
from tests.desk import Desk, Hook, person, site
from tests.everything import DAY, MINUTE, NINE, Record
from tests.journeys.servers import WITHIN
from tests.receiver import Receiver
from tests.test_calling import Loop

pytestmark = pytest.mark.sqlite


@contextmanager
def full(connection: Connection) -> Iterator[None]:
    """Have the disk full for whoever commits: nothing of the transaction is written."""
    dialect = connection.engine.dialect
    commit = dialect.do_commit

    def refuse(_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    dialect.do_commit = refuse  # type: ignore[method-assign]
    try:
        yield
    finally:
        dialect.do_commit = commit  # type: ignore[method-assign]
        abandon(connection)


def test_the_last_resort_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    hook = Hook()
    desk = Desk(site(), last_resort=hook.settings)
    desk.owe("k")
    desk.turn()
    desk.turn(11 * MINUTE)
    desk._woken.get(timeout=WITHIN)  # its answer is there
    desk.dispatch.take_outcomes(desk.now)
    with pytest.raises(StoreError), full(desk.service.connection):
        desk.dispatch.send_due(desk.now)
    desk.dispatch.take_back(desk.now)
    desk.turn(2 * MINUTE)
    (notice,) = outbox.notices(desk.service.connection)
    assert notice["last_resort_at"] == desk.now and hook.heard.qsize() == 1
    hook.close()


def test_what_an_address_had_in_the_last_hour_counts_once() -> None:
    where = site(person("Ann", "json://127.0.0.1:9/ann"))
    before = Desk(where)
    before.owe("a")
    before.dispatch.send_due(before.now)
    desk = Desk(where, before=before)
    desk.now += MINUTE
    desk.dispatch.look(desk.now)
    with pytest.raises(StoreError), full(desk.service.connection):
        desk.dispatch.send_due(desk.now)
    desk.dispatch.take_back(desk.now)
    desk.dispatch.send_due(desk.now)
    assert [len(had) for had in desk.dispatch._allowance._had.values()] == [1]


def test_how_far_a_hook_is_is_on_record(tmp_path: Path) -> None:
    receiver = Receiver()
    loop = Loop(tmp_path, f'url = "{receiver.url}"')
    loop.hear("maple/12", 55.5)
    loop.now += 20 * MINUTE
    loop.hear("maple/12", 55.5)
    (caller,) = loop.calling._callers
    loop.until("the hook is told", lambda: caller.reached)
    with loop.service.writing() as connection:
        loop.calling.write(connection, loop.now)
    abandon(loop.connection)
    loop.commit()
    assert replica.begun(loop.connection, target(caller.hook), Stream.TICKET_EVENT) == caller.reached
    loop.stop()
    receiver.close()


def vitals() -> Vitals:
    settings = Settings.model_construct(ups=None, heartbeat=None)
    return Vitals(settings, Timekeeper(lambda: NINE, None, None, "this boot"))


def test_a_sign_of_life_is_given_by_the_next_commit(tmp_path: Path) -> None:
    record, living = Record(tmp_path), vitals()
    with pytest.raises(StoreError), full(record.connection):
        living.beat(record.service)
        record.service.commit(NINE)
    living.tell_outside("the store is away", has_broker=True)
    living.beat(record.service)
    record.service.commit(NINE)
    assert beats.last(record.connection) is not None
    record.end()


def test_the_head_of_the_day_is_one_and_given_out_once(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.hear("12", NINE, temperature_f=57.2)
    record.tend(MINUTE)
    record.now += DAY
    record.service.elapse(record.now)
    record.service.commit(record.now)
    notary, commit = record.notary, record.notary._commit

    def refused() -> None:
        with full(record.connection):
            commit()

    notary._commit = refused
    with pytest.raises(StoreError):
        for _ in notary.round(record.now):
            pass
    notary._commit = commit
    abandon(record.reader)
    record.service.commit(record.now)  # as the daemon does first of all
    record.tend(MINUTE)
    (line,) = record.heads.read_text().splitlines()
    (notice,) = [each for each in outbox.notices(record.connection) if each["reason"] == "head"]
    stated = statements.last(record.reader, Subject.HEAD)
    assert stated is not None
    head = f"{stated.body['hash']}@{stated.body['number']}"
    assert head in line and head in notice["text"]
    record.end()
