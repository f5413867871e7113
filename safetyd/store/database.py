"""Opens the database: one writer at a time, durable before it says so, at the right version or not at all.

Rule: a commit has reached the disk when it returns (WAL with synchronous FULL). Only the holder of the lock
beside the file writes; everybody else reads, or leaves a command in the inbox. Who may log in is kept by
whoever is asked to: see `accounts`.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Connection  # noqa: PLC0414 - handed on: the store is the only door
from sqlalchemy import Engine, create_engine, create_mock_engine, event, inspect, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlalchemy.pool import NullPool

from safetyd.core.errors import SafetydError
from safetyd.store.chain import keep_sealed
from safetyd.store.every_table import metadata

HEAD = "0021"  # the newest migration; a test holds it to the script directory
_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 5000
_VERSION_TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"


class StoreError(SafetydError):
    """The store cannot be used, or not now."""


def in_memory() -> Connection:
    """Return a connection to an empty store that lives as long as the connection."""
    connection = _memory().connect()
    _make_tables(connection)
    connection.commit()
    return connection


@lru_cache
def _memory() -> Engine:
    """One engine, so that statements are compiled once; each of its connections is a store of its own."""
    # Whichever thread collects one that was dropped may close it.
    engine = create_engine("sqlite://", poolclass=NullPool, connect_args={"check_same_thread": False})
    keep_sealed(engine)
    return engine


def _make_tables(connection: Connection) -> None:
    for statement in _statements():
        connection.exec_driver_sql(statement)


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


def open_for_writing(url: str) -> Connection:
    """Return the writer's connection, the file made and brought to this version if need be.

    Raises:
        StoreError: it cannot be opened, or was written by a newer safetyd.
    """
    path = file_of(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(url, "BEGIN IMMEDIATE")
        connection = engine.connect()
        if _version(connection) != HEAD:
            connection.close()
            _bring_up_to_date(engine, path)
            connection = engine.connect()
    except (OSError, DatabaseError) as error:
        raise StoreError(f"store {path}: cannot be opened for writing: {_cause(error)}") from error
    return connection


def open_for_reading(url: str) -> Connection:
    """Return a connection that only reads.

    Raises:
        StoreError: there is no store yet, or it is of another version.
    """
    path = file_of(url)
    if not path.exists():
        raise StoreError(f"store {path}: there is none yet; it is made by: safetyd run")
    try:
        connection = _engine(url, "BEGIN").connect()
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.commit()
        version = _version(connection)
    except DatabaseError as error:
        raise StoreError(f"store {path}: cannot be read: {_cause(error)}") from error
    if version != HEAD:
        _refuse_newer(path, version)
        raise StoreError(
            f"store {path}: was made by an older safetyd; it is brought up to date by: safetyd run"
        )
    return connection


@contextmanager
def open_copy(path: Path) -> Iterator[Connection]:
    """Yield a connection to a store's file that is no running one, such as a backup; nothing of it changes.

    Raises:
        StoreError: it is not of this version, or no store.
    """
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file; look at the path")
    uri = f"{path.absolute().as_uri()}?mode=ro"
    engine = create_engine(
        "sqlite://", poolclass=NullPool, creator=lambda: sqlite3.connect(uri, uri=True, isolation_level=None)
    )
    try:
        with engine.connect() as connection:
            version = _version(connection)
            if version != HEAD:
                _refuse_newer(path, version)
                raise StoreError(
                    f"{path}: is no store of this version of safetyd; restore it, and run safetyd"
                )
            connection.exec_driver_sql("BEGIN")
            yield connection
    except DatabaseError as error:
        raise StoreError(
            f"{path}: is no store that can be read: {_cause(error)}; name another file"
        ) from error


@contextmanager
def writer_lock(url: str) -> Iterator[bool]:
    """Yield whether this process is the one writer; the lock ends with the process, however that ends."""
    path = file_of(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("a")
    except OSError as error:
        raise StoreError(f"store {path}: cannot be locked: {_cause(error)}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def undone_on_failure(connection: Connection) -> Iterator[None]:
    """Roll back what fails to be written.

    Raises:
        StoreError: it failed; nothing of the transaction was written.
    """
    try:
        yield
    except DBAPIError as error:
        with suppress(DBAPIError):
            connection.rollback()
        raise StoreError(f"store: cannot be written: {_cause(error)}") from error


@contextmanager
def told_on_failure(url: str) -> Iterator[None]:
    """Tell in a sentence what of a store that is open cannot be read.

    Raises:
        StoreError: it could not be read.
    """
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"store {file_of(url)}: cannot be read: {_cause(error)}") from error


def file_of(url: str) -> Path:
    """Return the file of a SQLite URL."""
    return Path(make_url(url).database or "")


def _engine(url: str, begin: str) -> Engine:
    engine = _plain_engine(url, begin)
    keep_sealed(engine, _plain_engine(url, "BEGIN"))
    return engine


def _plain_engine(url: str, begin: str) -> Engine:
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

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _version(connection: Connection) -> str | None:
    known = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").scalar()
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if known else None
    connection.rollback()
    return None if found is None else str(found)


def _bring_up_to_date(engine: Engine, path: Path) -> None:
    """Make an empty file by the schema, to which the tests hold the migrations; migrate an older one."""
    with engine.connect() as connection:
        version = _version(connection)
        _refuse_newer(path, version)
        tables = inspect(connection).get_table_names()
        if version is None and tables:
            raise StoreError(
                f"store {path}: is a database of something else; name another file in [store] url"
            )
        if not tables:
            _make_tables(connection)
            connection.exec_driver_sql(_VERSION_TABLE)
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        else:
            connection.rollback()
            _migrate(connection)
        connection.commit()


def _migrate(connection: Connection) -> None:
    from alembic import command  # 11 MB that only an older file needs
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_newer(path: Path, version: str | None) -> None:
    if version is not None and version > HEAD:
        raise StoreError(
            f"store {path}: was written by a newer safetyd (version {version}, this one knows {HEAD});"
            " install that one"
        )


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)
