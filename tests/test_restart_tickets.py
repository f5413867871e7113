"""The promise: neither a restart nor a reload of the site file nor a late word loses what people are owed."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest

from safetyd.core.units import JUST_AFTER
from safetyd.ingest.message import Message
from safetyd.objects import notice_object
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store import outbox
from safetyd.store.database import open_for_writing
from tests.stores import store_url

ZONE = ZoneInfo("America/Los_Angeles")
SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{ id = "12" }, { id = "lab" }]
[[people]]
name = "Dora"
roles = ["district"]
[[people]]
name = "Finn"
roles = ["facilities"]
"""
HOLD = """
[[rules]]
outside_work_hours = "hold"
[calendar]
work_year = [2026-08-25, 2027-06-11]
work_hours = "07:45-16:30"
"""
STEP = """
[[plan]]
steps = [{ after = "4h", to = ["district"], unless = "acknowledged" }]
"""
COLD, MILD = {"temperature_f": 57.2}, {"temperature_f": 68.0}


class Days:
    """A daemon without threads: its clock is the story's, and it may be killed or given another site file."""

    def __init__(self, folder: Path, text: str, at: str) -> None:
        self._folder = folder
        self._url = store_url(folder)
        self.now = moment(at)
        self._begin(text)

    def _begin(self, text: str) -> None:
        self._text = text
        self._connection = open_for_writing(self._url)
        self.service = Service(self._connection, self._site(), "safetyd", self.now)
        self.service.commit(self.now)

    def _site(self) -> Site:
        file = self._folder / "site.toml"
        file.write_text(SITE + self._text, encoding="utf-8")
        faults: list[Any] = []
        found = read_site([file], {}, faults)
        assert found is not None and not faults, faults
        return found

    def until(self, at: str | datetime) -> Self:
        """Let every due moment have its turn."""
        end = moment(at) if isinstance(at, str) else at
        while (due := self.service.world.next_due()) is not None and due <= end:
            self.service.elapse(due)
            self.service.commit(due)
        self.now = end
        return self

    def hear(self, at: str, room: str = "12", observed: str = "", **said: float) -> Self:
        self.until(moment(at) - JUST_AFTER)
        self.now = moment(at)
        stamp = {"ts": moment(observed).isoformat()} if observed else {}
        payload = json.dumps({"humidity": 40.0, **said, **stamp}).encode()
        self.service.take(Message(self.now, f"safetyd/readings/maple/{room}", payload))
        self.service.commit(self.now)
        return self

    def keeps(self, since: str, until: str, every: int = 10, **said: float) -> Self:
        """Hear the same, with a little noise, every few minutes."""
        at, wobble = moment(since), 0
        while at <= moment(until):
            wobble = (wobble + 1) % 3
            noisy = {name: value - wobble / 10 for name, value in said.items()}
            self.hear(f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}", **noisy)
            at += timedelta(minutes=every)
        return self

    def does(self, at: str, **said: Any) -> Self:
        self.until(moment(at) - JUST_AFTER)
        self.now = moment(at)
        self.service.command(said, self.now)
        self.service.commit(self.now)
        return self

    def restart(self, at: str) -> Self:
        self.until(at)
        self.end()
        self._begin(self._text)
        return self

    def reload(self, at: str, text: str) -> Self:
        self.until(at)
        self._text = text
        self.service.take_site(self._site(), self.now)
        self.service.commit(self.now)
        return self

    def end(self) -> None:
        self._connection.close()

    def told(self, *reasons: str) -> list[tuple[str, str, list[str]]]:
        """When, why and who, of these reasons."""
        found = [notice_object(notice) for notice in outbox.notices(self._connection)]
        self._connection.rollback()
        return [
            (f"{datetime.fromisoformat(each['at']).astimezone(ZONE):%d %H:%M}", each["reason"], each["to"])
            for each in found
            if each["reason"] in reasons
        ]

    def tickets(self) -> list[tuple[str, str]]:
        world = self.service.world
        return [(id, f"{each.began_at.astimezone(ZONE):%d %H:%M}") for id, each in world.tickets.items()]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Callable[[str, str], Days]]:
    made: list[Days] = []

    def begin(text: str, at: str) -> Days:
        made.append(Days(tmp_path, text, at))
        return made[-1]

    yield begin
    for each in made:
        each.end()


