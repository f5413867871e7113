"""Which sensor speaks on a topic.

Rule: a topic that the site file names belongs to that sensor; else it is a native topic below our root, or it
belongs to nobody and is listed as unassigned.
"""

from collections.abc import Callable
from typing import NamedTuple

from safetyd.core.model import HAND, Place, Sensor
from safetyd.ingest.decode import decoder
from safetyd.ingest.message import Decoded
from safetyd.ingest.native import decode as native
from safetyd.site import Site

MAINS = "mains"  # the name of a building's witness that has none of its own


class Route(NamedTuple):
    """The sensor of a topic, and how its payloads are read."""

    sensor: Sensor
    format: str
    decode: Callable[[bytes], Decoded]


def subscriptions(site: Site, root: str) -> list[str]:
    """Return the topic filters that bring every reading of a site."""
    own = [f"{root}/readings/#", f"{root}/power/#"]
    named = {binding.topic for building in site.buildings for binding in building.sensors}
    heard = tuple(each.removesuffix("#") for each in own)  # a broker may send what two filters name twice
    return own + sorted(topic for topic in named if not topic.startswith(heard))


def routes(site: Site) -> dict[str, Route]:
    """Return the route of each topic that the site file names."""
    found = {}
    for building in site.buildings:
        for binding in building.sensors:
            place = Place(building.id, None if binding.power else binding.room)
            sensor = Sensor(place, binding.id, binding.interval)
            decode = native if binding.format == "native" else decoder(binding)
            found[binding.topic] = Route(sensor, binding.format, decode)
    return found


def native_route(topic: str, site: Site, root: str) -> Route | None:
    """Return the route of a native topic; None if it is none, or of a building or room nobody knows."""
    levels = topic.removeprefix(root + "/").split("/")
    if not topic.startswith(root + "/") or not all(levels) or levels[-1].startswith(HAND):
        return None
    match levels:
        case ["readings", building, room, *rest] if len(rest) <= 1:
            known = site.building(building)
            if known is None or known.room(room) is None:
                return None
            return Route(Sensor(Place(building, room), rest[0] if rest else room), "native", native)
        case ["power", building, *rest] if len(rest) <= 1:
            if site.building(building) is None:
                return None
            return Route(Sensor(Place(building, None), rest[0] if rest else MAINS), "native", native)
    return None
