"""What each five minutes of a place hold: the values that counted, and how long each condition held.

Rule: only what counts is tallied, at its own time, by the same walk that judges; so a tally from any settled
state on is that of the whole past.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import fsum
from typing import NamedTuple

from safetyd.core import power, room
from safetyd.core.account import stretches, supplies
from safetyd.core.model import Mark, Observation, Quantity, Verdict
from safetyd.core.power import Power
from safetyd.core.room import Room, Step
from safetyd.core.rules import RuleBook
from safetyd.core.warmth import heat_indexes

WIDTH = timedelta(minutes=5)  # of the finest bucket
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GRAIN = timedelta(microseconds=1)

Spent = dict[datetime, dict["Account", list[int]]]  # by bucket and account: ok and breach, in microseconds


class Measure(StrEnum):
    """What a history may be asked for: the quantities, and what is made of them."""

    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    HEAT_INDEX = "heat_index"
    MAINS = "mains"
    VOLTAGE = "voltage"
    POWER = "power"
    BATTERY = "battery"
    ENERGY = "energy"


class Account(StrEnum):
    """What seconds are counted of; `room` is cold and heat together, as `replay` counts its rooms."""

    COLD = "cold"
    HEAT = "heat"
    ROOM = "room"
    OUTAGE = "outage"


class Values(NamedTuple):
    """How many values there were, the least, the greatest, and their sum."""

    n: int
    low: float
    high: float
    total: float


class Share(NamedTuple):
    """How much of a bucket was ok and in breach, in microseconds; the rest of it is unknown."""

    ok: int = 0
    breach: int = 0


class Bucket(NamedTuple):
    """One span of a place. An account that is absent is wholly unknown."""

    values: dict[Measure, Values]
    shares: dict[Account, Share]


class Known(NamedTuple):
    """What is remembered of a place at a moment, for what comes after it."""

    room: Room = room.EMPTY
    power: Power = power.EMPTY

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits that would change what was before."""
        return room.is_settled(self.room)


class Sample(NamedTuple):
    """One value that counted."""

    at: datetime
    measure: Measure
    value: float


class Tallied(NamedTuple):
    """The buckets by their beginning, what is known at the end, and the earliest moment before the beginning
    at which something turned out to count after all."""

    buckets: dict[datetime, Bucket]
    known: Known
    reached_back_to: datetime | None


def floor(at: datetime, width: timedelta = WIDTH) -> datetime:
    """Return the beginning of the bucket that holds a moment."""
    return at - (at - EPOCH) % width


def samples(step: Step, book: RuleBook) -> Iterator[Sample]:
    """Yield the values that counted with one step of a room."""
    at, judged, spoke = step.at, step.judged, step.observation
    if judged.temperature_f is not None:
        yield Sample(at, Measure.TEMPERATURE, judged.temperature_f)
    if judged.humidity is not None:
        yield Sample(at, Measure.HUMIDITY, judged.humidity)
    if judged.temperature_f is not None or judged.humidity is not None:
        for value in heat_indexes(step.room.sources, spoke.sensor.id, at, book.in_force(at)):
            yield Sample(at, Measure.HEAT_INDEX, value)
    if at != spoke.observed_at:  # it was borne out by this observation, whose own values count later
        return
    rejected = {flaw.quantity for flaw in judged.flaws if flaw.mark is Mark.REJECTED}
    if spoke.mains is not None:
        yield Sample(at, Measure.MAINS, float(spoke.mains))
    if spoke.voltage is not None and Quantity.VOLTAGE not in rejected:
        yield Sample(at, Measure.VOLTAGE, spoke.voltage)
    if spoke.power_w is not None and Quantity.POWER not in rejected:
        yield Sample(at, Measure.POWER, spoke.power_w)
    if spoke.battery is not None and Quantity.BATTERY not in rejected:
        yield Sample(at, Measure.BATTERY, spoke.battery)
    if spoke.energy_kwh is not None and Quantity.ENERGY not in rejected:
        yield Sample(at, Measure.ENERGY, spoke.energy_kwh)


