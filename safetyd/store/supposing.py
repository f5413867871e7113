"""What a supposition needs of the store: which hours may matter, their five minutes, what people did.

Rule: it only reads. An hour in which no value is beyond a limit, and no power was out, says nothing that
changes a place in order; it is left out by the database, which has the extremes of each hour.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from safetyd.core.model import Condition, Hazard, Place
from safetyd.core.tally import EPOCH, WIDTH, Measure, floor
from safetyd.store.dialect import listed
from safetyd.store.moments import micros, moment
from safetyd.store.readings import ACCEPTED, TEMPERATURES
from safetyd.store.rollups import HOUR, Level
from safetyd.store.schema import reading

_MINUTE = timedelta(minutes=1)
_GRAIN = timedelta(microseconds=1)
_MEASURES = tuple(Measure)
_TEMPERATURE, _HEAT_INDEX = _MEASURES.index(Measure.TEMPERATURE), _MEASURES.index(Measure.HEAT_INDEX)
DONE = ("acknowledged", "relieved", "extended", "closed", "reopened")  # what people did that numbers rest on
REPORTED = ("opened", "recurred")  # of a hazard, by a person


class Kept(NamedTuple):
    """Five minutes or an hour of a place: the extremes in °F, None without any, and how much of it is known
    of cold, heat and mains; `out` is how long power was out. Spans are in microseconds."""

    temperature: tuple[float, float] | None = None
    heat_index: tuple[float, float] | None = None
    cold_known: int = 0
    heat_known: int = 0
    mains_known: int = 0
    out: int = 0


class Reach(NamedTuple):
    """How much of a place is known, and on record as in breach under the rules of then, in microseconds."""

    known: int
    breach: int


class Doing(NamedTuple):
    """What a person did with a ticket, or reported, as its history has it."""

    at: datetime
    event: str
    by: str
    note: str
    detail: Mapping[str, Any]
    subject: tuple[Place, Condition, Hazard | None]


def hours_that_matter(
    connection: Connection,
    begin: datetime,
    end: datetime,
    places: Collection[int],
    cold_f: float | None,
    heat_f: float | None,
) -> dict[datetime, set[int]]:
    """Return the hours in which something of a place is beyond a limit, or its power out; None: every one.

    A heat index at 0 % humidity is never above the temperature, so that the temperature stands for it where
    humidity is not known.
    """
    within = (int(Level.HOUR), _minutes(begin), _minutes(end))
    of = f"level = ? AND start >= ? AND start < ? AND place IN ({listed(places)})"
    found: dict[datetime, set[int]] = {}
    if cold_f is None or heat_f is None:
        rows = connection.exec_driver_sql(f"SELECT start, place FROM roll_up_time WHERE {of}", within)
        rows_of = rows.fetchall()
    else:
        warm = connection.exec_driver_sql(
            f"SELECT start, place FROM roll_up WHERE {of} AND ((measure = ? AND (low < ? OR high > ?))"
            " OR (measure = ? AND high > ?))",
            (*within, _TEMPERATURE, cold_f, heat_f, _HEAT_INDEX, heat_f),
        ).fetchall()
        out = connection.exec_driver_sql(
            f"SELECT start, place FROM roll_up_time WHERE {of} AND outage_breach > 0", within
        )
        rows_of = [*warm, *out.fetchall()]
    for start, place in rows_of:
        found.setdefault(EPOCH + start * _MINUTE, set()).add(place)
    return found


def kept(
    connection: Connection, hour: datetime, places: Collection[int], level: Level
) -> dict[tuple[int, datetime], Kept]:
    """Return what is kept of an hour of some places, as a whole or by five minutes."""
    width = HOUR if level is Level.HOUR else WIDTH
    first, step, whole = _minutes(hour), width // _MINUTE, width // _GRAIN
    starts = ",".join(str(first + step * number) for number in range(HOUR // width))
    some = f"level = {int(level)} AND start IN ({starts}) AND place IN ({listed(places)})"
    values: dict[tuple[int, int], dict[int, tuple[float, float]]] = {}
    for start, place, measure, low, high in connection.exec_driver_sql(
        f"SELECT start, place, measure, low, high FROM roll_up WHERE {some}"
        f" AND measure IN ({_TEMPERATURE}, {_HEAT_INDEX})"
    ).fetchall():
        values.setdefault((place, start), {})[measure] = (low, high)
    found: dict[tuple[int, datetime], Kept] = {}
    for start, place, cold, heat, mains, out in connection.exec_driver_sql(
        "SELECT start, place, cold_unknown, heat_unknown, outage_unknown, outage_breach FROM roll_up_time"
        f" WHERE {some}"
    ).fetchall():
        of = values.pop((place, start), {})
        known = [0 if each is None else whole - each for each in (cold, heat, mains)]
        at = EPOCH + start * _MINUTE
        found[place, at] = Kept(
            of.get(_TEMPERATURE), of.get(_HEAT_INDEX), known[0], known[1], known[2], out or 0
        )
    return found


def reach(connection: Connection, begin: datetime, end: datetime) -> dict[int, Reach]:
    """Return how much is known of each room in a range of full hours."""
    width = HOUR // _GRAIN
    found = connection.exec_driver_sql(
        "SELECT place, count(*), sum(room_unknown), sum(room_breach) FROM roll_up_time"
        " WHERE level = ? AND start >= ? AND start < ? AND room_breach IS NOT NULL GROUP BY place",
        (int(Level.HOUR), _minutes(begin), _minutes(end)),
    )
    return {place: Reach(count * width - unknown, breach) for place, count, unknown, breach in found}


def is_anything_known(
    connection: Connection, begin: datetime, end: datetime, places: Collection[int]
) -> bool:
    """Return whether anything is known of some places in a range of full hours."""
    return _is_known(connection, begin, end, places, ("cold_unknown", "heat_unknown"))


def is_room_known(connection: Connection, begin: datetime, end: datetime, places: Collection[int]) -> bool:
    """Return whether anything is known of some rooms in a range of full hours."""
    return _is_known(connection, begin, end, places, ("room_unknown",))


def _is_known(
    connection: Connection, begin: datetime, end: datetime, places: Collection[int], accounts: Collection[str]
) -> bool:
    known = " OR ".join(f"{each} < {HOUR // _GRAIN}" for each in accounts)
    found = connection.exec_driver_sql(
        "SELECT 1 FROM roll_up_time WHERE level = ? AND start >= ? AND start < ?"
        f" AND place IN ({listed(places)}) AND ({known}) LIMIT 1",
        (int(Level.HOUR), _minutes(begin), _minutes(end)),
    )
    return found.first() is not None


def is_rolled_up(connection: Connection, place: int, at: datetime) -> bool:
    """Return whether a room's temperature is known in the five minutes that hold a moment."""
    found = connection.exec_driver_sql(
        "SELECT 1 FROM roll_up_time WHERE level = ? AND start = ? AND place = ? AND cold_unknown < ?",
        (int(Level.FIVE_MINUTES), _minutes(floor(at)), place, WIDTH // _GRAIN),
    )
    return found.first() is not None


class Heard(NamedTuple):
    """When the first and the last believed temperature of a sensor was."""

    first: datetime
    last: datetime


def heard_since(connection: Connection, after: int, begin: datetime, end: datetime) -> dict[int, Heard]:
    """Return what sensors said of a range in the rows after a number."""
    found = connection.execute(
        select(reading.c.sensor, func.min(reading.c.observed_at), func.max(reading.c.observed_at))
        .where(reading.c.id > after, reading.c.mark == ACCEPTED, reading.c.quantity.in_(TEMPERATURES))
        .where(reading.c.observed_at >= micros(begin), reading.c.observed_at < micros(end))
        .group_by(reading.c.sensor)
    )
    return {number: Heard(moment(first), moment(last)) for number, first, last in found}


def doings(connection: Connection, begin: datetime, end: datetime) -> list[Doing]:
    """Return what people did with tickets, and which hazards they reported, in order."""
    wanted = ",".join(f"'{event}'" for event in (*DONE, *REPORTED))
    found = connection.exec_driver_sql(
        'SELECT h.at, h.event, h."by", h.note, h.detail, t.building, t.room, t.condition, t.hazard'
        " FROM history h JOIN ticket t ON t.id = h.ticket"
        f" WHERE h.at >= ? AND h.at < ? AND h.event IN ({wanted})"
        " AND (h.event NOT IN ('opened', 'recurred') OR t.hazard <> '') ORDER BY h.at, h.id",
        (micros(begin), micros(end)),
    )
    return [
        Doing(
            moment(at),
            event,
            by,
            note,
            json.loads(detail),
            (Place(building, room or None), Condition(condition), Hazard(hazard) if hazard else None),
        )
        for at, event, by, note, detail, building, room, condition, hazard in found
    ]


def ticketed(
    connection: Connection, begin: datetime, end: datetime
) -> dict[tuple[Place, Condition], list[tuple[datetime, datetime]]]:
    """Return when the episodes that have a ticket on record ran, by place and condition."""
    found = connection.exec_driver_sql(
        "SELECT building, room, condition, began_at, ended_at FROM episode"
        " WHERE ticket IS NOT NULL AND began_at < ? AND (ended_at IS NULL OR ended_at >= ?)",
        (micros(end), micros(begin)),
    )
    spans: dict[tuple[Place, Condition], list[tuple[datetime, datetime]]] = {}
    for building, room, condition, began_at, ended_at in found:
        span = moment(began_at), end if ended_at is None else moment(ended_at)
        spans.setdefault((Place(building, room or None), Condition(condition)), []).append(span)
    return spans


def _minutes(at: datetime) -> int:
    return (at - EPOCH) // _MINUTE
