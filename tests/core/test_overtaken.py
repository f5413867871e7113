"""What was owed and is no longer so: an end that was none, and a reminder of what has been done."""

import pytest

from safetyd.core.overtaken import is_overtaken
from safetyd.core.plan import Reason
from safetyd.core.ticket import Relief, Tier, Verb
from safetyd.core.world import Notice
from tests.core.scene import BUILDING, Scene, clock

COLD, WARM = {"temperature_f": 50.0}, {"temperature_f": 68.0}


def a_cold_morning() -> Scene:
    return Scene().keeps_saying(clock("08:00"), clock("09:00"), **COLD)


def overtaken(scene: Scene, notice: Notice, *later: Notice) -> bool:
    about = notice.reason, notice.key, notice.building, notice.ticket
    return is_overtaken(scene.world, *about, [each.key for each in later])


def the_last(scene: Scene, reason: Reason) -> Notice:
    return scene.notices(reason)[-1]


def test_an_end_is_overtaken_once_it_is_cold_again() -> None:
    scene = a_cold_morning().keeps_saying(clock("09:05"), clock("10:00"), **WARM)
    ended = the_last(scene, Reason.ENDED)
    assert not overtaken(scene, ended)
    scene.keeps_saying(clock("10:05"), clock("11:00"), **COLD)
    assert overtaken(scene, ended)


def test_electricity_that_is_back_is_overtaken_once_it_is_out_again() -> None:
    scene = Scene().says(clock("08:00"), place=BUILDING, mains=False)
    scene.says(clock("08:30"), place=BUILDING, mains=True).until(clock("09:00"))
    over = the_last(scene, Reason.OUTAGE_OVER)
    assert not overtaken(scene, over)
    scene.says(clock("09:05"), place=BUILDING, mains=False).until(clock("09:10"))
    assert overtaken(scene, over)


def test_a_reminder_is_overtaken_by_relief_on_record_and_by_a_later_one_of_the_same_step() -> None:
    scene = a_cold_morning().until(clock("2026-12-02 12:00"))
    reminders = [each for each in scene.notices(Reason.REMINDER) if "/mitigation/" in each.key]
    assert len(reminders) > 1
    first, *later = reminders
    assert not overtaken(scene, first)
    assert overtaken(scene, first, *later)
    scene.does(clock("2026-12-02 13:00"), Verb.RELIEVE, tier=Tier.MITIGATION, kind=Relief.FANS_OR_HEATERS)
    assert overtaken(scene, first)


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.ENDED, Reason.OUTAGE_OVER, Reason.REMINDER}))
def test_nothing_else_is_ever_overtaken(reason: Reason) -> None:
    scene = a_cold_morning().keeps_saying(clock("09:05"), clock("10:00"), **WARM)
    opened = the_last(scene, Reason.OPENED)
    assert not is_overtaken(scene.world, reason, opened.key, "maple", opened.ticket, [opened.key])
