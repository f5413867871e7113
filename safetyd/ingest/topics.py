"""Which sensors speak on a topic, and which bridge they speak through.

Rule: a topic that the site file names belongs to its sensors; else it is a native topic below our root, or it
belongs to nobody and is listed as unassigned. A binding holds for its own span of time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.model import GATEWAY, HAND, IMPORT, SILENCE, Place, Quantity, Sensor
from safetyd.ingest.afar import Outposts
from safetyd.ingest.binding import Decode, decoder, native_decoder
from safetyd.ingest.decode import reader
from safetyd.ingest.message import Reader
from safetyd.profile import NATIVE, SPARKPLUG
from safetyd.site import SensorBinding, Site
from safetyd.site_readings import IN_A_ROOM, OF_MAINS, wanted
from safetyd.site_topics import is_filter, matches

_OF_ANY = frozenset({Quantity.BATTERY, Quantity.POWER})
MAINS = "mains"  # the name of a building's witness that has none of its own


class Route(NamedTuple):
    """One sensor of a topic, how its messages are read, and from when until when they are its own.

    `is_local_time`: its stamps carry no zone. `bridges` are topics that may speak for what it is heard
    through.
    """

    sensor: Sensor
    format: str
    decode: Decode
    since: datetime | None = None
    until: datetime | None = None
    is_local_time: bool = False
    is_mains_powered: bool = False
    bridges: tuple[str, ...] = ()

    def holds(self, at: datetime) -> bool:
        """Return whether what was true at a moment is this sensor's."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


class Bridge(NamedTuple):
    """What many sensors are heard through: its name and topic, how it says that it is there, its sensors.

    For `cached_for` after it came back it says again what it remembers.
    """

    name: str
    topic: str
    read: Reader
    sensors: tuple[Sensor, ...]
    cached_for: timedelta | None


class Routes(NamedTuple):
    """Every topic that the site file names; `filters` are those with wildcards, by their levels."""

    exact: dict[str, tuple[Route, ...]]
    filters: tuple[tuple[tuple[str, ...], Route], ...]
    bridges: dict[str, Bridge]

    def of(self, topic: str) -> tuple[Route, ...]:
        """Return the routes of a topic."""
        found = self.exact.get(topic, ())
        if not self.filters:
            return found
        levels = topic.split("/")
        return found + tuple(route for wanted, route in self.filters if matches(wanted, levels))

    def all(self) -> Iterator[Route]:
        """Yield every route once."""
        for found in self.exact.values():
            yield from found
        yield from (route for _, route in self.filters)


def subscriptions(site: Site, root: str, also: Sequence[str] = ()) -> list[str]:
    """Return the topic filters that bring every reading of a site, and those that are heard `also`."""
    own = Outposts(site).subscriptions() if site.is_watch else _native_filters(site, root)
    bound = [binding for building in site.buildings for binding in building.sensors]
    named = {topic for binding in bound for topic in (*topics_of(binding), *_bridge_topics(binding))}
    named.update(also if _takes_strays(site) else ())
    filters = [tuple(topic.split("/")) for topic in (*own, *named) if is_filter(topic)]
    own = [topic for topic in own if not _is_covered(topic, filters)]
    return own + sorted(topic for topic in named if not _is_covered(topic, filters))


def _takes_strays(site: Site) -> bool:
    return site.part is None or site.part.takes_strays


def _native_filters(site: Site, root: str) -> list[str]:
    below = ["#"] if _takes_strays(site) else [f"{each.id}/#" for each in site.buildings]
    return [f"{root}/{kind}/{each}" for kind in ("readings", "power") for each in below]


def _is_covered(topic: str, filters: Sequence[tuple[str, ...]]) -> bool:
    """Whether another filter brings a topic already: a broker may send twice what two filters name."""
    levels = topic.split("/")
    return any(wanted != tuple(levels) and matches(wanted, levels) for wanted in filters)


