"""What the past of a place was, at the resolution that fits the range, with how much of it is known.

Rule: an answer says which resolution it has and its coverage. What is not rolled up yet is worked out from
the readings, so an answer is never older than the last commit.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
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
    values_of,
)
from safetyd.history.buckets import edges
from safetyd.history.coverage import Coverage, KnownOf, account_of, coverage
from safetyd.history.points import UNITS, Point, as_kept, grouped, pooled
from safetyd.history.tails import AHEAD, Heard, beginning, heard, sensors_of
from safetyd.site import Site
from safetyd.store import imports, readings, retired, rollups
from safetyd.store.database import Connection
from safetyd.store.imports import Import
from safetyd.store.rollups import HOUR, Level, Progress, RolledPlace, Span

_DAY = timedelta(days=1)
_GRAIN = timedelta(microseconds=1)
_READINGS_UP_TO, _FINE_UP_TO, _HOURS_UP_TO = 2 * _DAY, 14 * _DAY, 120 * _DAY
_LATEST = 8 * _DAY  # a reading may come so much later
_BUCKETS_AT_MOST = 250_000  # of one answer; five minutes of more than two years
_FRESH_AT_MOST = 300_000  # rows that an answer works out by itself
_ROWS_AT_ONCE = 100_000


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
    """The store as it is when it is asked, by the site file of now: `at` one building, or of all."""

    def __init__(self, connection: Connection, site: Site, root: str, now: datetime, at: str = "") -> None:
        self._connection = connection
        self._site = site
        self._sensors = sensors_of(connection, site, root, at)
        self._now = now
        self._progress = rollups.progress(connection) or Progress(EPOCH, 0)
        self._last = readings.last_id(connection)
        self._places = {each.place: each for each in rollups.places(connection)}
        self._known: dict[Place, KnownOf] = {}

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

    def known_of(self, place: Place, measure: Measure, end: datetime | None = None) -> KnownOf:
        """Return where it stands what is known of a place, up to a moment or now, worked out once."""
        if (found := self._known.get(place)) is None:
            rolled = self._places.get(place, RolledPlace(0, place, EPOCH))
            found = KnownOf(self._connection, rolled, Account.ROOM, *self._fresh(rolled, end))
            if end is None or end > found.settled_to:
                self._known[place] = found
        return found._replace(account=account_of(measure, place))

    def ask(self, question: Question) -> Answer:
        """Return the answer.

        Raises:
            HistoryError: it was deleted, in one sentence.
        """
        known_of = self.known_of(question.place, question.measure, question.end)
        _, rolled, _, kept_to, fresh = known_of
        end = self.end_of(question)
        first = min([*fresh, *([rolled.since] if rolled.number else [])], default=end)
        begin = question.begin or first
        kept_from = self._kept_from(question.place)
        resolution = self._resolution(question, begin, end, kept_from)
        if question.begin is None and resolution is Resolution.READINGS:
            begin = max(begin, kept_from or begin)
        notes = [self.backlog(), self._refuse_deleted(question, begin, resolution, kept_from)]
        told = coverage(known_of, self._site, max(begin, EPOCH), end)
        every = question.every
        if resolution is Resolution.READINGS:
            found = self._exact(rolled, question.measure, first, begin, end)
            points = (
                [Point(each.at, each.value, each.value, each.value, 1, origin) for each, origin in found]
                if every is None
                else pooled([each for each, _ in found], every)
            )
        else:
            level, length = _LEVELS[resolution], _LENGTHS[resolution]
            _refuse_too_many(question, max(begin, first), end, length)
            spans = self._spans(rolled, question.measure, level, kept_to, fresh, max(begin, first), end)
            notes.append(self._cut(spans, rolled, question, level, first, kept_from))
            every, listed = every or length, sorted(spans.items())
            zone = self._site.timezone
            points = as_kept(listed) if every == length else grouped(listed, every, level, zone)
        note = "; ".join(each for each in notes if each)
        brought = tuple(imports.of_place(self._connection, question.place, begin, end))
        return Answer(question, begin, end, resolution, every, points, told, note, brought)

    def _kept_from(self, place: Place) -> datetime | None:
        """Return from when on a place's single readings are there, None if from the first on."""
        retired_to = self._progress.retired_to
        if retired_to is None:
            return None
        here = [number for number, sensor in self._sensors.items() if sensor.place == place]
        before = readings.first_id_since(self._connection, retired_to - AHEAD)
        oldest = retired.oldest_left(self._connection, here, before)
        return retired_to if oldest is None else min(oldest, retired_to)

    def _resolution(
        self, question: Question, begin: datetime, end: datetime, kept_from: datetime | None
    ) -> Resolution:
        every = question.every
        if question.is_exact and every is None:
            return Resolution.READINGS
        if every is not None:
            fits = ((_DAY, Resolution.DAY), (HOUR, Resolution.HOUR), (WIDTH, Resolution.FIVE_MINUTES))
            return next((each for width, each in fits if not every % width), Resolution.READINGS)
        length = end - begin
        if length <= _READINGS_UP_TO and (kept_from is None or begin >= kept_from):
            return Resolution.READINGS
        if length <= _FINE_UP_TO:
            return Resolution.FIVE_MINUTES
        return Resolution.HOUR if length <= _HOURS_UP_TO else Resolution.DAY

    def _refuse_deleted(
        self, question: Question, begin: datetime, resolution: Resolution, kept_from: datetime | None
    ) -> str:
        """Return what an answer lacks because it is kept no longer, refused if that is all of it."""
        if resolution is Resolution.READINGS and kept_from is not None and begin < kept_from:
            raise HistoryError(
                f"{question.place}: single readings are kept from {kept_from:%Y-%m-%d} on;"
                " what came before is known by the hour: --every 1h"
            )
        oldest = rollups.first_start(self._connection, Level.HOUR)
        known = self._places.get(question.place)
        if known is None or oldest is None or known.since + HOUR >= oldest or begin >= oldest:
            return ""
        if question.end is not None and question.end <= oldest:
            raise HistoryError(f"{question.place}: nothing is kept from before {oldest:%Y-%m-%d}")
        return f"what came before {oldest:%Y-%m-%d} is no longer kept"

    def backlog(self) -> str:
        """Return what is not counted yet because it waits to be rolled up, in words; nothing if all is."""
        if self._last - self._progress.reading <= _FRESH_AT_MOST:
            return ""
        return f"readings after {self._progress.settled_to:%Y-%m-%d %H:%M} UTC are still being rolled up"

    def _fresh(self, rolled: RolledPlace, end: datetime | None) -> tuple[datetime, dict[datetime, Bucket]]:
        """Return up to when what is kept of a place counts, and its five-minute buckets from then on."""
        settled_to, reading, retired_to = self._progress
        if self.backlog():
            return settled_to, {}
        since, known = settled_to, Known()
        news = [each.observation.observed_at for each in self._said(rolled.place, reading)]
        first = min((at for at in news if retired_to is None or at >= retired_to), default=settled_to)
        state = rollups.newest_state(self._connection, rolled.number, settled_to)
        if first >= settled_to and state is not None and state.is_settled:
            known = state.known
            if end is not None and end <= settled_to:
                return settled_to, {}
        elif rolled.number:
            known, since = beginning(self._connection, rolled, min(first, settled_to), retired_to)
        elif news:
            since = floor(first)
        if since >= (until := floor(self._now + WIDTH - _GRAIN)):
            return since, {}
        after = readings.first_id_since(self._connection, since - AHEAD) - 1
        said = self._said(rolled.place, after)
        said.sort(key=lambda each: (each.observation.observed_at, each.id))
        spoken = [each.observation for each in said if since <= each.observation.observed_at < until]
        book, is_building = self._site.rulebook, rolled.place.room is None
        return since, tally(known, spoken, book, since, until, is_building=is_building).buckets

    def _said(self, place: Place, after: int, up_to: int | None = None) -> list[Heard]:
        """Return what was said of a place in the rows after a number."""
        here = {number: sensor for number, sensor in self._sensors.items() if sensor.place == place}
        pieces = heard(self._connection, here, after, self._last if up_to is None else up_to, _ROWS_AT_ONCE)
        return [each for _, found in pieces for each in found]

    def _exact(
        self, rolled: RolledPlace, measure: Measure, first: datetime, begin: datetime, end: datetime
    ) -> list[tuple[Sample, str]]:
        """Return the values that counted in a span, whose readings are there, and where each comes from."""
        retired_to = self._progress.retired_to
        known, since = Known(), min(first, begin)
        if retired_to is not None and begin < retired_to:
            since = self._kept_from(rolled.place) or since
        elif rolled.number:
            known, since = beginning(self._connection, rolled, begin, retired_to)
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
        return [
            (sample, "imported" if step.observation.sensor.id.startswith(IMPORT) else "")
            for step in walk(known.room, (each.observation for each in said), book)
            for sample in samples(step, book)
            if sample.measure is measure and begin <= sample.at < end
        ]

    def _cut(
        self,
        spans: dict[datetime, Values],
        rolled: RolledPlace,
        question: Question,
        level: Level,
        first: datetime,
        kept_from: datetime | None,
    ) -> str:
        """Have the spans at the ends of a range hold only what lies in it; return what could not be cut."""
        note = ""
        for at in (each for each in (question.begin, question.end) if each is not None):
            start, stop = next(edges(level, at, at + _GRAIN, self._site.timezone))
            begin, end = max(start, question.begin or start), min(stop, question.end or stop)
            if (begin, end) == (start, stop) or start not in spans:
                continue
            if kept_from is not None and begin < kept_from:
                note = "the readings of the ends are deleted, so the spans there are whole"
                continue
            values = [each.value for each, _ in self._exact(rolled, question.measure, first, begin, end)]
            if values:
                spans[start] = values_of(values)
            else:
                del spans[start]
        return note

    def _spans(
        self,
        rolled: RolledPlace,
        measure: Measure,
        level: Level,
        kept_to: datetime,
        fresh: Mapping[datetime, Bucket],
        begin: datetime,
        end: datetime,
    ) -> dict[datetime, Values]:
        zone = self._site.timezone
        wanted = list(edges(level, begin, end, zone))
        whole = [each for each in wanted if each[1] <= kept_to]
        found = rollups.buckets(self._connection, level, rolled.number, whole, [measure], with_shares=False)
        for start, stop in wanted[len(whole) :]:
            bucket = together(self._fine(rolled, kept_to, fresh, start, stop))
            if bucket.values:
                found.append(Span(start, stop, bucket))
        return {each.begin: each.bucket.values[measure] for each in found if measure in each.bucket.values}

    def _fine(
        self,
        rolled: RolledPlace,
        kept_to: datetime,
        fresh: Mapping[datetime, Bucket],
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


def _refuse_too_many(question: Question, begin: datetime, end: datetime, length: timedelta) -> None:
    n = (end - begin) // length
    if n > _BUCKETS_AT_MOST:
        raise HistoryError(
            f"{question.place}: {n} spans are more than one answer holds ({_BUCKETS_AT_MOST});"
            " ask for a shorter time or a longer --every"
        )
