"""The answers to those who look: each is made of one view of the store, and only of what its asker may see.

Rule: what somebody may not see is not there for them, by the same words as what does not exist.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from heapq import merge
from typing import Any, NamedTuple

from safetyd.core.model import Place, Trouble, TroubleKind
from safetyd.core.tally import Measure
from safetyd.core.ticket import Ticket
from safetyd.faults import Misfit, did_you_mean
from safetyd.history.document import answer_object
from safetyd.history.queries import History, HistoryError, Question
from safetyd.objects import room_object, trouble_object
from safetyd.shapes import positive_duration
from safetyd.site import Building, Site
from safetyd.store.accounts import Account
from safetyd.store.database import Connection
from safetyd.store.troubles import newest_troubles
from safetyd.times import read_time, rfc3339
from safetyd.view import View
from safetyd.web.access import sees
from safetyd.web.problems import Problem, misused

MOST_POINTS = 50_000
_BY_READINGS = timedelta(days=14)  # how long a range may be whose spans are made of single readings
_SPAN = timedelta(minutes=5)
_TICKETS, _TROUBLES = 50, 100


class Asked(NamedTuple):
    """Who asks, and what: parameters of path and query by name."""

    account: Account
    said: Mapping[str, Any]


def tickets(view: View, asked: Asked) -> dict[str, Any]:
    """Return a page of tickets, the newest first."""
    said = asked.said
    wanted = _building_of(view.site, asked)
    found = [
        each
        for each in view.world.tickets.values()
        if sees(asked.account, each.place.building)
        and said.get("status") in (None, each.status.value)
        and said.get("condition") in (None, each.condition.value)
        and (wanted is None or wanted.id == each.place.building)
    ]
    found.sort(key=_place_in_list, reverse=True)
    cursor = said.get("cursor")
    if cursor is not None:
        last = _visible(view, asked.account, cursor)
        if last is None:
            raise misused("cursor", f"cursor: {cursor[:80]!r} is none of ours; give a `next` as it came")
        found = [each for each in found if _place_in_list(each) < _place_in_list(last)]
    limit = said.get("limit", _TICKETS)
    page = found[:limit]
    shown = [view.ticket(each.id) for each in page]
    return {"tickets": shown, "next": page[-1].id if len(found) > limit else None}


def ticket(view: View, asked: Asked) -> dict[str, Any]:
    """Return one ticket."""
    return view.whole_ticket(visible_ticket(view, asked.account, asked.said["id"]).id)


def visible_ticket(view: View, account: Account, id: str) -> Ticket:
    """Return a ticket that somebody may see.

    Raises:
        Problem: there is none for them.
    """
    found = _visible(view, account, id)
    if found is None:
        ids = [each.id for each in view.world.tickets.values() if sees(account, each.place.building)]
        raise Problem(404, f"there is no ticket {id[:80]!r}{did_you_mean(id[:80], ids)}")
    return found


def rooms(view: View, asked: Asked) -> dict[str, Any]:
    """Return how every room stands."""
    wanted = _building_of(view.site, asked)
    found = [
        room_object(view.world, view.facts, Place(building.id, room.id), room.name, view.at)
        for building in buildings_of(view.site, asked.account)
        if wanted is None or wanted.id == building.id
        for room in building.rooms
    ]
    return {"rooms": found}


def troubles(view: View, asked: Asked) -> dict[str, Any]:
    """Return a page of troubles, the newest first."""
    page, cursor = found_troubles(view, asked)
    return {"troubles": [trouble_object(each) for each in page], "next": cursor}


def found_troubles(view: View, asked: Asked) -> tuple[list[Trouble], str | None]:
    """Return a page of troubles, the newest first, and where the next one begins."""
    said, account = asked.said, asked.account
    wanted = _building_of(view.site, asked)
    buildings = account.buildings if wanted is None else (wanted.id,)
    limit, cursor, kind = said.get("limit", _TROUBLES), said.get("cursor"), said.get("kind")
    before = _numbers(cursor, len(view.each))
    standing = said.get("standing")
    chosen: dict[str, Any] = {
        "buildings": buildings,
        "kinds": () if kind is None else (TroubleKind(kind),),
        "is_standing": None if standing is None else standing == "true",
    }
    of_stores = [
        [
            (store, number, each)
            for number, each in newest_troubles(part.connection, limit + 1, before=last, **chosen)
        ]
        for store, (part, last) in enumerate(zip(view.each, before, strict=True))
    ]
    found = list(merge(*of_stores, key=lambda each: each[2].began_at, reverse=True))  # each in its own order
    page = found[:limit]
    reached = dict(enumerate(before)) | {store: number for store, number, _ in page}
    following = ".".join("" if number is None else str(number) for number in reached.values())
    return [each for _, _, each in page], following if len(found) > limit else None


def _numbers(cursor: str | None, stores: int) -> list[int | None]:
    """Return by which numbers a page of troubles begins: one for each store, none where it is the newest."""
    if cursor is None:
        return [None] * stores
    texts = cursor.split(".")
    if (
        len(texts) != stores
        or not all(each == "" or (each.isascii() and each.isdecimal() and len(each) < 19) for each in texts)
        or not any(texts)
    ):
        raise misused("cursor", f"cursor: {cursor[:80]!r} is none of ours; give a `next` as it came")
    return [int(each) if each else None for each in texts]


def sensors(view: View, asked: Asked) -> dict[str, Any]:
    """Return every sensor, and the topics that are nobody's for those who see every building."""
    wanted = _building_of(view.site, asked)
    found = [
        each
        for each in view.sensors()
        if sees(asked.account, each.sensor.place.building)
        and (wanted is None or wanted.id == each.sensor.place.building)
    ]
    strays = view.strays() if sees(asked.account, None) else []
    shown = view.sensor_objects(found)
    return {"sensors": shown, "unassigned": [each["topic"] for each in strays], "strays": strays}


