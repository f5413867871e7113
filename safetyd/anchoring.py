"""Has each day's head of the chain taken outside, by a URL and by an authority that stamps it.

Rule: what is owed and what came of it is on record, so that nothing is lost by a restart; what fails is tried
again after growing pauses, for ever, and is a trouble while it does. Nothing here waits for anybody.
"""

import queue
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from safetyd.core.model import Place, TroubleKind
from safetyd.notify import anchor as outside
from safetyd.notify.anchor import Outcome
from safetyd.notify.patience import pause
from safetyd.service import Service
from safetyd.setting_audit import Audit
from safetyd.store import anchors, chain
from safetyd.store.anchors import Anchor, Way
from safetyd.store.chain import Head
from safetyd.store.database import Connection, StoreError

SUBJECTS = {Way.URL: "[audit] head_url", Way.STAMP: "[audit] timestamp_url"}
_TROUBLE_AFTER = 3  # attempts

Writing = Callable[[datetime], AbstractContextManager[Connection]]


class Anchoring:
    """What is on its way outside: of each way one at a time.

    `writing` yields the writer's connection for one transaction, `reader` looks at what is committed.
    """

    def __init__(self, service: Service, reader: Connection, settings: Audit, writing: Writing) -> None:
        self._service = service
        self._reader = reader
        self._settings = settings
        self._writing = writing
        asked = {Way.URL: settings.head_url, Way.STAMP: settings.timestamp_url}
        self._ways = [way for way, url in asked.items() if url is not None]
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._in_hand: set[Way] = set()
        self._has_begun = False
        self._next_at: datetime | None = None

    def owe(self, connection: Connection, day: str, head: Head, now: datetime) -> None:
        """Owe a day's head by every way there is, in the open transaction."""
        anchors.owe(connection, self._ways, day, head, now)
        self._next_at = now

    def tend(self, now: datetime) -> bool:
        """Put on record what came of attempts, and begin those that are due; return whether there is news.

        Raises:
            StoreError: it could not be written; it is written by the next call.
        """
        if not self._has_begun:
            self._begin(now)
        has_news = False
        while not self._outcomes.empty():
            self._take(self._outcomes.get(), now)
            has_news = True
        if self._next_at is not None and self._next_at <= now:
            self._send_due(now)
        return has_news

    def _begin(self, now: datetime) -> None:
        with self._writing(now) as connection:
            anchors.withdraw_others(connection, self._ways, now)
        for way, subject in SUBJECTS.items():
            if way not in self._ways:
                self._complain(subject, "", now)
        self._has_begun, self._next_at = True, now

    def _send_due(self, now: datetime) -> None:
        for each in anchors.due(self._reader, now):
            if each.way in self._ways and each.way not in self._in_hand:
                self._in_hand.add(each.way)
                outside.begin(self._settings, each, self._content(each), self._outcomes.put)
        self._next_at = anchors.next_due(self._reader, now)
        self._reader.rollback()

    def _content(self, each: Anchor) -> bytes:
        if each.way is Way.URL:
            return outside.document(each, self._service.site.name).encode()
        return chain.made_of(self._reader, each.head.number)

    def _take(self, outcome: Outcome, now: datetime) -> None:
        each = outcome.anchor
        try:
            with self._writing(now) as connection:
                if outcome.is_done:
                    anchors.finish(connection, each.id, now, outcome.words, outcome.stamp)
                    anchors.hasten(connection, each.way, now)
                else:
                    due_at = now + pause(each.attempts, random.random())
                    anchors.fail(connection, each.id, due_at, outcome.words)
        except StoreError:
            self._outcomes.put(outcome)
            raise
        self._in_hand.discard(each.way)
        self._next_at = now
        if outcome.is_done or each.attempts + 1 >= _TROUBLE_AFTER:
            self._complain(SUBJECTS[each.way], "" if outcome.is_done else outcome.words, now)

    def _complain(self, subject: str, why: str, now: datetime) -> None:
        place = Place(next((each.id for each in self._service.site.buildings), ""), None)
        self._service.complain(subject, place, TroubleKind.UNDELIVERABLE, why, now)
