"""A server that is lost: what was committed is there once, whether or not anybody heard that it was."""

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from safetyd.core.model import Place, TroubleKind
from safetyd.ingest.message import Message
from safetyd.setting_outside import Heartbeat
from safetyd.settings import Settings
from safetyd.store import inbox
from safetyd.store.database import (
    Connection,
    StoreError,
    abandon,
    last_written,
    open_for_reading,
    open_for_writing,
    writer_lock,
)
from safetyd.store.verifying import verify
from safetyd.timekeeper import Timekeeper
from safetyd.vitals import Vitals
from tests.cutting import Wire
from tests.everything import MINUTE, NINE, Record
from tests.journeys.servers import free_port, until
from tests.postgres import Postgres, postgres

pytestmark = [pytest.mark.journey, pytest.mark.sqlite]  # it brings a server of its own

READINGS = 6


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres(is_durable=True) as made:
        yield made


@pytest.fixture
def wire(server: Postgres) -> Iterator[Wire]:
    made = Wire(server.url())
    yield made
    made.close()


def breach(record: Record) -> None:
    """Let a ticket be opened, and all of it wait for the next commit."""
    for number in range(READINGS):
        at = NINE + 10 * number * MINUTE
        said = json.dumps({"temperature_f": 50.0}).encode()
        record.service.take(Message(at, "safetyd/readings/maple/12", said))
        record.now = at


def settle(record: Record) -> None:
    """Do as the daemon does when the store failed: let go, and try the same once more."""
    abandon(record.connection)
    abandon(record.reader)
    record.service.commit(record.now)


def is_once_on_record(url: str) -> bool:
    with closing(open_for_reading(url)) as connection:
        found = {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("reading", "ticket", "notice")
        }
        opened = connection.exec_driver_sql("SELECT count(*) FROM history WHERE event = 'opened'").scalar()
        connection.rollback()
        verdict = verify(connection, (), lambda done, all: None)
    assert not verdict.faults and verdict.rows == verdict.whole
    return (found, opened) == ({"reading": READINGS, "ticket": 1, "notice": found["notice"]}, 1)


@pytest.mark.parametrize("is_heard", [False, True], ids=["before the server hears it", "before it answers"])
def test_a_commit_that_is_cut_off_is_there_once(is_heard: bool, wire: Wire, tmp_path: Path) -> None:
    record = Record(tmp_path, url=wire.url)
    breach(record)
    wire.cut_at(b"COMMIT", is_heard=is_heard)
    with pytest.raises(StoreError, match="does not answer"):
        record.service.commit(record.now)
    assert wire.cuts == 1
    settle(record)
    assert is_once_on_record(wire.url)
    assert not record.service.is_waiting
    record.end()


def test_what_comes_after_a_commit_that_took_place_is_not_taken_for_it(wire: Wire, tmp_path: Path) -> None:
    record = Record(tmp_path, url=wire.url)
    breach(record)
    wire.cut_at(b"COMMIT", is_heard=True)
    with pytest.raises(StoreError):
        record.service.commit(record.now)
    settle(record)
    record.hear("lab", record.now + MINUTE, temperature_f=70.0)
    with closing(open_for_reading(wire.url)) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reading").scalar() == READINGS + 1
    record.end()


def troubles(url: str) -> list[str]:
    with closing(open_for_reading(url)) as connection:
        return list(connection.exec_driver_sql("SELECT note FROM trouble").scalars())


def test_a_commit_of_before_is_not_taken_for_one_that_never_began(tmp_path: Path) -> None:
    with postgres(is_durable=True) as server:
        record = Record(tmp_path, url=server.url())
        service, dialect = record.service, record.connection.engine.dialect
        commit = dialect.do_commit

        def and_then_lose_it(opened: Any) -> None:
            commit(opened)
            dialect.do_commit = commit  # type: ignore[method-assign]
            server.kill()
            opened.driver_connection.execute("SELECT 1")

        dialect.do_commit = and_then_lose_it  # type: ignore[method-assign]
        with pytest.raises(StoreError), service.writing() as connection:  # as notices are sent
            last_written(connection)
            maple = Place("maple", None)
            service.complain("Ann's address", maple, TroubleKind.UNDELIVERABLE, "it is refused", NINE)
            connection.commit()
        with pytest.raises(StoreError):
            settle(record)
        server.start()
        settle(record)
        assert troubles(server.url("store_1")) == ["it is refused"]
        record.end()