Begin = Callable[[str, str], Days]
FIRST = "maple-2026-0001"


# Steps and reminders


@pytest.mark.parametrize("restarts", [False, True])
def test_a_step_that_relief_made_needless_is_taken_if_the_breach_is_back_restart_or_not(
    days: Begin, restarts: bool
) -> None:
    one = days(STEP, "2026-12-01 08:00").hear("2026-12-01 08:05", **COLD)
    one.does("2026-12-01 08:30", do="relieve", ticket=FIRST, by="Finn", tier="mitigation")
    one.keeps("2026-12-01 08:31", "2026-12-01 09:15", **MILD)
    if restarts:
        one.restart("2026-12-01 09:16")
    one.hear("2026-12-01 09:20", **COLD).until("2026-12-01 13:00")
    assert one.told("escalated") == [("01 12:05", "escalated", ["Dora"])]


def test_a_step_that_a_reload_brings_is_taken_at_its_time(days: Begin) -> None:
    one = days("", "2026-12-01 08:00").hear("2026-12-01 08:05", **COLD)
    one.reload("2026-12-01 09:05", STEP).until("2026-12-01 13:00")
    assert one.told("escalated") == [("01 12:05", "escalated", ["Dora"])]


def test_a_reminder_that_a_reload_brings_comes_at_its_time(days: Begin) -> None:
    one = days("", "2026-12-01 08:00").hear("2026-12-01 08:00", **COLD)
    one.reload("2026-12-01 09:05", "[[rules]]\nremind = { at = [0.25] }\n").until("2026-12-01 18:00")
    assert one.told("reminder") == [("01 14:00", "reminder", ["Finn"])]


# On hold


def cold_evening(one: Days) -> Days:
    """An episode of ten minutes, over by half past ten; then it is merely cool."""
    one.hear("2026-12-01 22:00", **COLD).keeps("2026-12-01 22:10", "2026-12-01 22:40", 5, temperature_f=62.0)
    return one


def test_two_episodes_that_turn_out_to_be_one_are_one_after_a_restart_too(days: Begin) -> None:
    one = cold_evening(days(HOLD, "2026-12-01 21:00"))
    one.hear("2026-12-01 22:45", temperature_f=60.5).keeps(
        "2026-12-01 23:00", "2026-12-02 01:00", 15, temperature_f=60.6
    )
    one.hear("2026-12-02 01:10", temperature_f=58.0).hear(
        "2026-12-02 01:20", observed="2026-12-01 22:20", **COLD
    )
    one.restart("2026-12-02 01:30").until("2026-12-02 08:00")
    assert one.tickets() == [(FIRST, "02 07:45")]


def test_a_breach_that_was_let_go_and_turns_out_to_go_on_has_its_ticket(days: Begin) -> None:
    one = cold_evening(days(HOLD, "2026-12-01 21:00"))
    one.keeps("2026-12-01 22:50", "2026-12-02 08:00", temperature_f=60.5)
    assert one.tickets() == []
    one.hear("2026-12-02 08:05", "12/second", observed="2026-12-01 22:20", **COLD)
    one.keeps("2026-12-02 08:10", "2026-12-02 09:00", temperature_f=50.0)
    assert one.tickets() == [(FIRST, "02 07:45")]
    assert one.told("opened") == [("02 08:05", "opened", ["Finn"])]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_step_that_was_not_needed_is_taken_when_the_ticket_is_open_again_restarted_or_not(
    tmp_path: Path, is_restarted: bool
) -> None:
    days = Days(tmp_path, STEP, "2026-12-01 08:00")
    days.keeps("2026-12-01 08:05", "2026-12-01 09:00", temperature_f=59.0)
    relief = {"do": "relieve", "ticket": "maple-2026-0001", "tier": "mitigation", "kind": "fans_or_heaters"}
    days.does("2026-12-01 09:05", by="Finn", **relief)
    days.keeps("2026-12-01 09:10", "2026-12-01 10:00", temperature_f=63.0)
    if is_restarted:
        days.restart("2026-12-01 10:01")
    days.keeps("2026-12-01 10:10", "2026-12-01 12:30", temperature_f=63.0)
    days.keeps("2026-12-01 12:40", "2026-12-01 13:30", temperature_f=59.0).until("2026-12-01 20:00")
    assert [at for at, *_ in days.told("escalated")] == ["01 12:40"]
    days.end()
