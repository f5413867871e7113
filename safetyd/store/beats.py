"""The daemon's signs of life: one row, by which the next start knows how long nobody watched."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from safetyd.core.waking import Beat
from safetyd.store.moments import micros, moment
from safetyd.store.schema import beat


def last(connection: Connection) -> Beat | None:
    """Return the last sign of life, None before the first."""
    found = connection.execute(select(beat.c.at, beat.c.boot, beat.c.is_last)).first()
    return None if found is None else Beat(moment(found.at), found.boot, bool(found.is_last))


def give(connection: Connection, sign: Beat) -> None:
    """Write a sign of life over the one before, in the open transaction."""
    values = {"at": micros(sign.at), "boot": sign.boot, "is_last": int(sign.is_last)}
    connection.execute(
        upsert(beat).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values)
    )
