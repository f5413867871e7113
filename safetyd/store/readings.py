"""Readings: appended by the thousand, looked up by where they lie, never changed.

Rule: rows lie in order of arrival, so a span of time is a span of row numbers, found by halving; that is why
the table needs no index.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from safetyd.core.model import HAND, IMPORT, Mark, Observation, Place, Quantity, Sensor
from safetyd.core.quality import Flaw
from safetyd.store.dialect import insert_rows, upsert
from safetyd.store.moments import micros, moment, span_micros
from safetyd.store.schema import reading, sensor


class Kept(IntEnum):
    """What a row holds, and in which unit it was sent."""

    TEMPERATURE_F = 1
    TEMPERATURE_C = 2
    HUMIDITY = 3
    MAINS = 4
    VOLTAGE = 5
    POWER_W = 6
    BATTERY = 7
    BATTERY_V = 8
    BATTERY_OK = 9
    ENERGY_KWH = 10


FIELDS = {kept: kept.name.lower() for kept in Kept}
QUANTITY_OF = {
    Kept.TEMPERATURE_F: Quantity.TEMPERATURE,
    Kept.TEMPERATURE_C: Quantity.TEMPERATURE,
    Kept.HUMIDITY: Quantity.HUMIDITY,
    Kept.MAINS: Quantity.MAINS,
    Kept.VOLTAGE: Quantity.VOLTAGE,
    Kept.POWER_W: Quantity.POWER,
    Kept.BATTERY: Quantity.BATTERY,
    Kept.BATTERY_V: Quantity.BATTERY,
    Kept.BATTERY_OK: Quantity.BATTERY,
    Kept.ENERGY_KWH: Quantity.ENERGY,
}
_FLAGS = (Kept.MAINS, Kept.BATTERY_OK)
_OF_QUANTITY = {quantity: tuple(k for k, q in QUANTITY_OF.items() if q is quantity) for quantity in Quantity}
TEMPERATURES = (Kept.TEMPERATURE_F.value, Kept.TEMPERATURE_C.value)
_MARKS = {Mark.ACCEPTED: 0, Mark.SUSPECT: 1, Mark.REJECTED: 2, Mark.RETAINED: 3}
ACCEPTED, RETAINED = _MARKS[Mark.ACCEPTED], _MARKS[Mark.RETAINED]
DOUBTED = 4  # rejected for what others say: never judged again by itself
MARK_OF = {number: mark for mark, number in _MARKS.items()} | {DOUBTED: Mark.REJECTED}
_COLUMNS = (
    *("sensor", "quantity", "observed_at", "delay", "value", "mark"),
    *("reason", "stamp", "device_skew", "gateway_skew", "frame"),
)

ReadingRow = tuple[int, int, int, int, float, int, str | None, str | None, int | None, int | None, str | None]


def rows(
    number: int, observation: Observation, flaws: tuple[Flaw, ...], frame: str | None = None
) -> list[ReadingRow]:
    """Return an observation as rows, one a value; the first bears the frame that it came in."""
    observed_at, received_at = micros(observation.observed_at), observation.received_at
    delay = span_micros(received_at - observation.observed_at)
    mark = RETAINED if observation.retained else 0
    device_at, gateway_at = observation.device_at, observation.gateway_at
    clocks = (
        None,
        observation.stamp,
        None if device_at is None else span_micros(device_at - received_at),
        None if gateway_at is None else span_micros(gateway_at - received_at),
        None,
    )
    made: list[ReadingRow] = []
    if observation.temperature_f is not None:
        made.append((number, 1, observed_at, delay, observation.temperature_f, mark, *clocks))
    elif observation.temperature_c is not None:
        made.append((number, 2, observed_at, delay, observation.temperature_c, mark, *clocks))
    if observation.humidity is not None:
        made.append((number, 3, observed_at, delay, observation.humidity, mark, *clocks))
    if observation.mains is not None:
        made.append((number, 4, observed_at, delay, float(observation.mains), mark, *clocks))
    if observation.voltage is not None:
        made.append((number, 5, observed_at, delay, observation.voltage, mark, *clocks))
    if observation.power_w is not None:
        made.append((number, 6, observed_at, delay, observation.power_w, mark, *clocks))
    if observation.battery is not None:
        made.append((number, 7, observed_at, delay, observation.battery, mark, *clocks))
    if observation.battery_v is not None:
        made.append((number, 8, observed_at, delay, observation.battery_v, mark, *clocks))
    if observation.battery_ok is not None:
        made.append((number, 9, observed_at, delay, float(observation.battery_ok), mark, *clocks))
    if observation.energy_kwh is not None:
        made.append((number, 10, observed_at, delay, observation.energy_kwh, mark, *clocks))
    if flaws and not mark:
        doubted = {_MARKS[Mark.REJECTED]: DOUBTED} if observation.doubt else {}
        reasons = {
            flaw.quantity: (doubted.get(_MARKS[flaw.mark], _MARKS[flaw.mark]), flaw.reason) for flaw in flaws
        }
        made = [(*row[:5], *reasons.get(QUANTITY_OF[Kept(row[1])], (0, None)), *row[7:]) for row in made]
    if frame is not None and made:
        made[0] = (*made[0][:-1], frame)
    return made


def append(connection: Connection, made: list[ReadingRow]) -> None:
    """Add rows, in the transaction that is open."""
    if made:
        insert_rows(connection, "reading", _COLUMNS, made)


def last_id(connection: Connection) -> int:
    """Return the number of the newest row, 0 if there is none."""
    return connection.exec_driver_sql("SELECT max(id) FROM reading").scalar() or 0


def arrival(connection: Connection, id: int) -> datetime:
    """Return when a row arrived, or the next one that is still kept."""
    wanted = "SELECT observed_at + delay FROM reading WHERE id >= ? ORDER BY id LIMIT 1"
    return moment(connection.exec_driver_sql(wanted, (id,)).scalar_one())


def first_id_since(connection: Connection, received_at: datetime) -> int:
    """Return the number of the first row that arrived at or after a moment."""
    low, high = 1, last_id(connection) + 1
    wanted = micros(received_at)
    while low < high:
        middle = (low + high) // 2
        arrived = connection.exec_driver_sql(
            "SELECT observed_at + delay FROM reading WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).scalar()
        if arrived is not None and arrived < wanted:
            low = middle + 1
        else:
            high = middle
    return low


class Frame(NamedTuple):
    """What a sensor sent as one frame, its values in the order of an Observation's."""

    number: int
    frame: str
    received_at: datetime
    values: list[float | None]


