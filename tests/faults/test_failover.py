"""The district's database is killed and its standby takes its place, while rooms speak: nothing is lost.

Rule: as with workers that end: what is said is known. A commit waits for the standby, and who promotes it is
the test.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from safetyd.core.shards import shard_of
from tests.faults.test_workers import everybody_was_told
from tests.journeys.crew import (
    BUILDINGS,
    SHARDS,
    Crew,
    Rooms,
    gap,
    is_whole,
    longest_wait_s,
    tickets_are_there_once,
)
from tests.journeys.servers import Broker, Client, Sink, until
from tests.pair import Pair, pair

pytestmark = [pytest.mark.journey, pytest.mark.timeout(7200)]

Figure = Callable[[str], None]
Often = Callable[[int, int], int]


@pytest.fixture
def servers() -> Iterator[Pair]:
    with pair(is_durable=True) as running:
        yield running


@pytest.fixture
def crew(tmp_path: Path, broker: Broker, servers: Pair, sink: Sink) -> Iterator[Crew]:
    made = Crew(tmp_path / "crew", broker, servers, sink)
    yield made
    made.close()


def test_the_primary_is_killed_and_the_standby_takes_its_place(
    broker: Broker,
    client: Client,
    servers: Pair,
    crew: Crew,
    sink: Sink,
    chance: Random,
    figure: Figure,
    often: Often,
) -> None:
    """In mid-transaction: two workers go on at the new primary with the shards and fences that they had."""
    for name in ("ash", "bay"):
        crew.begin(name)
    crew.all_listen(client)
    gaps: list[float] = []
    with Rooms(broker) as rooms:
        for number in range(often(1, 20)):
            before = rooms.count + chance.randrange(100, 400)
            until("rooms speak", lambda before=before: rooms.count > before)
            if number < len(BUILDINGS):
                rooms.cold.add((BUILDINGS[number], "1"))
            with gap(crew, set(range(SHARDS))) as taken_s:
                servers.fail_over()
            gaps += taken_s
            crew.all_listen(client)
            if often(0, 1):
                servers.follow()
        fences = crew.asked("SELECT fence FROM safetyd.lease")
        rooms.cold.add((BUILDINGS[-1], "2"))
        opened = "SELECT id FROM ticket WHERE room = '2'"
        shard = shard_of(BUILDINGS[-1], SHARDS)
        ((ticket, *_), *_) = until("a ticket is opened there", lambda: crew.of_shard(shard, opened))
        done = crew.run(shard, "ticket", ticket, "acknowledge", "--by", "Robin Vale")
        assert done.code == 0, done.err
    count = is_whole(crew, rooms)
    told = everybody_was_told(crew, rooms, sink)
    tickets_are_there_once(crew, rooms)
    assert all("exception" not in each.log.lower() for each in crew.workers)
    figure(
        f"fail-overs: {len(gaps)}; {count:,} readings once, {told} tickets once and told; until all were"
        f" heard again: {', '.join(f'{each:.1f} s' for each in gaps)}; longest wait of a reading"
        f" {longest_wait_s(crew):.1f} s; fences {sorted(fence for (fence,) in fences)}"
    )
