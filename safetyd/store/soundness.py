"""Whether a file is a whole store, and what it holds.

Rule: looking changes nothing. A damage is told in SQLite's own words, once; what merely cannot be opened just
now is no damage.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from safetyd.store.database import HEAD, StoreError
from safetyd.store.moments import moment

BACKUPS = "*.backup"
_GROWING = ("reading", "attachment", "roll_up", "roll_up_time", "roll_up_state", "uncopied")
# A look at them takes as long as the disk needs to read them.
_SMALL_BYTES = 100_000_000  # a disk of 45 MB/s has read it in two seconds; at ten times that nobody waits
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Holdings(NamedTuple):
    """What a store holds; the times are those of its newest reading's arrival and line of history."""

    version: str
    tickets: int
    readings: int
    bytes: int
    last_reading_at: datetime | None
    last_history_at: datetime | None


@contextmanager
def opened(path: Path, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    """Yield a connection to a store by its file, which must be there."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        yield connection


def holdings(path: Path) -> Holdings:
    """Return what a file holds.

    Raises:
        StoreError: it is no store of safetyd, or one of a newer program.
    """
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file; look at the path")
    try:
        with opened(path) as connection:
            return holdings_of(connection, path)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: is no store that can be read: {error}; name another file") from error


def holdings_of(connection: sqlite3.Connection, path: Path, known_as: Path | None = None) -> Holdings:
    """Return what is behind a connection to a file; an error calls it by the name that a person knows.

    Raises:
        StoreError: it is no store of safetyd, or one of a newer program.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables >= {"alembic_version", "ticket", "reading", "history"}:
        raise StoreError(f"{known_as or path}: is no store of safetyd; name another file")
    (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if version > HEAD:
        raise StoreError(
            f"{known_as or path}: is from a newer safetyd (version {version}, this one knows {HEAD});"
            " install that one"
        )
    (tickets,) = connection.execute("SELECT count(*) FROM ticket").fetchone()
    (readings,) = connection.execute("SELECT count(*) FROM reading").fetchone()
    read = connection.execute("SELECT observed_at, delay FROM reading ORDER BY id DESC LIMIT 1").fetchone()
    line = connection.execute("SELECT at FROM history ORDER BY id DESC LIMIT 1").fetchone()
    return Holdings(
        version,
        tickets,
        readings,
        path.stat().st_size,
        moment(read[0]) + timedelta(microseconds=read[1]) if read else None,
        moment(line[0]) if line else None,
    )


def check_all(connection: sqlite3.Connection) -> str:
    """Return what is wrong with a store, nothing if it is whole; every page and index is read."""
    try:
        return _answer(connection.execute("PRAGMA integrity_check(1)"))
    except sqlite3.DatabaseError as error:
        return str(error)


def damage(path: Path, *, thorough: bool = False) -> str:
    """Return what is wrong with a store before it is opened to be worked with, nothing if nothing is known.

    After an unclean end a store that is not large is read as a whole; else all but what grows for years. One
    without a byte is new only where nothing was ever backed up from it.
    """
    if not path.exists():
        return ""
    if path.stat().st_size == 0:
        return "" if newest_good(path.parent) is None else "it is empty"
    try:
        with opened(path) as connection:
            named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in named}
            if thorough or (path.stat().st_size <= _SMALL_BYTES and not _ended_cleanly(connection, tables)):
                return _answer(connection.execute("PRAGMA quick_check(1)"))
            for name in sorted(tables.difference(_GROWING)):
                if found := _answer(connection.execute(f"PRAGMA quick_check({name})")):
                    return found
    except sqlite3.DatabaseError as error:
        return str(error) if is_damage(error) else ""  # whoever opens it will say
    return ""


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return whether an error says that a store is damaged, and not only out of reach just now."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _DAMAGED


def newest_good(folder: Path) -> Path | None:
    """Return the newest backup in a folder that could be restored."""
    found = [path for path in folder.glob(BACKUPS) if path.is_file()]
    for path in sorted(found, key=lambda each: each.stat().st_mtime, reverse=True):
        try:
            holdings(path)
            with opened(path) as connection:
                if not check_all(connection):
                    return path
        except (StoreError, sqlite3.Error):
            continue
    return None


def _ended_cleanly(connection: sqlite3.Connection, tables: set[str]) -> bool:
    last = connection.execute("SELECT is_last FROM beat").fetchone() if "beat" in tables else None
    return last is not None and bool(last[0])


def _answer(found: sqlite3.Cursor) -> str:
    (said,) = found.fetchone()
    return "" if said == "ok" else " ".join(str(said).removeprefix("*** in database main ***").split())
