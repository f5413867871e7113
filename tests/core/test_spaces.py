"""A class is sent only where the air is known to be in range."""

from datetime import timedelta

import pytest

from safetyd.core.model import Condition, Hazard, Place
from safetyd.core.obligation import raise_ticket
from safetyd.core.spaces import spaces
from tests.core.scene import LAB, MINUTE, ROOM, Scene, clock

NINE = clock("09:00")
GOOD = {"temperature_f": 70.0, "humidity": 40.0}


def offered(scene: Scene, after: timedelta = MINUTE) -> list[str | None]:
    scene.until(NINE + after)
    return [each.place.room for each in spaces(scene.world, scene.facts, "maple", NINE + after)]


def test_rooms_in_range_are_offered_the_most_pleasant_first() -> None:
    scene = Scene().says(NINE, **GOOD).says(NINE, place=LAB, temperature_f=64.0, humidity=40.0)
    assert offered(scene) == ["12", "lab"]
    (first, _) = spaces(scene.world, scene.facts, "maple", NINE + MINUTE)
    assert (first.air_temp_f, first.observed_at) == (70.0, NINE)


@pytest.mark.parametrize(
    "said",
    [
        {"temperature_f": 59.9, "humidity": 40.0},
        {"temperature_f": 90.0, "humidity": 60.0},
        {"temperature_f": 88.0},  # humidity is not known, and so is the heat
        {"temperature_f": 300.0, "humidity": 40.0},
        {"temperature_f": 70.0, "humidity": 40.0, "retained": True},
    ],
    ids=["cold", "hot", "unknown heat", "nonsense", "remembered"],
)
def test_a_room_that_is_not_known_to_be_in_range_is_not(said: dict[str, float]) -> None:
    assert offered(Scene().says(NINE, **said)) == []


def test_nor_is_one_that_has_fallen_silent_or_was_never_heard() -> None:
    scene = Scene().says(NINE, **GOOD)
    assert offered(scene, 15 * MINUTE) == ["12"]
    assert offered(scene, 16 * MINUTE) == []
    assert offered(Scene()) == []


def test_nor_is_one_with_a_ticket_nor_one_of_another_building_or_that_nobody_knows() -> None:
    scene = Scene().says(NINE, **GOOD).says(NINE, place=LAB, **GOOD)
    scene.says(NINE, place=Place("cedar", "7"), **GOOD).says(NINE, place=Place("maple", "attic"), **GOOD)
    subject = (LAB, Condition.HAZARD, Hazard.LEAKS)
    raise_ticket(scene.world, scene.facts, subject, NINE, NINE, "A. Reyes")
    assert offered(scene) == [ROOM.room]
