"""The time that a page of the past is about: a day, a week, a term, a year, or from one date to another.

Rule: a range is of whole days by the site's clocks, or from one moment to another; its last day belongs to
it. One that is named by its length ends with the day that was asked for, else with today.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.faults import did_you_mean
from safetyd.history.buckets import midnight
from safetyd.times import FIRST_YEAR, LAST_YEAR, read_time, rfc3339
from safetyd.web.problems import misused

_DAY = timedelta(days=1)
_MOST = 1100 * _DAY
_LEAST = timedelta(minutes=15)


class Kind(StrEnum):
    """How long a range is."""

    DAY = "day"
    WEEK = "week"
    TERM = "term"
    YEAR = "year"
    CUSTOM = "custom"


DAYS: Mapping[Kind, int] = {Kind.DAY: 1, Kind.WEEK: 7, Kind.TERM: 126, Kind.YEAR: 365}  # a term has 18 weeks
_NAMED = tuple(DAYS)


class Range(NamedTuple):
    """From `begin` up to `end`, both UTC."""

    kind: Kind
    begin: datetime
    end: datetime
    zone: ZoneInfo

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.begin

    @property
    def first(self) -> date:
        """Its first day."""
        return self.begin.astimezone(self.zone).date()

    @property
    def last_moment(self) -> datetime:
        """The last moment that belongs to it."""
        return self.end - timedelta(microseconds=1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.last_moment.astimezone(self.zone).date()

    @property
    def is_of_days(self) -> bool:
        """Whether it begins and ends at midnight."""
        return self == days(self.kind, self.first, self.last, self.zone)

    @property
    def query(self) -> dict[str, str]:
        """What asks for it again."""
        if self.kind is not Kind.CUSTOM:
            return {"range": self.kind.value, "to": str(self.last)}
        if self.is_of_days:
            return {"range": self.kind.value, "from": str(self.first), "to": str(self.last)}
        return {"range": self.kind.value, "from": rfc3339(self.begin), "to": rfc3339(self.end)}

    @property
    def name(self) -> str:
        """As it stands in the name of a file: its days, or the one day that it is."""
        return str(self.first) if self.first == self.last else f"{self.first}-to-{self.last}"

    def of(self, kind: Kind) -> "Range":
        """Return the range of another length that ends with the same day."""
        return ending(kind, self.last, self.zone)

    @property
    def earlier(self) -> "Range | None":
        """The range of the same length that ends where this one begins."""
        return self._moved(-1)

    @property
    def later(self) -> "Range | None":
        """The range of the same length that begins where this one ends."""
        return self._moved(1)

    @property
    def closer(self) -> "Range | None":
        """Half as long around the same middle, or the next shorter one of those that have a name."""
        if self.kind is not Kind.CUSTOM:
            n = _NAMED.index(self.kind)
            return self.of(_NAMED[n - 1]) if n else None
        quarter = self.length / 4
        if not self.is_of_days:
            is_short = self.length / 2 < _LEAST
            return None if is_short else self._replace(begin=self.begin + quarter, end=self.end - quarter)
        count = (self.last - self.first).days + 1
        if count == 1:
            return None
        first = self.first + _DAY * (count // 4)
        return days(Kind.CUSTOM, first, first + _DAY * (max(count // 2, 1) - 1), self.zone)

    @property
    def wider(self) -> "Range | None":
        """Twice as long around the same middle, or the next longer one of those that have a name."""
        if self.kind in _NAMED[:-1]:
            return self.of(_NAMED[_NAMED.index(self.kind) + 1])
        if self.length * 2 > _MOST:
            return None
        if not self.is_of_days:
            aside = self.length / 2
            return self._replace(kind=Kind.CUSTOM, begin=self.begin - aside, end=self.end + aside)
        count = (self.last - self.first).days + 1
        first = self.first - _DAY * (count // 2)
        return days(Kind.CUSTOM, first, first + _DAY * (2 * count - 1), self.zone)

    def _moved(self, by: int) -> "Range | None":
        if not FIRST_YEAR + 5 < self.begin.year < LAST_YEAR - 5:
            return None
        if not self.is_of_days:
            return self._replace(begin=self.begin + by * self.length, end=self.end + by * self.length)
        count = by * ((self.last - self.first).days + 1) * _DAY
        return days(self.kind, self.first + count, self.last + count, self.zone)


def days(kind: Kind, first: date, last: date, zone: ZoneInfo) -> Range:
    """Return the range from one day to another."""
    return Range(kind, midnight(first, zone), midnight(last + _DAY, zone), zone)


def ending(kind: Kind, last: date, zone: ZoneInfo) -> Range:
    """Return the range of a length that has a name."""
    return days(kind, last - (DAYS[kind] - 1) * _DAY, last, zone)


def read_range(said: Mapping[str, str], zone: ZoneInfo, now: datetime, usual: Kind) -> Range:
    """Return the range that a query asks for.

    Raises:
        Problem: it asks for none.
    """
    kind = _kind(said, usual)
    begin, end = said.get("from", ""), said.get("to", "")
    today = now.astimezone(zone).date()
    if kind is not Kind.CUSTOM:
        _, last = _edge("to", end, zone) if end else (None, midnight(today + _DAY, zone))
        return ending(kind, (last - timedelta(microseconds=1)).astimezone(zone).date(), zone)
    if not begin:
        raise misused("from", "from is needed: the first day, such as 2026-11-02")
    first, only = _edge("from", begin, zone)
    _, last = _edge("to", end, zone) if end else (only, max(midnight(today + _DAY, zone), only))
    if first >= last:
        raise misused("from", f"from: {begin[:40]!r} is not before to: {end[:40]!r}; exchange the two")
    if last - first > _MOST:
        most = f"ask for {_MOST.days} days or less"
        raise misused("from", f"from: that is {(last - first).days} days at once; {most}")
    return Range(kind, first, last, zone)


def _kind(said: Mapping[str, str], usual: Kind) -> Kind:
    text = said.get("range", "")
    if not text:
        return Kind.CUSTOM if said.get("from") else usual
    if text not in set(Kind):
        expected = f"one of {', '.join(Kind)}{did_you_mean(text[:40], Kind)}"
        raise misused("range", f"range: {text[:40]!r} is not {expected}")
    return Kind(text)


def _edge(name: str, text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return where a day that was typed begins and ends; a moment is both."""
    try:
        day = date.fromisoformat(text[:40]) if len(text) == len("2026-11-02") else None
    except ValueError:
        day = None
    if day is not None and FIRST_YEAR < day.year < LAST_YEAR:
        return midnight(day, zone), midnight(day + _DAY, zone)
    try:
        at = read_time(text[:40].replace(" ", "+"), zone).astimezone(UTC)  # a plus that was not escaped
    except ValueError:
        expected = f"a date such as 2026-11-02, from {FIRST_YEAR + 1} to {LAST_YEAR - 1}"
        raise misused(name, f"{name}: {text[:40]!r} is none; expected {expected}") from None
    if not FIRST_YEAR < at.year < LAST_YEAR:
        raise misused(name, f"{name}: {text[:40]!r} is too far off; expected a year of our time")
    return at, at
