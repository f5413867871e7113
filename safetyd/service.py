"""Load, decide, commit: the only path by which anything changes.

Rule: whatever arrives is stored, also what cannot be understood, with its reason. Readings wait for company;
what changes a decision does not. Nothing counts as received before `commit` has returned.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from safetyd.commands import read_command
from safetyd.core import engine, revision
from safetyd.core.model import Mark, Observation, Place, Quantity, TroubleKind
from safetyd.core.quality import Flaw
from safetyd.core.report import Report, check, measured, observation, put_on_record, refuse_flawed
from safetyd.core.ticket import Ticket
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Changes
from safetyd.ingest.message import Message, PayloadError, observed_at
from safetyd.ingest.native import decode as native
from safetyd.ingest.topics import Route, native_route, routes
from safetyd.notify.letters import letters
from safetyd.objects import ticket_object
from safetyd.past import Past, load_past, observations_of
from safetyd.recovery import facts_of, recover
from safetyd.site import Site
from safetyd.store import ledger, leftovers, outbox, places, readings
from safetyd.store.database import Connection, StoreError, undone_on_failure
from safetyd.store.leftovers import Refusal, RefusedKind
from safetyd.waiting import Waiting
from safetyd.wording import sound

SAVE_PLACES_EVERY = timedelta(minutes=2)  # how much of the past is read again after a crash
_TOPICS_REMEMBERED = 20_000


class Speaker(NamedTuple):
    """A sensor that has been heard: its number in the store, and how it is read."""

    number: int
    key: str
    route: Route


_FIELDS = {
    Quantity.TEMPERATURE: ("temperature_f", "temperature_c"),
    Quantity.HUMIDITY: ("humidity",),
    Quantity.MAINS: ("mains",),
    Quantity.VOLTAGE: ("voltage",),
    Quantity.POWER: ("power_w",),
    Quantity.BATTERY: ("battery",),
}


class Service:
    """Holds the World and the writer's connection."""

    def __init__(self, connection: Connection, site: Site, root: str, now: datetime) -> None:
        self.connection = connection
        self.is_replay = False
        self._root = root
        self._past: dict[Place, Past] = {}
        self._speakers: dict[str, Speaker | None] = {}
        self._saved_at = self.last_at = now
        self.take_site(site)
        found = recover(connection, self.facts, [route.sensor for route in self._routes.values()], now)
        self.world, self._sensors, self._newest, touched = found
        self._numbers = {sensor.key: number for number, sensor in self._sensors.items()}
        self._waiting = Waiting(touched=touched)
        if self.world.tickets or self.world.rooms or self.world.powers:
            self.world.now = now  # what fell due while we were away is carried out now
            engine.catch_up(self.world, self.facts, now)

    def take_site(self, site: Site) -> None:
        """Go by another site file from now on; nothing that was decided changes."""
        self.site = site
        self.facts = facts_of(site)
        self._routes = routes(site)
        self._speakers.clear()

    @property
    def has_decision(self) -> bool:
        """Whether something was decided that must not wait."""
        return bool(self.world.changes)

    @property
    def is_waiting(self) -> bool:
        """Whether anything is not yet committed."""
        waiting = self._waiting
        return self.has_decision or bool(waiting.rows or waiting.refusals or waiting.strays)

    @property
    def touched(self) -> set[Place]:
        """The places that have said something since they were last saved."""
        return self._waiting.touched

    def ticket_object(self, ticket: Ticket, now: datetime) -> dict[str, Any]:
        """Return a ticket as the outside sees it."""
        history = ledger.history(self.connection, ticket.id)
        return ticket_object(self.world, self.facts, ticket, history, now)

    def next_due(self) -> datetime | None:
        """Return when time alone will change something."""
        return self.world.next_due()

    def elapse(self, now: datetime) -> None:
        """Let time pass up to and including `now`."""
        engine.elapse(self.world, self.facts, now)

    def take(self, message: Message) -> None:
        """Take in one message; time passes up to its arrival first."""
        received_at = message.received_at
        due = self.world.next_due()
        if due is not None and due < received_at:
            engine.elapse(self.world, self.facts, received_at - JUST_AFTER)
        speaker = self._speakers.get(message.topic) or self._hear(message)
        if speaker is None:
            self._waiting.stray(message)
            return
        sensor = speaker.route.sensor
        try:
            said = speaker.route.decode(message.payload)
        except PayloadError as error:
            self._refuse(message, RefusedKind.PAYLOAD, str(error))
            self._complain(speaker, TroubleKind.UNREADABLE, message, str(error))
            return
        at, unbelieved = observed_at(said.stamp, received_at)
        if said.refusals:
            for reason in said.refusals:
                self._refuse(message, RefusedKind.VALUE, reason)
            self._complain(speaker, TroubleKind.UNREADABLE, message, said.refusals[0])
        elif speaker.key in self.world.troubles:
            self._complain(speaker, TroubleKind.UNREADABLE, message, "")
        if unbelieved is not None:
            self._complain(speaker, TroubleKind.CLOCK, message, f"says it is {unbelieved}")
        elif said.stamp is not None and speaker.key in self.world.troubles:
            self._complain(speaker, TroubleKind.CLOCK, message, "")
        spoke = Observation(sensor, at, received_at, *said[:7], message.retain, unbelieved)
        self._observe(speaker.number, spoke, message.topic)

    def _observe(self, number: int, spoke: Observation, topic: str) -> tuple[Flaw, ...]:
        newest = self._newest.get(number)
        if newest is not None and spoke.observed_at <= newest and not spoke.retained:
            fresh = self._unheard(number, spoke)
            if fresh is None:
                return ()
            spoke = fresh
        told = engine.observe(self.world, self.facts, spoke, spoke.received_at)
        self._waiting.rows.extend(readings.rows(number, spoke, told.flaws))
        if spoke.retained:
            return ()
        if newest is None or spoke.observed_at > newest:
            self._newest[number] = spoke.observed_at
        self._waiting.touched.add(spoke.sensor.place)
        for flaw in told.flaws:
            if flaw.mark is Mark.REJECTED:
                self._waiting.refusals.append(
                    Refusal(spoke.received_at, RefusedKind.VALUE, topic, flaw.reason)
                )
        past = self._past.get(spoke.sensor.place)
        if told.is_late:
            self._waiting.late.append(spoke)
            self._read_again()
        elif past is not None:
            past.observations.append(spoke)
        return told.flaws

    def _hear(self, message: Message) -> Speaker | None:
        """Return the sensor that speaks on a topic, kept as a new one if it was never heard."""
        if message.topic in self._speakers:
            return None
        if len(self._speakers) > _TOPICS_REMEMBERED:
            self._speakers.clear()
        route = self._routes.get(message.topic) or native_route(message.topic, self.site, self._root)
        self._speakers[message.topic] = None if route is None else self._speaker(route, message.topic)
        return self._speakers[message.topic]

    def _speaker(self, route: Route, topic: str) -> Speaker:
        sensor = route.sensor
        number = self._numbers.get(sensor.key)
        if number is None:
            number = self._numbers[sensor.key] = max(self._sensors, default=0) + 1
            self._waiting.sensors.append(readings.NewSensor(number, sensor, topic, route.format))
        self._sensors[number] = sensor
        return Speaker(number, sensor.key, route)

    def _unheard(self, number: int, spoke: Observation) -> Observation | None:
        """Return what of an observation is not stored yet; the same reading counts once."""
        with self.writing():
            self._flush()
            heard = readings.heard_at(self.connection, number, spoke.observed_at)
        kept: dict[str, Any] = {name: None for quantity in heard for name in _FIELDS[quantity]}
        values = [getattr(spoke, name) for names in _FIELDS.values() for name in names if name not in kept]
        return spoke._replace(**kept) if any(value is not None for value in values) else None

    def _read_again(self) -> None:
        """Judge again the past of each place that something late has come from."""
        waiting = self._waiting
        while waiting.late:
            late = waiting.late[0]
            place = late.sensor.place
            past = self._past.get(place)
            if past is None or late.observed_at <= past.since:
                with self.writing():
                    self._flush()
                    past = load_past(self.connection, self._sensors, place, late.observed_at)
                self._past[place] = past
            else:
                past.insert(late)
            known = [
                (number, episode)
                for number, episode in self.world.episodes.items()
                if episode.place == place and not past.is_over(episode)
            ]
            revision.read_again(
                self.world, self.facts, place, past.base, past.observations, known, late.received_at
            )
            waiting.revised[place] = min(late.observed_at, waiting.revised.get(place, late.observed_at))
            del waiting.late[0]

    def observations_of(self, place: Place) -> list[Observation]:
        """Return all that was ever said of a place, in order of its own time."""
        return observations_of(self.connection, self._sensors, place)

    def set_aside(self, message: Message) -> None:
        """Keep a message that could not be judged for a reason of ours."""
        self._refuse(message, RefusedKind.PAYLOAD, "safetyd failed on it; please report this")

    def _refuse(self, message: Message, kind: RefusedKind, reason: str) -> None:
        self._waiting.refusals.append(
            Refusal(message.received_at, kind, message.topic, reason, message.payload)
        )

    def _complain(self, speaker: Speaker, kind: TroubleKind, message: Message, note: str) -> None:
        if not message.retain:
            self.complain(speaker.key, speaker.route.sensor.place, kind, note, message.received_at)

    def complain(self, subject: str, place: Place, kind: TroubleKind, note: str, now: datetime) -> None:
        """Note a trouble of something that is no sensor, or with an empty note that it is over."""
        engine.complain(self.world, subject, place, kind, bool(note), now, note)

    def command(self, said: Mapping[str, Any], now: datetime) -> Ticket | None:
        """Carry out what a person asks, and return the ticket it is about, if it is about one.

        Raises:
            SafetydError: it is refused, in one sentence; nothing has changed.
        """
        due = self.world.next_due()
        if due is not None and due < now:
            engine.elapse(self.world, self.facts, now - JUST_AFTER)
        asked = read_command(said, self.site.timezone)
        if isinstance(asked, tuple):
            return engine.act(self.world, self.facts, *asked, now)
        return self._report(asked, now)

    def _report(self, report: Report, now: datetime) -> Ticket | None:
        check(self.facts, report)
        spoke = observation(report, now)
        if spoke is None:
            return put_on_record(self.world, self.facts, report, now)
        refuse_flawed(engine.flaws(self.facts, spoke))
        topic = str(spoke.sensor)
        route = Route(spoke.sensor, "hand", native)
        self._observe(self._speaker(route, topic).number, spoke, topic)
        measured(self.world, report, now)
        return None

    def refuse_command(self, said: Mapping[str, Any], reason: str, at: datetime) -> None:
        """Keep a refused action."""
        ticket = sound(str(said.get("ticket") or ""))
        self._waiting.refusals.append(Refusal(at, RefusedKind.ACTION, ticket, sound(reason)))

    def commit(self, now: datetime) -> None:
        """Make everything taken so far durable, as one transaction.

        Raises:
            StoreError: it could not be written; it is kept and the next commit tries again.
        """
        waiting = self._waiting
        is_time = now - self._saved_at >= SAVE_PLACES_EVERY
        with self.writing():
            self._read_again()
            self._flush()
            leftovers.refuse(self.connection, waiting.refusals, bounded=not self.is_replay)
            leftovers.stray(self.connection, waiting.strays)
            changes = self.world.changes
            if changes:
                for letter in letters(self.world, self.site, changes.notices, now):
                    outbox.add(self.connection, letter)
                ledger.save(self.connection, changes, self.world)
            for place, since in waiting.revised.items():
                places.forget_since(self.connection, place, since)
            saved = waiting.touched | changes.places if is_time else changes.places
            if saved:
                self._save_places(saved)
            if is_time:
                places.mark_saved(self.connection, readings.last_id(self.connection))
                places.forget_old(self.connection, now)
            self.connection.commit()
        self.last_at = now
        self.world.changes = Changes()
        self._waiting = Waiting(touched=set() if is_time else waiting.touched - saved)
        self._saved_at = now if is_time else self._saved_at
        self._past.clear()

    def save_all(self, now: datetime) -> None:
        """Commit, with how every place stands: the next start has nothing to read again."""
        self._saved_at = now - SAVE_PLACES_EVERY
        self.commit(now)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield the writer's connection; what fails there is undone and told as a StoreError."""
        try:
            with undone_on_failure(self.connection):
                yield self.connection
        except StoreError:
            self._waiting.flushed = 0
            raise

    def _flush(self) -> None:
        """Put rows into the open transaction, so that they can be looked up."""
        waiting = self._waiting
        readings.add_sensors(self.connection, waiting.sensors)
        if waiting.flushed < len(waiting.rows):
            readings.append(self.connection, waiting.rows[waiting.flushed :])
            waiting.flushed = len(waiting.rows)

    def _save_places(self, saved: set[Place]) -> None:
        last = readings.last_id(self.connection)
        healths: dict[Place, dict[str, Any]] = {}
        for sensor in self._sensors.values():
            if sensor.place in saved and (health := self.world.health.get(str(sensor))):
                healths.setdefault(sensor.place, {})[str(sensor)] = health
        standings = (
            (
                place,
                places.Standing(
                    last, self.world.rooms.get(place), self.world.powers.get(place), healths.get(place, {})
                ),
            )
            for place in sorted(saved, key=str)
        )
        places.save(self.connection, standings)
