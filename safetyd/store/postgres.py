"""A store in a PostgreSQL: the tables of one schema, which the search path of the URL names.

Rule: a commit has reached the server's disk when it returns. As with SQLite one transaction writes at a time,
so that numbers are given in the order of commits, and a reader sees the store as it was at one moment. Each
commit leaves a token, by which it is known whether one took place whose answer was lost.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.types.string import StrDumper
from sqlalchemy import URL, Connection, Engine, create_engine, create_mock_engine, event, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import NullPool

from safetyd.setting_store import FILE_PARAMETER, PASSWORD_VARIABLE, place_of
from safetyd.store.beginning import at_each
from safetyd.store.chain import keep_sealed
from safetyd.store.dialect import COMMITS, NUL, PLACE, SYMBOL_FOR_NUL, spoken
from safetyd.store.every_table import metadata
from safetyd.store.failure import LostError, StoreError, cause
from safetyd.store.fence import keep_fenced
from safetyd.store.primary import WHICH, is_demoted, note, seek, server_of
from safetyd.store.schema import ticket

_BUSY_MS = 5000
_CONNECT_S = 5
_KEPT_COMMITS = 10_000
_TRIED = "safetyd_tried"
_ALIVE = {  # a server that is gone without a word is given up after some seconds
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SETTINGS = (  # and it lets go of us, and of what we have locked, as soon
    f"{WHICH}; SET lock_timeout = {_BUSY_MS}; SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2;"
    " SET tcp_keepalives_count = 3; SET tcp_user_timeout = 10000; SET TimeZone = 'UTC'"
)
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
_OF_OURS = (
    f'CREATE TABLE {COMMITS} ("number" BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token TEXT NOT NULL)',
    f"ALTER TABLE {ticket.name} ADD COLUMN {PLACE} BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE",
    "CREATE INDEX inbox_unanswered ON inbox (id) WHERE answer IS NULL",
)
_BEGIN = "SELECT pg_advisory_xact_lock(hashtextextended('safetyd writes ' || current_schema(), 0))"
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('safetyd runs ' || current_schema(), 0))"
_LEAVE_TOKEN = (
    f"WITH old AS (DELETE FROM {COMMITS}"
    f" WHERE number <= (SELECT max(number) FROM {COMMITS}) - {_KEPT_COMMITS})"
    f" INSERT INTO {COMMITS} (token) VALUES (?)"
)
_IS_THERE = f"SELECT 1 FROM {COMMITS} WHERE token = ? LIMIT 1"


class _Text(StrDumper):
    """PostgreSQL's text holds no NUL: its symbol stands there instead."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace(NUL, SYMBOL_FOR_NUL) if NUL in obj else obj)


class _Sum(Loader):
    """A sum of numbers of 64 bits comes as a decimal number of any length."""

    def load(self, data: Any) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text or b"N" in text else int(text)


def writing(url: str) -> Engine:
    """Return an engine that writes."""
    engine = _engine(url)

    @event.listens_for(engine, "connect")
    def _on_connect(opened: Any, _record: object) -> None:
        _hold_still(url, server_of(opened))

    _keep_durable(engine)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.get_execution_options()[_TRIED].clear()

    at_each(engine, lambda opened: opened.execute(_BEGIN))
    keep_sealed(engine, _engine(url))

    @event.listens_for(engine, "commit")
    def _on_commit(connection: Connection) -> None:
        token = token_hex(16)
        connection.exec_driver_sql(_LEAVE_TOKEN, (token,))
        connection.get_execution_options()[_TRIED].append(token)

    keep_fenced(engine)
    return engine


def reading(url: str) -> Connection:
    """Return a connection that only reads, and sees in each transaction the store of one moment."""
    engine = _engine(url)

    @event.listens_for(engine, "connect")
    def _on_connect(opened: Any, _record: object) -> None:
        opened.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        opened.read_only = True

    return engine.connect()


def token(connection: Connection) -> str:
    """Return the token of the commit that was tried last, "" if none was."""
    tried: list[str] = connection.get_execution_options().get(_TRIED, [])
    return tried[-1] if tried else ""


def forget_tokens(connection: Connection) -> None:
    """Forget the commits that were tried."""
    connection.get_execution_options()[_TRIED].clear()


def has_token(connection: Connection, token: str) -> bool:
    """Return whether the commit that left a token took place."""
    return connection.exec_driver_sql(_IS_THERE, (token,)).scalar() is not None


def make_tables(connection: Connection) -> None:
    """Make every table in an empty schema, in the open transaction."""
    opened: Any = connection.connection.driver_connection
    opened.execute(_script())


@lru_cache
def _script() -> str:
    said: list[str] = []
    kind = postgresql.dialect()  # type: ignore[no-untyped-call]
    nowhere = create_mock_engine(
        "postgresql+psycopg://", lambda made, *_, **__: said.append(str(made.compile(dialect=kind)))
    )
    for index in (each for table in metadata.tables.values() for each in table.indexes):
        # Said in the tables, it would load this dialect for every store in a file: a tenth of a start.
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    metadata.create_all(nowhere, checkfirst=False)
    return ";\n".join([*said, *_OF_OURS])


def version(connection: Connection) -> str | None:
    """Return the version of the tables, None where there is none.

    Raises:
        StoreError: there is no such schema.
    """
    schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
    if schema is None:
        connection.rollback()
        raise StoreError("its search_path names no schema that there is; make it: CREATE SCHEMA")
    known = connection.exec_driver_sql(
        "SELECT 1 FROM pg_catalog.pg_tables"
        " WHERE schemaname = current_schema() AND tablename = 'alembic_version'"
    ).scalar()
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if known else None
    connection.rollback()
    return None if found is None else str(found)


