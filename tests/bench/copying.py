"""What copying to InfluxDB costs the watch, while there is a long way to catch up.

Rule: two daemons in turns, one of them with a long way to copy; who has not its turn is stopped.
"""

import shutil
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from measures import Figure, Size, _our_lap, say
from stand import (
    _HERE,
    Plant,
    broker,
    daemon,
    first_words,
    folder,
    free_port,
    line,
    memory_mb,
    process,
    until,
)
from wire import wire

_BACKLOG = 6  # bursts that both have stored before the copy begins
_TAKERS = {"alone": "InfluxDB on another machine", "influxd": "influxd on the same 2 cores"}


def copying(size: Size) -> list[Figure]:
    """A burst while the copy catches up, against the same burst without one."""
    return [figure for how in _TAKERS for figure in _caught_up(size, how)]


def _caught_up(size: Size, how: str) -> Iterator[Figure]:
    plain, copied, rates = [], [], []
    with (
        folder() as where,
        broker(where, 1000) as our_port,
        broker(where, 1000) as their_port,
        _taker(where, how) as (takes, taker_port),
        wire(our_port, "publisher") as to_us,
        wire(their_port, "publisher") as to_them,
    ):
        ours, theirs = Plant(where / "with", our_port, 200), Plant(where / "without", their_port, 200)
        for plant, publisher in ((ours, to_us), (theirs, to_them)):
            with daemon(plant) as child:
                first_words(plant, publisher)
                for _ in range(_BACKLOG):
                    _our_lap(child, publisher, plant, size.messages)
        behind = ours.stored()
        with ours.config.open("a") as config:
            config.write(f'[influx]\nurl = "http://127.0.0.1:{taker_port}"\nbucket = "bench"\n')
        with daemon(theirs) as other, daemon(ours) as child:
            until(lambda: takes.lines, "the copy has begun")
            for lap in range(size.pairs):
                child.send_signal(signal.SIGSTOP)
                plain.append(_our_lap(other, to_them, theirs, size.messages))
                child.send_signal(signal.SIGCONT)
                copied.append(_our_lap(child, to_us, ours, size.messages))
                say(f"{how}, pair {lap + 1}: {plain[-1].rate:,.0f}/s without, {copied[-1].rate:,.0f}/s with")
            is_behind = takes.lines < behind
            more_mb = memory_mb(child.pid, "VmHWM") - memory_mb(other.pid, "VmHWM")
            before = takes.lines
            began = takes.at
            until(lambda: takes.lines >= ours.stored(), "everything is copied", 300)
            rates.append((takes.lines - before) / (takes.at - began))
    ratio = statistics.median(a.rate / b.rate for a, b in zip(copied, plain, strict=True))
    note = _TAKERS[how] + ("" if is_behind else "; it had caught up before the end")
    yield Figure("catching up: stored with / without", ratio, "x", "", note)
    yield Figure("catching up: rows copied", rates[0], "rows/s", "", "with nothing else to do")
    yield Figure("catching up: more memory", more_mb, "MB", "", f"{behind:,} rows behind at first")


class _Takes:
    """How many lines were taken, and when the last."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.lines, self.at = 0, 0.0
        threading.Thread(target=self._read, args=(child,), daemon=True).start()

    def _read(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for said in child.stdout:
            at, lines = said.split()
            self.at, self.lines = float(at), self.lines + int(lines)


@contextmanager
def _taker(where: Path, how: str) -> Iterator[tuple[_Takes, int]]:
    """Yield what was taken and the port; with an influxd behind it, if it is to work."""
    if how == "alone":
        with process([sys.executable, str(_HERE / "taker.py")], reads=True) as child:
            port = int(line(child))
            yield _Takes(child), port
        return
    with (
        _influxd(where) as inner,
        process([sys.executable, str(_HERE / "taker.py"), str(inner)], reads=True) as child,
    ):
        port = int(line(child))
        yield _Takes(child), port


@contextmanager
def _influxd(where: Path) -> Iterator[int]:
    program = shutil.which("influxd")
    if program is None:
        raise RuntimeError("influxdb is not installed")
    port, here = free_port(), where / "influx"
    conf = where / "influxdb.conf"
    conf.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n[meta]\ndir = "{here}/meta"\n'
        f'[data]\ndir = "{here}/data"\nwal-dir = "{here}/wal"\n[http]\nbind-address = "127.0.0.1:{port}"\n'
        'log-enabled = false\n[monitor]\nstore-enabled = false\n[logging]\nlevel = "error"\n'
    )
    with process([program, "-config", str(conf)]):
        until(lambda: _made(port), "influxd answers")
        yield port


def _made(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/query?q=CREATE+DATABASE+bench", b"", timeout=5):
            return True
    except OSError:
        return False
