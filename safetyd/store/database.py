"""Opens the store: one writer at a time, durable before it says so, at the right version or not at all.

Rule: a commit has reached the disk when it returns. Only the holder of the writer's lock writes; everybody
else reads, or leaves a command in the inbox. Who may log in is kept by whoever is asked to: see `accounts`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from sqlalchemy import Connection as Connection  # noqa: PLC0414 - handed on: the store is the only door
from sqlalchemy import Engine, event, inspect
from sqlalchemy.exc import DatabaseError, DBAPIError, InvalidRequestError

from safetyd.setting_store import is_served, place_of
from safetyd.store import sqlite_file
from safetyd.store.dialect import is_postgresql
from safetyd.store.dialect import last_written as last_written  # noqa: PLC0414 - handed on
from safetyd.store.failure import LostError as LostError  # noqa: PLC0414 - handed on
from safetyd.store.failure import StoreError as StoreError  # noqa: PLC0414 - handed on
from safetyd.store.failure import cause
from safetyd.store.sqlite_file import file_of as file_of  # noqa: PLC0414 - handed on

HEAD = "0021"  # the newest migration; a test holds it to the script directory
_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION_TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"


def _server() -> ModuleType:
    """Return what speaks with PostgreSQL, which a store in a file does not need."""
    try:
        from safetyd.store import postgres
    except ImportError as error:
        raise StoreError(
            "[store] url: PostgreSQL is spoken by psycopg, which is not installed;"
            " install safetyd with it: pip install 'safetyd[postgresql]'"
        ) from error
    return postgres


def connecting(url: str, **how: Any) -> Engine:
    """Return an engine for a database server that connects as a store does, but for `how`.

    Raises:
        StoreError: no such server can be spoken with.
    """
    return cast(Engine, _server().connecting(url, **how))


def in_memory() -> Connection:
    """Return a connection to an empty store that lives as long as the connection."""
    connection = sqlite_file.memory().connect()
    sqlite_file.make_tables(connection)
    connection.commit()
    return connection


def open_for_writing(url: str) -> Connection:
    """Return the writer's connection, the store made and brought to this version if need be.

    Raises:
        StoreError: it cannot be opened, or was written by a newer safetyd.
    """
    try:
        engine = _server().writing(url) if is_served(url) else sqlite_file.writing(url)
        connection = engine.connect()
        if _version(connection) != HEAD:
            connection.close()
            _bring_up_to_date(engine, place_of(url))
            connection = engine.connect()
    except (OSError, DatabaseError) as error:
        raise StoreError(f"store {place_of(url)}: cannot be opened for writing: {cause(error)}") from error
    return connection


def open_for_reading(url: str, aside: Callable[[], None] | None = None) -> Connection:
    """Return a connection that only reads, and calls `aside` before each statement.

    Raises:
        StoreError: there is no store yet, or it is of another version.
    """
    name = place_of(url)
    if not is_served(url) and not file_of(url).exists():
        raise StoreError(f"store {name}: there is none yet; it is made by: safetyd run")
    try:
        connection = _server().reading(url) if is_served(url) else sqlite_file.reading(url)
        version = _version(connection)
    except DatabaseError as error:
        raise StoreError(f"store {name}: cannot be read: {cause(error)}") from error
    if version != HEAD:
        connection.close()
        if version is None and is_served(url):
            raise StoreError(
                f"store {name}: there is none yet; it is made by: safetyd run"
                " (in a district each shard has one; say which: SAFETYD_DISTRICT__SHARD=0)"
            )
        _refuse_newer(name, version)
        raise StoreError(
            f"store {name}: was made by an older safetyd; it is brought up to date by: safetyd run"
        )
    if aside is not None:
        event.listen(connection, "before_cursor_execute", lambda *_: aside())
    return connection


@contextmanager
def reading_whatever(url: str) -> Iterator[tuple[Connection, str | None]]:
    """Yield a connection to a server that only reads, and of which version the store is; None: there is none.

    Raises:
        StoreError: the server does not answer.
    """
    with _server().reading(url) as connection:
        yield connection, _version(connection)


def has_store(url: str) -> bool:
    """Return whether there is one, of whichever version.

    Raises:
        StoreError: the server does not answer.
    """
    if not is_served(url):
        return file_of(url).exists()
    with reading_whatever(url) as (_, version):
        return version is not None


@contextmanager
def open_copy(path: Path) -> Iterator[Connection]:
    """Yield a connection to a store's file that is no running one, such as a backup; nothing of it changes.

    Raises:
        StoreError: it is not of this version, or no store.
    """
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file; look at the path")
    try:
        with sqlite_file.copy(path).connect() as connection:
            version = _version(connection)
            if version != HEAD:
                _refuse_newer(str(path), version)
                raise StoreError(
                    f"{path}: is no store of this version of safetyd; restore it, and run safetyd"
                )
            connection.exec_driver_sql("BEGIN")
            yield connection
    except DatabaseError as error:
        raise StoreError(
            f"{path}: is no store that can be read: {cause(error)}; name another file"
        ) from error


@contextmanager
def writer_lock(url: str) -> Iterator[bool]:
    """Yield whether this process is the one writer; the lock ends with the process, however that ends."""
    with _server().lock(url) if is_served(url) else sqlite_file.lock(url) as is_ours:
        yield is_ours


@contextmanager
def undone_on_failure(connection: Connection) -> Iterator[None]:
    """Roll back what fails to be written.

    Raises:
        StoreError: it failed; nothing of the transaction was written, but for what `Attempt` tells.
    """
    try:
        yield
    except (DBAPIError, InvalidRequestError) as error:
        abandon(connection)
        raise StoreError(f"store: cannot be written: {cause(error)}") from error
    except LostError:
        abandon(connection)
        raise


@contextmanager
def looking(connection: Connection) -> Iterator[None]:
    """Read by the writer's connection: a transaction that only this began ends, and locks nobody out."""
    is_open = connection.in_transaction()
    yield
    if not is_open:
        connection.rollback()


