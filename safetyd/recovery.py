"""How everything stands, read back from the store: for the writer at its start, and for whoever only looks.

Rule: what was saved with the last decision, and every reading since then folded in, is how it stood when the
last reading was stored. Decisions are saved in the transaction that makes them; the readings since hold none.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from safetyd.core import engine
from safetyd.core.model import Place, Sensor
from safetyd.core.world import Facts, World
from safetyd.site import Site
from safetyd.store import ledger, places, readings
from safetyd.store.database import Connection


class Recovered(NamedTuple):
    """The World, every sensor by its number and its newest reading, and the places not saved since."""

    world: World
    sensors: dict[int, Sensor]
    newest: dict[int, datetime]
    touched: set[Place]


def facts_of(site: Site) -> Facts:
    """Return what the engine needs of a site."""
    rooms = {Place(building.id, room.id) for building in site.buildings for room in building.rooms}
    buildings = {Place(building.id, None) for building in site.buildings}
    return Facts(site.timezone, site.rulebook, site.calendar, frozenset(rooms | buildings))


def recover(connection: Connection, facts: Facts, bound: Iterable[Sensor], now: datetime) -> Recovered:
    """Return how everything stands; `bound` are the sensors whose interval the site file knows."""
    world = World()
    ledger.load(connection, world)
    known = {(sensor.place, sensor.id): sensor for sensor in bound}
    sensors = {
        number: known.get((sensor.place, sensor.id), sensor)
        for number, sensor in readings.sensors(connection)
    }
    saved = places.load(connection)
    for place, standing in saved.items():
        if standing.room is not None:
            world.rooms[place] = standing.room
        if standing.power is not None:
            world.powers[place] = standing.power
        world.health.update(standing.health)
    newest: dict[int, datetime] = {}
    touched: set[Place] = set()
    numbers = {sensor: number for number, sensor in sensors.items()}
    for id, spoke in readings.observations(connection, sensors, places.saved_up_to(connection)):
        place, number = spoke.sensor.place, numbers[spoke.sensor]
        newest[number] = max(spoke.observed_at, newest.get(number, spoke.observed_at))
        if place not in saved or id > saved[place].reading:
            engine.observe(world, facts, spoke, spoke.received_at)
            touched.add(place)
    for number, sensor in sensors.items():
        if number not in newest and str(sensor) in world.health:
            newest[number] = world.health[
                str(sensor)
            ].until  # later than its last reading, so nothing counts twice
    engine.schedule_all(world, facts, now)
    connection.rollback()
    return Recovered(world, sensors, newest, touched)
