"""Brings what is owed to the people's addresses: what is due to the sender, what came of it on record.

Rule: an attempt is on record before it is made, and its outcome after; a crash in between tells somebody
twice and leaves nobody out. What fails is tried again, after growing pauses, for ever. An address that
refuses for good is given up and others are told instead; the last one of a notice is never given up.
"""

import logging
import queue
import random
from collections.abc import Callable
from datetime import datetime

from safetyd.core.model import Place, Role, TroubleKind
from safetyd.core.succession import Holder, Next, instead
from safetyd.distress import Distress
from safetyd.notify.forms import Words, links
from safetyd.notify.letters import fingerprint
from safetyd.notify.patience import LONGEST_PAUSE, is_lasting, is_resting, pause
from safetyd.notify.sender import Job, Outcome, Sender, warm_up
from safetyd.service import Service
from safetyd.setting_outside import LastResort
from safetyd.site import Site
from safetyd.store import attempts, outbox
from safetyd.store.attempts import Result
from safetyd.store.database import Connection, StoreError
from safetyd.store.outbox import Delivery, DeliveryState

_TROUBLE_AFTER = 3  # attempts
_HOPEFUL = (DeliveryState.WAITING, DeliveryState.ACCEPTED)
_FORGOTTEN = "it may have arrived: safetyd ended before an answer came"
_UNWRITTEN = "its outcome could not be written"
_GONE = "the person or address is no longer in the site file"

log = logging.getLogger("safetyd.notify")


