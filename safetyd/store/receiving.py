"""Takes a gateway's record into the copy of its store, row by row, and proves each before it is kept.

Rule: number follows number and hash follows hash, and a record is what its row says of it, or what a later
row will say: until that comes, the promise is kept beside it. What does not fit is named and not kept; what
was taken before is passed over, and what is too early waits to be sent again.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from safetyd.core.errors import SafetydError
from safetyd.store import chain, copy_of, digests, readings, standing
from safetyd.store.audit import FIRST, chained, digest
from safetyd.store.chain_schema import chain as rows_table
from safetyd.store.database import HEAD, open_for_writing
from safetyd.store.records import BELONGINGS, TABLES, Kind
from safetyd.store.schema import attached, attachment, copied, reading
from safetyd.store.shipment import Held, Link, Piece
from safetyd.store.shipping import reading_line

_PROMISED = "promised"
_UNFIT = (
    ValueError,
    OverflowError,
    KeyError,
    TypeError,
    AttributeError,
    SQLAlchemyError,
)  # of what somebody else has written


class MisfitError(SafetydError):
    """A piece does not fit onto the copy; nothing of it was kept that is on the chain."""


def open_copy_of(gateway: str, url: str) -> Connection:
    """Return a connection to the copy of a gateway's store, made if need be.

    Raises:
        StoreError: it cannot be opened.
        MisfitError: it is a store of somebody else.
    """
    connection = open_for_writing(url)
    whose = copy_of.of(connection)
    if whose is None and (chain.head(connection) is not None or readings.last_id(connection)):
        connection.close()
        raise MisfitError(f"{url}: is a store of its own, and no copy; name another file for {gateway}")
    if whose not in (None, gateway):
        connection.close()
        raise MisfitError(f"{url}: is the copy of {whose}; name another file for {gateway}")
    if whose is None:
        copy_of.say(connection, gateway)
        # Of two tickets of a place the older one's end may come after the newer one's beginning.
        connection.execute(text("DROP INDEX IF EXISTS one_open_ticket"))
        connection.execute(text("DROP INDEX IF EXISTS trouble_standing"))  # and so of two troubles
        connection.commit()
    connection.rollback()
    return connection


def held(connection: Connection, file: tuple[str, int] | None = None, *, is_halted: bool = False) -> Held:
    """Return what a copy holds; `file` is one that has begun to arrive."""
    head = chain.head(connection)
    number = head.number if head else 0
    last = readings.last_id(connection)
    return Held(
        HEAD,
        number,
        head.hash if head else "",
        _spine(connection, number),
        last,
        reading_line(connection, last),
        standing.marks(connection),
        standing.last_trouble(connection),
        tuple(standing.standing_troubles(connection)),
        file or _missing_file(connection),
        is_halted,
    )


def _spine(connection: Connection, head: int) -> tuple[tuple[int, str], ...]:
    """Return rows before the last by number and hash, ever further apart."""
    numbers, step = [], 1
    while head - step > 0:
        numbers.append(head - step)
        step *= 2
    wanted = select(rows_table.c.number, rows_table.c.hash).where(rows_table.c.number.in_(numbers))
    return tuple(sorted((number, hash) for number, hash in connection.execute(wanted)))


def _missing_file(connection: Connection) -> tuple[str, int] | None:
    there = attached.outerjoin(attachment, attachment.c.sha256 == attached.c.sha256)
    wanted = select(attached.c.sha256).select_from(there).where(attachment.c.sha256.is_(None)).limit(1)
    name = connection.execute(wanted).scalar()
    return None if name is None else (name, 0)


def take(connection: Connection, piece: Piece) -> None:
    """Take a piece in and commit it.

    Raises:
        MisfitError: some of it does not fit; the rest is kept.
    """
    if piece.version > HEAD:
        raise MisfitError(
            f"its safetyd is newer (tables {piece.version}, here {HEAD}); update the centre first"
        )
    try:
        _take_readings(connection, piece)
        for name, rows in piece.tables.items():
            if name in standing.TABLES:
                standing.replace(connection, name, rows)
        standing.take_troubles(connection, piece.troubles)
        connection.commit()
        _take_links(connection, piece)
        connection.commit()
    except MisfitError:
        connection.rollback()
        raise
    except _UNFIT as error:
        connection.rollback()
        raise MisfitError(f"a piece of its record cannot be taken in: {error}") from error


def keep_file(connection: Connection, name: str, content: bytes) -> None:
    """Keep a file that goes with a note, and commit it."""
    connection.execute(delete(attachment).where(attachment.c.sha256 == name))
    connection.execute(insert(attachment).values(sha256=name, content=content))
    connection.commit()


def _take_readings(connection: Connection, piece: Piece) -> None:
    last = readings.last_id(connection)
    if piece.odds == "readings":
        raise MisfitError(
            f"reading {last} is not the one that was sent: it was restored from a backup, or changed"
        )
    if piece.after > last:
        return
    fresh = [row for row in piece.readings if row[0] > last]
    numbers = [row[0] for row in fresh]
    if any(after <= before for before, after in pairwise(numbers)):
        raise MisfitError(f"readings after {last} are not in order")
    if fresh:
        rows = [dict(zip(digests.COLUMNS, row, strict=True)) for row in fresh]
        connection.execute(insert(reading), rows)


def _take_links(connection: Connection, piece: Piece) -> None:
    head = chain.head(connection)
    number, previous = (head.number, head.hash) if head else (0, FIRST)
    if piece.base > number:
        return
    _compare(connection, piece, number)
    promised = _promises(connection)
    before = dict(promised)
    kept: dict[tuple[Kind, str], dict[str, Any] | None] = {}
    made: list[dict[str, Any]] = []
    for link in piece.links:
        if link.number <= number:
            continue
        number, previous = number + 1, _proven(link, number + 1, previous)
        made.append(chain.line(link.number, link.at, link.kind, link.key, link.body) | {"hash": link.hash})
        subject = Kind(link.kind), link.key
        if link.carries:
            kept[subject] = link.record
        if link.carries and _digest(link) == link.body:
            promised.pop(f"{link.kind} {link.key}", None)
        elif link.number < link.later <= piece.head:
            promised[f"{link.kind} {link.key}"] = link.later
        else:
            raise MisfitError(f"{link.kind} {link.key} is not what row {link.number} of its chain says of it")
    for subject_name, row in promised.items():
        if row <= number:
            raise MisfitError(f"{subject_name} is not what row {row} of its chain was to say of it")
    if made:
        connection.execute(insert(rows_table), made)
        _keep(connection, kept)
    _promise(connection, before, promised)


def _compare(connection: Connection, piece: Piece, last: int) -> None:
    """Hold rows that are here already against what is sent of them."""
    sent = {link.number: link.hash for link in piece.links if link.number <= last}
    wanted = select(rows_table.c.number, rows_table.c.hash).where(rows_table.c.number.in_(list(sent)))
    ours = {number: hash for number, hash in connection.execute(wanted)}
    for number in sorted(sent):
        if ours.get(number) != sent[number]:
            raise MisfitError(
                f"row {number} of its chain is another than the copy has: it was restored from a backup,"
                " or changed"
            )
    if piece.odds == "chain" and piece.head < last:
        raise MisfitError(
            f"its chain ends with row {piece.head}, and the copy has {last}: row {piece.head + 1} is missing"
            " there; it was restored from a backup"
        )


def _proven(link: Link, number: int, previous: str) -> str:
    about = f"row {link.number} of its chain ({link.kind} {link.key})"
    if link.number != number:
        raise MisfitError(f"a gap in its chain: row {number} is missing before {about}")
    if link.hash != chained(previous, chain.line(link.number, link.at, link.kind, link.key, link.body)):
        raise MisfitError(f"{about} does not follow from the row before it: one of them was changed")
    if link.kind not in list(Kind):
        raise MisfitError(f"{about} is of a kind that this safetyd does not know; update the centre")
    if link.record is not None and str(link.record.get("id")) != link.key:
        raise MisfitError(f"{about} comes with another record")
    return link.hash


def _digest(link: Link) -> str:
    return "" if link.record is None else digest(link.record)


def _keep(connection: Connection, kept: Mapping[tuple[Kind, str], dict[str, Any] | None]) -> None:
    """Put records as they stand in the place of what was here of them."""
    by_kind: dict[Kind, list[tuple[str, dict[str, Any] | None]]] = {}
    for (kind, key), record in kept.items():
        by_kind.setdefault(kind, []).append((key, record))
    for kind, found in by_kind.items():
        table, more = TABLES[kind], BELONGINGS.get(kind)
        is_number = table.c.id.type.python_type is int
        ids = [int(key) if is_number else key for key, _ in found]
        connection.execute(delete(table).where(table.c.id.in_(ids)))
        there = [record for _, record in found if record is not None]
        name = more.name if more else ""
        _insert(connection, table, [_without(each, name) for each in there])
        if more is not None:
            connection.execute(delete(more.table).where(more.table.c[more.owner].in_(ids)))
            _insert(connection, more.table, [part for each in there for part in each.get(name, ())])


def _insert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows, of which columns without a value are left out."""
    columns = {column.name for column in table.columns}
    whole = []
    for row in rows:
        if unknown := row.keys() - columns:
            raise MisfitError(f"{table.name} has no {', '.join(sorted(unknown))} here; update the centre")
        whole.append({name: row.get(name) for name in columns})
    if whole:
        connection.execute(insert(table), whole)


def _without(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def _promises(connection: Connection) -> dict[str, int]:
    wanted = select(copied.c.stream, copied.c.row).where(copied.c.target == _PROMISED)
    return {stream: row for stream, row in connection.execute(wanted)}


def _promise(connection: Connection, before: Mapping[str, int], now: Mapping[str, int]) -> None:
    gone = [subject for subject in before if now.get(subject) != before[subject]]
    if gone:
        connection.execute(delete(copied).where(copied.c.target == _PROMISED, copied.c.stream.in_(gone)))
    fresh = [subject for subject in now if before.get(subject) != now[subject]]
    if fresh:
        connection.execute(
            insert(copied), [{"target": _PROMISED, "stream": each, "row": now[each]} for each in fresh]
        )
