"""How long a supposition takes: 100 rooms and a year from the roll-ups, and stored readings judged again.

Rule: nothing here asserts. The roll-ups are made by bulk SQL as the daemon would have filled them, of a
school without cooling whose heating is weak; the store lies on this machine's disk and is deleted afterwards.
"""

import argparse
import math
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from safetyd.cli import main as rebuild
from safetyd.configuration import load
from safetyd.core.heat_index import heat_index_f
from safetyd.core.model import Observation, Place, Sensor
from safetyd.core.tally import WIDTH, Known
from safetyd.ingest.message import Message
from safetyd.replay import Line, replay
from safetyd.simulate.scenario import SCENARIOS
from safetyd.simulate.sensors import messages
from safetyd.simulate.site_file import site_toml
from safetyd.store import readings, rollups
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.store.readings import KnownSensor
from safetyd.store.rollups import HOUR, Level, Progress
from safetyd.whatif.answer import Answer, Question
from safetyd.whatif.parallel import exactly
from safetyd.whatif.rolled import estimated

BEGIN = datetime(2025, 8, 1, 7, tzinfo=UTC)  # midnight there
BUILDINGS = 4
DAY = timedelta(days=1)
SETTINGS = {
    "heat 80, cold 62": ("rules.heat.above_f=80", "rules.cold.below_f=62"),
    "heat 90, cold 55": ("rules.heat.above_f=90", "rules.cold.below_f=55"),
    "24 hours become 8": ("rules.deadlines.mitigation=8h",),
}


def main() -> int:
    """Make the stores, ask them, and print the table."""
    parser = argparse.ArgumentParser(description="Measure what-if on this machine.")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--exact-days", type=int, default=30)
    parser.add_argument("--folder", type=Path, default=Path("var"), help="where the store is made")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=asked.folder, prefix="bench-whatif-") as name:
        from_rollups(Path(name), asked.rooms, asked.days)
    with TemporaryDirectory(dir=asked.folder, prefix="bench-whatif-") as name:
        from_readings(Path(name), asked.rooms, asked.exact_days)
    with TemporaryDirectory(dir=asked.folder, prefix="bench-whatif-") as name:
        side_by_side(Path(name))
    return 0


def row(name: str, value: float, unit: str, more: str = "") -> None:
    """Print one line of the table."""
    print(f"{name:<58}{value:>10,.1f} {unit:<6}{more}".rstrip(), flush=True)


def rooms_of(count: int) -> list[Place]:
    return [Place(f"school-{number % BUILDINGS}", str(number)) for number in range(1, count + 1)]


def made(folder: Path, count: int) -> Path:
    """Write a configuration, and an empty store beside it."""
    here = rooms_of(count)
    text = 'timezone = "America/Los_Angeles"\n[calendar]\nstudent_hours = "08:30-15:15"\n'
    for building in dict.fromkeys(place.building for place in here):
        text += f'[[buildings]]\nid = "{building}"\n'
        text += "".join(f'[[buildings.rooms]]\nid = "{p.room}"\n' for p in here if p.building == building)
    (folder / "site.toml").write_text(text)
    config = folder / "safetyd.toml"
    config.write_text('site = ["site.toml"]\n[store]\nurl = "sqlite:///season.db"\n')
    known = [KnownSensor(n, Sensor(place, "a"), "t", "native") for n, place in enumerate(here, 1)]
    with closing(open_for_writing(load(config, {}).settings.store.url)) as writer:
        readings.add_sensors(writer, known)
        writer.commit()
    return config


def air_f(at: datetime) -> float:
    """Return the temperature of a room without cooling, °F: the season, the day, a hot week now and then."""
    day = (at - datetime(2025, 1, 1, tzinfo=UTC)) / DAY
    outside = 58 + 13 * math.cos((day - 205) / 365 * 2 * math.pi)
    outside += 10 * math.cos((day % 1 - 23 / 24) * 2 * math.pi) + (14 if day % 41 < 6 else 0)
    return 71.5 + 0.48 * (outside - 61)