def test_what_whoever_watches_from_outside_does_not_hear_is_noted_once_the_store_is_back(
    wire: Wire, tmp_path: Path
) -> None:
    outside = {"url": f"http://127.0.0.1:{free_port()}/", "every": timedelta(seconds=0.05)}
    settings = Settings.model_construct(ups=None, heartbeat=Heartbeat.model_construct(**outside))
    record, living = (
        Record(tmp_path, url=wire.url),
        Vitals(settings, Timekeeper(lambda: NINE, None, None, "this boot")),
    )
    living.serve(record.service)
    breach(record)
    wire.cut_at(b"COMMIT", is_heard=True)
    with pytest.raises(StoreError):
        record.service.commit(record.now)

    def has_failed() -> bool:
        living.tell_outside("the store is away", has_broker=True)
        return living.heartbeat is not None and bool(living.heartbeat.fault)

    until("nobody answers outside", has_failed)
    settle(record)
    living.tell_outside("", has_broker=True)
    record.service.commit(record.now)
    assert any("heartbeat" in each or "answer" in each for each in troubles(wire.url)), troubles(wire.url)
    living.close()
    record.end()


def test_a_server_killed_and_back_again_has_what_was_committed_and_takes_the_rest(tmp_path: Path) -> None:
    with postgres(is_durable=True) as server:
        record = Record(tmp_path, url=server.url())
        record.hear("lab", NINE, temperature_f=70.0)
        breach(record)
        server.kill()
        with pytest.raises(StoreError, match="does not answer"):
            record.service.commit(record.now)
        with pytest.raises(StoreError, match="does not answer"):
            settle(record)
        server.start()
        settle(record)
        with closing(open_for_reading(server.url("store_1"))) as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM reading").scalar() == READINGS + 1
            assert connection.exec_driver_sql("SELECT count(*) FROM ticket").scalar() == 1
        record.end()


def test_what_is_left_behind_a_beginning_that_failed_is_on_record() -> None:
    with postgres(is_durable=True) as server:
        url = server.url()
        with closing(open_for_writing(url)) as writer:
            server.kill()
            server.start()
            with pytest.raises(StoreError):
                inbox.leave(writer, "{}", NINE)  # it was between two transactions when the server ended
            abandon(writer)
            inbox.leave(writer, "{}", NINE)
            with closing(open_for_reading(url)) as reader:
                assert reader.exec_driver_sql("SELECT count(*) FROM inbox").scalar() == 1


def test_the_one_writer_has_its_lock_again_before_it_writes_again(tmp_path: Path) -> None:
    with postgres(is_durable=True) as server:
        url = server.url()
        with writer_lock(url) as is_ours:
            assert is_ours
            with closing(open_for_writing(url)) as connection:
                inbox.leave(connection, "{}", NINE)
                server.kill()
                server.start()
                with suppress(StoreError):
                    inbox.leave(connection, "{}", NINE)
                abandon(connection)
                inbox.leave(connection, "{}", NINE)
            with writer_lock(url) as is_anothers:
                assert not is_anothers


def test_a_writer_whose_lock_another_has_taken_meanwhile_writes_no_more(tmp_path: Path) -> None:
    with postgres(is_durable=True) as server:
        url, same = server.url(), server.url("store_1") + "&application_name=other"
        with writer_lock(url) as is_ours, closing(open_for_writing(url)) as connection:
            assert is_ours
            server.kill()
            server.start()
            with writer_lock(same) as is_anothers:
                assert is_anothers
                for _ in range(2):
                    abandon(connection)
                    with pytest.raises(StoreError):
                        inbox.leave(connection, "{}", NINE)


def test_a_reader_is_told_that_somebody_has_written(server: Postgres) -> None:
    url = server.url()
    with closing(open_for_writing(url)) as writer, closing(open_for_reading(url)) as reader:
        before = _asked(reader)
        assert _asked(reader) == before
        inbox.leave(writer, "{}", NINE)
        assert _asked(reader) != before


def _asked(reader: Connection) -> int:
    found = last_written(reader)
    reader.rollback()
    return found
