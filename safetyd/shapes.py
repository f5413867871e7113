"""What one configured value may look like: durations, numbers, ids, days, hours, topics, addresses.

Rule: each function takes whatever a file held and returns the value meant, or raises a Misfit that says
what was expected. None of them knows which key it reads.
"""

import math
import re
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo, available_timezones

from safetyd.core.calendar import Hours
from safetyd.core.sparing import Quiet
from safetyd.faults import Misfit, did_you_mean, one_of, shown

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=3660)
_A_DAY = timedelta(days=1)
_YEARS = range(1900, 2200)  # a day outside is a slip of the finger, and breaks date arithmetic at the edges
_TEXT_LIMIT = 200
_TOPIC_LIMIT = 65535  # bytes, MQTT 1.5.4
_CLOCK = "([01]?[0-9]|2[0-3]):([0-5][0-9])"


def duration(value: object) -> timedelta:
    """Return a duration written as `90s`, `15m`, `2h` or `14d`."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", value) if isinstance(value, str) else None
    if not found:
        raise Misfit(f"{shown(value)} is not a duration", 'one such as "90s", "15m", "2h" or "14d"')
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if span > _LONGEST:
        raise Misfit(f"{shown(value)} is too long", "at most ten years")
    return span


def positive_duration(value: object) -> timedelta:
    """Return a duration longer than nothing."""
    span = duration(value)
    if not span:
        raise Misfit(f"{shown(value)} is no time at all", 'a duration longer than "0s"')
    return span


def number(value: object) -> float:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Misfit(f"{shown(value)} is not a number", "a number without quotes")
    if abs(value) > 1e9 or not math.isfinite(value):
        raise Misfit(f"{shown(value)} is out of all range", "a finite number")
    return float(value)


def number_within(low: float, high: float = math.inf, *, above: bool = False) -> Callable[[object], float]:
    """Return a reader of numbers from `low` (with `above`, beyond it) to `high`."""
    lower = f"above {low:g}" if above else f"at least {low:g}"
    expected = f"a number {lower}" + ("" if high == math.inf else f" and at most {high:g}")

    def read(value: object) -> float:
        given = number(value)
        if given < low or given > high or (above and given == low):
            raise Misfit(f"{shown(value)} is out of range", expected)
        return given

    return read


def whole_within(low: int, high: int | None = None) -> Callable[[object], int]:
    """Return a reader of whole numbers from `low` to `high`."""
    expected = f"a whole number, at least {low}" if high is None else f"a whole number from {low} to {high}"

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Misfit(f"{shown(value)} is not a whole number", expected)
        if value < low or (high is not None and value > high):
            raise Misfit(f"{shown(value)} is out of range", expected)
        return value

    return read


def flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise Misfit(f"{shown(value)} is neither true nor false", "true or false, without quotes")
    return value


def text(value: object) -> str:
    """Return one line of printable text with something in it."""
    if not isinstance(value, str):
        plain = isinstance(value, (int, float, date)) and not isinstance(value, bool)
        raise Misfit(f"{shown(value)} is not text", f'"{shown(value)}"' if plain else "text in quotes")
    if not value.strip() or not value.isprintable() or len(value) > _TEXT_LIMIT:
        raise Misfit(f"{shown(value)} will not do", f"one line of 1 to {_TEXT_LIMIT} printable characters")
    return value.strip()


def identifier(value: object) -> str:
    """Return an id: a-z, 0-9 and `-`, so that it is one level of a topic and part of a ticket's name."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise Misfit(f"{value} is a number", f'an id in quotes: "{value}"')
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9-]{1,64}", value):
        raise Misfit(f"{shown(value)} is not an id", "a-z, 0-9 and -, at most 64 of them")
    return value


def topic(value: object) -> str:
    """Return the MQTT topic of one device: no wildcards."""
    given = value if isinstance(value, str) else text(value)
    if not given.strip() or not given.isprintable() or len(given.encode()) > _TOPIC_LIMIT:
        raise Misfit(f"{shown(value)} is not a topic", 'one such as "zigbee2mqtt/Room 204"')
    if "+" in given or "#" in given:
        raise Misfit(f"{shown(value)} has a wildcard", "the topic of one device, without + and #")
    return given


def topic_filter(value: object) -> str:
    """Return a topic, or a filter: `+` for a whole level, `#` for the last."""
    if not isinstance(value, str):
        return topic(value)
    *levels, last = value.split("/")
    plain = [level for level in levels if level != "+"] + [last] * (last not in ("+", "#"))
    if any("+" in level or "#" in level for level in plain):
        raise Misfit(f"{shown(value)} has a wildcard within a level", "+ for a whole level, # for the last")
    topic(value.replace("+", "x").replace("#", "x"))
    return value


def topic_level(value: object) -> str:
    """Return one level of an MQTT topic."""
    given = topic(value)
    if "/" in given or given.startswith("$"):
        raise Misfit(f"{shown(value)} is not one level of a topic", "no / in it and no $ at its beginning")
    return given


