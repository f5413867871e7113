"""A district under load: stored without lag, told in time, in few messages, and what a room costs.

Rule: nothing here asserts. Real daemons behind a real Mosquitto watch buildings of 40 rooms; each room says
two values a minute, in turn. Of each size the table has a steady stretch, the start of a day (ten times as
much) and a heat wave in which a quarter of the rooms get a ticket. Rates are those of the clock on the wall;
only the heat wave is compressed: an hour of it into as many minutes as the table says, so that its tickets
come so many times faster than in a real one, and join in digests more. `--wave-minutes 60` is a real one,
and `--wave-minutes 5 --tickets 417` five minutes of one. With `--workers 2 --shards 8` two real workers share
the district in a PostgreSQL, else each daemon has a part and a store of its own.
The load averages stand beside the figures: another program on the machine is felt in all of them.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from curves import drawn
from ingest import row
from measures import Figure, say
from shared import Shared
from stand import Calls, broker, folder, sink
from wire import Wire, wire
from workers import District, running

SIZES = (100, 1000, 5000, 20_000)
_EVERY_S = 60.0
_TIMES_AT_DAYBREAK = 10
_OF_THE_ROOMS = 4  # one in so many gets a ticket in the heat wave
_LOOK_S = 0.02
_SETTLE_S = 12.0  # longer than an opening waits for company, and a message takes


class Size(NamedTuple):
    """How long each stretch lasts, in s, and how many tickets the heat wave opens, if that is said."""

    steady: float
    daybreak: float
    wave: float
    tickets: int | None


class Costs(NamedTuple):
    """What one size of a district cost."""

    rooms: int
    start_s: float
    memory_mb: float
    cpu_ms_a_reading: float
    bytes_a_reading: float


def main() -> int:
    """Measure every size that was asked for, and draw how the cost grows."""
    parser = argparse.ArgumentParser(description="Measure a district on this machine.")
    parser.add_argument("--quick", action="store_true", help="100 and 1,000 rooms, shorter stretches")
    parser.add_argument("--rooms", type=int, action="append", help="may be given more than once")
    parser.add_argument("--workers", type=int, default=1, help="so many daemons, each with its share")
    parser.add_argument("--shards", type=int, help="in a PostgreSQL, shared by real workers (--role worker)")
    parser.add_argument("--wave-minutes", type=float, default=5, help="into which the hour is compressed")
    parser.add_argument("--tickets", type=int, help="of the heat wave, else one for every four rooms")
    parser.add_argument("--svg", type=Path, help="where to draw how the cost grows")
    asked = parser.parse_args()
    size = (
        Size(15, 5, 20, asked.tickets)
        if asked.quick
        else Size(60, 20, asked.wave_minutes * 60, asked.tickets)
    )
    costs = []
    for rooms in asked.rooms or (SIZES[:2] if asked.quick else SIZES):
        for each in measured(rooms, asked.workers, asked.shards, size, costs):
            print(row(each), flush=True)
    if asked.svg:
        asked.svg.write_text(drawn(costs), encoding="utf-8")
    return 0


def measured(
    rooms: int, workers: int, shards: int | None, size: Size, costs: list[Costs]
) -> Iterator[Figure]:
    """Yield the figures of one size."""
    name = f"{rooms:,} rooms" + (f", {workers} workers" if workers > 1 else "")
    name += f", {shards} shards" if shards else ""
    with (
        ExitStack() as stack,
        folder() as where,
        broker(where, 1000) as port,
        sink("paths") as (webhook, webhook_port),
        wire(port, "publisher") as publisher,
    ):
        if shards:
            district: District = Shared(where, port, webhook_port, rooms, workers, shards, stack)
        else:
            district = District(where, port, webhook_port, rooms, workers)
        with running(district) as (children, spans):
            yield Figure(f"{name}: start to subscribed", max(spans), "s", "", _load())
            chosen = district.choose(size.tickets or rooms // _OF_THE_ROOMS)
            district.first_words(publisher)
            time.sleep(2)
            before, sent = district.bytes(), 0
            say(f"{name}: steady for {size.steady:g} s")
            stretch = _stretch(district, publisher, children, rooms / _EVERY_S, size.steady)
            sent += stretch.readings
            yield from stretch.figures(f"{name}, steady")
            say(f"{name}: daybreak for {size.daybreak:g} s")
            rate = _TIMES_AT_DAYBREAK * rooms / _EVERY_S
            dawn = _stretch(district, publisher, children, rate, size.daybreak)
            sent += dawn.readings
            yield from dawn.figures(f"{name}, daybreak")
            per = (district.bytes() - before) / max(1, sent)
            yield Figure(f"{name}: store", per, "bytes a reading", "", f"{sent:,} readings of two values")
            memory = district.memory_mb(children)
            yield Figure(f"{name}: memory at most", memory, "MB", "", "all workers, before the heat wave")
            cpu = dawn if dawn.readings > stretch.readings else stretch
            costs.append(Costs(rooms, max(spans), memory, cpu.cpu_s / cpu.readings * 1000, per))
            say(f"{name}: heat wave for {size.wave:g} s")
            yield from _wave(district, publisher, children, webhook, chosen, size.wave, name)
        with running(district) as (children, spans):
            yield Figure(f"{name}: start again, with all of it", max(spans), "s", "", _load())


class Stretch(NamedTuple):
    """What came of some time of load: lag in ms, processor time of all workers in s."""

    readings: int
    wall_s: float
    cpu_s: float
    lags: Sequence[float]

    def figures(self, name: str) -> Iterator[Figure]:
        """Yield it as lines of the table."""
        rate = self.readings / self.wall_s
        yield Figure(f"{name}: lag, p50", statistics.median(self.lags), "ms", "", f"{rate:,.0f} readings/s")
        yield Figure(f"{name}: lag, p99", _p99(self.lags), "ms", "", "published to committed")
        share = 100 * self.cpu_s / self.wall_s
        a_reading = f"{1000 * self.cpu_s / self.readings:.3f} ms a reading; {_load()}"
        yield Figure(f"{name}: processor", share, "% of one", "", a_reading)


def _stretch(
    district: District,
    publisher: Wire,
    children: Sequence[subprocess.Popen[str]],
    rate: float,
    seconds: float,
    is_hot: Callable[[int], bool] = lambda _: False,
) -> Stretch:
    """Let rooms speak in turn at a rate, and note when what they said was committed."""
    marks: list[tuple[int, float]] = []
    lags: list[float] = []
    is_over = threading.Event()
    before, cpu = district.stored(), district.cpu_seconds(children)

    def follow() -> None:
        while marks or not is_over.is_set():
            stored, now = district.stored() - before, time.monotonic()
            while marks and marks[0][0] <= stored:
                lags.append((now - marks.pop(0)[1]) * 1000)
            time.sleep(_LOOK_S)

    watcher = threading.Thread(target=follow, daemon=True)
    watcher.start()
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        due = min(int(rate * passed) + 1 - sent, 500)
        if due > 0:
            now = time.time()
            rooms = [(sent + each) % district.rooms for each in range(due)]
            publisher.publish(b"".join(district.reading(each, now, is_hot=is_hot(each)) for each in rooms))
            sent += due
            marks.append((sent, time.monotonic()))
        time.sleep(max(0.002, min(0.02, (sent + 1) / rate - (time.monotonic() - began))))
    wall = time.monotonic() - began
    is_over.set()
    watcher.join(120)
    return Stretch(sent, wall, district.cpu_seconds(children) - cpu, lags or [0.0])


def _wave(
    district: District,
    publisher: Wire,
    children: Sequence[subprocess.Popen[str]],
    webhook: Calls,
    chosen: Sequence[int],
    seconds: float,
    name: str,
) -> Iterator[Figure]:
    """Let one room after the other become too hot, and listen who is told how soon, and how often."""
    hot: dict[int, float] = {}
    began, order = time.monotonic(), iter(enumerate(chosen))
    following = next(order, None)

    def is_hot(room: int) -> bool:
        nonlocal following
        while following and time.monotonic() - began >= following[0] * seconds / len(chosen):
            hot[following[1]] = 0.0
            following = next(order, None)
        if hot.get(room) == 0.0:
            hot[room] = time.monotonic()
        return room in hot

    # A room says so at its own minute: that wait is no delay of ours, and the wave is that much longer.
    stretch = _stretch(district, publisher, children, district.rooms / _EVERY_S, seconds + _EVERY_S, is_hot)
    yield from stretch.figures(f"{name}, heat wave")
    time.sleep(_SETTLE_S)
    waiting = {f"r{room:05}": at for room, at in hot.items() if at}
    calls = [(at, path, re.findall(r"r\d{5}", body)) for at, path, body in webhook.all()]
    for whom, aim in (("custodian", "< 10"), ("principal", ""), ("office", "")):
        first: dict[str, float] = {}
        messages: defaultdict[str, list[float]] = defaultdict(list)
        for at, path, rooms in calls:
            if path.endswith(whom):
                messages[path].append(at)
                for each in waiting.keys() & rooms:
                    first.setdefault(each, at - waiting[each])
        if len(first) > 1:
            spans = list(first.values())
            note = f"{len(spans):,} of {len(waiting):,} tickets of {seconds / 60:g} min"
            yield Figure(f"{name}: breach to {whom}, p50", statistics.median(spans), "s", "", note)
            yield Figure(f"{name}: breach to {whom}, p99", _p99(spans), "s", aim, "digests and single ones")
        counts = [_in_an_hour(each) for each in messages.values()] or [0]
        most = f"in any hour; mean {statistics.mean(counts):.1f} of {len(counts)}"
        aim = "< 10" if whom == "principal" else ""
        yield Figure(f"{name}: messages to a {whom}, most", max(counts), "", aim, most)
    memory = district.memory_mb(children)
    yield Figure(f"{name}: memory at most, after it", memory, "MB", "", "all workers")


def _in_an_hour(moments: Sequence[float]) -> int:
    """Return how many came in the fullest hour."""
    return max(sum(at - 3600 < each <= at for each in moments) for at in moments)


def _p99(spans: Sequence[float]) -> float:
    return statistics.quantiles(spans, n=100, method="inclusive")[98] if len(spans) > 1 else spans[0]


def _load() -> str:
    return "load " + "/".join(f"{each:.1f}" for each in os.getloadavg())


if __name__ == "__main__":
    sys.exit(main())
