"""What is measured, one function a promise; each builds its stand, measures and takes it down.

Rule: the same load for everybody who is compared, in turns; every figure says what it counts.
"""

import random
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from stand import (
    SAFETYD,
    Calls,
    Plant,
    broker,
    bytes_written,
    cpu_seconds,
    daemon,
    end,
    first_words,
    folder,
    line,
    memory_mb,
    process,
    sink,
    yardstick,
)
from wire import Wire, publish_packet, wire

RATE = 200  # readings a second of an ordinary large district, as a background
SETTLE = 1.5  # longer than readings wait for company
_TAIL = 1000  # messages behind the last that counts: what waits for company at the end is no part of a burst


class Figure(NamedTuple):
    """One line of the table; `aim` with `<` or `>` is what was promised."""

    name: str
    value: float
    unit: str
    aim: str = ""
    note: str = ""


class Size(NamedTuple):
    """How much is done."""

    pairs: int
    messages: int
    buildings: int
    starts: int
    seconds: int


FULL = Size(pairs=5, messages=30_000, buildings=400, starts=7, seconds=30)
QUICK = Size(pairs=3, messages=10_000, buildings=100, starts=3, seconds=10)


def say(text: str) -> None:
    """Tell on standard error how far it is."""
    print(text, file=sys.stderr, flush=True)


class _Lap(NamedTuple):
    rate: float
    cpu_per_10_000: float


def throughput(size: Size) -> list[Figure]:
    """A burst through the daemon against the same burst through the bare client."""
    return [*_burst(size, 1000, 5, "> 1.5"), *_burst(size, 20, 4, "> 1.0")]


def _burst(size: Size, window: int, protocol: int, aim: str) -> list[Figure]:
    ours, theirs = [], []
    with folder() as where, broker(where, window) as our_port, broker(where, window) as their_port:
        plant = Plant(where / "plant", our_port, 200, protocol=protocol)
        with (
            daemon(plant) as child,
            yardstick(their_port, _TAIL, protocol) as bare,
            wire(our_port, "publisher") as to_us,
            wire(their_port, "publisher") as to_them,
        ):
            first_words(plant, to_us)
            for lap in range(size.pairs):
                theirs.append(_bare_lap(bare, to_them, plant, size.messages))
                ours.append(_our_lap(child, to_us, plant, size.messages))
                say(
                    f"window {window}, pair {lap + 1} of {size.pairs}: "
                    f"safetyd {ours[-1].rate:,.0f}/s, bare {theirs[-1].rate:,.0f}/s"
                )
    ratio = statistics.median(our.rate / their.rate for our, their in zip(ours, theirs, strict=True))
    name = f"window {window}"
    return [
        Figure(f"{name}: stored / bare received", ratio, "x", aim, f"median of {size.pairs} pairs"),
        Figure(f"{name}: safetyd", statistics.median(lap.rate for lap in ours), "messages/s"),
        Figure(f"{name}: bare paho", statistics.median(lap.rate for lap in theirs), "messages/s"),
        Figure(f"{name}: safetyd", statistics.median(lap.cpu_per_10_000 for lap in ours), "CPU s/10,000"),
        Figure(f"{name}: bare paho", statistics.median(lap.cpu_per_10_000 for lap in theirs), "CPU s/10,000"),
    ]


def _our_lap(child: subprocess.Popen[str], publisher: Wire, plant: Plant, messages: int) -> _Lap:
    before = plant.stored()
    child.send_signal(signal.SIGSTOP)
    publisher.publish_all(plant.readings(messages + _TAIL))
    cpu, began = cpu_seconds(child.pid), time.monotonic()
    child.send_signal(signal.SIGCONT)
    ended, newest = plant.await_rows(before + 2 * messages)
    spent, stored = cpu_seconds(child.pid) - cpu, (newest - before) / 2
    plant.await_rows(before + 2 * (messages + _TAIL))
    return _Lap(stored / (ended - began), spent * 10_000 / stored)


