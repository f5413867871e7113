"""How everything stands, read back from the store: for the writer at its start, and for whoever only looks.

Rule: what was saved with the last decision, and every reading since then folded in, is how it stood when the
last reading was stored. Decisions are saved in the transaction that makes them; the readings since hold none.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from safetyd.core import engine
from safetyd.core.model import Place, Sensor
from safetyd.core.world import Facts, World
from safetyd.ingest.topics import Routes
from safetyd.profile import NATIVE
from safetyd.site import Site
from safetyd.store import ledger, places, readings
from safetyd.store.database import Connection
from safetyd.store.readings import KnownSensor

BY_HAND = "hand"  # the format of a person's instrument
SILENT = "silence"  # and of what is concluded from the silence of devices
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Recovered(NamedTuple):
    """The World, the newest reading of each sensor by its number, and the places not saved since."""

    world: World
    newest: dict[int, datetime]
    touched: set[Place]


def facts_of(site: Site, bound: Routes, known: Iterable[KnownSensor] = ()) -> Facts:
    """Return what the engine needs of a site; `known` are the sensors that were ever heard."""
    rooms = {Place(building.id, room.id) for building in site.buildings for room in building.rooms}
    buildings = {Place(building.id, None) for building in site.buildings}
    bridges = {sensor.key: bridge.name for bridge in bound.bridges.values() for sensor in bridge.sensors}
    return Facts(
        site.timezone,
        site.rulebook,
        site.calendar,
        frozenset(rooms | buildings),
        _released(bound, known),
        bridges,
        frozenset(route.sensor.key for route in bound.all() if route.is_mains_powered),
    )


def _released(bound: Routes, known: Iterable[KnownSensor]) -> dict[str, datetime]:
    """Since when nobody waits for a sensor: its binding has ended, or it has left the site file."""
    holds: dict[str, datetime | None] = {}
    for route in bound.all():
        key = route.sensor.key
        ends = [holds.get(key, route.until), route.until]
        holds[key] = None if None in ends else max(end for end in ends if end is not None)
    gone = {
        each.sensor.key: _LONG_AGO
        for each in known
        if each.format not in (NATIVE, BY_HAND, SILENT) and each.sensor.key not in holds
    }
    return gone | {key: until for key, until in holds.items() if until is not None}


def recover(connection: Connection, facts: Facts, sensors: Mapping[int, Sensor], now: datetime) -> Recovered:
    """Return how everything stands; `sensors` are all that were ever heard, as the site file knows them."""
    world = World()
    ledger.load(connection, world)
    saved = places.load(connection)
    for place, standing in saved.items():
        if standing.room is not None:
            world.rooms[place] = standing.room
        if standing.power is not None:
            world.powers[place] = standing.power
        world.health.update(standing.health)
    newest: dict[int, datetime] = {}
    touched: set[Place] = set()
    numbers = {sensor.key: number for number, sensor in sensors.items()}
    for id, spoke in readings.observations(connection, sensors, places.saved_up_to(connection)):
        place, number = spoke.sensor.place, numbers[spoke.sensor.key]
        newest[number] = max(spoke.observed_at, newest.get(number, spoke.observed_at))
        if place not in saved or id > saved[place].reading:
            engine.observe(world, facts, spoke, spoke.received_at)
            touched.add(place)
    for number, sensor in sensors.items():
        health = world.health.get(sensor.key)
        if number not in newest and health is not None and health.heard_at is not None:
            newest[number] = health.heard_at
    world.conclusions.clear()  # what was concluded then is among the readings
    engine.schedule_all(world, facts, now)
    connection.rollback()
    return Recovered(world, newest, touched)
