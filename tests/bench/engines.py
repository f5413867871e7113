"""How many readings a second each engine stores: SQLite's file and a PostgreSQL, side by side.

Rule: nothing here asserts. Both are durable (synchronous FULL; fsync and synchronous_commit on), lie in the
same folder for temporary files, and take turns; of the rounds the middle one is told.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.store import readings
from safetyd.store.database import open_for_writing
from tests.bench.backlogs import made_site
from tests.postgres import postgres

NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
GRAIN = timedelta(milliseconds=5)
Measure = Callable[[str, Path, int], float]


def main() -> int:
    """Fill both and print the table."""
    parser = argparse.ArgumentParser(description="Measure SQLite and PostgreSQL on this machine.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=20_000, help="of each round")
    asked = parser.parse_args()
    measures: dict[str, tuple[Measure, int]] = {
        "rows a second, 1,000 a commit": (stored(1000), asked.messages * 5),
        "rows a second, 100 a commit": (stored(100), asked.messages),
        "rows a second, 10 a commit": (stored(10), asked.messages // 10),
        "messages a second, judged and stored, 1,000 a commit": (judged, asked.messages),
    }
    with TemporaryDirectory(prefix="safetyd-bench-") as name, postgres(is_durable=True) as server:
        folder = Path(name)
        print(f"{'':<54}{'SQLite':>10}{'PostgreSQL':>12}{'share':>8}")
        for words, (measure, number) in measures.items():
            found: dict[str, list[float]] = {"SQLite": [], "PostgreSQL": []}
            for turn in range(asked.rounds):
                file = f"sqlite:///{folder}/{len(words)}-{turn}.db"
                found["SQLite"].append(measure(file, folder, number))
                found["PostgreSQL"].append(measure(server.url(), folder, number))
            one, other = (median(each) for each in found.values())
            print(f"{words:<54}{one:>10,.0f}{other:>12,.0f}{other / one:>8.0%}", flush=True)
    return 0


def stored(a_commit: int) -> Measure:
    """Return what measures rows that are only stored."""

    def measure(url: str, _: Path, number: int) -> float:
        first = int(NOON.timestamp()) * 1_000_000
        made = [
            (at % 200, 1, first + at, 120_000, 70.0 + at % 7, 0, None, None, None, None, None)
            for at in range(number)
        ]
        with closing(open_for_writing(url)) as connection:
            began_at = time.perf_counter()
            for at in range(0, number, a_commit):
                readings.append(connection, made[at : at + a_commit])
                connection.commit()
            return number / (time.perf_counter() - began_at)

    return measure


def judged(url: str, folder: Path, number: int) -> float:
    """Return how many messages a second are taken in whole, by the service."""
    site = made_site(folder)
    with closing(open_for_writing(url)) as connection:
        service = Service(connection, site, "safetyd", NOON)
        said = json.dumps({"temperature_f": 70.5, "humidity": 40}).encode()
        began_at = time.perf_counter()
        at = NOON
        for count in range(number):
            at += GRAIN
            service.take(Message(at, f"safetyd/readings/maple/{count % 100}", said))
            if count % 1000 == 999:
                service.commit(at)
        service.commit(at)
        return number / (time.perf_counter() - began_at)


if __name__ == "__main__":
    sys.exit(main())
