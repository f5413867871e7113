"""Where an axis is marked, and with what.

Rule: marks of time are at round times of the site's clocks, whatever day they are changed on; an hour that
comes twice is marked twice, one that is left out is not.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import ceil, floor, gcd, isfinite, log10
from typing import NamedTuple
from zoneinfo import ZoneInfo

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_ZONE_GRAIN = 15  # minutes: zones are off by no less
_CLOCK_STEPS = tuple(n * _MINUTE for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720))
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240)
_A_MONTH = 30 * _DAY


class Tick(NamedTuple):
    """One mark; `context` is what stands below it where that changes: the day, the month, the year."""

    at: datetime
    label: str
    context: str


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def time_ticks(begin: datetime, end: datetime, zone: ZoneInfo, at_most: int) -> list[Tick]:
    """Return the marks of a range, in order; at most about so many, so that their labels have room."""
    length = max(end - begin, _MINUTE)
    for step in _CLOCK_STEPS:
        if length / step <= at_most:
            return list(_of_clock(begin, end, zone, step))
    for days in _DAY_STEPS:
        if length / (days * _DAY) <= at_most:
            return list(_of_days(begin, end, zone, days))
    fitting = (months for months in _MONTH_STEPS if length / (months * _A_MONTH) <= at_most)
    return list(_of_months(begin, end, zone, next(fitting, _MONTH_STEPS[-1])))


def _of_clock(begin: datetime, end: datetime, zone: ZoneInfo, step: timedelta) -> Iterator[Tick]:
    at = datetime.fromtimestamp(floor(begin.timestamp() / 3600) * 3600, UTC)
    grain = gcd(step // _MINUTE, _ZONE_GRAIN) * _MINUTE
    seen: tuple[date, int] | None = None
    is_changed = begin.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset()
    while at <= end:
        local = at.astimezone(zone)
        minutes = local.hour * 60 + local.minute
        this = local.date(), minutes
        is_again = step > _HOUR and this == seen
        if at >= begin and not minutes % (step // _MINUTE) and not is_again:
            seen = this
            zone_name = f" {local:%Z}" if is_changed else ""
            yield Tick(at, f"{local:%H:%M}", f"{local:%a} {local.day} {local:%b} {local.year}{zone_name}")
        at += grain


def _of_days(begin: datetime, end: datetime, zone: ZoneInfo, days: int) -> Iterator[Tick]:
    day = begin.astimezone(zone).date()
    last = end.astimezone(zone).date()
    while day <= last:
        # A Monday has an ordinal of 1 modulo 7; with two days the count begins anew each month.
        is_due = day.day % 2 == 1 and day.day < 31 if days == 2 else not (day.toordinal() - 1) % days
        if is_due and begin <= (at := midnight(day, zone)) <= end:
            label = f"{day:%a} {day.day}" if days == 1 else str(day.day)
            yield Tick(at, label, f"{day:%b} {day.year}")
        day += _DAY


def _of_months(begin: datetime, end: datetime, zone: ZoneInfo, months: int) -> Iterator[Tick]:
    local, last = begin.astimezone(zone), end.astimezone(zone)
    count = local.year * 12 + local.month - 1
    while count <= last.year * 12 + last.month - 1 and count // 12 <= 9998:
        day = date(count // 12, count % 12 + 1, 1)
        if not count % months and begin <= (at := midnight(day, zone)) <= end:
            yield Tick(
                at, f"{day:%b}" if months < 12 else str(day.year), str(day.year) if months < 12 else ""
            )
        count += 1


def context_of(at: datetime, zone: ZoneInfo, ticks: list[Tick]) -> str:
    """Return what stands below the beginning of an axis, in the form that its marks use."""
    if not ticks or not ticks[0].context:
        return "" if ticks else _day_of(at.astimezone(zone))
    local = at.astimezone(zone)
    if ":" in ticks[0].label:
        is_named = ticks[0].context[-1].isalpha() or not ticks[0].context.endswith(str(local.year))
        return _day_of(local) + (f" {local:%Z}" if is_named else "")
    if ticks[0].context.isdigit():
        return str(local.year)
    return f"{local:%b} {local.year}"


def _day_of(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b} {local.year}"


def value_ticks(low: float, high: float, at_most: int) -> list[float]:
    """Return round values from at or below `low` to at or above `high`."""
    step = _round_step((high - low) / max(at_most, 1))
    first, last = floor(low / step), ceil(high / step)
    return [n * step for n in range(first, last + 1)]


def _round_step(least: float) -> float:
    if not isfinite(least) or least <= 0:
        return 1.0
    power = 10.0 ** floor(log10(least))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= least * (1 - 1e-9))


def scale(low: float, high: float, bottom: float, top: float) -> Callable[[float], float]:
    """Return what turns a value into its height on the page."""
    factor = (top - bottom) / (high - low)
    return lambda value: bottom + (value - low) * factor
