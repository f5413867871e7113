"""What is measured of all who are compared, one function a promise.

Rule: in turns; who has not its turn hears nothing. Medians are of turns, percentiles of all turns together.
"""

import random
import signal
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from measures import RATE, SETTLE, _bare_lap, _Lap, fail, failures, say
from parties import BARE, HASTY, PARTIES, Party, Stand, stand, tree
from stand import Plant, broker, bytes_written, cpu_seconds, folder, memory_mb, yardstick
from wire import wire

_TAIL = 1000


class Line(NamedTuple):
    """One line of the table: what each of the parties has."""

    name: str
    unit: str
    values: dict[str, float]
    note: str = ""
    is_more_better: bool = False


class Size(NamedTuple):
    """How much is done."""

    pairs: int
    messages: int
    turns: int
    failures: int  # a turn
    starts: int
    seconds: int
    kills: int
    parties: tuple[Party, ...] = PARTIES


FULL = Size(pairs=5, messages=15_000, turns=4, failures=75, starts=5, seconds=30, kills=3)
QUICK = Size(pairs=3, messages=5_000, turns=2, failures=50, starts=3, seconds=10, kills=1)


@contextmanager
def running(
    where: Path, parties: Sequence[Party], rooms: int = 200, extra_buildings: int = 0
) -> Iterator[list[tuple[Stand, subprocess.Popen[str]]]]:
    """Yield all of some parties at work, every room known."""
    with ExitStack() as held:
        found = []
        for party in parties:
            each = held.enter_context(stand(where, party, rooms, extra_buildings))
            child = held.enter_context(party.started(each.plant))
            each.first_words()
            found.append((each, child))
        yield found


def lap(here: Stand, child: subprocess.Popen[str], messages: int) -> _Lap:
    """Let a burst wait in the broker, then be stored, with the clock running until the last that counts."""
    rows, plant = here.party.rows, here.plant
    before = plant.stored()
    child.send_signal(signal.SIGSTOP)
    here.publisher.publish_all(plant.readings(messages + _TAIL))
    cpu, began = cpu_seconds(child.pid), time.monotonic()
    child.send_signal(signal.SIGCONT)
    ended, newest = here.await_messages(before, messages)
    spent, stored = cpu_seconds(child.pid) - cpu, (newest - before) / rows
    here.await_messages(before, messages + _TAIL)
    return _Lap(stored / (ended - began), spent * 10_000 / stored)


def bursts(size: Size) -> list[Line]:
    """How many messages a second of a burst are stored, and what that takes of the processor."""
    laps: defaultdict[str, list[_Lap]] = defaultdict(list)
    with (
        folder() as where,
        running(where, size.parties) as all_of_them,
        broker(where, 1000) as port,
        yardstick(port, _TAIL) as bare,
        wire(port, "publisher") as to_bare,
    ):
        plant = Plant(where / "bare", port, 200)
        for turn in range(size.pairs):
            laps[BARE].append(_bare_lap(bare, to_bare, plant, size.messages))
            for each, child in all_of_them:
                laps[each.party.name].append(lap(each, child, size.messages))
            rates = ", ".join(f"{name} {found[-1].rate:,.0f}/s" for name, found in laps.items())
            say(f"burst {turn + 1} of {size.pairs}: {rates}")
    rates = {name: statistics.median(each.rate for each in found) for name, found in laps.items()}
    spent = {name: statistics.median(each.cpu_per_10_000 for each in found) for name, found in laps.items()}
    return [
        Line("messages stored of a burst", "a second", rates, "bare paho only hears", is_more_better=True),
        Line("processor time per 10,000 of them", "s", spent),
    ]


def latency(size: Size) -> list[Line]:
    """From the moment at which a power failure is published to the first byte at a webhook."""
    spans: defaultdict[str, list[float]] = defaultdict(list)
    extra = 2 + size.turns * size.failures
    with folder() as where, running(where, (*size.parties, HASTY), extra_buildings=extra) as all_of_them:
        for each, _ in all_of_them:
            for number in range(2):  # what sends is loaded with the first
                fail(each.publisher, number)
                each.webhook.next()
        time.sleep(SETTLE)
        for turn in range(size.turns):
            first = 2 + turn * size.failures
            some = range(first, first + size.failures)
            for each, _ in all_of_them:
                spans[each.party.name] += failures(each.plant, each.publisher, each.webhook, some)
            say(f"latency, turn {turn + 1} of {size.turns}: {_medians(spans)}")
    hasty = spans.pop(HASTY.name)
    lines = []
    for name, cut in (("p50", 49), ("p99", 98)):
        told = {party: _percentile(found, cut) for party, found in spans.items()}
        before = f"Node-RED telling before it stores: {_percentile(hasty, cut):.1f} ms"
        lines.append(Line(f"publish to webhook at {RATE} messages/s, {name}", "ms", told, before))
    return lines


def behind_a_backlog(size: Size) -> list[Line]:
    """How soon a power failure is told of that was published behind what waits for somebody who was away."""
    spans: defaultdict[str, list[float]] = defaultdict(list)
    with folder() as where, running(where, size.parties, extra_buildings=size.pairs + 1) as all_of_them:
        for each, _ in all_of_them:
            fail(each.publisher, size.pairs)  # what sends is loaded with the first
            each.webhook.next()
        for turn in range(size.pairs):
            for each, child in all_of_them:
                child.send_signal(signal.SIGSTOP)
                each.publisher.publish_all(each.plant.readings(size.messages))
                fail(each.publisher, turn)
                began = time.monotonic()
                child.send_signal(signal.SIGCONT)
                spans[each.party.name].append(each.webhook.next()[0] - began)
            say(f"behind a backlog, {turn + 1} of {size.pairs}: {_seconds(spans)}")
    told = {name: statistics.median(found) for name, found in spans.items()}
    return [Line(f"back after {size.messages:,} messages to the webhook of the one behind them", "s", told)]


