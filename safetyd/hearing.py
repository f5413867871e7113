"""From a message to what each sensor said: whose it is, what it says, when it was true, whether it is new.

Rule: nothing is decided or stored here. A message may be several sensors' or nobody's; what cannot be used
comes back with its reason.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from safetyd.core.model import Observation, Place, Sensor, TroubleKind
from safetyd.core.trouble import Health
from safetyd.ingest.message import Message, PayloadError
from safetyd.ingest.repeats import Repeats
from safetyd.ingest.stamps import timing
from safetyd.ingest.topics import Route, Routes, native_route, routes
from safetyd.profile import SPARKPLUG
from safetyd.site import Site
from safetyd.store.leftovers import RefusedKind
from safetyd.store.readings import KnownSensor

_TOPICS_REMEMBERED = 20_000
_READABLE: tuple[TroubleKind, ...] = (TroubleKind.UNREADABLE,)


class Speaker(NamedTuple):
    """A sensor that has been heard: its number in the store, and how it is read."""

    number: int
    key: str
    route: Route


class Word(NamedTuple):
    """What one sensor said. `refused` are values, or the whole payload, that cannot be used, in words.

    `complaints` are troubles that show in it, `clears` those that it shows to be over.
    """

    speaker: Speaker
    observation: Observation | None = None
    refused: tuple[tuple[RefusedKind, str], ...] = ()
    complaints: tuple[tuple[TroubleKind, str], ...] = ()
    clears: tuple[TroubleKind, ...] = ()


class BridgeWord(NamedTuple):
    """What a bridge, or its last will, said of itself; None is nothing."""

    bridge: str
    place: Place
    is_there: bool | None
    refused: str = ""


class Hearing:
    """Holds who speaks on which topic, and what was lately heard of whom."""

    def __init__(self, site: Site, root: str, known: list[KnownSensor]) -> None:
        self.known = known
        self.fresh: list[KnownSensor] = []  # heard for the first time, and not yet stored
        self._root = root
        self._speakers: dict[str, tuple[Speaker, ...]] = {}
        self._repeats = Repeats()
        self._numbers = {each.sensor.key: each.number for each in known}
        self._last = max(self._numbers.values(), default=0)
        self.take_site(site)

    def take_site(self, site: Site) -> None:
        """Go by another site file from now on."""
        self.site = site
        self.routes: Routes = routes(site)
        here = {route.sensor.key: route.sensor for route in self.routes.all()}
        self.sensors: dict[int, Sensor] = {
            each.number: here.get(each.sensor.key, each.sensor) for each in self.known
        }
        self._speakers.clear()

    def hear(self, message: Message, healths: Mapping[str, Health]) -> Iterable[Word]:
        """Return what each sensor of a topic said; nothing if the message is nobody's."""
        speakers = self._speakers.get(message.topic)
        if speakers is None:
            speakers = self._introduce(message.topic)
        if len(speakers) == 1:
            word = self._listen(speakers[0], message, healths.get(speakers[0].key))
            return () if word is None else (word,)
        words = (self._listen(speaker, message, healths.get(speaker.key)) for speaker in speakers)
        return [word for word in words if word is not None]

    def hear_bridge(self, message: Message) -> BridgeWord | None:
        """Return what a bridge said of itself; None if the message is no bridge's."""
        bridge = self.routes.bridges.get(message.topic)
        if bridge is None:
            return None
        place = Place(bridge.sensors[0].place.building, None)
        try:
            is_there = bridge.read(message.topic, message.payload).presence
        except PayloadError as error:
            return BridgeWord(bridge.name, place, None, str(error))
        if message.retain or is_there is None:
            return BridgeWord(bridge.name, place, None)
        self._repeats.bridge_spoke(bridge, is_there, message.received_at)
        return BridgeWord(bridge.name, place, is_there)

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

    def _listen(self, speaker: Speaker, message: Message, health: Health | None) -> Word | None:
        """Return one sensor's share of a message; None if at that time it was not its own."""
        route, received_at = speaker.route, message.received_at
        try:
            said = route.decode(message.topic, message.payload)
        except PayloadError as error:
            why = str(error)
            word = Word(speaker, None, ((RefusedKind.PAYLOAD, why),), ((TroubleKind.UNREADABLE, why),))
            return word if route.holds(received_at) else None
        zone = self.site.timezone if route.is_local_time else None
        when = timing(said, received_at, None if health is None else health.skew, zone)
        if not route.holds(when.observed_at):
            return None
        refused: tuple[tuple[RefusedKind, str], ...] = ()
        complaints: tuple[tuple[TroubleKind, str], ...] = ()
        clears = _READABLE
        if said.refusals:
            refused = tuple((RefusedKind.VALUE, reason) for reason in said.refusals)
            complaints, clears = ((TroubleKind.UNREADABLE, said.refusals[0]),), ()
        if said.presence is False and route.format == SPARKPLUG:
            complaints = (*complaints, (TroubleKind.SILENT, "its death was announced"))
        is_repeat = said.has_value and self._repeats.is_repeat(speaker.number, said, message, route)
        if is_repeat or not said.has_value:
            return Word(speaker, None, refused, complaints, clears)
        if when.unbelieved is not None:
            complaints = (*complaints, (TroubleKind.CLOCK, f"says it is {when.unbelieved}: {when.why}"))
        elif when.is_dated:
            clears = (*clears, TroubleKind.CLOCK)
        is_dated = when.is_dated and when.unbelieved is None
        spoke = Observation(
            route.sensor,
            when.observed_at,
            received_at,
            *said.values,
            message.retain or self._repeats.is_cached(route, message, is_dated=is_dated),
            when.unbelieved,
            False,
            when.device_at,
            when.gateway_at,
        )
        return Word(speaker, spoke, refused, complaints, clears)
