"""Brings what is owed to the people's addresses: what is due to the sender, what came of it on record.

Rule: an attempt is on record before it is made, and its outcome after; a crash in between tells somebody
twice and leaves nobody out. What is due to one address at one moment is one message. What fails is tried
again, after growing pauses, for ever. An address that refuses for good is given up and others are told
instead; the last one of a notice is never given up.
"""

import logging
import queue
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from safetyd.allowance import AN_HOUR, Allowance, Who
from safetyd.core.book import short_name
from safetyd.core.model import Place, Role, TroubleKind
from safetyd.core.overtaken import is_overtaken
from safetyd.core.plan import Reason
from safetyd.core.sparing import LATE, is_urgent
from safetyd.distress import Distress
from safetyd.notify.company import News, together
from safetyd.notify.forms import Words, links
from safetyd.notify.patience import LONGEST_PAUSE, is_lasting, is_resting, pause
from safetyd.notify.sender import Job, Outcome, Sender, warm_up
from safetyd.notify.tongue import Tongue
from safetyd.service import Service
from safetyd.setting_outside import LastResort
from safetyd.site import Site
from safetyd.site_people import fingerprint
from safetyd.stand_ins import StandIns, stand_ins
from safetyd.store import attempts, chain, outbox
from safetyd.store.attempts import Result
from safetyd.store.database import Connection, StoreError
from safetyd.store.outbox import Delivery, DeliveryState
from safetyd.way import Way

_TROUBLE_AFTER = 3  # attempts
_FORGOTTEN = "it may have arrived: safetyd ended before an answer came"
_UNWRITTEN = "its outcome could not be written"
_OVERTAKEN = "it was no longer so when it would have been sent"
_GONE = "the person or address is no longer in the site file"
_MOST_JOINED = 1000  # notices in one message

log = logging.getLogger("safetyd.notify")