class Dispatch:
    """The deliveries that are in hand; `wake` is called from other threads when an outcome has come."""

    def __init__(
        self,
        service: Service,
        wake: Callable[[], None],
        public_url: str | None = None,
        last_resort: LastResort | None = None,
    ) -> None:
        self.next_at: datetime | None = None
        self._service = service
        self._wake = wake
        self._public_url = public_url
        self._distress = Distress(last_resort, wake) if last_resort else None
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._in_hand: set[int] = set()
        self._sender = Sender(self._report)
        self._addresses: dict[tuple[str, str], str] = {}
        self._has_looked = self._has_new_site = False
        self.take_site(service.site)
        if self._addresses:
            warm_up()

    @property
    def in_hand(self) -> int:
        """How many attempts are under way."""
        return len(self._in_hand)

    def take_site(self, site: Site) -> None:
        """Go by another site file's addresses from now on."""
        self._addresses = {
            (person.name, fingerprint(url)): url for person in site.people for url in person.notify
        }
        self._languages = {person.name: person.language for person in site.people}
        self._has_new_site = True

    def look(self, now: datetime) -> None:
        """Look at once for what is due: something was owed, or we have just begun."""
        self._look_by(now)

    def _look_by(self, at: datetime | None) -> None:
        if at is not None:
            self.next_at = min(at, self.next_at or at)

    def send_due(self, now: datetime) -> None:
        """Hand what is due to the sender.

        Raises:
            StoreError: the record cannot be written now.
        """
        if not self._has_new_site and (self.next_at is None or self.next_at > now):
            return
        self.next_at = None
        begun: list[tuple[Job, str]] = []
        with self._service.writing() as connection:
            if not self._has_looked:
                attempts.end_forgotten(connection, _FORGOTTEN)
            if self._has_new_site:
                self._forget_addresses(connection, now)
            for delivery in outbox.due(connection, now):
                if delivery.id in self._in_hand:
                    continue
                address = self._addresses.get((delivery.person, delivery.address))
                rejection = attempts.rejection(connection, delivery.person, delivery.address)
                if address is None:
                    self._let_go(delivery, DeliveryState.WITHDRAWN, now, _GONE)
                elif rejection is not None and not delivery.attempts and is_resting(rejection, now):
                    self._let_go(delivery, DeliveryState.GIVEN_UP, now, rejection.answer)
                else:
                    attempts.end_forgotten(connection, _UNWRITTEN, delivery.id)
                    number = attempts.begin(connection, delivery.id, now)
                    begun.append((Job(delivery, number, now, self._words(delivery)), address))
            if self._distress is not None:
                self._look_by(self._distress.tend(connection, self._service.site, now))
            connection.commit()
            self._has_looked, self._has_new_site = True, False
            self._look_by(outbox.next_due(connection, now))
            connection.rollback()
        for job, address in begun:
            self._in_hand.add(job.delivery.id)
            self._sender.send(job, address)

    def _words(self, delivery: Delivery) -> Words:
        about = delivery.tickets
        pages = links(self._public_url, about)
        return Words(delivery.title, delivery.text, about, pages, delivery.language)

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
                with self._service.writing() as connection:
                    self._note(connection, outcome, now)
            except StoreError:
                self._outcomes.put(outcome)
                raise
            self._in_hand.discard(outcome.job.delivery.id)
            found = True
        if self._distress is not None and self._distress.has_word:
            self.look(now)
        return found

    def _note(self, connection: Connection, outcome: Outcome, now: datetime) -> None:
        delivery, answer = outcome.job.delivery, outcome.answer
        who = delivery.person, delivery.address
        attempts.end(connection, outcome.job.attempt, answer.result, now, answer.words)
        if answer.result is Result.ACCEPTED:
            outbox.mark_done(connection, delivery.id, DeliveryState.ACCEPTED, now, answer.words)
            attempts.accept(connection, *who)
            outbox.hasten(connection, *who, now)
            self.look(now)
            self._complain(*who, delivery.building, answer.partly, now)
        elif is_lasting(answer, delivery.attempts):
            attempts.reject(connection, *who, now, answer.words)
            log.warning("notice to %s is refused for good (%s)", delivery.person, answer.words)
            self._complain(*who, delivery.building, answer.words, now)
            self._let_go(delivery, DeliveryState.GIVEN_UP, now, answer.words)
        else:
            due_at = now + pause(delivery.attempts, random.random())
            outbox.mark_failed(connection, delivery.id, due_at, answer.words, answer.settled)
            log.warning("notice to %s was not accepted (%s); trying again", delivery.person, answer.words)
            self._look_by(due_at)
            if answer.partly or delivery.attempts + 1 >= _TROUBLE_AFTER:
                self._complain(*who, delivery.building, answer.partly or answer.words, now)

    def _let_go(self, delivery: Delivery, state: DeliveryState, now: datetime, answer: str) -> None:
        """Give an address up and tell others instead; if that would leave nobody, go on with it after all."""
        connection, site = self._service.connection, self._service.site
        own = [
            (name, address)
            for name, address in self._addresses
            if name == delivery.person and not is_resting(attempts.rejection(connection, name, address), now)
        ]
        if any(person.name == delivery.person for person in site.people_for(delivery.building, list(Role))):
            # what the site file has by now
            outbox.add_deliveries(connection, delivery.notice, own, now, languages=self._languages)
        following, has_hope = self._instead(connection, delivery, now)
        if state is DeliveryState.GIVEN_UP and not has_hope and not following.asked:
            due_at = now + LONGEST_PAUSE
            outbox.mark_failed(connection, delivery.id, due_at, answer, delivery.settled)
            self._look_by(due_at)
            return
        for name in following.asked:
            theirs = [known for known in self._addresses if known[0] == name]
            outbox.add_deliveries(connection, delivery.notice, theirs, now, delivery.person, self._languages)
        outbox.mark_done(connection, delivery.id, state, now, answer, following.instead)
        if state is DeliveryState.WITHDRAWN:
            self._complain(delivery.person, delivery.address, delivery.building, "", now)
        self.look(now)

    def _instead(self, connection: Connection, delivery: Delivery, now: datetime) -> tuple[Next, bool]:
        """Return who is told instead, and whether anybody else has the notice or may still get it."""
        site = self._service.site
        has_hope: dict[str, bool] = {}
        for owed in outbox.owed(connection, delivery.notice):
            is_it = (owed.person, owed.address) == (delivery.person, delivery.address)
            has_hope[owed.person] = has_hope.get(owed.person, False) or (not is_it and owed.state in _HOPEFUL)
        holders = []
        for person in site.people_for(delivery.building, list(Role)):
            theirs = [known for known in self._addresses if known[0] == person.name]
            if not all(is_resting(attempts.rejection(connection, *known), now) for known in theirs):
                holders.append(Holder(person.name, person.roles))
        held = next((each.roles for each in site.people if each.name == delivery.person), ())
        roles = [role for role in held if role in delivery.roles] or held or delivery.roles
        return instead(delivery.person, roles, holders, has_hope), any(has_hope.values())

    def _forget_addresses(self, connection: Connection, now: datetime) -> None:
        """Take back what was said of addresses that are no longer in the site file."""
        for person, address in attempts.rejected(connection):
            if (person, address) not in self._addresses:
                attempts.accept(connection, person, address)
                building = next((each.id for each in self._service.site.buildings), "")
                self._complain(person, address, building, "", now)

    def _complain(self, person: str, address: str, building: str, why: str, now: datetime) -> None:
        subject = f"notice to {person} at {address[:6]}"
        self._service.complain(subject, Place(building, None), TroubleKind.UNDELIVERABLE, why, now)

    def _report(self, outcome: Outcome) -> None:
        self._outcomes.put(outcome)
        self._wake()