LOOKS: Mapping[str, Callable[[View, Asked], dict[str, Any]]] = {
    "tickets": tickets,
    "ticket": ticket,
    "rooms": rooms,
    "troubles": troubles,
    "sensors": sensors,
}


def readings(connection: Connection, site: Site, root: str, asked: Asked, now: datetime) -> dict[str, Any]:
    """Return the past of a place."""
    said = asked.said
    building = _building_of(site, asked)
    assert building is not None
    place = place_of(building, said.get("room"))
    measure = Measure(said.get("quantity") or (Measure.MAINS if place.room is None else Measure.TEMPERATURE))
    begin, end = _moment(said, "from", site), _moment(said, "to", site)
    if begin is not None and begin >= (end or now):
        raise misused("from", f"from: {rfc3339(begin)} is not before {rfc3339(end) if end else 'now'}")
    every = _span(said.get("every"), begin, end or now)
    try:
        answer = History(connection, site, root, now, building.id).ask(
            Question(place, measure, begin, end, every)
        )
    except HistoryError as error:
        raise misused("from", str(error)) from error
    if len(answer.points) > MOST_POINTS:
        raise misused("every", f"every: that is {len(answer.points)} points; ask for longer spans")
    return answer_object(answer, always_spans=True)


def place_of(building: Building, room: str | None) -> Place:
    """Return a room, or a building.

    Raises:
        Problem: there is no such room.
    """
    if room is not None and building.room(room) is None:
        hint = did_you_mean(room[:80], [each.id for each in building.rooms])
        raise misused("room", f"room: no room of {building.id} is called {room[:80]!r}{hint}")
    return Place(building.id, room)


def building_of(site: Site, account: Account, id: str) -> Building:
    """Return a building that somebody may see.

    Raises:
        Problem: there is none for them.
    """
    seen = {each.id: each for each in buildings_of(site, account)}
    if id not in seen:
        hint = did_you_mean(id[:80], seen)
        raise misused("building", f"building: no building is called {id[:80]!r}{hint}")
    return seen[id]


def _building_of(site: Site, asked: Asked) -> Building | None:
    id = asked.said.get("building")
    return None if id is None else building_of(site, asked.account, id)


def buildings_of(site: Site, account: Account) -> list[Building]:
    """Return the buildings that somebody may see."""
    return [each for each in site.buildings if sees(account, each.id)]


def _visible(view: View, account: Account, id: str) -> Ticket | None:
    found = view.world.tickets.get(id)
    return found if found is not None and sees(account, found.place.building) else None


def _place_in_list(ticket: Ticket) -> tuple[datetime, str]:
    return ticket.opened_at, ticket.id


def _moment(said: Mapping[str, Any], name: str, site: Site) -> datetime | None:
    text = said.get(name)
    if text is None:
        return None
    try:
        return read_time(text[:80].replace(" ", "+"), site.timezone)  # a plus that was not escaped
    except ValueError as error:
        raise misused(name, f"{name}: {error}") from error


def _span(text: str | None, begin: datetime | None, end: datetime) -> timedelta | None:
    """Return how long a span is; one that single readings are looked at for is of a short range only."""
    if text is None:
        return None
    try:
        every = positive_duration(text)
    except Misfit as misfit:
        raise misused("every", f"every: {misfit.value}; expected {misfit.expected}") from misfit
    if begin is not None and (end - begin) / every > MOST_POINTS:
        raise misused("every", f"every: that is more than {MOST_POINTS} points; ask for longer spans")
    if every % _SPAN and (begin is None or end - begin > _BY_READINGS):
        words = "is no multiple of 5m, so `from` is needed, and at most 14 days"
        raise misused("every", f"every: {text[:80]!r} {words}")
    return every