# From the roll-ups.


def from_rollups(folder: Path, count: int, days: int) -> None:
    config, began = made(folder, count), time.perf_counter()
    loaded = load(config, {})
    file, end = folder / "season.db", BEGIN + days * DAY
    with closing(sqlite3.connect(file, isolation_level=None)) as bulk:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"):
            bulk.execute(f"PRAGMA {pragma}")
        bulk.execute("CREATE TEMP TABLE room (n INTEGER PRIMARY KEY, shift REAL)")
        bulk.executemany("INSERT INTO room VALUES (?,?)", ((n, n % 9 / 2 - 2) for n in range(1, count + 1)))
        for level, width in ((Level.FIVE_MINUTES, WIDTH), (Level.HOUR, HOUR)):
            fill(bulk, level, width, days)
    with closing(open_for_writing(loaded.settings.store.url)) as writer:
        for number, place in enumerate(rooms_of(count), 1):
            rollups.put_place(writer, rollups.RolledPlace(number, place, BEGIN))
        rollups.put_states(writer, end, {n: rollups.State(end, True, Known()) for n in range(1, count + 1)})
        rollups.put_progress(writer, Progress(end, 0))
        writer.commit()
    size = file.stat().st_size / 1e9
    row(f"made: {days} days of {count} rooms, {size:.1f} GB", time.perf_counter() - began, "s")
    buildings = tuple(each.id for each in loaded.site.buildings)
    for name, settings in SETTINGS.items():
        question = Question(BEGIN, end, settings, buildings)

        def ask(question: Question = question) -> Answer:
            with closing(open_for_reading(loaded.settings.store.url)) as connection:
                return estimated(connection, loaded.site, question)

        timed(f"from the roll-ups: {name}", ask)


def fill(bulk: sqlite3.Connection, level: Level, width: timedelta, days: int) -> None:
    """Write the buckets of temperature, humidity and heat index, and of the accounts, of one level."""
    bulk.execute("CREATE TEMP TABLE start (n INTEGER PRIMARY KEY, low REAL, high REAL)")
    bulk.executemany("INSERT INTO start VALUES (?,?,?)", starts(width, days))
    bulk.execute("BEGIN")
    bulk.execute("CREATE TEMP TABLE warm (tenth INTEGER PRIMARY KEY, heat REAL)")
    bulk.executemany(
        "INSERT INTO warm VALUES (?,?)", ((n, heat_index_f(n / 10, 45.0)) for n in range(200, 1300))
    )
    bulk.execute(
        "INSERT INTO roll_up SELECT ?1, start.n, room.n, m.column1, 5,"
        " CASE m.column1 WHEN 0 THEN start.low + shift WHEN 1 THEN 45.0 ELSE"
        "  (SELECT heat FROM warm WHERE tenth = CAST((start.low + shift) * 10 AS INTEGER)) END,"
        " CASE m.column1 WHEN 0 THEN start.high + shift WHEN 1 THEN 45.0 ELSE"
        "  (SELECT heat FROM warm WHERE tenth = CAST((start.high + shift) * 10 AS INTEGER)) END, 350.0"
        " FROM start CROSS JOIN room CROSS JOIN (VALUES (0), (1), (2)) AS m",
        (int(level),),
    )
    bulk.execute(
        "INSERT INTO roll_up_time SELECT ?1, start.n, room.n, 0, 0, 0, 0, 0, 0, NULL, NULL"
        " FROM start CROSS JOIN room",
        (int(level),),
    )
    bulk.execute("COMMIT")
    bulk.execute("DROP TABLE start")
    bulk.execute("DROP TABLE warm")