def choice(noun: str, known: Collection[str]) -> Callable[[object], str]:
    """Return a reader of one of the known words."""

    def read(value: object) -> str:
        if isinstance(value, str) and value in known:
            return value
        hint = did_you_mean(value, known) if isinstance(value, str) else ""
        raise Misfit(f"no {noun} is called {shown(value)}", one_of(known) + hint)

    return read


def member(noun: str, kind: type[E]) -> Callable[[object], E]:
    """Return a reader of one member of an enumeration, by its word."""
    read = choice(noun, [each.value for each in kind])
    return lambda value: kind(read(value))


def zone(value: object) -> ZoneInfo:
    """Return a time zone by its name in the tz database."""
    expected = "a name of the tz database, such as America/Los_Angeles"
    if not isinstance(value, str):
        raise Misfit(f"{shown(value)} is not a time zone", expected)
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        pass
    hint = did_you_mean(value, available_timezones())
    raise Misfit(f"no time zone is called {shown(value)}", expected + hint)


def day(value: object) -> date:
    """Return a date, as TOML has it or in quotes."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise Misfit(f"{shown(value)} is no day of any year", "a date such as 2026-08-25") from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise Misfit(f"{shown(value)} is not a date", "one such as 2026-08-25")
    if value.year not in _YEARS:
        raise Misfit(f"{shown(value)} is too far off", f"a date from {_YEARS[0]} to {_YEARS[-1]}")
    return value


def days(value: object) -> tuple[date, ...]:
    """Return one date, or every date of `2026-12-21..2027-01-01`."""
    if not (isinstance(value, str) and ".." in value):
        return (day(value),)
    begin, _, end = value.partition("..")
    first, last = day(begin.strip()), day(end.strip())
    count = (last - first).days + 1
    if not 1 <= count <= 366:
        raise Misfit(f"{shown(value)} is no span of days", "first..last, in this order, a year at most")
    return tuple(first + _A_DAY * each for each in range(count))


def hours(value: object) -> Hours:
    """Return a span of one day written as `07:45-16:30`."""
    found = re.fullmatch(rf"{_CLOCK} *- *{_CLOCK}", value) if isinstance(value, str) else None
    if not found:
        raise Misfit(f"{shown(value)} are not hours", 'a span such as "07:45-16:30"')
    span = Hours(time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4])))
    if span.begin >= span.end:
        raise Misfit(f"{shown(value)} ends before it begins", 'a span of one day such as "07:45-16:30"')
    return span


def quiet_hours(value: object) -> Quiet:
    """Return a span such as `21:00-06:00`; it may go on into the next day."""
    found = re.fullmatch(rf"{_CLOCK} *- *{_CLOCK}", value) if isinstance(value, str) else None
    if not found:
        raise Misfit(f"{shown(value)} are not hours", 'a span such as "21:00-06:00"')
    span = Quiet(time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4])))
    if span.begin == span.end:
        raise Misfit(f"{shown(value)} ends where it begins", 'a span such as "21:00-06:00"')
    return span


def pair(read: Callable[[object], T]) -> Callable[[object], tuple[T, T]]:
    """Return a reader of a list of two, the first below the second or equal to it."""

    def read_pair(value: object) -> tuple[T, T]:
        if not isinstance(value, list) or len(value) != 2:
            raise Misfit(f"{shown(value)} is not a pair", "a list of two, such as [first, last]")
        first, last = read(value[0]), read(value[1])
        if first > last:  # type: ignore[operator]
            raise Misfit(f"{shown(value[0])} comes after {shown(value[1])}", "the lower one first")
        return first, last

    return read_pair


def ascending(read: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """Return a reader of a list in which each is above the one before; it may be empty."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Misfit(f"{shown(value)} is not a list", "a list in ascending order")
        given = tuple(map(read, value))
        for (before, after), told in zip(pairwise(given), value[1:], strict=False):
            if before >= after:  # type: ignore[operator]
                raise Misfit(f"{shown(told)} is not above the one before it", "a list in ascending order")
        return given

    return read_all


def host_name(value: object) -> str:
    """Return a host name or an IP address."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Za-z_.:%-]{1,253}", value):
        raise Misfit(f"{shown(value)} is not a host", "a name or an address alone, such as 127.0.0.1")
    return value


def listener(value: object) -> str:
    """Return `host:port` to listen on."""
    shape = r"(?:\[[0-9a-fA-F:]+\]|[0-9A-Za-z_.-]+):([0-9]{1,5})"
    found = re.fullmatch(shape, value) if isinstance(value, str) else None
    if not isinstance(value, str) or not found or not 0 < int(found[1]) < 65536:
        raise Misfit(f"{shown(value)} is nowhere to listen", 'host:port, such as "127.0.0.1:8914"')
    return value


def address(value: object) -> str:
    """Return a URL by its shape alone, `scheme://…`; it may hold a secret and is never quoted."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s]\S*( \S+)*", value):
        raise Misfit("what stands here is not an address", "a URL on one line, scheme://… (it is not shown)")
    return value
