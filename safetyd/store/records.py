"""The records that the chain runs through: of each kind its table, and what belongs to a row of it.

Rule: a record is its row with every column that holds something, and the rows that belong to it; a column
that a later version adds changes no digest of what is without it.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from safetyd.store import schema
from safetyd.store.assignment_schema import assignment
from safetyd.store.audit import digest
from safetyd.store.chain_schema import anchor, statement
from safetyd.store.dialect import PLACE, among, place
from safetyd.store.notice_schema import attempt, delivery, notice, wording


class Kind(StrEnum):
    """What a row of the chain is about."""

    STATEMENT = "statement"
    TICKET = "ticket"
    EPISODE = "episode"
    HISTORY = "history"
    NOTICE = "notice"
    DELIVERY = "delivery"
    ASSIGNMENT = "assignment"
    SHELF = "shelf"
    IMPORT = "import"
    ANCHOR = "anchor"


class Belongings(NamedTuple):
    """The rows of another table that belong to a record, and the column that says to which."""

    name: str
    table: Table
    owner: str


TABLES: dict[Kind, Table] = {
    Kind.STATEMENT: statement,
    Kind.TICKET: schema.ticket,
    Kind.EPISODE: schema.episode,
    Kind.HISTORY: schema.history,
    Kind.NOTICE: notice,
    Kind.DELIVERY: delivery,
    Kind.ASSIGNMENT: assignment,
    Kind.SHELF: schema.shelf,
    Kind.IMPORT: schema.imported,
    Kind.ANCHOR: anchor,
}
BELONGINGS = {
    Kind.HISTORY: Belongings("files", schema.attached, "history"),
    Kind.NOTICE: Belongings("wordings", wording, "notice"),
    Kind.DELIVERY: Belongings("tried", attempt, "delivery"),
}
_AT_ONCE = 500
_BEFORE_ALL = -(2**63)


def found(
    connection: Connection, kind: Kind, keys: Iterable[str]
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield of each record of some keys the place of its row in the table, its key, and the record."""
    table = TABLES[kind]
    wanted, those = among(connection, table, "id", list(keys))
    these = f"SELECT {_everything(connection, table)} FROM {table.name} WHERE {wanted}"
    rows = [dict(row) for row in connection.exec_driver_sql(these, (those,)).mappings()]
    parts = _parts(connection, kind, [row["id"] for row in rows])
    for row in rows:
        at = row.pop(PLACE)
        yield at, str(row["id"]), _whole(kind, row, parts.get(row["id"], []))


def records(connection: Connection, kind: Kind) -> Iterator[tuple[int, str, str]]:
    """Yield of each record of a kind the place of its row in the table, its key and its digest."""
    table = TABLES[kind]
    at, after, compared = place(connection, table), _BEFORE_ALL, ">="  # we give no number below 1
    while True:
        part = f"WHERE {at} {compared} ? ORDER BY {at} LIMIT ?"
        wanted = f"SELECT {_everything(connection, table)} FROM {table.name} {part}"
        rows = connection.exec_driver_sql(wanted, (after, _AT_ONCE)).mappings().fetchall()
        parts = _parts(connection, kind, [row["id"] for row in rows])
        for row in map(dict, rows):
            after, compared = row.pop(PLACE), ">"
            yield after, str(row["id"]), digest(_whole(kind, row, parts.get(row["id"], [])))
        if len(rows) < _AT_ONCE:
            return


def keys(connection: Connection, kind: Kind, after: int, up_to: int, limit: int) -> list[tuple[int, str]]:
    """Return of the next records of a kind the place of the row in its table, and the key."""
    at = place(connection, TABLES[kind])
    wanted = f"SELECT {at}, id FROM {TABLES[kind].name} WHERE {at} > ? AND {at} <= ? ORDER BY {at} LIMIT ?"
    return [(row, str(key)) for row, key in connection.exec_driver_sql(wanted, (after, up_to, limit))]


def last_row(connection: Connection, kind: Kind) -> int:
    """Return the place of the last row of a kind, 0 if there is none."""
    at = place(connection, TABLES[kind])
    found = connection.exec_driver_sql(f"SELECT max({at}) FROM {TABLES[kind].name}").scalar()
    return found or 0


def count(connection: Connection, kind: Kind) -> int:
    """Return how many records of a kind there are."""
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {TABLES[kind].name}").scalar_one())


def _parts(connection: Connection, kind: Kind, owners: list[Any]) -> dict[Any, list[dict[str, Any]]]:
    """Return what belongs to records of a kind, by their ids."""
    more = BELONGINGS.get(kind)
    if more is None or not owners:
        return {}
    key = ", ".join(f'"{column.name}"' for column in more.table.primary_key)
    of_these, those = among(connection, more.table, more.owner, owners)
    wanted = f"SELECT * FROM {more.table.name} WHERE {of_these} ORDER BY {key}"
    made: dict[Any, list[dict[str, Any]]] = {}
    for row in connection.exec_driver_sql(wanted, (those,)).mappings():
        made.setdefault(row[more.owner], []).append(_filled(dict(row)))
    return made


def _everything(connection: Connection, table: Table) -> str:
    """Return what a statement asks for to have a row and its place, which is no part of the record."""
    at = place(connection, table)
    return "*" if at == PLACE else f"{at} AS {PLACE}, *"


def _whole(kind: Kind, row: Mapping[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    return _filled(row) | ({BELONGINGS[kind].name: parts} if parts else {})


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
