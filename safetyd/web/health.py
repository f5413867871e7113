"""How the watch is, as it notes itself and as anybody may ask.

Rule: only the watch's own thread notes; others read. What is mended within a minute is nobody's business.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

AWAY_S = 60.0


class _Noted(NamedTuple):
    """What the last turn of the watch has found, and when by both clocks."""

    at: datetime
    turned_s: float
    broker_gone_s: float | None = None
    store_gone_s: float | None = None
    store_words: str = ""


class Pulse:
    """The newest note; `seconds` counts what passes, whatever clocks are set to, and `besides` says what else
    is not well."""

    def __init__(
        self, seconds: Callable[[], float] = time.monotonic, besides: Callable[[], list[str]] = list
    ) -> None:
        self._seconds, self._besides = seconds, besides
        self._noted = _Noted(datetime.now(UTC), seconds())

    def note(self, at: datetime, store_trouble: str, *, has_broker: bool) -> None:
        """Note a turn of the watch."""
        before, now_s = self._noted, self._seconds()
        broker_gone_s = (
            None if has_broker else now_s if before.broker_gone_s is None else before.broker_gone_s
        )
        store_gone_s = None
        if store_trouble:
            store_gone_s = now_s if before.store_gone_s is None else before.store_gone_s
        self._noted = _Noted(at, now_s, broker_gone_s, store_gone_s, store_trouble)

    def now(self) -> datetime:
        """Return the watch's time."""
        noted = self._noted
        return noted.at + timedelta(seconds=self._seconds() - noted.turned_s)

    @property
    def has_broker(self) -> bool:
        """Whether the broker is there."""
        return self._noted.broker_gone_s is None

    @property
    def has_store(self) -> bool:
        """Whether the store can be written."""
        return self._noted.store_gone_s is None

    def age_s(self) -> float:
        """Return how many seconds ago the watch has last turned."""
        return self._seconds() - self._noted.turned_s

    def reasons(self) -> list[str]:
        """Return why not all is well; nothing if it is."""
        noted, now_s = self._noted, self._seconds()
        found = []
        if noted.broker_gone_s is not None and now_s - noted.broker_gone_s >= AWAY_S:
            found.append(f"the broker has been away for {now_s - noted.broker_gone_s:.0f} s")
        if noted.store_gone_s is not None and now_s - noted.store_gone_s >= AWAY_S:
            found.append(f"for {now_s - noted.store_gone_s:.0f} s: {noted.store_words}")
        if now_s - noted.turned_s >= AWAY_S:
            found.append(f"the watch has stood still for {now_s - noted.turned_s:.0f} s")
        return [*found, *self._besides()]
