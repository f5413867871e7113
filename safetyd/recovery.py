"""How everything stands, read back from the store: for the writer at its start, and for whoever only looks.

Rule: what was saved with the last decision, and every reading since then folded in, is how it stood when the
last reading was stored. Decisions are saved in the transaction that makes them; the readings since hold none.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from safetyd.core import engine, lookout, supervision
from safetyd.core.closure import LIFTERS
from safetyd.core.health import Health
from safetyd.core.lookout import sensor_of
from safetyd.core.model import GATEWAY, IMPORT, Place, Role, Sensor, same_name
from safetyd.core.plan import in_order
from safetyd.core.world import Changes, Facts, Span, Watched, World
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
    """The World, the newest reading of each sensor by its number, the places not saved since, what was saved
    of each, and up to where the record was read."""

    world: World
    newest: dict[int, datetime]
    touched: set[Place]
    saved: Mapping[Place, bytes]
    loaded: Loaded


class Before(NamedTuple):
    """What was read back earlier and followed since, up to and with a reading; not so the places of which
    something came late."""

    recovered: Recovered
    reading: int
    late: frozenset[Place] = frozenset()


class Followed(NamedTuple):
    """Up to and with which reading was followed, and why no further: one came late, or decided something."""

    reading: int
    late: frozenset[Place] = frozenset()
    decided: bool = False


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


def _spans(bound: Routes, known: Iterable[KnownSensor], gateways: Collection[str]) -> dict[str, list[Span]]:
    """From when until when each sensor of the site file is bound; one that has left it is so no more."""
    spans: dict[str, list[Span]] = {
        each.sensor.key: []
        for each in known
        if each.format not in (NATIVE, BY_HAND, SILENT, IMPORTED)
        or (each.sensor.id.startswith(GATEWAY) and each.sensor.key not in gateways)
    }
    for route in bound.all():
        span = (route.since, route.until)
        held = spans.setdefault(route.sensor.key, [])
        held += [] if span in held else [span]
    return spans


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
    connection: Connection,
    facts: Facts,
    sensors: Mapping[int, Sensor],
    before: Before | Loaded | None = None,
) -> Recovered:
    """Return how everything stands; `sensors` are all that were ever heard, as the site file knows them.

    What was saved of a ticket, an episode or a place when it was read back `before`, and still is, need not
    be read or followed again; of a World that was only loaded, no ticket and no episode need be read.
    """
    world = World()
    loaded = ledger.load(connection, world, before.recovered.loaded if isinstance(before, Before) else before)
    saved = places.bodies(connection)
    anew: Collection[Place] = saved
    newest: dict[int, datetime] = {}
    if isinstance(before, Before):
        anew = _go_on_from(world, before, saved, sensors)
        newest = dict(before.recovered.newest)
    stood = {place: places.decoded(saved[place]) for place in anew if place in saved}
    for place, standing in stood.items():
        if standing.room is not None:
            world.rooms[place] = standing.room
        if standing.power is not None:
            world.powers[place] = standing.power
        world.health.update(standing.health)
    folded = {place: standing.reading for place, standing in stood.items()}
    usual = start = places.saved_up_to(connection)
    if isinstance(before, Before):
        usual = before.reading
        start = min([usual, *folded.values()])
        folded = dict.fromkeys(anew, start) | folded
    touched: set[Place] = set()
    numbers = {sensor.key: number for number, sensor in sensors.items()}
    for id, spoke in readings.observations(connection, sensors, start):
        if spoke.sensor.id.startswith(IMPORT):
            continue
        place, number = spoke.sensor.place, numbers[spoke.sensor.key]
        newest[number] = max(spoke.observed_at, newest.get(number, spoke.observed_at))
        if id > folded.get(place, usual):
            engine.observe(world, facts, spoke, spoke.received_at)
            touched.add(place)
    for number, sensor in sensors.items():  # what was read again may have come late
        health = world.health.get(sensor.key) if anew is saved or sensor.place in anew else None
        if health is not None and health.heard_at is not None:
            newest[number] = max(health.heard_at, newest.get(number, health.heard_at))
    world.conclusions.clear()  # what was concluded then is among the readings
    connection.rollback()
    return Recovered(world, newest, touched, saved, loaded)


def _go_on_from(
    world: World, before: Before, saved: Mapping[Place, bytes], sensors: Mapping[int, Sensor]
) -> set[Place]:
    """Take over how places stood before, and return those that are to be read anew: of which something else
    was saved since, or something came late. The World of before is used up."""
    old, was_saved = before.recovered.world, before.recovered.saved
    anew = {place for place, body in saved.items() if was_saved.get(place) != body}
    anew |= was_saved.keys() - saved.keys() | before.late
    unheard = {sensor.key for sensor in sensors.values() if sensor.place in anew}
    world.rooms, world.powers, world.health = old.rooms, old.powers, old.health
    for place in anew:
        world.rooms.pop(place, None)
        world.powers.pop(place, None)
    for key in unheard:
        world.health.pop(key, None)
    world.places, world.scheduled, world.dues = old.places, old.scheduled, old.dues
    world.now = old.now
    return anew


def follow(
    connection: Connection, recovered: Recovered, facts: Facts, sensors: Mapping[int, Sensor], after: int
) -> Followed:
    """Fold in the readings after a number, of sensors that are known.

    What has decided something was saved with its decision, which is to be read and not to be worked out: then
    everything is to be read back anew.
    """
    world, newest = recovered.world, recovered.newest
    numbers = {sensor.key: number for number, sensor in sensors.items()}
    late: frozenset[Place] = frozenset()
    for id, spoke in readings.observations(connection, sensors, after):
        number = numbers[spoke.sensor.key]
        if number in newest and spoke.observed_at <= newest[number]:
            late = frozenset([spoke.sensor.place])
            break
        newest[number] = spoke.observed_at
        if engine.observe(world, facts, spoke, spoke.received_at).is_late:
            late = frozenset([spoke.sensor.place])
            break
        after = id
    world.conclusions.clear()
    changes, world.changes = world.changes, Changes()
    return Followed(after, late, bool(changes.ticket_ids() or changes.episodes or changes.dropped))


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
