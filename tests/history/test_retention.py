"""What was kept long enough goes, but nothing that a ticket needs, nothing that is not rolled up."""

from datetime import datetime, timedelta

import pytest

from safetyd.core.model import Condition, Episode, Place
from safetyd.core.ticket import Status, Ticket
from safetyd.core.world import World
from safetyd.history.rollups import begin_anew
from safetyd.setting_outside import Influx
from safetyd.store import ledger, readings, replica, rollups
from safetyd.store.replica import Stream
from tests.history.scene import NOON, ROOM, A, C, Kept, Scene, every

DAY = timedelta(days=1)
END = NOON + 20 * DAY


def ticket(id: str, place: Place, began: datetime, status: Status, disputed: bool) -> Ticket:
    return Ticket(
        id, place, Condition.COLD, None, "", status, False, began, began, (), began, disputed=disputed
    )


def scene_of_twenty_days(**keep: str) -> Scene:
    scene = Scene(**keep)
    both = zip(
        every(60, A, n=24 * 20, temperature_f=70.0, humidity=40.0),
        every(60, C, n=24 * 20, temperature_f=72.0, humidity=40.0),
        strict=True,
    )
    scene.hear(*(each for pair in both for each in pair))
    return scene


def oldest(scene: Scene, sensor: int) -> int:
    """Return from which day on a sensor's readings are still there."""
    at = scene.store.exec_driver_sql(
        "SELECT min(observed_at) FROM reading WHERE sensor = ?", (sensor,)
    ).scalar()
    assert at is not None
    return (at // 1_000_000 - int(NOON.timestamp())) // 86_400


def test_without_a_setting_everything_stays() -> None:
    scene = scene_of_twenty_days()
    scene.follow(END)
    assert (oldest(scene, 1), readings.last_id(scene.store)) == (0, 24 * 20 * 4)


@pytest.mark.slow
def test_readings_go_and_their_roll_ups_stay() -> None:
    plain, scene = scene_of_twenty_days(), scene_of_twenty_days(keep_raw="10d")
    for each in (plain, scene):
        each.follow(END)
    assert (oldest(plain, 1), oldest(scene, 1)) == (0, 9), "up to a day is kept more than asked for"
    assert scene.kept(22) == plain.kept(22)


def test_after_a_silence_longer_than_that_readings_are_rolled_up_again() -> None:
    scene = Scene(keep_raw="10d")
    scene.hear(*every(60, n=48, temperature_f=70.0, humidity=40.0))
    for day in range(20):
        scene.follow(NOON + day * DAY)
    before = readings.last_id(scene.store)
    back = NOON + 20 * DAY
    scene.hear(*every(5, since=back, n=24, temperature_f=71.0, humidity=40.0))
    assert readings.last_id(scene.store) == before + 48, "the numbers of rows go on"
    scene.follow(back + DAY)
    assert len([start for _, start in scene.kept(30).fine if start >= back]) > 23


def test_what_is_not_copied_to_influxdb_yet_stays() -> None:
    copy = Influx(url="http://127.0.0.1:8086", bucket="safetyd")
    scene = Scene(influx=copy, keep_raw="10d")
    scene.hear(*every(60, A, n=24 * 20, temperature_f=70.0, humidity=40.0))
    scene.follow(END)
    assert oldest(scene, 1) == 0
    upto = 24 * 2 * 4  # rows of four days: two quantities an hour
    replica.mark_copied(scene.store, copy.target, {Stream.READING: upto}, (), END)
    scene.store.commit()
    scene.follow(END + DAY)
    assert oldest(scene, 1) == 4


@pytest.mark.slow
def test_a_rebuild_loses_nothing_of_what_was_deleted() -> None:
    scene = scene_of_twenty_days(keep_raw="10d")
    scene.follow(END)
    before = scene.kept(22)
    assert rebuilt(scene) == before


def rebuilt(scene: Scene) -> Kept:
    before = len(scene.kept(22).fine)
    begin_anew(scene.store, scene.site)
    scene.store.commit()
    assert len(scene.kept(22).fine) < before
    scene.restart()
    scene.follow(END)
    return scene.kept(22)


@pytest.mark.slow
def test_a_rebuild_of_everything_gives_the_same() -> None:
    scene = scene_of_twenty_days()
    for day in range(21):
        scene.follow(NOON + day * DAY)
    before = scene.kept(22)
    assert rebuilt(scene) == before


@pytest.mark.parametrize(
    ("status", "disputed", "stays"),
    [
        (Status.OPEN, False, True),
        (Status.RELIEVED, False, True),
        (Status.CLOSED, True, True),
        (Status.CLOSED, False, False),
    ],
)
def test_what_a_ticket_needs_stays_from_a_day_before_its_episode(
    status: Status, disputed: bool, stays: bool
) -> None:
    scene = scene_of_twenty_days(keep_raw="10d")
    world, began = World(), NOON + 4 * DAY
    world.put_ticket(ticket("maple-2026-0001", ROOM, began, status, disputed))
    world.new_episode(Episode(ROOM, Condition.COLD, began, began + DAY, ticket="maple-2026-0001"))
    ledger.save(scene.store, world.changes, world)
    scene.store.commit()
    scene.follow(END)
    assert oldest(scene, 1) == (3 if stays else 9)
    assert oldest(scene, 3) == 9, "the room beside it has no ticket"


def test_roll_ups_go_when_they_are_told_to() -> None:
    scene = scene_of_twenty_days(keep_raw="10d", keep_rollups="12d")
    scene.follow(END)
    kept = scene.kept(22)
    for found in kept:
        assert min(start for _, start in found) >= END - 12 * DAY
    assert rollups.progress(scene.store) is not None
