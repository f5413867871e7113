"""How records stood before the open transaction, and which of them another hand has changed.

Rule: what is committed is seen through a connection of its own, as it was before the writer began. A record
is held against the last row of the chain about it; what cannot be looked at stops no commit.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from safetyd.store.audit import digest
from safetyd.store.chain_schema import chain
from safetyd.store.dialect import among, is_postgresql
from safetyd.store.records import Kind, found

_BESIDE, _SIGHT = "chain beside", "chain sight"
_SAID = """
    SELECT key, body, number FROM chain WHERE number IN
    (SELECT max(number) FROM chain WHERE kind = ? AND {} GROUP BY key)
"""
_BEGINNINGS = "SELECT name, body FROM statement WHERE subject = 'begin' ORDER BY id"


class Altered(NamedTuple):
    """A record that is another than the chain says: the digests found and noted, "" where there was none."""

    kind: Kind
    key: str
    found: str
    noted: str
    row: int  # of the chain, by which it was noted; 0: none


class Noted(NamedTuple):
    """The digest by which the chain last noted a record, and in which row."""

    body: str
    row: int


def keep_in_sight(engine: Engine, beside: Engine) -> None:
    """Let every connection of an engine see, through one of another, what is committed."""

    def met(_: object, record: Any) -> None:
        record.info[_BESIDE] = beside

    def left(_: object, record: Any) -> None:
        record.info.pop(_BESIDE, None)
        if sight := record.info.pop(_SIGHT, None):
            sight.close()

    event.listen(engine, "connect", met)
    event.listen(engine, "close", left)


def by_kind(subjects: Iterable[tuple[Kind, str]]) -> Mapping[Kind, list[str]]:
    """Return the keys of each kind, in order."""
    kinds: dict[Kind, list[str]] = {}
    for kind, key in subjects:
        kinds.setdefault(kind, []).append(key)
    return kinds


def older(connection: Connection) -> Mapping[str, int]:
    """Return up to which row of each kind there may be records that are not on the chain."""
    beginnings = connection.exec_driver_sql(_BEGINNINGS).fetchall()
    if not beginnings or beginnings[-1][0] == "all":
        return {}
    with suppress(ValueError, KeyError, TypeError, AttributeError):  # of what another hand has written
        return {kind: int(row) for kind, row in json.loads(beginnings[-1][1])["older"].items()}
    return {}


def noted(connection: Connection, kind: Kind, keys: Iterable[str]) -> dict[str, Noted]:
    """Return what the chain said last of those of these records that it has."""
    wanted, those = among(connection, chain, "key", list(keys))
    rows = connection.exec_driver_sql(_SAID.format(wanted), (kind.value, those))
    return {key: Noted(body, number) for key, body, number in rows}


def altered(connection: Connection, subjects: Iterable[tuple[Kind, str]]) -> list[Altered]:
    """Return which of these records were changed, taken away or slipped in since the chain spoke of them."""
    beside: Engine | None = connection.info.get(_BESIDE)
    if beside is None:
        return []
    try:
        if (sight := connection.info.get(_SIGHT)) is None:
            sight = connection.info[_SIGHT] = beside.connect()
            read_whatever(sight)
        try:
            return [each for kind, keys in by_kind(subjects).items() for each in _altered(sight, kind, keys)]
        finally:
            sight.rollback()
    except DBAPIError:
        return []  # the disk is at fault, of which the commit itself will tell


def read_whatever(connection: Connection) -> None:
    """Let a connection read what is no text, too: another hand may have put it where text belongs."""
    if not is_postgresql(connection):  # where text is text
        opened: Any = connection.connection.driver_connection
        opened.text_factory = _readable


def _readable(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


def _altered(sight: Connection, kind: Kind, keys: list[str]) -> Iterator[Altered]:
    said = noted(sight, kind, keys)
    up_to: int | None = None
    for place, key, standing in found(sight, kind, keys):
        body, row = said.pop(key, Noted("", 0))
        if not row:
            up_to = older(sight).get(kind.value, 0) if up_to is None else up_to
            if 0 < place <= up_to:
                continue
        if (is_now := digest(standing)) != body:
            yield Altered(kind, key, is_now, body, row)
    for key, (body, row) in said.items():
        if body:
            yield Altered(kind, key, "", body, row)
