"""How long a place was in breach on each day, and how much of the day is known.

Rule: a second that rests on no reading is neither ok nor in breach.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.tally import Share
from safetyd.history.buckets import edges
from safetyd.history.coverage import KnownOf
from safetyd.store import rollups
from safetyd.store.rollups import Level


class DayOf(NamedTuple):
    """One day of the site's zone, or what of it lies in the span asked for."""

    begin: datetime
    end: datetime
    ok: timedelta
    breach: timedelta

    @property
    def known(self) -> timedelta:
        """How much of it is known."""
        return self.ok + self.breach


def days(known_of: KnownOf, zone: ZoneInfo, begin: datetime, end: datetime) -> list[DayOf]:
    """Return every day that shares time with a span, in order; by the account of what is known."""
    wanted = list(edges(Level.DAY, begin, end, zone))
    settled_to = min(end, known_of.settled_to)
    whole = [each for each in wanted if begin <= each[0] and each[1] <= settled_to]
    kept = rollups.buckets(known_of.connection, Level.DAY, known_of.rolled.number, whole, ())
    found = {span.begin: span.bucket.shares.get(known_of.account, Share()) for span in kept}
    is_whole = set(whole)
    made = []
    for each in wanted:
        start, stop = max(each[0], begin), min(each[1], end)
        share = found.get(each[0], Share()) if each in is_whole else _summed(known_of, zone, start, stop)
        ok, breach = (timedelta(microseconds=part) for part in share)
        made.append(DayOf(start, stop, ok, breach))
    return made


def breach_of(found: Iterable[DayOf]) -> timedelta:
    """Return how long there was a breach on some days."""
    return sum((each.breach for each in found), timedelta(0))


def _summed(known_of: KnownOf, zone: ZoneInfo, begin: datetime, end: datetime) -> Share:
    """Return what the five minutes of a part of a day hold together."""
    connection, rolled, account, settled_to, fresh = known_of
    kept = list(edges(Level.FIVE_MINUTES, begin, min(end, settled_to), zone))
    spans = rollups.buckets(connection, Level.FIVE_MINUTES, rolled.number, kept, ())
    buckets = {span.begin: span.bucket for span in spans}
    buckets |= {at: bucket for at, bucket in fresh.items() if begin <= at < end}
    shares = [bucket.shares[account] for bucket in buckets.values() if account in bucket.shares]
    return Share(sum(each.ok for each in shares), sum(each.breach for each in shares))
