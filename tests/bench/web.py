"""How soon pages come, what they cost the watch, and how much memory they take.

Rule: nothing here asserts. A real daemon behind a real Mosquitto takes 200 readings a second while a browser,
a program of its own with one session, asks for the pages of a building, the part of it that changes, and
tickets; the store holds thousands of them. What the watch feels is the time from a power failure to the
webhook, in turns with and without people looking.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from filling import filled
from ingest import row
from measures import RATE, SETTLE, Figure, fail, failures, say
from stand import _HERE, Calls, Plant, broker, daemon, first_words, folder, line, memory_mb, process, sink
from wire import Wire, wire

from safetyd.core.model import Role
from safetyd.site import read_site
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_writing

_ROOMS = 200
_FAILURE_EVERY_S = 0.5
_DECISION_EVERY_S = 3.0


class Size(NamedTuple):
    """How much is done."""

    tickets: int
    seconds: int  # of each load
    turns: int
    failures: int  # a turn


FULL = Size(tickets=5000, seconds=30, turns=4, failures=50)
QUICK = Size(tickets=1000, seconds=10, turns=2, failures=30)


class Browser(NamedTuple):
    """The program that asks, and what there is to be asked for."""

    child: subprocess.Popen[str]
    pages: dict[str, list[str]]

    def begin(self, rate: float, seconds: float) -> None:
        """Have it ask; a rate of 0 is as fast as it is answered."""
        assert self.child.stdin is not None
        paths = [each for some in self.pages.values() for each in some]
        weighed = [path for some in self.pages.values() for path in some * (len(paths) // len(some))]
        print(
            json.dumps({"rate": rate, "seconds": seconds, "paths": weighed}),
            file=self.child.stdin,
            flush=True,
        )

    def end(self) -> dict[str, list[float]]:
        """Return how long each kind of page took, in ms, once it has asked for all."""
        found: list[Any] = json.loads(line(self.child))
        kind = {path: name for name, some in self.pages.items() for path in some}
        spans: dict[str, list[float]] = {name: [] for name in self.pages}
        for path, took in found:
            spans[kind[path]].append(took)
        return spans


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Measure the pages on this machine.")
    parser.add_argument("--quick", action="store_true", help="fewer tickets and less time")
    parser.add_argument("--rate", type=float, default=15.0, help="requests a second")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL
    with folder() as where, broker(where, 1000) as port, sink() as (webhook, webhook_port):
        extra = 2 + 2 * size.turns * size.failures + int(2 * size.seconds / _DECISION_EVERY_S) + 2
        plant = Plant(where / "plant", port, _ROOMS, webhook=webhook_port, extra_buildings=extra)
        ids, secret = _prepared(plant, size)
        with wire(port, "publisher") as publisher:
            for figure in _measured(plant, publisher, webhook, Asked(size, asked.rate, ids, secret)):
                print(row(figure), flush=True)
    return 0


class Asked(NamedTuple):
    """What is measured, and with which tickets and session."""

    size: Size
    rate: float
    ids: list[str]
    secret: str


def _prepared(plant: Plant, size: Size) -> tuple[list[str], str]:
    """Fill the store; return the ids of its tickets, and what a logged-in browser brings."""
    say(f"making a store of {size.tickets} tickets")
    site = read_site([plant.where / "site.toml"], {}, [])
    assert site is not None
    by = plant.rooms_a_building
    topics = [plant.topics[first : first + by] for first in range(0, _ROOMS, by)]
    ids = filled(plant.where / "bench.db", site, topics, size.tickets)
    now = datetime.now(UTC)
    with closing(open_for_writing(f"sqlite:///{plant.where}/bench.db")) as connection:
        accounts.add(connection, "Kim Low", Role.FACILITIES, (), "not used", now)
        return ids, sessions.begin(connection, accounts.named(connection, "Kim Low").number, now)


def _measured(plant: Plant, publisher: Wire, webhook: Calls, asked: Asked) -> Iterator[Figure]:
    size, next_extra = asked.size, 0
    plant.config.write_text(plant.config.read_text().replace(f'listen = "{plant.listen}"', "listen = false"))
    with daemon(plant) as child:
        next_extra = _warmed_up(plant, publisher, webhook, next_extra)
        _readings(plant, publisher, size.seconds / 2)
        without_mb = memory_mb(child.pid, "VmRSS")
    plant.config.write_text(plant.config.read_text().replace("listen = false", f'listen = "{plant.listen}"'))
    with daemon(plant) as child, _browser(plant, asked) as browser:
        next_extra = _warmed_up(plant, publisher, webhook, next_extra)
        browser.begin(asked.rate, size.seconds / 2)
        _readings(plant, publisher, size.seconds / 2)
        browser.end()
        with_mb = memory_mb(child.pid, "VmRSS")

        browser.begin(asked.rate, size.seconds)
        next_extra = _readings(plant, publisher, size.seconds, webhook, next_extra)
        note = f"{asked.rate:g} requests/s, {RATE} readings/s, a decision every {_DECISION_EVERY_S:g} s"
        for name, spans in browser.end().items():
            yield from _quantiles(name, spans, "< 50", note)

        alone, looked_at, pages = [], [], []
        for turn in range(size.turns):
            for spans, is_looked_at in ((alone, False), (looked_at, True)):
                if is_looked_at:
                    browser.begin(asked.rate, size.failures * _FAILURE_EVERY_S)
                some = range(next_extra, next_extra + size.failures)
                spans += failures(plant, publisher, webhook, some, _FAILURE_EVERY_S)
                next_extra = some.stop
            pages += [took for spans in browser.end().values() for took in spans]
            say(f"turn {turn + 1} of {size.turns}")
        yield from _quantiles("publish to webhook, nobody looking", alone, "", f"{len(alone)} power failures")
        yield from _quantiles("publish to webhook, people looking", looked_at, "", note.partition(",")[0])
        yield Figure("p99 with / without people looking", _p99(looked_at) / _p99(alone), "x", "< 1.5")
        yield from _quantiles("any page meanwhile", pages, "", f"{1 / _FAILURE_EVERY_S:g} decisions/s")

        browser.begin(0, size.seconds / 2)
        _readings(plant, publisher, size.seconds / 2)
        spans = [took for each in browser.end().values() for took in each]
        yield Figure("pages at most", len(spans) / (size.seconds / 2), "requests/s", "", "6 connections")
        yield from _quantiles("any page then", spans, "", "")
    yield Figure("memory without [web]", without_mb, "MB", "", f"{size.tickets} tickets, notices sent")
    yield Figure("more with all of these pages visited", with_mb - without_mb, "MB", "< 25")


def _quantiles(name: str, spans: Sequence[float], aim: str, note: str) -> Iterator[Figure]:
    yield Figure(f"{name}, p50", statistics.median(spans), "ms", "", f"{len(spans)} times")
    yield Figure(f"{name}, p99", _p99(spans), "ms", aim, note)


def _p99(spans: Sequence[float]) -> float:
    return statistics.quantiles(spans, n=100, method="inclusive")[98]


def _warmed_up(plant: Plant, publisher: Wire, webhook: Calls, next_extra: int) -> int:
    """Let every room speak and one building lose its power, so that what sends is loaded."""
    first_words(plant, publisher)
    fail(publisher, next_extra)
    _heard(webhook, next_extra)
    time.sleep(SETTLE)
    return next_extra + 1


def _heard(webhook: Calls, extra: int) -> None:
    """Wait for a notice; others are of the tickets that stand open."""
    while f"Extra x{extra:04}" not in webhook.next()[1]:
        pass


def _readings(
    plant: Plant, publisher: Wire, seconds: float, webhook: Calls | None = None, next_extra: int = 0
) -> int:
    """Publish at the ordinary rate; with a webhook a building loses its power now and then."""
    began = time.monotonic()
    next_failure = began + _DECISION_EVERY_S
    for number in range(int(seconds * RATE)):
        publisher.publish(plant.readings(1)[0])
        if webhook is not None and time.monotonic() >= next_failure:
            next_failure += _DECISION_EVERY_S
            fail(publisher, next_extra)
            _heard(webhook, next_extra)
            next_extra += 1
        time.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))
    return next_extra


@contextmanager
def _browser(plant: Plant, asked: Asked) -> Iterator[Browser]:
    port = plant.listen.rpartition(":")[2]
    buildings = range(_ROOMS // plant.rooms_a_building)
    pages = {
        "Now": [f"/buildings/b{number:04}" for number in buildings],
        "Now, its changing part": [f"/buildings/b{number:04}/rooms" for number in buildings],
        "Ticket": [f"/tickets/{id}" for id in asked.ids[-_ROOMS:]],
        "tickets": ["/tickets"],
    }
    with process(
        [sys.executable, str(Path(_HERE) / "browsing.py"), port, asked.secret], reads=True, is_asked=True
    ) as child:
        yield Browser(child, pages)


if __name__ == "__main__":
    sys.exit(main())
