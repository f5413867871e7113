"""How soon a backlog that comes late is judged and stored.

Rule: nothing here asserts. The store is filled by the service itself, lies on this machine's disk, and is
deleted afterwards; each backlog is taken into a copy of it, committed after ten messages if something was
decided, else after a thousand or a second, as the daemon does.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store.database import open_for_writing

ROOMS = 100
NOON = datetime(2026, 12, 1, 20, tzinfo=UTC)
MINUTE, GRAIN = timedelta(minutes=1), timedelta(milliseconds=1)
AWAY = 12 * 60  # minutes that the gateway was cut off
A_BATCH, MOST_WAITING = 10, 1000


def main() -> int:
    """Fill the stores, take in the backlogs and print the table."""
    parser = argparse.ArgumentParser(description="Measure late readings on this machine.")
    parser.add_argument("--minutes", type=int, default=4000, help="how long the rooms were heard before")
    parser.add_argument("--folder", type=Path, default=Path("var"), help="where the store is made")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=asked.folder, prefix="bench-backlogs-") as name:
        folder = Path(name)
        site = made_site(folder)
        filled(folder / "whole.db", site, asked.minutes, 0)
        filled(folder / "cut.db", site, asked.minutes, AWAY)
        print(f"{'readings that come late':<58}{'number':>8}{'s':>8}{'a second':>10}")
        taken("10 rooms, between what their sensors said since", folder / "whole.db", site, between("", 10))
        taken("10 rooms, from a second sensor", folder / "whole.db", site, between("/second", 10))
        taken("one room, 12 hours by minutes", folder / "cut.db", site, backlog(1))
        taken(f"{ROOMS} rooms, 12 hours by minutes", folder / "cut.db", site, backlog(ROOMS))
    return 0


def made_site(folder: Path) -> Site:
    """Return a site of one building."""
    rooms = "".join(f'[[buildings.rooms]]\nid = "{number}"\n' for number in range(ROOMS))
    text = f'timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\n{rooms}'
    (folder / "site.toml").write_text(text)
    found = read_site([folder / "site.toml"], {}, [])
    assert found is not None
    return found


def message(room: int, at: datetime, observed_at: datetime, temperature_f: float, sensor: str) -> Message:
    said = {"temperature_f": temperature_f, "humidity": 40, "ts": observed_at.isoformat()}
    return Message(at, f"safetyd/readings/maple/{room}{sensor}", json.dumps(said).encode())


def filled(path: Path, site: Site, minutes: int, away: int) -> None:
    """Make a store in which all rooms were heard each minute up to noon, or so many minutes before."""
    begin = NOON - minutes * MINUTE
    with closing(open_for_writing(f"sqlite:///{path.absolute()}")) as connection:
        service = Service(connection, site, "safetyd", begin)
        for minute in range(minutes - away):
            for room in range(ROOMS):
                at = begin + minute * MINUTE + room * GRAIN
                service.take(message(room, at, at, 70 + minute % 7 / 10, ""))
            service.commit(begin + minute * MINUTE + ROOMS * GRAIN)
        service.save_all(NOON)


def between(sensor: str, rooms: int) -> Iterator[Message]:
    """Yield what sensors said in the last hours, half a minute beside what is known."""
    at = NOON + MINUTE
    for minute in range(261, 1, -1):
        for room in range(rooms):
            at += GRAIN
            yield message(room, at, NOON - (minute - 0.5) * MINUTE, 70.2, sensor)


def backlog(rooms: int) -> Iterator[Message]:
    """Yield what is new, and then what was kept, in order; every tenth room was cold for some hours."""
    at = NOON + MINUTE
    for room in range(rooms):
        at += GRAIN
        yield message(room, at, at, 70.0, "")
    for minute in range(AWAY):
        for room in range(rooms):
            at += GRAIN
            is_cold = 200 <= minute < 400 and room % 10 == 0
            temperature_f = (57.0 if is_cold else 70.0) + minute % 7 / 10
            yield message(room, at, NOON - (AWAY - minute) * MINUTE, temperature_f, "")


def taken(name: str, filled_store: Path, site: Site, messages: Iterator[Message]) -> None:
    """Take messages into a copy of a store and print how long it took until all were stored."""
    path = filled_store.with_name("copy.db")
    shutil.copy(filled_store, path)
    said = list(messages)
    with closing(open_for_writing(f"sqlite:///{path.absolute()}")) as connection:
        service = Service(connection, site, "safetyd", NOON + MINUTE / 2)
        began = committed = time.perf_counter()
        waiting = 0
        for each in said:
            service.take(each)
            waiting += 1
            is_time = waiting >= MOST_WAITING or time.perf_counter() - committed > 1
            if is_time or (waiting >= A_BATCH and service.has_decision):
                service.commit(each.received_at)
                committed, waiting = time.perf_counter(), 0
        service.commit(said[-1].received_at)
        took = time.perf_counter() - began
    path.unlink()
    print(f"{name:<58}{len(said):>8,}{took:>8.1f}{len(said) / took:>10,.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
