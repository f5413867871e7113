"""Moments and values as a reader of an explanation wants them: the day once, the time to the second it has.

Rule: values are shown to the tenth, and with more where a tenth would put them on the other side of a limit.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from safetyd.core.units import beside

_SECOND = timedelta(seconds=1)


class Clock:
    """Writes moments in a site's zone; those of the day that is told of without their date."""

    def __init__(self, zone: ZoneInfo, day_of: datetime) -> None:
        self._zone = zone
        self._day = day_of.astimezone(zone).date()

    def whole(self, at: datetime) -> str:
        """Return a moment with its day and zone."""
        local = at.astimezone(self._zone)
        return f"{local:%A}, {local.day} {local:%B %Y}, {_time(local)} {local:%Z}"

    def __call__(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        if local.date() == self._day:
            return _time(local)
        return f"{local:%a} {local.day} {local:%b %Y} {_time(local)}"


def _time(local: datetime) -> str:
    return f"{local:%H:%M}" if local.second == 0 else f"{local:%H:%M:%S}"


def lasting(span: timedelta) -> str:
    """Return how long something took, in the two largest units that it has."""
    if span < timedelta(0):
        return f"minus {lasting(-span)}"
    seconds = round(span / _SECOND)
    if seconds < 1:
        return "less than a second"
    found = []
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count:
            found.append(f"{count} {name}{'s' if count > 1 else ''}")
    return " ".join(found[:2])


def degrees(value: float, limit: float | None) -> str:
    """Return a temperature or a heat index so that it shows on which side of a limit it lies."""
    return f"{beside(value, limit)} °F"
