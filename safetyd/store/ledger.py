"""Decisions: what the engine has changed is saved as one, and read back into a World.

Rule: this module knows how a decision is kept, never why it was made.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from safetyd.core.afar import Afar
from safetyd.core.model import Episode, Place
from safetyd.core.notice import Desk
from safetyd.core.ticket import AT_REST, Ticket
from safetyd.core.world import Changes, Row, World
from safetyd.store import attachments, awaited, chain, replica, schema, shelves, troubles
from safetyd.store.audit import FIRST, chained
from safetyd.store.chain import Head
from safetyd.store.dialect import as_kept, upsert
from safetyd.store.moments import micros, moment
from safetyd.store.records import Kind

_TICKET = msgspec.json.Decoder(Ticket)
_EPISODE = msgspec.json.Decoder(Episode)
_DESK = msgspec.msgpack.Decoder(Desk)
_AFAR = msgspec.msgpack.Decoder(Afar)
_FEW = 10_000  # saved since: more of them are read no faster than all, and by too many parameters


class Loaded(NamedTuple):
    """A World as it was loaded, up to which row of the chain, and by what it is known who is awaited."""

    world: World
    sealed: Head | None
    awaited: tuple[object, ...] = ()

    def kept(self) -> "Loaded":
        """Return its tickets and episodes as they are now, whatever becomes of the World."""
        world = World()
        _take_over(world, self.world)
        return Loaded(world, self.sealed)


def save(connection: Connection, changes: Changes, world: World) -> None:
    """Write everything but places and notices that a World notes as changed, in the open transaction."""
    for ticket in changes.tickets.values():
        _save_ticket(connection, ticket)
    replica.note_changed(connection, [*changes.episodes, *changes.dropped])
    for number, episode in changes.episodes.items():
        _put(connection, schema.episode, ["id"], _episode_row(number, episode))
    replica.note_changed(connection, changes.episodes)
    if changes.dropped:
        connection.execute(delete(schema.episode).where(schema.episode.c.id.in_(changes.dropped)))
    chain.note(connection, Kind.TICKET, *changes.tickets)
    chain.note(connection, Kind.EPISODE, *changes.episodes, *changes.dropped)
    for building in changes.desks:
        body = msgspec.msgpack.encode(world.desks[building])
        _put(connection, schema.desk, ["building"], {"building": building, "body": body})
    if changes.held:
        connection.execute(delete(schema.held))
        for number, due_at in world.held.items():
            connection.execute(insert(schema.held).values(episode=number, due_at=micros(due_at)))
    for building in changes.afar:
        body = msgspec.msgpack.encode(world.afar[building])
        _put(connection, schema.afar, ["building"], {"building": building, "body": body})
    for trouble in changes.troubles:
        troubles.save(connection, trouble)
    awaited.keep(connection, changes.awaited)
    shelves.append(connection, changes.shelves)
    _append_history(connection, changes.rows)


def _put(connection: Connection, table: Any, keys: list[str], values: dict[str, Any]) -> None:
    rest = {name: value for name, value in values.items() if name not in keys}
    connection.execute(
        upsert(connection, table).values(values).on_conflict_do_update(index_elements=keys, set_=rest)
    )


def _save_ticket(connection: Connection, ticket: Ticket) -> None:
    values = {
        "id": ticket.id,
        "building": ticket.place.building,
        "room": ticket.place.room or "",
        "condition": ticket.condition.value,
        "hazard": ticket.hazard.value if ticket.hazard else "",
        "status": ticket.status.value,
        "opened_at": micros(ticket.opened_at),
        "body": msgspec.json.encode(ticket).decode(),
    }
    _put(connection, schema.ticket, ["id"], values)


def _episode_row(number: int, episode: Episode) -> dict[str, Any]:
    return {
        "id": number,
        "building": episode.place.building,
        "room": episode.place.room or "",
        "condition": episode.condition.value,
        "began_at": micros(episode.began_at),
        "ended_at": None if episode.ended_at is None else micros(episode.ended_at),
        "ticket": episode.ticket,
        "body": msgspec.json.encode(episode).decode(),
    }


def history_line(row: Row) -> dict[str, object]:
    """Return a line of history as it is hashed and shown, without its hash."""
    line: dict[str, object] = {
        "at": row.at.isoformat(),
        "ticket": row.ticket,
        "event": row.event,
        "by": row.by,
        "note": row.note,
    }
    return line | ({"detail": dict(row.detail)} if row.detail else {})


def _append_history(connection: Connection, rows: Iterable[Row]) -> None:
    table = schema.history
    previous: str | None = None
    for row in rows:
        if previous is None:
            newest = select(table.c.hash).order_by(table.c.id.desc()).limit(1)
            previous = connection.execute(newest).scalar() or FIRST
        row = row._replace(by=as_kept(connection, row.by), note=as_kept(connection, row.note))
        previous = chained(previous, history_line(row))
        made = insert(table).values(
            ticket=row.ticket,
            at=micros(row.at),
            event=row.event,
            by=row.by,
            note=row.note,
            detail=json.dumps(dict(row.detail), sort_keys=True),
            hash=previous,
        )
        number = connection.execute(made.returning(table.c.id)).scalar_one()
        attachments.keep(connection, number, row.files)
        chain.note(connection, Kind.HISTORY, number)


def history(connection: Connection, ticket_id: str) -> list[tuple[Row, str]]:
    """Return a ticket's history in order, each line with its hash."""
    table = schema.history
    found = connection.execute(select(table).where(table.c.ticket == ticket_id).order_by(table.c.id))
    return [(history_row(each), each.hash) for each in found]


