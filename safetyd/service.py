"""Load, decide, commit: the only path by which anything changes.

Rule: whatever arrives is stored, also what cannot be understood, with its reason. Readings wait for company;
what changes a decision does not. Nothing counts as received before `commit` has returned.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from safetyd.assigned import Composed, complaints, compose
from safetyd.commands import one_by_one, read_command
from safetyd.core import amendment, engine, revision, shelving, supervision
from safetyd.core.assignment import Assignment, standing
from safetyd.core.model import Mark, Observation, Place, TroubleKind
from safetyd.core.quality import Flaw
from safetyd.core.report import Report, check, measured, observation, put_on_record, refuse_flawed
from safetyd.core.shelf import ShelfAction
from safetyd.core.ticket import Ticket
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Changes
from safetyd.hearing import Hearing, Word
from safetyd.ingest.binding import native_decoder
from safetyd.ingest.message import Message, PayloadError
from safetyd.ingest.topics import Route
from safetyd.notify.letters import letters
from safetyd.past import Past, Pasts, load_past
from safetyd.recovery import BY_HAND, SILENT, expect, facts_of, recover
from safetyd.saving import SAVE_PLACES_EVERY, Round, keep
from safetyd.site import Site
from safetyd.store import assignments, bridges, chain, ledger, outbox, places, readings
from safetyd.store.database import Attempt, Connection, StoreError, undone_on_failure, when_undone
from safetyd.store.heard import beyond, unheard
from safetyd.store.leftovers import RefusedKind
from safetyd.waiting import Waiting

_LONG_AGO = timedelta(minutes=5)  # a redelivery is of the last moments; what is older is of a backlog


class Service:
    """Holds the World and the writer's connection."""

    def __init__(self, connection: Connection, site: Site, root: str, now: datetime) -> None:
        self.connection, self.is_replay = connection, False
        self._attempt, self._pasts, self._round = Attempt(), Pasts(), Round(now)
        self.root, self.last_at = root, now
        self.assignments = assignments.record(connection)
        found = compose(site, standing(self.assignments), root)
        self.hearing = Hearing(found.site, root, readings.sensors(connection))
        self.hearing.remember(connection, now)
        self.facts = facts_of(found.site, self.hearing.routes, self.hearing.known)
        recovered = recover(connection, self.facts, self.hearing.sensors)
        self.world, self._newest, self.loaded = recovered.world, recovered.newest, recovered.loaded.kept()
        self.waiting = Waiting(touched=recovered.touched)
        when_undone(connection, lambda _: self.waiting.take_back())
        engine.schedule_all(self.world, self.facts, now)
        amendment.take_facts(self.world, self.facts, now)
        if self.world.tickets or self.world.rooms or self.world.powers:
            self.world.now = now  # what fell due while we were away is carried out now
            engine.catch_up(self.world, self.facts, now)
        self._begin_with(found, now)

    @property
    def site(self) -> Site:
        """What the site file says, and what people assigned beside it."""
        return self.hearing.site

    def take_site(self, site: Site, now: datetime) -> None:
        """Go by another site file from now on; nothing that was decided changes."""
        found = compose(site, standing(self.assignments), self.root)
        self.hearing.take_site(found.site)
        self._pasts.clear()
        self.facts = facts_of(found.site, self.hearing.routes, self.hearing.known)
        amendment.take_facts(self.world, self.facts, now)
        self._begin_with(found, now)

    def _begin_with(self, found: Composed, now: datetime) -> None:
        expect(self.world, self.facts, self.hearing.routes, now)
        for subject, place, note in complaints(found, self.world.troubles):
            self.complain(subject, place, TroubleKind.CONFIGURATION, note, now)

    def assign(self, line: Assignment, before: Iterable[Message], now: datetime) -> int:
        """Go by an assignment, judge what its topic said before as learned now, and say how much it was."""
        self.waiting.assignments.append(line)
        self.assignments.append(line)
        self.take_site(self.site, now)
        self.waiting.unjudged.extend((each, now) for each in before)
        judged = len(self.waiting.unjudged)
        with suppress(StoreError):  # else the commit does
            judged = self._learn()
            self._read_again()
        return judged

    def _learn(self) -> int:
        """Judge what was said before its topic was assigned, and return how many values it was."""
        judged, unjudged = 0, self.waiting.unjudged
        while unjudged:
            message, now = unjudged[0]
            for word in self.hearing.hear(message, self.world.health):
                self._fold(word.learned_at(now), message)
                judged += word.observation is not None
            unjudged.popleft()
        self._pasts.clear()  # what is read from the store holds them all: once for each place is enough
        self.waiting.keep_earliest()
        return judged

    @property
    def has_decision(self) -> bool:
        """Whether something was decided that must not wait."""
        return bool(self.world.changes or self.waiting.assignments)

    @property
    def is_waiting(self) -> bool:
        """Whether anything is not yet committed."""
        return self.has_decision or self.waiting.is_anything or bool(self.world.changes.afar)

    def elapse(self, now: datetime) -> None:
        """Let time pass up to and including `now`."""
        engine.elapse(self.world, self.facts, now)
        self._keep_conclusions()

    def elapse_before(self, at: datetime) -> None:
        """Let what is due before a moment come to pass before anything happens at it."""
        if (due := self.world.next_due()) is not None and due < at:
            self.elapse(at - JUST_AFTER)

    def _keep_conclusions(self) -> None:
        """Store what was concluded from the silence of devices, like any other observation."""
        for spoke in self.world.conclusions:
            speaker = self.hearing.speaker(Route(spoke.sensor, SILENT, native_decoder), str(spoke.sensor))
            self.waiting.rows.extend(readings.rows(speaker.number, spoke, ()))
            self._newest[speaker.number] = spoke.observed_at
            self.waiting.touch(spoke.sensor.place)
            self._pasts.note(spoke)
        self.world.conclusions.clear()

    def take(self, message: Message) -> None:
        """Take in one message; time passes up to its arrival first."""
        self.elapse_before(message.received_at)
        words = self.hearing.hear(message, self.world.health)
        for word in words:
            self._fold(word, message)
            self._read_again_if_it_can()
        if not words and not self._take_from_bridge(message) and not self._take_from_afar(message):
            self.waiting.stray(message)

    def _fold(self, word: Word, message: Message) -> None:
        sensor = word.speaker.route.sensor
        if not message.retain and (word.complaints or sensor.key in self.world.troubles):
            for trouble, note in (*word.complaints, *((over, "") for over in word.clears)):
                self.complain(sensor.key, sensor.place, trouble, note, message.received_at)
        spoke = word.observation
        if spoke is not None:
            doubt = supervision.doubt(self.world, spoke)
            spoke = spoke if doubt is None else spoke._replace(doubt=doubt)
            self.observe(word.speaker.number, spoke, message, word.frame)
            self.hearing.keep(word, message.received_at)
        for kind, reason in word.refused:  # now that it is not taken again
            self.waiting.refuse(message, kind, reason)

    def _take_from_bridge(self, message: Message) -> bool:
        """Take a bridge's word on itself; return whether the message is one's."""
        if (word := self.hearing.hear_bridge(message)) is None:
            return False
        if word.refused:
            self.waiting.refuse(message, RefusedKind.PAYLOAD, word.refused)
        elif word.is_there is not None:
            supervision.hear_bridge(self.world, self.facts, word.bridge, word.is_there, message.received_at)
        return True

    def _take_from_afar(self, message: Message) -> bool:
        """Take what is said of buildings that are watched from afar; return whether the message is that."""
        try:
            said = self.hearing.outposts.hear(message)
        except PayloadError as error:
            self.waiting.refuse(message, RefusedKind.PAYLOAD, str(error))
            return True
        for building, heard in said or ():
            at, is_retained = message.received_at, message.retain
            engine.hear_from_afar(self.world, self.facts, building, heard, at, is_retained=is_retained)
            self._keep_conclusions()
            self.waiting.touch(Place(building, None))
        return said is not None

    def observe(
        self, number: int, spoke: Observation, message: Message, frame: str | None = None
    ) -> tuple[Flaw, ...]:
        """Take in what a sensor, by its number, said, and return what is wrong with it."""
        newest = self._newest.get(number)
        if newest is not None and spoke.observed_at <= newest and not spoke.retained:
            fresh = self._unheard(number, spoke, newest)
            if fresh is None:
                return ()
            spoke = fresh
        told = engine.observe(self.world, self.facts, spoke, spoke.received_at)
        self.waiting.rows.extend(readings.rows(number, spoke, told.flaws, frame))
        self._keep_conclusions()
        if spoke.retained:
            return ()
        if newest is None or spoke.observed_at > newest:
            self._newest[number] = spoke.observed_at
        self.waiting.touch(spoke.sensor.place)
        for flaw in told.flaws:
            if flaw.mark is Mark.REJECTED:
                self.waiting.refuse(message, RefusedKind.VALUE, flaw.reason)
        if told.is_late:
            self.waiting.late.append(spoke)
        else:
            self._pasts.note(spoke)
        return told.flaws

    def _unheard(self, number: int, spoke: Observation, newest: datetime) -> Observation | None:
        """Return what of an observation is not stored yet, nor waits to be."""
        if newest - spoke.observed_at > _LONG_AGO and self._pasts.reaching(spoke) is None:
            self._load_past(spoke)  # more of the kind will come
        if (heard := self._pasts.heard(spoke)) is not None:
            return beyond(spoke, heard)
        with self.writing():
            self._flush()
            return unheard(self.connection, number, spoke)

    def _load_past(self, spoke: Observation) -> Past:
        """Read the past of a place from before an observation on, and keep it at hand."""
        with self.writing():
            self._flush()
            past = load_past(self.connection, self.hearing.sensors, spoke)
        self._pasts.keep(past)
        return past

    def _read_again(self) -> None:
        """Judge again the past of each place that something late has come from."""
        waiting = self.waiting
        if waiting.unjudged:
            self._learn()
        while waiting.late:
            late = waiting.late[0]
            past = self._pasts.take(late) or self._load_past(late)  # the rows have it already
            revision.take_late(self.world, self.facts, past.chronicle, late, past.episodes(self.world))
            self._pasts.keep(past)
            waiting.revise(past.place, late.observed_at)
            del waiting.late[0]

    def _read_again_if_it_can(self) -> None:
        with suppress(StoreError):  # else the commit does
            self._read_again()

    def complain(self, subject: str, place: Place, kind: TroubleKind, note: str, now: datetime) -> None:
        """Note a trouble of something that is no sensor, or with an empty note that it is over."""
        supervision.complain(self.world, subject, place, kind, bool(note), now, note)

    def command(self, said: Mapping[str, Any], now: datetime) -> Ticket | None:
        """Carry out what a person asks, and return the ticket it is about, if it is about one.

        Raises:
            SafetydError: it is refused, in one sentence; nothing has changed.
        """
        if isinstance(said.get("ticket"), list):
            return one_by_one(said, lambda one: self.command(one, now))
        self.elapse_before(now)
        asked = read_command(said, self.site.timezone)
        if isinstance(asked, tuple):
            return engine.act(self.world, self.facts, *asked, now)
        if isinstance(asked, ShelfAction):
            shelving.act(self.world, self.facts, asked, now)
            return None
        return self._report(asked, now)

    def _report(self, report: Report, now: datetime) -> Ticket | None:
        check(self.facts, report)
        spoke = observation(report, now)
        if spoke is None:
            return put_on_record(self.world, self.facts, report, now)
        refuse_flawed(engine.flaws(self.facts, spoke))
        topic = str(spoke.sensor)
        speaker = self.hearing.speaker(Route(spoke.sensor, BY_HAND, native_decoder), topic)
        self.observe(speaker.number, spoke, Message(now, topic, b""))
        self._read_again_if_it_can()
        return measured(self.world, report, now)

    def commit(self, now: datetime, begin: Callable[[Connection, datetime], None] | None = None) -> None:
        """Make everything taken so far durable, as one transaction, with what `begin` makes of new notices.

        Raises:
            StoreError: it could not be written; it is kept and the next commit tries again.
        """
        self.settle()
        waiting = self.waiting
        with self.writing(is_all=True):
            chain.tell_time(self.connection, now)
            self._read_again()
            self._flush()
            waiting.write(self.connection, bounded=not self.is_replay)
            changes = self.world.changes
            if changes or changes.afar:
                for letter in letters(self.world, self.site, changes.notices, now):
                    outbox.add(self.connection, letter)
                if changes.notices and begin is not None:
                    begin(self.connection, now)
                ledger.save(self.connection, changes, self.world)
            for place, since in waiting.revised.items():
                places.forget_since(self.connection, place, since)
            under_way = self._round.going_on(waiting.touched, readings.last_id(self.connection), now)
            decided, sensors = changes.places | waiting.revised.keys(), self.hearing.sensors
            saved = keep(self.connection, self.world, sensors, decided, under_way, now)
            self.connection.commit()
        self.last_at = now
        waiting.touched.difference_update(saved)
        self._let_go()
        self._round = under_way.after()
        self._pasts.tidy(now)

    def settle(self) -> None:
        """Let go of what turns out to be committed, where the answer to a commit was lost."""
        with self.writing() as connection:
            if self._attempt.took_place(connection):
                self._let_go()

    def _let_go(self) -> None:
        """Keep nothing any longer that is committed, but which places are to be saved in time."""
        self.hearing.fresh.clear()
        self.hearing.bridges.clear()
        self.world.changes = Changes()
        self.waiting = Waiting(touched=self.waiting.touched)

    def save_all(self, now: datetime) -> None:
        """Commit, with how every place stands: the next start has nothing to read again."""
        self._round = Round(now - SAVE_PLACES_EVERY, most=None)
        self.commit(now)

    @contextmanager
    def writing(self, *, is_all: bool = False) -> Iterator[Connection]:
        """Yield the writer's connection; what fails there is undone and told as a StoreError."""
        try:
            with undone_on_failure(self.connection):
                yield self.connection
        except StoreError:
            self.waiting.take_back()
            if is_all:  # of what waits: it may turn out that it was committed
                self._attempt.failed(self.connection)
            raise

    def _flush(self) -> None:
        """Put rows into the open transaction, so that they can be looked up."""
        waiting = self.waiting
        readings.add_sensors(self.connection, self.hearing.fresh)
        bridges.keep(self.connection, self.hearing.bridges)
        if waiting.flushed < len(waiting.rows):
            readings.append(self.connection, waiting.rows[waiting.flushed :])
            waiting.flushed = len(waiting.rows)
