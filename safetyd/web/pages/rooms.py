"""The rooms of a building as a person wants them: the worst first, each with all there is to know.

Rule: unknown is worse than ok, and is told since when; nothing here says what is to be done about it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

from safetyd.core.model import Condition, Place
from safetyd.core.room import EMPTY
from safetyd.core.ticket import Ticket
from safetyd.core.world import World
from safetyd.objects import room_object
from safetyd.site import Building, Site
from safetyd.view import View


class Rank(IntEnum):
    """How a room is, the worst first."""

    COLD = 0
    HOT = 1
    REPORTED = 2  # somebody saw what no sensor sees
    SILENT = 3
    IN_PART = 4  # known to be warm enough, but not whether it is too hot
    WATCHED = 5
    OK = 6


class Unowed(NamedTuple):
    """Why no ticket is open for a breach that goes on: it was closed, or work hours have yet to begin."""

    closed: str = ""
    waits_until: datetime | None = None


class Card(NamedTuple):
    """One room. `is_old` if its values no longer count; `began_at` is when it began to be as it is.

    `unowed` where it is too cold or too hot and nobody owes anything for it.
    """

    id: str
    name: str
    rank: Rank
    shown: Mapping[str, Any]
    seen_at: datetime | None
    began_at: datetime | None
    tickets: tuple[Ticket, ...]
    unowed: Unowed | None = None

    @property
    def is_old(self) -> bool:
        """Whether what was last measured no longer counts."""
        return self.shown["values"]["temperature_f"] is None

    @property
    def says(self) -> str:
        """What is to be said aloud when it has become otherwise."""
        return f"{self.name}: {_WORDS[self.rank]}"


class Phrase(NamedTuple):
    """A piece of a sentence, and the moment it ends in, if any."""

    words: str
    at: datetime | None = None


_WORDS = {
    Rank.COLD: "too cold",
    Rank.HOT: "too hot",
    Rank.REPORTED: "a hazard was reported",
    Rank.SILENT: "no reading",
    Rank.IN_PART: "heat unknown, no humidity",
    Rank.WATCHED: "getting hot",
    Rank.OK: "neither too cold nor too hot",
}


def cards(view: View, building: Building, tickets: Iterable[Ticket]) -> list[Card]:
    """Return every room of a building, the worst first, then by name."""
    of_room: dict[str | None, list[Ticket]] = {}
    for ticket in tickets:
        of_room.setdefault(ticket.place.room, []).append(ticket)
    found = [
        _card(view, Place(building.id, room.id), room.name, tuple(of_room.get(room.id, ())))
        for room in building.rooms
    ]
    found.sort(key=lambda each: (each.rank, natural(each.name)))
    return found


def _card(view: View, place: Place, name: str, tickets: tuple[Ticket, ...]) -> Card:
    shown = room_object(view.world, view.facts, place, name, view.at)
    room = view.world.rooms.get(place, EMPTY)
    heard = [each.temperature.at for each in room.sources.values() if each.temperature is not None]
    rank = rank_of(shown, has_hazard=any(each.condition is Condition.HAZARD for each in tickets))
    seen_at = max(heard, default=room.at)
    began_at = {
        Rank.COLD: room.watch(Condition.COLD).began_at,
        Rank.HOT: room.watch(Condition.HEAT).began_at,
        Rank.SILENT: seen_at,
    }.get(rank)
    owed_for = {Rank.COLD: Condition.COLD, Rank.HOT: Condition.HEAT}.get(rank)
    unowed = None if owed_for is None else _unowed(view.world, place, owed_for)
    return Card(place.room or "", name, rank, shown, seen_at, began_at, tickets, unowed)


def _unowed(world: World, place: Place, condition: Condition) -> Unowed | None:
    number, subject = world.running.get((place, condition)), (place, condition, None)
    if number is None or subject in world.open:
        return None
    closed = world.last.get(subject, "")
    return Unowed(closed if number in world.bound.get(closed, ()) else "", world.held.get(number))


def rank_of(shown: Mapping[str, Any], *, has_hazard: bool = False) -> Rank:
    """Return how a room is, of what is shown of it and whether the ticket of a hazard is open."""
    cold, heat = shown["verdicts"]["cold"], shown["verdicts"]["heat"]
    if cold == "breach":
        return Rank.COLD
    if heat == "breach":
        return Rank.HOT
    if has_hazard:
        return Rank.REPORTED
    if cold == "unknown":
        return Rank.SILENT
    if heat == "unknown":
        return Rank.IN_PART
    return Rank.WATCHED if shown["watch"] else Rank.OK


def phrases(found: Sequence[Card]) -> list[Phrase]:
    """Return in a sentence how rooms are: what is wrong with how many of them."""
    if not found:
        return [Phrase("No room is named in the site file")]
    by_rank = {rank: [each for each in found if each.rank is rank] for rank in Rank}
    said: list[Phrase] = []
    for rank, (one, many) in _PHRASES.items():
        if some := by_rank[rank]:
            rooms = "" if said else " room" if len(some) == 1 else " rooms"
            began = [each.began_at for each in some if each.began_at is not None]
            at = min(began, default=None) if rank is Rank.SILENT else None
            tail = "" if at is None else " since" if len(some) == 1 else ", the longest since"
            said.append(Phrase(f"{len(some)}{rooms} {one if len(some) == 1 else many}{tail}", at))
    if not said:
        said.append(
            Phrase("The only room is neither too cold nor too hot")
            if len(found) == 1
            else Phrase(f"All {len(found)} rooms are neither too cold nor too hot")
        )
    return said


_PHRASES = {
    Rank.COLD: ("is too cold", "are too cold"),
    Rank.HOT: ("is too hot", "are too hot"),
    Rank.REPORTED: ("has a reported hazard", "have reported hazards"),
    Rank.SILENT: ("has no reading", "have no reading"),
    Rank.IN_PART: ("may be too hot (no humidity)", "may be too hot (no humidity)"),
    Rank.WATCHED: ("is getting hot", "are getting hot"),
}


def place_name(site: Site, place: Place) -> str:
    """Return what people call a place."""
    building = site.building(place.building)
    room = building.room(place.room) if building and place.room else None
    return room.name if room else place.room or "the whole building"


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Return by what names are put in order: Room 2 before Room 10."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(False, int(each), "") if each[0] in "0123456789" else (True, 0, each) for each in pieces]
