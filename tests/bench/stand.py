"""What the bench is built of: a broker, the daemon on a disk, the yardstick and the webhook, each a process.

Rule: each is started and stopped by its own context, and ends with it whatever happens.
"""

import os
import queue
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from wire import Wire, publish_packet, wire

ROOT = Path(__file__).resolve().parents[2]
SAFETYD = [sys.executable, "-c", "from safetyd.cli import entry; entry()"]
_HERE = Path(__file__).parent
_ROOMS_A_BUILDING = 20
_SECONDS = 60.0
_LOOK_AGAIN = 0.005
_STAMP_STEP = 50e-6


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a folder on a disk, gone afterwards; TMPDIR chooses another one than /var/tmp."""
    made = Path(tempfile.mkdtemp(prefix="safetyd-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def process(
    command: list[str], *, reads: bool = False, is_asked: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """Yield a child; it is killed at the end if it still runs. One that `is_asked` has an open input."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SAFETYD_")}
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if is_asked else None,
        stdout=subprocess.PIPE if reads else subprocess.DEVNULL,
        text=True,
        env=environ,
        cwd=ROOT,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGCONT)
            child.kill()
            child.wait()
        for each in (child.stdin, child.stdout):
            if each is not None:
                each.close()


def line(child: subprocess.Popen[str]) -> str:
    """Return the next line a child prints."""
    assert child.stdout is not None
    said = child.stdout.readline()
    if not said:
        raise RuntimeError(f"{child.args!r} ended with {child.wait()}")
    return said.strip()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def broker(where: Path, window: int) -> Iterator[int]:
    """Yield the port of a Mosquitto that lets `window` messages be in flight and keeps nothing on disk."""
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        raise RuntimeError("mosquitto is not installed")
    port = free_port()
    conf = where / f"mosquitto-{port}.conf"
    conf.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages {window}\n"
        "max_queued_messages 0\npersistence false\nlog_type error\n"
    )
    with process([program, "-c", str(conf)]):
        until(lambda: _answers(port), f"mosquitto on port {port}")
        yield port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def until(holds: object, what: str, seconds: float = _SECONDS, pause: float = _LOOK_AGAIN) -> None:
    """Return as soon as `holds()` does."""
    assert callable(holds)
    give_up_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)


