"""Whether a clock that is not ours can be believed.

Rule: a clock is wrong when it is ahead, far behind, never set, or whole hours off time and again; all limits
here are ours. A clock that is wrong loses its say, never its reading.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

AHEAD = timedelta(minutes=2)  # a clock may lead ours by so much and still be believed
BEHIND = timedelta(days=7)
_NEVER_SET = 1980  # what has no battery behind its clock begins in 1970
_HOUR = timedelta(hours=1)
_FURTHEST_ZONE = 14
_APART = timedelta(minutes=1)  # a backlog comes all at once, and no two of it equally late


class Skew(NamedTuple):
    """How far a clock has been from ours (positive: ahead), and since when, by our time."""

    by: timedelta
    since: datetime


def fault(at: datetime, received_at: datetime, last: Skew | None) -> str | None:
    """Return what is wrong with a clock that says `at`, None if it can be believed.

    Whole hours behind may be a late reading; when it has been as late for a while, it is the clock.
    """
    skew = at - received_at
    if at.year < _NEVER_SET:
        return "its clock was never set"
    if skew > AHEAD:
        return f"is {_said(skew)} ahead{_zone(skew)}"
    if skew < -BEHIND:
        return f"is {_said(-skew)} behind"
    if last is None or not _hours(skew) or abs(skew - last.by) > AHEAD:
        return None
    return (
        f"is {_said(-skew)} behind time and again{_zone(skew)}"
        if received_at - last.since >= _APART
        else None
    )


def fault_of_local(at: datetime, received_at: datetime) -> str | None:
    """Return what is wrong with a clock that gives no zone and means the building's local time."""
    skew = at - received_at
    if abs(skew) <= AHEAD:
        return None
    wrong = fault(at, received_at, None)
    return wrong or f"is {_said(-skew)} behind{_zone(skew)}"


def _hours(skew: timedelta) -> int:
    """The whole hours that a skew amounts to, 0 where it amounts to none."""
    hours = round(skew / _HOUR)
    is_whole = 0 < abs(hours) <= _FURTHEST_ZONE and abs(skew - hours * _HOUR) <= AHEAD
    return hours if is_whole else 0


def _zone(skew: timedelta) -> str:
    return ": a wrong time zone?" if _hours(skew) else ""


def _said(span: timedelta) -> str:
    hours = span / _HOUR
    if hours >= 48:
        return f"{hours / 24:.0f} d"
    return f"{hours:.1f} h".replace(".0 h", " h") if hours >= 1 else f"{span.total_seconds() / 60:.0f} min"