def frames(connection: Connection, since: datetime) -> list[Frame]:
    """Return the frames that arrived since a moment, in order of arrival."""
    first = first_id_since(connection, since)
    found = connection.exec_driver_sql(
        "SELECT sensor, quantity, observed_at, delay, value, frame FROM reading WHERE id >= ? AND sensor IN"
        " (SELECT sensor FROM reading WHERE id >= ? AND frame IS NOT NULL) ORDER BY id",
        (first, first),
    )
    told: dict[tuple[int, int, int], Frame] = {}
    for number, kept, observed_at, delay, value, frame in found:
        key = number, observed_at, delay
        if frame is not None:
            told[key] = Frame(number, frame, moment(observed_at + delay), [None] * len(Kept))
        if key in told:
            told[key].values[kept - 1] = value
    return list(told.values())


class Numbered(NamedTuple):
    """A stored observation with the number of its last row."""

    id: int
    observation: Observation


def observations(
    connection: Connection,
    sensors: Mapping[int, Sensor],
    after_id: int = 0,
    since: datetime | None = None,
    up_to_id: int | None = None,
) -> Iterator[Numbered]:
    """Yield what some sensors said, in order of arrival, from the rows after a number; retained ones not."""
    wanted = (
        select(
            reading.c.id,
            reading.c.sensor,
            reading.c.quantity,
            reading.c.observed_at,
            reading.c.delay,
            reading.c.value,
            reading.c.mark,
            reading.c.reason,
            reading.c.device_skew,
            reading.c.gateway_skew,
        )
        .where(reading.c.id > after_id, reading.c.mark != RETAINED)
        .order_by(reading.c.id)
    )
    if since is not None:
        wanted = wanted.where(reading.c.observed_at >= micros(since))
    if up_to_id is not None:
        wanted = wanted.where(reading.c.id <= up_to_id)
    if len(sensors) < 50:
        wanted = wanted.where(reading.c.sensor.in_(sensors))
    last: tuple[int, int, int] | None = None
    values: dict[str, Any] = {}
    last_row = 0
    for row, number, kept, observed_at, delay, value, mark, reason, device, gateway in connection.execute(
        wanted
    ):
        if number not in sensors:
            continue
        if last != (number, observed_at, delay):
            if last is not None:
                yield Numbered(last_row, observation(sensors[last[0]], last[1], last[2], values))
            last, values = (number, observed_at, delay), {}
        last_row = row
        values[FIELDS[kept]] = bool(value) if kept in _FLAGS else value
        if mark == DOUBTED:
            values["doubt"] = reason
        if device is not None:
            values["device_at"] = moment(observed_at + delay + device)
        if gateway is not None:
            values["gateway_at"] = moment(observed_at + delay + gateway)
    if last is not None:
        yield Numbered(last_row, observation(sensors[last[0]], last[1], last[2], values))


