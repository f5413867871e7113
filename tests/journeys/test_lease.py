"""The keeper of a lease: it renews while the loop turns, and knows when the lease is over."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from safetyd.clock import now
from safetyd.core.shards import Lease
from safetyd.holding import (
    CLOCK_OFF_S,
    LONGEST_TURN_S,
    NEGLECTED_S,
    STARTING_S,
    Keeper,
    clock_off_s,
    clock_words,
)
from safetyd.ingest.mqtt import Link
from safetyd.settings import Mqtt
from safetyd.store.district import LEASE_S, District
from tests.journeys.servers import LOOPBACK, Broker, Client, until
from tests.postgres import Postgres, postgres

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


class Machine:
    """A holder of a lease: its clocks, and what its keeper said when it lost it."""

    def __init__(self, server: Postgres, shard: int = 0, off: timedelta = timedelta(0)) -> None:
        self.url = server.url("public").partition("?")[0]
        self.seconds = 1000.0
        self.lost: list[str] = []
        self.district = District(self.url)
        self.district.prepare(2)
        taken = self.district.take(shard, "a", "host a")
        assert taken is not None
        self.lease: Lease = taken
        self.keeper = Keeper(
            self.url, taken, self.seconds, lambda: now() + off, self.lost.append, lambda: self.seconds
        )


@pytest.fixture
def fresh(server: Postgres) -> Postgres:
    """A server without a district."""
    with server.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS safetyd CASCADE")
    return server


def test_it_is_held_for_two_seconds_and_not_a_moment_longer(fresh: Postgres) -> None:
    machine = Machine(fresh)
    machine.seconds += LEASE_S - 0.001
    assert machine.keeper.is_held
    machine.seconds += 0.001
    assert not machine.keeper.is_held
    machine.keeper.renew()
    assert machine.keeper.is_held
    machine.seconds += LEASE_S
    assert not machine.keeper.is_held


def test_a_loop_may_take_a_minute_to_start_and_half_of_it_to_turn(fresh: Postgres) -> None:
    machine = Machine(fresh)
    machine.seconds += STARTING_S
    machine.keeper.renew()
    assert not machine.lost
    machine.keeper.turned()
    machine.seconds += LONGEST_TURN_S
    machine.keeper.renew()
    assert not machine.lost
    machine.seconds += 0.1
    machine.keeper.renew()
    assert machine.lost == ["the loop has stood still for 30 s"]


def test_a_loop_that_never_starts_loses_the_lease(fresh: Postgres) -> None:
    machine = Machine(fresh)
    machine.seconds += STARTING_S + 0.1
    machine.keeper.renew()
    assert machine.lost == ["the loop has stood still for 60 s"]


def test_who_was_replaced_is_told_so(fresh: Postgres) -> None:
    machine = Machine(fresh)
    with fresh.connect() as connection:
        connection.execute("UPDATE safetyd.lease SET until = clock_timestamp()")
    assert machine.district.take(0, "b", "host b") == Lease(0, 2)
    machine.keeper.renew()
    assert machine.lost == ["another worker holds the shard"]
    assert not machine.keeper.is_held


def test_two_with_one_identity_hold_it_one_after_the_other(fresh: Postgres) -> None:
    """The name counts for nothing: the second of one name has the next fence, and the first is replaced."""
    first = Machine(fresh)
    assert first.district.take(0, "a", "host a") is None
    with fresh.connect() as connection:
        connection.execute("UPDATE safetyd.lease SET until = clock_timestamp()")
    second = Machine(fresh)
    first.keeper.renew()
    second.keeper.renew()
    assert (first.lost, second.lost) == (["another worker holds the shard"], [])


def test_a_database_that_is_away_is_no_loss_until_somebody_came(fresh: Postgres) -> None:
    with postgres() as away:
        machine = Machine(away)
        away.stop()
        machine.keeper.renew()
        assert machine.keeper.trouble.startswith("the district's database: ")
        machine.seconds += LEASE_S
        assert not machine.keeper.is_held
        away.start()
        machine.keeper.renew()
    assert machine.keeper.is_held
    assert not machine.keeper.trouble
    assert not machine.lost


def test_what_is_given_back_is_not_held(fresh: Postgres) -> None:
    machine = Machine(fresh)
    machine.keeper.start()
    machine.keeper.give_back()
    assert not machine.keeper.is_held
    assert machine.district.take(0, "b", "host b") == Lease(0, 2)


@pytest.mark.parametrize(("shard", "said"), [(0, "nobody watches the shards [1]"), (1, "")])
def test_the_first_shard_says_what_nobody_watches(shard: int, said: str, fresh: Postgres) -> None:
    machine = Machine(fresh, shard)
    with fresh.connect() as connection:
        connection.execute(
            "UPDATE safetyd.lease SET until = clock_timestamp() - %s * interval '1 s' WHERE shard <> %s",
            [NEGLECTED_S, shard],
        )
    machine.keeper.renew()
    assert machine.keeper.trouble == said


# The clocks


@pytest.mark.parametrize("off_s", [60.0, -60.0, 1.0])
def test_how_far_a_clock_is_off_is_known_from_the_database(off_s: float, fresh: Postgres) -> None:
    machine = Machine(fresh, off=timedelta(seconds=off_s))
    machine.keeper.renew()
    assert abs(machine.keeper.clock_off_s - off_s) < 0.9  # as long as the machine took to answer, at most


def test_an_answer_that_took_long_proves_nothing() -> None:
    assert clock_off_s(100.0, 104.0, 109.0) == 0.0
    assert clock_off_s(100.0, 99.0, 109.0) == 1.0
    assert clock_off_s(100.0, 110.0, 109.0) == -1.0


def test_five_seconds_are_right_enough_and_more_are_not() -> None:
    assert clock_words(CLOCK_OFF_S) == clock_words(-CLOCK_OFF_S) == ""
    assert clock_words(60.0) == "the clock of the worker is 60 s ahead of the database's"
    assert clock_words(-6.0) == "the clock of the worker is 6 s behind the database's"


# The broker


def test_without_the_lease_no_broker_is_connected_to(broker: Broker) -> None:
    link = Link(Mqtt(host=LOOPBACK, port=broker.port, client_id="shard"), ["a/#"], lambda: datetime.now(UTC))
    is_held = [False]
    link.may_connect = lambda: is_held[0]
    for _ in range(3):
        link._retry_at = 0.0
        link.tend()
        assert link.socket() is None
        wait = link.seconds_to_retry()
        assert wait is not None and wait > 0
    is_held[0] = True
    link._retry_at = 0.0
    until("it is connected", lambda: (link.tend(), link.receive(1), link.is_connected)[-1])
    link.close()


def test_who_lost_the_lease_leaves_the_session_to_the_next(broker: Broker) -> None:
    """Driven out by the next holder, it does not come back; what was not acknowledged is the next one's."""
    settings = Mqtt(host=LOOPBACK, port=broker.port, client_id="shard")

    def holder() -> Link:
        return Link(settings, ["a/#"], lambda: datetime.now(UTC))

    def turn(link: Link) -> bool:
        link.tend()
        heard.extend(link.receive(10))
        return link.is_connected

    heard: list = []
    first, second = holder(), holder()
    with closing(Client(broker, "safetyd/status/#")) as client:
        until("the first listens", lambda: (turn(first), client.last("safetyd/status/shard"))[-1])
        first.may_connect = lambda: False
        client.tell("a/1", b"not acknowledged")
        until("the first has heard", lambda: (turn(first), len(heard) == 1)[-1])
        until("the second listens and has heard", lambda: (turn(second), len(heard) == 2)[-1])
    until("the first is driven out", lambda: not turn(first))
    for _ in range(5):
        first._retry_at = 0.0
        assert not turn(first)
        assert turn(second)
    assert [each.message.payload for each in heard] == [b"not acknowledged"] * 2
    second.close()
