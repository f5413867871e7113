"""Readings that have served their time, deleted a few at a time.

Rule: what a ticket still needs is passed over, and is found again the next time.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from safetyd.store.dialect import listed
from safetyd.store.moments import micros, moment

_PASSED_OVER = 5_000  # rows that one statement may look at


def delete_some(
    connection: Connection, after: int, before: int, needed: Mapping[int, datetime], at_most: int
) -> int:
    """Delete readings between two rows, in the open transaction; return the row up to which it was looked.

    `needed` says of a sensor, by its number, from when on its readings stay.
    """
    found = connection.exec_driver_sql(
        "SELECT id, sensor, observed_at FROM reading WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
        (after, before, _PASSED_OVER),
    ).fetchall()
    since = {number: micros(at) for number, at in needed.items()}
    gone: list[tuple[int]] = []
    for id, number, observed_at in found:
        after = id
        if number in since and observed_at >= since[number]:
            continue
        gone.append((id,))
        if len(gone) == at_most:
            break
    else:
        if len(found) < _PASSED_OVER:
            after = before - 1
    if gone:
        connection.exec_driver_sql("DELETE FROM reading WHERE id = ?", gone)
    return after


def oldest_left(connection: Connection, sensors: Iterable[int], before: int) -> datetime | None:
    """Return the time of the oldest reading of some sensors that is left in the rows before a number."""
    found = connection.exec_driver_sql(
        f"SELECT min(observed_at) FROM reading WHERE id < ? AND sensor IN ({listed(sensors)})", (before,)
    ).scalar()
    return None if found is None else moment(found)


def forget_before(connection: Connection, at: datetime) -> None:
    """Delete every reading that is older, at once: of a store that is made to be thrown away.

    The newest row stays, so that numbers go on from it.
    """
    statement = "DELETE FROM reading WHERE observed_at < ? AND id < (SELECT max(id) FROM reading)"
    connection.exec_driver_sql(statement, (micros(at),))
    connection.commit()