def observation(spoke: Sensor, observed_at: int, delay: int, values: Mapping[str, Any]) -> Observation:
    return Observation(
        spoke,
        moment(observed_at),
        moment(observed_at + delay),
        by_hand=spoke.id.startswith(HAND),
        **values,
    )


class Point(NamedTuple):
    """One accepted value of a place's history, in the unit it was sent in."""

    observed_at: datetime
    kept: Kept
    value: float


def points(
    connection: Connection, place: Place, quantity: Quantity, begin: datetime | None, end: datetime | None
) -> list[Point]:
    """Return a place's accepted values of one quantity from `begin` up to before `end`, in order of time."""
    start = 0 if begin is None else first_id_since(connection, begin - timedelta(minutes=3))
    wanted = (
        select(reading.c.observed_at, reading.c.quantity, reading.c.value)
        .join(sensor, sensor.c.id == reading.c.sensor)
        .where(
            reading.c.id >= start,
            reading.c.mark == _MARKS[Mark.ACCEPTED],
            reading.c.quantity.in_(_OF_QUANTITY[quantity]),
            sensor.c.building == place.building,
            sensor.c.room == (place.room or ""),
        )
        .order_by(reading.c.observed_at, reading.c.id)
    )
    if begin is not None:
        wanted = wanted.where(reading.c.observed_at >= micros(begin))
    if end is not None:
        wanted = wanted.where(reading.c.observed_at < micros(end))
    return [Point(moment(at), Kept(kept), value) for at, kept, value in connection.execute(wanted)]


class KnownSensor(NamedTuple):
    """A sensor that was heard, its number here, and on which topic it spoke which format at first."""

    number: int
    sensor: Sensor
    topic: str
    format: str


def sensors(connection: Connection, after: int = 0, building: str = "") -> list[KnownSensor]:
    """Return every sensor ever heard, or those after a number, or of a building; what the site file says of
    them is its own business."""
    wanted = select(
        sensor.c.id,
        sensor.c.building,
        sensor.c.room,
        sensor.c.name,
        sensor.c.topic,
        sensor.c.format,
        sensor.c.interval,
    ).where(sensor.c.id > after)
    found = connection.execute(wanted.where(sensor.c.building == building) if building else wanted)
    return [
        KnownSensor(number, Sensor(Place(building, room or None), name, _span(every)), topic, format)
        for number, building, room, name, topic, format, every in found
    ]


def count_sensors(connection: Connection) -> int:
    """Return how many were ever heard."""
    return connection.execute(select(func.count()).select_from(sensor)).scalar_one()


def _span(every: int | None) -> timedelta | None:
    return None if every is None else timedelta(microseconds=every)


def add_sensors(connection: Connection, heard: Iterable[KnownSensor]) -> None:
    """Keep sensors that are heard for the first time, in the open transaction; those kept before stay."""
    for new in heard:
        place, every = new.sensor.place, new.sensor.interval
        connection.execute(
            upsert(connection, sensor)
            .values(
                id=new.number,
                building=place.building,
                room=place.room or "",
                name=new.sensor.id,
                topic=new.topic,
                format=new.format,
                interval=span_micros(every) if every and new.sensor.id.startswith(IMPORT) else None,
            )
            .on_conflict_do_nothing()
        )


def chronological(found: Iterable[Numbered]) -> list[Observation]:
    """Return observations in order of their own time; of one moment, in order of arrival."""
    return [
        item.observation for item in sorted(found, key=lambda item: (item.observation.observed_at, item.id))
    ]
