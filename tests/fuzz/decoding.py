"""Sends mutated messages of every format the whole way; nothing may fail, nothing out of range may count.

Rule: the same number gives the same messages on any machine. The smallest message that fails is printed so
that a test can be made of it.
"""

import argparse
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import NamedTuple

from tests.fuzz.mutations import Mutator
from tests.fuzz.seeds import Seed, seeds
from tests.fuzz.target import Case, Outcome, put

_CHUNK = 10_000
_TRIES = 2_000  # to make a failing message smaller


class Lot(NamedTuple):
    """Some of the messages, by number."""

    seed: int
    number: int
    size: int
    only: str | None


class Result(NamedTuple):
    """What became of a lot: how many of each outcome, and the first that failed, in words."""

    tally: Counter[Outcome]
    failure: str | None = None


def main() -> int:
    """Run as asked, and return 1 if anything failed."""
    asked = _asked()
    chosen = _chosen(asked.only)
    if not chosen:
        print(f"no message of {asked.only}", file=sys.stderr)
        return 2
    lots = [
        Lot(asked.seed, number, min(_CHUNK, asked.count - number * _CHUNK), asked.only)
        for number in range(-(-asked.count // _CHUNK))
    ]
    began, tally = time.monotonic(), Counter[Outcome]()
    with multiprocessing.Pool(asked.jobs) as pool:
        for result in pool.imap(run, lots):
            tally += result.tally
            _progress(tally.total(), asked.count)
            if result.failure is not None:
                print(result.failure)
                return 1
    formats = len({seed.format for seed in chosen})
    print(
        f"{tally.total():,} payloads of {formats} format{'s' * (formats > 1)} "
        f"in {time.monotonic() - began:.0f} s, no exception, nothing accepted out of range; "
        + ", ".join(f"{tally[outcome]:,} {outcome}" for outcome in Outcome)
        + f" (seed {asked.seed}, {len(chosen):,} messages to begin with)"
    )
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send mutated messages through every decoder.")
    parser.add_argument("--count", type=int, default=1_000_000, help="how many messages (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the number that they come from (%(default)s)")
    parser.add_argument("--only", help="one format")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (%(default)s)")
    return parser.parse_args()


@lru_cache
def _chosen(only: str | None) -> list[Seed]:
    return [seed for seed in seeds() if only in (None, seed.format)]


def run(lot: Lot) -> Result:
    """Send one lot; stop at the first message that fails."""
    mutator = Mutator(_chosen(lot.only), Random(f"{lot.seed}/{lot.number}"))
    tally = Counter[Outcome]()
    for _ in range(lot.size):
        case = mutator.case()
        try:
            tally[put(case)] += 1
        except Exception:
            return Result(tally, told(smallest(case)))
    return Result(tally)


def _progress(done: int, count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,} of {count:,}", end="" if done < count else "\r\033[K", file=sys.stderr, flush=True)


def smallest(case: Case) -> Case:
    """Return the smallest case found that fails as this one does."""
    wrong = _wrong(case)
    for smaller in (case._replace(before=()), case._replace(retain=False)):
        case = smaller if _wrong(smaller) == wrong else case
    tries, size = 0, len(case.payload) // 2
    while size and tries < _TRIES:
        found = None
        for payload in _without(case.payload, size):
            tries += 1
            if _wrong(case._replace(payload=payload)) == wrong:
                found = payload
                break
        if found is None:
            size //= 2
        else:
            case = case._replace(payload=found)
    return case


def _without(payload: bytes, size: int) -> Iterator[bytes]:
    return (payload[:at] + payload[at + size :] for at in range(0, len(payload), size))


def _wrong(case: Case) -> tuple[str, str] | None:
    """The kind of failure and the function it came from; None if nothing failed."""
    try:
        put(case)
    except Exception as error:
        return type(error).__name__, traceback.extract_tb(error.__traceback__)[-1].name
    return None


def told(case: Case) -> str:
    """Return a failing case in words, with where it failed."""
    try:
        put(case)
        where = "it does not fail a second time"
    except Exception as error:
        where = "".join(traceback.format_exception(error, chain=False))
    said = [
        f"topic    {case.topic!r}",
        f"format   {case.way.format}",
        f"site     {case.way.options}, {'a witness of the mains' if case.way.is_mains else 'of a room'}",
        *(f"before   {topic!r} {payload!r}" for topic, payload in case.before),
        f"retained {case.retain}",
        f"payload  {case.payload!r}",
    ]
    return "\n".join([*said, "", where])


if __name__ == "__main__":
    sys.exit(main())
