"""A message as it came off the wire, and what can be understood of one payload."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from safetyd.core.errors import SafetydError
from safetyd.wording import sound

AHEAD = timedelta(minutes=2)  # a device clock may lead ours by so much and still be believed
BEHIND = timedelta(days=7)
_MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138
_UNIX = re.compile(r"\d+(\.\d*)?", re.ASCII)
_STAMP_CHARACTERS = 64


class Message(NamedTuple):
    """One MQTT message and the moment it reached us."""

    received_at: datetime
    topic: str
    payload: bytes
    retain: bool = False


class PayloadError(SafetydError):
    """A payload that cannot be read at all."""


class Decoded(NamedTuple):
    """What a payload says, in native units. `refusals` are values that are no finite number, in words.

    `stamp` is the device's own time, as it was sent.
    """

    temperature_f: float | None = None
    temperature_c: float | None = None
    humidity: float | None = None
    mains: bool | None = None
    voltage: float | None = None
    power_w: float | None = None
    battery: float | None = None
    stamp: str | float | None = None
    refusals: tuple[str, ...] = ()


def observed_at(stamp: str | float | None, received_at: datetime) -> tuple[datetime, str | None]:
    """Return when a reading was true, and the stamp in words if it is not believed."""
    if stamp is None:
        return received_at, None
    at = read_stamp(stamp)
    if at is None or at > received_at + AHEAD or at < received_at - BEHIND:
        return received_at, sound(str(stamp)[:_STAMP_CHARACTERS])
    return at, None


def read_stamp(stamp: str | float) -> datetime | None:
    """Return a device's time (RFC 3339 with zone, Unix seconds or milliseconds), None if unreadable."""
    try:
        if isinstance(stamp, str) and not _UNIX.fullmatch(stamp):
            at = datetime.fromisoformat(stamp.upper())  # RFC 3339 allows a small t and z
            return None if at.tzinfo is None else at.astimezone(UTC)
        seconds = float(stamp)
        if abs(seconds) >= _MILLISECONDS_FROM:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
