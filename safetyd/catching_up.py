"""How everything stands, brought up to date by what was decided, saved and said since it was looked at.

Rule: the cost is that of what is new, however many rooms, tickets and sensors there are. A place that was
saved meanwhile stands as it was saved; the others are followed by their readings. What the store then says
and the World does not is no case for guessing: then everything is read anew.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from safetyd.core import engine, power
from safetyd.core.model import IMPORT, Place, Sensor
from safetyd.core.world import Changes, Facts, World
from safetyd.recovery import Recovered, stand
from safetyd.store import copy_of, ledger, places, readings
from safetyd.store.database import Connection
from safetyd.store.readings import Numbered

_AT_ONCE = 1000  # readings


class CaughtUp(NamedTuple):
    """How everything stands now, and whether any reading has come, or time has changed anything."""

    recovered: Recovered
    is_heard: bool


class Listeners(NamedTuple):
    """All sensors that were ever heard, by their numbers, and the numbers of each place's."""

    sensors: Mapping[int, Sensor]
    by_place: dict[Place, list[int]]

    @classmethod
    def of(cls, sensors: Mapping[int, Sensor]) -> "Listeners":
        """Return them of the sensors."""
        made = cls(sensors, {})
        made.add(sensors)
        return made

    def add(self, numbers: Iterable[int]) -> None:
        """Take in some that are new among the sensors."""
        for number in numbers:
            self.by_place.setdefault(self.sensors[number].place, []).append(number)

    def at(self, found: Iterable[Place]) -> dict[int, Sensor]:
        """Return those of some places."""
        return {n: self.sensors[n] for place in found for n in self.by_place.get(place, ())}


def catch_up(
    connection: Connection,
    recovered: Recovered,
    facts: Facts,
    listeners: Listeners,
    after: int,
    *,
    is_decided: bool,
) -> CaughtUp | None:
    """Bring a World up to date that was so up to the reading `after`; the one there was is used up.

    It is None if everything is to be read anew: too much was decided since, what was saved of a place is
    gone, or a reading would decide something that is not on record.
    """
    is_copy = copy_of.of(connection) is not None
    taken = {*listeners.by_place, *recovered.saved} if is_copy else set()  # of a copy any may be another
    if is_decided:
        told = ledger.bring_up_to_date(connection, recovered.loaded)
        if told is None:
            return None
        loaded, changed = told
        recovered, taken = recovered._replace(loaded=loaded), taken | changed
    awaiting = _awaiting(recovered.world, facts)
    taken |= awaiting.keys()
    if not _take_saved(connection, recovered, facts, listeners, taken, after):
        return None
    is_heard = any(recovered.world.powers.get(place) != stood for place, stood in awaiting.items())
    for said in _in_parts(readings.observations(connection, listeners.sensors, after)):
        is_heard = True
        spoke = {each.observation.sensor.place for each in said}
        if not _take_saved(connection, recovered, facts, listeners, spoke - taken, after):
            return None
        taken |= spoke
        _fold(recovered, facts, said)
    world = recovered.world
    world.conclusions.clear()
    changes, world.changes = world.changes, Changes()
    if changes.ticket_ids() or changes.episodes or changes.dropped:
        return None
    return CaughtUp(recovered, is_heard)


def _awaiting(world: World, facts: Facts) -> dict[Place, power.Power]:
    """Return how the electricity of buildings stands where time alone changes it, with no line on record."""
    found = {}
    for place, standing in world.powers.items():
        rules = facts.book.in_force(standing.at or world.now)
        if power.next_due(standing, rules) is not None:
            found[place] = standing
    return found


def _in_parts(said: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    all_of_it = iter(said)
    while some := list(islice(all_of_it, _AT_ONCE)):
        yield some


def _fold(recovered: Recovered, facts: Facts, said: Iterable[Numbered]) -> None:
    for id, spoke in said:
        place = spoke.sensor.place
        if id > recovered.saved.get(place, 0) and not spoke.sensor.id.startswith(IMPORT):
            engine.observe(recovered.world, facts, spoke, spoke.received_at)
            recovered.heard[place] = id


def _take_saved(
    connection: Connection,
    recovered: Recovered,
    facts: Facts,
    listeners: Listeners,
    asked: Collection[Place],
    after: int,
) -> bool:
    """Have those of some places that were saved since stand so; return whether all are still kept.

    One that was followed beyond what was saved of it is followed again from there.
    """
    saved, heard = recovered.saved, recovered.heard
    found = places.newest(connection, asked)
    if any(place in saved and place not in found for place in asked):
        return False
    anew = {place: each for place, each in found.items() if each.reading != saved.get(place)}
    anew |= {place: each for place, each in found.items() if each.reading >= after}
    world = recovered.world
    for each in listeners.at(anew).values():
        world.health.pop(each.key, None)
    for place, (reading, body) in anew.items():
        world.rooms.pop(place, None)
        world.powers.pop(place, None)
        stand(world, place, places.decoded(body))
        saved[place] = reading
    behind = {place: saved[place] for place in anew if heard.get(place, 0) > saved[place]}
    if behind:
        again = listeners.at(behind)
        start = min(behind.values())
        _fold(recovered, facts, readings.observations(connection, again, start, up_to_id=after))
    return True
