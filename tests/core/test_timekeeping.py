"""The time is believed, waited for, or counted on; it never goes back, whatever the machine's clock does."""

from datetime import UTC, datetime, timedelta

import pytest

from safetyd.core.timekeeping import (
    A_MOMENT,
    BUILT_AFTER,
    PATIENCE,
    Beginning,
    Step,
    Ticks,
    Time,
    beginning,
    go_on,
    stepped,
)
from safetyd.core.units import JUST_AFTER
from safetyd.core.waking import Beat, Cause, Hole, hole
from tests.core.scene import MINUTE, clock

NINE = clock("09:00")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
YEAR_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
EARLY, LATE = PATIENCE - JUST_AFTER, PATIENCE  # since the boot
LAST = Beat(NINE, "b1", since_boot=3 * HOUR)


def begun(
    wall: datetime, since_boot: timedelta = EARLY, is_synchronised: bool | None = True, boot: str = "b2"
) -> Beginning | None:
    return beginning(LAST, wall, Ticks(boot, since_boot, is_synchronised))


def sure(now: datetime) -> tuple[datetime, bool]:
    return now, True


def unsure(now: datetime) -> tuple[datetime, bool]:
    return now, False


# The start


@pytest.mark.parametrize(
    ("wall", "since_boot", "is_synchronised", "expected"),
    [
        (NINE + HOUR, EARLY, True, sure(NINE + HOUR)),
        (NINE + HOUR, EARLY, None, sure(NINE + HOUR)),  # nobody can say: it counts as synchronised
        (NINE + HOUR, EARLY, False, None),
        (NINE + HOUR, LATE, False, unsure(NINE + HOUR)),
        (NINE - A_MOMENT, EARLY, True, sure(NINE)),
        (NINE - A_MOMENT - JUST_AFTER, EARLY, True, None),
        (NINE - A_MOMENT - JUST_AFTER, EARLY, None, None),
        (YEAR_ZERO, EARLY, False, None),
        (YEAR_ZERO, LATE, False, unsure(NINE + LATE)),
        (NINE - HOUR, LATE, True, unsure(NINE + LATE)),
        (NINE - HOUR, LATE + HOUR, None, unsure(NINE + LATE + HOUR)),
    ],
)
def test_after_a_boot_the_clock_is_believed_or_waited_for(
    wall: datetime,
    since_boot: timedelta,
    is_synchronised: bool | None,
    expected: tuple[datetime, bool] | None,
) -> None:
    found = begun(wall, since_boot, is_synchronised)
    assert (None if found is None else (found.now, found.is_sure)) == expected


@pytest.mark.parametrize("is_synchronised", [True, False, None])
def test_a_restart_within_a_boot_waits_for_nothing(is_synchronised: bool | None) -> None:
    found = begun(NINE + MINUTE, 3 * HOUR + MINUTE, is_synchronised, "b1")
    assert found == Beginning(NINE + MINUTE)


def test_a_clock_put_back_between_two_lives_of_one_boot_is_gone_on_without() -> None:
    found = begun(NINE - HOUR, 3 * HOUR + MINUTE, True, "b1")
    assert found is not None and (found.now, found.is_sure) == (NINE + MINUTE, False)


def test_who_was_not_sure_is_not_after_a_restart_until_the_clock_is_synchronised() -> None:
    last = LAST._replace(is_sure=False)
    for is_synchronised, is_sure in ((False, False), (True, True)):
        found = beginning(last, NINE + MINUTE, Ticks("b1", 3 * HOUR + MINUTE, is_synchronised))
        assert found is not None and (found.now, found.is_sure) == (NINE + MINUTE, is_sure)


