"""Buildings by the hundred on disk, with their people, and the real daemons that watch them.

Rule: a worker is a configuration of its own with its share of the buildings; how it is started stands in one
place, so that several may come to share one store.
"""

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from stand import SAFETYD, cpu_seconds, end, free_port, memory_mb, process, until
from wire import Wire, publish_packet, wire

ROOMS_A_BUILDING = 40
_WELL_F, _WELL_HUMIDITY = 70.0, 41.0
WARM_F, HOT_F, WAVE_HUMIDITY = (
    85.0,
    87.5,
    40.0,
)  # heat indexes of 84.4 and 87.3 °F: on either side of the limit


@dataclass
class Worker:
    """One daemon's share: its folder, its buildings, and the first level of its topics."""

    where: Path
    number: int
    buildings: range
    listen: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")

    @property
    def config(self) -> Path:
        return self.where / "safetyd.toml"

    @property
    def store(self) -> Path:
        return self.where / "bench.db"

    @property
    def root(self) -> str:
        return f"safetyd{self.number or ''}"

    def stored(self) -> int:
        """Return the number of the newest row."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as store:
            return int(store.execute("SELECT max(id) FROM reading").fetchone()[0] or 0)


class District:
    """So many rooms, in buildings of 40, between some workers; and what their sensors say."""

    def __init__(self, where: Path, port: int, webhook: int, rooms: int, workers: int = 1) -> None:
        self.port, self.rooms = port, rooms
        count = -(-rooms // ROOMS_A_BUILDING)
        self.workers = [
            Worker(where / f"worker-{number}", number, range(count)[number::workers])
            for number in range(min(workers, count))
        ]
        self._sent = 0
        self._newest = 0.0
        self.topics = [""] * rooms
        for worker in self.workers:
            self._write(worker, webhook)
        self.wave: set[int] = set()

    def _write(self, worker: Worker, webhook: int) -> None:
        worker.where.mkdir()
        site = ['name = "Bench"', 'timezone = "America/Los_Angeles"', 'people_csv = "people.csv"']
        hook = f"json://127.0.0.1:{webhook}"
        people = ["name,roles,buildings,notify", f"District office,district,*,{hook}/office"]
        for number in worker.buildings:
            id = f"b{number:04}"
            site += ["[[buildings]]", f'id = "{id}"', f'name = "Building {number:04}"']
            first = number * ROOMS_A_BUILDING
            for room in range(first, min(first + ROOMS_A_BUILDING, self.rooms)):
                site += ["[[buildings.rooms]]", f'id = "r{room:05}"', f'name = "Room r{room:05}"']
                self.topics[room] = f"{worker.root}/readings/{id}/r{room:05}"
            people.append(f"Principal {number:04},administrator,{id},{hook}/{id}-principal")
            people.append(f"Custodian {number:04},facilities,{id},{hook}/{id}-custodian")
        (worker.where / "site.toml").write_text("\n".join(site) + "\n")
        (worker.where / "people.csv").write_text("\n".join(people) + "\n")
        worker.config.write_text(
            f'site = ["site.toml"]\n[mqtt]\nport = {self.port}\nroot = "{worker.root}"\n'
            f'client_id = "{worker.root}"\n[store]\nurl = "sqlite:///bench.db"\n'
            f'[web]\nlisten = "{worker.listen}"\n[log]\nlevel = "warning"\n'
        )

    def choose(self, tickets: int) -> list[int]:
        """Choose the rooms of a heat wave, in the order in which they get too hot; they are warm by now."""
        chosen = Random(14).sample(range(self.rooms), min(tickets, self.rooms))
        self.wave = set(chosen)
        return chosen

    def reading(self, room: int, at: float, *, is_hot: bool = False) -> bytes:
        """Return what a room says; each moment is one of its own."""
        self._sent += 1
        self._newest = at = max(at, self._newest + 5e-6)
        temperature, humidity = _WELL_F + self._sent % 17 / 10, _WELL_HUMIDITY + self._sent % 13 / 10
        if room in self.wave:
            temperature, humidity = (HOT_F if is_hot else WARM_F) + self._sent % 5 / 20, WAVE_HUMIDITY
        said = b'{"temperature_f": %.2f, "humidity": %.1f, "ts": %.6f}' % (temperature, humidity, at)
        return publish_packet(self.topics[room], said, self._sent)

    def stored(self) -> int:
        """Return how many readings are committed; each has two values."""
        return sum(worker.stored() for worker in self.workers) // 2

    def first_words(self, publisher: Wire) -> None:
        """Let every room speak once, so that each sensor is known."""
        before, now = self.stored(), time.time()
        publisher.publish_all([self.reading(room, now) for room in range(self.rooms)])
        until(lambda: self.stored() >= before + self.rooms, "the first words of every room", 300, 0.05)

    def start(self, stack: ExitStack) -> tuple[Sequence[subprocess.Popen[str]], list[float]]:
        """Start every daemon, until the stack ends; return them and how long each took until it listened."""
        children, spans = [], []
        for worker in self.workers:
            watch = stack.enter_context(wire(self.port, f"starter-{worker.number}"))
            watch.subscribe(f"{worker.root}/status/{worker.root}")
            began = time.monotonic()
            child = stack.enter_context(process([*SAFETYD, "run", "--config", str(worker.config)]))
            watch.wait_for(b'"online"')
            spans.append(time.monotonic() - began)
            children.append(child)
        return children, spans

    def memory_mb(self, children: Sequence[subprocess.Popen[str]]) -> float:
        """Return what the daemons have taken at most."""
        return sum(memory_mb(child.pid, "VmHWM") for child in children)

    def cpu_seconds(self, children: Sequence[subprocess.Popen[str]]) -> float:
        """Return the processor time of the daemons so far."""
        return sum(cpu_seconds(child.pid) for child in children)

    def bytes(self) -> int:
        """Return what the stores take on the disk."""
        return sum(os.path.getsize(each) for w in self.workers for each in w.where.glob("bench.db*"))


@contextmanager
def running(district: District) -> Iterator[tuple[Sequence[subprocess.Popen[str]], list[float]]]:
    """Yield the daemons of all workers, subscribed, and how long each took from its start to that."""
    with ExitStack() as stack:
        children, spans = district.start(stack)
        yield children, spans
        for child in children:
            end(child)
