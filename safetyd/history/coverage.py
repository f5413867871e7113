"""How much of a time is known of a place: of the hours of class, which the contract is about.

Rule: a second that rests on no reading is unknown, whatever came before and after it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.model import Place
from safetyd.core.tally import Account, Bucket, Measure
from safetyd.history.buckets import Edges, edges
from safetyd.site import Site
from safetyd.store import rollups
from safetyd.store.database import Connection
from safetyd.store.rollups import Level, RolledPlace

_DAY = timedelta(days=1)
_LEAST = 0.01  # what is something is never called 0 %
_GRAIN = timedelta(microseconds=1)
_ACCOUNT = {
    Measure.TEMPERATURE: Account.COLD,
    Measure.HUMIDITY: Account.HEAT,
    Measure.HEAT_INDEX: Account.HEAT,
    Measure.MAINS: Account.OUTAGE,
}


class Coverage(NamedTuple):
    """How much of the school day, or without one in the range of all the time, is known."""

    known: timedelta
    whole: timedelta
    is_school_time: bool

    @property
    def share(self) -> float | None:
        """The known share; None where there is no time to be known."""
        return self.known / self.whole if self.whole else None

    def __str__(self) -> str:
        if self.share is None:
            return "nothing of this time has passed yet"
        percent = str(int(self.share * 100) if self.share < 1 else 100)  # what is not all is never 100 %
        if 0 < self.share < _LEAST:
            percent = "under 1"
        return f"{percent} % of the {'school day' if self.is_school_time else 'time'} known"


class KnownOf(NamedTuple):
    """Where it stands what is known of a place: rolled up, or after `settled_to` in `fresh`."""

    connection: Connection
    rolled: RolledPlace
    account: Account
    settled_to: datetime
    fresh: Mapping[datetime, Bucket]


def account_of(measure: Measure, place: Place) -> Account:
    """Return by which account it counts whether something is known of a place."""
    return _ACCOUNT.get(measure, Account.OUTAGE if place.room is None else Account.ROOM)


def coverage(known_of: KnownOf, site: Site, begin: datetime, end: datetime) -> Coverage:
    """Return how much of the hours of class in a span is known; of the whole span, if it holds none."""
    spans, is_school_time = school_time(site, known_of.rolled.place, begin, end)
    weights: dict[Level, dict[Edges, float]] = {level: {} for level in Level}
    for start, stop in spans:
        for level, piece in _pieces(known_of.settled_to, site, start, stop):
            inside = min(piece[1], stop) - max(piece[0], start)
            weight = weights[level].get(piece, 0.0) + inside / (piece[1] - piece[0])
            weights[level][piece] = weight
    known = sum(_known_micros(known_of, level, each) for level, each in weights.items())
    whole = sum((stop - start for start, stop in spans), timedelta(0))
    return Coverage(min(timedelta(microseconds=known), whole), whole, is_school_time)


def _known_micros(known_of: KnownOf, level: Level, weights: Mapping[Edges, float]) -> float:
    connection, rolled, account, settled_to, fresh = known_of
    kept = [piece for piece in weights if piece[1] <= settled_to]
    found = rollups.known_micros(connection, level, rolled.number, account, kept)
    if level is Level.FIVE_MINUTES:
        shares = ((piece, fresh[piece[0]].shares.get(account)) for piece in weights if piece[0] in fresh)
        found |= {piece: share.ok + share.breach for piece, share in shares if share is not None}
    return sum(known * weights[piece] for piece, known in found.items())


def _pieces(
    settled_to: datetime, site: Site, begin: datetime, end: datetime
) -> Iterator[tuple[Level, Edges]]:
    """Yield the longest buckets that are rolled up and lie within a span, and finer ones at its ends."""
    at = begin
    while at < end:
        for level in (Level.DAY, Level.HOUR, Level.FIVE_MINUTES):
            start, stop = next(edges(level, at, at + _GRAIN, site.timezone))
            if level is Level.FIVE_MINUTES or (start == at and stop <= min(end, settled_to)):
                yield level, (start, stop)
                at = stop
                break


def school_time(site: Site, place: Place, begin: datetime, end: datetime) -> tuple[list[Edges], bool]:
    """Return the hours of class in a span, or the whole span if it holds none, and which of the two it is."""
    building = site.building(place.building)
    calendar = (building.calendar if building else None) or site.calendar
    if begin >= end:
        return [], False
    found = []
    day, last = (at.astimezone(calendar.timezone).date() for at in (begin, end))
    while day <= last and not calendar.has_every_hour:
        span = calendar.student_span(day)
        if span is not None and max(begin, span[0]) < min(end, span[1]):
            found.append((max(begin, span[0]), min(end, span[1])))
        day += _DAY
    return (found, True) if found else ([(begin, end)], False)
