"""How long a supposition over Parquet files takes: 4,000 rooms and a year of minutes, made by DuckDB.

Rule: nothing here asserts. The files are those of `history export` with a bucket for each minute, of schools
without cooling whose heating is weak, and always the same; they lie on this machine's disk and are deleted
afterwards.
"""

import argparse
import os
import resource
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from safetyd.configuration import load
from safetyd.core.tally import WIDTH, Known
from safetyd.lake.asking import OVER, over
from safetyd.lake.duck import Duck, opened
from safetyd.lake.exporting import copy, export, partitions, rolled_up, write
from safetyd.lake.layout import BUCKETS, DEEDS, EPISODES, Partition, month_span, months_between
from safetyd.site import Site
from safetyd.store import rollups
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.store.moments import micros
from safetyd.store.rollups import HOUR, Level, Progress
from safetyd.whatif.answer import Answer, Question
from safetyd.whatif.rolled import estimated
from tests.bench.whatif import SETTINGS, fill, made, rooms_of, row

BEGIN = datetime(2025, 8, 1, 7, tzinfo=UTC)  # midnight there
ROOMS = 40  # of a building
DAY = timedelta(days=1)
MINUTE_US = 60_000_000

# The temperature outside as in tests/bench/whatif.py, with tenths of noise, and what a room makes of it.
MINUTES = f"""
WITH minute AS (
    SELECT m, m / 1440 + $day AS day, 58 + 13 * cos((m / 1440 + $day - 205) / 365 * 2 * pi())
        + 10 * cos(((m / 1440 + $day) % 1 - 23 / 24) * 2 * pi())
        + if((floor(m / 1440 + $day) + $building) % 41 < 6, 14, 0) AS outside
    FROM range($minutes) AS minute(m)),
air AS (
    SELECT room, m, round(71.5 + 0.48 * (outside - 61) + room % 9 / 2 - 2
        + hash(room * 1000003 + m * 101 + $building) % 5 / 10, 1) AS t, round(45 + 6 * cos(day * 5)) AS h
    FROM range(1, {ROOMS + 1}) AS room(room), minute),
warm AS (
    SELECT *, 0.5 * (t + 61 + (t - 68) * 1.2 + h * 0.094) AS simple,
        -42.379 + 2.04901523 * t + 10.14333127 * h - 0.22475541 * t * h - 0.00683783 * t * t
        - 0.05481717 * h * h + 0.00122874 * t * t * h + 0.00085282 * t * h * h - 0.00000199 * t * t * h * h
        AS index FROM air)
SELECT room::VARCHAR AS room, make_timestamptz($begin + m * {MINUTE_US}) AS start,
    t AS temperature_low_f, t AS temperature_mean_f, t AS temperature_high_f, h AS humidity_mean,
    if((simple + t) / 2 < 80, simple, index) AS heat_index_low_f, heat_index_low_f AS heat_index_high_f,
    {MINUTE_US}::BIGINT AS cold_known_us, {MINUTE_US}::BIGINT AS heat_known_us,
    {MINUTE_US}::BIGINT AS room_known_us, 0::BIGINT AS room_breach_us,
    NULL::BIGINT AS mains_known_us, NULL::BIGINT AS outage_us
FROM warm
"""


