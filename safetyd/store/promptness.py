"""How promptly notices about tickets reached somebody: when each was owed, and when the first had it.

Rule: accepted by the next hop is all that can be known. What was shelved was owed to nobody; a test says
nothing about a ticket.
"""

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from safetyd.core.plan import Reason
from safetyd.store.moments import micros, moment
from safetyd.store.notice_schema import delivery, notice
from safetyd.store.outbox import DeliveryState


class Prompt(NamedTuple):
    """One notice; `first_at` is when somebody had it, None while nobody has. `is_moot` says that it was no
    longer so when it would have been sent, or that there is nobody left to send it to; `has_no_address` that
    there never was anybody."""

    building: str
    tickets: tuple[str, ...]
    reason: Reason
    at: datetime
    first_at: datetime | None
    is_moot: bool
    has_no_address: bool
    is_shelved: bool


def notices(
    connection: Connection, begin: datetime, end: datetime, buildings: Collection[str]
) -> Iterator[Prompt]:
    """Yield the notices about tickets of some buildings that were owed in a range, in order."""
    is_accepted = delivery.c.state == DeliveryState.ACCEPTED.value
    is_standing = delivery.c.state.in_([DeliveryState.WAITING.value, DeliveryState.GIVEN_UP.value])
    wanted = (
        select(notice.c.building, notice.c.ticket, notice.c.tickets, notice.c.reason, notice.c.at)
        .add_columns(
            func.min(case((is_accepted, delivery.c.done_at))).label("first_at"),
            func.count(delivery.c.id).label("deliveries"),
            func.coalesce(func.sum(case((is_standing, 1), else_=0)), 0).label("standing"),
            notice.c.shelved,
        )
        .outerjoin(delivery, delivery.c.notice == notice.c.id)
        .where(notice.c.at >= micros(begin), notice.c.at < micros(end))
        .where(notice.c.building.in_(list(buildings)), notice.c.reason != Reason.TEST.value)
        .group_by(notice.c.id)
        .order_by(notice.c.at, notice.c.id)
    )
    for row in connection.execute(wanted):
        tickets = (row.ticket,) if row.ticket else tuple(json.loads(row.tickets) or ())
        if tickets:
            first_at = None if row.first_at is None else moment(row.first_at)
            yield Prompt(
                row.building,
                tickets,
                Reason(row.reason),
                moment(row.at),
                first_at,
                first_at is None and row.deliveries > 0 and not row.standing,
                not row.deliveries,
                bool(row.shelved),
            )
