"""An answer has the resolution that fits the range and says which, and how much of class time is known."""

from datetime import datetime, timedelta

import pytest

from safetyd.core.model import Condition, Observation
from safetyd.core.tally import Measure
from safetyd.core.ticket import Status, Ticket
from safetyd.core.world import World
from safetyd.history.coverage import Coverage
from safetyd.history.queries import Answer, History, HistoryError, Question, Resolution
from safetyd.store import ledger, rollups
from safetyd.store.rollups import Level
from tests.history.scene import BUILDING, LAB, MINUTE, NOON, ROOM, SITE, A, C, Scene, every, site

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


@pytest.mark.slow
def test_the_ends_of_a_range_hold_only_what_lies_in_it_before_and_after_it_is_rolled_up() -> None:
    scene, now = Scene(), NOON + 30 * 60 * MINUTE
    warm = every(10, n=180, temperature_f=70.0, humidity=40.0)
    scene.hear(*(each._replace(temperature_f=70.0 + number / 100) for number, each in enumerate(warm)))
    for length in (5 * MINUTE, timedelta(hours=1), timedelta(hours=6), DAY):
        for begin, end in ((95, 1003), (10, 12), (0, 60), (61, 1600)):
            asked = {"begin": NOON + begin * MINUTE, "end": NOON + end * MINUTE}
            single = [each.mean for each in ask(scene, now, **asked, is_exact=True).points]
            answers = []
            for each in (scene, rolled_up(scene, now + 2 * DAY)):
                answer = ask(each, now, **asked, every=length)
                answers.append((answer.points, answer.coverage))
                assert sum(point.n for point in answer.points) == len(single)
                lows, highs = [each.low for each in answer.points], [each.high for each in answer.points]
                assert not single or (min(lows), max(highs)) == (min(single), max(single))
            assert answers[0] == answers[1]


def rolled_up(scene: Scene, now: datetime) -> Scene:
    other = Scene()
    other.hear(*scene.said_of(ROOM))
    other.follow(now)
    return other


def test_what_is_borne_out_after_the_range_is_in_it() -> None:
    scene = Scene()
    scene.hear(*every(5, n=13, temperature_f=70.0, humidity=40.0))
    scene.hear(*every(1, since=NOON + 65 * MINUTE, n=6, temperature_f=90.0, humidity=40.0))
    asked = {"begin": NOON, "end": NOON + 66 * MINUTE}
    for every_ in (None, 5 * MINUTE):
        highest = max(each.high for each in ask(scene, NOON + 90 * MINUTE, **asked, every=every_).points)
        assert highest == 90.0


def test_a_long_time_before_the_first_reading_costs_nothing() -> None:
    scene = Scene()
    scene.hear(*every(5, n=12, temperature_f=70.0))
    long_ago = NOON.replace(year=1901)
    answer = ask(scene, NOON + 60 * MINUTE, begin=long_ago, every=5 * MINUTE)
    assert len(answer.points) == 12


@pytest.mark.slow
def test_more_spans_than_an_answer_holds_are_refused_in_a_sentence() -> None:
    scene, last = Scene(), NOON + 250_000 * 5 * MINUTE
    scene.hear(*every(5, n=12, temperature_f=70.0))
    assert ask(scene, last, every=5 * MINUTE).points
    with pytest.raises(HistoryError, match=r"^maple/12: 250001 spans are more .* or a longer --every$"):
        ask(scene, last + 5 * MINUTE, every=5 * MINUTE)


def test_readings_that_a_ticket_keeps_are_there_to_be_asked_for() -> None:
    scene, now = Scene(keep_raw="10d"), NOON + 20 * DAY
    both = [every(60, sensor, n=480, temperature_f=70.0, humidity=40.0) for sensor in (A, C)]
    for each in zip(*both, strict=True):
        scene.hear(*each)
    world, began = World(), NOON + 4 * DAY
    args = (None, "", Status.OPEN, False, began, began, (), began)
    world.put_ticket(Ticket("maple-2026-0001", ROOM, Condition.COLD, *args))
    ledger.save(scene.store, world.changes, world)
    scene.store.commit()
    scene.follow(now)
    asked = {"begin": began, "end": began + DAY}
    answer = ask(scene, now, **asked)
    assert (answer.resolution, len(answer.points)) == (Resolution.READINGS, 24)
    assert ask(scene, now, is_exact=True).begin == began - DAY
    with pytest.raises(HistoryError, match="single readings are kept from 2026-12-04 on"):
        ask(scene, now, begin=NOON, is_exact=True)
    with pytest.raises(HistoryError, match="single readings are kept from 2026-12-11 on"):
        question = Question(LAB, Measure.TEMPERATURE, **asked, is_exact=True)
        History(scene.store, scene.site, "safetyd", now).ask(question)


def test_a_range_that_reaches_behind_what_is_kept_says_so() -> None:
    scene, now = Scene(keep_raw="10d", keep_rollups="12d"), NOON + 20 * DAY
    scene.hear(*every(60, n=480, temperature_f=70.0, humidity=40.0))
    scene.follow(now)
    oldest = rollups.first_start(scene.store, Level.HOUR)
    assert (
        ask(scene, now, begin=NOON, every=DAY).note == f"what came before {oldest:%Y-%m-%d} is no longer kept"
    )
    assert ask(scene, now, begin=oldest, every=DAY).note == ""
