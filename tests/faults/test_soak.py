"""A building at 200 readings a second for a day, lived as fast as the machine can: only the record grows."""

import math
import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest

from tests.bench.wire import publish_packet, wire
from tests.faults.test_floods import memory_mb
from tests.journeys.gateway import Gateway
from tests.journeys.servers import Broker, Client, House, Sink, Site, until

pytestmark = [pytest.mark.journey, pytest.mark.soak]

Make = Callable[..., House]
Figure = Callable[[str], None]
ROOMS = [f"r{number:02d}" for number in range(100)]  # each says two values a second
A_STEP_S, A_MINUTE_S, AN_HOUR_S = 10, 60, 3600
COLD_ROOMS = 4  # an open ticket is kept in memory, 70 kB each: a day must not be all about those
A_READING = 40  # bytes of the store, as the README has a room and year of them
WARM_UP = 0.25  # of the run: until caches have filled


class Seen(NamedTuple):
    """The daemon at one moment: its memory, its open files, its store on disk and the readings in it."""

    second: int
    memory_mb: float
    files: int
    store_bytes: int
    readings: int


def temperature_f(room: int, second: int) -> float:
    """Return what a room says: of four one cools each hour, slowly, for half of it, to 57 °F."""
    since = (second - room * AN_HOUR_S) % (COLD_ROOMS * AN_HOUR_S)
    cooling = max(0.0, 1 - abs(since - 900) / 900) if room < COLD_ROOMS else 0.0
    return 70 + math.sin(second / 600 + room) - 14 * cooling


def look(home: House, second: int) -> Seen:
    assert home.daemon is not None
    ((newest,),) = home.rows("SELECT max(id) FROM reading")
    files = len(os.listdir(f"/proc/{home.daemon.pid}/fd"))
    return Seen(second, memory_mb(home), files, home.store.stat().st_size, newest or 0)


@pytest.mark.timeout(0)
def test_a_building_for_a_day(
    broker: Broker, client: Client, sink: Sink, house: Make, figure: Figure, request: pytest.FixtureRequest
) -> None:
    """Memory stays flat within 5 %, open files stay as many, the store grows by 40 bytes a reading."""
    hours = float(request.config.getoption("--hours"))
    seconds = round(hours * AN_HOUR_S)
    home = house(broker, Site(rooms=ROOMS, people={"Ada": [sink.address("ada")]}))
    gateway = Gateway(home, datetime.now(UTC).replace(microsecond=0))
    began = gateway.wall.timestamp()
    home.start(client)
    seen: list[Seen] = []
    with wire(broker.port, "building") as building, closing(progress(home.folder)) as log:
        for second in range(0, seconds, A_STEP_S):
            gateway.passes(seconds=A_STEP_S)
            building.publish_all(
                publish_packet(
                    f"safetyd/readings/maple/{room}",
                    b'{"temperature_f": %.2f, "humidity": %.1f, "ts": %.3f}'
                    % (
                        temperature_f(number, at),
                        40 + number % 9 + at % 600 / 100,
                        began + at + number / 100,
                    ),
                    at * len(ROOMS) + number,
                )
                for at in range(second, second + A_STEP_S)
                for number, room in enumerate(ROOMS)
            )
            if second % A_MINUTE_S == 0:
                kept_up = 2 * len(ROOMS) * (second - A_MINUTE_S)
                until("the daemon keeps up", lambda n=kept_up: look(home, 0).readings >= n, within=600)
            if second % (5 * A_MINUTE_S) == 0:
                seen.append(look(home, second))
                log.write(f"{seen[-1]}\n")
                log.flush()
    everything = 2 * len(ROOMS) * seconds
    until("everything is stored", lambda: look(home, 0).readings >= everything, within=600)
    seen.append(look(home, seconds))
    assert seen[-1].readings == everything
    warm = [each for each in seen if each.second >= WARM_UP * seconds]
    half = len(warm) // 2
    early_mb, late_mb = (max(each.memory_mb for each in part) for part in (warm[:half], warm[half:]))
    a_reading = (warm[-1].store_bytes - warm[0].store_bytes) / (warm[-1].readings - warm[0].readings)
    files = sorted({each.files for each in warm})
    figure(
        f"{hours:g} h, {everything:,} readings: memory at most {early_mb:.1f} MB, later {late_mb:.1f} MB;"
        f" open files {files}; {a_reading:.1f} bytes a reading; {home.count('ticket')} tickets"
    )
    assert late_mb <= early_mb * 1.05
    assert files[-1] - files[0] <= 2  # a notice is being sent just then
    assert abs(a_reading / A_READING - 1) < 0.2


def progress(folder: Path) -> TextIO:
    """Return where the run can be followed."""
    return (folder / "soak.log").open("w", encoding="utf-8")
