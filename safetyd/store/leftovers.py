"""What could not be used: refused payloads, values and actions, and topics of no known place.

Rule: everything is kept, but of each topic only the newest, so that a babbling device fills no disk.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

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
    """A message on a topic of no known place."""

    at: datetime
    topic: str
    payload: bytes


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


def stray(connection: Connection, found: Iterable[Stray]) -> None:
    """Note messages of no known place, in the open transaction, of at most KEPT_TOPICS topics."""
    for item in found:
        known = select(unassigned.c.topic).where(unassigned.c.topic == item.topic)
        if connection.execute(known).scalar() is None:
            count = connection.execute(select(func.count()).select_from(unassigned)).scalar_one()
            if count >= KEPT_TOPICS:
                continue
        at, payload = micros(item.at), item.payload[:KEPT_BYTES]
        connection.execute(
            upsert(unassigned)
            .values(topic=item.topic, first_at=at, last_at=at, heard=1, payload=payload)
            .on_conflict_do_update(
                index_elements=["topic"],
                set_={"last_at": at, "heard": unassigned.c.heard + 1, "payload": payload},
            )
        )


def refusals(connection: Connection) -> list[Refusal]:
    """Return what is kept of refusals, in order of time."""
    found = connection.execute(select(refused).order_by(refused.c.at, refused.c.id))
    return [Refusal(moment(r.at), RefusedKind(r.kind), r.topic, r.reason, r.payload) for r in found]


def unassigned_topics(connection: Connection) -> list[str]:
    """Return the topics that belong to no known place, in order of their names."""
    return list(connection.execute(select(unassigned.c.topic).order_by(unassigned.c.topic)).scalars())
