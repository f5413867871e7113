"""How everything stands, read back from the store: for the writer at its start, and for whoever only looks.

Rule: what was saved with the last decision, and every reading since then folded in, is how it stood when the
last reading was stored. Decisions are saved in the transaction that makes them; the readings since hold none.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from safetyd.core import engine, lookout, supervision
from safetyd.core.closure import LIFTERS
from safetyd.core.health import Health
from safetyd.core.lookout import sensor_of
from safetyd.core.model import GATEWAY, IMPORT, Place, Role, Sensor, same_name
from safetyd.core.plan import in_order
from safetyd.core.world import Facts, Span, Watched, World
from safetyd.ingest.topics import Routes
from safetyd.profile import NATIVE
from safetyd.site import Site
from safetyd.store import ledger, places, readings
from safetyd.store.database import Connection
from safetyd.store.ledger import Loaded
from safetyd.store.readings import KnownSensor

BY_HAND = "hand"  # the format of a person's instrument
SILENT = "silence"  # and of what is concluded from the silence of devices
IMPORTED = "import"  # and of what was imported from a file: see `core.hindsight`


class Recovered(NamedTuple):
    """The World, the newest reading of each sensor by its number, the places not saved since, and up to where
    the record was read. `saved` is up to which reading a place was saved, `heard` up to which one it was
    followed since."""

    world: World
    newest: dict[int, datetime]
    touched: set[Place]
    loaded: Loaded
    saved: dict[Place, int]
    heard: dict[Place, int]


def facts_of(site: Site, bound: Routes, known: Iterable[KnownSensor] = ()) -> Facts:
    """Return what the engine needs of a site; `known` are the sensors that were ever heard."""
    rooms = {Place(building.id, room.id) for building in site.buildings for room in building.rooms}
    buildings = {Place(building.id, None) for building in site.buildings}
    from_afar = watched(site)
    names: dict[str, list[str]] = {}
    behind: dict[str, list[str]] = {}
    for bridge in bound.bridges.values():
        for sensor in bridge.sensors:
            name = f"{sensor.place.building}/{bridge.name}"
            names.setdefault(sensor.key, []).append(name)
            behind.setdefault(name, []).append(sensor.key)
    return Facts(
        site.timezone,
        site.rulebook,
        site.calendar,
        frozenset(rooms | buildings),
        _spans(bound, known, {each.sensor.key for each in from_afar.values()}),
        names,
        behind,
        frozenset(route.sensor.key for route in bound.all() if route.is_mains_powered),
        {each.id: [one.name for one in site.people_for(each.id, LIFTERS)] for each in site.buildings},
        {
            each.id: {
                same_name(one.name): one.roles_in(each.id) for one in site.people_for(each.id, tuple(Role))
            }
            for each in site.buildings
        },
        from_afar,
        in_order(role for person in site.people for role in person.roles) if site.is_watch else (),
        {each.id: each.calendar for each in site.buildings if each.calendar is not None},
        site.plans,
    )


def watched(site: Site) -> dict[str, Watched]:
    """Return the buildings that are watched from afar, by id."""
    return {
        each.id: Watched(f"{of.root}/{of.gateway}", sensor_of(each.id, of.gateway, of.silent_after))
        for each in site.buildings
        if (of := each.outpost) is not None
    }


def with_known(facts: Facts, known: Iterable[KnownSensor]) -> Facts:
    """Return the same once more sensors were heard."""
    gateways = {each.sensor.key for each in facts.watched.values()}
    spans: dict[str, Collection[Span]] = {e.sensor.key: () for e in known if _was_bound(e, gateways)}
    return replace(facts, spans={**spans, **facts.spans}) if spans else facts


def _spans(bound: Routes, known: Iterable[KnownSensor], gateways: Collection[str]) -> dict[str, list[Span]]:
    """From when until when each sensor of the site file is bound; one that has left it is so no more."""
    spans: dict[str, list[Span]] = {each.sensor.key: [] for each in known if _was_bound(each, gateways)}
    for route in bound.all():
        span = (route.since, route.until)
        held = spans.setdefault(route.sensor.key, [])
        held += [] if span in held else [span]
    return spans


def _was_bound(known: KnownSensor, gateways: Collection[str]) -> bool:
    """Return whether a sensor was one of the site file when it was first heard."""
    is_gateway = known.sensor.id.startswith(GATEWAY) and known.sensor.key not in gateways
    return known.format not in (NATIVE, BY_HAND, SILENT, IMPORTED) or is_gateway


def expect(world: World, facts: Facts, bound: Routes, now: datetime) -> None:
    """Wait for the sensors of the site file, and no more for those that have left it."""
    for route in bound.all():
        supervision.expect(world, facts, route.sensor, max(now, route.since or now))
    for key, spans in facts.spans.items():
        ends = [until for _, until in spans if until is not None and until > now]
        if not facts.is_awaited(key, now):
            ends.append(now)
        for until in ends:
            world.schedule("release", key, until)
    for key in world.awaited.keys() - facts.spans.keys():  # it left the file while we were away
        world.schedule("release", key, now)
    lookout.expect(world, facts, now)


def recover(
    connection: Connection, facts: Facts, sensors: Mapping[int, Sensor], before: Loaded | None = None
) -> Recovered:
    """Return how everything stands; `sensors` are all that were ever heard, as the site file knows them.

    Of a World that was loaded `before`, no ticket and no episode need be read that is what it was.
    """
    world = World()
    loaded = ledger.load(connection, world, before)
    stood = places.load(connection)
    for place, standing in stood.items():
        stand(world, place, standing)
    saved = {place: standing.reading for place, standing in stood.items()}
    usual = places.saved_up_to(connection)
    heard: dict[Place, int] = {}
    newest: dict[int, datetime] = {}
    numbers = {sensor.key: number for number, sensor in sensors.items()}
    for id, spoke in readings.observations(connection, sensors, usual):
        if spoke.sensor.id.startswith(IMPORT):
            continue
        place, number = spoke.sensor.place, numbers[spoke.sensor.key]
        newest[number] = max(spoke.observed_at, newest.get(number, spoke.observed_at))
        if id > saved.get(place, usual):
            engine.observe(world, facts, spoke, spoke.received_at)
            heard[place] = id
    for number, sensor in sensors.items():  # what was read again may have come late
        health = world.health.get(sensor.key)
        if health is not None and health.heard_at is not None:
            newest[number] = max(health.heard_at, newest.get(number, health.heard_at))
    world.conclusions.clear()  # what was concluded then is among the readings
    connection.rollback()
    return Recovered(world, newest, set(heard), loaded, saved, heard)


def stand(world: World, place: Place, standing: places.Standing) -> None:
    """Have a place stand as it was saved."""
    if standing.room is not None:
        world.rooms[place] = standing.room
    if standing.power is not None:
        world.powers[place] = standing.power
    world.health.update(standing.health)


def standings(
    world: World, sensors: Mapping[int, Sensor], saved: Collection[Place], last: int
) -> Iterator[tuple[Place, places.Standing]]:
    """Yield how places stand, to be read back: once reading number `last` has been folded in."""
    healths: dict[Place, dict[str, Health]] = {}
    for sensor in sensors.values():
        if sensor.place in saved and (health := world.health.get(str(sensor))):
            healths.setdefault(sensor.place, {})[str(sensor)] = health
    for place in sorted(saved, key=str):
        known = world.rooms.get(place), world.powers.get(place)
        yield place, places.Standing(last, *known, healths.get(place, {}))
