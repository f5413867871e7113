"""How long a message takes to read, by format, and what part that is of taking it in.

Rule: nothing here asserts. The messages are those of the tests, and collected ones where they are there; a
figure is the median of several rounds, each over all messages of its row.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.calendar import Calendar
from safetyd.core.rules import RuleBook
from safetyd.ingest.binding import Decode, native_decoder
from safetyd.ingest.message import Message, PayloadError
from safetyd.ingest.topics import routes
from safetyd.profile import shipped_profiles
from safetyd.service import Service
from safetyd.site import Building, Room, SensorBinding, Site
from safetyd.store.database import in_memory
from tests.fuzz.seeds import seeds
from tests.fuzz.target import decode_of

_AIM_US = 15
_SENSORS = 1000
_ROOMS_A_BUILDING = 20
_TOGETHER = 500  # messages in one commit
_EVERY = timedelta(seconds=60)
_ZONE = ZoneInfo("America/Los_Angeles")
_BEGIN = datetime(2026, 12, 1, 16, tzinfo=UTC)
_ROOT = "safetyd"

Reading = tuple[Decode, str, bytes]


class Row(NamedTuple):
    """One line of the table: how long a message takes, and the same over the time of json.loads."""

    name: str
    messages: int
    each_us: float
    to_json: float | None


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how long a message takes to read.")
    parser.add_argument("--rounds", type=int, default=25, help="the median of so many counts (%(default)s)")
    rounds = parser.parse_args().rounds
    messages: dict[str, list[Reading]] = {}
    for seed in seeds():
        if not seed.case.before:
            case = seed.case
            messages.setdefault(seed.format, []).append((decode_of(case.way), case.topic, case.payload))
    print(f"{'format':<22}{'messages':>9}{'µs each':>9}{'x json.loads':>14}")
    for name, said in messages.items():
        print(line(_row(name, said, rounds)), flush=True)
    whole = _row("all", [each for said in messages.values() for each in said], rounds)
    print(f"{line(whole)}   aim: at most {_AIM_US} µs\n")
    print(f"{'1,000 sensors':<22}{'µs to take and commit':>22}{'µs to read':>12}{'share':>8}")
    for name, made in (("native", _native), ("zigbee2mqtt", _zigbee)):
        taken_us, read_us = _shares(made, rounds)
        print(f"{name:<22}{taken_us:>22.1f}{read_us:>12.1f}{read_us / taken_us:>8.0%}", flush=True)
    return 0


def line(row: Row) -> str:
    """Return one line of the table."""
    ratio = "" if row.to_json is None else f"{row.to_json:.1f}"
    return f"{row.name:<22}{row.messages:>9}{row.each_us:>9.1f}{ratio:>14}"


def _row(name: str, said: Sequence[Reading], rounds: int) -> Row:
    as_json = [each for each in said if _is_json(each[2])]
    each_us = _median_us(lambda: _read(said), len(said), rounds)
    if not as_json:
        return Row(name, len(said), each_us, None)
    payloads = [payload for _, _, payload in as_json]
    json_us = _median_us(lambda: [json.loads(payload) for payload in payloads], len(payloads), rounds)
    return Row(name, len(said), each_us, _median_us(lambda: _read(as_json), len(as_json), rounds) / json_us)


def _read(said: Sequence[Reading]) -> None:
    for decode, topic, payload in said:
        try:
            decode(topic, payload)
        except PayloadError:
            pass


def _is_json(payload: bytes) -> bool:
    try:
        json.loads(payload)
    except ValueError:
        return False
    return True


def _median_us(work: Callable[[], object], size: int, rounds: int) -> float:
    """The time of one message in a piece of work on `size` of them, repeated until a clock can tell."""
    times = 1 + 2000 // size
    spans = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        for _ in range(times):
            work()
        spans.append(time.perf_counter() - began)
    return statistics.median(spans[1:]) / times / size * 1e6


def _native(number: int, sent_at: datetime) -> tuple[str, bytes]:
    temp_f = 70 + (number + sent_at.minute) % 17 / 10
    said = {"temperature_f": temp_f, "humidity": 41 + number % 13 / 10}
    topic = f"{_ROOT}/readings/b{number // _ROOMS_A_BUILDING}/r{number}"
    return topic, json.dumps(said | {"ts": sent_at.isoformat()}).encode()


def _zigbee(number: int, sent_at: datetime) -> tuple[str, bytes]:
    said = {"battery": 84, "humidity": 41 + number % 13 / 10, "linkquality": 96, "power_outage_count": 3}
    temp_c = 21 + (number + sent_at.minute) % 9 / 10
    said |= {"pressure": 1009.2, "temperature": temp_c, "voltage": 2985}
    return f"zigbee2mqtt/Room {number}", json.dumps(said | {"last_seen": sent_at.isoformat()}).encode()


def _shares(made: Callable[[int, datetime], tuple[str, bytes]], rounds: int) -> tuple[float, float]:
    """How many µs a message takes from its bytes to its row, and how many of these to be read."""
    site = _site()
    service = Service(in_memory(), site, _ROOT, _BEGIN)
    taken_us, read_us = [], []
    bound = {topic: found[0].decode for topic, found in routes(site).exact.items()}
    for lap in range(rounds + 1):
        messages = list(_lap(made, _BEGIN + lap * _EVERY))
        began = time.perf_counter()
        for first in range(0, len(messages), _TOGETHER):
            for message in messages[first : first + _TOGETHER]:
                service.take(message)
            service.commit(message.received_at)
        taken_us.append((time.perf_counter() - began) / len(messages) * 1e6)
        said = [
            (bound.get(message.topic, native_decoder), message.topic, message.payload) for message in messages
        ]
        read_us.append(_median_us(lambda said=said: _read(said), len(said), 1))
    service.connection.close()
    return statistics.median(taken_us[1:]), statistics.median(read_us[1:])


def _lap(made: Callable[[int, datetime], tuple[str, bytes]], at: datetime) -> Iterator[Message]:
    for number in range(_SENSORS):
        received_at = at + number * _EVERY / _SENSORS
        topic, payload = made(number, received_at - timedelta(seconds=1))
        yield Message(received_at, topic, payload)


def _site() -> Site:
    profile, buildings = shipped_profiles()["zigbee2mqtt"], []
    for first in range(0, _SENSORS, _ROOMS_A_BUILDING):
        numbers = range(first, first + _ROOMS_A_BUILDING)
        rooms = tuple(Room(f"r{number}", f"Room {number}") for number in numbers)
        sensors = tuple(
            SensorBinding(
                f"t{number}", f"zigbee2mqtt/Room {number}", "zigbee2mqtt", f"r{number}", profile=profile
            )
            for number in numbers
        )
        id = f"b{first // _ROOMS_A_BUILDING}"
        buildings.append(Building(id, id, rooms, sensors))
    return Site("Bench", _ZONE, RuleBook(), Calendar(_ZONE), tuple(buildings))


if __name__ == "__main__":
    sys.exit(main())