def topics_of(binding: SensorBinding) -> tuple[str, ...]:
    """Return the topics, or filters, on which a sensor of the site file speaks."""
    if binding.format != SPARKPLUG:
        return (binding.topic,)
    namespace, group, _, node, *device = binding.topic.split("/")
    own = "/".join([namespace, group, "+", node, *device])
    of_node = [f"{namespace}/{group}/{kind}/{node}" for kind in ("NBIRTH", "NDEATH")]
    return (own, *of_node) if device else (own,)  # a node takes all its devices with it


def _bridge_topics(binding: SensorBinding) -> tuple[str, ...]:
    """Where the bridge of a sensor may say whether it is there: at any level above the sensor's own topic."""
    if binding.profile is None:
        return ()
    levels = binding.topic.split("/")
    fixed = next((n for n, level in enumerate(levels) if level in ("+", "#")), len(levels) - 1)
    words = [
        "/".join(ending)
        for shape in binding.profile.shapes
        if shape.presence is not None and shape.presence.is_bridge
        for ending in shape.topics
        if not any(mark in "/".join(ending) for mark in ("+", "{}"))
    ]
    return tuple("/".join([*levels[:depth], word]) for depth in range(1, fixed + 1) for word in words)


def routes(site: Site) -> Routes:
    """Return the routes of all topics that the site file names, and the bridges behind them."""
    exact: dict[str, tuple[Route, ...]] = {}
    filters: list[tuple[tuple[str, ...], Route]] = []
    bridges: dict[str, Bridge] = {}
    for building in site.buildings:
        for binding in building.sensors:
            for route in _routes(building.id, binding):
                for topic in topics_of(binding):
                    if is_filter(topic):
                        filters.append((tuple(topic.split("/")), route))
                    else:
                        exact[topic] = (*exact.get(topic, ()), route)
                for topic in route.bridges:
                    bridges[topic] = _joined(bridges.get(topic), topic, binding, route.sensor)
    return Routes(exact, tuple(filters), bridges)


def _routes(building: str, binding: SensorBinding) -> Iterator[Route]:
    """The routes of a sensor: of its room, and as a witness of the mains of the whole building."""
    taken, bridges = wanted(binding), _bridge_topics(binding)
    is_local_time = binding.profile is not None and binding.profile.is_local_time
    of_room = taken - (OF_MAINS if binding.power else frozenset())
    shares = [(binding.room, of_room)] if (binding.room and of_room - _OF_ANY) or not binding.power else []
    shares += [(None, taken - IN_A_ROOM)] if binding.power else []
    for room, quantities in shares:
        place = Place(building, room)
        sensor = Sensor(
            place,
            binding.id,
            binding.interval,
            binding.invalid,
            binding.offsets,
            tolerance=binding.tolerance,
        )
        decode = decoder(binding, quantities)
        span, flags = (binding.since, binding.until), (is_local_time, binding.mains_powered)
        yield Route(sensor, binding.format, decode, *span, *flags, bridges)


def _joined(old: Bridge | None, topic: str, binding: SensorBinding, sensor: Sensor) -> Bridge:
    if old is not None:
        return old._replace(sensors=(*old.sensors, sensor))
    assert binding.profile is not None
    name = f"bridge {binding.profile.name} on {topic}"
    return Bridge(name, topic, reader(binding.profile), (sensor,), binding.profile.cached_for)


def native_route(topic: str, site: Site, root: str) -> Route | None:
    """Return the route of a native topic; None if it is none, or of a building or room nobody knows."""
    levels = topic.removeprefix(root + "/").split("/")
    own = (HAND, SILENCE, GATEWAY, IMPORT)
    if not topic.startswith(root + "/") or not all(levels) or levels[-1].startswith(own):
        return None
    match levels:
        case ["readings", building, room, *rest] if len(rest) <= 1:
            known = site.building(building)
            if known is None or known.room(room) is None:
                return None
            return Route(Sensor(Place(building, room), rest[0] if rest else room), NATIVE, native_decoder)
        case ["power", building, *rest] if len(rest) <= 1:
            if site.building(building) is None:
                return None
            return Route(Sensor(Place(building, None), rest[0] if rest else MAINS), NATIVE, native_decoder)
    return None