def tally(
    base: Known,
    observations: Sequence[Observation],
    book: RuleBook,
    begin: datetime,
    end: datetime,
    *,
    is_building: bool,
    width: timedelta = WIDTH,
) -> Tallied:
    """Return what the buckets from `begin` to `end` hold, both on the edge of one.

    `base` is what was known at `begin`; `observations` are those since, before `end`, in order of their own
    time. `width` is that of the buckets.
    """
    found: dict[datetime, dict[Measure, list[float]]] = {}
    spent: Spent = {}
    here, at, reached = base.room, begin, None
    for step in room.walk(base.room, observations, book):
        if step.at < begin:
            reached = min(step.at, reached or step.at)
        else:
            if not is_building:
                _spend_room(spent, here, book, at, step.at, width)
            at = step.at
            for sample in samples(step, book):
                found.setdefault(floor(sample.at, width), {}).setdefault(sample.measure, []).append(
                    sample.value
                )
        here = step.room
    electricity = base.power
    if is_building:
        electricity = _spend_power(spent, base.power, observations, book, begin, end, width)
    else:
        _spend_room(spent, here, book, at, end, width)
    buckets = {
        start: Bucket(
            {measure: values_of(values) for measure, values in found.get(start, {}).items()},
            {account: Share(*shares) for account, shares in spent.get(start, {}).items()},
        )
        for start in sorted(found.keys() | spent.keys())
    }
    return Tallied(buckets, Known(here, electricity), reached)


def values_of(values: Sequence[float]) -> Values:
    """Return what a bucket keeps of its values; the sum does not depend on their order."""
    return Values(len(values), min(values), max(values), fsum(values))


def together(parts: Iterable[Bucket]) -> Bucket:
    """Return what a longer span holds, from what its parts hold."""
    values: dict[Measure, list[Values]] = {}
    shares: dict[Account, list[Share]] = {}
    for part in parts:
        for measure, each in part.values.items():
            values.setdefault(measure, []).append(each)
        for account, share in part.shares.items():
            shares.setdefault(account, []).append(share)
    return Bucket(
        {
            measure: Values(
                sum(each.n for each in found),
                min(each.low for each in found),
                max(each.high for each in found),
                fsum(each.total for each in found),
            )
            for measure, found in values.items()
        },
        {
            account: Share(sum(each.ok for each in found), sum(each.breach for each in found))
            for account, found in shares.items()
        },
    )


def _spend_room(
    spent: Spent,
    here: Room,
    book: RuleBook,
    begin: datetime,
    end: datetime,
    width: timedelta,
) -> None:
    if not here.sources:
        return
    for stretch in stretches(here, book, begin, end):
        told = ((Account.COLD, stretch.cold), (Account.HEAT, stretch.heat), (Account.ROOM, stretch.room))
        counted = [(account, verdict) for account, verdict in told if verdict is not Verdict.UNKNOWN]
        _spread(spent, counted, stretch.begin, stretch.end, width)


def _spend_power(
    spent: Spent,
    electricity: Power,
    observations: Iterable[Observation],
    book: RuleBook,
    begin: datetime,
    end: datetime,
    width: timedelta,
) -> Power:
    at = begin
    for spoke in (*observations, None):
        until = end if spoke is None else max(at, spoke.observed_at)
        for supply in supplies(electricity, book, at, until):
            electricity = supply.power
            if supply.verdict is not Verdict.UNKNOWN:
                _spread(spent, [(Account.OUTAGE, supply.verdict)], supply.begin, supply.end, width)
        at = until
        if spoke is not None:
            electricity, _ = power.read_again(electricity, (spoke,), book)
    return electricity


def _spread(
    spent: Spent,
    told: Sequence[tuple[Account, Verdict]],
    begin: datetime,
    end: datetime,
    width: timedelta,
) -> None:
    """Add a span to the buckets that it lies in."""
    start = floor(begin, width)
    while told and begin < end:
        stop = min(end, start + width)
        micros = (stop - begin) // _GRAIN
        bucket = spent.setdefault(start, {})
        for account, verdict in told:
            bucket.setdefault(account, [0, 0])[verdict is Verdict.BREACH] += micros
        begin = start = start + width
