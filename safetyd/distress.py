"""Watches for notices that reach nobody, and has the last resort told of them.

Rule: each such notice is told of once, in the next message there is; when that was is on record, so that a
restart tells nobody again.
"""

import logging
import queue
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from safetyd.notify.last_resort import PATIENCE, Teller, Unreached, due_at, sentence
from safetyd.setting_outside import LastResort
from safetyd.site import Site
from safetyd.store import unreached
from safetyd.store.database import Connection

_STALE = timedelta(days=7)  # what is older is no news: it was so before anybody asked to be told

log = logging.getLogger("safetyd.notify")


class Distress:
    """One message that may be under way; `wake` is called from another thread when its outcome has come."""

    def __init__(self, settings: LastResort, wake: Callable[[], None]) -> None:
        self._after = settings.after
        self._teller = Teller(settings, self._said)
        self._wake = wake
        self._words: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
        self._number = 0
        self._under_way: tuple[int, ...] = ()
        self._began_at: datetime | None = None
        self._failed_at: datetime | None = None
        self._noted: Callable[[], None] = lambda: None  # brings back what was there before the last word

    @property
    def has_word(self) -> bool:
        """Whether an outcome waits to be put on record."""
        return not self._words.empty()

    def tend(self, connection: Connection, site: Site, now: datetime) -> datetime | None:
        """Put on record what became of a message, begin one if it is due; return when to look again."""
        self._take_words(connection, now)
        if self._began_at is not None:
            return self._began_at + PATIENCE
        found = unreached.unreached(connection, now - _STALE)
        oldest = min((each.since for each in found), default=None)
        told_at = unreached.last_resort_at(connection) if found else None
        at = due_at(oldest, told_at, self._failed_at, self._after)
        if at is None or at > now:
            return at
        ripe = [each for each in found if each.since + self._after <= now]
        buildings: dict[str, list[datetime]] = {}
        for each in ripe:
            buildings.setdefault(each.building, []).append(each.since)
        told = []
        for id, since in buildings.items():
            building = site.building(id)
            told.append(Unreached(building.name if building else id, len(since), min(since)))
        self._number += 1
        self._under_way, self._began_at = tuple(each.id for each in ripe), now
        self._teller.say(self._number, sentence(told, site.timezone), now)
        return now + PATIENCE

    def take_back(self) -> None:
        """Put the last word on record once more, as that may have been undone with its transaction."""
        self._noted()

    def _take_words(self, connection: Connection, now: datetime) -> None:
        while not self._words.empty():
            number, why = self._words.get()
            if number == self._number and self._began_at is not None:
                self._note(connection, why, now)
        if self._began_at is not None and now >= self._began_at + PATIENCE:
            self._note(connection, "no answer", now)

    def _note(self, connection: Connection, why: str, now: datetime) -> None:
        self._noted = partial(self._put_back, why, self._under_way, self._began_at, self._failed_at)
        if why:
            log.error("a notice reaches nobody, and the last resort was not told (%s); trying again", why)
            self._failed_at = now
        else:
            log.error("a notice reaches nobody; the last resort was told")
            unreached.mark_last_resort(connection, self._under_way, now)
            self._failed_at = None
        self._under_way, self._began_at = (), None

    def _put_back(
        self, why: str, under_way: tuple[int, ...], began_at: datetime | None, failed_at: datetime | None
    ) -> None:
        if self._began_at is None:  # else there is another by now
            self._under_way, self._began_at, self._failed_at = under_way, began_at, failed_at
            self._words.put((self._number, why))

    def _said(self, number: int, why: str) -> None:
        self._words.put((number, why))
        self._wake()
