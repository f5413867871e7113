"""How long each room was in order, in breach and unknown, by month, in the student day and at all times.

Rule: the three add up to the time there was, to the microsecond. Time is counted by five minutes of the
roll-ups, longer ones where they lie wholly within; five minutes are of the student day if they begin in it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.calendar import Calendar
from safetyd.core.model import Place
from safetyd.core.tally import WIDTH, Account, Bucket, Measure, Share, floor
from safetyd.history.buckets import Edges, edges
from safetyd.history.coverage import KnownOf
from safetyd.history.queries import History
from safetyd.store import spent
from safetyd.store.database import Connection
from safetyd.store.rollups import Level
from safetyd.store.spent import Extremes
from safetyd.times import months

GRAIN = timedelta(microseconds=1)
_DAY = timedelta(days=1)

Starts = dict[tuple[Level, timedelta], list[datetime]]


class Time(NamedTuple):
    """So much time, in microseconds, and what is known of it."""

    whole: int = 0
    ok: int = 0
    breach: int = 0

    @property
    def known(self) -> int:
        """How much rests on readings."""
        return self.ok + self.breach

    @property
    def unknown(self) -> int:
        """How much rests on none."""
        return self.whole - self.known

    def __add__(self, other: object) -> "Time":
        """Return both together."""
        if not isinstance(other, Time):
            return NotImplemented
        return Time(self.whole + other.whole, self.ok + other.ok, self.breach + other.breach)


class Month(NamedTuple):
    """One place in one month, or in what of it lies in the range; `begin` is the month's first day."""

    begin: date
    always: Mapping[Account, Time]
    in_class: Mapping[Account, Time]
    extremes: Extremes


def total(months: Iterable[Month], account: Account, *, in_class: bool = False) -> Time:
    """Return the time of one account over some months."""
    times = ((each.in_class if in_class else each.always)[account] for each in months)
    return sum(times, Time())


def on_edges(begin: datetime, end: datetime) -> Edges:
    """Return a range as it is counted: from the five minutes of its beginning up to those of its end."""
    return floor(begin), floor(end)


def by_month(
    history: History,
    connection: Connection,
    places: Collection[Place],
    calendar_of: Callable[[str], Calendar],
    span: Edges,
    zone: ZoneInfo,
    progress: Callable[[int], object] = lambda _: None,
) -> dict[Place, tuple[Month, ...]]:
    """Return every place's months in order; months are the site's. `progress` is told how many are done."""
    known = {each: history.known_of(each, Measure.TEMPERATURE) for each in places}
    found: dict[Place, list[Month]] = {each: [] for each in places}
    spans = list(months(*span, zone))
    for done, (first, begin, end) in enumerate(spans, 1):
        for building, settled_to in sorted({(each.building, known[each].settled_to) for each in places}):
            alike = [
                each for each in places if each.building == building and known[each].settled_to == settled_to
            ]
            classes = class_spans(calendar_of(building), begin, end)
            always = _sums(connection, {each: known[each] for each in alike}, [(begin, end)], zone)
            in_class = always
            if classes != [(begin, end)]:
                in_class = _sums(connection, {each: known[each] for each in alike}, classes, zone)
            peaks = _extremes(connection, {each: known[each] for each in alike}, (begin, end), zone)
            for each in alike:
                found[each].append(Month(first, always[each], in_class[each], peaks[each]))
        progress(done * 100 // len(spans))
    return {place: tuple(each) for place, each in found.items()}


def class_spans(calendar: Calendar, begin: datetime, end: datetime) -> list[Edges]:
    """Return the student days in a range, on the edges of five minutes; all of it without a calendar."""
    if calendar.has_every_hour:
        return [(begin, end)]
    found = []
    day, last = (at.astimezone(calendar.timezone).date() for at in (begin, end))
    while day <= last:
        span = calendar.student_span(day)
        if span is not None:
            start, stop = max(begin, _up(span[0])), min(end, _up(span[1]))
            found += [(start, stop)] if start < stop else []
        day += _DAY
    return found


def _up(at: datetime) -> datetime:
    """Return the first edge of five minutes that is not before a moment."""
    return floor(at + WIDTH - GRAIN)


def _sums(
    connection: Connection, known: Mapping[Place, KnownOf], spans: Sequence[Edges], zone: ZoneInfo
) -> dict[Place, dict[Account, Time]]:
    whole = sum((end - begin for begin, end in spans), timedelta(0)) // GRAIN
    numbers = {of.rolled.number: place for place, of in known.items() if of.rolled.number}
    parts: dict[Place, list[Mapping[Account, Share]]] = {place: [] for place in known}
    settled_to = next(iter(known.values())).settled_to
    for (level, width), starts in _starts(spans, settled_to, zone).items():
        for number, shares in spent.spent(connection, level, width, starts, numbers).items():
            parts[numbers[number]].append(shares)
    for place, of in known.items():
        parts[place] += [bucket.shares for bucket in _fresh(of, spans)]
    return {
        place: {
            account: Time(
                whole,
                sum(each[account].ok for each in shares if account in each),
                sum(each[account].breach for each in shares if account in each),
            )
            for account in Account
        }
        for place, shares in parts.items()
    }


def _extremes(
    connection: Connection, known: Mapping[Place, KnownOf], span: Edges, zone: ZoneInfo
) -> dict[Place, Extremes]:
    numbers = {of.rolled.number: place for place, of in known.items() if of.rolled.number}
    found = dict.fromkeys(known, Extremes())
    settled_to = next(iter(known.values())).settled_to
    for (level, _), starts in _starts([span], settled_to, zone).items():
        for number, each in spent.extremes(connection, level, starts, numbers).items():
            found[numbers[number]] = spent.further(found[numbers[number]], each)
    for place, of in known.items():
        for bucket in _fresh(of, [span]):
            low = bucket.values.get(Measure.TEMPERATURE)
            high = bucket.values.get(Measure.HEAT_INDEX)
            here = Extremes(None if low is None else low.low, None if high is None else high.high)
            found[place] = spent.further(found[place], here)
    return found


def _fresh(of: KnownOf, spans: Sequence[Edges]) -> Iterator[Bucket]:
    """Yield the five minutes of some spans that are not rolled up yet."""
    for start, bucket in of.fresh.items():
        if any(begin <= start < end for begin, end in spans):
            yield bucket


def _starts(spans: Sequence[Edges], settled_to: datetime, zone: ZoneInfo) -> Starts:
    """Return the longest roll-ups that make up some spans, as far as these are rolled up, by their length."""
    found: Starts = {}
    for begin, end in spans:
        at, stop = begin, min(end, settled_to)
        while at < stop:
            for level in (Level.DAY, Level.HOUR, Level.FIVE_MINUTES):
                start, until = next(edges(level, at, at + GRAIN, zone))
                if start == at and until <= stop:
                    found.setdefault((level, until - start), []).append(at)
                    at = until
                    break
            else:
                break
    return found
