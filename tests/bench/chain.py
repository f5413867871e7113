"""What the chain costs: where readings are stored, where a decision is, and to verify it.

Rule: nothing here asserts. The same messages go through the real service into a store on this machine's disk,
in turns with and without the chain; what is told is the median of the pairs, in processor time.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event

from safetyd.core.model import Role
from safetyd.core.plan import Reason
from safetyd.core.world import Notice
from safetyd.history.daily import digest_days
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store import attempts, chain, outbox, readings
from safetyd.store.attempts import Result
from safetyd.store.database import Connection, open_for_writing
from safetyd.store.outbox import Letter

BEGIN = datetime(2026, 12, 1, 8, tzinfo=UTC)  # midnight there
ROOMS, ROUNDS, COLD_ROUNDS = 100, 120, 40
MINUTE = timedelta(minutes=1)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Measure what the chain costs on this machine.")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("var"), help="where the stores are made")
    grown = "how many notices are in the stores that are verified"
    parser.add_argument("--notices", type=int, nargs="*", default=[2_000, 16_000], help=grown)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=asked.folder, prefix="bench-chain-") as name:
        folder = Path(name)
        site = made_site(folder)
        for what, rounds, temperature in (
            ("readings, a commit for 100 rooms", ROUNDS, lambda number: 68.0),
            (
                "the same, where each is a breach or its end",
                COLD_ROUNDS,
                lambda number: 55.0 + 10 * (number % 2),
            ),
        ):
            told(what, folder, site, rounds, temperature, asked.pairs)
        read_again(folder, site)
        verified(folder, site, asked.notices)
    return 0


def told(
    what: str, folder: Path, site: Site, rounds: int, temperature: Callable[[int], float], pairs: int
) -> None:
    """Print what one kind of day costs without the chain and with it."""
    found = []
    for _ in range(pairs):
        plain = stored(folder / "plain.db", site, rounds, temperature, is_sealed=False)
        sealed = stored(folder / "sealed.db", site, rounds, temperature, is_sealed=True)
        found.append((plain, sealed))
    plain, sealed = (statistics.median(each) * 1e6 / rounds / ROOMS for each in zip(*found, strict=True))
    more = statistics.median(sealed / plain for plain, sealed in found) - 1
    print(f"{what:<48}{plain:>8.1f} µs a message, {sealed:.1f} with the chain: {more:+.1%}", flush=True)


def made_site(folder: Path) -> Site:
    """Return a site of one building."""
    text = 'timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\n'
    text += "".join(f'[[buildings.rooms]]\nid = "{number}"\n' for number in range(ROOMS))
    (folder / "site.toml").write_text(text)
    found = read_site([folder / "site.toml"], {}, [])
    assert found is not None
    return found


def stored(
    file: Path, site: Site, rounds: int, temperature: Callable[[int], float], *, is_sealed: bool
) -> float:
    """Return the processor time that it takes to judge and store, a minute's messages a commit."""
    for left in file.parent.glob(f"{file.name}*"):
        left.unlink()
    with closing(open_for_writing(f"sqlite:///{file}")) as connection:
        if not is_sealed:
            event.remove(connection.engine, "commit", chain._seal)
        service = Service(connection, site, "safetyd", BEGIN)
        began = time.process_time()
        for number in range(rounds):
            at = BEGIN + number * MINUTE
            payload = json.dumps({"temperature_f": temperature(number), "humidity": 40.5}).encode()
            for room in range(ROOMS):
                service.take(Message(at, f"safetyd/readings/maple/{room}", payload))
            service.commit(at)
        return time.process_time() - began


def read_again(folder: Path, site: Site) -> None:
    """Print what the digests of what was stored cost, and how long it takes to verify."""
    file = folder / "digested.db"
    storing = stored(file, site, ROUNDS, lambda number: 68.0, is_sealed=True)
    with closing(open_for_writing(f"sqlite:///{file}")) as connection:
        count = readings.last_id(connection)
        began = time.process_time()
        for _ in digest_days(
            connection, lambda: nullcontext(connection), site.timezone, BEGIN + 30 * 60 * MINUTE
        ):
            pass
        digesting = time.process_time() - began
        connection.commit()
        share = digesting / storing
        each = digesting * 1e6 / count
        print(f"{'digest of the day, a reading':<48}{each:>8.1f} µs: {share:+.1%} of storing it")


def verified(folder: Path, site: Site, sizes: Sequence[int]) -> None:
    """Print how fast stores of growing sizes are verified, and how much memory a process takes for that."""
    for notices in sizes:
        file = folder / f"grown-{notices}.db"
        stored(file, site, notices // ROOMS, lambda number: 68.0, is_sealed=True)
        with closing(open_for_writing(f"sqlite:///{file}")) as connection:
            told_of(connection, notices)
            at = BEGIN + (notices // ROOMS + 30 * 60) * MINUTE
            for _ in digest_days(connection, lambda: nullcontext(connection), site.timezone, at):
                pass
            connection.commit()
        said = subprocess.run(
            [sys.executable, "-c", VERIFYING, str(file)], check=True, capture_output=True, text=True
        ).stdout.split()
        rows, heard, seconds, most, before = map(float, said)
        what = f"verifying {rows:,.0f} rows, {heard:,.0f} values"
        print(
            f"{what:<48}{seconds:>8.2f} s of processor time, {most:.0f} MB ({before:.0f} before)", flush=True
        )


def told_of(connection: Connection, notices: int) -> None:
    """Owe notices, each tried twice: as what a year leaves on record."""
    opened: Any = connection.connection.driver_connection
    opened.execute("PRAGMA synchronous = OFF")  # how long that takes is told by nobody
    for number in range(notices):
        owed = Notice(
            f"n{number}", BEGIN, "maple", Reason.OPENED, (Role.FACILITIES,), f"maple-2026-{number:04}"
        )
        outbox.add(connection, Letter(owed, ("Ada",), (("Ada", "f"),), "too cold", "57 °F since 08:05"))
        for result in (Result.FAILED, Result.ACCEPTED):
            attempts.end(connection, attempts.begin(connection, number + 1, BEGIN), result, BEGIN, "250 ok")
            connection.commit()


VERIFYING = """
import sys, time
from safetyd.store import readings
from safetyd.store.database import open_for_reading
from safetyd.store.verifying import verify
def megabytes():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
with open_for_reading(f"sqlite:///{sys.argv[1]}") as connection:
    before, began = megabytes(), time.process_time()
    found = verify(connection, (), lambda done, all: None)
    assert not found.faults, found.faults[:3]
    print(found.rows, readings.last_id(connection), time.process_time() - began, megabytes(), before)
"""


if __name__ == "__main__":
    sys.exit(main())
