"""What SQLite and PostgreSQL do differently, behind one door: the other modules read the same for both.

Rule: statements have their places as `?`, and are such as both engines understand; where none is, the
difference stands here, or beside the statement under the name of its engine.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Integer, Table, select
from sqlalchemy.dialects import sqlite

from safetyd.store.failure import LostError, cause

POSTGRESQL, SQLITE = "postgresql", "sqlite"
PLACE = "_place"  # where a row lies in a table whose key is no number
NUL, SYMBOL_FOR_NUL = "\x00", "\u2400"
ROW_BY_ROW = {"stream_results": True}  # for what is longer than memory: SQLite does so by itself
_NOBODYS = "-1"  # a number that is never given
COMMITS = "safetyd_commit"  # PostgreSQL's: a row for each of the newest commits


def is_postgresql(connection: Connection) -> bool:
    """Return whether the store is in a PostgreSQL."""
    return connection.dialect.name == POSTGRESQL


def upsert(connection: Connection, table: Table) -> Any:
    """Return an INSERT that may be told what to do ON CONFLICT."""
    if not is_postgresql(connection):
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # which a store in a file does not need

    return postgresql.insert(table)


def added(connection: Connection, table: Table, values: Mapping[str, Any], *keys: str) -> int | None:
    """Add a row and return its number; None where there is one of the same keys.

    PostgreSQL would spend a number on trying, and the next record would be another than with SQLite.
    """
    made = upsert(connection, table).values(**values).on_conflict_do_nothing()
    if is_postgresql(connection):
        same = select(table.c.id).where(*(table.c[key] == values[key] for key in keys))
        if connection.execute(same).first() is not None:
            return None
    number: int | None = connection.execute(made.returning(table.c.id)).scalar()
    return number


def as_kept(connection: Connection, text: str) -> str:
    """Return a text as it is read again: PostgreSQL's holds no NUL, and its symbol stands there instead."""
    return text.replace(NUL, SYMBOL_FOR_NUL) if NUL in text and is_postgresql(connection) else text


def last_written(connection: Connection) -> int:
    """Return what is another once anybody else has committed; ask for it before anything else."""
    wanted = f"SELECT max(number) FROM {COMMITS}" if is_postgresql(connection) else "PRAGMA data_version"
    return connection.exec_driver_sql(wanted).scalar() or 0


def place(connection: Connection, table: Table) -> str:
    """Return the name by which a statement knows the place of a row among those of its table."""
    if not is_postgresql(connection):
        return "rowid"
    return "id" if _is_number(table) else PLACE


def among(connection: Connection, table: Table, column: str, values: Collection[Any]) -> tuple[str, Any]:
    """Return a condition with one place, and what belongs there: the column holds one of the values."""
    if not is_postgresql(connection):
        return f'"{column}" IN (SELECT value FROM json_each(?))', json.dumps(list(values))
    if isinstance(table.c[column].type, Integer):
        return f'"{column}" = ANY(?)', [int(each) for each in values if _is_whole(each)]
    return f'"{column}" = ANY(?)', [str(each) for each in values]


def pairs(connection: Connection, found: Collection[tuple[str, str]]) -> tuple[str, tuple[Any, ...]]:
    """Return pairs of texts as a table of the columns `one` and `other`, and what belongs in its places."""
    if is_postgresql(connection):
        ones, others = [one for one, _ in found], [other for _, other in found]
        return "unnest(?::text[], ?::text[]) AS pair (one, other)", (ones, others)
    parts = "json_extract(value, '$[0]') AS one, json_extract(value, '$[1]') AS other"
    return f"(SELECT {parts} FROM json_each(?)) AS pair", (json.dumps(list(found)),)


def listed(numbers: Iterable[int]) -> str:
    """Return numbers of our own as a list stands behind IN, which for PostgreSQL cannot be empty."""
    return ",".join(str(int(each)) for each in sorted(numbers)) or _NOBODYS


def as_text(connection: Connection, column: str) -> str:
    """Return a number's column to be held against its text: SQLite does that by itself, and faster."""
    return f"CAST({column} AS TEXT)" if is_postgresql(connection) else column


def by_index(connection: Connection, name: str) -> str:
    """Return what has SQLite go by an index; PostgreSQL looks for itself."""
    return "" if is_postgresql(connection) else f"INDEXED BY {name}"


def insert_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Add many rows in the open transaction, by whatever is fastest."""
    listed = ", ".join(columns)
    if not is_postgresql(connection):
        places = ",".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({listed}) VALUES ({places})", rows)
        return
    import psycopg  # which a store in a file does not need

    if not connection.in_transaction():
        connection.begin()
    opened: Any = connection.connection.driver_connection
    try:
        with opened.cursor() as cursor, cursor.copy(f"COPY {table} ({listed}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        if opened.closed or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            connection.invalidate(error)
        raise LostError(f"store: cannot be written: {cause(error)}") from error


@lru_cache(maxsize=2048)
def spoken(statement: str) -> str:
    """Return a statement with its places as psycopg wants them."""
    return statement.replace("%", "%%").replace("?", "%s")


def _is_number(table: Table) -> bool:
    return isinstance(table.c.id.type, Integer)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit())
