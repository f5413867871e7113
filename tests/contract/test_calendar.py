"""9.14.3.C and D, 9.9.4.C: whether students are there, and when the work year ends, each building's days say.

What is said of a date stands over what is usual, what a building says over what the site says. A date inside
the work year of which nothing is said is a student day, the stricter branch.
"""

import pytest

from tests.story import COLD, HOT, MILD, SCHOOL_YEAR, Story, clock, deadline

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


# Midterm relief

TWO_YEARS = SCHOOL_YEAR.replace(
    "[2026-08-25, 2027-06-11]", "[[2026-08-25, 2027-06-11], [2027-08-24, 2028-06-09]]"
)


@pytest.mark.parametrize(
    ("at", "due_at", "basis"),
    [
        ("2026-08-24 23:59", "2027-06-11 16:30", "ambiguous: between two work years"),
        ("2026-08-25 00:00", "2027-06-11 16:30", None),
        ("2027-06-11 16:29", "2027-06-11 16:30", None),
        ("2027-06-11 16:30", "2028-06-09 16:30", "ambiguous: between two work years"),
        ("2027-07-20 12:00", "2028-06-09 16:30", "ambiguous: between two work years"),
        ("2027-12-31 23:59", "2028-06-09 16:30", None),
    ],
)
def test_between_two_work_years_the_coming_one_counts_and_the_doubt_is_on_record(
    at: str, due_at: str, basis: str | None
) -> None:
    story = Story(calendar=TWO_YEARS).reading("12", at, **COLD)
    ticket = story.replay(until=clock(at, seconds=1)).the_ticket()
    entry = deadline(ticket, "midterm")
    assert (entry["due_at"], entry.get("basis")) == (clock(due_at), basis)
    doubts = [row["note"] for row in ticket["history"] if row["event"] == "ambiguous"]
    assert bool(doubts) is (basis is not None)
    assert all("between two work years" in note for note in doubts)


def test_a_ticket_names_the_version_of_the_calendar_of_its_building() -> None:
    story = Story(calendar=SCHOOL_YEAR, sensors=MAPLES_OWN)
    story.reading("12", "10:00", **COLD).reading("7", "10:00", building="cedar", **COLD)
    cedar, maple = (ticket["calendar"] for ticket in story.replay().tickets)
    assert cedar.startswith("sha256:") and maple.startswith("sha256:") and cedar != maple


# An hour before the work day


def held() -> Story:
    return Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", "04:00", until="08:00", every=10, **COLD)


def test_an_hour_before_the_work_day_facilities_hear_what_would_begin_it_in_breach() -> None:
    story = held().reading("lab", "05:00", until="08:00", every=10, **HOT)
    assert story.replay(until="06:44:59").notices("held") == []
    (notice,) = story.replay(until="08:00").notices("held")
    assert (notice["at"], notice["ticket"], notice["roles"]) == (clock("06:45"), None, ["facilities"])
    assert notice["to"] == ["Finn", "Bo"]
    assert notice["title"] == "Maple School: 2 rooms would begin the work day in breach"
    assert notice["text"].splitlines() == [
        "Room 12: too cold since Tue 1 Dec 04:00, 57.2 °F.",
        "Room lab: too hot since Tue 1 Dec 05:00, heat index 94.6 °F.",
        "Work begins Tue 1 Dec 07:45; what is still so then becomes a ticket.",
    ]


def test_what_is_over_by_then_is_not_told() -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", "04:00", **COLD)
    story.reading("12", "04:10", until="08:00", every=10, **MILD)
    assert story.replay(until="08:00").notices("held") == []


@pytest.mark.parametrize(("at", "told_at"), [("06:44", "06:45"), ("06:45", "06:45"), ("07:10", "07:10")])
def test_what_begins_within_the_hour_is_told_at_once_if_nothing_was(at: str, told_at: str) -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", at, until="08:00", every=5, **COLD)
    (notice,) = story.replay(until="08:00").notices("held")
    assert notice["at"][:16] == clock(told_at)[:16]


def test_each_morning_of_a_building_has_one_warning() -> None:
    story = held().reading("lab", "07:00", until="08:00", every=10, **COLD)
    assert len(story.replay(until="08:00").notices("held")) == 1


@pytest.mark.parametrize(
    ("evening", "told_at"),
    [
        ("2026-10-30 17:00", "2026-11-02 06:45"),  # over the night of 25 hours
        ("2027-03-12 17:00", "2027-03-15 06:45"),  # and that of 23
        ("2026-12-31 17:00", "2027-01-01 06:45"),  # over a year's end
    ],
)
def test_the_warning_comes_an_hour_before_work_by_the_clock_on_the_wall(evening: str, told_at: str) -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", evening, **COLD)
    (notice,) = story.replay(until=clock(told_at, hours=2)).notices("held")
    assert notice["at"] == clock(told_at)


def test_unless_on_hold_there_is_no_warning() -> None:
    story = Story(calendar=SCHOOL_YEAR).reading("12", "04:00", until="08:00", every=10, **COLD)
    assert story.replay(until="08:00").notices("held") == []


# Each date and each building


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
