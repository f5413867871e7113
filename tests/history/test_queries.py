"""An answer has the resolution that fits the range and says which, and how much of class time is known."""

from datetime import datetime, timedelta

import pytest

from safetyd.core.model import Observation
from safetyd.core.tally import Measure
from safetyd.history.coverage import Coverage
from safetyd.history.queries import Answer, History, HistoryError, Question, Resolution
from safetyd.store import rollups
from tests.history.scene import BUILDING, LAB, MINUTE, NOON, ROOM, SITE, A, Scene, every, site

DAY = timedelta(days=1)
SCHOOL = SITE.replace("[[buildings]]", '[calendar]\nstudent_hours = "08:30-15:15"\n\n[[buildings]]', 1)
MORNING = datetime.fromisoformat("2026-12-01T08:30:00-08:00").astimezone(NOON.tzinfo)  # a Tuesday


def ask(scene: Scene, now: datetime, measure: Measure = Measure.TEMPERATURE, **more: object) -> Answer:
    return History(scene.store, scene.site, "safetyd", now).ask(Question(ROOM, measure, **more))


@pytest.fixture(scope="module")
def long() -> Scene:
    """A room that was heard every half hour (so half of the time is known) for 130 days."""
    scene = Scene()
    scene.hear(*every(30, n=48 * 130, temperature_f=70.0, humidity=40.0))
    scene.follow(NOON + 130 * DAY)
    return scene


@pytest.mark.parametrize(
    ("days", "resolution", "n"),
    [
        (2, Resolution.READINGS, 96),
        (2.01, Resolution.FIVE_MINUTES, 97),
        (14, Resolution.FIVE_MINUTES, 14 * 48),
        (14.01, Resolution.HOUR, 14 * 24 + 1),
        (120, Resolution.HOUR, 120 * 24),
        (120.01, Resolution.DAY, 121),
    ],
)
def test_the_range_decides_the_resolution(long: Scene, days: float, resolution: Resolution, n: int) -> None:
    answer = ask(long, NOON + 130 * DAY, begin=NOON, end=NOON + days * DAY)
    assert (answer.resolution, len(answer.points)) == (resolution, n)


@pytest.mark.parametrize(
    ("every_", "resolution"),
    [
        (timedelta(minutes=1), Resolution.READINGS),
        (timedelta(minutes=15), Resolution.FIVE_MINUTES),
        (timedelta(hours=6), Resolution.HOUR),
        (7 * DAY, Resolution.DAY),
    ],
)
def test_every_takes_the_longest_buckets_that_fit(
    long: Scene, every_: timedelta, resolution: Resolution
) -> None:
    answer = ask(long, NOON + 130 * DAY, begin=NOON, end=NOON + 7 * DAY, every=every_)
    assert answer.resolution is resolution
    assert sum(point.n for point in answer.points) >= 7 * 48


def test_all_resolutions_tell_the_same(long: Scene) -> None:
    begin = datetime(2026, 12, 3, 8, tzinfo=NOON.tzinfo)  # midnight there
    for width in (MINUTE, 5 * MINUTE, 60 * MINUTE, DAY):
        answer = ask(long, NOON + 130 * DAY, begin=begin, end=begin + DAY, every=width)
        assert sum(point.n for point in answer.points) == 48
        assert {(point.low, point.mean, point.high) for point in answer.points} == {(70.0, 70.0, 70.0)}


def test_what_is_not_rolled_up_yet_is_in_the_answer() -> None:
    scene = Scene()
    scene.hear(*every(1, n=100, temperature_f=70.0, humidity=40.0))
    scene.follow(NOON + 80 * MINUTE)
    for width in (None, 5 * MINUTE, 60 * MINUTE, DAY):
        answer = ask(scene, NOON + 100 * MINUTE, every=width)
        assert sum(point.n for point in answer.points) == 100


