"""The daemon's signs of life: one row, by which the next start knows how long nobody watched."""

from datetime import timedelta

from sqlalchemy import Connection, select

from safetyd.core.waking import Beat
from safetyd.store.dialect import upsert
from safetyd.store.moments import micros, moment, span_micros
from safetyd.store.schema import beat


def last(connection: Connection) -> Beat | None:
    """Return the last sign of life, None before the first."""
    found = connection.execute(select(beat)).first()
    if found is None:
        return None
    since_boot = None if found.since_boot is None else timedelta(microseconds=found.since_boot)
    return Beat(moment(found.at), found.boot, bool(found.is_last), since_boot, not found.unsure)


def give(connection: Connection, sign: Beat) -> None:
    """Write a sign of life over the one before, in the open transaction."""
    values = {
        "at": micros(sign.at),
        "boot": sign.boot,
        "is_last": int(sign.is_last),
        "since_boot": None if sign.since_boot is None else span_micros(sign.since_boot),
        "unsure": int(not sign.is_sure),
    }
    connection.execute(
        upsert(connection, beat)
        .values(id=1, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )
