"""The real daemon takes the head outside: to a program that fails first, and to a real authority."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.authority import Authority, Outside
from tests.everything import DAY, Record
from tests.journeys.servers import Broker, Client, House, Site, until

pytestmark = pytest.mark.journey


@pytest.fixture
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.stop()


def noon() -> str:
    """A time zone in which it is now between twelve and one."""
    west = datetime.now(UTC).hour - 12
    return f"Etc/GMT{west:+d}"


def since_the_day_before_yesterday(house: House, folder: Path) -> None:
    """Let the house have a record that began then."""
    folder.mkdir()
    record = Record(folder, datetime.now(UTC) - 2 * DAY)
    record.hear("12", record.now, temperature_f=57.0, humidity=40)
    record.end()
    with closing(sqlite3.connect(record.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    house.store.parent.mkdir()
    shutil.copy(record.file, house.store)


def test_the_days_head_is_taken_outside_by_the_daemon_and_verified_there(
    broker: Broker,
    client: Client,
    house: Callable[..., House],
    outside: Outside,
    tmp_path: Path,
) -> None:
    authority, busy = Authority(tmp_path / "authority"), iter([503, 503])
    outside.answers["/head"] = lambda _: (next(busy, 200), b"")
    outside.answers["/tsa"] = lambda asked: (200, authority.stamp(asked))
    audit = f"""
[audit]
head_url = "{outside.url("/head")}"
timestamp_url = "{outside.url("/tsa")}"
timestamp_ca_file = "{authority.root}"
"""
    ours = house(broker, Site(timezone=noon()), audit)
    since_the_day_before_yesterday(ours, tmp_path / "before")
    ours.start(client)
    until("the head is taken", lambda: len(outside.at("/head")) == 3)
    done = "SELECT way FROM anchor WHERE state = 'done' ORDER BY way"
    until("both are on record", lambda: ours.rows(done) == [("stamp",), ("url",)])
    assert len({each.body for each in outside.at("/head")}) == 1, "what is repeated is the same text"
    said = json.loads(outside.at("/head")[0].body)
    line = f"{said['hash']}@{said['number']}"
    found = ours.run("audit", "verify", "--head", line)
    assert found.code == 0, found.out
    assert "Stamps of an authority: 1, each of a row that the chain still has." in found.out
    assert ours.run("audit", "head", "--stamp", str(tmp_path / "head.tsr")).code == 0
    assert authority.agrees(tmp_path / "head.tsr", said["hash"])
    assert ours.stop() == 0