def main() -> int:
    """Make the files, ask them, and print the table."""
    parser = argparse.ArgumentParser(description="Measure what-if over Parquet files on this machine.")
    parser.add_argument("--rooms", type=int, default=4_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--quick", action="store_true", help="80 rooms and 60 days")
    parser.add_argument("--folder", type=Path, default=Path("var"), help="where the files are made")
    asked = parser.parse_args()
    rooms, days = (80, 60) if asked.quick else (asked.rooms, asked.days)
    asked.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=asked.folder, prefix="bench-lake-") as name:
        from_a_store(Path(name), 40, 31)
    with TemporaryDirectory(dir=asked.folder, prefix="bench-lake-") as name:
        of_a_district(Path(name).resolve(), max(1, rooms // ROOMS), days)
    return 0


def from_a_store(folder: Path, rooms: int, days: int) -> None:
    """Export a month from a store, and see that both say the same of it."""
    config, end = made(folder, rooms), BEGIN + days * DAY
    loaded = load(config, {})
    with closing(sqlite3.connect(folder / "season.db", isolation_level=None)) as bulk:
        bulk.execute("CREATE TEMP TABLE room (n INTEGER PRIMARY KEY, shift REAL)")
        bulk.executemany("INSERT INTO room VALUES (?,?)", ((n, n % 9 / 2 - 2) for n in range(1, rooms + 1)))
        for level, width in ((Level.FIVE_MINUTES, WIDTH), (Level.HOUR, HOUR)):
            fill(bulk, level, width, days)
    with closing(open_for_writing(loaded.settings.store.url)) as writer:
        for number, place in enumerate(rooms_of(rooms), 1):
            rollups.put_place(writer, rollups.RolledPlace(number, place, BEGIN))
        rollups.put_states(writer, end, {n: rollups.State(end, True, Known()) for n in range(1, rooms + 1)})
        rollups.put_progress(writer, Progress(end, 0))
        writer.commit()
    buildings = tuple(each.id for each in loaded.site.buildings)
    lake, began = (folder / "lake").resolve(), time.perf_counter()
    with closing(open_for_reading(loaded.settings.store.url)) as connection:
        with opened(lake) as duck:
            source = rolled_up(connection, loaded.site)
            for partition in partitions(source, buildings, None):
                export(duck, source, lake, partition)
        seconds = time.perf_counter() - began
        row(f"exported: {days} days of {rooms} rooms by 5 minutes", seconds, "s", f"{size_mb(lake):,.1f} MB")
        for name, settings in SETTINGS.items():
            question = Question(BEGIN, end, settings, buildings)
            same = estimated(connection, loaded.site, question).rows == over(lake, config, question).rows
            print(f"  {name}: store and files say {'the same' if same else 'DIFFERENT THINGS'}", flush=True)


def of_a_district(folder: Path, buildings: int, days: int) -> None:
    """Make a district's minutes, and ask what would have been."""
    names = [f"school-{number:03d}" for number in range(1, buildings + 1)]
    text = 'timezone = "America/Los_Angeles"\n[calendar]\nstudent_hours = "08:30-15:15"\n'
    for name in names:
        text += f'[[buildings]]\nid = "{name}"\n'
        text += "".join(f'[[buildings.rooms]]\nid = "{room}"\n' for room in range(1, ROOMS + 1))
    (folder / "site.toml").write_text(text)
    config = folder / "safetyd.toml"
    config.write_text('site = ["site.toml"]\n')
    site, end = load(config, {}).site, BEGIN + days * DAY
    lake, began = folder / "lake", time.perf_counter()
    with opened(lake) as duck:
        for number, name in enumerate(names):
            for month in months_between(BEGIN, end, site.timezone):
                make(duck, lake, Partition(name, month), number, site, end)
    rows = buildings * ROOMS * days * 1440
    seconds, megabytes = time.perf_counter() - began, size_mb(lake)
    each = megabytes * 1e6 / rows
    told = f"{rows / 1e6:,.0f} million minutes, {megabytes / 1e3:,.2f} GB, {each:.1f} bytes each"
    row(f"made: {days} days of {buildings * ROOMS:,} rooms", seconds, "s", told)
    for name, settings in SETTINGS.items():
        question = Question(BEGIN, end, settings, tuple(names))
        timed(f"{OVER.split(',')[0]}: {name}", lambda question=question: over(lake, config, question))


def make(duck: Duck, lake: Path, partition: Partition, building: int, site: Site, end: datetime) -> None:
    """Write a building's month of minutes, in which nobody did anything."""
    begin, until = month_span(partition.month, site.timezone)
    begin, until = max(begin, BEGIN), min(until, end)
    partition.file(lake, BUCKETS).parent.mkdir(parents=True)
    query = MINUTES
    for name, value in {
        "$building": building,
        "$begin": micros(begin),
        "$minutes": (until - begin) // timedelta(minutes=1),
        "$day": (begin - datetime(2025, 1, 1, tzinfo=UTC)) / DAY,
    }.items():
        query = query.replace(name, f"{value}")
    copy(duck, query, partition.file(lake, BUCKETS), until)
    for name in (DEEDS, EPISODES):
        write(duck, partition.file(lake, name), [], until)


def timed(name: str, ask: Callable[[], Answer]) -> None:
    """Print how long an answer takes, and what it is, so that it can be seen to be no idle one."""
    began, used = time.perf_counter(), cpu()
    total = ask().total
    seconds, used = time.perf_counter() - began, cpu() - used
    hours = [side.breach / 3.6e9 for side in (total.in_force, total.proposed)]
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    told = f"{total.in_force.tickets:,} and {total.proposed.tickets:,} tickets"
    row(
        name,
        seconds,
        "s",
        f"(CPU {used:.0f} s, largest process so far {most:,.0f} MB) {told},"
        f" {hours[0]:,.0f} and {hours[1]:,.0f} room-hours in breach",
    )


def cpu() -> float:
    """Return the processor time of this process and of those that have ended."""
    return sum(os.times()[:4])


def size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*.parquet")) / 1e6


if __name__ == "__main__":
    sys.exit(main())