def abandon(connection: Connection) -> None:
    """Let go of the open transaction, also of a connection that was lost: its next use connects anew."""
    with suppress(DBAPIError, InvalidRequestError, StoreError):
        connection.rollback()
        if not (connection.closed or connection.invalidated):
            connection.connection.rollback()  # what fails while it is sealed, SQLAlchemy takes for over


def when_undone(connection: Connection, act: Callable[[Connection], object]) -> None:
    """Have something done whenever an open transaction of a connection is rolled back, by whomever."""
    event.listen(connection, "rollback", act)


class Attempt:
    """A commit that failed: whether it took place all the same, its answer lost with the server."""

    def __init__(self) -> None:
        self._token = ""

    def failed(self, connection: Connection) -> None:
        """Note by what that will be known."""
        self._token = _server().token(connection) if is_postgresql(connection) else ""

    def took_place(self, connection: Connection) -> bool:
        """Return whether it did; asked again it is no longer known."""
        is_there = bool(self._token) and _server().has_token(connection, self._token)
        self._token = ""
        if is_postgresql(connection):
            _server().forget_tokens(connection)  # one of before is no token of what is tried next
        return is_there


@contextmanager
def told_on_failure(url: str) -> Iterator[None]:
    """Tell in a sentence what of a store that is open cannot be read.

    Raises:
        StoreError: it could not be read.
    """
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"store {place_of(url)}: cannot be read: {cause(error)}") from error


def _version(connection: Connection) -> str | None:
    return _server().version(connection) if is_postgresql(connection) else sqlite_file.version(connection)


def _bring_up_to_date(engine: Engine, name: str) -> None:
    """Make an empty store by the schema, to which the tests hold the migrations; migrate an older one."""
    with engine.connect() as connection:
        version = _version(connection)
        _refuse_newer(name, version)
        of_server = is_postgresql(connection)
        tables = _server().tables(connection) if of_server else inspect(connection).get_table_names()
        if version is None and tables:
            mend = "name another schema" if of_server else "name another file"
            raise StoreError(f"store {name}: is a database of something else; {mend} in [store] url")
        if not tables:
            (_server() if of_server else sqlite_file).make_tables(connection)
            connection.exec_driver_sql(_VERSION_TABLE)
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        else:
            connection.rollback()
            _migrate(connection)
        connection.commit()


def _migrate(connection: Connection) -> None:
    from alembic import command  # 11 MB that only an older store needs
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_newer(name: str, version: str | None) -> None:
    if version is not None and version > HEAD:
        raise StoreError(
            f"store {name}: was written by a newer safetyd (version {version}, this one knows {HEAD});"
            " install that one"
        )
