"""Which rooms of a building could take a class in: those that are known to be in range now (9.14.3.C).

Rule: what is not known is not offered: no room without fresh, believed values, and none with an open ticket.
"""

from datetime import datetime
from typing import NamedTuple

from safetyd.core import room
from safetyd.core.model import Condition, Place, Verdict
from safetyd.core.world import Facts, World

_PLEASANT_F = 70.0


class Space(NamedTuple):
    """A room in range: its air temperature and heat index, °F, as they count now."""

    place: Place
    air_temp_f: float
    heat_index_f: float
    observed_at: datetime


def spaces(world: World, facts: Facts, building: str, now: datetime) -> list[Space]:
    """Return the rooms of a building that are in range, the most pleasant first."""
    rules = facts.book.in_force(now)
    troubled = {place for place, _, _ in world.open}
    found = []
    for place, standing in world.rooms.items():
        if place.building != building or place not in facts.places or place in troubled:
            continue
        verdicts = {room.verdict(standing, each, now, rules) for each in (Condition.COLD, Condition.HEAT)}
        coldest = room.warmth(standing, Condition.COLD, now, rules)
        hottest = room.warmth(standing, Condition.HEAT, now, rules)
        if verdicts == {Verdict.OK} and coldest is not None and hottest is not None:
            found.append(Space(place, coldest.value, hottest.value, coldest.at))
    return sorted(found, key=lambda each: (abs(each.air_temp_f - _PLEASANT_F), str(each.place)))
