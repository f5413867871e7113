"""From a message to what each sensor said: whose it is, what it says, when it was true, whether it is new.

Rule: nothing is decided or stored here. A message may be several sensors' or nobody's; what cannot be used
comes back with its reason.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from safetyd.core.health import Health
from safetyd.core.model import Observation, Sensor, TroubleKind
from safetyd.ingest.afar import Outposts
from safetyd.ingest.message import Message, PayloadError
from safetyd.ingest.repeats import REMEMBERED_FOR, Repeats, frame_of
from safetyd.ingest.stamps import timing
from safetyd.ingest.topics import Route, Routes, native_route, routes, topics_of
from safetyd.profile import SPARKPLUG
from safetyd.recovery import watched
from safetyd.site import SensorBinding, Site
from safetyd.store import bridges, readings
from safetyd.store.database import Connection
from safetyd.store.leftovers import RefusedKind
from safetyd.store.readings import KnownSensor

_TOPICS_REMEMBERED = 20_000
_READABLE: tuple[TroubleKind, ...] = (TroubleKind.UNREADABLE,)
_READABLE_AND_DATED = (*_READABLE, TroubleKind.CLOCK)


class Speaker(NamedTuple):
    """A sensor that has been heard: its number in the store, and how it is read."""

    number: int
    key: str
    route: Route


class Word(NamedTuple):
    """What one sensor said. `refused` are values, or the whole payload, that cannot be used, in words.

    `complaints` are troubles that show in it, `clears` those that it shows to be over. `frame` is by what it
    is known when it comes again.
    """

    speaker: Speaker
    observation: Observation | None = None
    refused: tuple[tuple[RefusedKind, str], ...] = ()
    complaints: tuple[tuple[TroubleKind, str], ...] = ()
    clears: tuple[TroubleKind, ...] = ()
    frame: str | None = None

    def learned_at(self, now: datetime) -> "Word":
        """Return it as what is learned only now: it says nothing of how its sensor is."""
        spoke = None if self.observation is None else self.observation._replace(received_at=now)
        return self._replace(observation=spoke, complaints=(), clears=())


class BridgeWord(NamedTuple):
    """What a bridge, or its last will, said of itself; None is nothing."""

    bridge: str
    is_there: bool | None
    refused: str = ""


class Hearing:
    """Holds who speaks on which topic, and what was lately heard of whom."""

    def __init__(self, site: Site, root: str, known: list[KnownSensor]) -> None:
        self.known = known
        self.fresh: list[KnownSensor] = []  # heard for the first time, and not yet stored
        self.bridges: dict[str, datetime | None] = {}  # by topic: came back when, or went; not yet stored
        self._root = root
        self._speakers: dict[str, tuple[Speaker, ...]] = {}
        self._repeats = Repeats()
        self._unreadable: dict[str, set[str]] = {}  # by sensor: on which of its topics
        self._numbers = {each.sensor.key: each.number for each in known}
        self._last = max(self._numbers.values(), default=0)
        self._go_by(site, routes(site))

    def remember(self, connection: Connection, now: datetime) -> None:
        """Take up what the store knows of the last moments before a restart."""
        for each in readings.frames(connection, now - REMEMBERED_FOR):
            self._repeats.remember(each.number, each.frame, each.values, each.received_at)
        for topic, back_at in bridges.load(connection).items():
            if topic in self.routes.bridges:
                self._repeats.bridge_spoke(self.routes.bridges[topic], True, back_at)

    def take_site(self, site: Site) -> None:
        """Go by another site file from now on; whoever it leaves as it was is read as before."""
        self._go_by(site, _with_readers(routes(site), site, self.routes, self.site))

    def _go_by(self, site: Site, bound: Routes) -> None:
        self.site = site
        self.routes = bound
        self.outposts = Outposts(site)
        self._here = {route.sensor.key: route.sensor for route in self.routes.all()}
        self._here |= {each.sensor.key: each.sensor for each in watched(site).values()}
        self.sensors: dict[int, Sensor] = {}
        self._number(self.known)
        self._speakers.clear()

    def _number(self, known: Iterable[KnownSensor]) -> None:
        for each in known:
            self.sensors[each.number] = self._here.get(each.sensor.key, each.sensor)

    def learn(self, known: Collection[KnownSensor]) -> None:
        """Know of sensors that somebody else has heard for the first time."""
        self.known.extend(known)
        self._numbers |= {each.sensor.key: each.number for each in known}
        self._last = max(self._last, *(each.number for each in known))
        self._number(known)

    def hear(self, message: Message, healths: Mapping[str, Health]) -> Sequence[Word]:
        """Return what each sensor of a topic said; nothing if the message is nobody's."""
        speakers = self._speakers.get(message.topic)
        if speakers is None:
            speakers = self._introduce(message.topic)
        if len(speakers) == 1:
            word = self._listen(speakers[0], message, healths.get(speakers[0].key))
            return () if word is None else (word,)
        words = (self._listen(speaker, message, healths.get(speaker.key)) for speaker in speakers)
        return [word for word in words if word is not None]

    def keep(self, word: Word, received_at: datetime) -> None:
        """Note that a word is kept: what has its frame is a repeat from now on."""
        if word.frame is not None and word.observation is not None:
            self._repeats.remember(word.speaker.number, word.frame, word.observation.values, received_at)

    def hear_bridge(self, message: Message) -> BridgeWord | None:
        """Return what a bridge said of itself; None if the message is no bridge's."""
        bridge = self.routes.bridges.get(message.topic)
        if bridge is None:
            return None
        try:
            is_there = bridge.read(message.topic, message.payload).presence
        except PayloadError as error:
            return BridgeWord(bridge.name, None, str(error))
        if message.retain or is_there is None:
            return BridgeWord(bridge.name, None)
        self._repeats.bridge_spoke(bridge, is_there, message.received_at)
        self.bridges[message.topic] = message.received_at if is_there else None
        return BridgeWord(bridge.name, is_there)

    def speaker(self, route: Route, topic: str) -> Speaker:
        """Return a sensor as one that speaks, with a number of its own if it never was one."""
        sensor = route.sensor
        number = self._numbers.get(sensor.key)
        if number is None:
            number = self._numbers[sensor.key] = self._last = self._last + 1
            new = KnownSensor(number, sensor, topic, route.format)
            self.known.append(new)
            self.fresh.append(new)
        self.sensors[number] = sensor
        return Speaker(number, sensor.key, route)

    def _introduce(self, topic: str) -> tuple[Speaker, ...]:
        if len(self._speakers) > _TOPICS_REMEMBERED:
            self._speakers.clear()
        found = self.routes.of(topic)
        own = None if found else native_route(topic, self.site, self._root)
        speakers = tuple(self.speaker(route, topic) for route in (found or (own,)) if route is not None)
        self._speakers[topic] = speakers
        return speakers

    def _readable(self, key: str, topic: str, *, is_readable: bool) -> tuple[TroubleKind, ...]:
        """What a word clears: a sensor is readable once it is so on each topic where it was not."""
        if not is_readable:
            self._unreadable.setdefault(key, set()).add(topic)
            return ()
        left = self._unreadable.get(key)
        if left is not None:
            left.discard(topic)
        return () if left else _READABLE

    def _listen(self, speaker: Speaker, message: Message, health: Health | None) -> Word | None:
        """Return one sensor's share of a message; None if at that time it was not its own."""
        route, received_at = speaker.route, message.received_at
        try:
            said = route.decode(message.topic, message.payload)
        except PayloadError as error:
            if not route.holds(received_at):
                return None
            why = str(error)
            self._readable(speaker.key, message.topic, is_readable=False)
            return Word(speaker, None, ((RefusedKind.PAYLOAD, why),), ((TroubleKind.UNREADABLE, why),))
        zone = self.site.timezone if route.is_local_time else None
        when = timing(said, received_at, health, zone)
        if not route.holds(when.observed_at):
            return None
        refused: tuple[tuple[RefusedKind, str], ...] = ()
        complaints: tuple[tuple[TroubleKind, str], ...] = ()
        clears = _READABLE
        if said.refusals or self._unreadable:
            clears = self._readable(speaker.key, message.topic, is_readable=not said.refusals)
        if said.refusals:
            refused = tuple((RefusedKind.VALUE, reason) for reason in said.refusals)
            complaints = ((TroubleKind.UNREADABLE, said.refusals[0]),)
        if said.presence is False and route.format == SPARKPLUG:
            complaints = (*complaints, (TroubleKind.SILENT, "its death was announced"))
        frame = frame_of(said, message, route) if said.counter or route.is_local_time else None
        is_alive = said.has_value or (route.is_mains_powered and said.presence is not False)
        if not is_alive or (frame and self._repeats.is_repeat(speaker.number, frame, said, received_at)):
            return Word(speaker, None, refused, complaints, clears)
        is_dated = when.unbelieved is None and when.is_dated
        if when.unbelieved is not None:
            complaints = (*complaints, (TroubleKind.CLOCK, f"says it is {when.unbelieved}: {when.why}"))
        elif is_dated:
            clears = _READABLE_AND_DATED if clears is _READABLE else (*clears, TroubleKind.CLOCK)
        is_old = message.retain or self._repeats.is_cached(route, message, is_dated=is_dated)
        spoke = Observation(
            route.sensor,
            when.observed_at,
            received_at,
            *said.values,
            is_old,
            when.unbelieved,
            False,
            when.device_at,
            when.gateway_at,
        )
        return Word(speaker, spoke, refused, complaints, clears, frame)


