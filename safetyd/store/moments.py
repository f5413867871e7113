"""Times as the store keeps them: whole microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Return a moment as the store keeps it."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(kept: int) -> datetime:
    """Return a kept moment as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=kept)


def span_micros(span: timedelta) -> int:
    """Return a span in whole microseconds."""
    return span // _MICROSECOND
