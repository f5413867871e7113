"""Workers that are killed, frozen, cut off, or whose clocks are wrong: another has their shards.

Rule: rooms speak all the time, and it is known what they said. Each fault ends with every reading on record
once, one ticket for each cold room, and each of them told.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import paho.mqtt.client as paho
import pytest

from safetyd.core.shards import shard_of
from safetyd.store.database import HEAD
from tests.faults.test_broker import network
from tests.journeys.crew import (
    BUILDINGS,
    SHARDS,
    Crew,
    Rooms,
    Worker,
    gap,
    is_whole,
    longest_wait_s,
    tickets_are_there_once,
)
from tests.journeys.passage import Passage
from tests.journeys.servers import LOOPBACK, Broker, Client, Sink, until
from tests.nats import PASSWORD, cluster
from tests.postgres import Postgres, postgres

pytestmark = [pytest.mark.journey, pytest.mark.timeout(7200)]

Figure = Callable[[str], None]
Often = Callable[[int, int], int]
AT_MOST_S = 5.0


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture
def crew(tmp_path: Path, broker: Broker, server: Postgres, sink: Sink) -> Iterator[Crew]:
    made = Crew(tmp_path / "crew", broker, server, sink)
    yield made
    made.close()


def everybody_was_told(crew: Crew, rooms: Rooms, sink: Sink) -> int:
    tickets = tickets_are_there_once(crew, rooms)

    def untold() -> list[str]:
        told = "\n".join(f"{letter.title}\n{letter.text}" for letter in sink.of("robin"))
        return [id for id in tickets.values() if id not in told]

    until("each ticket was told", lambda: not untold(), within=60)
    return len(tickets)


def children(worker: Worker) -> list[int]:
    """Return the pids of the processes that watch for a worker."""
    pid = worker.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ended(pid: int) -> bool:
    """Whether a process is gone, or only waits for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_killed_and_frozen_in_turn(
    broker: Broker, client: Client, crew: Crew, sink: Sink, chance: Random, figure: Figure, often: Often
) -> None:
    """kill -9 of all, of the worker alone, of one process; all or one process frozen: nothing is lost."""
    for name in ("ash", "bay", "cork"):
        crew.begin(name)
    crew.all_listen(client)
    gaps: dict[str, list[float]] = {}

    def kill_all(worker: Worker) -> None:
        worker.kill()

    def kill_worker(worker: Worker) -> None:
        worker.process.kill()
        worker.process.wait()

    def kill_one(worker: Worker) -> None:
        os.kill(children(worker)[0], signal.SIGKILL)

    def freeze_all(worker: Worker) -> None:
        worker.send(signal.SIGSTOP)

    def freeze_one(worker: Worker) -> None:
        os.kill(children(worker)[0], signal.SIGSTOP)

    faults = (kill_all, freeze_all, kill_one, freeze_one, kill_worker)
    with Rooms(broker) as rooms:
        for number in range(often(len(faults), 100)):
            fault = faults[number % len(faults)]
            until("two workers hold shards", lambda: len(crew.counts()) > 1)
            victim = chance.choice([each for each in crew.workers if each.is_running and crew.of(each)])
            pids = children(victim)
            if number < len(BUILDINGS):
                rooms.cold.add((BUILDINGS[number], "1"))
            with gap(crew, crew.of(victim)) as taken_s:
                fault(victim)
            gaps.setdefault(fault.__name__, []).extend(taken_s)
            if fault in (kill_one, freeze_one):
                until("the process is gone, also a frozen one", lambda pids=pids: ended(pids[0]))
            if fault is freeze_all:
                victim.send(signal.SIGCONT)
                until("its stale processes are gone", lambda pids=pids: all(map(ended, pids)))
            if fault is kill_worker:
                until("its processes are gone", lambda pids=pids: all(map(ended, pids)))
            if not victim.is_running:
                crew.begin(f"{victim.name}-{number}")
        crew.all_listen(client)
    count = is_whole(crew, rooms)
    told = everybody_was_told(crew, rooms, sink)
    worst = {name: max(each) for name, each in gaps.items()}
    if often(0, 100):  # a quick run may have a busy machine
        assert all(each < AT_MOST_S for each in worst.values()), worst
    shown = ", ".join(f"{name} {each:.1f} s" for name, each in worst.items())
    figure(
        f"{count:,} readings once, {told} tickets once and told; longest until all were heard again: {shown};"
        f" longest wait of a reading {longest_wait_s(crew):.1f} s"
    )


