"""Roll-ups are what the readings say, in whatever order they came."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from safetyd.core.model import Observation
from safetyd.core.tally import Account, Bucket, Measure, Share, Values, floor, together
from safetyd.history.buckets import edges
from safetyd.history.rollups import Rollups
from safetyd.store import rollups
from safetyd.store.database import Connection, StoreError
from safetyd.store.rollups import Level
from tests.examples import examples
from tests.history.scene import (
    BUILDING,
    HERE,
    LAB,
    MAINS,
    MINUTE,
    NOON,
    ROOM,
    SITE,
    A,
    B,
    C,
    Scene,
    every,
    plainly,
    site,
)

MICROS = 1_000_000
FAHRENHEIT = st.sampled_from([57.0, 59.9, 60.5, 61.5, 70.0, 71.0, 84.0, 88.0, 95.0, 185.0])
PERCENT = st.sampled_from([None, 0.5, 30.0, 35.0, 60.0, 75.0])


@st.composite
def arrivals(draw: st.DrawFn) -> list[Observation]:
    """What sensors said in half a day, in the order in which it arrived, some of it hours late."""
    said = []
    for _ in range(draw(st.integers(1, 25))):
        sensor = draw(st.sampled_from([A, B, C, MAINS]))
        at = NOON + draw(st.integers(0, 12 * 60)) * MINUTE
        late = draw(st.sampled_from([0, 0, 0, 1, 20, 90, 400])) * MINUTE
        retained = draw(st.sampled_from([False, False, False, True]))
        if sensor is MAINS:
            values = {"mains": draw(st.booleans())}
        else:
            values = {"temperature_f": draw(FAHRENHEIT), "humidity": draw(PERCENT)}
        said.append(Observation(sensor, at, at + late, retained=retained, **values))
    unique = {(each.sensor.key, each.observed_at): each for each in said}
    return sorted(unique.values(), key=lambda each: each.received_at)


def assert_is_plain(scene: Scene, now: datetime) -> None:
    kept, end, zone = scene.kept(), floor(now - MINUTE), scene.site.timezone
    for place in (ROOM, LAB, BUILDING):
        fine = {start: bucket for (where, start), bucket in kept.fine.items() if where == place}
        assert fine == plainly(scene, place, end)
        hours = {start: bucket for (where, start), bucket in kept.hours.items() if where == place}
        assert hours == longer(fine, list(edges(Level.HOUR, NOON, end, zone)), end)
        days = {start: bucket for (where, start), bucket in kept.days.items() if where == place}
        assert days == longer(hours, list(edges(Level.DAY, NOON, end, zone)), end)


def longer(
    parts: dict[datetime, Bucket], spans: list[tuple[datetime, datetime]], end: datetime
) -> dict[datetime, Bucket]:
    """Return what spans that are over by a moment hold, by what their parts hold."""
    found = {}
    for begin, stop in spans:
        here = [bucket for start, bucket in parts.items() if begin <= start < stop]
        if stop <= end and here:
            found[begin] = together(here)
    return found


@settings(max_examples=examples(50), phases=[Phase.explicit, Phase.generate])
@given(arrivals(), st.lists(st.integers(0, 24 * 60), max_size=6), st.sets(st.integers(0, 5)))
def test_any_order_of_arrival_gives_what_all_of_it_gives(
    said: list[Observation], looks: list[int], restarts: set[int]
) -> None:
    scene = Scene()
    rest = list(said)
    for number, minutes in enumerate(sorted(looks)):
        now = NOON + minutes * MINUTE
        while rest and rest[0].received_at <= now:
            scene.hear(rest.pop(0))
        scene.follow(now)
        if number in restarts:
            scene.restart()
    scene.hear(*rest)
    now = NOON + timedelta(hours=40)
    scene.follow(now)
    assert_is_plain(scene, now)


def test_a_bucket_keeps_least_greatest_sum_and_count() -> None:
    scene = Scene()
    for minute, value in enumerate((70.0, 71.5, 69.0)):
        scene.hear(*every(1, since=NOON + minute * MINUTE, n=1, temperature_f=value, humidity=40.0))
    scene.follow(NOON + 10 * MINUTE)
    bucket = scene.kept().fine[ROOM, NOON]
    assert bucket.values[Measure.TEMPERATURE] == Values(3, 69.0, 71.5, 210.5)
    assert bucket.values[Measure.HEAT_INDEX].n == 3


def test_a_bucket_is_written_once_it_is_over_and_a_minute_has_passed() -> None:
    scene = Scene()
    scene.hear(*every(1, n=2, temperature_f=70.0, humidity=40.0))
    scene.follow(NOON + 6 * MINUTE - timedelta(seconds=1))
    assert scene.kept().fine == {}
    scene.follow(NOON + 6 * MINUTE)
    assert list(scene.kept().fine) == [(ROOM, NOON)]


def test_seconds_go_on_counting_until_the_last_reading_is_stale() -> None:
    scene = Scene()
    scene.hear(*every(1, n=1, temperature_f=57.0, humidity=40.0))
    scene.follow(NOON + 60 * MINUTE)
    cold = [bucket.shares[Account.COLD] for bucket in scene.kept().fine.values()]
    assert sum(share.breach for share in cold) == 15 * 60 * MICROS + 1
    assert scene.kept().fine[ROOM, NOON].shares[Account.HEAT] == Share(300 * MICROS, 0)


@pytest.mark.parametrize("bad", [{"temperature_f": 185.0}, {"temperature_c": 85.0}])
def test_a_rejected_value_counts_nowhere(bad: dict[str, float]) -> None:
    scene = Scene()
    scene.hear(*every(1, n=1, **bad))
    scene.follow(NOON + 60 * MINUTE)
    assert scene.kept().fine == {}


def test_a_suspect_counts_at_its_own_time_once_it_is_borne_out() -> None:
    scene = Scene()
    scene.hear(*every(1, n=1, temperature_f=70.0))
    scene.hear(*every(1, n=1, since=NOON + 4 * MINUTE, temperature_f=95.0))
    scene.follow(NOON + 7 * MINUTE)
    assert scene.kept().fine[ROOM, NOON].values[Measure.TEMPERATURE] == Values(1, 70.0, 70.0, 70.0)
    scene.hear(*every(1, n=1, since=NOON + 8 * MINUTE, temperature_f=94.0))
    scene.follow(NOON + 13 * MINUTE)
    assert scene.kept().fine[ROOM, NOON].values[Measure.TEMPERATURE] == Values(2, 70.0, 95.0, 165.0)


@pytest.mark.slow
def test_one_that_is_borne_out_days_later_counts_too() -> None:
    scene = Scene()
    scene.hear(*every(30, B, n=190, temperature_f=70.0, humidity=40.0))
    scene.hear(*every(1, n=1, temperature_f=70.0), *every(1, n=1, since=NOON + MINUTE, temperature_f=95.0))
    for hours in range(1, 90, 4):
        scene.follow(NOON + timedelta(hours=hours))
    scene.restart()
    scene.hear(*every(1, n=1, since=NOON + timedelta(hours=91), temperature_f=94.0))
    now = NOON + timedelta(hours=95)
    scene.follow(now)
    assert scene.kept().fine[ROOM, NOON].values[Measure.TEMPERATURE].high == 95.0
    assert_is_plain(scene, now)


def test_a_retained_message_counts_nowhere() -> None:
    scene = Scene()
    scene.hear(Observation(A, NOON, NOON, temperature_f=70.0, humidity=40.0, retained=True))
    scene.follow(NOON + 60 * MINUTE)
    assert scene.kept().fine == {}


def test_power_out_is_counted_by_the_second_until_a_witness_says_otherwise() -> None:
    scene = Scene()
    scene.hear(Observation(MAINS, NOON, NOON, mains=True))
    off_at = NOON + 7 * MINUTE
    scene.hear(Observation(MAINS, off_at, off_at, mains=False))
    scene.follow(NOON + 61 * MINUTE)
    (hour,) = [bucket for (place, _), bucket in scene.kept().hours.items() if place == BUILDING]
    assert hour.shares[Account.OUTAGE] == Share(7 * 60 * MICROS, 53 * 60 * MICROS)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-12-01", 24)])
def test_a_day_is_one_of_the_sites_time_zone(day: str, hours: int) -> None:
    scene = Scene()
    zone = scene.site.timezone
    begin = datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(NOON.tzinfo)
    scene.hear(*every(10, since=begin - timedelta(hours=2), n=6 * 30, temperature_f=70.0, humidity=40.0))
    scene.follow(begin + timedelta(days=3))
    (rolled,) = rollups.places(scene.store)
    ((start, stop),) = edges(Level.DAY, begin, begin + MINUTE, zone)
    assert (start, stop) == (begin, begin + timedelta(hours=hours))
    (span,) = rollups.buckets(scene.store, Level.DAY, rolled.number, [(start, stop)])
    assert span.bucket.values[Measure.TEMPERATURE].n == 6 * hours
    assert span.bucket.shares[Account.COLD] == Share(hours * 3600 * MICROS, 0)


def test_what_fails_is_logged_and_the_watch_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.hear(*every(1, n=20, temperature_f=70.0, humidity=40.0))

    @contextmanager
    def failing() -> Iterator[Connection]:
        raise RuntimeError("a fault of ours")
        yield

    broken = Rollups(scene.store, failing, lambda: scene.site, scene.settings)
    for _ in range(100):
        broken.tend(NOON + 60 * MINUTE)
    assert len([each for each in caplog.records if "could not be rolled up" in each.message]) == 1
    scene.follow(NOON + 60 * MINUTE)
    assert scene.kept().fine


@pytest.mark.parametrize("body", [b"\x00", b""])
def test_a_place_whose_state_cannot_be_read_is_worked_out_anew(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    scene, now = Scene(), NOON + 20 * 60 * MINUTE
    cold = every(10, C, n=60, temperature_f=57.0, humidity=40.0)
    for both in zip(every(10, n=60, temperature_f=70.0, humidity=40.0), cold, strict=True):
        scene.hear(*both)
    scene.follow(NOON + 10 * 60 * MINUTE)
    scene.store.exec_driver_sql("UPDATE roll_up_state SET body = ? WHERE place = 1", (body,))
    scene.store.commit()
    scene.hear(*every(10, since=NOON + 10 * 60 * MINUTE, n=30, temperature_f=71.0, humidity=40.0))
    for _ in range(2):
        scene.restart()
        scene.follow(now)
    assert_is_plain(scene, now)
    assert [each.args for each in caplog.records] == [(ROOM,)], "it is said once, of that place"


def test_rooms_that_are_late_are_read_again_one_after_the_other() -> None:
    scene, now = Scene(), NOON + 3 * 24 * 60 * MINUTE
    warm = [every(30, sensor, n=140, temperature_f=70.0, humidity=40.0) for sensor in (A, C)]
    for both in zip(*warm, strict=True):
        scene.hear(*both)
    scene.follow(now)
    for sensor in (A, C):
        scene.hear(Observation(sensor, NOON + 7 * MINUTE, now, temperature_f=70.5))
    rolling, most = scene.follower._rolling, 0
    for _ in rolling.round(now + 6 * MINUTE):
        most = max(most, sum(len(tail.pending) for tail in rolling._tails.values()))
    assert 120 < most < 200, "one room is held, not both"
    assert_is_plain(scene, now + 6 * MINUTE)


def test_a_store_that_cannot_be_written_is_told_and_tried_again() -> None:
    scene = Scene()
    scene.hear(*every(1, n=20, temperature_f=70.0, humidity=40.0))
    is_away = True

    @contextmanager
    def writing() -> Iterator[Connection]:
        if is_away:
            raise StoreError("store: cannot be written")
        yield scene.store

    now = NOON + 60 * MINUTE
    follower = Rollups(scene.store, writing, lambda: scene.site, scene.settings)
    with pytest.raises(StoreError):
        for _ in range(1000):
            follower.tend(now)
    is_away = False
    for _ in range(1000):
        follower.tend(now)
    assert_is_plain(scene, now)


def test_a_day_that_begins_beside_the_hour_is_whole_too() -> None:
    """A day of Nepal (45 minutes beside the hour) is made of five minutes and not of hours."""
    scene = Scene(site(SITE.replace("America/Los_Angeles", "Asia/Kathmandu")))
    scene.hear(*every(10, n=6 * 60, temperature_f=70.0, humidity=40.0))
    scene.follow(NOON + timedelta(days=3))
    days = [bucket for (_, start), bucket in scene.kept().days.items() if start.minute == 15]
    assert max(bucket.values[Measure.TEMPERATURE].n for bucket in days) == 144


def test_a_day_of_silence_with_one_late_word_in_it_has_its_roll_ups() -> None:
    scene, spoke_at = Scene(), NOON + timedelta(days=2, hours=8)
    scene.hear(*every(10, n=6, temperature_f=70.0, humidity=40.0))
    for hour in range(60):
        scene.follow(NOON + timedelta(hours=hour))
    scene.hear(Observation(A, spoke_at, NOON + timedelta(hours=59), 71.0, None, 40.0))
    for hour in range(60, 90):
        scene.follow(NOON + timedelta(hours=hour))
    assert_is_plain(scene, NOON + timedelta(hours=89))
    assert len(scene.kept().days) == 2


def test_the_day_that_runs_while_the_site_moves_to_another_time_zone_is_kept() -> None:
    heard = every(10, n=17 * 6, temperature_f=70.0, humidity=40.0)  # until nine in the evening, then silence
    west = replace(HERE, timezone=ZoneInfo("Pacific/Honolulu"))
    moved, there, moves_at = Scene(), Scene(west), NOON + timedelta(hours=21)
    for each in (moved, there):
        each.hear(*heard)
    moved.follow(moves_at)
    moved.site = west
    for hour in range(30):
        for each in (moved, there):
            each.follow(moves_at + timedelta(hours=hour, minutes=10))
    assert moved.kept().days == there.kept().days != {}


@pytest.mark.slow
def test_days_follow_the_site_to_another_time_zone_even_where_their_readings_are_deleted() -> None:
    east = replace(HERE, timezone=ZoneInfo("America/New_York"))
    heard = every(30, A, n=48 * 20, temperature_f=70.0, humidity=40.0)
    end = NOON + timedelta(days=20)
    there = Scene(east)
    there.hear(*heard)
    there.follow(end)
    moved = Scene(keep_raw="10d")
    moved.hear(*heard)
    moved.follow(end)
    moved.site = east
    moved.restart()
    moved.follow(end)
    assert rollups.starts(moved.store, Level.DAY) == rollups.starts(there.store, Level.DAY)
    assert moved.kept(22).days == there.kept(22).days
