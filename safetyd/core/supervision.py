"""Keeps an eye on the sensors: who is heard as usual, who is doubted, who fell silent, with which bridge.

Rule: what is found here is a trouble, told to those who mend sensors. It decides nothing about a room but one
thing: what a sensor says while it is doubted does not count.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from safetyd.core import drift, room, telling, trouble
from safetyd.core.health import MOST_A_MINUTE, Health, expected, hear, is_late, next_silence, patience
from safetyd.core.model import GATEWAY, SILENCE, Observation, Place, Sensor, TroubleKind
from safetyd.core.quality import Flaw, doubt_of, may_be_in_other_unit
from safetyd.core.rules import Rules
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, World

_PEERS = 50  # enough to know what other rooms do
_A_BRIDGE = 3  # sensors that fall silent together; fewer are a coincidence
_ON_ITS_WAY = timedelta(minutes=1)


def hear_as_usual(world: World, facts: Facts, observation: Observation, rules: Rules) -> bool:
    """Hear a sensor with which nothing is the matter, and return True; else return False and do nothing."""
    key = observation.sensor.key
    old = world.health.get(key)
    if old is None or old.heard_at is None or world.troubles.get(key) or observation.by_hand:
        return False
    if old.odd or old.soaked_since is not None or observation.observed_at < old.heard_at:
        return False
    if not trouble.is_battery_good(old, observation, rules.quality):
        return False
    if facts.bridges and any(world.troubles.get(bridge) for bridge in facts.bridges.get(key, ())):
        return False
    health = hear(old, observation, rules.quality)
    still = health.temperature
    if health.words > MOST_A_MINUTE or (still is not None and still.repeats >= trouble.STUCK_REPEATS):
        return False
    world.health[key] = health
    return True


def doubt(world: World, observation: Observation) -> str | None:
    """Return why temperature and humidity should not count although they look sound in themselves.

    It is asked once, when a reading arrives, of what others have said by then, and kept with it: of a reading
    that comes late it may be another answer than if it had come in time.
    """
    sensor, at = observation.sensor, observation.observed_at
    if observation.by_hand or observation.retained or sensor.place.room is None:
        return None
    standing = world.troubles.get(sensor.key)
    stuck = standing.get(TroubleKind.STUCK) if standing else None
    if stuck is not None and stuck.note.endswith(trouble.WHILE_OTHERS_MOVED):
        health = world.health.get(sensor.key)
        if trouble.says_the_same(health, observation) and not is_late(health, observation):
            return stuck.note
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


def _neighbours(world: World, sensor: Sensor) -> Sequence[Health]:
    """The healths of other sensors of a building that measure a temperature; of many only some."""
    building = f"{sensor.place.building}/"
    others = (
        health
        for key, health in world.health.items()
        if health.level is not None and key != sensor.key and key.startswith(building)
    )
    return list(islice(others, _PEERS))


def examine(
    world: World, facts: Facts, observation: Observation, flaws: tuple[Flaw, ...], now: datetime
) -> None:
    """Look for signs of trouble in what a sensor said, and for the end of those that stand."""
    sensor, at = observation.sensor, observation.observed_at
    place, key = sensor.place, sensor.key
    if sensor.id.startswith(SILENCE):
        return
    if sensor.id.startswith(GATEWAY):  # since when power is out is no word on its clock
        observation = observation._replace(device_at=None)
    quality = facts.book.in_force(at).quality
    standing_room = world.rooms.get(place, room.EMPTY)
    if observation.by_hand:
        for id, sign in trouble.hand_held(standing_room, observation, quality).items():
            _tell(world, f"{place}/{id}", place, [sign], now)
            if not sign.is_on:
                _clear_of_drift(world, f"{place}/{id}", place, now)
        return
    standing, was_late = world.troubles.get(key, {}), is_late(world.health.get(key), observation)
    if TroubleKind.STUCK in standing:  # that it is not believed for this is known
        flaws = tuple(flaw for flaw in flaws if flaw.reason != observation.doubt)
    health, signs = trouble.examine(world.health.get(key), observation, flaws, quality, now)
    world.health[key] = health
    is_weak = TroubleKind.BATTERY in standing
    if not was_late and trouble.frozen_since(health, at, quality, is_weak=is_weak) is not None:
        stuck = trouble.stuck(health, at, _neighbours(world, sensor), quality, is_weak=is_weak)
        signs += [stuck] if stuck else []
    if not was_late and len(standing_room.sources) > 1:
        apart = trouble.disagreement(standing_room, at, quality)
        signs += [apart] if apart else []
    _tell(world, key, place, signs, now)
    _end_bridge(world, facts, key, now)
    if ("drift", place.building) not in world.scheduled:
        drift.schedule(world, place.building, now)
    if ("silence", key) not in world.scheduled:  # a backlog may be followed by what is new
        is_old = health.until <= now
        due_at = now + patience(sensor, health.gap_s, quality) if is_old else next_silence(health)
        world.places[key] = place
        world.schedule("silence", key, due_at)


def _clear_of_drift(world: World, key: str, place: Place, now: datetime) -> None:
    """A person's instrument agrees with a sensor: it is its room that differs from the others."""
    if key in world.health:
        world.health[key] = drift.settle(world.health[key])
    _tell(world, key, place, [trouble.Sign(TroubleKind.DRIFT, False, now)], now)


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
    """Wait for a sensor of the site file from a moment on, whether it was ever heard or not.

    Of one that was never heard the wait goes on where it was before a restart; it has the time of one word.
    """
    quality, key = facts.book.in_force(since).quality, sensor.key
    health = world.health.get(key)
    world.places[key] = sensor.place
    if health is None:
        if key not in world.awaited:
            world.awaited[key] = world.changes.awaited[key] = since
        health = world.health[key] = expected(sensor, world.awaited[key], quality)
    if TroubleKind.SILENT not in world.troubles.get(key, {}):
        wait = patience(sensor, health.gap_s, quality)
        if key in world.awaited and health.heard_at is None:
            wait = min(wait, quality.stale_after)
        world.schedule("silence", key, max(next_silence(health), since + wait + JUST_AFTER))


