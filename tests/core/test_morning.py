"""The promise: an hour before the work day begins, facilities know what would begin it in breach."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.core import engine
from safetyd.core.calendar import Calendar, Day, Hours
from safetyd.core.model import Role
from safetyd.core.plan import Reason
from safetyd.core.world import Facts, World
from tests.core.scene import LAB, MINUTE, ROOM, ZONE, Scene, rules, strictly
from tests.examples import examples

HOLD = rules(outside_work_hours="hold")
SCHOOL = Calendar(ZONE, work_hours=Hours(time(7, 45), time(16, 30)))
MIDNIGHT = datetime(2026, 12, 1, 8, tzinfo=UTC)  # at the school
WARNED, BEGINS = MIDNIGHT + timedelta(hours=6.75), MIDNIGHT + timedelta(hours=7.75)


def night(calendar: Calendar = SCHOOL) -> Scene:
    return Scene(HOLD, calendar=calendar)


def told(scene: Scene) -> list[datetime]:
    return [notice.at for notice in scene.notices(Reason.HELD)]


def test_it_is_due_an_hour_before_and_not_a_moment_sooner() -> None:
    scene = night().says(MIDNIGHT, temperature_f=57.0).until(WARNED - timedelta(microseconds=1))
    assert told(scene) == []
    (notice,) = scene.until(WARNED).notices(Reason.HELD)
    assert (notice.at, notice.building, notice.ticket, notice.roles) == (
        WARNED,
        "maple",
        None,
        (Role.FACILITIES,),
    )
    assert notice.about == {
        "begins_at": BEGINS.isoformat(),
        "cold 12": f"{MIDNIGHT.isoformat()} 57.0",
    }


def test_both_rooms_are_in_one_and_the_worst_is_the_worst_so_far() -> None:
    scene = night().says(MIDNIGHT, temperature_f=57.0).says(MIDNIGHT + 5 * MINUTE, temperature_f=55.0)
    scene.says(MIDNIGHT + 10 * MINUTE, place=LAB, temperature_f=58.0)
    (notice,) = scene.until(BEGINS).notices(Reason.HELD)
    assert [value[-4:] for key, value in notice.about.items() if key != "begins_at"] == ["55.0", "58.0"]


def test_after_the_work_has_begun_nothing_is_told() -> None:
    assert told(night().says(BEGINS, temperature_f=57.0).until(BEGINS + 60 * MINUTE)) == []


@pytest.mark.parametrize(
    ("day", "begin", "begins_at"),
    [
        (date(2026, 11, 1), time(7, 45), datetime(2026, 11, 1, 15, 45, tzinfo=UTC)),  # 25 hours
        (date(2026, 11, 1), time(2, 0), datetime(2026, 11, 1, 10, 0, tzinfo=UTC)),
        (date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),  # the first of two
        (date(2027, 3, 14), time(7, 45), datetime(2027, 3, 14, 14, 45, tzinfo=UTC)),  # 23 hours
        (date(2027, 3, 14), time(3, 0), datetime(2027, 3, 14, 10, 0, tzinfo=UTC)),
        (date(2027, 3, 14), time(2, 30), datetime(2027, 3, 14, 10, 0, tzinfo=UTC)),  # never on the wall
        (date(2027, 1, 1), time(0, 30), datetime(2027, 1, 1, 8, 30, tzinfo=UTC)),  # told last year
    ],
)
def test_the_hour_is_one_of_sixty_minutes_on_every_day(day: date, begin: time, begins_at: datetime) -> None:
    calendar = Calendar(ZONE, work_hours=Hours(begin, time(16, 30)), dates={day: Day(is_open=True)})
    evening = datetime.combine(day - timedelta(days=1), time(20), ZONE).astimezone(UTC)
    scene = night(calendar).says(evening, temperature_f=57.0).until(begins_at)
    assert told(scene) == [begins_at - timedelta(hours=1)]
    assert scene.the_ticket().began_at == begins_at


@settings(max_examples=examples(30))
@given(st.integers(0, 8 * 60), st.none() | st.integers(0, 8 * 60), st.integers(1, 40))
def test_how_often_time_is_passed_changes_nothing(first: int, second: int | None, ticks: int) -> None:
    def often(world: World, facts: Facts, now: datetime) -> None:
        while world.now < now - ticks * MINUTE and world.now > MIDNIGHT:
            engine.elapse(world, facts, min(now, world.now + ticks * MINUTE))
        strictly(world, facts, now)

    def play(scene: Scene) -> list[tuple[object, ...]]:
        at = sorted({(first, ROOM), *([(second, LAB)] if second is not None else [])})
        for minute, place in at:
            scene.says(MIDNIGHT + minute * MINUTE, place=place, temperature_f=57.0)
        scene.until(BEGINS + 60 * MINUTE)
        return [(notice.at, notice.reason, notice.key, dict(notice.about)) for notice in scene.notices()]

    assert play(Scene(HOLD, calendar=SCHOOL, pass_time=often)) == play(night())