@pytest.mark.parametrize("hours", [3, 30])
def test_late_readings_are_in_the_answer_before_they_are_rolled_up(hours: int) -> None:
    scene = Scene()
    scene.hear(*every(10, n=200, temperature_f=70.0, humidity=40.0))
    now = NOON + 2000 * MINUTE
    scene.follow(now)
    at = now - timedelta(hours=hours)
    scene.hear(Observation(A, at + MINUTE, now, temperature_f=72.0, humidity=40.0))
    for width in (None, 5 * MINUTE, 60 * MINUTE, DAY):
        answer = ask(scene, now, every=width)
        assert sum(point.n for point in answer.points) == 201
        assert max(point.high for point in answer.points) == 72.0


def test_before_anything_was_rolled_up_the_readings_answer() -> None:
    scene = Scene()
    scene.hear(*every(1, n=30, temperature_f=70.0, humidity=40.0))
    answer = ask(scene, NOON + 30 * MINUTE, Measure.HEAT_INDEX, every=60 * MINUTE)
    (point,) = answer.points
    assert (point.at, point.n) == (NOON, 30)
    assert point.mean == pytest.approx(68.6, abs=0.1)
    assert str(answer.coverage) == "100 % of the time known"


def test_coverage_is_of_the_hours_of_class() -> None:
    scene = Scene(site(SCHOOL))
    scene.hear(*every(15, since=MORNING - 60 * MINUTE, n=4, temperature_f=70.0, humidity=40.0))
    scene.hear(*every(15, since=MORNING, n=14, temperature_f=70.0, humidity=40.0))  # 3.5 of 6.75 hours
    now = NOON + 2 * DAY
    scene.follow(now)
    answer = ask(scene, now, begin=MORNING - 60 * MINUTE, end=MORNING + 16 * 60 * MINUTE)
    assert answer.coverage.whole == timedelta(hours=6, minutes=45)
    assert answer.coverage.known == pytest.approx(timedelta(hours=3, minutes=30), abs=timedelta(seconds=1))
    assert str(answer.coverage) == "51 % of the school day known"


def test_without_a_school_day_in_the_range_it_is_of_all_the_time() -> None:
    scene = Scene(site(SCHOOL))
    night = MORNING - 6 * 60 * MINUTE
    scene.hear(*every(15, since=night, n=4, temperature_f=70.0, humidity=40.0))
    answer = ask(scene, NOON + 2 * DAY, begin=night, end=night + 120 * MINUTE)
    assert str(answer.coverage) == "50 % of the time known"


@pytest.mark.parametrize(
    ("known", "words"), [(3600.0, "100 %"), (3599.9, "99 %"), (0.0, "0 %"), (36.0, "1 %")]
)
def test_what_is_not_all_is_never_called_all(known: float, words: str) -> None:
    told = Coverage(timedelta(seconds=known), timedelta(hours=1), is_school_time=False)
    assert str(told) == f"{words} of the time known"


def test_a_room_of_which_nothing_was_heard_has_no_points_and_no_coverage() -> None:
    scene = Scene()
    answer = History(scene.store, scene.site, "safetyd", NOON).ask(
        Question(LAB, Measure.TEMPERATURE, NOON - DAY, NOON)
    )
    assert (answer.points, answer.coverage.share) == ([], 0.0)


def test_a_building_is_asked_for_its_mains() -> None:
    scene = Scene()
    answer = History(scene.store, scene.site, "safetyd", NOON).ask(Question(BUILDING, Measure.MAINS))
    assert (answer.points, str(answer.coverage)) == ([], "nothing of this time has passed yet")


def test_single_values_that_were_deleted_are_refused_in_a_sentence() -> None:
    scene = Scene(keep_raw="10d")
    scene.hear(*every(30, n=48 * 15, temperature_f=70.0, humidity=40.0))
    now = NOON + 15 * DAY
    scene.follow(now)
    assert rollups.progress(scene.store).retired_to == now - 10.5 * DAY, "the last midnight, UTC"
    with pytest.raises(HistoryError, match=r"single readings are kept from 2026-12-06 on; .*--every 1h"):
        ask(scene, now, begin=NOON, is_exact=True)
    assert ask(scene, now, begin=NOON, end=NOON + DAY).resolution is Resolution.FIVE_MINUTES
    assert ask(scene, now, is_exact=True).begin == now - 10.5 * DAY
