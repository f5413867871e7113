"""What an answer shows: values of spans, made of buckets or of single values.

Rule: a mean is of the values, never of means, and never lies beyond them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import fsum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.tally import Measure, Sample, Values, floor
from safetyd.store.rollups import Level

UNITS = {
    Measure.TEMPERATURE: "degF",
    Measure.HUMIDITY: "%",
    Measure.HEAT_INDEX: "degF",
    Measure.MAINS: "on",
    Measure.VOLTAGE: "V",
    Measure.POWER: "W",
    Measure.BATTERY: "%",
    Measure.ENERGY: "kWh",
}
_DAY = timedelta(days=1)


class Point(NamedTuple):
    """The values of one span, or one value: then all three are the same. `origin` says of one value where it
    comes from, if no sensor brought it here."""

    at: datetime
    low: float
    mean: float
    high: float
    n: int
    origin: str = ""


def as_kept(spans: Sequence[tuple[datetime, Values]]) -> list[Point]:
    """Return a point of each span."""
    # The sum of equal values may be off by a hair; a mean never lies beyond them.
    return [Point(at, low, min(max(total / n, low), high), high, n) for at, (n, low, high, total) in spans]


def grouped(
    spans: Sequence[tuple[datetime, Values]], every: timedelta, level: Level, zone: ZoneInfo
) -> list[Point]:
    """Return the points of spans, several in one."""
    groups: dict[datetime | int, list[tuple[datetime, Values]]] = {}
    for at, values in spans:
        is_days = level is Level.DAY
        key = at.astimezone(zone).toordinal() // (every // _DAY) if is_days else floor(at, every)
        groups.setdefault(key, []).append((at, values))
    return [_point(key if isinstance(key, datetime) else held[0][0], held) for key, held in groups.items()]


def _point(at: datetime, held: Sequence[tuple[datetime, Values]]) -> Point:
    n = sum(values.n for _, values in held)
    low, high = min(values.low for _, values in held), max(values.high for _, values in held)
    mean = fsum(values.total for _, values in held) / n
    return Point(at, low, min(max(mean, low), high), high, n)


def pooled(found: Sequence[Sample], every: timedelta) -> list[Point]:
    """Return the points of spans that single values make up."""
    groups: dict[datetime, list[float]] = {}
    for each in found:
        groups.setdefault(floor(each.at, every), []).append(each.value)
    return [
        Point(at, min(values), fsum(values) / len(values), max(values), len(values))
        for at, values in groups.items()
    ]
