"""A file of its own in which an import is prepared, before anything of it is in the store.

Rule: it is made and thrown away by whoever imports; the writer only reads it. Rows lie in order of place and
time, whatever order they came in, and of one moment only the first says something.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

import msgspec

from safetyd.core.errors import SafetydError
from safetyd.core.model import Finding, Place
from safetyd.setting_store import is_served
from safetyd.store.database import Connection, file_of
from safetyd.store.dialect import is_postgresql
from safetyd.store.moments import moment
from safetyd.store.readings import ReadingRow

_TABLES = """
    CREATE TABLE said (place INTEGER, at INTEGER, temperature REAL, humidity REAL, PRIMARY KEY (place, at))
        WITHOUT ROWID;
    CREATE TABLE known (place INTEGER, at INTEGER, kept INTEGER, PRIMARY KEY (place, at, kept)) WITHOUT ROWID;
    CREATE TABLE judged (place INTEGER, kept INTEGER, at INTEGER, value REAL, mark INTEGER, reason TEXT);
    CREATE TABLE about (body BLOB);
"""
_SAY = (
    "INSERT INTO said VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET"
    " temperature = coalesce(temperature, excluded.temperature),"
    " humidity = coalesce(humidity, excluded.humidity)"
)
_STEP = (
    "SELECT step FROM (SELECT at - lag(at) OVER (ORDER BY at) AS step FROM said WHERE place = ?)"
    " WHERE step IS NOT NULL GROUP BY step ORDER BY count(*) DESC, step LIMIT 1"
)
_AT_ONCE = 5_000

Said = tuple[int, int, float | None, float | None]  # place, moment, temperature, humidity


class Share(NamedTuple):
    """What a file says of one place: how many values are new, and what it went through then."""

    place: Place
    interval: timedelta | None
    moments: int
    values: int
    rejected: int
    first_at: datetime
    last_at: datetime
    episodes: tuple[Finding, ...]


class About(NamedTuple):
    """What is prepared; `after` is the last import of which the store knew then."""

    after: int
    file: str
    sha256: str
    sensor: str
    rows: int
    shares: tuple[Share, ...]


class StagedError(SafetydError):
    """What was prepared is not there any more, or not whole."""


def beside(url: str) -> Path:
    """Return the folder in which an import is prepared: the store's, or one of this machine."""
    return Path(gettempdir()) if is_served(url) else file_of(url).resolve().parent


def folder_of(connection: Connection) -> Path | None:
    """Return the folder of a store, in which its writer looks for what is prepared; None of one in memory."""
    if is_postgresql(connection):
        return Path(gettempdir())
    database = connection.engine.url.database
    return Path(database).parent if database else None


class Staged:
    """A file in which an import is prepared."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = sqlite3.connect(path, isolation_level=None)
        self._store.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES + "BEGIN;")

    def close(self) -> None:
        """Let go of it."""
        self._store.close()

    def say(self, rows: Iterable[Said]) -> None:
        """Add what some rows say."""
        self._store.executemany(_SAY, rows)

    def know(self, keys: Iterable[tuple[int, int, int]]) -> None:
        """Note which values of a place and moment are in the store already."""
        self._store.executemany("INSERT OR IGNORE INTO known VALUES (?,?,?)", keys)

    def known(self, place: int) -> Iterator[tuple[int, int]]:
        """Yield moment and kind of each value of a place that is in the store already, in order."""
        wanted = "SELECT at, kept FROM known WHERE place = ? ORDER BY at, kept"
        yield from self._store.execute(wanted, (place,))

    def step(self, place: int) -> timedelta | None:
        """Return how far apart the moments of a place mostly are; None if there is but one."""
        found = self._store.execute(_STEP, (place,)).fetchone()
        return None if found is None else timedelta(microseconds=found[0])

    def said(self, place: int) -> Iterator[tuple[datetime, float | None, float | None]]:
        """Yield moment, temperature and humidity of a place, in order of time."""
        wanted = "SELECT at, temperature, humidity FROM said WHERE place = ? ORDER BY at"
        for at, temperature, humidity in self._store.execute(wanted, (place,)):
            yield moment(at), temperature, humidity

    def judge(self, rows: Iterable[ReadingRow]) -> None:
        """Add values with their marks; the number of a row is that of its place."""
        made = ((place, kept, at, value, mark, why) for place, kept, at, _, value, mark, why, *_ in rows)
        self._store.executemany("INSERT INTO judged VALUES (?,?,?,?,?,?)", made)

    def finish(self, about: About) -> None:
        """Say what it all is; whoever opens it now finds it whole."""
        self._store.execute("INSERT INTO about VALUES (?)", (msgspec.msgpack.encode(about),))
        self._store.execute("COMMIT")


class Prepared:
    """What was prepared, as the writer reads it."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self._store = store
        (body,) = store.execute("SELECT body FROM about").fetchone()
        self.about = msgspec.msgpack.decode(body, type=About)

    def rows(self, numbers: list[int], received_at: int) -> Iterator[list[ReadingRow]]:
        """Yield the rows of readings, piece by piece; `numbers` are the sensors of the places."""
        wanted = "SELECT place, kept, at, value, mark, reason FROM judged ORDER BY rowid"
        found = self._store.execute(wanted)
        while some := found.fetchmany(_AT_ONCE):
            yield [
                (numbers[place], kept, at, received_at - at, value, mark, why, None, None, None, None)
                for place, kept, at, value, mark, why in some
            ]


@contextmanager
def prepared(path: Path) -> Iterator[Prepared]:
    """Yield what was prepared.

    Raises:
        StagedError: it is not there, or not whole.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as store:
            yield Prepared(store)
    except (sqlite3.Error, msgspec.MsgspecError, TypeError) as error:
        raise StagedError(
            f"what was prepared of the import cannot be read ({error}); import it again"
        ) from error
