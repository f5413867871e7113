"""A store in a file: SQLite with a log beside it, one writer, and a lock that ends with its process.

Rule: a commit has reached the disk when it returns (WAL with synchronous FULL).
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, create_mock_engine, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import NullPool

from safetyd.store.beginning import at_each
from safetyd.store.chain import keep_sealed
from safetyd.store.every_table import metadata
from safetyd.store.failure import StoreError, cause

_BUSY_MS = 5000


def file_of(url: str) -> Path:
    """Return the file of a SQLite URL."""
    return Path(make_url(url).database or "")


@lru_cache
def memory() -> Engine:
    """One engine, so that statements are compiled once; each of its connections is a store of its own."""
    # Whichever thread collects one that was dropped may close it.
    engine = create_engine("sqlite://", poolclass=NullPool, connect_args={"check_same_thread": False})
    keep_sealed(engine)
    return engine


@lru_cache
def _statements() -> tuple[str, ...]:
    """Return the SQL that makes every table in an empty store: a replay, or a test, makes many of them."""
    said: list[str] = []
    kind = sqlite.dialect()
    nowhere = create_mock_engine(
        "sqlite://", lambda made, *_, **__: said.append(str(made.compile(dialect=kind)))
    )
    metadata.create_all(nowhere, checkfirst=False)
    return tuple(said)


def make_tables(connection: Connection) -> None:
    """Make every table in an empty store."""
    for statement in _statements():
        connection.exec_driver_sql(statement)


def writing(url: str) -> Engine:
    """Return an engine that writes, its folder made.

    Raises:
        OSError: there can be no such folder.
    """
    file_of(url).parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(url, "BEGIN IMMEDIATE")
    keep_sealed(engine, _engine(url, "BEGIN"))
    return engine


def reading(url: str) -> Connection:
    """Return a connection that only reads."""
    engine = _engine(url, "BEGIN")
    keep_sealed(engine, _engine(url, "BEGIN"))
    connection = engine.connect()
    connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.commit()
    return connection


def copy(path: Path) -> Engine:
    """Return an engine that reads a file which is no running store, and changes nothing of it."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return create_engine(
        "sqlite://", poolclass=NullPool, creator=lambda: sqlite3.connect(uri, uri=True, isolation_level=None)
    )


def version(connection: Connection) -> str | None:
    """Return the version of the tables, None where there is none."""
    known = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").scalar()
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if known else None
    connection.rollback()
    return None if found is None else str(found)


@contextmanager
def lock(url: str) -> Iterator[bool]:
    """Yield whether this process is the one writer; the lock ends with the process, however that ends."""
    path = file_of(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = path.with_name(path.name + ".lock").open("a")
    except OSError as error:
        raise StoreError(f"store {path}: cannot be locked: {cause(error)}") from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _engine(url: str, begin: str) -> Engine:
    engine = create_engine(
        url, poolclass=NullPool, connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = (
            None  # SQLAlchemy says BEGIN, so that reading and writing are one transaction
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    at_each(engine, lambda opened: opened.execute(begin))
    return engine
