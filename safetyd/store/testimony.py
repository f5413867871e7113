"""What is kept of the readings of some sensors beside the values that are judged.

Rule: every query is bounded by row numbers, or ends at the first row that it finds.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from safetyd.core.model import Mark
from safetyd.store.moments import micros, moment
from safetyd.store.readings import MARK_OF, RETAINED, TEMPERATURES
from safetyd.store.schema import reading


class Later(NamedTuple):
    """How many values of a time came only after a moment, and when the last of them did."""

    values: int
    last_at: datetime


def first_at(connection: Connection, sensors: Collection[int]) -> datetime | None:
    """Return the time of the first reading that is kept of some sensors, None if there is none."""
    wanted = select(reading.c.observed_at).where(reading.c.sensor.in_(sensors)).order_by(reading.c.id)
    at = connection.execute(wanted.limit(1)).scalar()
    return None if at is None else moment(at)


def rejected_at_first(
    connection: Connection, sensors: Collection[int], first: int, last: int
) -> dict[tuple[int, datetime], str]:
    """Return why temperatures were rejected, by sensor and time, up to each sensor's first that was not.

    What a sensor had said before row `first` may have been the reason.
    """
    wanted = (
        select(reading.c.sensor, reading.c.observed_at, reading.c.mark, reading.c.reason)
        .where(reading.c.id >= first, reading.c.id <= last, reading.c.mark != RETAINED)
        .where(reading.c.sensor.in_(sensors), reading.c.quantity.in_(TEMPERATURES))
        .order_by(reading.c.id)
    )
    found: dict[tuple[int, datetime], str] = {}
    left = set(sensors)
    for number, at, mark, reason in connection.execute(wanted):
        if MARK_OF[mark] is not Mark.REJECTED:
            left.discard(number)
        elif number in left:
            found[number, moment(at)] = reason or ""
        if not left:
            break
    return found


def later(
    connection: Connection, sensors: Collection[int], after: int, up_to: int, at: datetime
) -> Later | None:
    """Return what is of a time up to `at` and lies in the rows after a number; None if there is nothing."""
    arrived = reading.c.observed_at + reading.c.delay
    wanted = select(func.count(), func.max(arrived)).where(
        reading.c.id > after,
        reading.c.id <= up_to,
        reading.c.mark != RETAINED,
        reading.c.sensor.in_(sensors),
        reading.c.observed_at <= micros(at),
    )
    count, last_at = connection.execute(wanted).one()
    return Later(count, moment(last_at)) if count else None


def last_retained(
    connection: Connection, sensors: Collection[int], first: int, last: int
) -> tuple[int, datetime] | None:
    """Return whose the last retained message in a span of rows was, and when it came; None if none did."""
    wanted = (
        select(reading.c.sensor, reading.c.observed_at + reading.c.delay)
        .where(reading.c.id >= first, reading.c.id <= last, reading.c.mark == RETAINED)
        .where(reading.c.sensor.in_(sensors))
        .order_by(reading.c.id.desc())
        .limit(1)
    )
    row = connection.execute(wanted).first()
    return None if row is None else (row[0], moment(row[1]))
