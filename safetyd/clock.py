"""The time, for those who are handed a clock.

Rule: nothing else in safetyd reads the wall clock.
"""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


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