def release(world: World, key: str, now: datetime) -> None:
    """Wait for a sensor no more: it was taken away or moved, and its troubles with it."""
    if world.awaited.pop(key, None) is not None:
        world.changes.awaited[key] = None
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
        world.schedule("silence", key, next_silence(health))
    elif facts.is_awaited(key, at):
        _tell(world, key, world.places[key], [sign], known_at)
        _pass_bridge(world, facts, key, at, known_at)


def _pass_bridge(world: World, facts: Facts, key: str, at: datetime, known_at: datetime) -> None:
    """Once all that is heard through a bridge is silent, that is the bridge's trouble."""
    bridges = facts.bridges.get(key, ())
    if not bridges or any(world.troubles.get(bridge) for bridge in bridges):
        return
    behind = [each for each in facts.behind.get(bridges[0], ()) if facts.is_awaited(each, at)]
    healths = [world.health.get(each) for each in behind]
    if len(behind) >= _A_BRIDGE and all(health is not None and health.until < at for health in healths):
        began_at = max(health.until for health in healths if health is not None)
        note = f"all its {len(behind)} sensors are silent"
        sign = trouble.Sign(TroubleKind.SILENT, True, began_at, note)
        _tell(world, bridges[0], Place(world.places[key].building, None), [sign], known_at)


def _end_bridge(world: World, facts: Facts, key: str, now: datetime) -> None:
    """What is heard through a bridge shows that it is back, but for what was on its way when it went."""
    for bridge in facts.bridges.get(key, ()):
        standing = world.troubles.get(bridge, {}).get(TroubleKind.SILENT)
        if standing is not None and standing.place is not None and now - standing.began_at > _ON_ITS_WAY:
            _tell(world, bridge, standing.place, [trouble.Sign(TroubleKind.SILENT, False, now)], now)


def hear_bridge(world: World, facts: Facts, name: str, is_there: bool, now: datetime) -> None:
    """Take a bridge's word that it is there, or its last will that it is not, in each of its buildings."""
    world.now = max(now, world.now)
    for bridge in facts.behind:
        building, _, its_name = bridge.partition("/")
        if its_name == name:
            note = "" if is_there else "it says that it is gone"
            sign = trouble.Sign(TroubleKind.SILENT, not is_there, now, note)
            _tell(world, bridge, Place(building, None), [sign], now)


def wait_for_all(world: World, facts: Facts, now: datetime) -> None:
    """Note when each sensor's silence will show, in a World that was read back.

    While we were away everybody was silent to us: each has the time of one word to be heard again.
    """
    for key, health in world.health.items():
        building, *middle = key.split("/")[:-1]
        world.places[key] = Place(building, middle[0] if middle else None)
        if ("drift", building) not in world.scheduled:
            drift.schedule(world, building, now)
        if TroubleKind.SILENT not in world.troubles.get(key, {}):
            grace = now + facts.book.in_force(now).quality.stale_after
            world.schedule("silence", key, max(grace, next_silence(health)))