def test_two_of_one_identity_share_as_two_others_would(
    broker: Broker, client: Client, crew: Crew, sink: Sink, figure: Figure
) -> None:
    """Begun from one folder, host and file, and one of them killed: each shard has one holder at a time."""
    first, second = crew.begin("ash"), crew.begin("ash")
    crew.all_listen(client)
    until("both have as much", lambda: sorted(crew.counts().values()) == [SHARDS // 2] * 2)
    assert crew.of(first) | crew.of(second) == set(range(SHARDS))
    with Rooms(broker) as rooms:
        rooms.cold.add((BUILDINGS[0], "1"))
        until("rooms speak", lambda: rooms.count > 200)
        first.kill()
        until("the other has all", lambda: crew.of(second) == set(range(SHARDS)))
        crew.begin("ash")
        until("both have as much again", lambda: sorted(crew.counts().values()) == [SHARDS // 2] * 2)
        rooms.cold.add((BUILDINGS[1], "2"))
        said = rooms.count
        until("rooms speak on", lambda: rooms.count > said + 200)
    count, told = is_whole(crew, rooms), everybody_was_told(crew, rooms, sink)
    assert not crew.everywhere("SELECT 1 FROM trouble WHERE sensor = '[mqtt] client_id'")
    figure(f"{count:,} readings once, {told} tickets once and told")


@pytest.mark.soak
def test_killed_and_frozen_beside_brokers_that_die_too(
    tmp_path: Path, server: Postgres, sink: Sink, chance: Random, figure: Figure, often: Often
) -> None:
    """Three workers on three nodes of NATS: a worker is killed, one is frozen, a node dies, and again."""
    with cluster(tmp_path / "nats") as nats:
        words = {"brokers": json.dumps(nats.places), "protocol": 4, "in_flight": 500, "keepalive": '"10s"'}
        words |= {"tls": "true", "ca_file": f'"{nats.ca_file}"', "username": '"safetyd"'}
        words |= {"password_file": f'"{tmp_path / "password"}"'}
        (tmp_path / "password").write_text(PASSWORD.format("safetyd"), encoding="utf-8")
        mqtt = "\n".join(f"{key} = {value}" for key, value in words.items())
        crew, gaps = Crew(tmp_path / "crew", None, server, sink, mqtt), dict[str, list[float]]()
        *others, ours = nats.nodes

        def connect(client: paho.Client) -> None:
            client.username_pw_set("safetyd", PASSWORD.format("safetyd"))
            client.tls_set(str(nats.ca_file))
            client.connect(ours.host, nats.port)

        try:
            for name in ("ash", "bay", "cork"):
                crew.begin(name)
            crew.all_hear()
            with Rooms(None, connect=connect) as rooms:
                for number in range(often(3, 30)):
                    rooms.cold |= {(BUILDINGS[number], "1")} if number < len(BUILDINGS) else set()
                    until("two workers hold shards", lambda: len(crew.counts()) > 1)
                    victim = chance.choice(
                        [each for each in crew.workers if each.is_running and crew.of(each)]
                    )
                    fault = ("killed", "frozen", "node")[number % 3]
                    lost = set(range(SHARDS)) if fault == "node" else crew.of(victim)
                    pids = children(victim)
                    with gap(crew, lost) as taken_s:
                        if fault == "node":
                            others[number // 3 % 2].kill()
                        else:
                            victim.send(signal.SIGKILL if fault == "killed" else signal.SIGSTOP)
                    gaps.setdefault(fault, []).extend(taken_s)
                    if fault == "killed":
                        victim.process.wait()
                        crew.begin(f"{victim.name}-{number}")
                    if fault == "frozen":
                        victim.send(signal.SIGCONT)
                        until("its stale processes are gone", lambda pids=pids: all(map(ended, pids)))
                    nats.start()
                crew.all_are_held()
            count, told = is_whole(crew, rooms), everybody_was_told(crew, rooms, sink)
            shown = ", ".join(f"{name} {max(each):.1f} s" for name, each in gaps.items())
            figure(
                f"{count:,} readings once, {told} tickets once and told; longest until all were heard again:"
                f" {shown}; longest wait of a reading {longest_wait_s(crew):.1f} s"
            )
        finally:
            crew.close()


@pytest.mark.soak
def test_all_workers_gone_and_back(broker: Broker, client: Client, crew: Crew, sink: Sink) -> None:
    """What came while nobody watched waits at the broker; who comes next asks about no outage."""
    first = crew.begin("ash")
    crew.all_listen(client)
    with Rooms(broker) as rooms:
        until("rooms speak", lambda: rooms.count > 200)
        first.kill()
        before = rooms.count
        until("rooms speak on", lambda: rooms.count > before + 200)
        crew.begin("bay")
        crew.all_are_held()
    is_whole(crew, rooms)
    assert not crew.everywhere("SELECT id FROM ticket WHERE condition = 'outage'")


@pytest.mark.soak
def test_a_worker_that_comes_later_is_given_its_share_and_gives_it_back(
    broker: Broker, client: Client, crew: Crew
) -> None:
    """By hand-overs in order: no lease runs out, nothing is lost."""
    first = crew.begin("ash")
    crew.all_listen(client)
    with Rooms(broker) as rooms:
        second = crew.begin("bay")
        until("both have as much", lambda: sorted(crew.counts().values()) == [SHARDS // 2] * 2)
        assert second.stop() == 0
        until("the first has all again", lambda: crew.of(first) == set(range(SHARDS)))
        crew.all_listen(client)
    is_whole(crew, rooms)
    assert first.stop() == 0
    assert not crew.holders()


def test_a_person_acts_on_a_ticket_of_whichever_shard(
    broker: Broker, client: Client, crew: Crew, server: Postgres
) -> None:
    """A command names the shard; after a fail-over of the database the same holders go on with it."""
    crew.begin("ash")
    crew.all_listen(client)
    with Rooms(broker) as rooms:
        rooms.cold.add(("fir", "1"))
        shard = shard_of("fir", SHARDS)
        opened = "SELECT id FROM ticket WHERE condition = 'cold'"
        ((ticket, *_), *_) = until("a ticket is open", lambda: crew.of_shard(shard, opened))
        fences = crew.asked("SELECT shard, fence FROM safetyd.lease ORDER BY shard")
        server.stop()
        said = rooms.count
        until("rooms speak on", lambda: rooms.count > said + 200)
        server.start()
        crew.all_are_held()
        done = crew.run(shard, "ticket", ticket, "acknowledge", "--by", "Robin Vale")
        assert done.code == 0, done.err
        assert crew.asked("SELECT shard, fence FROM safetyd.lease ORDER BY shard") == fences
    is_whole(crew, rooms)
    tickets_are_there_once(crew, rooms)
    assert crew.of_shard(shard, "SELECT status FROM ticket") == [("acknowledged",)]


@pytest.mark.parametrize("off_s", [60, pytest.param(-60, marks=pytest.mark.soak)], ids=["ahead", "behind"])
def test_a_clock_that_is_off_by_a_minute(off_s: int, broker: Broker, client: Client, crew: Crew) -> None:
    """Alone it watches all the same and says so in each building; once another is there, that one watches."""
    wrong = crew.begin("ash", sys.executable, "-m", "tests.journeys.elsewhere", str(off_s))
    crew.all_listen(client)
    notes = "SELECT note FROM trouble WHERE kind = 'clock' AND sensor LIKE '%%/worker'"
    with Rooms(broker) as rooms:
        until("each building has the trouble", lambda: len(crew.everywhere(notes)) == len(BUILDINGS))
        (note,) = crew.everywhere(notes)[0]
        assert "the clock of the worker is" in note
        assert ("ahead of" if off_s > 0 else "behind") in note
        rooms.cold.add(("elm", "2"))
        cold = "SELECT id FROM ticket WHERE condition = 'cold'"
        until("it still judges", lambda: crew.everywhere(cold))
        right = crew.begin("bay")
        until("the other has all", lambda: crew.of(right) == set(range(SHARDS)), within=60)
        assert not crew.of(wrong)
        ended_at = "SELECT ended_at FROM trouble WHERE kind = 'clock' AND sensor LIKE '%%/worker'"
        until("it is over", lambda: all(at is not None for (at,) in crew.everywhere(ended_at)))
        right.kill()
        until("better a wrong clock than none", lambda: crew.of(wrong) == set(range(SHARDS)))
        crew.all_listen(client)
    is_whole(crew, rooms)
    tickets_are_there_once(crew, rooms)


@pytest.mark.soak
def test_a_shard_that_cannot_be_watched_stops_no_other(broker: Broker, client: Client, crew: Crew) -> None:
    """A store that a newer safetyd wrote is left alone, again and again; it is watched once it may be."""
    first = crew.begin("ash")
    crew.all_listen(client)
    assert first.stop() == 0
    shard = shard_of("alder", SHARDS)
    crew.of_shard(shard, "UPDATE alembic_version SET version_num = '9999' RETURNING '0'")
    second = crew.begin("bay")
    until("it says so", lambda: second.log.count(f"shard-{shard:02d}: cannot be watched") > 1)
    assert second.log.count(f"shard-{shard:02d}: taken") <= 4, "it is not tried all the time"
    assert crew.of(second) >= set(range(SHARDS)) - {shard}
    crew.of_shard(shard, "UPDATE alembic_version SET version_num = %s RETURNING 1", HEAD)
    until("all are watched", lambda: crew.of(second) == set(range(SHARDS)))
    crew.all_listen(client)


@pytest.mark.soak
def test_a_worker_that_does_not_reach_the_broker(broker: Broker, client: Client, crew: Crew) -> None:
    """Alone it keeps its shards, for nobody would be worse; they go to whoever reaches it."""
    with Passage(broker.port) as passage:
        far = crew.begin("far", config=crew.written("far.toml", LOOPBACK, passage.port))
        crew.all_listen(client)
        with Rooms(broker) as rooms:
            passage.is_open = False
            until("it notices", lambda: "the broker is not reached from here" in far.log)
            assert crew.of(far) == set(range(SHARDS))
            near = crew.begin("near")
            until("the other has all", lambda: crew.of(near) == set(range(SHARDS)))
            crew.all_listen(client)
            passage.is_open = True
            until("it has its share again", lambda: len(crew.of(far)) == SHARDS // 2)
            crew.all_listen(client)
        is_whole(crew, rooms)


@pytest.mark.soak
def test_cut_off_from_the_network(tmp_path: Path, sink: Sink, figure: Figure, often: Often) -> None:
    """A machine that is cut off is replaced within seconds; back again it disturbs nobody."""
    folder, gaps = tmp_path / "broker", []
    folder.mkdir()
    broker = Broker(folder)
    name = f"sfw{os.getpid() % 10_000}"
    with network(name) as cable, TemporaryDirectory(prefix="safetyd-postgres-") as data:
        broker.more = (f"listener {broker.port} 10.213.77.1", "allow_anonymous true")
        server = Postgres(Path(data))
        server.listens_too("10.213.77.1")
        crew = None
        try:
            broker.start()
            crew = Crew(tmp_path / "crew", broker, server.start(), sink)
            with closing(Client(broker, "safetyd/status/#")) as client:
                inside = crew.written("far.toml", "10.213.77.1")
                run = [str(Path(sys.executable).with_name("safetyd")), "run", "--role", "worker"]
                far = crew.begin("far", "ip", "netns", "exec", name, *run, config=inside)
                crew.begin("ash")
                crew.begin("bay")
                crew.all_listen(client)
                with Rooms(broker) as rooms:
                    for number in range(often(1, 5)):
                        until("it has a share", lambda: crew.of(far), within=60)
                        rooms.cold.add((BUILDINGS[number], "1"))
                        with gap(crew, crew.of(far)) as taken_s:
                            cable("down")
                        gaps += taken_s
                        crew.all_listen(client)
                        cable("up")
                        until("it works again", lambda: crew.of(far), within=60)
            count = is_whole(crew, rooms)
            told = everybody_was_told(crew, rooms, sink)
            assert max(gaps) < AT_MOST_S
            figure(
                f"{count:,} readings once, {told} tickets once and told; until all were heard again:"
                f" {', '.join(f'{each:.1f} s' for each in gaps)}; longest wait {longest_wait_s(crew):.1f} s"
            )
        finally:
            if crew is not None:
                crew.close()
            server.stop()
            broker.stop()
