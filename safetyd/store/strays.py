"""Messages of topics that are nobody's yet, whole: they can be judged once somebody says whose they are.

Rule: the newest of each topic are kept, and of all topics together not more than a card can hold. What is too
long to be a reading is not kept; that it came is counted in `leftovers`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from safetyd.store.assignment_schema import stray
from safetyd.store.moments import micros, moment

KEPT_A_TOPIC = 2_000  # a week of one that speaks every five minutes
KEPT_IN_ALL = 100_000
KEPT_BYTES = 4096


class KeptStray(NamedTuple):
    """A message of nobody's, and when it came."""

    topic: str
    at: datetime
    payload: bytes


def keep(connection: Connection, found: Sequence[KeptStray]) -> None:
    """Keep messages, in the open transaction, and let go of those that are too many."""
    whole = [each for each in found if len(each.payload) <= KEPT_BYTES]
    if not whole:
        return
    rows = [{"topic": each.topic, "at": micros(each.at), "payload": each.payload} for each in whole]
    connection.execute(insert(stray), rows)
    for topic in sorted({each.topic for each in whole}):
        connection.exec_driver_sql(
            "DELETE FROM stray WHERE topic = ? AND id <= (SELECT id FROM stray WHERE topic = ?"
            " ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (topic, topic, KEPT_A_TOPIC),
        )
    last = connection.execute(select(func.max(stray.c.id))).scalar() or 0
    connection.execute(stray.delete().where(stray.c.id <= last - KEPT_IN_ALL))


def kept(connection: Connection, topic: str) -> list[KeptStray]:
    """Return what is kept of a topic, in order of arrival."""
    found = connection.execute(select(stray).where(stray.c.topic == topic).order_by(stray.c.id))
    return [KeptStray(row.topic, moment(row.at), row.payload) for row in found]
