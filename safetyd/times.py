"""Times as people and recordings write them, and as we write them.

Rule: what is read has a zone and lies in the years a school may speak of; what is written is RFC 3339 in UTC
with Z.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from email.utils import parsedate_to_datetime

FIRST_YEAR, LAST_YEAR = 1900, 2199
EXPECTED = f"a time with its zone, such as 2026-12-01T16:05:00Z, from {FIRST_YEAR} to {LAST_YEAR}"


def read_time(text: object, zone: tzinfo | None = None) -> datetime:
    """Return a moment in UTC; a text without a zone is of `zone`, if one is given.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=zone) if zone is not None else None
    if at is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
        expected = EXPECTED if zone is None else f"{EXPECTED}; without a zone it is of {zone}"
        raise ValueError(f"{text!r} is no time; expected {expected}")
    return at.astimezone(UTC)


def months(begin: datetime, end: datetime, zone: tzinfo) -> Iterator[tuple[date, datetime, datetime]]:
    """Yield each month of a range: its first day, and from when to when it lies in the range."""
    day = begin.astimezone(zone).date().replace(day=1)
    while begin < end:
        following = (day + timedelta(days=32)).replace(day=1)
        until = min(end, datetime.combine(following, time(), zone).astimezone(UTC))
        yield day, begin, until
        day, begin = following, until


def short(at: datetime, zone: tzinfo) -> str:
    """Return a moment as a reader on a phone wants it, without the year: Tue 1 Dec 16:05."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def rfc3339_or_none(at: datetime | None) -> str | None:
    """Return a moment as text, None for none."""
    return None if at is None else rfc3339(at)


def rfc3339(at: datetime) -> str:
    """Return a moment as text: UTC with Z, with as many decimals as it needs."""
    at = at.astimezone(UTC)
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{at.microsecond:06d}".rstrip("0") + "Z" if at.microsecond else text + "Z"


def seconds_wished(retry_after: str | None, now: datetime) -> float:
    """Return how long a server wishes to be left alone: seconds or a date; 0 for what is neither."""
    if retry_after is None:
        return 0.0
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return 0.0 if at.tzinfo is None else max(0.0, (at - now).total_seconds())
