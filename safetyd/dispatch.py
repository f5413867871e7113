"""Brings what is owed to the people's addresses: what is due goes to the sender, what became of it on record.

Rule: an attempt is made after its notice is committed, and noted after it was made; a crash in between tells
somebody twice and leaves nobody out. A failed one is tried again, after growing, jittered pauses, for ever.
"""

import logging
import queue
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from safetyd.core.model import Place, TroubleKind
from safetyd.notify.letters import fingerprint
from safetyd.notify.sender import Outcome, Sender, warm_up
from safetyd.service import Service
from safetyd.site import Site
from safetyd.store import outbox
from safetyd.store.database import StoreError
from safetyd.store.outbox import DeliveryState

_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=6)
_TROUBLE_AFTER = 3  # attempts

log = logging.getLogger("safetyd.notify")


class Dispatch:
    """The deliveries that are in hand; `wake` is called from other threads when an outcome has come."""

    def __init__(self, service: Service, wake: Callable[[], None]) -> None:
        self.next_at: datetime | None = None
        self._service = service
        self._wake = wake
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._in_hand: set[int] = set()
        self._sender = Sender(self._report)
        self._addresses: dict[tuple[str, str], str] = {}
        self.take_site(service.site)
        if self._addresses:
            warm_up()

    def take_site(self, site: Site) -> None:
        """Go by another site file's addresses from now on."""
        self._addresses = {
            (person.name, fingerprint(url)): url for person in site.people for url in person.notify
        }

    def look(self, now: datetime) -> None:
        """Look at once for what is due: something was owed, or we have just begun."""
        self.next_at = now

    def send_due(self, now: datetime) -> None:
        """Hand what is due to the sender.

        Raises:
            StoreError: the record cannot be written now.
        """
        if self.next_at is None or self.next_at > now:
            return
        with self._service.writing() as connection:
            for delivery in outbox.due(connection, now):
                if delivery.id in self._in_hand:
                    continue
                address = self._addresses.get((delivery.person, delivery.address))
                if address is None:
                    reason = "the person or address is no longer in the site file"
                    outbox.mark_done(connection, delivery.id, DeliveryState.WITHDRAWN, now, reason)
                else:
                    self._in_hand.add(delivery.id)
                    self._sender.send(delivery, address)
            connection.commit()
            self.next_at = outbox.next_due(connection, now)
            connection.rollback()

    @property
    def is_busy(self) -> bool:
        """Whether attempts are under way."""
        return bool(self._in_hand)

    def take_outcomes(self, now: datetime) -> bool:
        """Put on record what became of attempts; return whether there was any.

        Raises:
            StoreError: the record cannot be written now; the attempts will be made again.
        """
        found = False
        while not self._outcomes.empty():
            outcome = self._outcomes.get()
            try:
                with self._service.writing():
                    self._note(outcome, now)
            except StoreError:
                self._outcomes.put(outcome)
                raise
            self._in_hand.discard(outcome.delivery.id)
            found = True
        return found

    def _note(self, outcome: Outcome, now: datetime) -> None:
        delivery, connection = outcome.delivery, self._service.connection
        subject, place = (
            f"notice to {delivery.person} at {delivery.address[:6]}",
            Place(delivery.building, None),
        )
        if outcome.accepted:
            outbox.mark_done(connection, delivery.id, DeliveryState.ACCEPTED, now, outcome.answer)
            self._service.complain(subject, place, TroubleKind.UNDELIVERABLE, "", now)
            return
        pause = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(delivery.attempts, 20))
        due_at = now + pause * random.uniform(0.5, 1.0)
        outbox.mark_failed(connection, delivery.id, due_at, outcome.answer)
        log.warning("notice to %s was not accepted (%s); trying again", delivery.person, outcome.answer)
        self.next_at = min(due_at, self.next_at or due_at)
        if delivery.attempts + 1 >= _TROUBLE_AFTER:
            self._service.complain(subject, place, TroubleKind.UNDELIVERABLE, outcome.answer, now)

    def _report(self, outcome: Outcome) -> None:
        self._outcomes.put(outcome)
        self._wake()