def _with_readers(new: Routes, site: Site, old: Routes, before: Site) -> Routes:
    """Return new routes; of bindings that did not change with their old readers, which remember births."""
    known = dict(_by_span(before))
    same = {
        (topic, *span)
        for span, binding in _by_span(site)
        if known.get(span) == binding
        for topic in topics_of(binding)
    }
    readers = {(topic, route.sensor.key, route.since): route.decode for topic, route in _by_topic(old)}

    def with_reader(topic: str, route: Route) -> Route:
        sensor, since = route.sensor, route.since
        if (topic, sensor.place.building, sensor.id, since) not in same:
            return route
        return route._replace(decode=readers[topic, sensor.key, since])

    return new._replace(
        exact={
            topic: tuple(with_reader(topic, each) for each in found) for topic, found in new.exact.items()
        },
        filters=tuple((levels, with_reader("/".join(levels), route)) for levels, route in new.filters),
    )


def _by_span(site: Site) -> Iterator[tuple[tuple[str, str, datetime | None], SensorBinding]]:
    for building in site.buildings:
        for binding in building.sensors:
            yield (building.id, binding.id, binding.since), binding


def _by_topic(bound: Routes) -> Iterator[tuple[str, Route]]:
    for topic, found in bound.exact.items():
        yield from ((topic, route) for route in found)
    yield from (("/".join(levels), route) for levels, route in bound.filters)
