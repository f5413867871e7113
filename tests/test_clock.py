"""The daemon's clock never goes back, and says nothing of a date before it knows one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from safetyd import machine
from safetyd.clock import UNDATED, SteadyClock
from safetyd.core.timekeeping import Ticks
from safetyd.core.waking import Beat

NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


class Machine:
    """What a machine says of time; `between` happens whenever its clock has been read."""

    def __init__(self) -> None:
        self.wall, self.since_boot, self.is_synchronised = NOON, HOUR, True
        self.between: Callable[[], None] = lambda: None

    def clock(self) -> datetime:
        wall = self.wall
        self.between()
        return wall

    def ticks(self) -> Ticks:
        return Ticks("b2", self.since_boot, self.is_synchronised)

    def passes(self, span: timedelta) -> None:
        self.wall += span
        self.since_boot += span

    def steady(self) -> SteadyClock:
        return SteadyClock(self.clock, self.ticks)


def test_before_the_time_is_known_it_counts_from_the_boot() -> None:
    here = Machine()
    clock = here.steady()
    assert clock() == UNDATED + HOUR
    here.wall -= 20 * HOUR
    assert clock.try_to_begin(Beat(NOON, "b1")) is not None
    assert clock() == NOON + HOUR


def test_a_step_back_is_noted_once_and_not_followed() -> None:
    here = Machine()
    clock = here.steady()
    clock.try_to_begin(None)
    here.passes(SECOND)
    here.wall -= HOUR
    assert clock() == NOON + SECOND - SECOND / 20 and clock() == clock()
    assert [step.by for step, _ in clock.steps] == [-HOUR] and clock.is_behind


def test_a_machine_that_is_suspended_between_two_looks_has_made_no_step() -> None:
    here = Machine()
    clock = here.steady()
    clock.try_to_begin(None)

    def sleeps() -> None:
        here.between = lambda: None
        here.passes(HOUR)

    here.between = sleeps
    assert clock() == NOON + HOUR and clock.steps == []


def test_the_kernel_is_asked_and_says_yes_no_or_nothing() -> None:
    said = machine.ticks()
    assert said.is_synchronised in (True, False, None)
    assert said.boot == machine.boot()
    assert timedelta(0) < said.since_boot <= machine.since_boot()
