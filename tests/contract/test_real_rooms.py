"""Whole weeks of real rooms: whatever the chatter, one obligation is one ticket."""

import csv
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from safetyd.core.calendar import Calendar
from safetyd.core.rules import RuleBook
from safetyd.ingest.message import Message
from safetyd.replay import Line, replay
from safetyd.site import Building, Room, Site

ZONE = ZoneInfo("America/New_York")
SITE = Site(
    "Old Mill",
    ZONE,
    RuleBook(timezone=ZONE),
    Calendar(ZONE),
    (Building("mill", "Old Mill", (Room("3", "3"),)),),
)
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
BEGIN = datetime(2026, 7, 1, 4, tzinfo=UTC)


def line(at: datetime, temp_f: float, humidity: float) -> Line:
    said = {"temperature_f": temp_f, "humidity": humidity, "ts": at.isoformat()}
    return Line(at, Message(at, "safetyd/readings/mill/3", json.dumps(said).encode()), None)


def chattering_week() -> Iterator[Line]:
    """A hot room each 75 s for a week: cool at night, and in the evening minutes around the limit itself."""
    for number in range(7 * 24 * 48):
        at = BEGIN + number * timedelta(seconds=75)
        swing = math.sin((number % 1152) / 1152 * 2 * math.pi - math.pi / 2)
        chatter = 0.4 if number % 2 else -0.4
        yield line(at, round(84 + 5 * swing + chatter, 1), 50.0)


def recorded(file: str) -> Iterator[Line]:
    """A real room; its clock wrote local time as if it were UTC, four hours off."""
    with (SHARED / file).open(encoding="utf-8") as opened:
        rows = sorted(csv.DictReader(opened), key=lambda row: int(row["rtc_epoch"]))
    for row in rows:
        at = datetime.fromtimestamp(int(row["rtc_epoch"]), UTC) + timedelta(hours=4)
        yield line(at, float(row["temp_f"]), float(row["rh_pct"]))


def test_a_week_of_chatter_is_one_open_ticket() -> None:
    told = replay(chattering_week(), SITE)
    (ticket,) = told["tickets"]
    assert (ticket["condition"], ticket["status"]) == ("heat", "open")
    assert 5 <= len(ticket["episodes"]) <= 8, "one a hot day, however often the limit is crossed"


FILES = ("codered_BC04_2019-06-30_week.csv", "codered_BC52_full_irregular.csv")
WEEKS = {"made here": chattering_week} | {
    file: partial(recorded, file) for file in FILES if (SHARED / file).exists()
}


@pytest.mark.parametrize("week", WEEKS.values(), ids=WEEKS)
def test_a_hot_room_is_one_open_ticket(week: Callable[[], Iterator[Line]]) -> None:
    told = replay(week(), SITE)
    assert [ticket["status"] for ticket in told["tickets"]] == ["open"]
    assert told["rejected"] == []
    (room,) = told["rooms"]
    assert room["breach_s"] > 0
