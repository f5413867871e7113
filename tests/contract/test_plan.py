"""Who is told what is what the site file says, from the day it says so; every notice names that version."""

import pytest

from safetyd.core.plan import Plan
from tests.story import COLD, FIRST, Story, Told, clock

ESCALATING = """
[[plan.steps]]
after = "2h"
to = ["district"]

[[plan.steps]]
after = "6h"
to = ["association"]
unless = "relieved"
"""


def cold_day(plan: str) -> Story:
    return Story(plan=plan).reading("12", "08:00", **COLD)


def whom(told: Told, reason: str) -> list[list[str]]:
    return [notice["to"] for notice in told.notices(reason)]


def test_without_a_plan_the_usual_people_are_told_and_the_notice_names_the_usual_plan() -> None:
    told = cold_day("").replay(until="09:00")
    assert whom(told, "opened") == [["Ada", "Finn", "Sam", "Bo"]]
    assert {notice["plan"] for notice in told.output["notices"]} == {Plan().fingerprint}


def test_a_plan_may_tell_others() -> None:
    told = cold_day('[[plan]]\nopened = ["facilities", "educator"]\n').replay(until="09:00")
    assert whom(told, "opened") == [["Finn", "Edda", "Bo"]]


def test_what_only_informs_may_be_told_to_nobody_and_stays_on_record() -> None:
    story = cold_day("[[plan]]\nacknowledged = []\n").act("08:30", "acknowledge")
    told = story.replay(until="09:00")
    assert told.notices("acknowledged") == []
    assert "acknowledged" in [row["event"] for row in told.the_ticket()["history"]]


def test_another_version_counts_from_its_day_on() -> None:
    plan = '[[plan]]\n[[plan]]\neffective = 2026-12-02\nreminder = ["district"]\n'
    told = cold_day(plan).replay(until="2026-12-02 07:59")
    assert whom(told, "reminder") == [["Ada", "Finn", "Bo"], ["Dora"]]  # after 12 hours, and after 18
    before, after = told.notices("reminder")
    assert before["plan"] == told.notices("opened")[0]["plan"] != after["plan"]


def test_nobody_takes_it_up_and_the_next_are_told() -> None:
    told = cold_day(f"[[plan]]\n{ESCALATING}").replay(until="15:00")
    found = [(notice["at"], notice["to"]) for notice in told.notices("escalated")]
    assert found == [(clock("10:00"), ["Dora"]), (clock("14:00"), ["Axel"])]
    assert [row["event"] for row in told.the_ticket()["history"]].count("escalated") == 2


@pytest.mark.parametrize(("taken_up", "to"), [("09:59:59", [["Axel"]]), ("10:00:01", [["Dora"], ["Axel"]])])
def test_who_takes_it_up_in_time_spares_the_next_their_step(taken_up: str, to: list[list[str]]) -> None:
    story = cold_day(f"[[plan]]\n{ESCALATING}").act(taken_up, "acknowledge")
    assert whom(story.replay(until="15:00"), "escalated") == to


def test_relief_spares_everybody_theirs() -> None:
    story = cold_day(f"[[plan]]\n{ESCALATING}").act("09:00", "relieve", tier="mitigation")
    assert whom(story.replay(until="15:00"), "escalated") == []


def test_a_breach_that_comes_back_does_not_take_a_step_twice() -> None:
    story = cold_day(f"[[plan]]\n{ESCALATING}").act("11:00", "acknowledge").act("11:01", "reopen")
    assert whom(story.replay(until="13:00"), "escalated") == [["Dora"]]
    assert story.replay(until="13:00").the_ticket()["id"] == FIRST
