"""How soon a year of a room, or a day of a school, is on the screen, and what keeping it costs.

Rule: nothing here asserts. The store is made by bulk SQL as the daemon would have filled it (readings of
every minute, the roll-ups of a quiet year), lies on this machine's disk, and is deleted afterwards. What the
follower costs is measured with the real one, beside storing the same readings.
"""

import argparse
import resource
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from safetyd.core.model import Observation, Place, Sensor
from safetyd.core.tally import WIDTH, Known, Measure
from safetyd.history.buckets import edges
from safetyd.history.queries import History, Question
from safetyd.history.rollups import Rollups
from safetyd.setting_mqtt import Mqtt
from safetyd.settings import Settings, Store
from safetyd.site import Site, read_site
from safetyd.store import readings, rollups
from safetyd.store.database import Connection, open_for_reading, open_for_writing
from safetyd.store.readings import KnownSensor
from safetyd.store.rollups import HOUR, Level, Progress

DAY = timedelta(days=1)
ZONE = ZoneInfo("America/Los_Angeles")
END = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)  # midnight there
MINUTE_MICROS = 60_000_000
BYTES_A_MINUTE = 150  # of a room: its readings and their share of the roll-ups
FRESH_MINUTES = 6 * 60


def main() -> int:
    """Make the store, ask it, and print the table."""
    parser = argparse.ArgumentParser(description="Measure the history on this machine.")
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="40 days of 60 rooms")
    parser.add_argument("--folder", type=Path, default=Path("var"), help="where the store is made")
    asked = parser.parse_args()
    days, rooms = (40, 60) if asked.quick else (asked.days, asked.rooms)
    asked.folder.mkdir(parents=True, exist_ok=True)
    needed, free = days * 1440 * rooms * BYTES_A_MINUTE, shutil.disk_usage(asked.folder).free
    if needed > free * 0.8:
        print(f"{needed / 1e9:.0f} GB are needed and {free / 1e9:.0f} GB are free: --quick", file=sys.stderr)
        return 1
    with TemporaryDirectory(dir=asked.folder, prefix="bench-history-") as name:
        folder = Path(name)
        site = made_site(folder, rooms)
        follower(folder, site, rooms)
        stored(folder, site, rooms, days)
    return 0


def row(name: str, value: float, unit: str, aim: str = "") -> None:
    """Print one line of the table."""
    print(f"{name:<58}{value:>10,.1f} {unit:<22}{aim}".rstrip(), flush=True)


def made_site(folder: Path, rooms: int) -> Site:
    """Return a site of one building with class from 8:30 to 15:15."""
    text = 'timezone = "America/Los_Angeles"\n[calendar]\nstudent_hours = "08:30-15:15"\n'
    text += '[[buildings]]\nid = "maple"\n'
    text += "".join(f'[[buildings.rooms]]\nid = "{number}"\n' for number in range(1, rooms + 1))
    (folder / "site.toml").write_text(text)
    found = read_site([folder / "site.toml"], {}, [])
    assert found is not None
    return found


def sensors(rooms: int) -> list[Sensor]:
    """Return one sensor a room."""
    return [Sensor(Place("maple", str(number)), "a") for number in range(1, rooms + 1)]


def opened(folder: Path, name: str, rooms: int) -> tuple[str, Connection]:
    """Return a new store's URL and the writer's connection to it."""
    url = f"sqlite:///{folder.absolute()}/{name}.db"
    writer = open_for_writing(url)
    known = [KnownSensor(number, each, "t", "native") for number, each in enumerate(sensors(rooms), 1)]
    readings.add_sensors(writer, known)
    writer.commit()
    return url, writer


# What the follower costs.


class Cost:
    """Processor seconds and bytes written, summed over spans of one kind."""

    def __init__(self) -> None:
        self.seconds = self.bytes = self.longest = 0.0

    @contextmanager
    def span(self) -> Iterator[None]:
        began, wrote = cpu(), written()
        yield
        self.seconds += cpu() - began
        self.longest = max(self.longest, cpu() - began)
        self.bytes += written() - wrote


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def follower(folder: Path, site: Site, rooms: int) -> None:
    """Store some hours of readings, a commit each second, with the real follower behind them."""
    url, writer = opened(folder, "follower", rooms)
    reader = open_for_reading(url)

    @contextmanager
    def writing() -> Iterator[Connection]:
        yield writer

    settings = Settings.model_construct(mqtt=Mqtt(), store=Store())
    behind = Rollups(reader, writing, lambda: site, settings)
    storing, following, here = Cost(), Cost(), sensors(rooms)
    count = 0
    for minute in range(FRESH_MINUTES):
        for second in range(60):
            spoke = here[second::60]
            at = END + minute * WIDTH / 5 + timedelta(seconds=second)
            said = [
                Observation(each, at, at, temperature_f=70 + minute % 7 / 10, humidity=40.0) for each in spoke
            ]
            with storing.span():
                for each in said:
                    readings.append(writer, readings.rows(here.index(each.sensor) + 1, each, ()))
                writer.commit()
            count += 2 * len(said)
            with following.span():
                behind.tend(at)
    reader.close()
    writer.close()
    thousands = count / 1000
    row("storing 1,000 readings, a commit a second", storing.seconds / thousands * 1000, "ms of CPU")
    row("rolling them up", following.seconds / thousands * 1000, "ms of CPU")
    row("  relative to storing them", following.seconds / storing.seconds * 100, "%")
    row("  longest piece between two turns of the loop", following.longest * 1000, "ms of CPU")
    row("written for storing 1,000 readings", storing.bytes / thousands / 1000, "kB")
    row("written for rolling them up", following.bytes / thousands / 1000, "kB")