def test_the_very_first_start_asks_for_no_more_than_a_date_that_can_be() -> None:
    assert beginning(None, BUILT_AFTER, Ticks("b1", SECOND, False)) == Beginning(BUILT_AFTER)
    assert beginning(None, BUILT_AFTER - JUST_AFTER, Ticks("b1", SECOND, True)) is None
    found = beginning(None, YEAR_ZERO, Ticks("b1", PATIENCE, False))
    assert found is not None and (found.now, found.is_sure) == (BUILT_AFTER + PATIENCE, False)


def test_where_boots_cannot_be_told_apart_nothing_goes_back() -> None:
    found = beginning(Beat(NINE, "", since_boot=3 * HOUR), YEAR_ZERO, Ticks("", MINUTE))
    assert found is not None and found.now == NINE


# The hole behind a clock that was put right while nobody watched


def test_a_clock_put_right_between_two_lives_of_one_boot_shows_how_long_the_machine_was_down() -> None:
    last = LAST._replace(is_sure=False)
    after = 3 * HOUR + SECOND
    assert hole(last, NINE + 2 * HOUR, "b1", after) == Hole(NINE, NINE + 2 * HOUR, Cause.LOST)
    assert hole(LAST, NINE + 2 * HOUR, "b1", after) == Hole(NINE, NINE + 2 * HOUR, Cause.CRASHED)
    assert hole(last, NINE + 2 * HOUR, "b1", 5 * HOUR) == Hole(NINE, NINE + 2 * HOUR, Cause.CRASHED)


# While it runs


def later(passed: timedelta, put: timedelta = 0 * SECOND, is_synchronised: bool | None = True) -> Time:
    """Return the time once so much has passed since nine, the clock put by so much meanwhile."""
    return go_on(TIME, NINE + passed + put, Ticks("b1", passed, is_synchronised))


TIME = Time(NINE, NINE, 0 * SECOND)


def test_time_passes() -> None:
    assert later(MINUTE) == Time(NINE + MINUTE, NINE + MINUTE, MINUTE)


def test_a_step_forward_is_taken_at_once() -> None:
    assert later(MINUTE, HOUR).now == NINE + MINUTE + HOUR


def test_a_step_back_is_made_up_for_by_a_twentieth_of_what_passes() -> None:
    back = later(0 * SECOND, -HOUR)
    assert back.now == NINE and back.is_behind
    back = go_on(back, NINE - HOUR + 20 * MINUTE, Ticks("b1", 20 * MINUTE, True))
    assert back.now == NINE + 19 * MINUTE
    back = go_on(back, NINE + 19 * HOUR, Ticks("b1", 20 * HOUR, True))
    assert back.now == NINE + 19 * HOUR and not back.is_behind


def test_a_clock_that_is_not_synchronised_or_days_back_is_not_waited_for() -> None:
    assert later(20 * MINUTE, -HOUR, is_synchronised=False).now == NINE + 20 * MINUTE
    assert later(20 * MINUTE, -48 * HOUR).now == NINE + 20 * MINUTE
    assert later(20 * MINUTE, -HOUR, is_synchronised=None).now == NINE + 19 * MINUTE


def test_time_never_goes_back() -> None:
    time = TIME
    for put in (-5, 3, -3600, -7200, 3600, 0, -1, 86400, 0):
        for seconds in (0, 1, 30):
            wall, since_boot = time.wall + seconds * SECOND + put * SECOND, time.since_boot + seconds * SECOND
            after = go_on(time, wall, Ticks("b1", since_boot, True))
            assert after.now >= max(time.now, wall)
            time = after


@pytest.mark.parametrize("put", [A_MOMENT, -A_MOMENT])
def test_a_moment_is_no_step_and_more_is_one(put: timedelta) -> None:
    assert stepped(TIME, NINE + MINUTE + put, Ticks("b1", MINUTE)) is None
    more = put + (JUST_AFTER if put > 0 * SECOND else -JUST_AFTER)
    step = stepped(TIME, NINE + MINUTE + more, Ticks("b1", MINUTE))
    assert step == Step(NINE + MINUTE, NINE + MINUTE + more) and step.by == more
