"""What is copied elsewhere: the committed rows in their order, how far each copy is, and what it refused.

Rule: the store is the record and a copy follows it. A row is read by its number and never changes; only an
episode does, so each change of one is a row of its own that says where to look again.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from safetyd.core.model import Episode
from safetyd.store import schema
from safetyd.store.dialect import upsert
from safetyd.store.moments import micros, moment

KEPT_REFUSED = 1000  # lines of each copy, the newest; of the others the number and the reason
_EPISODE = msgspec.json.Decoder(Episode)
_BEGINNING = "building, room, condition, began_at"
_FORGET_CHANGE = (
    f"DELETE FROM episode_change WHERE ({_BEGINNING}) IN (SELECT {_BEGINNING} FROM episode WHERE id = ?)"
)
_NOTE_CHANGE = f"INSERT INTO episode_change ({_BEGINNING}) SELECT {_BEGINNING} FROM episode WHERE id = ?"


class Stream(StrEnum):
    """What is copied, each in the order of its own numbers."""

    EPISODE = "episode"
    TICKET_EVENT = "ticket_event"
    READING = "reading"


_TABLES = {
    Stream.EPISODE: schema.episode_change,
    Stream.TICKET_EVENT: schema.history,
    Stream.READING: schema.reading,
}


class ReadingRow(NamedTuple):
    """One value, as it was stored."""

    row: int
    sensor: int
    kept: int
    observed_at: int
    delay: int
    value: float
    mark: int
    reason: str | None


class TicketEvent(NamedTuple):
    """One row of history, and what its ticket is about."""

    row: int
    building: str
    room: str
    condition: str
    hazard: str
    ticket: str
    at: int
    event: str
    by: str
    note: str
    detail: str
    hash: str


class EpisodeChange(NamedTuple):
    """A beginning to look at again; without an episode none is known to have begun there any more."""

    row: int
    building: str
    room: str
    condition: str
    began_at: int
    episode: Episode | None


class Uncopied(NamedTuple):
    """A row that a copy refused, as it was sent, and why."""

    stream: Stream
    row: int
    line: str
    reason: str
    at: datetime | None = None


def reading_rows(connection: Connection, after: int, limit: int) -> list[ReadingRow]:
    """Return the next values after a row."""
    found = connection.exec_driver_sql(
        "SELECT id, sensor, quantity, observed_at, delay, value, mark, reason FROM reading"
        " WHERE id > ? ORDER BY id LIMIT ?",
        (after, limit),
    )
    return [ReadingRow(*each) for each in found]


def ticket_events(connection: Connection, after: int, limit: int) -> list[TicketEvent]:
    """Return the next rows of history after one."""
    row, ticket = schema.history.c, schema.ticket.c
    wanted = (
        select(
            row.id,
            func.coalesce(ticket.building, ""),
            func.coalesce(ticket.room, ""),
            func.coalesce(ticket.condition, ""),
            func.coalesce(ticket.hazard, ""),
            row.ticket,
            row.at,
            row.event,
            row.by,
            row.note,
            row.detail,
            row.hash,
        )
        .outerjoin_from(schema.history, schema.ticket, ticket.id == row.ticket)
        .where(row.id > after)
        .order_by(row.id)
        .limit(limit)
    )
    return [TicketEvent._make(each) for each in connection.execute(wanted)]


def episode_changes(connection: Connection, after: int, limit: int) -> list[EpisodeChange]:
    """Return the next changed beginnings after one, each with the episode as it is now."""
    change, episode = schema.episode_change.c, schema.episode.c
    body = (
        select(episode.body)
        .where(
            episode.building == change.building,
            episode.room == change.room,
            episode.condition == change.condition,
            episode.began_at == change.began_at,
        )
        .order_by(episode.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = select(schema.episode_change, body).where(change.id > after).order_by(change.id).limit(limit)
    return [
        EpisodeChange._make([*key, None if body is None else _EPISODE.decode(body)])
        for *key, body in connection.execute(wanted)
    ]


def note_changed(connection: Connection, episodes: Collection[int]) -> None:
    """Number the beginnings of some episodes, as they are stored now, anew in the open transaction."""
    for number in episodes:
        for statement in (_FORGET_CHANGE, _NOTE_CHANGE):
            connection.exec_driver_sql(statement, (number,))


def newest(connection: Connection, stream: Stream) -> int:
    """Return the number of the newest row, 0 if there is none."""
    return connection.execute(select(func.max(_TABLES[stream].c.id))).scalar() or 0


def copied(connection: Connection, target: str) -> dict[Stream, int]:
    """Return up to which row a copy has each stream: 0 where it has nothing."""
    table = schema.copied.c
    found = connection.execute(select(table.stream, table.row).where(table.target == target))
    return dict.fromkeys(Stream, 0) | {Stream(stream): row for stream, row in found}


def begin(connection: Connection, target: str, stream: Stream) -> None:
    """Have a copy begin after the newest row there is, unless it has begun, in the open transaction."""
    values = {"target": target, "stream": stream.value, "row": newest(connection, stream)}
    connection.execute(upsert(connection, schema.copied).values(**values).on_conflict_do_nothing())


def begun(connection: Connection, target: str, stream: Stream) -> int | None:
    """Return up to which row a copy has a stream, None if it has not begun."""
    table = schema.copied.c
    wanted = select(table.row).where(table.target == target, table.stream == stream.value)
    return connection.execute(wanted).scalar()


def mark_copied(
    connection: Connection,
    target: str,
    rows: Mapping[Stream, int],
    refused: Iterable[Uncopied],
    now: datetime,
) -> None:
    """Note how far a copy is, and what it refused on the way, in the open transaction."""
    for stream, row in rows.items():
        made: Any = upsert(connection, schema.copied).values(target=target, stream=stream.value, row=row)
        connection.execute(made.on_conflict_do_update(index_elements=["target", "stream"], set_={"row": row}))
    is_more = False
    for each in refused:
        values = {"at": micros(now), "line": each.line, "reason": each.reason}
        made = upsert(connection, schema.uncopied).values(
            target=target, stream=each.stream.value, row=each.row, **values
        )
        connection.execute(
            made.on_conflict_do_update(index_elements=["target", "stream", "row"], set_=values)
        )
        is_more = True
    if is_more:
        _shorten_oldest(connection, target)


def _shorten_oldest(connection: Connection, target: str) -> None:
    """Of all but the newest refused rows only the number and the reason are kept: the store has the rest."""
    table = schema.uncopied
    older = (
        select(table.c.stream, table.c.row)
        .where(table.c.target == target, table.c.line != "")
        .order_by(table.c.at.desc(), table.c.stream, table.c.row.desc())
        .offset(KEPT_REFUSED)
    )
    for stream, row in connection.execute(older).fetchall():
        which = (table.c.target == target, table.c.stream == stream, table.c.row == row)
        connection.execute(update(table).where(*which).values(line=""))


def no_longer_refused(connection: Connection, target: str, rows: Iterable[tuple[Stream, int]]) -> None:
    """Forget that some rows were refused, in the open transaction: the copy has them now."""
    table = schema.uncopied
    for stream, row in rows:
        which = (table.c.target == target, table.c.stream == stream.value, table.c.row == row)
        connection.execute(delete(table).where(*which))


def uncopied(connection: Connection, target: str) -> list[Uncopied]:
    """Return the rows that a copy refused, the newest first; of the older ones without their line."""
    table = schema.uncopied.c
    wanted = (
        select(table.stream, table.row, table.line, table.reason, table.at)
        .where(table.target == target)
        .order_by(table.at.desc(), table.row.desc())
    )
    return [
        Uncopied(Stream(stream), row, line, reason, moment(at))
        for stream, row, line, reason, at in connection.execute(wanted)
    ]
