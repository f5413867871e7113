"""Readings as they lie in the store, value by value: for whoever is owed all of it.

Rule: every row is yielded, the rejected and the retained too, in order of arrival and one at a time.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from safetyd.core.model import Mark, Quantity
from safetyd.store import imports, readings
from safetyd.store.dialect import ROW_BY_ROW, listed
from safetyd.store.moments import micros, moment
from safetyd.store.readings import MARK_OF, QUANTITY_OF, Kept

UNITS = {
    Kept.TEMPERATURE_F: "degF",
    Kept.TEMPERATURE_C: "degC",
    Kept.HUMIDITY: "%",
    Kept.MAINS: "on",
    Kept.VOLTAGE: "V",
    Kept.POWER_W: "W",
    Kept.BATTERY: "%",
    Kept.BATTERY_V: "V",
    Kept.BATTERY_OK: "ok",
    Kept.ENERGY_KWH: "kWh",
}
_AHEAD = timedelta(minutes=3)  # so far a reading's own time may be ahead of its arrival
_LATEST = timedelta(days=8)  # and so late it may arrive


class Raw(NamedTuple):
    """One value as it was sent; `stamp` is what a clock said that was not believed."""

    row: int
    sensor: int
    quantity: Quantity
    unit: str
    observed_at: datetime
    received_at: datetime
    value: float
    mark: Mark
    reason: str
    stamp: str


def values(connection: Connection, sensors: Collection[int], begin: datetime, end: datetime) -> Iterator[Raw]:
    """Yield what some sensors said of a range, whenever it came."""
    first = readings.first_id_since(connection, begin - _AHEAD)
    last = readings.first_id_since(connection, end + _LATEST)
    spans = [(first, last)]
    spans += [(max(each.first, last), each.last + 1) for each in imports.record(connection)]
    found = readings.last_id(connection)
    for since, until in spans:
        rows = connection.exec_driver_sql(
            "SELECT id, sensor, quantity, observed_at, delay, value, mark, reason, stamp FROM reading"
            " WHERE id >= ? AND id < ? AND observed_at >= ? AND observed_at < ?"
            f" AND sensor IN ({listed(sensors)}) ORDER BY id",
            (since, min(until, found + 1), micros(begin), micros(end)),
            ROW_BY_ROW,
        )
        for row, sensor, quantity, at, delay, value, mark, reason, stamp in rows:
            kept = Kept(quantity)
            yield Raw(
                row,
                sensor,
                QUANTITY_OF[kept],
                UNITS[kept],
                moment(at),
                moment(at + delay),
                value,
                MARK_OF[mark],
                reason or "",
                stamp or "",
            )
