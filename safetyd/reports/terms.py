"""Which time a report is about where nobody says it, and what a term is.

Rule: the contract knows a work year and the end of September, and no terms: ours are halves of a school year
that begins on 1 August, parted at 1 February, by the site's clocks.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from safetyd.history.buckets import Edges

_YEAR_BEGINS, _SECOND_HALF_BEGINS, _LIST_BEGINS = (8, 1), (2, 1), (10, 1)


def term_of(at: datetime, zone: ZoneInfo) -> str:
    """Return the term that holds a moment, such as "2026-27 first"; their names sort by time."""
    day = at.astimezone(zone).date()
    year = _began(day, _YEAR_BEGINS).year
    half = "first" if day < date(year + 1, *_SECOND_HALF_BEGINS) else "second"
    return f"{year}-{(year + 1) % 100:02} {half}"


def school_year(now: datetime, zone: ZoneInfo) -> Edges:
    """Return the school year so far."""
    return _midnight(_began(now.astimezone(zone).date(), _YEAR_BEGINS), zone), now


def until_september(now: datetime, zone: ZoneInfo) -> Edges:
    """Return what the list that is due next is about: from after the last end of September to the next."""
    first = _began(now.astimezone(zone).date(), _LIST_BEGINS)
    return _midnight(first, zone), _midnight(first.replace(year=first.year + 1), zone)


def twelve_months(now: datetime, zone: ZoneInfo) -> Edges:
    """Return the last 365 days and what has passed of today."""
    return _midnight(now.astimezone(zone).date() - timedelta(days=365), zone), now


def _began(day: date, on: tuple[int, int]) -> date:
    """Return the last day up to `day` that is this one of its year: month and day."""
    this_year = date(day.year, *on)
    return this_year if this_year <= day else date(day.year - 1, *on)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
