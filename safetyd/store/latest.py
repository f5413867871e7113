"""What each sensor said last, looked for backwards from where it must lie.

Rule: the newest rows are read in chunks, and no further than needed; what is older than a day is looked up by
the moment it was said. So the table of readings needs no index for this either.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any, NamedTuple

from sqlalchemy import Connection

from safetyd.core.model import Mark, Quantity
from safetyd.store.dialect import POSTGRESQL, SQLITE
from safetyd.store.moments import micros, moment
from safetyd.store.readings import MARK_OF, QUANTITY_OF, Kept, first_id_since, last_id

REACH = timedelta(days=1)  # by arrival: whoever is silent for longer is looked up one by one
CHUNK = 50_000  # rows; at the most that one look-up of one moment reads
_EARLY = timedelta(minutes=3)  # a reading may arrive a little before the time it claims
_LATEST = timedelta(days=8)  # nothing older is believed when it arrives
_REST = "delay, value, mark, reason, stamp, device_skew, gateway_skew"
_NEWEST = {  # each in the way that its engine finds them fastest
    SQLITE: (
        f"SELECT sensor, quantity, max(observed_at), {_REST} FROM reading"
        " WHERE id > ? AND id <= ? GROUP BY sensor, quantity"  # beside max() stand the values of its row
    ),
    POSTGRESQL: (
        f"SELECT DISTINCT ON (sensor, quantity) sensor, quantity, observed_at, {_REST} FROM reading"
        " WHERE id > ? AND id <= ? ORDER BY sensor, quantity, observed_at DESC, id"
    ),
}
_OF_MOMENT = (
    f"SELECT quantity, observed_at, {_REST} FROM reading"
    " WHERE id >= ? AND id < ? AND sensor = ? AND observed_at = ? ORDER BY id"
)
_OF_SENSOR = (
    f"SELECT quantity, observed_at, {_REST} FROM reading"
    " WHERE id > ? AND id <= ? AND sensor = ? ORDER BY id DESC"
)


class Entry(NamedTuple):
    """One value as it was stored, in the unit it was sent in.

    `stamp` is what a clock said where it was not believed; a skew is how far a clock was from ours (positive:
    ahead) when its word arrived.
    """

    kept: Kept
    value: float
    observed_at: datetime
    received_at: datetime
    mark: Mark
    reason: str | None = None
    stamp: str | None = None
    device_skew: timedelta | None = None
    gateway_skew: timedelta | None = None

    @property
    def quantity(self) -> Quantity:
        """What was measured."""
        return QUANTITY_OF[self.kept]

    @property
    def skew(self) -> timedelta | None:
        """How far the device's clock was off, else that of its gateway."""
        return self.gateway_skew if self.device_skew is None else self.device_skew


Last = dict[Quantity, Entry]  # the newest value of each quantity


def latest(connection: Connection, heard_at: Mapping[int, datetime], now: datetime) -> dict[int, Last]:
    """Return the newest values of each sensor; `heard_at` says when one was last heard, as far as is known.

    Of a sensor that has been silent for a day it is what it said last, of one that was never heard but in
    retained messages what these say.
    """
    live = {number for number, at in heard_at.items() if at >= now - REACH}
    found: dict[int, Last] = {}
    for low, high in _backwards(last_id(connection), first_id_since(connection, now - REACH)):
        is_news = False
        for number, *row in connection.exec_driver_sql(_NEWEST[connection.dialect.name], (low, high)):
            is_news |= _add(found.setdefault(number, {}), _entry(row))
        if live <= found.keys() and not is_news:
            break  # what speaks seldom may lie before, but not what speaks at all
    for number, at in heard_at.items():
        if number not in found:
            found[number] = _said_at(connection, number, at)
    return found


def readings_of(
    connection: Connection, number: int, heard_at: datetime | None, now: datetime, limit: int
) -> list[tuple[Entry, ...]]:
    """Return a sensor's last readings, each with its values, newest arrival first.

    They are looked for in the two weeks before its last word.
    """
    until = now if heard_at is None else heard_at
    top = last_id(connection) if until >= now - _LATEST else first_id_since(connection, until + _LATEST)
    floor = first_id_since(connection, until - timedelta(days=14))

    def entries() -> Iterator[Entry]:
        for low, high in _backwards(top, floor):
            yield from map(_entry, connection.exec_driver_sql(_OF_SENSOR, (low, high, number)))

    readings = groupby(entries(), key=lambda entry: (entry.observed_at, entry.received_at))
    return [tuple(reversed([*values])) for _, values in islice(readings, limit)]


def _said_at(connection: Connection, number: int, at: datetime) -> Last:
    """What a sensor said at a moment."""
    start = first_id_since(connection, at - _EARLY)
    said: Last = {}
    for row in connection.exec_driver_sql(_OF_MOMENT, (start, start + CHUNK, number, micros(at))):
        _add(said, _entry(row))
    return said


def _add(said: Last, entry: Entry) -> bool:
    """Keep an entry if it is newer, or of the same moment and better; return whether its quantity is new."""
    known = said.get(entry.quantity)
    if known is None or (entry.observed_at, -entry.kept) > (known.observed_at, -known.kept):
        said[entry.quantity] = entry
    return known is None


def _backwards(top: int, floor: int) -> Iterator[tuple[int, int]]:
    """Yield spans of row numbers, the newest first; the last holds row number `floor`."""
    while top >= floor and top > 0:
        yield top - CHUNK, top
        top -= CHUNK


def _entry(row: Collection[Any]) -> Entry:
    kept, observed_at, delay, value, mark, reason, stamp, device, gateway = row
    return Entry(
        Kept(kept),
        value,
        moment(observed_at),
        moment(observed_at + delay),
        MARK_OF[mark],
        reason,
        stamp,
        None if device is None else timedelta(microseconds=device),
        None if gateway is None else timedelta(microseconds=gateway),
    )
