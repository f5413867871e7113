"""The time, for those who are handed a clock.

Rule: nothing else in safetyd reads the wall clock.
"""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from safetyd.core.timekeeping import Beginning, Step, Ticks, Time, beginning, go_on, stepped
from safetyd.core.waking import Beat

Clock = Callable[[], datetime]

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # from where a moment is counted that has no date yet
_AT_ONCE = timedelta(seconds=1)


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


class SteadyClock:
    """A clock that never goes back, made of the wall clock and of what the machine says beside it.

    Until `try_to_begin` has succeeded nobody knows what time it is: it shows the time since boot, counted
    from UNDATED. From then on it goes by the seconds since boot: a step of the wall clock forward is taken at
    once; after one back it goes on by itself, a twentieth slower, until the wall clock has caught up.
    `steps` are the steps that nobody has taken note of yet.
    """

    def __init__(self, wall: Clock, ticks: Callable[[], Ticks]) -> None:
        self.steps: list[tuple[Step, Time]] = []  # with the time that it was before
        self._wall = wall
        self._ticks = ticks
        self._time: Time | None = None

    def __call__(self) -> datetime:
        before = self._time
        if before is None:
            return UNDATED + self._ticks().since_boot
        wall, ticks = self._look()
        step = stepped(before, wall, ticks)
        if step is not None:
            self.steps.append((step, before))
        self._time = go_on(before, wall, ticks)
        return self._time.now

    def ticks(self) -> Ticks:
        """Return what the machine says beside the wall clock."""
        return self._ticks()

    def _look(self) -> tuple[datetime, Ticks]:
        """Return both at one moment: between two looks the machine may be suspended, and that is no step."""
        ticks = self._ticks()
        while True:
            wall, before, ticks = self._wall(), ticks, self._ticks()
            if ticks.since_boot - before.since_boot < _AT_ONCE:
                return wall, ticks

    @property
    def is_behind(self) -> bool:
        """Whether the wall clock is still to catch up with the time that was lived through."""
        return self._time is not None and self._time.is_behind

    def try_to_begin(self, last: Beat | None) -> Beginning | None:
        """Return what time it is from now on; None while the wall clock may not be believed."""
        wall, ticks = self._look()
        begun = beginning(last, wall, ticks)
        if begun is not None:
            self._time = Time(begun.now, wall, ticks.since_boot)
        return begun


def demo_clock(start: datetime, speed: float) -> Clock:
    """Return a clock that shows `start` now and runs `speed` times as fast as the world.

    Raises:
        ValueError: speed is not a finite number above 0, or start has no time zone.
    """
    if not (math.isfinite(speed) and speed > 0):
        raise ValueError(f"a clock cannot run at {speed} times the speed of the world; give a number above 0")
    if start.tzinfo is None:
        raise ValueError(f"{start.isoformat()} has no time zone; give the beginning in UTC")
    began, origin = time.monotonic(), start.astimezone(UTC)
    return lambda: origin + timedelta(seconds=(time.monotonic() - began) * speed)
