"""An energy register that did not move while nobody watched speaks for an outage; it decides nothing."""

from datetime import timedelta

import pytest

from safetyd.core.model import Place, TroubleKind
from safetyd.core.register import Question, Register, answer, answered
from safetyd.core.waking import Cause, Hole, wake
from tests.core.scene import BUILDING, MINUTE, Scene, clock, said

NINE = clock("09:00")
HOUR = timedelta(hours=1)
NOON = NINE + 3 * HOUR
ASKED = Question("maple-2026-0001", NOON, {"meter": Register(1204.31, NINE)})


def word(kwh: float, at_minutes: float = 1.0, meter: str = "meter") -> str:
    at = NOON + at_minutes * MINUTE
    return answer(ASKED, said(at, place=BUILDING, sensor=meter, energy_kwh=kwh))


@pytest.mark.parametrize(
    ("kwh", "words"),
    [
        (1204.31, "nothing was used in between, as without electricity"),
        (1204.319, "nothing was used"),
        (1204.33, "0.02 kWh were used: there was electricity for some of the time at least"),
        (1216.71, "12.40 kWh were used"),
        (0.0, "it began anew, and says nothing"),
        (1204.30, "it began anew, and says nothing"),
    ],
)
def test_a_register_says_whether_electricity_was_used(kwh: float, words: str) -> None:
    assert words in word(kwh)


def test_only_a_first_word_after_that_time_of_a_meter_known_before_says_anything() -> None:
    assert word(1204.31, at_minutes=0) and not word(1204.31, at_minutes=-1)
    assert not word(1204.31, meter="another")
    assert not word(-1.0), "no register counts below nothing"
    assert answer(None, said(NOON, place=BUILDING, sensor="meter", energy_kwh=1.0)) == ""
    assert answered(ASKED, "another") == ASKED and answered(ASKED, "meter") is None


def woken_with(*meters: str, lasted: timedelta = 3 * HOUR) -> Scene:
    """Return a scene in which the machine was down since nine, its meters last read a minute before."""
    scene = Scene()
    for meter in meters:
        scene.says(NINE - MINUTE, place=BUILDING, sensor=meter, energy_kwh=100.0)
    scene.until(NINE + lasted)
    wake(scene.world, scene.facts, Hole(NINE, NINE + lasted, Cause.LOST), NINE + lasted)
    return scene


def evidence(scene: Scene) -> list[str]:
    return [row.note for row in scene.rows() if row.event == "register"]


def test_each_meter_answers_once_on_the_ticket_that_asks() -> None:
    scene = woken_with("east", "west")
    for minute, east, west in ((1, 100.0, 107.5), (2, 100.0, 107.6)):
        scene.says(NOON + minute * MINUTE, place=BUILDING, sensor="east", energy_kwh=east)
        scene.says(NOON + minute * MINUTE, place=BUILDING, sensor="west", energy_kwh=west)
    first, second = evidence(scene)
    assert "east" in first and "nothing was used" in first
    assert "west" in second and "7.50 kWh" in second
    assert scene.the_ticket().status == "open", "a person judges"


def test_a_stop_that_hides_nothing_asks_no_meter() -> None:
    scene = woken_with("east", lasted=HOUR)
    scene.says(NINE + 2 * HOUR, place=BUILDING, sensor="east", energy_kwh=100.0)
    assert evidence(scene) == []


def test_a_register_is_no_witness_of_the_mains() -> None:
    scene = Scene().keeps_saying(NINE, NOON, HOUR, place=BUILDING, sensor="meter", energy_kwh=7.0)
    scene.until(NOON + 3 * HOUR)
    assert scene.world.tickets == {} and scene.notices("outage_began") == []


def test_a_register_below_nothing_is_implausible() -> None:
    scene = Scene().says(NINE, place=BUILDING, sensor="meter", energy_kwh=-0.1)
    assert scene.troubles(TroubleKind.IMPLAUSIBLE) == ["maple/meter"]
    assert scene.world.powers[Place("maple", None)].registers == {}