def history_row(kept: Any) -> Row:
    """Return a line of history of what is kept of it."""
    return Row(moment(kept.at), kept.ticket, kept.event, kept.by, kept.note, json.loads(kept.detail))


def ticket(connection: Connection, id: str) -> Ticket | None:
    """Return a ticket as it stands, None if there is none of this id."""
    body = connection.execute(select(schema.ticket.c.body).where(schema.ticket.c.id == id)).scalar()
    return None if body is None else _TICKET.decode(body)


def ticket_ids(connection: Connection) -> list[str]:
    """Return the ids of all tickets."""
    return list(connection.execute(select(schema.ticket.c.id).order_by(schema.ticket.c.id)).scalars())


def tickets_of(connection: Connection, place: Place) -> list[Ticket]:
    """Return the tickets of one place, in the order in which they were opened."""
    table = schema.ticket
    wanted = select(table.c.body).where(*_of(table, place)).order_by(table.c.opened_at, table.c.id)
    return [_TICKET.decode(body) for body in connection.execute(wanted).scalars()]


def episodes_of(connection: Connection, place: Place) -> list[Episode]:
    """Return the episodes of one place, in the order in which they were found."""
    table = schema.episode
    wanted = select(table.c.body).where(*_of(table, place)).order_by(table.c.id)
    return [_EPISODE.decode(body) for body in connection.execute(wanted).scalars()]


def _of(table: Any, place: Place) -> tuple[Any, Any]:
    return table.c.building == place.building, table.c.room == (place.room or "")


def load(connection: Connection, world: World, before: Loaded | None = None) -> Loaded:
    """Read everything but places into an empty World, and where its numbers run on from; return both.

    What was loaded `before` is not read again, but for what was saved since.
    """
    sealed = chain.head(connection)
    changed = None if before is None else _changed_since(connection, before.sealed)
    if before is None or changed is None:
        _load_tickets(connection, world)
        _load_episodes(connection, world)
    else:
        _take_over(world, before.world)
        _load_changed(connection, world, changed)
    return Loaded(world, sealed, _load_rest(connection, world))


def bring_up_to_date(connection: Connection, loaded: Loaded) -> tuple[Loaded, set[Place]] | None:
    """Read what was saved since a World was loaded into that World itself; return what of which places is
    another. It is None, and the World as it was, if everything is to be read."""
    world, sealed = loaded.world, chain.head(connection)
    changed = _changed_since(connection, loaded.sealed)
    if changed is None:
        return None
    found = _load_changed(connection, world, changed)
    before, world.troubles = world.troubles, {}
    for of_sensor in (world.desks, world.afar, world.held, world.shelves):
        of_sensor.clear()
    awaited = _load_rest(connection, world, loaded.awaited)
    for sensor in before.keys() | world.troubles.keys():
        old, new = before.get(sensor, {}), world.troubles.get(sensor, {})
        if old != new:
            found.update(each.place for each in (*old.values(), *new.values()) if each.place is not None)
    return Loaded(world, sealed, awaited), found


