"""What an import would do, worked out to the last row beside the store: half of the real one is a dry run.

Rule: a file is judged by the rules in force at each reading's time, by the same walk that judges live ones.
Nothing here writes to the store, and nothing is held in memory that grows with the file.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from safetyd.core import hindsight, room
from safetyd.core.model import IMPORT, Finding, Mark, Observation, Place, Sensor
from safetyd.imports.layout import Layout
from safetyd.imports.rows import Empty, Refused, Row, Rows
from safetyd.imports.sheet import Record
from safetyd.site import Site
from safetyd.store import imports, readings, rollups
from safetyd.store.database import Connection
from safetyd.store.moments import micros
from safetyd.store.readings import ReadingRow
from safetyd.store.staged import About, Said, Share, Staged

_AT_ONCE = 5_000
_TOLD = 20  # refused rows that are shown
LONGEST_LEARNT = timedelta(hours=1)  # who measures more seldom must be said to


class Source:
    """The file that is imported, by its name and content, and the sensor that it is of."""

    __slots__ = ("every", "name", "sensor", "sha256")

    def __init__(self, name: str, sha256: str, sensor: str, every: timedelta | None = None) -> None:
        self.name = name
        self.sha256 = sha256
        self.sensor = IMPORT + sensor
        self.every = every


@dataclass(slots=True)
class Weighed:
    """What was found. `refused` are the first rows that cannot be used, `refusals` how many there are;
    `too_old` those from before single readings are kept, `twice` the times that their zone has twice."""

    rows: int = 0
    empty: int = 0
    refusals: int = 0
    refused: list[Refused] = field(default_factory=list)
    too_old: int = 0
    kept_since: datetime | None = None
    twice: int = 0
    repeated: int = 0
    known: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    shares: tuple[Share, ...] = ()

    @property
    def values(self) -> int:
        """How many values are new."""
        return sum(each.values for each in self.shares)

    @property
    def rejected(self) -> int:
        """How many of the new values nobody believes."""
        return sum(each.rejected for each in self.shares)


def weigh(
    source: Source,
    layout: Layout,
    records: Iterable[Record],
    site: Site,
    connection: Connection,
    staged: Staged,
    now: datetime,
    progress: Callable[[int], object] = lambda _: None,
) -> Weighed:
    """Return what importing a file would do, and leave in `staged` what is needed to do it.

    Raises:
        SheetError: the file cannot be read on.
    """
    told = Weighed()
    reached = rollups.progress(connection)
    told.kept_since = None if reached is None else reached.retired_to
    after = imports.last_id(connection)
    places: dict[Place, int] = {}
    _read(Rows(layout, site, now), records, staged, places, told, progress)
    numbers = {
        each.number: each.sensor
        for each in readings.sensors(connection)
        if each.sensor.id == source.sensor and each.sensor.place in places
    }
    by_number = {number: places[sensor.place] for number, sensor in numbers.items()}
    if numbers:
        found = imports.keys(connection, numbers)
        staged.know((by_number[number], at, kept) for number, at, kept in found)
    intervals = {sensor.place: sensor.interval for sensor in numbers.values()}
    told.shares = tuple(
        _judge(source, layout, place, number, site, staged, intervals, told, now, progress)
        for place, number in places.items()
    )
    told.repeated = told.rows - sum(each.moments for each in told.shares)
    staged.finish(About(after, source.name, source.sha256, source.sensor, told.rows, told.shares))
    connection.rollback()
    return told


def _read(
    rows: Rows,
    records: Iterable[Record],
    staged: Staged,
    places: dict[Place, int],
    told: Weighed,
    progress: Callable[[int], object],
) -> None:
    some: list[Said] = []
    for each in rows.read(records):
        match each:
            case Row(_, place, at, temperature, humidity):
                if told.kept_since is not None and at < told.kept_since:
                    told.too_old += 1
                    continue
                told.rows += 1
                some.append((places.setdefault(place, len(places)), micros(at), temperature, humidity))
            case Empty():
                told.empty += 1
            case Refused():
                told.refusals += 1
                if len(told.refused) < _TOLD:
                    told.refused.append(each)
        if len(some) == _AT_ONCE:
            staged.say(some)
            progress(len(some))
            some.clear()
    staged.say(some)
    told.twice = rows.twice


def _judge(
    source: Source,
    layout: Layout,
    place: Place,
    number: int,
    site: Site,
    staged: Staged,
    intervals: Mapping[Place, timedelta | None],
    told: Weighed,
    now: datetime,
    progress: Callable[[int], object],
) -> Share:
    """Judge all that a file says of one place, and stage what of it is new."""
    interval = intervals[place] if place in intervals else source.every or _learnt(staged.step(number))
    sensor = Sensor(place, source.sensor, interval)
    known = _Known(staged.known(number))
    some: list[ReadingRow] = []
    findings: list[Finding] = []
    last, first_at, last_at = room.EMPTY, now, now
    moments = values = rejected = 0
    for step in hindsight.steps(_observations(sensor, layout, staged, number, now), site.rulebook):
        findings += step.findings
        last = step.room
        spoke = step.observation
        if step.at != spoke.observed_at:
            continue
        first_at, last_at = (spoke.observed_at if moments == 0 else first_at), spoke.observed_at
        moments += 1
        for row in readings.rows(number, spoke, step.judged.flaws):
            if known.has(row[2], row[1]):
                told.known += 1
                continue
            values += 1
            if readings.MARK_OF[row[5]] is Mark.REJECTED:
                rejected += 1
                told.reasons[_kind(row[6] or "")] += 1
            some.append(row)
        if len(some) >= _AT_ONCE:
            staged.judge(some)
            some.clear()
        if moments % _AT_ONCE == 0:
            progress(_AT_ONCE)
    staged.judge(some)
    found = hindsight.episodes(findings, last, now)
    return Share(place, interval, moments, values, rejected, first_at, last_at, tuple(found))


def _learnt(step: timedelta | None) -> timedelta | None:
    return None if step is None else min(step, LONGEST_LEARNT)


def _observations(
    sensor: Sensor, layout: Layout, staged: Staged, number: int, now: datetime
) -> Iterator[Observation]:
    for at, temperature, humidity in staged.said(number):
        temp_f, temp_c = (temperature, None) if layout.is_fahrenheit else (None, temperature)
        yield Observation(sensor, at, now, temp_f, temp_c, humidity)


class _Known:
    """Which values are in the store already, asked for in order of time."""

    def __init__(self, keys: Iterator[tuple[int, int]]) -> None:
        self._keys = keys
        self._next = next(keys, None)
        self._at = -1
        self._kinds: set[object] = set()

    def has(self, at: int, kept: int) -> bool:
        if at != self._at:
            self._at, self._kinds = at, set()
            while self._next is not None and self._next[0] <= at:
                if self._next[0] == at:
                    self._kinds.add(_quantity(self._next[1]))
                self._next = next(self._keys, None)
        return _quantity(kept) in self._kinds


def _quantity(kept: int) -> object:
    return readings.QUANTITY_OF[readings.Kept(kept)]


def _kind(reason: str) -> str:
    """Return a reason without its value, so that the like are counted together."""
    _, _, rest = reason.partition(" is ")
    return rest.partition(";")[0] or reason