def _bare_lap(child: subprocess.Popen[str], publisher: Wire, plant: Plant, messages: int) -> _Lap:
    child.send_signal(signal.SIGSTOP)
    publisher.publish_all(plant.readings(messages + _TAIL))
    cpu, began = cpu_seconds(child.pid), time.monotonic()
    child.send_signal(signal.SIGCONT)
    ended = [float(line(child)) for _ in range(messages // _TAIL)][-1]
    spent = cpu_seconds(child.pid) - cpu
    line(child)
    return _Lap(messages / (ended - began), spent * 10_000 / messages)


def latency(size: Size) -> list[Figure]:
    """From the moment a power failure is published to the first byte at a webhook, under a background."""
    with (
        folder() as where,
        broker(where, 1000) as port,
        sink() as (webhook, webhook_port),
        wire(port, "publisher") as publisher,
    ):
        plant = Plant(where / "plant", port, 200, webhook=webhook_port, extra_buildings=size.buildings + 2)
        with daemon(plant):
            first_words(plant, publisher)
            for number in range(2):  # apprise is loaded with the first
                fail(publisher, number)
                webhook.next()
            time.sleep(SETTLE)
            say(f"latency: {size.buildings} power failures at about 10/s over {RATE} readings/s")
            spans = failures(plant, publisher, webhook, range(2, size.buildings + 2))
    cuts = statistics.quantiles(spans, n=100, method="inclusive")
    return [
        Figure("publish to webhook, p50", cuts[49], "ms", "", f"{len(spans)} outage_began notices"),
        Figure("publish to webhook, p99", cuts[98], "ms", "< 5", f"at {RATE} messages/s besides"),
        Figure("publish to webhook, worst", max(spans), "ms"),
    ]


def failures(
    plant: Plant, publisher: Wire, webhook: Calls, buildings: range, every_s: float = 0.1
) -> list[float]:
    """Let the power of some extra buildings fail, one after the other, over ordinary readings; return how
    long each took to be told, in ms."""
    sent: dict[str, float] = {}
    began = next_failure = time.monotonic()
    beats, failed = 0, buildings.start
    while failed < buildings.stop:
        publisher.publish(plant.readings(1)[0])
        beats += 1
        if time.monotonic() >= next_failure:
            next_failure += random.uniform(0.5, 1.5) * every_s
            sent[f"x{failed:04}"] = fail(publisher, failed)
            failed += 1
        pause = began + beats / RATE - time.monotonic()
        time.sleep(max(0.0, pause + random.uniform(0, 0.002)))
    spans = []
    while sent:
        at, body = webhook.next()
        told = [place for place in re.findall(r"Extra (x\d{4})", body) if place in sent]
        spans += [(at - sent.pop(place)) * 1000 for place in dict.fromkeys(told)]
    return spans


def fail(publisher: Wire, number: int) -> float:
    """Let the power of an extra building fail, and return when."""
    packet = publish_packet(f"safetyd/power/x{number:04}", b'{"mains": false}', number)
    at = time.monotonic()
    publisher.publish(packet)
    return at


def memory(size: Size) -> list[Figure]:
    """The daemon's peak after a burst, apprise loaded, for a school and for a district."""
    peaks = {}
    for rooms in (200, 2000):
        with (
            folder() as where,
            broker(where, 1000) as port,
            sink() as (webhook, webhook_port),
            wire(port, "publisher") as publisher,
        ):
            plant = Plant(where / "plant", port, rooms, webhook=webhook_port, extra_buildings=1)
            with daemon(plant) as child:
                first_words(plant, publisher)
                fail(publisher, 0)
                webhook.next()
                _our_lap(child, publisher, plant, 20_000)
                time.sleep(SETTLE)
                peaks[rooms] = memory_mb(child.pid, "VmHWM")
                say(f"memory: {rooms} rooms, {peaks[rooms]:.1f} MB at most")
    return [
        Figure("peak memory, 200 rooms", peaks[200], "MB", "< 80", "after a burst of 20,000, apprise loaded"),
        Figure("more for 2,000 rooms", peaks[2000] - peaks[200], "MB", "< 5"),
    ]


def start(size: Size) -> list[Figure]:
    """From the spawn to `online`, which follows the subscription, with 1,000 rooms to read back."""
    spans = []
    with folder() as where, broker(where, 1000) as port, wire(port, "publisher") as publisher:
        plant = Plant(where / "plant", port, 1000)
        subprocess.run([sys.executable, "-m", "compileall", "-q", "safetyd"], check=False)
        with daemon(plant):
            for _ in range(3):
                first_words(plant, publisher)
        for lap in range(size.starts + 1):
            spans.append(_start(plant))
            say(f"start {lap}: {spans[-1]:.3f} s")
    return [
        Figure(
            "start to subscribed, 1,000 rooms",
            statistics.median(spans[1:]),
            "s",
            "< 0.7",
            f"median of {size.starts}, the first dropped",
        )
    ]


def _start(plant: Plant) -> float:
    with wire(plant.port, "watch") as watch:
        watch.subscribe("safetyd/status/safetyd")
        began = time.monotonic()
        with process([*SAFETYD, "run", "--config", str(plant.config)]) as child:
            watch.wait_for(b'"online"')
            span = time.monotonic() - began
            time.sleep(0.2)
            end(child)
    return span


def wear(size: Size) -> list[Figure]:
    """What the kernel was asked to write for the daemon at an ordinary rate, and with its clean end."""
    with folder() as where, broker(where, 1000) as port, wire(port, "publisher") as publisher:
        plant = Plant(where / "plant", port, 200)
        with daemon(plant) as child:
            first_words(plant, publisher)
            time.sleep(SETTLE)
            before = bytes_written(child.pid)
            say(f"wear: {size.seconds} s at {RATE} messages/s")
            began, messages = time.monotonic(), size.seconds * RATE
            for number in range(messages):
                publisher.publish(plant.readings(1)[0])
                time.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))
            time.sleep(SETTLE)
            running = bytes_written(child.pid) - before
            whole = end(child) - before
        size_kb = Path(plant.where / "bench.db").stat().st_size / 1000
    per = messages / 1000
    return [
        Figure("written per 1,000 messages", running / 1000 / per, "kB", "< 250", f"over {size.seconds} s"),
        Figure("written per 1,000 values", running / 2000 / per, "kB", "", "two values a message"),
        Figure(
            "the same to the end, per 1,000 messages",
            whole / 1000 / per,
            "kB",
            "",
            f"with a checkpoint and every room saved; file {size_kb:,.0f} kB",
        ),
    ]


MEASURES = {"throughput": throughput, "latency": latency, "memory": memory, "start": start, "wear": wear}
