"""Readings as they are stored: whole rows of a few sensors, in order of arrival or of their own time.

Rule: a row is given with every column that its digest is made of, and as it stands.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from safetyd.core.model import Mark, Observation, Sensor
from safetyd.store.dialect import ROW_BY_ROW, listed
from safetyd.store.digests import COLUMNS
from safetyd.store.moments import micros, moment
from safetyd.store.readings import DOUBTED, FIELDS, MARK_OF, Kept, observation

_COLUMNS = ", ".join(COLUMNS)
_FLAGS = (Kept.MAINS, Kept.BATTERY_OK)


class Rows(NamedTuple):
    """Rows by their numbers, both included."""

    first: int
    last: int


class Stored(NamedTuple):
    """One row; the names are those of the columns, times and spans are microseconds."""

    id: int
    sensor: int
    quantity: int
    observed_at: int
    delay: int
    value: float
    mark: int
    reason: str | None
    stamp: str | None
    device_skew: int | None
    gateway_skew: int | None
    frame: str | None

    @property
    def belief(self) -> Mark:
        """How far it was believed when it came."""
        return MARK_OF[self.mark]


class Heard(NamedTuple):
    """How many values of a sensor there are, how many of them are not believed, and from when to when."""

    values: int
    rejected: int
    first_at: datetime
    last_at: datetime


def in_arrival(connection: Connection, sensors: Collection[int], spans: Sequence[Rows]) -> Iterator[Stored]:
    """Yield the rows of some sensors in order of arrival; the spans are in order and do not overlap."""
    for span in spans:
        wanted = f"SELECT {_COLUMNS} FROM reading WHERE {_where([span], sensors)} ORDER BY id"
        yield from map(Stored._make, connection.exec_driver_sql(wanted, None, ROW_BY_ROW))


def in_time(connection: Connection, sensors: Collection[int], spans: Sequence[Rows]) -> Iterator[Stored]:
    """Yield the same rows in order of their own time; of one moment, in order of arrival."""
    wanted = f"SELECT {_COLUMNS} FROM reading WHERE {_where(spans, sensors)} ORDER BY observed_at, id"
    yield from map(Stored._make, connection.exec_driver_sql(wanted, None, ROW_BY_ROW))


def heard(connection: Connection, sensors: Collection[int], spans: Sequence[Rows]) -> dict[int, Heard]:
    """Return what of each sensor is among these rows."""
    found = connection.exec_driver_sql(
        "SELECT sensor, count(*), count(*) FILTER (WHERE mark IN (2, 4)), min(observed_at), max(observed_at)"
        f" FROM reading WHERE {_where(spans, sensors)} GROUP BY sensor ORDER BY sensor"
    )
    return {number: Heard(all, bad, moment(first), moment(last)) for number, all, bad, first, last in found}


def has_any(
    connection: Connection, sensors: Collection[int], rows: Rows, begin: datetime, end: datetime
) -> bool:
    """Return whether any of these rows is of a span of time."""
    wanted = f"SELECT 1 FROM reading WHERE {_where([rows], sensors)} AND observed_at BETWEEN ? AND ? LIMIT 1"
    return connection.exec_driver_sql(wanted, (micros(begin), micros(end))).first() is not None


def observed(
    rows: Iterator[Stored], sensors: Mapping[int, Sensor]
) -> Iterator[tuple[list[Stored], Observation | None]]:
    """Yield the rows of one observation after the other, and what they say; a retained one says nothing."""
    held: list[Stored] = []
    for row in rows:
        if held and row[1:2] + row[3:5] != held[0][1:2] + held[0][3:5]:
            yield held, _said(held, sensors)
            held = []
        held.append(row)
    if held:
        yield held, _said(held, sensors)


def _said(rows: Sequence[Stored], sensors: Mapping[int, Sensor]) -> Observation | None:
    first = rows[0]
    if first.belief is Mark.RETAINED:
        return None
    values: dict[str, Any] = {}
    for row in rows:
        kept = Kept(row.quantity)
        values[FIELDS[kept]] = bool(row.value) if kept in _FLAGS else row.value
        if row.mark == DOUBTED:
            values["doubt"] = row.reason
    return observation(sensors[first.sensor], first.observed_at, first.delay, values)


def _where(spans: Sequence[Rows], sensors: Collection[int]) -> str:
    """Numbers of our own only."""
    within = " OR ".join(f"id BETWEEN {int(first)} AND {int(last)}" for first, last in spans)
    return f"({within or '1 = 0'}) AND sensor IN ({listed(sensors)})"
