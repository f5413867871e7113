"""The notices that have reached nobody, and when the last resort was told of them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select, update

from safetyd.store import chain
from safetyd.store.moments import micros, moment
from safetyd.store.notice_schema import delivery, notice
from safetyd.store.outbox import DeliveryState
from safetyd.store.records import Kind


class Silent(NamedTuple):
    """A notice that has reached nobody since it was owed."""

    id: int
    building: str
    since: datetime


def unreached(connection: Connection, after: datetime) -> list[Silent]:
    """Return what was owed after a moment, has reached nobody, and was not told to the last resort."""
    wanted = (
        select(notice.c.id, notice.c.building, notice.c.unreached_since)
        .where(notice.c.unreached_since > micros(after))
        .order_by(notice.c.unreached_since, notice.c.id)
    )
    return [Silent(id, building, moment(since)) for id, building, since in connection.execute(wanted)]


def unreached_by_building(connection: Connection, since: datetime, until: datetime) -> Mapping[str, int]:
    """Return how many notices that were owed in a span have reached nobody, by building."""
    accepted = select(delivery.c.id).where(
        delivery.c.notice == notice.c.id, delivery.c.state == DeliveryState.ACCEPTED.value
    )
    is_told_elsewhere = (notice.c.last_resort_at > micros(since)) & ~accepted.exists()
    waiting = (
        select(notice.c.building, func.count())
        .where(notice.c.unreached_since > micros(since), notice.c.unreached_since <= micros(until))
        .group_by(notice.c.building)
    )
    resorted = select(notice.c.building, func.count()).where(is_told_elsewhere).group_by(notice.c.building)
    found: dict[str, int] = {}
    for wanted in (waiting, resorted):
        for building, count in connection.execute(wanted):
            found[building] = found.get(building, 0) + count
    return found


def last_resort_at(connection: Connection) -> datetime | None:
    """Return when the last resort was last told of anything."""
    at = connection.execute(select(func.max(notice.c.last_resort_at))).scalar()
    return None if at is None else moment(at)


def mark_last_resort(connection: Connection, notice_ids: Collection[int], at: datetime) -> None:
    """Note that the last resort was told of these."""
    connection.execute(
        update(notice)
        .where(notice.c.id.in_(notice_ids))
        .values(last_resort_at=micros(at), unreached_since=None)
    )
    chain.note(connection, Kind.NOTICE, *notice_ids)