def starts(width: timedelta, days: int) -> Iterator[tuple[int, float, float]]:
    for number in range(int(days * DAY / width)):
        at = BEGIN + number * width
        values = [air_f(at + part * WIDTH / 5) for part in range(int(width / WIDTH * 5))]
        yield int(at.timestamp()) // 60, min(values), max(values)


# From every reading.


def from_readings(folder: Path, count: int, days: int) -> None:
    config, began = made(folder, count), time.perf_counter()
    loaded = load(config, {})
    end = BEGIN + days * DAY
    here = [Sensor(place, "a") for place in rooms_of(count)]
    total = 0
    with closing(open_for_writing(loaded.settings.store.url)) as writer:
        for number in range(int(days * DAY / WIDTH)):
            at, rows = BEGIN + number * WIDTH, []
            for n, sensor in enumerate(here, 1):
                value = round(air_f(at) + n % 9 / 2 - 2, 2)
                spoke = Observation(sensor, at, at, temperature_f=value, humidity=45.0)
                rows += readings.rows(n, spoke, ())
            readings.append(writer, rows)
            total += len(here)
        writer.commit()
    row(f"made: {total:,} readings of {count} rooms, {days} days", time.perf_counter() - began, "s")
    buildings = tuple(each.id for each in loaded.site.buildings)
    for name, settings in list(SETTINGS.items())[:1]:
        question = Question(BEGIN, end, settings, buildings)

        def ask(question: Question = question) -> Answer:
            return exactly(config, loaded.site, [loaded.settings.store.url], question)

        seconds = timed(f"every reading, {os.cpu_count()} processes: {name}", ask)
        row("  for each reading and side", seconds / total / 2 * 1e6, "µs")


# How far the two differ.


def side_by_side(folder: Path) -> None:
    """Print both answers on weeks of the simulated school, reporting each minute."""
    for name, days in (("heat-wave", 7), ("boiler-failure", 3)):
        scenario = replace(SCENARIOS[name], duration=days * DAY)
        here = folder / name
        here.mkdir()
        (here / "site.toml").write_text(site_toml())
        config = here / "safetyd.toml"
        config.write_text('site = ["site.toml"]\n[store]\nurl = "sqlite:///season.db"\n')
        loaded = load(config, {})
        said = (
            Line(each.at, Message(each.at, each.topic, each.payload), None) for each in messages(scenario, 1)
        )
        with closing(open_for_writing(loaded.settings.store.url)) as store:
            replay(said, loaded.site, until=scenario.end, store=store)
        with redirect_stdout(StringIO()):
            rebuild(["history", "rebuild", "--config", str(config)])
        buildings = tuple(each.id for each in loaded.site.buildings)
        for settings in SETTINGS.values():
            question = Question(scenario.start, scenario.end, settings, buildings)
            with closing(open_for_reading(loaded.settings.store.url)) as connection:
                found = estimated(connection, loaded.site, question).total.proposed
            true = exactly(config, loaded.site, [loaded.settings.store.url], question).total.proposed
            print(f"{name}, {days} days, {settings[0]}:")
            for way, each in (("estimated", found), ("exact", true)):
                hours = f"{each.breach / 3.6e9:.2f} h in breach, {each.student / 3.6e9:.2f} h in class"
                print(f"  {way}: {each.tickets} tickets, {hours}, {each.missed} missed", flush=True)


def timed(name: str, ask: Callable[[], Answer]) -> float:
    """Print how long an answer takes, and what it is, so that it can be seen to be no idle one."""
    began, used = time.perf_counter(), time.process_time()
    total = ask().total
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    hours = [side.breach / 3.6e9 for side in (total.in_force, total.proposed)]
    tickets = f"{total.in_force.tickets} and {total.proposed.tickets} tickets"
    row(
        name,
        seconds,
        "s",
        f"(CPU {cpu:.1f} s) {tickets}, {hours[0]:,.0f} and {hours[1]:,.0f} room-hours in breach",
    )
    return seconds


if __name__ == "__main__":
    sys.exit(main())