@dataclass
class Plant:
    """A site with its configuration on disk, and the readings its rooms send."""

    where: Path
    port: int
    rooms: int
    rooms_a_building: int = _ROOMS_A_BUILDING
    webhook: int | None = None
    extra_buildings: int = 0
    protocol: int = 5
    sent: int = 0
    topics: list[str] = field(default_factory=list)
    listen: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    _newest: float = 0.0

    def __post_init__(self) -> None:
        self.where.mkdir()
        site = ['name = "Bench"', 'timezone = "America/Los_Angeles"']
        for number in range(-(-self.rooms // self.rooms_a_building)):
            site += ["[[buildings]]", f'id = "b{number:04}"', f'name = "Building {number:04}"']
            first = number * self.rooms_a_building
            for room in range(first, min(first + self.rooms_a_building, self.rooms)):
                site += ["[[buildings.rooms]]", f'id = "r{room:04}"', f'name = "Room {room:04}"']
                self.topics.append(f"safetyd/readings/b{number:04}/r{room:04}")
        for number in range(self.extra_buildings):
            site += ["[[buildings]]", f'id = "x{number:04}"', f'name = "Extra x{number:04}"']
            site += ["[[buildings.rooms]]", 'id = "hall"', 'name = "Hall"']
        if self.webhook is not None:
            site += ["[[people]]", 'name = "Head custodian"', 'roles = ["facilities"]', 'buildings = ["*"]']
            site += [f'notify = ["json://127.0.0.1:{self.webhook}/"]']
        (self.where / "site.toml").write_text("\n".join(site) + "\n")
        self.config.write_text(
            f'site = ["site.toml"]\n[mqtt]\nport = {self.port}\nprotocol = {self.protocol}\n[store]\nurl = "sqlite:///bench.db"\n'
            f'[web]\nlisten = "{self.listen}"\n[log]\nlevel = "warning"\n'
        )

    @property
    def config(self) -> Path:
        return self.where / "safetyd.toml"

    def readings(self, count: int) -> list[bytes]:
        """Return packets from every room in turn, each with two values and a time of its own."""
        base = max(time.time(), self._newest + _STAMP_STEP)
        packets = []
        for position in range(count):
            number = self.sent + position
            payload = b'{"temperature_f": %.1f, "humidity": %.1f, "ts": %.6f}' % (
                70 + number % 17 / 10,
                41 + number % 13 / 10,
                base + position * _STAMP_STEP,
            )
            packets.append(publish_packet(self.topics[number % self.rooms], payload, number))
        self.sent += count
        self._newest = base + count * _STAMP_STEP
        return packets

    def stored(self) -> int:
        """Return the number of the newest row."""
        with closing(sqlite3.connect(f"file:{self.where}/bench.db?mode=ro", uri=True)) as store:
            return int(store.execute("SELECT max(id) FROM reading").fetchone()[0] or 0)

    def await_rows(self, rows: int) -> tuple[float, int]:
        """Return the moment at which at least so many rows are committed, and how many there are then."""
        newest = 0
        with closing(sqlite3.connect(f"file:{self.where}/bench.db?mode=ro", uri=True)) as store:

            def enough() -> bool:
                nonlocal newest
                newest = int(store.execute("SELECT max(id) FROM reading").fetchone()[0] or 0)
                return newest >= rows

            until(enough, f"{rows} rows")
        return time.monotonic(), newest


@contextmanager
def daemon(plant: Plant) -> Iterator[subprocess.Popen[str]]:
    """Yield the real daemon, connected and subscribed."""
    with wire(plant.port, "starter") as watch:
        watch.subscribe("safetyd/status/safetyd")
        with process([*SAFETYD, "run", "--config", str(plant.config)]) as child:
            watch.wait_for(b'"online"')
            yield child
            end(child)


def end(child: subprocess.Popen[str]) -> int:
    """End the daemon cleanly and return how many bytes it had written to the disk in all."""
    if child.returncode is None:
        child.send_signal(signal.SIGTERM)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_oublock * 512
    return 0


def first_words(plant: Plant, publisher: Wire) -> None:
    """Let every room speak once, so that each sensor is known."""
    before = plant.stored()
    publisher.publish_all(plant.readings(plant.rooms))
    plant.await_rows(before + 2 * plant.rooms)


@contextmanager
def yardstick(port: int, says_every: int, protocol: int = 5) -> Iterator[subprocess.Popen[str]]:
    """Yield the bare client, subscribed; it prints a line for every so many messages."""
    told = [str(port), str(says_every), str(protocol)]
    with process([sys.executable, str(_HERE / "bare.py"), *told], reads=True) as child:
        line(child)
        yield child


class Calls:
    """What a webhook heard; read all the while, so that its pipe never fills and holds it up."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(child,), daemon=True).start()

    def _read(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        with suppress(ValueError):  # it was closed
            for said in child.stdout:
                self._heard.put(said)

    def all(self) -> Iterator[tuple[float, str, str]]:
        """Yield the moment, the path and the body of each call so far; its sink has to say paths."""
        while not self._heard.empty():
            at, path, body = self._heard.get().split(" ", 2)
            yield float(at), path, body

    def next(self) -> tuple[float, str]:
        """Return the moment and the body of the next call."""
        at, _, body = self._heard.get(timeout=_SECONDS).partition(" ")
        return float(at), body


@contextmanager
def sink(*how: str) -> Iterator[tuple[Calls, int]]:
    """Yield the webhook and its port; with `paths` it says under which path it was called."""
    with process([sys.executable, str(_HERE / "sink.py"), *how], reads=True) as child:
        port = int(line(child))
        yield Calls(child), port


def cpu_seconds(pid: int) -> float:
    """Return the processor time of all threads of a process."""
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) returns on Linux


def memory_mb(pid: int, what: str) -> float:
    """Return VmHWM or VmRSS, in MB of 1,000,000 bytes."""
    for each in Path(f"/proc/{pid}/status").read_text().splitlines():
        if each.startswith(what + ":"):
            return int(each.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"/proc/{pid}/status has no {what}")


def bytes_written(pid: int) -> int:
    """Return what a process has given to the disk so far."""
    for each in Path(f"/proc/{pid}/io").read_text().splitlines():
        if each.startswith("write_bytes:"):
            return int(each.split()[1])
    raise RuntimeError(f"/proc/{pid}/io has no write_bytes")
