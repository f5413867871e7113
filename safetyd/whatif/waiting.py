"""Readings that are stored and not rolled up yet, so that an estimate does not count them.

Rule: what an estimate leaves out is named. Of a sensor's readings the first and the last tell for all.
"""

from collections.abc import Sequence
from datetime import datetime

from safetyd.calendar_words import listed
from safetyd.site import Site
from safetyd.store import readings, rollups, supposing
from safetyd.store.database import Connection


def waiting(
    connection: Connection, buildings: Sequence[str], begin: datetime, end: datetime, after: int
) -> list[str]:
    """Return the buildings of which readings of a range are not rolled up yet, but lie after row `after`."""
    said = supposing.heard_since(connection, after, begin, end)
    numbers = {each.place: each.number for each in rollups.places(connection)}
    found = {
        each.sensor.place.building
        for each in readings.sensors(connection)
        if each.number in said and each.sensor.place.room is not None
        if each.sensor.place.building in buildings
        if not _is_rolled(connection, numbers.get(each.sensor.place), said[each.number])
    }
    return [each for each in buildings if each in found]


def _is_rolled(connection: Connection, place: int | None, heard: supposing.Heard) -> bool:
    return place is not None and all(supposing.is_rolled_up(connection, place, at) for at in heard)


def waiting_words(buildings: Sequence[str], site: Site) -> str:
    """Return that readings of some buildings are left out, in words; nothing where none are."""
    if not buildings:
        return ""
    names = {each.id: each.name for each in site.buildings}
    where = listed(names.get(each, each) for each in buildings)
    return (
        f"of {where} readings are on record that are not rolled up yet, which takes minutes: they are left"
        " out here, and --exact counts them"
    )
