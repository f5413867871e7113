"""Finds which of several PostgreSQLs is written to, and leaves one that another has replaced.

Rule: only the primary lets us in. Who let us in last is asked first, so that a dead one is waited for once. A
server is known by when it began, and so is told from one that took its place at the same address; once a
connection of this process has found the new primary, the others leave the old one before they begin anything.
"""

from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Engine, event

from safetyd.store.beginning import at_each

WHICH = "SELECT extract(epoch FROM pg_postmaster_start_time())::text"
_EACH_S = 3  # for each server, where there is another to try
_PORT = "5432"

_Place = tuple[str, str]
_answered: dict[str, _Place] = {}  # by all of their places: who let us in last
_newest: dict[str, str] = {}  # by all of their places: the server that it was
_servers: "WeakKeyDictionary[psycopg.Connection, str]" = WeakKeyDictionary()


def note(opened: psycopg.Connection, server: str) -> None:
    """Take note which server a new connection leads to."""
    _servers[opened] = server


def server_of(opened: psycopg.Connection) -> str:
    """Return which server a connection leads to."""
    return _servers[opened]


def is_demoted(error: BaseException) -> bool:
    """Return whether a server refused because it is no primary, or no longer."""
    return isinstance(error, psycopg.errors.ReadOnlySqlTransaction)


def seek(engine: Engine) -> None:
    """Have an engine whose URL names several servers go to the one that is written to.

    To be called when `note` has been asked for.
    """
    places = _places(engine)
    if len(places) < 2:
        return
    key = str(places)

    @event.listens_for(engine, "do_connect")
    def _do_connect(_dialect: object, _record: object, _args: object, how: dict[str, Any]) -> None:
        how.setdefault("target_session_attrs", "read-write")
        how["connect_timeout"] = min(how["connect_timeout"], _EACH_S)
        ordered = sorted(places, key=lambda each: each != _answered.get(key))
        how["host"], how["port"] = (",".join(each) for each in zip(*ordered, strict=True))

    @event.listens_for(engine, "connect")
    def _on_connect(opened: psycopg.Connection, _record: object) -> None:
        _answered[key] = (opened.info.host, str(opened.info.port))
        _newest[key] = server_of(opened)

    def leave_former(opened: psycopg.Connection) -> None:
        if server_of(opened) != _newest[key]:
            opened.close()
            raise psycopg.OperationalError("another server has taken its place")

    at_each(engine, leave_former)


def _places(engine: Engine) -> list[_Place]:
    _, given = engine.dialect.create_connect_args(engine.url)
    hosts = str(given.get("host", "")).split(",")
    ports = str(given.get("port", "")).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    return [(host, port or _PORT) for host, port in zip(hosts, ports, strict=True)]
