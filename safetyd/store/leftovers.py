"""What could not be used: refused payloads, values and actions, and topics of no known place.

Rule: everything is kept, but of each topic only the newest, so that a babbling device fills no disk.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select

from safetyd.store.dialect import upsert
from safetyd.store.moments import micros, moment
from safetyd.store.schema import refused, unassigned

KEPT_A_TOPIC = 100
KEPT_TOPICS = 10_000
KEPT_BYTES = 4096


class RefusedKind(StrEnum):
    """What was refused."""

    PAYLOAD = "payload"
    VALUE = "value"
    ACTION = "action"


class Refusal(NamedTuple):
    """Something refused; for an action `topic` is the ticket."""

    at: datetime
    kind: RefusedKind
    topic: str
    reason: str
    payload: bytes = b""


class Stray(NamedTuple):
    """What was heard on a topic of no known place: when first and last, how often, and the last message."""

    first_at: datetime
    last_at: datetime
    heard: int
    payload: bytes

    def again(self, at: datetime, payload: bytes) -> "Stray":
        """Return it with one more message."""
        return Stray(self.first_at, at, self.heard + 1, payload)


def refuse(connection: Connection, found: Iterable[Refusal], *, bounded: bool = True) -> None:
    """Keep refusals, in the open transaction."""
    topics = set()
    for item in found:
        topics.add(item.topic)
        connection.execute(
            insert(refused).values(
                at=micros(item.at),
                kind=item.kind.value,
                topic=item.topic,
                reason=item.reason,
                payload=item.payload[:KEPT_BYTES],
            )
        )
    for topic in sorted(topics) if bounded else ():
        connection.exec_driver_sql(
            "DELETE FROM refused WHERE topic = ? AND id <= (SELECT id FROM refused WHERE topic = ?"
            " ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (topic, topic, KEPT_A_TOPIC),
        )


def stray(connection: Connection, found: Mapping[str, Stray]) -> None:
    """Note messages of no known place by topic, in the open transaction, of at most KEPT_TOPICS topics."""
    for topic, item in found.items():
        known = select(unassigned.c.topic).where(unassigned.c.topic == topic)
        if connection.execute(known).scalar() is None:
            count = connection.execute(select(func.count()).select_from(unassigned)).scalar_one()
            if count >= KEPT_TOPICS:
                continue
        first_at, last_at, payload = micros(item.first_at), micros(item.last_at), item.payload[:KEPT_BYTES]
        connection.execute(
            upsert(connection, unassigned)
            .values(
                topic=topic,
                first_at=first_at,
                last_at=last_at,
                heard=item.heard,
                payload=payload,
            )
            .on_conflict_do_update(
                index_elements=["topic"],
                set_={"last_at": last_at, "heard": unassigned.c.heard + item.heard, "payload": payload},
            )
        )


def refusals(connection: Connection) -> list[Refusal]:
    """Return what is kept of refusals, in order of time."""
    found = connection.execute(select(refused).order_by(refused.c.at, refused.c.id))
    return [_refusal(row) for row in found]


def refused_topics(connection: Connection) -> list[str]:
    """Return the topics, and tickets, of which something refused is kept."""
    return list(connection.execute(select(refused.c.topic).distinct()).scalars())


def refusals_of(connection: Connection, topics: Collection[str], limit: int) -> list[Refusal]:
    """Return what is kept of the refused payloads and values of some topics, the newest first."""
    wanted = (
        select(refused)
        .where(refused.c.topic.in_(topics), refused.c.kind != RefusedKind.ACTION.value)
        .order_by(refused.c.at.desc(), refused.c.id.desc())
        .limit(limit)
    )
    return [_refusal(row) for row in connection.execute(wanted)]


def _refusal(row: Row[Any]) -> Refusal:
    return Refusal(moment(row.at), RefusedKind(row.kind), row.topic, row.reason, row.payload)


def unassigned_topics(connection: Connection) -> list[str]:
    """Return the topics that belong to no known place, in order of their names."""
    return list(connection.execute(select(unassigned.c.topic).order_by(unassigned.c.topic)).scalars())


def stray_of(connection: Connection, topic: str) -> Stray | None:
    """Return what was heard on a topic while it was nobody's; None if it never was."""
    r = connection.execute(select(unassigned).where(unassigned.c.topic == topic)).first()
    return None if r is None else Stray(moment(r.first_at), moment(r.last_at), r.heard, r.payload)


def strays(connection: Connection) -> dict[str, Stray]:
    """Return what was heard on topics that belonged to no known place, in order of their names."""
    found = connection.execute(select(unassigned).order_by(unassigned.c.topic))
    return {r.topic: Stray(moment(r.first_at), moment(r.last_at), r.heard, r.payload) for r in found}
