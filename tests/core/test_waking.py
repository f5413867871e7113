"""The time that nobody watched is on record; where the machine itself was down for long, people are asked."""

from datetime import timedelta

import pytest

from safetyd.core.model import Condition, TroubleKind
from safetyd.core.units import JUST_AFTER
from safetyd.core.waking import Beat, Cause, Hole, hole, wake
from tests.core.scene import BUILDING, MINUTE, Scene, clock

NINE = clock("09:00")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("is_last", "boot", "cause"),
    [
        (True, "b1", Cause.STOPPED),
        (False, "b1", Cause.CRASHED),
        (True, "b2", Cause.RESTARTED),
        (False, "b2", Cause.LOST),
    ],
)
def test_a_hole_has_a_cause(is_last: bool, boot: str, cause: Cause) -> None:
    assert hole(Beat(NINE, "b1", is_last), NINE + HOUR, boot) == Hole(NINE, NINE + HOUR, cause)


def test_a_minute_is_no_hole_and_the_first_start_has_none() -> None:
    assert hole(Beat(NINE, "b1"), NINE + MINUTE, "b1") is None
    assert hole(Beat(NINE, "b1"), NINE + MINUTE + JUST_AFTER, "b1") is not None
    assert hole(None, NINE, "b1") is None


def test_a_clock_that_went_back_makes_no_hole() -> None:
    assert hole(Beat(NINE, "b1"), NINE - HOUR, "b2") is None


def woken(cause: Cause, lasted: timedelta, scene: Scene | None = None) -> Scene:
    scene = (scene or Scene()).until(NINE + lasted)
    wake(scene.world, scene.facts, Hole(NINE, NINE + lasted, cause), NINE + lasted)
    return scene


def test_each_building_has_its_gap_from_end_to_end() -> None:
    troubles = woken(Cause.CRASHED, HOUR).world.changes.troubles
    assert [(t.kind, t.began_at, t.ended_at) for t in troubles] == [
        (TroubleKind.GAP, NINE, None),
        (TroubleKind.GAP, NINE, NINE + HOUR),
    ]
    assert troubles[0].note == "safetyd had crashed"


@pytest.mark.parametrize("cause", list(Cause))
def test_only_a_machine_that_was_down_beyond_two_hours_may_hide_an_outage(cause: Cause) -> None:
    assert woken(cause, 2 * HOUR).world.tickets == {}
    asked = woken(cause, 2 * HOUR + JUST_AFTER)
    assert bool(asked.world.tickets) is (cause in (Cause.RESTARTED, Cause.LOST))


def test_the_ticket_asks_for_what_happened_in_the_interval() -> None:
    scene = woken(Cause.LOST, 3 * HOUR)
    ticket = scene.the_ticket()
    assert (ticket.condition, ticket.began_at, ticket.opened_at) == (Condition.OUTAGE, NINE, NINE + 3 * HOUR)
    assert "confirmed or denied" in scene.world.changes.rows[0].note
    assert scene.spans(Condition.OUTAGE) == [(NINE, NINE + 3 * HOUR)]


def test_an_outage_that_was_known_to_run_goes_on_and_is_not_asked_for_twice() -> None:
    scene = Scene().says(NINE - 30 * MINUTE, place=BUILDING, sensor="ups", mains=False)
    woken(Cause.LOST, 3 * HOUR, scene)
    assert scene.the_ticket().began_at == NINE - 30 * MINUTE
