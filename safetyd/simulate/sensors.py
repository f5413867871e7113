"""What the school's devices say on the wire: one JSON object per report, on the native topics.

Rule: every device draws from a random source of its own, seeded by the seed and its topic, so the same seed
gives the same bytes and one more device changes nobody else's. A device stamps the moment it measures.
"""

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from safetyd.core.units import fahrenheit
from safetyd.simulate.course import STEP, Moment, course
from safetyd.simulate.scenario import Scenario, Span

REPORT_EVERY_MS, JITTER_MS = 60_000, 5_000
TEMPERATURE_NOISE_C, HUMIDITY_NOISE = 0.06, 0.4  # one sigma, as a good digital sensor has
NOMINAL_V, VOLTAGE_NOISE_V = 120.0, 0.6
FULLEST_BATTERY, EMPTIEST_BATTERY = 99, 62

Values = dict[str, float | bool]


@dataclass(frozen=True, slots=True)
class Message:
    at: datetime
    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class RoomSensor:
    """A battery sensor on a wall, which says °C or °F as its maker pleased."""

    topic: str
    room: str
    celsius: bool
    silences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class MainsWitness:
    """A device that knows whether the building has power; without a battery it dies of the news."""

    topic: str
    has_battery: bool


def messages(scenario: Scenario, seed: int) -> Iterator[Message]:
    """Return all that the school's devices publish during the scenario, in order of time."""
    moments = list(course(scenario))
    rooms = [
        room_messages(sensor, scenario, moments, Random(f"{seed} {sensor.topic}"))
        for sensor in room_sensors(scenario)
    ]
    mains = [
        mains_messages(witness, scenario, Random(f"{seed} {witness.topic}"))
        for witness in mains_witnesses(scenario)
    ]
    return heapq.merge(*rooms, *mains, key=lambda message: message.at)


def room_sensors(scenario: Scenario) -> list[RoomSensor]:
    return [
        RoomSensor(
            topic=f"safetyd/readings/{scenario.school.id}/{room.id}",
            room=room.id,
            celsius=number % 3 == 2,
            silences=tuple(silence.span for silence in scenario.silences if silence.room == room.id),
        )
        for number, room in enumerate(scenario.school.rooms)
    ]


def mains_witnesses(scenario: Scenario) -> list[MainsWitness]:
    power = f"safetyd/power/{scenario.school.id}"
    return [MainsWitness(f"{power}/main", has_battery=False), MainsWitness(f"{power}/ups", has_battery=True)]


def room_messages(
    sensor: RoomSensor, scenario: Scenario, moments: Sequence[Moment], random: Random
) -> Iterator[Message]:
    battery = random.randint(EMPTIEST_BATTERY, FULLEST_BATTERY)
    for at in _report_times(scenario, random):
        air = moments[(at - scenario.start) // STEP].rooms[sensor.room]
        temp_c = random.gauss(air.temp_c, TEMPERATURE_NOISE_C)
        humidity = min(100.0, max(0.0, random.gauss(air.relative_humidity, HUMIDITY_NOISE)))
        if any(at in silence for silence in sensor.silences):
            continue
        values: Values = {"humidity": humidity, "battery": battery}
        if sensor.celsius:
            values["temperature_c"] = temp_c
        else:
            values["temperature_f"] = fahrenheit(temp_c)
        yield _message(at, sensor.topic, values)


def mains_messages(witness: MainsWitness, scenario: Scenario, random: Random) -> Iterator[Message]:
    """Yield the witness's reports: at its interval, and the moment power goes or comes back."""
    outage = scenario.mains_off
    turns = [outage.start, outage.end] if outage else []
    for at in sorted([*_report_times(scenario, random), *turns]):
        mains = scenario.mains(at)
        if mains or witness.has_battery:
            voltage = random.gauss(NOMINAL_V, VOLTAGE_NOISE_V) if mains else 0.0
            yield _message(at, witness.topic, {"mains": mains, "voltage": voltage})


def _report_times(scenario: Scenario, random: Random) -> Iterator[datetime]:
    at = scenario.start + timedelta(milliseconds=random.randrange(REPORT_EVERY_MS))
    while at < scenario.end:
        yield at
        at += timedelta(milliseconds=REPORT_EVERY_MS + random.randint(-JITTER_MS, JITTER_MS))


def _message(at: datetime, topic: str, values: Values) -> Message:
    """Say the values as a device does: rounded to 0.1, with its own time stamp."""
    said = {name: round(value, 1) if isinstance(value, float) else value for name, value in values.items()}
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Message(at, topic, json.dumps(said | {"ts": stamp}).encode())
