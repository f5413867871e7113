"""Committed rows as line protocol: names, tags, values and times that are the same whenever they are made.

Rule: a point is its measurement, tags and time, and these never change, so what is written twice is there
once. Values are floats. What line protocol cannot hold in a tag (a backslash, a control character) is written
as in a web address, `%5C`, and so is the percent sign itself. Every point of a measurement has all its tags,
`-` where there is nothing to say: 3.x lets none be added later.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from safetyd.core.model import Observation, Sensor
from safetyd.core.quality import offset
from safetyd.core.units import fahrenheit
from safetyd.store.moments import micros, moment
from safetyd.store.readings import MARK_OF, Kept
from safetyd.store.replica import EpisodeChange, ReadingRow, Stream, TicketEvent

QUANTITIES = {
    Kept.TEMPERATURE_F: "temperature",
    Kept.TEMPERATURE_C: "temperature",
    Kept.HUMIDITY: "humidity",
    Kept.MAINS: "mains",
    Kept.VOLTAGE: "voltage",
    Kept.POWER_W: "power",
    Kept.BATTERY: "battery",
    Kept.BATTERY_V: "battery_v",
    Kept.BATTERY_OK: "battery_ok",
    Kept.ENERGY_KWH: "energy",
}
_CALIBRATED = (Kept.TEMPERATURE_F, Kept.TEMPERATURE_C, Kept.HUMIDITY)
_UNTOLD = re.compile("[\\\\%\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOTHING = "-"
_SPECIAL = re.compile("([,= ])")
_NS = 1000  # in a microsecond
_SECOND = 1_000_000.0


class Line(NamedTuple):
    """One point on its way, and the row that it was made of."""

    stream: Stream
    row: int
    text: bytes


def tag(text: str) -> str:
    """Return a tag's value as it is read back: the name, with what cannot stand there as in a web address."""
    if text in ("", _NOTHING):
        return "%2D" if text else _NOTHING
    return _UNTOLD.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


def _tags(measurement: str, tags: Mapping[str, str]) -> str:
    """The beginning of a line."""
    told = [f"{name}=" + _SPECIAL.sub(r"\\\1", tag(value)) for name, value in sorted(tags.items())]
    return ",".join([measurement, *told])


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class ReadingLines:
    """Makes lines of values; what it has once made for a sensor and quantity is kept."""

    def __init__(self, sensors: Mapping[int, Sensor]) -> None:
        self.sensors = sensors
        self._begun: dict[tuple[int, int, int], str] = {}

    def value(self, row: ReadingRow) -> float:
        """Return the value that is judged: as calibrated, a temperature in °F."""
        value = fahrenheit(row.value) if row.kept == Kept.TEMPERATURE_C else row.value
        sensor = self.sensors[row.sensor]
        if not sensor.offsets or row.kept not in _CALIBRATED:
            return value
        at = moment(row.observed_at)
        found = offset(Observation(sensor, at, at))
        return value + (found.humidity if row.kept == Kept.HUMIDITY else found.temperature_f)

    def line(self, row: ReadingRow, *, is_borne_out: bool = False) -> Line:
        """Return a value as a line.

        Raises:
            KeyError: its sensor is not known here yet.
        """
        number, sensor, kept, observed_at, delay, value, mark, reason = row
        begun = self._begun.get((sensor, kept, mark))
        if begun is None:
            begun = self._begun[sensor, kept, mark] = self._begin(sensor, Kept(kept), mark)
        judged, raw = self.value(row), fahrenheit(value) if kept == Kept.TEMPERATURE_C else value
        told = f"{begun} value={judged!r}"
        if kept == Kept.TEMPERATURE_C:
            told += f",celsius={value!r}"
        if judged != raw:
            told += f",raw={raw!r}"
        if is_borne_out:
            told += ",borne_out=1.0"
        if delay:
            told += f",delay={delay / _SECOND!r}"
        if reason is not None:
            told += f",reason={_string(reason)}"
        return Line(Stream.READING, number, f"{told} {observed_at * _NS}".encode())

    def _begin(self, number: int, kept: Kept, mark: int) -> str:
        sensor = self.sensors[number]
        tags = {
            "building": sensor.place.building,
            "room": sensor.place.room or "",
            "sensor": sensor.id,
            "quantity": QUANTITIES[kept],
            "mark": MARK_OF[mark].value,
        }
        return _tags("reading", tags)


def heat_line(sensor: Sensor, index_f: float, at: int) -> bytes:
    """Return the text of a heat index, of the sensor that measured its temperature."""
    tags = {"building": sensor.place.building, "room": sensor.place.room or "", "sensor": sensor.id}
    return f"{_tags('heat_index', tags)} value={index_f!r} {at * _NS}".encode()


def episode_line(change: EpisodeChange) -> Line:
    """Return an episode as a line at its beginning; what no longer began there is not current there."""
    tags = {"building": change.building, "room": change.room, "condition": change.condition}
    episode = change.episode
    fields = [f"current={float(episode is not None)}"]
    if episode is not None:
        fields.append(f"ended={float(episode.ended_at is not None)}")
        fields.append(f"seen={episode.seen.total_seconds()!r}")
        if episode.ended_at is not None:
            fields.append(f"lasted={(episode.ended_at - episode.began_at).total_seconds()!r}")
        if episode.worst is not None:
            fields.append(f"worst={float(episode.worst.value)!r}")
            fields.append(f"worst_at={micros(episode.worst.at) / _SECOND!r}")
        fields.append(f"ticket={_string(episode.ticket or '')}")
    text = f"{_tags('episode', tags)} {','.join(fields)} {change.began_at * _NS}"
    return Line(Stream.EPISODE, change.row, text.encode())


def ticket_line(event: TicketEvent) -> Line:
    """Return a row of history as a line; its number tells apart in the nanoseconds what happened at once."""
    tags = {
        "building": event.building,
        "room": event.room,
        "condition": event.condition,
        "hazard": event.hazard,
        "event": event.event,
    }
    strings = {"ticket": event.ticket, "by": event.by, "note": event.note, "hash": event.hash}
    if event.detail != "{}":
        strings["detail"] = event.detail
    fields = ["events=1.0", *(f"{name}={_string(value)}" for name, value in strings.items())]
    at = event.at * _NS + event.row % _NS
    text = f"{_tags('ticket_event', tags)} {','.join(fields)} {at}"
    return Line(Stream.TICKET_EVENT, event.row, text.encode())


def halves(lines: list[Line]) -> Iterator[list[Line]]:
    """Yield the first and the second half."""
    middle = len(lines) // 2
    yield lines[:middle]
    yield lines[middle:]
