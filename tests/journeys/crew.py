"""Several workers that share a district: the real command, a broker and a PostgreSQL, and what is on record.

Rule: what is said is known beforehand, so every reading of the record can be counted, in whichever shard.
"""

import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from safetyd.core.shards import name_of, shard_of
from safetyd.store.district import schema_of
from safetyd.store.moments import micros
from tests.journeys.servers import (
    LOOPBACK,
    ROOT,
    SAFETYD,
    WITHIN,
    Broker,
    Client,
    Said,
    Sink,
    environment,
    until,
)
from tests.pair import Pair
from tests.postgres import Postgres

SHARDS = 4
BUILDINGS = ("alder", "birch", "cedar", "elm", "fir", "ginkgo", "hazel", "larch")  # two in each shard
ROOMS = ("1", "2")
_MOMENT_US = 200_000  # what was on its way when the fault came is no proof
COLD_F, WARM_F = 55.0, 70.0
_RULES = '[[rules]]\nquality = { max_step_f_per_min = 1e6, stuck_after = "24h" }'


class Worker:
    """One worker: a supervisor and its processes, in a group of their own."""

    def __init__(self, crew: "Crew", name: str, command: Sequence[str], config: Path) -> None:
        self.name = name
        self._log = crew.folder / f"{name}.log"
        command = [*(command or [SAFETYD, "run", "--role", "worker"]), "--config", str(config)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment(), cwd=ROOT, start_new_session=True
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def send(self, number: int) -> None:
        """Send a signal to the supervisor and all that it began."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End all of it as a power cut would."""
        self.send(signal.SIGKILL)
        self.process.wait(WITHIN)

    def stop(self) -> int:
        """End it as a service manager would, and return its exit code."""
        self.process.terminate()
        return self.process.wait(WITHIN)

    def close(self) -> None:
        """End what is left, also a frozen process whose parent has ended."""
        with suppress(ProcessLookupError):
            self.kill()


class Crew:
    """The district: its configuration, its database, its workers."""

    def __init__(
        self,
        folder: Path,
        broker: Broker | None,
        server: Postgres | Pair,
        sink: Sink | None = None,
        mqtt: str = "",
        more: str = "",
    ) -> None:
        """`mqtt` is what stands under [mqtt] where there is no one broker, `more` what stands below all."""
        self._more = more
        folder.mkdir(exist_ok=True)
        self.folder, self._server, self._mqtt = folder, server, mqtt
        self.workers: list[Worker] = []
        self.address = server.address
        self._port = 0 if broker is None else broker.port
        self.config = self.written("safetyd.toml", LOOPBACK)
        parts = ['name = "Riverbend"\ntimezone = "America/Los_Angeles"', _RULES]
        for building in BUILDINGS:
            parts.append(f'[[buildings]]\nid = "{building}"\nname = "{building.title()} School"')
            parts += [f'[[buildings.rooms]]\nid = "{room}"' for room in ROOMS]
        if sink is not None:
            parts.append(
                '[[people]]\nname = "Robin Vale"\nroles = ["facilities", "administrator"]\n'
                f'buildings = ["*"]\nmessages_per_hour = 1000\nnotify = ["{sink.address("robin")}"]'
            )
        (folder / "site.toml").write_text("\n\n".join(parts) + "\n", encoding="utf-8")

    def written(self, name: str, host: str, port: int = 0) -> Path:
        """Write a worker's file, by which it reaches broker and database at a host."""
        path = self.folder / name
        mqtt = self._mqtt or f'host = "{host}"\nport = {port or self._port}\nkeepalive = "5s"'
        path.write_text(
            f'site = ["site.toml"]\n[mqtt]\n{mqtt}\n'
            f'[store]\nurl = "{self.address.replace(LOOPBACK, host)}"\n[district]\nshards = {SHARDS}\n'
            + self._more,
            encoding="utf-8",
        )
        return path

    def begin(self, name: str, *command: str, config: Path | None = None) -> Worker:
        """Begin one more worker, by another command or file if need be."""
        self.workers.append(Worker(self, name, command, config or self.config))
        return self.workers[-1]

    def of(self, worker: Worker) -> set[int]:
        """Return the shards that a worker holds."""
        return {shard for shard, pid in self.holders().items() if pid == worker.process.pid}

    def asked(self, query: str, *values: object) -> list[Any]:
        """Return what the database answers."""
        with self._server.connect() as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[call-overload]

    def of_shard(self, shard: int, query: str, *values: object) -> list[Any]:
        """Return what the store of a shard answers."""
        with self._server.connect() as connection:
            connection.execute(f"SET search_path = {schema_of(shard)}")  # type: ignore[call-overload]
            return connection.execute(query, values).fetchall()  # type: ignore[call-overload]

    def everywhere(self, query: str, *values: object) -> list[Any]:
        """Return what the stores of all shards answer together."""
        return [row for shard in range(SHARDS) for row in self.of_shard(shard, query, *values)]

    def holders(self) -> dict[int, int]:
        """Return the pid of the worker that holds each shard that is held."""
        held = self.asked("SELECT shard, holder FROM safetyd.lease WHERE until > clock_timestamp()")
        return {shard: int(holder.rsplit(" ", 1)[1]) for shard, holder in held}

    def counts(self) -> Counter[int]:
        """Return how many shards each worker holds, by its pid."""
        return Counter(self.holders().values())

    def run(self, shard: int, *arguments: str) -> Said:
        """Run a command that looks at one shard."""
        told = environment() | {"SAFETYD_DISTRICT__SHARD": str(shard)}
        command = [SAFETYD, *arguments, "--config", str(self.config)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=told, timeout=60)
        return Said(done.returncode, done.stdout, done.stderr)

    def all_are_held(self, within: float = WITHIN) -> None:
        """Wait until each shard has a holder."""

        def look() -> bool:
            ended = [
                each.name for each in self.workers if not each.is_running and each.process.returncode > 0
            ]
            assert not ended, "".join(each.log for each in self.workers)
            try:
                return len(self.holders()) == SHARDS
            except Exception:  # there is no district yet
                return False

        until("every shard is held", look, within)

    def all_listen(self, client: Client) -> None:
        """Wait until each shard has told a client of the broker that it listens."""
        self.all_are_held()
        topics = [f"safetyd/status/safetyd-{name_of(shard)}" for shard in range(SHARDS)]
        online = b'{"state":"online"}'
        until("every shard listens", lambda: all(client.last(each) == online for each in topics))

    def all_hear(self) -> None:
        """Wait until each shard has said in the log that the broker lets it hear all."""
        self.all_are_held()
        said = "lets us hear all"
        until("every shard hears", lambda: sum(each.log.count(said) for each in self.workers) >= SHARDS)

    def close(self) -> None:
        for each in self.workers:
            each.close()


class Rooms:
    """Every room of the district, speaking at QoS 1 again and again; `cold` are those that are."""

    def __init__(
        self,
        broker: Broker | None,
        every_s: float = 0.1,
        connect: Callable[[paho.Client], object] | None = None,
    ) -> None:
        self.said: dict[tuple[str, str], dict[int, float]] = {(b, r): {} for b in BUILDINGS for r in ROOMS}
        self.cold: set[tuple[str, str]] = set()
        self._every_s = every_s
        self._is_over = threading.Event()
        self._paho = paho.Client(
            CallbackAPIVersion.VERSION2, "rooms", clean_session=False, protocol=paho.MQTTv311
        )
        self._paho.max_inflight_messages_set(1000)
        self._paho.max_queued_messages_set(0)
        if connect is not None:
            connect(self._paho)
        elif broker is not None:
            self._paho.connect(LOOPBACK, broker.port)
        self._paho.loop_start()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Rooms":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._paho.disconnect()
        self._paho.loop_stop()

    def round(self) -> None:
        """Have each room speak once."""
        told = []
        for (building, room), values in self.said.items():
            at, value = datetime.now(UTC), COLD_F if (building, room) in self.cold else WARM_F
            values[micros(at)] = value
            body = f'{{"temperature_f": {value}, "ts": "{at.isoformat()}"}}'
            told.append(self._paho.publish(f"safetyd/readings/{building}/{room}", body, qos=1))
        for each in told:
            each.wait_for_publish(WITHIN)
            assert each.is_published(), "the broker has not taken a reading of the test"

    def _run(self) -> None:
        while not self._is_over.wait(self._every_s):
            self.round()

    @property
    def count(self) -> int:
        return sum(map(len, self.said.values()))


def stored(crew: Crew) -> list[tuple[str, str, int, float]]:
    """Return every reading on record, each from the shard of its building."""
    found = []
    for shard in range(SHARDS):
        rows = crew.of_shard(
            shard, "SELECT building, room, observed_at, value FROM reading JOIN sensor ON sensor.id = sensor"
        )
        assert {shard_of(row[0], SHARDS) for row in rows} <= {shard}, f"shard {shard} has what is another's"
        found += rows
    return found


def is_whole(crew: Crew, rooms: Rooms) -> int:
    """Wait until all is stored that was said; fail unless it is there once, and each chain is whole."""
    count = "SELECT count(*) FROM reading"
    until("all is stored", lambda: sum(n for (n,) in crew.everywhere(count)) >= rooms.count)
    found = stored(crew)
    said = {(*place, at, value) for place, values in rooms.said.items() for at, value in values.items()}
    assert len(found) == len(said)
    assert set(found) == said
    for shard in range(SHARDS):
        verified = crew.run(shard, "audit", "verify")
        assert verified.code == 0, verified.out + verified.err
    return len(found)


def tickets_are_there_once(crew: Crew, rooms: Rooms) -> dict[tuple[str, str], str]:
    """Fail unless each cold room has one ticket, its opening one line, each notice one row."""
    tickets = crew.everywhere("SELECT building, room, id FROM ticket WHERE condition = 'cold'")
    found = {(building, room): id for building, room, id in tickets}
    assert len(tickets) == len(found)
    assert set(found) == rooms.cold
    opened = Counter(id for (id,) in crew.everywhere("SELECT ticket FROM history WHERE event = 'opened'"))
    assert opened == Counter(found.values())
    for shard in range(SHARDS):
        assert not crew.of_shard(shard, "SELECT key FROM notice GROUP BY key HAVING count(*) > 1")
    return found


@contextmanager
def gap(crew: Crew, lost: set[int]) -> Iterator[list[float]]:
    """Measure how long it takes until each of the shards hears again: by when what was said later came."""
    began, found = micros(datetime.now(UTC)), []
    yield found
    first = "SELECT coalesce(min(observed_at + delay), 0) FROM reading WHERE observed_at > %s"

    def arrivals() -> list[int]:
        came = [crew.of_shard(shard, first, began + _MOMENT_US)[0][0] for shard in sorted(lost)]
        return came if all(came) else []

    found.append((max(until("every shard goes on", arrivals)) - began) / 1e6)


def longest_wait_s(crew: Crew) -> float:
    """Return the longest time from a reading's saying to its arrival."""
    worst = crew.everywhere("SELECT max(delay) FROM reading")
    return max(each for (each,) in worst if each is not None) / 1e6
