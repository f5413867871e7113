"""A server whose standby takes its place: what was committed is there once, and everybody finds the new one.

Rule: the two are real, and a commit waits for both. Whoever asks does so by the URL that names both.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from safetyd.core.shards import Lease
from safetyd.doctor.finding import Finding, State
from safetyd.doctor.served import served_findings
from safetyd.store import inbox
from safetyd.store.database import (
    Connection,
    StoreError,
    abandon,
    open_for_reading,
    open_for_writing,
    writer_lock,
)
from safetyd.store.district import District, DistrictError, shard_url
from safetyd.store.fence import FencedError
from safetyd.store.verifying import verify
from tests.cutting import Wire
from tests.everything import MINUTE, NINE, Record
from tests.journeys.servers import LOOPBACK, until
from tests.pair import Pair, pair
from tests.store.test_server_lost import READINGS, breach, is_once_on_record, settle

pytestmark = [pytest.mark.journey, pytest.mark.sqlite]  # it brings servers of its own

COMMANDS = "SELECT count(*) FROM inbox"
BEFORE = 30  # commits


@pytest.fixture
def servers() -> Iterator[Pair]:
    with pair() as made:
        yield made


@pytest.fixture(scope="module")
def lasting() -> Iterator[Pair]:
    """Two that stay what they are."""
    with pair() as made:
        yield made


@pytest.mark.parametrize("is_heard", [False, True], ids=["before it is heard", "before it is answered"])
def test_a_commit_whose_answer_went_with_the_primary_is_there_once(
    is_heard: bool, servers: Pair, tmp_path: Path
) -> None:
    wire = Wire(servers.primary.address)
    port = urlsplit(wire.url).port
    assert port is not None
    url = servers.url(port, servers.standby.port)
    record = Record(tmp_path, url=url)
    breach(record)
    wire.cut_at(b"COMMIT", is_heard=is_heard)
    with pytest.raises(StoreError, match="does not answer"):
        record.service.commit(record.now)
    assert wire.cuts == 1
    servers.fail_over()
    wire.close()
    settle(record)
    assert is_once_on_record(url)
    record.hear("lab", record.now + MINUTE, temperature_f=70.0)
    with closing(open_for_reading(url)) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reading").scalar() == READINGS + 1
    record.end()


def test_a_primary_that_is_killed_while_commits_follow_each_other(servers: Pair, tmp_path: Path) -> None:
    """Wherever in a commit it is: what was told of is there, and nothing twice."""
    url = servers.url()
    record = Record(tmp_path, url=url)
    is_over = threading.Event()

    def fail_over() -> None:
        servers.fail_over()
        is_over.set()

    said, lost = 0, 0
    other = threading.Thread(target=fail_over)
    after = None
    while after is None or said < after:
        said += 1
        try:
            record.hear("lab", NINE + said * timedelta(seconds=1), temperature_f=70.0)
        except StoreError:
            lost += 1
            assert is_over.wait(60)
            until("it is written again", lambda: is_settled(record))
        if said == BEFORE:
            other.start()
        if after is None and is_over.is_set():
            after = said + BEFORE
    other.join()
    assert lost
    record.end()
    with closing(open_for_reading(url)) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reading").scalar() == said
        connection.rollback()
        verdict = verify(connection, (), lambda done, all: None)
    assert not verdict.faults and verdict.rows == verdict.whole


def is_settled(record: Record) -> bool:
    with suppress(StoreError):
        settle(record)
        return True
    return False


def test_a_primary_that_lives_on_without_taking_writes_is_left_by_everybody(servers: Pair) -> None:
    """Also by a reader, which it would go on answering, and by the lock, which it would go on holding."""
    url, district = servers.url(), District(servers.address)
    district.prepare(2)
    with (
        writer_lock(url) as is_ours,
        closing(open_for_writing(url)) as writer,
        closing(open_for_reading(url)) as reader,
        closing(district),
    ):
        inbox.leave(writer, "{}", NINE)
        assert is_ours and _asked(reader) == 1
        former = servers.primary
        servers.tell("ALTER SYSTEM SET default_transaction_read_only = on")
        servers.promote()
        with pytest.raises(StoreError, match="takes no writes"):
            inbox.leave(writer, "{}", NINE)
        abandon(writer)
        inbox.leave(writer, "{}", NINE)
        with pytest.raises(StoreError, match="another server has taken its place"):
            _asked(reader)
        abandon(reader)
        assert _asked(reader) == 2
        with suppress(DistrictError):
            district.announce("a", "ash", is_fit=True)
        district.announce("a", "ash", is_fit=True)
        with writer_lock(url + "&application_name=other") as is_anothers:
            assert not is_anothers
        with former.connect() as connection:
            held = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
            assert held == (0,)


def test_a_lease_goes_on_at_the_new_primary_and_a_stale_fence_writes_nothing_there(servers: Pair) -> None:
    district = District(servers.address)
    with closing(district):
        district.prepare(1)
        first = district.take(0, "a", "ash")
        assert first == Lease(0, 1)
        with closing(open_for_writing(shard_url(servers.address, first))) as stale:
            inbox.leave(stale, "{}", NINE)
            servers.fail_over()
            with pytest.raises(DistrictError):
                district.renew(first)
            assert district.renew(first) is not None
            district.give_back(first)
            assert district.take(0, "b", "bay") == Lease(0, 2)
            with pytest.raises(StoreError):
                inbox.leave(stale, "{}", NINE)
            abandon(stale)
            with pytest.raises(FencedError):
                inbox.leave(stale, "{}", NINE)


def test_a_standby_that_is_named_first_is_passed_by(lasting: Pair) -> None:
    url = lasting.url(lasting.standby.port, lasting.primary.port).replace(
        "target_session_attrs=read-write&", ""
    )
    with closing(open_for_writing(url)) as writer, closing(open_for_reading(url)) as reader:
        inbox.leave(writer, "{}", NINE)
        assert _asked(reader) == 1


def test_a_dead_host_is_waited_for_once(lasting: Pair) -> None:
    """As one that was cut off from the network: it takes the connection, and says nothing."""
    with silent() as (port, knocks):
        url = lasting.url(port, lasting.primary.port)
        for _ in range(3):
            with closing(open_for_writing(url)) as writer, closing(open_for_reading(url)):
                inbox.leave(writer, "{}", NINE)
    assert len(knocks) == 1


def test_doctor_says_whether_a_fail_over_loses_what_was_acknowledged(servers: Pair) -> None:
    url = servers.url()
    assert _standbys(url).state is State.OK
    servers.is_to_wait("")
    found = _standbys(url)
    assert found.state is State.WARN and "synchronous_standby_names" in found.do
    assert "what was acknowledged may be missing" in found.seen
    servers.tell("CREATE ROLE plain LOGIN", "GRANT USAGE ON SCHEMA store_1 TO plain")
    assert _standbys(url.replace("safetyd@", "plain@")).state is State.WARN
    servers.is_to_wait()
    found = _standbys(url.replace("safetyd@", "plain@"))
    assert found.state is State.UNCHECKED and "pg_read_all_stats" in found.do
    servers.standby.kill()
    servers.none_follows()
    found = _standbys(url)
    assert found.state is State.BAD and "no commit returns" in found.seen
    servers.tell("ALTER SYSTEM SET synchronous_standby_names = ''")
    assert not [each for each in served_findings(url, NINE)[1] if each.about == "standbys"]


@contextmanager
def silent() -> Iterator[tuple[int, list[socket.socket]]]:
    """Yield the port of a host that never answers, and who has come."""
    came: list[socket.socket] = []
    with socket.create_server((LOOPBACK, 0)) as listener:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    came.append(listener.accept()[0])

        threading.Thread(target=listen, daemon=True).start()
        yield listener.getsockname()[1], came
        listener.shutdown(socket.SHUT_RDWR)
    for each in came:
        each.close()


def _asked(reader: Connection) -> int:
    found = reader.exec_driver_sql(COMMANDS).scalar_one()
    reader.rollback()
    return int(found)


def _standbys(url: str) -> Finding:
    (found,) = [each for each in served_findings(url, NINE)[1] if each.about == "standbys"]
    return found
