"""9.14.3.C and D, 9.9.4.C: whether students are there, and when the work year ends, each building's days say.

What is said of a date stands over what is usual, what a building says over what the site says. A date inside
the work year of which nothing is said is a student day, the stricter branch.
"""

import pytest

from tests.story import COLD, SCHOOL_YEAR, Story, clock, deadline

HOLD = 'outside_work_hours = "hold"'
DATES = """
[[calendar.dates]]
on = 2026-12-02
student_hours = "08:30-12:00"
note = "early release"
[[calendar.dates]]
on = 2026-12-03
students = false
[[calendar.dates]]
on = 2026-12-05
open = true
[[calendar.dates]]
on = 2026-12-07
closed = true
"""
MAPLES_OWN = """
[buildings.calendar]
work_hours = "06:30-15:00"
closed = [2026-12-04]
[[buildings.calendar.dates]]
on = 2027-06-11
work_hours = "06:30-11:00"
"""


@pytest.mark.parametrize(
    ("at", "student_day"),
    [
        ("2026-12-01 14:00", True),
        ("2026-12-02 11:59:59", True),
        ("2026-12-02 12:00:01", False),  # students have gone
        ("2026-12-03 10:00", False),  # none came
        ("2026-12-05 10:00", True),  # a make-up day
        ("2026-12-07 10:00", False),
    ],
)
def test_a_ticket_says_whether_students_were_there_on_that_date(at: str, student_day: bool) -> None:
    story = Story(calendar=SCHOOL_YEAR + DATES).reading("12", at, **COLD)
    assert story.replay(until=clock(at, minutes=5)).the_ticket()["student_day"] is student_day


def test_each_building_goes_by_its_own_days() -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR, sensors=MAPLES_OWN)
    story.reading("12", "2026-12-03 17:00", **COLD).reading("7", "2026-12-03 17:00", building="cedar", **COLD)
    cedar, maple = story.replay(until="2026-12-07 08:00").tickets
    assert cedar["began_at"] == clock("2026-12-04 07:45")
    assert maple["began_at"] == clock("2026-12-07 06:30")  # over a day that only maple is closed
    assert deadline(cedar, "midterm")["due_at"] == clock("2027-06-11 16:30")
    assert deadline(maple, "midterm")["due_at"] == clock("2027-06-11 11:00")


def test_the_hours_in_which_staff_could_not_work_are_those_of_the_building() -> None:
    story = Story(calendar=SCHOOL_YEAR, sensors=MAPLES_OWN).power("06:00", mains="off")
    story.act("08:10", "close_building", by="Ada", since=clock("06:00"))
    window = story.replay(until="08:30").the_ticket(condition="outage")["closure"]["staff_window"]
    assert window == [[clock("06:30"), None]]
