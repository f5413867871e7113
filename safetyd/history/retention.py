"""How long readings and roll-ups are kept, and what is deleted then.

Rule: no reading goes before it is rolled up, nor one that an open or a disputed ticket needs: those of its
place, from a day before its first episode on.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from safetyd.core.model import Episode, Place, Sensor
from safetyd.core.ticket import Status, Ticket
from safetyd.core.world import World
from safetyd.store import ledger
from safetyd.store.database import Connection

_BEFORE = timedelta(days=1)


def needed(connection: Connection, sensors: Mapping[int, Sensor]) -> dict[int, datetime]:
    """Return since when tickets need what a sensor said, by its number; of the others they need nothing."""
    world = World()
    ledger.load(connection, world)
    episodes = world.episodes.values()
    wanted = [
        (ticket.place, _since(ticket, episodes))
        for ticket in world.tickets.values()
        if ticket.status is not Status.CLOSED or ticket.disputed
    ]
    found: dict[int, datetime] = {}
    for number, sensor in sensors.items():
        since = min((at for place, at in wanted if _is_of(sensor.place, place)), default=None)
        if since is not None:
            found[number] = since
    return found


def _since(ticket: Ticket, episodes: Iterable[Episode]) -> datetime:
    began = [each.began_at for each in episodes if each.ticket == ticket.id]
    return min([ticket.began_at, *began]) - _BEFORE


def _is_of(place: Place, wanted: Place) -> bool:
    """A building's ticket needs its rooms too: what power did to them is part of the case."""
    return place == wanted or (wanted.room is None and place.building == wanted.building)


def boundary(marks: Iterable[datetime], settled_to: datetime, before: datetime) -> datetime | None:
    """Return the last moment to which readings may go: one at which it is known how to go on without them."""
    return max((mark for mark in marks if mark <= min(before, settled_to)), default=None)