def _seconds(spans: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {found[-1]:.2f} s" for name, found in spans.items())


def _percentile(spans: Sequence[float], cut: int) -> float:
    return statistics.quantiles(spans, n=100, method="inclusive")[cut]


def _medians(spans: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {statistics.median(found):.1f} ms" for name, found in spans.items())


def memory(size: Size) -> list[Line]:
    """What each holds after a while at the ordinary rate, and at most after a burst; with its children."""
    lines = []
    for rooms in (200, 2000):
        calm, most = {}, {}
        with folder() as where:
            for party in size.parties:  # one after the other: the others would take memory from it
                with running(where, (party,), rooms, 1) as [(each, child)]:
                    fail(each.publisher, 0)
                    each.webhook.next()
                    steadily([each], size.seconds / 6)
                    calm[party.name] = sum(memory_mb(pid, "VmRSS") for pid in tree(child.pid))
                    lap(each, child, size.messages)
                    time.sleep(SETTLE)
                    most[party.name] = sum(memory_mb(pid, "VmHWM") for pid in tree(child.pid))
            with broker(where, 1000) as port, yardstick(port, _TAIL) as bare, wire(port, "p") as publisher:
                plant = Plant(where / "bare", port, rooms)
                calm[BARE] = memory_mb(bare.pid, "VmRSS")
                _bare_lap(bare, publisher, plant, size.messages)
                most[BARE] = memory_mb(bare.pid, "VmHWM")
        say(f"memory, {rooms} rooms: " + ", ".join(f"{name} {most[name]:.0f} MB" for name in most))
        lines.append(Line(f"memory, {rooms:,} rooms, at {RATE} messages/s", "MB", calm))
        lines.append(Line(f"memory, {rooms:,} rooms, at most after a burst", "MB", most))
    return lines


def steadily(stands: Sequence[Stand], seconds: float) -> int:
    """Publish to all at the ordinary rate; return how many messages each was sent."""
    began, messages = time.monotonic(), int(seconds * RATE)
    for number in range(messages):
        for each in stands:
            each.publisher.publish(each.plant.readings(1)[0])
        time.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))
    return messages


def starts(size: Size) -> list[Line]:
    """From the spawn to being connected and subscribed, with the store of 1,000 rooms."""
    spans: defaultdict[str, list[float]] = defaultdict(list)
    with folder() as where, ExitStack() as held:
        stands = [held.enter_context(stand(where, party, 1000)) for party in size.parties]
        port = held.enter_context(broker(where, 1000))
        for each in stands:
            with each.party.started(each.plant):
                each.first_words()
        for turn in range(size.starts + 1):
            began = time.monotonic()
            with yardstick(port, _TAIL):
                spans[BARE].append(time.monotonic() - began)
            for each in stands:
                began = time.monotonic()
                with each.party.started(each.plant):
                    spans[each.party.name].append(time.monotonic() - began)
            say(f"start {turn}: {_seconds(spans)}")
    told = {name: statistics.median(found[1:]) for name, found in spans.items()}
    return [Line("start to subscribed, 1,000 rooms", "s", told)]


def wear(size: Size) -> list[Line]:
    """What the kernel was asked to write at the ordinary rate; all of them at once, as no time is taken."""
    with folder() as where, running(where, size.parties) as all_of_them:
        time.sleep(SETTLE)
        before = [bytes_written(child.pid) for _, child in all_of_them]
        say(f"wear: {size.seconds} s at {RATE} messages/s")
        messages = steadily([each for each, _ in all_of_them], size.seconds)
        time.sleep(SETTLE)
        told = {
            each.party.name: (bytes_written(child.pid) - so_far) / messages
            for (each, child), so_far in zip(all_of_them, before, strict=True)
        }
    return [Line(f"written per 1,000 messages at {RATE}/s", "kB", told, f"over {size.seconds} s")]


def killed(size: Size) -> list[Line]:
    """What is missing after kill -9 in a burst, once the same client has come back to its kept session."""
    messages = size.messages
    lost: dict[str, float] = dict.fromkeys((party.name for party in size.parties), 0.0)
    for turn in range(size.kills):
        part = random.uniform(0.1, 0.9)
        for party in size.parties:
            with folder() as where, stand(where, party) as here:
                with party.started(here.plant) as child:
                    here.first_words()
                    before, rows = here.distinct(), here.plant.stored()
                    child.send_signal(signal.SIGSTOP)
                    here.publisher.publish_all(here.plant.readings(messages))
                    child.send_signal(signal.SIGCONT)
                    here.await_messages(rows, int(part * messages))
                    child.kill()
                    child.wait()
                with party.started(here.plant):
                    here.settled(SETTLE)
                    missing = before + messages - here.distinct()
                lost[party.name] += missing
                say(f"kill {turn + 1}, after {part:.0%}: {party.name} lost {missing:,} of {messages:,}")
    return [Line(f"lost of {size.kills * messages:,} after kill -9 in a burst", "readings", lost)]
