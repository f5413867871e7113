"""When a reading was true, by three clocks: the device's, its gateway's, and ours when it reached us.

Rule: a stamp may make a reading older, and only while the clock behind it is sane; else the reading is judged
by its arrival. What a clock said is kept, believed or not.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.clocks import AHEAD, fault, fault_of_local
from safetyd.core.health import Health
from safetyd.ingest.message import Decoded
from safetyd.wording import sound

_MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138
_UNIX = re.compile(r"\d+(\.\d*)?", re.ASCII)
_OLD_TASMOTA = re.compile(r"(\d{4})\.(\d\d)\.(\d\d) ", re.ASCII)
_STAMP_CHARACTERS = 64
_LATE = timedelta(minutes=30)  # no wrong zone is nearer


class Timing(NamedTuple):
    """When a reading was true, what the clocks said, and which stamp is not believed and `why`."""

    observed_at: datetime
    device_at: datetime | None = None
    gateway_at: datetime | None = None
    unbelieved: str | None = None
    why: str = ""

    @property
    def is_dated(self) -> bool:
        """Whether a clock said anything that could be read."""
        return self.device_at is not None or self.gateway_at is not None


def timing(said: Decoded, received_at: datetime, health: Health | None, zone: ZoneInfo | None) -> Timing:
    """Return when what was said was true.

    Args:
        health: knows how far the sensor's clock has been off.
        zone: the building's, for a format whose stamps carry none; such a stamp measures the clock, and the
            reading is judged by its arrival.
    """
    if said.stamp is None and said.gateway_stamp is None:
        return Timing(received_at)
    if zone is None and said.gateway_stamp is None and said.stamp is not None:
        at, _ = read_stamp(said.stamp)
        if at is not None and -AHEAD <= received_at - at <= _LATE:  # as nearly every reading there is
            return Timing(at, at)
    observed_at: datetime | None = None
    unbelieved, why = None, ""
    read: list[datetime | None] = []
    for stamp in (said.stamp, said.gateway_stamp):
        if stamp is None:
            read.append(None)
            continue
        at, is_naive = read_stamp(stamp, zone, received_at)
        if at is None:
            wrong: str | None = "carries no zone" if is_naive else "cannot be read"
        elif is_naive:
            wrong = fault_of_local(at, received_at)
        else:
            is_late = received_at - at > _LATE
            wrong = fault(at, received_at, health.skew if is_late and health is not None else None)
            observed_at = observed_at or (at if wrong is None else None)
        if wrong is not None:
            unbelieved, why = sound(str(stamp)[:_STAMP_CHARACTERS]), wrong
        read.append(at)
    return Timing(observed_at or received_at, read[0], read[1], unbelieved, why)


def read_stamp(
    stamp: str | float, zone: ZoneInfo | None = None, near: datetime | None = None
) -> tuple[datetime | None, bool]:
    """Return a clock's time, None if it cannot be read, and whether it came without a zone.

    RFC 3339, Unix seconds or milliseconds; without a zone only where `zone` says what is meant. Of an hour
    that the clocks go through twice the one nearer to `near` is meant.
    """
    try:
        if not isinstance(stamp, str) or _UNIX.fullmatch(stamp):
            seconds = float(stamp)
            if abs(seconds) >= _MILLISECONDS_FROM:
                seconds /= 1000
            return datetime.fromtimestamp(seconds, UTC), False
        text = stamp.upper()  # RFC 3339 allows a small t and z
        if text[4:5] == ".":
            text = _OLD_TASMOTA.sub(r"\1-\2-\3 ", text)
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC), False
        if zone is None or len(text) < 16:  # a date alone is no moment
            return None, True
        both = [at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        return min(both, key=lambda each: abs(each - near) if near else timedelta(0)), True
    except (ValueError, OverflowError, OSError):
        return None, False