def _load_changed(connection: Connection, world: World, changed: Iterable[tuple[Kind, str]]) -> set[Place]:
    """Read tickets and episodes again, and return of which places they are."""
    ids = [key for kind, key in changed if kind is Kind.TICKET]
    numbers = [int(key) for kind, key in changed if kind is Kind.EPISODE]
    known = world.episodes.keys() & numbers
    found = {world.episodes[number].place for number in known}
    _load_tickets(connection, world, ids)
    for number in known:
        world.drop_episode(number)
    _load_episodes(connection, world, numbers)
    world.changes = Changes()
    found.update(world.tickets[id].place for id in ids if id in world.tickets)
    return found | {world.episodes[number].place for number in numbers if number in world.episodes}


def _load_rest(
    connection: Connection, world: World, were_awaited: tuple[object, ...] = ()
) -> tuple[object, ...]:
    """Read what there is little of; return by what it is known who is awaited."""
    newest = connection.execute(select(func.max(schema.episode.c.id))).scalar()
    world.next_episode = (newest or 0) + 1
    for building, body in connection.execute(select(schema.desk)):
        world.desks[building] = _DESK.decode(body)
    for building, body in connection.execute(select(schema.afar)):
        world.afar[building] = _AFAR.decode(body)
    for number, due_at in connection.execute(select(schema.held)):
        if number in world.episodes:  # an early release left some that no episode belongs to
            world.held[number] = moment(due_at)
    for trouble in troubles.every_trouble(connection, standing_only=True):
        world.troubles.setdefault(trouble.sensor, {})[trouble.kind] = trouble
    world.shelves.update(shelves.standing(connection))
    are_awaited = awaited.mark(connection)
    if are_awaited != were_awaited:
        world.awaited = awaited.load(connection)
    return are_awaited


def _changed_since(connection: Connection, sealed: Head | None) -> list[tuple[Kind, str]] | None:
    """Return what was saved after a row of the chain; None if it is too much, or not a row of this store."""
    if sealed is None:
        return [] if chain.head(connection) is None else None
    if not chain.holds(connection, sealed):
        return None
    changed = chain.noted_after(connection, sealed.number)
    return changed if len(changed) <= _FEW else None


def _take_over(world: World, old: World) -> None:
    """Begin with the tickets and episodes of a World that was loaded earlier."""
    world.tickets, world.episodes = dict(old.tickets), dict(old.episodes)
    world.last, world.open, world.numbers = dict(old.last), dict(old.open), dict(old.numbers)
    world.running = dict(old.running)
    world.bound = dict(old.bound)


def _load_tickets(connection: Connection, world: World, ids: Collection[str] | None = None) -> None:
    table = schema.ticket
    wanted = select(table.c.body).order_by(table.c.opened_at, table.c.id)
    for (body,) in connection.execute(wanted if ids is None else wanted.where(table.c.id.in_(ids))):
        ticket = _TICKET.decode(body)
        building, year, number = ticket.id.rsplit("-", 2)
        key = building, int(year)
        world.numbers[key] = max(world.numbers.get(key, 0), int(number))
        world.tickets[ticket.id] = ticket
        newest = world.tickets[world.last.get(ticket.subject, ticket.id)]
        if (newest.opened_at, newest.id) <= (ticket.opened_at, ticket.id):
            world.last[ticket.subject] = ticket.id
        if ticket.status not in AT_REST:
            world.open[ticket.subject] = ticket.id
        elif world.open.get(ticket.subject) == ticket.id:
            del world.open[ticket.subject]


def _load_episodes(connection: Connection, world: World, numbers: Collection[int] | None = None) -> None:
    table = schema.episode
    wanted = select(table.c.id, table.c.body).order_by(table.c.id)
    for number, body in connection.execute(
        wanted if numbers is None else wanted.where(table.c.id.in_(numbers))
    ):
        world.keep_episode(number, _EPISODE.decode(body))


def signature(connection: Connection) -> tuple[object, ...]:
    """Return what is another as soon as a decision that anybody sees has been saved."""
    return chain.newest_decision(connection), *troubles.mark(connection)
