"""However the daemon ends, what it has acknowledged is on record, once."""

from collections.abc import Callable
from random import Random

import pytest

from tests.faults.disk import Disk
from tests.faults.turmoil import Turmoil
from tests.journeys.servers import Broker, Client, House, Sink

pytestmark = pytest.mark.journey

Make = Callable[..., House]
Figure = Callable[[str], None]
Often = Callable[[int, int], int]


@pytest.mark.timeout(7200)
def test_killed_at_random_points(
    broker: Broker,
    client: Client,
    sink: Sink,
    house: Make,
    chance: Random,
    seed: int,
    figure: Figure,
    often: Often,
) -> None:
    """kill -9 loses no reading, loses and doubles no ticket and no line of history; each notice arrives."""
    kills = often(10, 500)
    school = Turmoil(house, broker, client, sink, chance)
    school.goes_on(kills, end=lambda: None)
    figure(f"{kills} kills, seed {seed}: {school.is_whole()}")


@pytest.mark.timeout(7200)
def test_power_cut_at_random_points(
    broker: Broker,
    client: Client,
    sink: Sink,
    house: Make,
    disk: Callable[[House], Disk],
    chance: Random,
    seed: int,
    figure: Figure,
    often: Often,
) -> None:
    """A power cut after which the disk has what was synced and any part of the rest loses nothing either."""
    cuts = often(10, 200)
    school = Turmoil(house, broker, client, sink, chance)
    below = disk(school.home)
    below.is_now("slow 0.03")  # as a memory card; the cut may come while it syncs
    taken_back: list[int] = []
    school.goes_on(cuts, end=lambda: taken_back.append(below.lose_power(chance)))
    figure(f"{cuts} cuts that took back {sum(taken_back)} writes, seed {seed}: {school.is_whole()}")