class Dispatch:
    """The deliveries in hand, which have the right of `way`; others `wake` when an outcome has come."""

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
        self._noted: list[Outcome] = []  # since the last commit
        self._in_hand: set[Who] = set()
        self._sender = Sender(self._report)
        self.way = Way()
        self._addresses: dict[Who, str] = {}
        self._allowance = Allowance()
        self._begun: list[tuple[Job, str]] = []  # attempts that the open transaction puts on record
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
        self._allowance.take_site(site)
        self._languages = {person.name: person.language for person in site.people}
        self._has_new_site = True

    def look(self, now: datetime) -> None:
        """Look at once for what is due: something was owed, or we have just begun."""
        self._look_by(now)

    def _look_by(self, at: datetime | None) -> None:
        if at is not None:
            self.next_at = min(at, self.next_at or at)

    def begin(self, connection: Connection, now: datetime) -> None:
        """Put attempts on record by the very transaction that owes them; `hand_over` once it is durable.

        What may have to be let go, or told to somebody else, is left to `send_due`.
        """
        self._begun = []
        if not self._has_looked or self._has_new_site:
            self.look(now)
            return
        for who, due in self._found(connection, now).items():
            if self._is_plain(connection, who, due, now):
                self._begin(connection, who, due, now)
            else:
                self.look(now)
        self._look_by(outbox.next_due(connection, now))
        if self._distress is not None:
            self.look(now)

    def hand_over(self) -> None:
        """Hand to the sender what is on record as begun."""
        begun, self._begun = self._begun, []
        for job, address in begun:
            self._in_hand.add(job.who)
            self._sender.send(job, address)

    def send_due(self, now: datetime) -> None:
        """Hand what is due to the sender: to each address one message at a time, with all that is due there.

        Raises:
            StoreError: the record cannot be written now.
        """
        if not self._has_new_site and (self.next_at is None or self.next_at > now):
            return
        self.next_at = None
        self._begun = []
        with self._service.writing() as connection:
            chain.tell_time(connection, now)
            if not self._has_looked:
                attempts.end_forgotten(connection, _FORGOTTEN)
                self._allowance.remember(attempts.messages_since(connection, now - AN_HOUR))
            if self._has_new_site:
                self._forget_addresses(connection, now)
            for who, due in self._due(connection, now).items():
                self._begin(connection, who, due, now)
            if self._distress is not None:
                self._look_by(self._distress.tend(connection, self._service.site, now))
            connection.commit()
            self._has_looked, self._has_new_site = True, False
            self._look_by(outbox.next_due(connection, now))
            connection.rollback()
        self.hand_over()

    def _found(self, connection: Connection, now: datetime) -> dict[Who, list[Delivery]]:
        """Return what is due to each address that nothing is on its way to."""
        found: dict[Who, list[Delivery]] = {}
        for delivery in outbox.due(connection, now):
            who = delivery.person, delivery.address
            if who not in self._in_hand:
                found.setdefault(who, []).append(delivery)
        return found

    def _due(self, connection: Connection, now: datetime) -> dict[Who, list[Delivery]]:
        """Return what of that is to go; what cannot is let go."""
        found = self._found(connection, now).items()
        left = {who: list(self._sorted_out(connection, who, due, now)) for who, due in found}
        return {who: due for who, due in left.items() if due}

    def _is_plain(self, connection: Connection, who: Who, due: Sequence[Delivery], now: datetime) -> bool:
        """Whether nothing speaks against sending all of that there."""
        return (
            who in self._addresses
            and attempts.rejection(connection, *who) is None
            and not any(self._is_overtaken(each, due[at + 1 :], now) for at, each in enumerate(due))
        )

    def _sorted_out(
        self, connection: Connection, who: Who, due: Sequence[Delivery], now: datetime
    ) -> Iterator[Delivery]:
        """Yield what is to be sent to an address, and put on record why the rest is not."""
        rejection = attempts.rejection(connection, *who)
        for number, delivery in enumerate(due):
            if who not in self._addresses:
                self._let_go(delivery, DeliveryState.WITHDRAWN, now, _GONE)
            elif self._is_overtaken(delivery, due[number + 1 :], now):
                outbox.mark_done(connection, delivery.id, DeliveryState.OVERTAKEN, now, _OVERTAKEN)
            elif (
                rejection is None
                or delivery.attempts
                or not is_resting(rejection, now)
                or delivery.reason is Reason.TEST
            ):
                yield delivery
            elif self._instead(connection, delivery, now).is_anybody:
                self._let_go(delivery, DeliveryState.GIVEN_UP, now, rejection.answer)
            else:
                yield delivery

    def _is_overtaken(self, delivery: Delivery, later: Sequence[Delivery], now: datetime) -> bool:
        about = delivery.tickets[0] if len(delivery.tickets) == 1 else None
        keys = [each.key for each in later]
        what = delivery.reason, delivery.key, delivery.building, about
        return now - delivery.at >= LATE and is_overtaken(self._service.world, *what, keys)

    def _waits_for_nobody(self, delivery: Delivery) -> bool:
        tickets = map(self._service.world.tickets.get, delivery.tickets)
        conditions = [None, *(each.condition for each in tickets if each is not None)]
        return any(is_urgent(delivery.reason, condition) for condition in conditions)

    def _begin(self, connection: Connection, who: Who, due: list[Delivery], now: datetime) -> None:
        """Put an attempt at all that is due to an address on record, unless it is spared for now."""
        waits_not = any(map(self._waits_for_nobody, due))
        if (at := self._allowance.next_at(who, now, is_urgent=waits_not)) > now:
            self._look_by(at)
            return
        settled = due[0].settled  # a few mailboxes of one address may need no more
        joined = [each for each in due if each.settled == settled][:_MOST_JOINED]
        numbers = []
        for delivery in joined:
            if delivery.attempts:
                attempts.end_forgotten(connection, _UNWRITTEN, delivery.id)
            numbers.append(attempts.begin(connection, delivery.id, now))
        words = together([News(each.reason, self._words(each, now)) for each in joined])
        self._begun.append((Job(tuple(joined), tuple(numbers), now, words), self._addresses[who]))

    def _words(self, delivery: Delivery, now: datetime) -> Words:
        """What is said now: of what is late, when it was so."""
        about, title = delivery.tickets, delivery.title
        if now - delivery.at >= LATE:
            tongue = Tongue(delivery.language, self._service.site.timezone)
            title = tongue.say("{title} (as of {time})", title=title, time=tongue.time(delivery.at))
        plan, pages = short_name(delivery.plan), links(self._public_url, about)
        return Words(title, delivery.text, about, pages, delivery.language, plan)

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
            self._in_hand.discard(outcome.job.who)
            self._noted.append(outcome)
            found = True
        if not self._in_hand:
            self.way.leave()
        if self._distress is not None and self._distress.has_word:
            self.look(now)
        return found

    def are_kept(self) -> None:
        """Note that what was put on record of outcomes is committed."""
        self._noted.clear()

    def take_back(self, now: datetime) -> None:
        """Put on record once more, at the next turn, what may have been undone with its transaction."""
        for outcome in self._noted:
            self._outcomes.put(outcome)
            self._in_hand.add(outcome.job.who)
        self._noted, self._begun = [], []  # what was begun is begun anew
        if self._distress is not None:
            self._distress.take_back()
        self.look(now)

    def _note(self, connection: Connection, outcome: Outcome, now: datetime) -> None:
        job, answer = outcome.job, outcome.answer
        who, deliveries = job.who, job.deliveries
        for number in job.attempts:
            attempts.end(connection, number, answer.result, now, answer.words)
        if answer.result in (Result.ACCEPTED, Result.UNKNOWN):
            self._allowance.count(who, job.at, now)
        first, tried = deliveries[0], max(each.attempts for each in deliveries)
        self.look(now)  # more may have come meanwhile, and waited
        if answer.result is Result.ACCEPTED:
            for delivery in deliveries:
                outbox.mark_done(connection, delivery.id, DeliveryState.ACCEPTED, now, answer.words)
            attempts.accept(connection, *who)
            outbox.hasten(connection, *who, now)
            self._complain(*who, first.building, answer.partly, now)
        elif is_lasting(answer, tried):
            attempts.reject(connection, *who, now, answer.words)
            log.warning("a notice is refused for good: %s", answer.words, extra=_named(first))
            self._complain(*who, first.building, answer.words, now)
            for delivery in deliveries:
                self._let_go(delivery, DeliveryState.GIVEN_UP, now, answer.words)
        else:
            due_at = now + pause(min(each.attempts for each in deliveries), random.random())
            for delivery in deliveries:
                outbox.mark_failed(connection, delivery.id, due_at, answer.words, answer.settled)
            log.warning("a notice was not accepted: %s; trying again", answer.words, extra=_named(first))
            if answer.partly or tried + 1 >= _TROUBLE_AFTER:
                self._complain(*who, first.building, answer.partly or answer.words, now)

    def _let_go(self, delivery: Delivery, state: DeliveryState, now: datetime, answer: str) -> None:
        """Give an address up and tell others instead; if that would leave nobody, go on with it after all."""
        connection, site = self._service.connection, self._service.site
        if delivery.reason is Reason.TEST:  # it tries this address, and troubles nobody else
            outbox.mark_done(connection, delivery.id, state, now, answer)
            if state is DeliveryState.WITHDRAWN:
                self._complain(delivery.person, delivery.address, delivery.building, "", now)
            return
        own = [
            (name, address)
            for name, address in self._addresses
            if name == delivery.person and not is_resting(attempts.rejection(connection, name, address), now)
        ]
        if any(person.name == delivery.person for person in site.people_for(delivery.building, list(Role))):
            # what the site file has by now
            outbox.add_deliveries(connection, delivery.notice, own, now, languages=self._languages)
        following = self._instead(connection, delivery, now)
        if state is DeliveryState.GIVEN_UP and not following.is_anybody:
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

    def _instead(self, connection: Connection, delivery: Delivery, now: datetime) -> StandIns:
        return stand_ins(connection, self._service.site, self._addresses, delivery, now)

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


def _named(delivery: Delivery) -> dict[str, object]:
    """What the log says of a delivery; who was to be told is on record, not there."""
    return {"building": delivery.building, "notice": delivery.notice}
