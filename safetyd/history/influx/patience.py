"""What an answer of InfluxDB means for what was sent, and how long to wait before it is sent again.

Rule: whatever it answers, nothing is lost. What it cannot read is looked for line by line; what it will not
have from us at all waits, slowly, for a person; everything else is sent again after growing pauses.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum, auto
from typing import NamedTuple

from safetyd.times import seconds_wished

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SLOW_PAUSE_S = 300.0
LONGEST_RETRY_AFTER_S = 900.0
_TOO_OLD = "beyond retention policy"  # 1.x and 2.x say so; the other lines of the same request are stored
_PASSING = {408, 425, 429}


class Meaning(StrEnum):
    """What is to be done now with what was sent."""

    STORED = auto()
    TOO_OLD = auto()  # what was not stored would be forgotten there at once
    UNREADABLE = auto()
    TOO_LARGE = auto()
    BUSY = auto()
    MISCONFIGURED = auto()


class Answer(NamedTuple):
    """What came back: the status, None if nobody answered; in words; `retry_after` as the server gave it."""

    status: int | None
    words: str = ""
    retry_after: str | None = None
    is_distrusted: bool = False  # its certificate is not accepted


def meaning(answer: Answer) -> Meaning:
    """Return what an answer means."""
    status = answer.status
    if status is None:
        return Meaning.MISCONFIGURED if answer.is_distrusted else Meaning.BUSY
    if 200 <= status < 300:
        return Meaning.STORED
    if status in (400, 422):
        return Meaning.TOO_OLD if _TOO_OLD in answer.words else Meaning.UNREADABLE
    if status == 413:
        return Meaning.TOO_LARGE
    if 300 <= status < 500 and status not in _PASSING:
        return Meaning.MISCONFIGURED
    return Meaning.BUSY


_MENDS: Mapping[int, str] = {
    401: "look at token_file, or username and password_file",
    403: "let its token or user write to that bucket",
    404: "make that bucket (on 1.8 the database), or look at bucket, org and url",
}


def mend(answer: Answer) -> str:
    """Return what a person is to do about an answer of a server that will not have it."""
    if answer.is_distrusted:
        return "look at url and ca_file"
    return _MENDS.get(answer.status or 0, "look at url")


def pause_s(failures: int, chance: float, now: datetime, retry_after: str | None, *, is_slow: bool) -> float:
    """Return how many seconds to wait after an answer that was no success.

    Args:
        failures: How many there were in a row before this one.
        chance: 0 to 1: spreads over half the pause what would else come all at once.
        now: By which a Retry-After that is a date is read.
        retry_after: The server's wish to be left alone: heard, up to a quarter of an hour.
        is_slow: Whether a person must mend something first.
    """
    longest = SLOW_PAUSE_S if is_slow else min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0 ** min(failures, 20))
    wished = min(LONGEST_RETRY_AFTER_S, seconds_wished(retry_after, now))
    return max(longest * (0.5 + chance / 2), wished)
