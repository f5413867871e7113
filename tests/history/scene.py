"""A small site with a store in memory, its readings, and the same roll-ups worked out in the plainest way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from safetyd.core.account import shares
from safetyd.core.model import Observation, Place, Sensor, Verdict
from safetyd.core.room import EMPTY, walk
from safetyd.core.tally import Account, Bucket, Known, Sample, floor, samples, tally, values_of
from safetyd.history.buckets import edges
from safetyd.history.daily import digest_days
from safetyd.history.rollups import Rollups
from safetyd.history.tails import sensors_of
from safetyd.setting_mqtt import Mqtt
from safetyd.setting_outside import Influx
from safetyd.settings import Settings, Store
from safetyd.site import Site, read_site
from safetyd.store import readings, rollups
from safetyd.store.database import Connection
from safetyd.store.readings import KnownSensor
from safetyd.store.rollups import Level
from tests.stores import empty_store

MINUTE = timedelta(minutes=1)
GRAIN = timedelta(microseconds=1)
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
ROOM, LAB, BUILDING = Place("maple", "12"), Place("maple", "lab"), Place("maple", None)
A, B, C, MAINS = Sensor(ROOM, "a"), Sensor(ROOM, "b"), Sensor(LAB, "lab"), Sensor(BUILDING, "mains")
SENSORS = (A, B, C, MAINS)

SITE = """
name = "Riverbend"
timezone = "America/Los_Angeles"

[[buildings]]
id = "maple"

  [[buildings.rooms]]
  id = "12"

  [[buildings.rooms]]
  id = "lab"
"""


def site(text: str = SITE) -> Site:
    with TemporaryDirectory() as folder:
        file = Path(folder, "site.toml")
        file.write_text(text)
        found = read_site([file], {}, [])
    assert found is not None
    return found


HERE = site()


class Kept(NamedTuple):
    """All five-minute buckets, hours and days of each place."""

    fine: dict[tuple[Place, datetime], Bucket]
    hours: dict[tuple[Place, datetime], Bucket]
    days: dict[tuple[Place, datetime], Bucket]


class Scene:
    """A store with a follower."""

    def __init__(self, here: Site = HERE, influx: Influx | None = None, **keep: str) -> None:
        self.site = here
        self.settings = Settings.model_construct(mqtt=Mqtt(), store=Store(**keep), influx=influx)
        self.store = empty_store()
        readings.add_sensors(
            self.store,
            [KnownSensor(number, each, str(each), "native") for number, each in enumerate(SENSORS, 1)],
        )
        self.store.commit()
        self.follower = self.another_follower()

    def another_follower(self) -> Rollups:
        return Rollups(self.store, self._writing, lambda: self.site, self.settings)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        yield self.store

    def hear(self, *observations: Observation) -> None:
        for each in observations:
            readings.append(self.store, readings.rows(SENSORS.index(each.sensor) + 1, each, ()))
        self.store.commit()

    def follow(self, now: datetime) -> None:
        """Roll up all there is."""
        last = readings.last_id(self.store)
        for _ in digest_days(self.store, self._writing, self.site.timezone, now):
            self.store.commit()
        while True:
            for _ in self.follower.round(now):
                pass
            if self.follower.cursor >= last:
                return

    def restart(self) -> None:
        self.follower = self.another_follower()

    def kept(self, days: int = 5) -> Kept:
        """Return what is kept from the day before that of NOON on."""
        begin, zone = NOON - timedelta(days=1), self.site.timezone
        found = []
        for level in Level:
            here = {}
            for rolled in rollups.places(self.store):
                spans = list(edges(level, begin, begin + timedelta(days=days), zone))
                for span in rollups.buckets(self.store, level, rolled.number, spans):
                    here[rolled.place, span.begin] = span.bucket
            found.append(here)
        return Kept(*found)

    def said_of(self, place: Place) -> list[Observation]:
        here = {
            n: each for n, each in sensors_of(self.store, self.site, "safetyd").items() if each.place == place
        }
        return readings.chronological(readings.observations(self.store, here))


def plainly(scene: Scene, place: Place, end: datetime) -> dict[datetime, Bucket]:
    """Return a place's five-minute buckets up to a moment, each worked out from all that was said of it."""
    said, book = scene.said_of(place), scene.site.rulebook
    if not said:
        return {}
    begin = floor(min(each.observed_at for each in said))
    counted: dict[datetime, list[Sample]] = {}
    for step in walk(EMPTY, said, book):
        for sample in samples(step, book):
            counted.setdefault(floor(sample.at), []).append(sample)
    before = [each for each in said if each.observed_at < end]
    whole = tally(Known(), before, book, begin, end, is_building=place.room is None)
    found = {}
    for start, stop in edges(Level.FIVE_MINUTES, begin, end, scene.site.timezone):
        here = counted.get(start, [])
        measures = {sample.measure for sample in here}
        values = {m: values_of([each.value for each in here if each.measure is m]) for m in measures}
        bucket = whole.buckets.get(start, Bucket({}, {}))
        if place.room is not None and (start.hour % 6, start.minute) == (2, 30):
            spent = shares(said, book, start, stop)
            share = bucket.shares.get(Account.ROOM)
            micros = (
                spent[Verdict.OK] // timedelta(microseconds=1),
                spent[Verdict.BREACH] // timedelta(microseconds=1),
            )
            assert (tuple(share) if share else (0, 0)) == micros
        if values or bucket.shares:
            found[start] = Bucket(values, bucket.shares)
    return found


def every(
    minutes: int, sensor: object = A, since: datetime = NOON, n: int = 12, **values: float
) -> list[Observation]:
    """Return the same word every so many minutes."""
    times = [since + number * minutes * MINUTE for number in range(n)]
    return [Observation(sensor, at, at, **values) for at in times]
