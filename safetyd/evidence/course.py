"""How a place fared over the time of its ticket: values in spans for a chart, and how much of it is known.

Rule: made of the readings that the packet holds, by the walk that judges, and of nothing else.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from safetyd.core.model import Condition, Observation, Place
from safetyd.core.rules import RuleBook
from safetyd.core.tally import EPOCH, WIDTH, Account, Bucket, Known, Measure, Share, floor, tally, together
from safetyd.times import rfc3339

_SPANS = tuple(timedelta(minutes=each) for each in (5, 15, 60, 180, 360, 1440))
_SPANS_AT_MOST = 300
_PIECE = timedelta(days=1)
_UNITS = {Measure.TEMPERATURE: "degF", Measure.HEAT_INDEX: "degF", Measure.HUMIDITY: "%", Measure.MAINS: "on"}
_UNITS |= {Measure.VOLTAGE: "V"}
_ACCOUNTS = {Condition.COLD: Account.COLD, Condition.HEAT: Account.HEAT, Condition.OUTAGE: Account.OUTAGE}


class Course:
    """The finest spans of a place's past, a day of readings at a time."""

    def __init__(self, place: Place, book: RuleBook, begin: datetime, end: datetime) -> None:
        self._is_building = place.room is None
        self._book = book
        self._begin, self._end = begin, end
        self._buckets: dict[datetime, Bucket] = {}

    def follow(self, said: Iterable[Observation]) -> None:
        """Take in all that was said, in order of its own time."""
        known, since, held = Known(), EPOCH, list[Observation]()
        until = EPOCH
        for spoke in said:
            if spoke.observed_at >= until:
                if held:
                    known, since, held = self._spend(known, since, until, held)
                else:
                    since = floor(spoke.observed_at)
                until = floor(spoke.observed_at) + _PIECE
            if spoke.observed_at < self._end:
                held.append(spoke)
        if held:
            self._spend(known, since, self._end, held, is_last=True)

    def _spend(
        self,
        known: Known,
        since: datetime,
        until: datetime,
        held: list[Observation],
        *,
        is_last: bool = False,
    ) -> tuple[Known, datetime, list[Observation]]:
        """Tally what was said, unless a value waits that only a later one can bear out."""
        told = tally(known, held, self._book, since, until, is_building=self._is_building)
        if not told.known.is_settled and not is_last:
            return known, since, held
        self._buckets |= {at: each for at, each in told.buckets.items() if at + WIDTH > self._begin}
        return told.known, until, []

    def series(self) -> list[dict[str, Any]]:
        """Return what a chart shows, in spans of the same length."""
        length = self._end - self._begin
        every = next((each for each in _SPANS if length / each <= _SPANS_AT_MOST), _SPANS[-1])
        spans: dict[datetime, list[Bucket]] = {}
        for at in sorted(self._buckets):
            spans.setdefault(floor(at, every), []).append(self._buckets[at])
        joined = {at: together(parts).values for at, parts in spans.items()}
        return [
            {
                "quantity": measure.value,
                "unit": unit,
                "every_s": every.total_seconds(),
                "points": [
                    [rfc3339(at), low, min(max(total / n, low), high), high, n]
                    for at, found in joined.items()
                    if measure in found
                    for n, low, high, total in [found[measure]]
                ],
            }
            for measure, unit in _UNITS.items()
            if any(measure in found for found in joined.values())
        ]

    def coverage(self, condition: Condition) -> dict[str, int]:
        """Return how many seconds of the span were ok, in breach, and unknown; 0 of what nobody measures."""
        account = _ACCOUNTS.get(condition)
        if account is None:
            return {"ok_s": 0, "breach_s": 0, "unknown_s": 0}
        shares = [each.shares.get(account, Share()) for each in self._buckets.values()]
        whole = round((self._end - self._begin).total_seconds())
        ok = min(whole, round(sum(each.ok for each in shares) / 1e6))
        breach = min(whole - ok, round(sum(each.breach for each in shares) / 1e6))
        return {"ok_s": ok, "breach_s": breach, "unknown_s": whole - ok - breach}
