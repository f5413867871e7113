"""The next piece of a store's record for a copy of it elsewhere, by what that says it holds.

Rule: a piece is read at one moment, so that a record in it stands as the chain last says. It only reads, and
is bounded: what is live must not wait for the past.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from safetyd.store import chain, digests, earlier, readings, records, standing
from safetyd.store.chain_schema import chain as rows_table
from safetyd.store.moments import micros
from safetyd.store.records import Kind
from safetyd.store.schema import attachment, reading
from safetyd.store.shipment import Chunk, Held, Link, Piece


class Bounds(NamedTuple):
    """How much goes into a piece: rows of each kind, and bytes before packing of records, and of a file."""

    links: int = 400
    readings: int = 2000
    troubles: int = 200
    bytes: int = 192 * 1024  # a record alone may be more


BOUNDS = Bounds()
_COLUMNS = tuple(reading.c[name] for name in digests.COLUMNS)


def line(row: Any) -> str:
    """Return the digest of one stored reading."""
    return sha256(digests.encoded([tuple(row)])).hexdigest()


def reading_line(connection: Connection, number: int) -> str:
    """Return the digest of the reading with a number, nothing without it."""
    row = connection.execute(select(*_COLUMNS).where(reading.c.id == number)).first()
    return "" if row is None else line(row)


def has_news(connection: Connection, held: Held) -> bool:
    """Return whether there may be anything that the copy does not hold: a quick look before a piece."""
    head = chain.head(connection)
    is_behind = head is not None and (held.chain, held.hash) != (head.number, head.hash)
    return (
        (is_behind and not held.is_halted)
        or readings.last_id(connection) != held.reading
        or standing.last_trouble(connection) != held.trouble
        or held.file is not None
    )


def piece(
    connection: Connection,
    held: Held,
    version: str,
    now: datetime,
    bounds: Bounds = BOUNDS,
    *,
    is_word: bool = False,
) -> Piece | None:
    """Return what comes next; where the copy has everything None, or a word that says so if one `is_word`."""
    head = chain.head(connection)
    number, hash = (head.number, head.hash) if head else (0, "")
    newest = readings.last_id(connection)
    start, odds = _start(connection, held, newest)
    links: tuple[Link, ...] = ()
    found: tuple[tuple[Any, ...], ...] = ()
    if not held.is_halted:
        links = tuple(_links(connection, start, bounds))
    if not odds:
        found = _readings(connection, held.reading, bounds)
    tables = {} if odds else _tables(connection, held)
    troubles = standing.troubles(connection, held.trouble, held.standing, bounds.troubles)
    made = Piece(
        version,
        micros(now),
        number,
        hash,
        newest,
        odds,
        start,
        links,
        held.reading,
        found,
        tables,
        tuple(troubles),
        _chunk(connection, held, bounds),
    )
    is_any = made.is_full or made.odds or made.tables or made.troubles
    return made if is_any or is_word else None


def _start(connection: Connection, held: Held, newest: int) -> tuple[int, str]:
    """Return after which row of the chain the copy goes on, and in what it is another than this store."""
    wanted = {number: hash for number, hash in (*held.spine, (held.chain, held.hash)) if number}
    ours = select(rows_table.c.number, rows_table.c.hash).where(rows_table.c.number.in_(list(wanted)))
    same = [number for number, hash in connection.execute(ours) if wanted[number] == hash]
    if held.chain and held.chain not in same:
        return max(same, default=0), "chain"
    if held.reading > newest:
        return held.chain, "readings"
    is_other = reading_line(connection, held.reading) not in ("", held.line)  # "": it has served its time
    return held.chain, "readings" if held.line and is_other else ""


def _links(connection: Connection, after: int, bounds: Bounds) -> Iterator[Link]:
    """Yield the next rows of the chain, each record with the last of them about it."""
    wanted = select(rows_table).where(rows_table.c.number > after).order_by(rows_table.c.number)
    rows = connection.execute(wanted.limit(bounds.links)).fetchall()
    subjects = {(row.kind, row.key): row.number for row in rows}
    stand: dict[tuple[str, str], dict[str, Any]] = {}
    last: dict[tuple[str, str], int] = {}
    for kind, keys in earlier.by_kind((Kind(kind), key) for kind, key in subjects).items():
        stand |= {(kind.value, key): record for _, key, record in records.found(connection, kind, keys)}
        last |= {(kind.value, key): said.row for key, said in earlier.noted(connection, kind, keys).items()}
    size, end = 0, 0
    for row in rows:  # where the piece ends: a record weighs with each row about it, to be on the safe side
        size += len(msgspec.msgpack.encode(stand.get((row.kind, row.key))))
        if size > bounds.bytes and end:
            break
        end = row.number
    ours = [row for row in rows if row.number <= end]
    in_piece = {(row.kind, row.key): row.number for row in ours}
    for row in ours:
        subject = row.kind, row.key
        carries = in_piece[subject] == row.number
        later = last[subject] if carries else in_piece[subject]
        record = stand.get(subject) if carries else None
        yield Link(
            row.number,
            row.at,
            row.kind,
            row.key,
            row.body,
            row.hash,
            later if later > row.number else 0,
            carries,
            record,
        )


def _readings(connection: Connection, after: int, bounds: Bounds) -> tuple[tuple[Any, ...], ...]:
    wanted = select(*_COLUMNS).where(reading.c.id > after).order_by(reading.c.id).limit(bounds.readings)
    return tuple(tuple(row) for row in connection.execute(wanted))


def _tables(connection: Connection, held: Held) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of how everything stands that are others than the copy's."""
    found = {name: standing.rows(connection, name) for name in standing.TABLES}
    return {name: rows for name, rows in found.items() if standing.mark(rows) != held.marks.get(name)}


def _chunk(connection: Connection, held: Held, bounds: Bounds) -> Chunk | None:
    """Return the next bytes of the file that is wanted, if it is here."""
    if held.file is None:
        return None
    name, offset = held.file
    wanted = select(
        func.length(attachment.c.content), func.substr(attachment.c.content, offset + 1, bounds.bytes)
    ).where(attachment.c.sha256 == name)
    row = connection.execute(wanted).first()
    if row is None or not isinstance(row[1], bytes):
        return None
    return Chunk(name, offset, int(row[0]), row[1])
