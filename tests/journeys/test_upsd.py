"""A real upsd tells of an outage at once, and while it or its driver is away nothing is known."""

import json
import select
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from safetyd.clock import now
from safetyd.ingest.upsd import Upsd
from tests.journeys.nut import Nut
from tests.journeys.servers import LOOK_AGAIN, LOOPBACK, WITHIN

pytestmark = pytest.mark.journey

EVERY = timedelta(seconds=1)


class Watcher:
    """The daemon's loop, as far as a UPS is concerned, and what it has been told."""

    def __init__(self, port: int, name: str = "closet") -> None:
        self.upsd = Upsd(LOOPBACK, port, name, EVERY, now, topic="safetyd/power/lincoln/ups-closet")
        self.told: list[dict[str, object]] = []

    def turn(self) -> None:
        at = now()
        for message in self.upsd.tend(at):
            self.told.append(json.loads(message.payload))
        connected = self.upsd.socket()
        readers = [connected] if connected is not None else []
        writers = readers if self.upsd.wants_to_write else []
        pause = (self.upsd.next_at - at).total_seconds()
        select.select(readers, writers, [], min(max(pause, 0.0), 0.25) if readers else LOOK_AGAIN)

    def until(self, promise: str, look: Callable[[], object]) -> float:
        """Run until a promise is kept and return after how many seconds; fail naming it if it never is."""
        began = time.monotonic()
        while not look():
            assert time.monotonic() < began + WITHIN, f"not within {WITHIN:.0f} s: {promise}, {self.__dict__}"
            self.turn()
        return time.monotonic() - began

    def until_told(self, **expected: object) -> float:
        self.told.clear()
        return self.until(f"told {expected}", lambda: expected in self.told)

    def until_fault(self, words: str) -> None:
        """Run until it is said why nothing is known, and see that meanwhile nothing is said to be known."""
        self.told.clear()
        self.until(f"a fault says {words!r}", lambda: words in self.upsd.fault)
        for _ in range(8):
            self.turn()
        assert self.told == []


@pytest.fixture
def nut(tmp_path: Path) -> Iterator[Nut]:
    made = Nut(tmp_path)
    made.says("OL CHRG", input_voltage="118.6", battery_charge="91", output_voltage="120.0")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def watcher(nut: Nut) -> Iterator[Watcher]:
    made = Watcher(nut.port)
    made.until_told(mains=True, voltage=118.6, battery=91)
    yield made
    made.upsd.close()


def test_an_outage_and_its_end_are_told(nut: Nut, watcher: Watcher) -> None:
    nut.says("OB DISCHRG", input_voltage="0.0", battery_charge="90", output_voltage="120.0")
    took = watcher.until_told(mains=False, voltage=0, battery=90)
    print(f"the outage was told after {took:.2f} s")
    assert not watcher.upsd.is_dying

    nut.says("FSD OB LB", battery_charge="6")
    watcher.until("the UPS is dying", lambda: watcher.upsd.is_dying)

    nut.says("OL CHRG LB", input_voltage="0", battery_charge="7")
    watcher.until_told(mains=True, battery=7)
    assert not watcher.upsd.is_dying and not watcher.upsd.fault


def test_without_its_driver_nothing_is_known(nut: Nut, watcher: Watcher) -> None:
    nut.kill_driver()
    watcher.until_fault("Driver not connected")
    nut.start_driver()
    watcher.until_told(mains=True, voltage=118.6, battery=91)
    assert not watcher.upsd.fault


def test_with_a_driver_that_hangs_nothing_is_known(nut: Nut, watcher: Watcher) -> None:
    nut.freeze_driver()
    watcher.until_fault("Data stale")


def test_without_upsd_nothing_is_known(nut: Nut, watcher: Watcher) -> None:
    nut.kill_upsd()
    watcher.until_fault(f"upsd does not answer at {LOOPBACK}:{nut.port}")
    nut.start_upsd()
    watcher.until_told(mains=True, voltage=118.6, battery=91)
    assert not watcher.upsd.fault


def test_a_ups_of_another_name_is_told_by_its_own(nut: Nut) -> None:
    lost = Watcher(nut.port, "closte")
    lost.until_fault("UPS closte is unknown to upsd; known: closet")
    lost.upsd.close()
