"""What the past of a place was, at the resolution that fits the range, with how much of it is known.

Rule: an answer says which resolution it has and its coverage. What is not rolled up yet is worked out from
the readings, so an answer is never older than the last commit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import fsum
from typing import NamedTuple

from safetyd.core.errors import SafetydError
from safetyd.core.model import IMPORT, Place
from safetyd.core.room import walk
from safetyd.core.tally import (
    EPOCH,
    WIDTH,
    Account,
    Bucket,
    Known,
    Measure,
    Sample,
    Values,
    floor,
    samples,
    tally,
    together,
)
from safetyd.history.buckets import edges
from safetyd.history.coverage import Coverage, KnownOf, coverage
from safetyd.history.tails import AHEAD, Heard, beginning, heard, sensors_of
from safetyd.site import Site
from safetyd.store import imports, readings, rollups
from safetyd.store.database import Connection
from safetyd.store.imports import Import
from safetyd.store.rollups import HOUR, Level, Progress, RolledPlace, Span

_DAY = timedelta(days=1)
_GRAIN = timedelta(microseconds=1)
_READINGS_UP_TO, _FINE_UP_TO, _HOURS_UP_TO = 2 * _DAY, 14 * _DAY, 120 * _DAY
_LATEST = 8 * _DAY  # a reading may come so much later
_FRESH_AT_MOST = 300_000  # rows that an answer works out by itself
_ROWS_AT_ONCE = 100_000
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
_ACCOUNT = {
    Measure.TEMPERATURE: Account.COLD,
    Measure.HUMIDITY: Account.HEAT,
    Measure.HEAT_INDEX: Account.HEAT,
    Measure.MAINS: Account.OUTAGE,
}


class HistoryError(SafetydError):
    """What was asked for is not kept, or no longer."""


class Resolution(StrEnum):
    """How fine an answer is."""

    READINGS = "readings"
    FIVE_MINUTES = "5 minutes"
    HOUR = "1 hour"
    DAY = "1 day"


_LEVELS = {
    Resolution.FIVE_MINUTES: Level.FIVE_MINUTES,
    Resolution.HOUR: Level.HOUR,
    Resolution.DAY: Level.DAY,
}


_LENGTHS = {Resolution.FIVE_MINUTES: WIDTH, Resolution.HOUR: HOUR, Resolution.DAY: _DAY}


class Point(NamedTuple):
    """The values of one span, or one value: then all three are the same. `origin` says of one value where it
    comes from, if no sensor brought it here."""

    at: datetime
    low: float
    mean: float
    high: float
    n: int
    origin: str = ""


class Question(NamedTuple):
    """`every` asks for spans of this length; `is_exact` for every single value."""

    place: Place
    measure: Measure
    begin: datetime | None = None
    end: datetime | None = None
    every: timedelta | None = None
    is_exact: bool = False


class Answer(NamedTuple):
    """`resolution` says what the points were made of, `every` how long each span is, if it has a length."""

    question: Question
    begin: datetime
    end: datetime
    resolution: Resolution
    every: timedelta | None
    points: list[Point]
    coverage: Coverage
    note: str = ""
    imports: tuple[Import, ...] = ()  # files that brought some of it

    @property
    def unit(self) -> str:
        """The unit of the values."""
        return UNITS[self.question.measure]


class History:
    """The store as it is when it is asked, by the site file of now."""

    def __init__(self, connection: Connection, site: Site, root: str, now: datetime) -> None:
        self._connection = connection
        self._site = site
        self._sensors = sensors_of(connection, site, root)
        self._now = now
        self._progress = rollups.progress(connection) or Progress(EPOCH, 0)
        self._last = readings.last_id(connection)
        self._places = {each.place: each for each in rollups.places(connection)}

    @property
    def kept_since(self) -> datetime | None:
        """Since when single readings are kept; None where none was ever deleted."""
        return self._progress.retired_to

    def end_of(self, question: Question) -> datetime:
        """Return the end of what is asked for: nothing is known of what is to come."""
        return min(question.end or self._now, self._now)

    def is_of_single_readings(self, question: Question) -> bool:
        """Return whether single readings are what fits a question with a beginning, were they all kept."""
        is_short = question.begin is not None and self.end_of(question) - question.begin <= _READINGS_UP_TO
        return question.every is None and (question.is_exact or is_short)

    def ask(self, question: Question) -> Answer:
        """Return the answer.

        Raises:
            HistoryError: it was deleted, in one sentence.
        """
        rolled = self._places.get(question.place, RolledPlace(0, question.place, EPOCH))
        end = self.end_of(question)
        kept_to, fresh = self._fresh(rolled, end)
        first = min([*fresh, *([rolled.since] if rolled.number else [])], default=end)
        begin = question.begin or first
        resolution = self._resolution(question, begin, end)
        if question.begin is None and resolution is Resolution.READINGS:
            begin = max(begin, self._progress.retired_to or begin)
        self._refuse_deleted(question, begin, resolution)
        is_building = question.place.room is None
        account = _ACCOUNT.get(question.measure, Account.OUTAGE if is_building else Account.ROOM)
        known_of = KnownOf(self._connection, rolled, account, kept_to, fresh)
        told = coverage(known_of, self._site, max(begin, EPOCH), end)
        if resolution is Resolution.READINGS:
            points = self._exact(rolled, question, begin, end)
        else:
            spans = self._spans(rolled, question.measure, _LEVELS[resolution], kept_to, fresh, begin, end)
            is_as_kept = question.every in (None, _LENGTHS[resolution])
            points = _as_kept(spans) if is_as_kept else _grouped(spans, question, resolution, self._site)
        is_span = question.every is not None or resolution is not Resolution.READINGS
        every = (question.every or _LENGTHS[resolution]) if is_span else None
        brought = tuple(imports.of_place(self._connection, question.place, begin, end))
        return Answer(question, begin, end, resolution, every, points, told, self._note(), brought)

    def _resolution(self, question: Question, begin: datetime, end: datetime) -> Resolution:
        every, retired_to = question.every, self._progress.retired_to
        if question.is_exact and every is None:
            return Resolution.READINGS
        if every is not None:
            fits = ((_DAY, Resolution.DAY), (HOUR, Resolution.HOUR), (WIDTH, Resolution.FIVE_MINUTES))
            return next((each for width, each in fits if not every % width), Resolution.READINGS)
        length = end - begin
        if length <= _READINGS_UP_TO and (retired_to is None or begin >= retired_to):
            return Resolution.READINGS
        if length <= _FINE_UP_TO:
            return Resolution.FIVE_MINUTES
        return Resolution.HOUR if length <= _HOURS_UP_TO else Resolution.DAY

    def _refuse_deleted(self, question: Question, begin: datetime, resolution: Resolution) -> None:
        retired_to = self._progress.retired_to
        if resolution is Resolution.READINGS and retired_to is not None and begin < retired_to:
            raise HistoryError(
                f"{question.place}: single readings are kept from {retired_to:%Y-%m-%d} on;"
                " what came before is known by the hour: --every 1h"
            )
        oldest = rollups.first_start(self._connection, Level.HOUR)
        known = self._places.get(question.place)
        if question.end is None or known is None or oldest is None or known.since + HOUR >= oldest:
            return
        if question.end <= oldest:
            raise HistoryError(f"{question.place}: nothing is kept from before {oldest:%Y-%m-%d}")

    def _note(self) -> str:
        if self._last - self._progress.reading <= _FRESH_AT_MOST:
            return ""
        return f"readings after {self._progress.settled_to:%Y-%m-%d %H:%M} UTC are still being rolled up"

    def _fresh(self, rolled: RolledPlace, end: datetime) -> tuple[datetime, dict[datetime, Bucket]]:
        """Return up to when what is kept of a place counts, and its five-minute buckets from then on."""
        settled_to, reading, retired_to = self._progress
        if self._note():
            return settled_to, {}
        since, known = settled_to, Known()
        news = [each.observation.observed_at for each in self._said(rolled.place, reading)]
        first = min((at for at in news if retired_to is None or at >= retired_to), default=settled_to)
        state = rollups.newest_state(self._connection, rolled.number, settled_to)
        if first >= settled_to and state is not None and state.is_settled:
            known = state.known
        elif rolled.number:
            known, since = beginning(self._connection, rolled, min(first, settled_to), retired_to)
        elif news:
            since = floor(first)
        if since >= end:
            return since, {}
        after = readings.first_id_since(self._connection, since - AHEAD) - 1
        said = [
            each for each in self._said(rolled.place, after) if since <= each.observation.observed_at < end
        ]
        said.sort(key=lambda each: (each.observation.observed_at, each.id))
        spoken = [each.observation for each in said]
        until = floor(end + WIDTH - _GRAIN)
        is_building = rolled.place.room is None
        told = tally(known, spoken, self._site.rulebook, since, until, is_building=is_building)
        return since, told.buckets

    def _said(self, place: Place, after: int, up_to: int | None = None) -> list[Heard]:
        """Return what was said of a place in the rows after a number."""
        here = {number: sensor for number, sensor in self._sensors.items() if sensor.place == place}
        pieces = heard(self._connection, here, after, self._last if up_to is None else up_to, _ROWS_AT_ONCE)
        return [each for _, found in pieces for each in found]

    def _exact(self, rolled: RolledPlace, question: Question, begin: datetime, end: datetime) -> list[Point]:
        retired_to = self._progress.retired_to
        known, since = (
            beginning(self._connection, rolled, begin, retired_to) if rolled.number else (Known(), begin)
        )
        up_to = min(self._last, readings.first_id_since(self._connection, end + _LATEST))
        after = readings.first_id_since(self._connection, since - AHEAD) - 1
        said = [
            each for each in self._said(rolled.place, after, up_to) if each.observation.observed_at >= since
        ]
        for brought in imports.of_place(self._connection, rolled.place, since, end + _LATEST):
            rest = self._said(rolled.place, max(brought.first - 1, up_to), brought.last)
            said += [each for each in rest if since <= each.observation.observed_at < end + _LATEST]
        said.sort(key=lambda each: (each.observation.observed_at, each.id))
        book = self._site.rulebook
        found = [
            (sample, "imported" if step.observation.sensor.id.startswith(IMPORT) else "")
            for step in walk(known.room, (each.observation for each in said), book)
            for sample in samples(step, book)
            if sample.measure is question.measure and begin <= sample.at < end
        ]
        if question.every is None:
            return [Point(each.at, each.value, each.value, each.value, 1, origin) for each, origin in found]
        return _pooled([each for each, _ in found], question.every)

    def _spans(
        self,
        rolled: RolledPlace,
        measure: Measure,
        level: Level,
        kept_to: datetime,
        fresh: dict[datetime, Bucket],
        begin: datetime,
        end: datetime,
    ) -> list[tuple[datetime, Values]]:
        zone = self._site.timezone
        wanted = list(edges(level, begin, end, zone))
        whole = [each for each in wanted if each[1] <= kept_to]
        found = rollups.buckets(self._connection, level, rolled.number, whole, [measure], with_shares=False)
        for start, stop in wanted[len(whole) :]:
            bucket = together(self._fine(rolled, kept_to, fresh, start, stop))
            if bucket.values:
                found.append(Span(start, stop, bucket))
        return [(each.begin, each.bucket.values[measure]) for each in found if measure in each.bucket.values]

    def _fine(
        self,
        rolled: RolledPlace,
        kept_to: datetime,
        fresh: dict[datetime, Bucket],
        begin: datetime,
        end: datetime,
    ) -> list[Bucket]:
        kept = list(edges(Level.FIVE_MINUTES, begin, min(end, kept_to), self._site.timezone))
        found = {
            each.begin: each.bucket
            for each in rollups.buckets(self._connection, Level.FIVE_MINUTES, rolled.number, kept)
        }
        found |= {start: bucket for start, bucket in fresh.items() if begin <= start < end}
        return list(found.values())


def _as_kept(spans: Sequence[tuple[datetime, Values]]) -> list[Point]:
    # The sum of equal values may be off by a hair; a mean never lies beyond them.
    return [Point(at, low, min(max(total / n, low), high), high, n) for at, (n, low, high, total) in spans]


def _grouped(
    spans: Sequence[tuple[datetime, Values]], question: Question, resolution: Resolution, site: Site
) -> list[Point]:
    """Return the points of spans, several in one where longer ones were asked for."""
    groups: dict[datetime | int, list[tuple[datetime, Values]]] = {}
    for at, values in spans:
        key: datetime | int = at
        if question.every is not None and resolution is Resolution.DAY:
            key = at.astimezone(site.timezone).toordinal() // (question.every // _DAY)
        elif question.every is not None:
            key = floor(at, question.every)
        groups.setdefault(key, []).append((at, values))
    return [_point(key if isinstance(key, datetime) else held[0][0], held) for key, held in groups.items()]


def _point(at: datetime, held: Sequence[tuple[datetime, Values]]) -> Point:
    n = sum(values.n for _, values in held)
    low, high = min(values.low for _, values in held), max(values.high for _, values in held)
    mean = fsum(values.total for _, values in held) / n
    return Point(at, low, min(max(mean, low), high), high, n)


def _pooled(found: Sequence[Sample], every: timedelta) -> list[Point]:
    groups: dict[datetime, list[float]] = {}
    for each in found:
        groups.setdefault(floor(each.at, every), []).append(each.value)
    return [
        Point(at, min(values), fsum(values) / len(values), max(values), len(values))
        for at, values in groups.items()
    ]
