"""Devices that live on the mains and fall silent together say that power may be out; a witness knows best."""

from datetime import timedelta
from typing import Any

import pytest

from safetyd.core import power, supervision
from safetyd.core.blackout import DEVICES
from safetyd.core.model import Condition, Place, Sensor, TroubleKind, Verdict
from safetyd.core.power import Standing
from safetyd.core.rules import Rules
from safetyd.core.units import JUST_AFTER
from tests.core.scene import BUILDING, LAB, MINUTE, ROOM, Scene, clock

NINE = clock("09:00")
HOUR = timedelta(hours=1)
GOOD: dict[str, Any] = {"temperature_f": 70.0, "humidity": 40.0}
PLUGS = {"maple/12/plug": ROOM, "maple/lab/plug": LAB}


def building(*, powered: frozenset[str] = frozenset(PLUGS)) -> Scene:
    """Return a scene in which two plugs and a battery sensor spoke until nine o'clock."""
    scene = Scene()
    object.__setattr__(scene.facts, "mains_powered", powered)
    for i in range(0, 31, 5):
        at = NINE - 30 * MINUTE + i * MINUTE
        for place in PLUGS.values():
            scene.says(at, place=place, sensor="plug", **GOOD)
        scene.says(at, place=Place("maple", "hall"), sensor="battery", **GOOD)
    return scene


def goes_on(scene: Scene, until_minute: int, **ups: bool) -> Scene:
    """Let the battery sensor, and the UPS if it says anything, speak on every five minutes."""
    at = scene.now
    while at + 5 * MINUTE <= NINE + until_minute * MINUTE:
        at += 5 * MINUTE
        scene.says(at, place=Place("maple", "hall"), sensor="battery", **GOOD)
        for mains in ups.values():
            scene.says(at, place=BUILDING, sensor="ups", mains=mains)
    return scene.until(NINE + until_minute * MINUTE)


def stands(scene: Scene) -> Standing:
    return power.standing(scene.world.powers.get(BUILDING, power.EMPTY), scene.now, Rules().outage)


def test_all_of_them_silent_is_a_suspicion_since_the_last_of_them_spoke() -> None:
    scene = goes_on(building(), 15)
    assert stands(scene) is Standing.UNKNOWN
    goes_on(scene, 20)
    assert stands(scene) is Standing.SUSPECTED
    assert scene.world.powers[BUILDING].began_at == NINE
    (notice,) = scene.notices("outage_began")
    assert notice.about["presumed"] == "yes"


def test_its_two_hours_run_and_the_ticket_says_that_it_is_presumed() -> None:
    scene = goes_on(building(), 120)
    assert scene.world.tickets == {}
    scene.until(NINE + 2 * HOUR + JUST_AFTER)
    ticket = scene.the_ticket()
    assert (ticket.condition, ticket.began_at) == (Condition.OUTAGE, NINE)
    assert "presumed" in scene.world.changes.rows[0].note


@pytest.mark.parametrize("alone", [frozenset({"maple/12/plug"}), frozenset()])
def test_one_device_or_none_proves_nothing(alone: frozenset[str]) -> None:
    assert stands(goes_on(building(powered=alone), 60)) is Standing.UNKNOWN


def test_one_of_them_still_speaking_is_no_outage() -> None:
    scene = building()
    for i in range(5, 61, 5):
        scene.says(NINE + i * MINUTE, place=LAB, sensor="plug", **GOOD)
    assert stands(scene) is Standing.UNKNOWN
    assert scene.troubles(TroubleKind.SILENT) == ["maple/12/plug", "maple/hall/battery"]


def test_a_witness_on_line_knows_better() -> None:
    scene = goes_on(building(), 180, ups=True)
    assert stands(scene) is Standing.ON
    assert scene.world.tickets == {}


def test_when_the_witness_falls_silent_too_the_suspicion_counts_from_its_last_word() -> None:
    scene = goes_on(building(), 100, ups=True)
    goes_on(scene, 120)
    assert stands(scene) is Standing.SUSPECTED
    assert scene.world.powers[BUILDING].began_at == NINE + 100 * MINUTE


def test_a_witness_that_says_off_confirms_it_and_the_beginning_stays() -> None:
    scene = goes_on(building(), 130)
    scene.says(NINE + 131 * MINUTE, place=BUILDING, sensor="ups", mains=False)
    assert stands(scene) is Standing.OUT
    assert scene.world.powers[BUILDING].began_at == NINE
    assert [row.event for row in scene.world.changes.rows] == ["opened", "confirmed"]


def test_a_person_who_says_on_denies_it_and_it_does_not_come_back_by_itself() -> None:
    scene = goes_on(building(), 60)
    scene.says(NINE + 60 * MINUTE, place=BUILDING, sensor="hand:A. Reyes", by_hand=True, mains=True)
    scene.until(NINE + 5 * HOUR)
    assert stands(scene) is Standing.UNKNOWN
    assert scene.world.tickets == {}


def test_the_first_of_them_that_speaks_again_is_the_return_of_power() -> None:
    scene = goes_on(building(), 60)
    for i in range(65, 81, 5):
        scene.says(NINE + i * MINUTE, place=ROOM, sensor="plug", **GOOD)
    scene.until(NINE + 81 * MINUTE)
    assert stands(scene) is not Standing.SUSPECTED
    (over,) = scene.notices("outage_over")
    assert over.about["ended_at"] == (NINE + 65 * MINUTE).isoformat()
    assert scene.world.powers[BUILDING].words.get(DEVICES) is None


def test_the_verdict_stays_unknown_until_the_two_hours_are_over() -> None:
    scene = goes_on(building(), 119)
    assert power.verdict(scene.world.powers[BUILDING], scene.now, Rules().outage) is Verdict.UNKNOWN


def test_a_device_that_nobody_waits_for_any_more_is_not_missed() -> None:
    scene = building()
    object.__setattr__(scene.facts, "spans", {"maple/12/plug": [(None, NINE)]})
    assert stands(goes_on(scene, 60)) is Standing.UNKNOWN


def test_a_device_that_was_never_heard_proves_nothing() -> None:
    scene = Scene()
    object.__setattr__(scene.facts, "mains_powered", frozenset(PLUGS))
    scene.until(NINE)
    for place in PLUGS.values():
        supervision.expect(scene.world, scene.facts, Sensor(place, "plug"), NINE)
    assert stands(scene.until(NINE + 5 * HOUR)) is Standing.UNKNOWN


# A part of the building


def witnesses(minutes: int) -> Scene:
    """Return a scene in which one of three witnesses has had no power for some minutes."""
    scene = Scene().says(NINE - MINUTE, place=BUILDING, sensor="main", mains=True)
    scene.says(NINE, place=BUILDING, sensor="closet", mains=False)
    for i in range(minutes + 1):
        for id in ("gym", "main"):
            scene.says(NINE + i * MINUTE, place=BUILDING, sensor=id, mains=True)
    return scene


def test_some_witnesses_without_power_are_a_question_for_a_person_and_no_outage() -> None:
    assert witnesses(4).troubles(TroubleKind.DISAGREEMENT) == []
    scene = witnesses(5)
    assert scene.troubles(TroubleKind.DISAGREEMENT) == ["maple/witnesses"]
    assert stands(scene) is Standing.ON
    scene.says(NINE + 6 * MINUTE, place=BUILDING, sensor="closet", mains=True)
    assert scene.troubles(TroubleKind.DISAGREEMENT) == []
