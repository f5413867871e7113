"""The chain through all records: each row carries the digest of a record and the hash of the row before.

Rule: what was noted is sealed by the commit that makes it durable, so that no record is on disk without its
row. A record that changes gets another row; the last one of it says how it stands. Rows are only added. What
another hand has changed meanwhile is stated before it is sealed as it stands.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event, insert, select

from safetyd.store import copy_of, earlier
from safetyd.store.audit import FIRST, canonical, chained, digest, hashed
from safetyd.store.chain_schema import IS_DECISION, chain, statement
from safetyd.store.dialect import by_index
from safetyd.store.moments import micros, moment
from safetyd.store.records import Kind, count, found, last_row

_NOTED, _NOW = "chain noted", "chain now"
BEGIN = "begin"  # the subject of the statement that the chain begins with
ALL = "all"  # its name where nothing older is left that the chain does not hold
ALTERED = "altered"  # the subject of a statement about a record that another hand has changed


class Head(NamedTuple):
    """The last row of the chain: whoever has this can show what was changed before it."""

    number: int
    at: datetime
    hash: str


def note(connection: Connection, kind: Kind, *keys: object) -> None:
    """Have records sealed by the commit of the open transaction."""
    noted: dict[tuple[Kind, str], None] = connection.info.setdefault(_NOTED, {})
    noted.update(dict.fromkeys((kind, str(key)) for key in keys))


def tell_time(connection: Connection, now: datetime) -> None:
    """Say what time it is for what is sealed from now on."""
    connection.info[_NOW] = micros(now)


def head(connection: Connection) -> Head | None:
    """Return the last row, None before there is any."""
    row = connection.execute(select(chain).order_by(chain.c.number.desc()).limit(1)).first()
    return None if row is None else Head(row.number, moment(row.at), row.hash)


def made_of(connection: Connection, number: int) -> bytes:
    """Return what the hash of a row is made of, as that and the one before it stand; nothing without it."""
    row = connection.execute(select(chain).where(chain.c.number == number)).first()
    if row is None:
        return b""
    before = connection.execute(select(chain.c.hash).where(chain.c.number == number - 1)).scalar()
    return hashed(before or FIRST, line(row.number, row.at, row.kind, row.key, row.body))


def began_at(connection: Connection) -> datetime | None:
    """Return from when on it holds, None before there is any of it."""
    at = connection.execute(select(chain.c.at).order_by(chain.c.number).limit(1)).scalar()
    return None if at is None else moment(at)


def keys(connection: Connection, kind: Kind) -> frozenset[str]:
    """Return the keys of the records of a kind that it holds."""
    return frozenset(connection.execute(select(chain.c.key).where(chain.c.kind == kind.value)).scalars())


def holds(connection: Connection, head: Head) -> bool:
    """Return whether a row is the one that it was."""
    return connection.execute(select(chain.c.hash).where(chain.c.number == head.number)).scalar() == head.hash


def newest_decision(connection: Connection) -> int:
    """Return the number of the last row that is about a decision, 0 before there is any."""
    wanted = f"SELECT number {_of_decisions(connection)} ORDER BY number DESC LIMIT 1"
    found = connection.exec_driver_sql(wanted)
    return found.scalar() or 0


def noted_after(connection: Connection, number: int) -> list[tuple[Kind, str]]:
    """Return the kinds and keys of what was decided, by the rows after a number."""
    wanted = f"SELECT kind, key {_of_decisions(connection)} AND number > ? ORDER BY number"
    found = connection.exec_driver_sql(wanted, (number,))
    return [(Kind(kind), key) for kind, key in dict.fromkeys(map(tuple, found))]


def _of_decisions(connection: Connection) -> str:
    index = by_index(connection, "chain_decision")  # SQLite would rather sort
    return f"FROM chain {index} WHERE {IS_DECISION.text}"


def line(number: int, at: int, kind: str, key: str, body: str) -> dict[str, object]:
    """Return a row of the chain as it is hashed."""
    return {"number": number, "at": at, "kind": kind, "key": key, "body": body}


def keep_sealed(engine: Engine, beside: Engine | None = None) -> None:
    """Have every commit of an engine seal what was noted, and every rollback forget it.

    By an engine `beside` it is looked how each record stood before the transaction.
    """
    event.listen(engine, "commit", _seal)
    event.listen(engine, "rollback", _forget)
    if beside is not None:
        earlier.keep_in_sight(engine, beside)


def _forget(connection: Connection) -> None:
    if not connection.invalidated:  # what was noted of a connection that was lost went with it
        connection.info.pop(_NOTED, None)


def _seal(connection: Connection) -> None:
    noted: dict[tuple[Kind, str], None] | None = connection.info.get(_NOTED)
    if not noted:
        return
    if (gateway := copy_of.of(connection)) is not None:
        raise copy_of.CopyError(f"this store is the copy of {gateway}'s, and nothing is decided here")
    newest = select(chain.c.number, chain.c.at, chain.c.hash).order_by(chain.c.number.desc()).limit(1)
    number, before, previous = connection.execute(newest).first() or (0, 0, FIRST)
    at = max(before, connection.info.get(_NOW, before))
    subjects = list(noted)
    if number:
        subjects[:0] = _altered(connection, at, subjects)
    else:
        subjects.insert(0, (Kind.STATEMENT, str(_begin(connection, at, subjects))))
    bodies = _bodies(connection, subjects)
    made: list[dict[str, Any]] = []
    for kind, key in subjects:
        number += 1
        row = line(number, at, kind.value, key, bodies.get((kind, key), ""))
        previous = chained(previous, row)
        made.append(row | {"hash": previous})
    connection.execute(insert(chain), made)
    noted.clear()


def _bodies(connection: Connection, subjects: Iterable[tuple[Kind, str]]) -> dict[tuple[Kind, str], str]:
    """Return the digest of each record that there is."""
    return {
        (kind, key): digest(standing)
        for kind, keys in earlier.by_kind(subjects).items()
        for _, key, standing in found(connection, kind, keys)
    }


def _altered(connection: Connection, at: int, subjects: Iterable[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
    """State what of these another hand has changed since the chain last spoke of it."""
    stated = []
    for each in earlier.altered(connection, subjects):
        made = insert(statement).values(
            at=at, subject=ALTERED, name=f"{each.kind} {each.key}", body=canonical(each._asdict())
        )
        stated.append((Kind.STATEMENT, str(connection.execute(made.returning(statement.c.id)).scalar_one())))
    return stated


def _begin(connection: Connection, at: int, noted: list[tuple[Kind, str]]) -> int:
    """State from where on the chain holds: up to which row of each kind there was something before it."""
    kinds = [kind for kind, _ in noted]
    older = {
        kind.value: last_row(connection, kind) for kind in Kind if count(connection, kind) > kinds.count(kind)
    }
    body = {
        "older": older,
        "readings": connection.exec_driver_sql("SELECT max(id) FROM reading").scalar() or 0,
    }
    made = insert(statement).values(at=at, subject=BEGIN, name="" if older else ALL, body=canonical(body))
    return int(connection.execute(made.returning(statement.c.id)).scalar_one())
