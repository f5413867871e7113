"""Keeps an eye on the sensors: who is heard as usual, who is doubted, who fell silent, with which bridge.

Rule: what is found here is a trouble, told to those who mend sensors. It decides nothing about a room but one
thing: what a sensor says while it is doubted does not count.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from statistics import median

from safetyd.core import room, telling, trouble
from safetyd.core.model import SILENCE, Observation, Place, Sensor, TroubleKind
from safetyd.core.quality import Flaw, doubt_of, may_be_in_other_unit
from safetyd.core.rules import Rules
from safetyd.core.world import Facts, World

_PEERS = 50  # enough to know what other rooms do
_A_BRIDGE = 3  # sensors that fall silent together; fewer are a coincidence


def hear_as_usual(world: World, observation: Observation, rules: Rules) -> bool:
    """Hear a sensor with which nothing is the matter, and return True; else return False and do nothing."""
    key = observation.sensor.key
    old = world.health.get(key)
    if old is None or old.heard_at is None or world.troubles.get(key) or observation.by_hand:
        return False
    if not trouble.is_battery_good(old, observation, rules.quality):
        return False
    health = trouble.hear(old, observation, rules.quality)
    if health.repeats == trouble.PEERS_NOTED or health.repeats >= trouble.STUCK_REPEATS:
        return False
    world.health[key] = health
    return True


def doubt(world: World, facts: Facts, observation: Observation) -> str | None:
    """Return why temperature and humidity should not count although they look sound in themselves.

    It is asked once, when a reading arrives, and kept with it.
    """
    sensor, at = observation.sensor, observation.observed_at
    if observation.by_hand or observation.retained or sensor.place.room is None:
        return None
    if TroubleKind.STUCK in world.troubles.get(sensor.key, ()):
        health = world.health.get(sensor.key)
        if health is not None and trouble.is_frozen(health, observation):
            return f"the same values since {health.since:%Y-%m-%d %H:%M} UTC, while other rooms changed"
    if not may_be_in_other_unit(observation):
        return None
    belief = world.rooms.get(sensor.place, room.EMPTY).beliefs.get(sensor.id, room.NOBODY)
    if belief.reference is not None and belief.reference.until >= at:
        return None
    return doubt_of(observation, belief, _peers_f(world, sensor, at))


def _peers_f(world: World, sensor: Sensor, at: datetime) -> Sequence[float]:
    """What the other sensors of a building last said, as far as it still counts, °F; of many only some."""
    said = (
        source.temperature.value
        for place, standing in world.rooms.items()
        if place.building == sensor.place.building
        for id, source in standing.sources.items()
        if source.temperature is not None
        and source.temperature.until >= at
        and (place, id) != (sensor.place, sensor.id)
    )
    return list(islice(said, _PEERS))


def examine(
    world: World, facts: Facts, observation: Observation, flaws: tuple[Flaw, ...], now: datetime
) -> None:
    """Look for signs of trouble in what a sensor said, and for the end of those that stand."""
    if observation.sensor.id.startswith(SILENCE):
        return
    place, key, at = observation.sensor.place, observation.sensor.key, observation.observed_at
    quality = facts.book.in_force(at).quality
    standing_room = world.rooms.get(place, room.EMPTY)
    if observation.by_hand:
        for id, sign in trouble.hand_held(standing_room, observation, quality).items():
            _tell(world, f"{place}/{id}", place, [sign], now)
        return
    health, signs = trouble.examine(world.health.get(key), observation, flaws, quality)
    if health.repeats == trouble.PEERS_NOTED:
        peers_f = _peers_f(world, observation.sensor, at)
        health = health._replace(peers_f=median(peers_f) if peers_f else None)
    world.health[key] = health
    standing = world.troubles.get(key, {})
    if health.repeats >= trouble.STUCK_REPEATS and TroubleKind.STUCK not in standing:
        peers_f = _peers_f(world, observation.sensor, at)
        stuck = trouble.stuck(health, at, peers_f, quality, is_weak=TroubleKind.BATTERY in standing)
        signs += [stuck] if stuck else []
    if len(standing_room.sources) > 1:
        apart = trouble.disagreement(standing_room, at, quality)
        signs += [apart] if apart else []
    _tell(world, key, place, signs, now)
    bridge = facts.bridges.get(key)
    if bridge in world.troubles:
        _tell(world, bridge, place, [trouble.Sign(TroubleKind.SILENT, False, at)], now)
    if ("silence", key) not in world.scheduled:
        world.places[key] = place
        world.schedule("silence", key, trouble.next_silence(health))


def _tell(world: World, subject: str, place: Place, signs: Sequence[trouble.Sign], now: datetime) -> None:
    fresh = trouble.news(signs, world.troubles.get(subject, {}))
    if fresh:
        telling.signs(world, subject, place, fresh, now)


def complain(
    world: World, subject: str, place: Place, kind: TroubleKind, is_on: bool, now: datetime, note: str
) -> None:
    """Note a trouble that is not judged from values (unreadable, wrong clock, undeliverable), or its end."""
    _tell(world, subject, place, [trouble.Sign(kind, is_on, now, note)], now)


def expect(world: World, facts: Facts, sensor: Sensor, since: datetime) -> None:
    """Wait for a sensor of the site file that was never heard."""
    if sensor.key not in world.health:
        health = trouble.expected(sensor, since, facts.book.in_force(since).quality)
        world.health[sensor.key] = health
        world.places[sensor.key] = sensor.place
        world.schedule("silence", sensor.key, trouble.next_silence(health))


def release(world: World, key: str, now: datetime) -> None:
    """Wait for a sensor no more: it was taken away or moved, and its troubles with it."""
    for kind, standing in list(world.troubles.get(key, {}).items()):
        if standing.place is not None:
            telling.signs(world, key, standing.place, [trouble.Sign(kind, False, now)], now)


def pass_silence(world: World, facts: Facts, key: str, at: datetime, known_at: datetime) -> None:
    """Complain of a sensor that has said nothing for too long, or look again when its last word has lapsed.

    `known_at` is when that is told; the silence itself began with the last word's lapse.
    """
    health = world.health[key]
    sign = trouble.silence(health, at)
    if sign is None:
        world.schedule("silence", key, trouble.next_silence(health))
    elif key not in facts.released or health.until < facts.released[key]:
        _tell(world, key, world.places[key], [sign], known_at)
        _pass_bridge(world, facts, facts.bridges.get(key), at, known_at)


def _pass_bridge(world: World, facts: Facts, bridge: str | None, at: datetime, known_at: datetime) -> None:
    behind = [key for key in facts.behind(bridge) if key not in facts.released] if bridge else []
    if bridge is None or len(behind) < _A_BRIDGE:
        return
    healths = [world.health.get(key) for key in behind]
    if all(health is not None and health.until < at for health in healths):
        began_at = max(health.until for health in healths if health is not None)
        note = f"all its {len(behind)} sensors are silent"
        place = Place(world.places[behind[0]].building, None)
        _tell(world, bridge, place, [trouble.Sign(TroubleKind.SILENT, True, began_at, note)], known_at)


def hear_bridge(world: World, bridge: str, place: Place, is_there: bool, now: datetime) -> None:
    """Take a bridge's own word that it is there, or its last will that it is not."""
    sign = trouble.Sign(TroubleKind.SILENT, not is_there, now, "" if is_there else "it says that it is gone")
    world.now = max(now, world.now)
    _tell(world, bridge, Place(place.building, None), [sign], now)


def wait_for_all(world: World, facts: Facts, now: datetime) -> None:
    """Note when each sensor's silence will show, in a World that was read back.

    While we were away everybody was silent to us: each has the time of one word to be heard again.
    """
    for key, health in world.health.items():
        building, *middle = key.split("/")[:-1]
        world.places[key] = Place(building, middle[0] if middle else None)
        if TroubleKind.SILENT not in world.troubles.get(key, {}):
            grace = now + facts.book.in_force(now).quality.stale_after
            world.schedule("silence", key, max(grace, trouble.next_silence(health)))
