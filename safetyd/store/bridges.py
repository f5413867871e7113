"""Which bridges have come back, and when: by this the next start knows what they may be saying again."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from safetyd.store.dialect import upsert
from safetyd.store.moments import micros, moment
from safetyd.store.schema import bridge


def load(connection: Connection) -> dict[str, datetime]:
    """Return when each bridge came back that has not gone since, by its topic."""
    return {topic: moment(at) for topic, at in connection.execute(select(bridge.c.topic, bridge.c.back_at))}


def keep(connection: Connection, spoke: Mapping[str, datetime | None]) -> None:
    """Note by topic when bridges came back, None where one went, in the open transaction."""
    for topic, back_at in spoke.items():
        if back_at is None:
            connection.execute(delete(bridge).where(bridge.c.topic == topic))
            continue
        values = {"back_at": micros(back_at)}
        connection.execute(
            upsert(connection, bridge)
            .values(topic=topic, **values)
            .on_conflict_do_update(index_elements=["topic"], set_=values)
        )