# What a full store answers.


def stored(folder: Path, site: Site, rooms: int, days: int) -> None:
    """Make the store of many days and ask it."""
    url = filled(folder, "history", site, rooms, days)
    year = min(365, days - 1) * DAY

    def a_year() -> int:
        room = Place("maple", str(rooms // 2))
        return len(ask(url, site, [Question(room, Measure.TEMPERATURE, END - year, END)]))

    def a_day() -> int:
        some = [each.place for each in sensors(min(60, rooms))]
        return len(
            ask(
                url, site, [Question(each, Measure.TEMPERATURE, END - DAY, END, every=WIDTH) for each in some]
            )
        )

    timed(f"one room, {year.days} days", a_year, "aim 100 ms")
    timed(f"{min(60, rooms)} rooms, one day by 5 minutes", a_day, "aim 150 ms")


def filled(folder: Path, name: str, site: Site, rooms: int, days: int) -> str:
    """Make a store of many days, say what it took, and return its URL."""
    url, writer = opened(folder, name, rooms)
    file = Path(url.removeprefix("sqlite:///"))
    writer.close()
    began = time.perf_counter()
    with closing(sqlite3.connect(file, isolation_level=None)) as bulk:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"):
            bulk.execute(f"PRAGMA {pragma}")
        fill_readings(bulk, rooms, days)
        raw = file.stat().st_size
        fill_rollups(bulk, site, rooms, days)
    begin = END - days * DAY
    with closing(open_for_writing(url)) as writer:
        for number, each in enumerate(sensors(rooms), 1):
            rollups.put_place(writer, rollups.RolledPlace(number, each.place, begin))
        state = rollups.State(END, True, Known())
        rollups.put_states(writer, END, dict.fromkeys(range(1, rooms + 1), state))
        rollups.put_progress(writer, Progress(END, readings.last_id(writer)))
        writer.commit()
        count = readings.last_id(writer)
    made = f"made: {days} days of {rooms} rooms, {count / 2e6:.1f} million readings a quantity"
    row(made, time.perf_counter() - began, "s")
    room_years = rooms * days / 365
    row("disk for a room and year: readings", raw / 1e6 / room_years, "MB")
    row("disk for a room and year: roll-ups", (file.stat().st_size - raw) / 1e6 / room_years, "MB")
    return url


def ask(url: str, site: Site, questions: list[Question]) -> list[object]:
    with closing(open_for_reading(url)) as connection:
        history = History(connection, site, "safetyd", END)
        return [point for each in questions for point in history.ask(each).points]


def timed(name: str, measure: Callable[[], int], aim: str) -> None:
    """Print the first time, with the pages of this file not yet read by this process, and the median."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        points = measure()
        times.append((time.perf_counter() - began) * 1000)
    row(
        f"{name}: {points:,} points and coverage", statistics.median(times), f"ms (first {times[0]:.0f})", aim
    )


def fill_readings(bulk: sqlite3.Connection, rooms: int, days: int) -> None:
    """Write temperature and humidity of every room, each minute, in order of arrival."""
    numbers(bulk, "room", 1, rooms)
    numbers(bulk, "minute", 0, 1439)
    for day in range(days):
        since = int((END - (days - day) * DAY).timestamp()) * 1_000_000
        bulk.execute("BEGIN")
        bulk.execute(
            "INSERT INTO reading (sensor, quantity, observed_at, delay, value, mark)"
            " SELECT room.n, kept.column1, ?1 + minute.n * ?2, 350000,"
            "  CASE kept.column1 WHEN 1 THEN 66.0 + (minute.n % 97) / 10.0"
            "  ELSE 38.0 + (minute.n % 53) / 10.0 END, 0"
            " FROM minute CROSS JOIN room CROSS JOIN (VALUES (1), (3)) AS kept",
            (since, MINUTE_MICROS),
        )
        bulk.execute("COMMIT")


def fill_rollups(bulk: sqlite3.Connection, site: Site, rooms: int, days: int) -> None:
    """Write the buckets of three measures and of the accounts, as the follower lays them down."""
    begin = END - days * DAY
    for level in Level:
        width = {Level.FIVE_MINUTES: WIDTH, Level.HOUR: HOUR, Level.DAY: DAY}[level]
        per = int(width / timedelta(minutes=1))
        starts = ((int(start.timestamp()) // 60,) for start, _ in edges(level, begin, END, site.timezone))
        bulk.execute("CREATE TEMP TABLE start (n INTEGER PRIMARY KEY)")
        bulk.execute("BEGIN")
        bulk.executemany("INSERT INTO start VALUES (?)", starts)
        bulk.execute(
            "INSERT INTO roll_up SELECT ?1, start.n, room.n, m.column1, ?2, 66.0, 75.6, 70.8 * ?2"
            " FROM start CROSS JOIN room CROSS JOIN (VALUES (0), (1), (2)) AS m",
            (int(level), per),
        )
        bulk.execute(
            "INSERT INTO roll_up_time SELECT ?1, start.n, room.n, 0, 0, 0, 0, 0, 0, NULL, NULL"
            " FROM start CROSS JOIN room",
            (int(level),),
        )
        bulk.execute("COMMIT")
        bulk.execute("DROP TABLE start")


def numbers(bulk: sqlite3.Connection, name: str, first: int, last: int) -> None:
    bulk.execute(f"CREATE TEMP TABLE {name} (n INTEGER PRIMARY KEY)")
    bulk.execute("BEGIN")
    bulk.executemany(f"INSERT INTO {name} VALUES (?)", ((each,) for each in range(first, last + 1)))
    bulk.execute("COMMIT")


if __name__ == "__main__":
    sys.exit(main())
