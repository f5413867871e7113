"""The times that loggers write: ISO, month first or day first, with or without a zone.

Rule: a time that its zone does not have is refused, and of one that it has twice the order of the rows says
which is meant. Which of two numbers is the month is never guessed.
"""

import re
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

_CLOCK = r"(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?\s*"
_ISO = re.compile(
    rf"(\d{{4}})[-/](\d\d?)[-/](\d\d?)(?:[T ]\s*{_CLOCK})(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
_OTHER = re.compile(
    rf"(\d\d?)[-/.](\d\d?)[-/.](\d{{4}}|\d\d),?[T ]\s*{_CLOCK}([ap]\.?m\.?)?", re.ASCII | re.IGNORECASE
)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d\d?):?(\d\d)?", re.ASCII | re.IGNORECASE)
_EXAMPLES = {"iso": "2026-01-31 16:05", "mdy": "1/31/2026 4:05 PM", "dmy": "31.1.2026 16:05"}


class Order(StrEnum):
    """In which order a date's numbers stand."""

    ISO = "iso"
    MDY = "mdy"
    DMY = "dmy"


def order_of(texts: Iterable[str]) -> Order | None:
    """Return the order that some times prove; None where they would fit both, or none."""
    for text in texts:
        if _ISO.fullmatch(text):
            return Order.ISO
        if found := _OTHER.fullmatch(text):
            if int(found[1]) > 12:
                return Order.DMY
            if int(found[2]) > 12:
                return Order.MDY
    return None


def zone_of(text: str) -> tzinfo | None:
    """Return a zone by its name (America/Denver) or its distance from UTC (-07:00); None if it is none."""
    if text.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if found := _OFFSET.fullmatch(text.strip()):
        hours, minutes = int(found[2]), int(found[3] or 0)
        if hours > 23 or minutes > 59:
            return None
        ahead = timedelta(hours=hours, minutes=minutes)
        return timezone(-ahead if found[1] == "-" else ahead)
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        return None


class Moments:
    """Reads the times of a file, row by row; `twice` counts those that their zone has twice."""

    def __init__(self, order: Order, zone: tzinfo) -> None:
        self.twice = 0
        self._order = order
        self._zone = zone
        self._before: dict[Hashable, datetime] = {}
        self._falls: set[Hashable] = set()  # whose rows go back in time

    def read(self, text: str, whose: Hashable) -> datetime:
        """Return a moment in UTC; `whose` rows it stands among.

        Raises:
            ValueError: it is none, in words that go on from the value.
        """
        found = (_ISO if self._order is Order.ISO else _OTHER).fullmatch(text)
        if found is None:
            raise ValueError(f"is no time; expected one such as {_EXAMPLES[self._order]}")
        try:
            at, zone = self._local(found)
        except ValueError as error:
            raise ValueError(f"is no time ({error})") from error
        if zone is not None:
            return at.replace(tzinfo=zone).astimezone(UTC)
        return self._placed(at, whose)

    def _local(self, found: re.Match[str]) -> tuple[datetime, tzinfo | None]:
        first, second, third, hour, minute, second_, fraction, last = found.groups()
        zone: tzinfo | None = None
        clock = int(hour)
        if self._order is Order.ISO:
            year, month, day = int(first), int(second), int(third)
            zone = zone_of(last) if last else None
            if last and zone is None:
                raise ValueError(f"no zone is {last} from UTC")
        else:
            month, day = (int(first), int(second)) if self._order is Order.MDY else (int(second), int(first))
            year = int(third) + (2000 if len(third) == 2 else 0)
            if last:
                if not 1 <= clock <= 12:
                    raise ValueError("hour must be in 1..12")
                clock = clock % 12 + (12 if last[0] in "pP" else 0)
        micros = int((fraction or "").ljust(6, "0"))
        return datetime(year, month, day, clock, int(minute), int(second_ or 0), micros), zone

    def _placed(self, at: datetime, whose: Hashable) -> datetime:
        """Return what a time of the zone is in UTC."""
        first = at.replace(tzinfo=self._zone).astimezone(UTC)
        other = at.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        before = self._before.get(whose)
        if first != other:
            if first.astimezone(self._zone).replace(tzinfo=None) != at:
                raise ValueError(
                    f"is a time that {self._zone} skips; a logger that knows no summer time has a --zone"
                    " such as -07:00"
                )
            self.twice += 1
            if before is not None and whose in self._falls:
                chosen = other if other < before else first
            else:
                chosen = other if before is not None and first <= before else first
        else:
            chosen = first
            if before is not None and chosen != before:
                (self._falls.add if chosen < before else self._falls.discard)(whose)
        self._before[whose] = chosen
        return chosen