def tables(connection: Connection) -> list[str]:
    """Return the names of the tables of the schema, whoever made them."""
    wanted = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
    return list(connection.exec_driver_sql(wanted).scalars())


_held: dict[str, "_Lock"] = {}  # by URL: what this process has locked
_holding = threading.Lock()


class _Lock:
    """A connection that holds the lock of the one writer for as long as it lives."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._connection: Any = None

    def take(self, server: str = "") -> bool:
        """Return whether the lock is ours, now or still; at a certain server if one is named."""
        if self._connection is not None and self._is_at(server):
            with suppress(StoreError, psycopg.Error):
                self._connection.driver_connection.execute("SELECT 1")
                return True
        self.let_go()
        self._connection = self._engine.raw_connection()
        opened = self._connection.driver_connection
        opened.autocommit = True
        return bool(opened.execute(_LOCK).fetchone()[0]) and self._is_at(server)

    def _is_at(self, server: str) -> bool:
        return server in ("", server_of(self._connection.driver_connection))

    def give_back(self) -> None:
        """Let the next have the lock at once: the server is slower to see that a connection is closed."""
        with suppress(Exception):
            self._connection.driver_connection.execute("SELECT pg_advisory_unlock_all()")
        self.let_go()

    def let_go(self) -> None:
        """Close the connection, and the lock with it."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.invalidate()
        self._connection = None


@contextmanager
def lock(url: str) -> Iterator[bool]:
    """Yield whether this process is the one writer; the server knows when the process has ended."""
    made = _Lock(url)
    try:
        is_ours = made.take()
    except (psycopg.Error, StoreError) as error:
        raise StoreError(f"store {place_of(url)}: cannot be locked: {cause(error)}") from error
    try:
        with _holding:
            if is_ours:
                _held[url] = made
        yield is_ours
    finally:
        with _holding:
            if _held.get(url) is made:
                del _held[url]
        made.give_back()


def _hold_still(url: str, server: str) -> None:
    """Before the one writer writes again: is it that still, at the server that it writes to?

    One that ended has forgotten the lock, and one that took its place has never known it.
    """
    with _holding:
        held = _held.get(url)
        if held is not None and not held.take(server):
            held.let_go()
            raise LostError(f"store {place_of(url)}: another safetyd runs on it since the server was away")


def connecting(url: str, **how: Any) -> Engine:
    """Return an engine that connects as every one of ours does, but for `how`, and does nothing of itself."""
    engine = _engine(url, how)
    _keep_durable(engine)
    return engine


def _keep_durable(engine: Engine) -> None:
    """Have each commit of an engine reach the disk, and that of a synchronous standby, before it returns."""

    @event.listens_for(engine, "connect")
    def _on_connect(opened: Any, _record: object) -> None:
        opened.execute(_DURABLE)
        opened.commit()


def _engine(url: str, how: Mapping[str, Any] = MappingProxyType({})) -> Engine:
    parts = make_url(url)
    file = parts.query.get(FILE_PARAMETER)
    bare = parts.difference_update_query([FILE_PARAMETER])
    given = {key: value for key, value in _ALIVE.items() if key not in bare.query}
    engine = create_engine(
        bare,
        poolclass=NullPool,
        pool_reset_on_return=None,  # a server rolls back what is closed
        use_native_hstore=False,
        hide_parameters=True,
        connect_args={**given, "connect_timeout": _CONNECT_S, **_name(bare), **how},
        execution_options={_TRIED: []},
    )

    @event.listens_for(engine, "do_connect")
    def _do_connect(_dialect: object, _record: object, _args: object, how: dict[str, Any]) -> None:
        password = _password(file)
        if password is not None:
            how["password"] = password

    @event.listens_for(engine, "connect")
    def _on_connect(opened: Any, _record: object) -> None:
        opened.adapters.register_dumper(str, _Text)
        opened.adapters.register_loader("numeric", _Sum)
        note(opened, opened.execute(_SETTINGS).fetchone()[0])
        opened.commit()

    seek(engine)

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def _say(
        _connection: Connection, _cursor: Any, statement: str, given: Any, context: Any, _many: bool
    ) -> tuple[str, Any]:
        return (statement if context is None or context.compiled else spoken(statement)), given

    @event.listens_for(engine, "handle_error")
    def _lost(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, StoreError):
            raise error
        if is_demoted(error):
            context.is_disconnect = True
            raise LostError(f"store {place_of(url)}: the server takes no writes: {cause(error)}") from error
        if context.is_disconnect or context.connection is None or context.connection.invalidated:
            raise LostError(f"store {place_of(url)}: the server does not answer: {cause(error)}") from error

    return engine


def _name(url: URL) -> dict[str, str]:
    """By what the server calls our sessions; a shard's are told from those of its former holders."""
    return {"application_name": str(url.query.get("application_name", "safetyd"))}


def _password(file: Any) -> str | None:
    """Return it as it is now; what else there may be, PGPASSFILE for one, is libpq's own to find."""
    for name, value in os.environ.items():
        if name.upper() == PASSWORD_VARIABLE and value:
            return value
    if file is None:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"[store] password_file {file}: cannot be read: {cause(error)}") from error
