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
from tests.journeys.served import Answering
from tests.journeys.servers import LOOPBACK, SAFETYD, Broker, Client, Commands, Sink, free_port, until
from tests.pair import Pair, pair

pytestmark = [pytest.mark.journey, pytest.mark.timeout(7200)]

Figure = Callable[[str], None]
Often = Callable[[int, int], int]


@pytest.fixture
def servers() -> Iterator[Pair]:
    with pair(is_durable=True) as running:
        yield running


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def crew(tmp_path: Path, broker: Broker, servers: Pair, sink: Sink, port: int) -> Iterator[Crew]:
    web = f'[web]\nlisten = "{LOOPBACK}:{port}"\n'
    made = Crew(tmp_path / "crew", broker, servers, sink, more=web)
    yield made
    made.close()


def test_the_primary_is_killed_and_the_standby_takes_its_place(
    broker: Broker,
    client: Client,
    servers: Pair,
    crew: Crew,
    port: int,
    sink: Sink,
    chance: Random,
    figure: Figure,
    often: Often,
) -> None:
    """Two workers go on at the new primary with the shards that they had, and the pages show what it has."""
    for name in ("ash", "bay"):
        crew.begin(name)
    crew.all_listen(client)
    crew.begin("pages", SAFETYD, "run", "--role", "pages")
    pages = Answering(Commands(crew.config), port).is_answering()
    token = pages.token("Robin Vale", "facilities")
    gaps: list[float] = []
    times = often(1, 20)
    with Rooms(broker) as rooms:
        for number in range(times):
            before = rooms.count + chance.randrange(100, 400)
            until("rooms speak", lambda before=before: rooms.count > before)
            if number < len(BUILDINGS):
                rooms.cold.add((BUILDINGS[number], "1"))
            with gap(crew, set(range(SHARDS))) as taken_s:
                servers.fail_over()
            gaps += taken_s
            if number + 1 < times:
                servers.follow()
        rooms.cold.add((BUILDINGS[-1], "2"))
        ask = f"/api/v1/tickets?building={BUILDINGS[-1]}"

        def shown() -> list[str]:
            said = pages.ask(ask, token)
            return [each["id"] for each in said.json.get("tickets", []) if each["room"] == "2"]

        (ticket,) = until("what is opened there is shown", shown)
        done = pages.ask(f"/api/v1/tickets/{ticket}/acknowledge", token, {"note": "on my way"})
        assert (done.status, done.json["status"]) == (200, "acknowledged")
        shard = shard_of(BUILDINGS[-1], SHARDS)
        said = crew.run(shard, "ticket", ticket, "note", "--note", "a fan is on", "--by", "Robin Vale")
        assert said.code == 0, said.err
        fences = sorted(fence for (fence,) in crew.asked("SELECT fence FROM safetyd.lease"))
    count = is_whole(crew, rooms)
    told = everybody_was_told(crew, rooms, sink)
    tickets_are_there_once(crew, rooms)
    assert all("exception" not in each.log.lower() for each in crew.workers)
    figure(
        f"fail-overs: {len(gaps)}; {count:,} readings once, {told} tickets once and told; until all were"
        f" heard again: {', '.join(f'{each:.1f} s' for each in gaps)}; longest wait of a reading"
        f" {longest_wait_s(crew):.1f} s; fences {fences}"
    )
