"""How long a room was in breach on each day is the same rolled up or not, and what is unknown is neither."""

from datetime import datetime, timedelta

import pytest

from safetyd.core.tally import Account, Measure
from safetyd.history.breaches import DayOf, breach_of, days
from safetyd.history.queries import History
from tests.history.scene import HERE, LAB, MINUTE, NOON, ROOM, Scene, every

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MIDNIGHT = datetime(2026, 12, 1, 8, tzinfo=NOON.tzinfo)  # there


def told(scene: Scene, begin: datetime, end: datetime, place: object = ROOM) -> list[DayOf]:
    history = History(scene.store, scene.site, "safetyd", NOON + 3 * DAY)
    known_of = history.known_of(place, Measure.TEMPERATURE)  # type: ignore[arg-type]
    assert known_of.account is Account.COLD
    return days(known_of, HERE.timezone, begin, end)


@pytest.fixture
def cold() -> Scene:
    """A room that is heard each ten minutes for a day and a half from noon UTC on, cold in its first hour."""
    scene = Scene()
    scene.hear(*every(10, n=6, temperature_f=55.0))
    scene.hear(*every(10, n=6 * 35, since=NOON + HOUR, temperature_f=70.0))
    return scene


def test_each_day_has_its_breach_before_and_after_it_is_rolled_up(cold: Scene) -> None:
    fresh = told(cold, MIDNIGHT, MIDNIGHT + 3 * DAY)
    cold.follow(NOON + 3 * DAY)
    assert told(cold, MIDNIGHT, MIDNIGHT + 3 * DAY) == fresh
    assert [each.begin for each in fresh] == [MIDNIGHT + n * DAY for n in range(3)]
    assert fresh[0].breach >= HOUR and [each.breach for each in fresh[1:]] == [timedelta(0)] * 2
    assert breach_of(fresh) == fresh[0].breach


def test_of_a_day_that_was_not_heard_nothing_is_known(cold: Scene) -> None:
    cold.follow(NOON + 3 * DAY)
    first, second, third = told(cold, MIDNIGHT, MIDNIGHT + 3 * DAY)
    assert first.known == 20 * HOUR and second.known > 15 * HOUR
    assert third.known == timedelta(0)
    assert {each.known for each in told(cold, MIDNIGHT, MIDNIGHT + 3 * DAY, LAB)} == {timedelta(0)}


def test_a_part_of_a_day_has_only_what_lies_in_it(cold: Scene) -> None:
    for _ in range(2):
        (part,) = told(cold, NOON + 30 * MINUTE, NOON + 60 * MINUTE)
        assert (part.begin, part.end) == (NOON + 30 * MINUTE, NOON + 60 * MINUTE)
        assert part.breach == 30 * MINUTE
        (rest,) = told(cold, NOON + 3 * HOUR, NOON + 4 * HOUR)
        assert (rest.breach, rest.known) == (timedelta(0), HOUR)
        cold.follow(NOON + 3 * DAY)


@pytest.mark.parametrize(("day", "hours"), [((2026, 11, 1), 25), ((2027, 3, 14), 23)])
def test_a_day_on_which_the_clocks_change_is_one_day(day: tuple[int, int, int], hours: int) -> None:
    begin = datetime(*day, tzinfo=HERE.timezone).astimezone(NOON.tzinfo)
    found = told(Scene(), begin, begin + hours * HOUR)
    assert [each.end - each.begin for each in found] == [hours * HOUR]
