"""Hours are those of the clock on the school's wall, also on the days when it is put forward or back."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from safetyd.core.calendar import Calendar, Hours

ZONE = ZoneInfo("America/Los_Angeles")
WORK = Hours(time(7, 45), time(16, 30))
STUDENTS = Hours(time(8, 30), time(15, 15))
YEAR = (date(2026, 8, 25), date(2027, 6, 11))
NEXT_YEAR = (date(2027, 8, 24), date(2028, 6, 9))
SCHOOL = Calendar(ZONE, (YEAR,), WORK, STUDENTS, frozenset({date(2026, 11, 26), date(2026, 11, 27)}))
NO_YEARS = Calendar(ZONE, (), WORK, STUDENTS, frozenset({date(2026, 11, 26)}))
BLANK = Calendar(ZONE)
ROUND_THE_CLOCK = Hours(time(0, 0), time(23, 59))


def wall(text: str) -> datetime:
    """Return the moment that the school's clock shows `text`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "work", "students"),
    [
        ("2026-12-01 07:44:59", False, False),
        ("2026-12-01 07:45", True, False),
        ("2026-12-01 08:29:59", True, False),
        ("2026-12-01 08:30", True, True),
        ("2026-12-01 15:14:59", True, True),
        ("2026-12-01 15:15", True, False),
        ("2026-12-01 16:29:59", True, False),
        ("2026-12-01 16:30", False, False),
        ("2026-12-01 00:00", False, False),
        ("2026-12-05 10:00", False, False),  # a Saturday
        ("2026-11-26 10:00", False, False),  # closed
        ("2026-08-24 10:00", False, False),  # the day before the year
        ("2026-08-25 10:00", True, True),
        ("2027-06-11 10:00", True, True),
        ("2027-06-14 10:00", False, False),  # the Monday after it
    ],
)
def test_hours_hold_from_their_first_minute_up_to_their_last_on_work_days(
    at: str, work: bool, students: bool
) -> None:
    assert (SCHOOL.is_work_time(wall(at)), SCHOOL.is_student_time(wall(at))) == (work, students)


@pytest.mark.parametrize("at", ["2026-12-05 03:00", "2026-07-04 12:00", "2026-12-01 23:59:59"])
def test_without_a_calendar_every_moment_counts(at: str) -> None:
    assert BLANK.is_work_time(wall(at))
    assert BLANK.is_student_time(wall(at))
    assert BLANK.next_work_begin(wall(at)) == wall(at)


@pytest.mark.parametrize(
    ("at", "works"),
    [("2026-07-06 10:00", True), ("2026-07-04 10:00", False), ("2026-11-26 10:00", False)],
)
def test_without_work_years_every_weekday_that_is_not_closed_is_one_of_work(at: str, works: bool) -> None:
    assert NO_YEARS.is_work_time(wall(at)) is works


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        ("2026-12-01 03:00", "2026-12-01 07:45"),
        ("2026-12-01 07:45", "2026-12-01 07:45"),
        ("2026-12-01 12:00", "2026-12-01 12:00"),
        ("2026-12-01 16:30", "2026-12-02 07:45"),
        ("2026-12-04 16:30", "2026-12-07 07:45"),  # over a weekend
        ("2026-11-25 17:00", "2026-11-30 07:45"),  # over closed days and a weekend
        ("2026-10-30 17:00", "2026-11-02 07:45"),  # the clocks go back on that Sunday
        ("2027-03-12 17:00", "2027-03-15 07:45"),  # and forward on that one
        ("2026-07-01 12:00", "2026-08-25 07:45"),  # over the summer
    ],
)
def test_work_begins_next_on_the_next_work_day(at: str, begins: str) -> None:
    assert SCHOOL.next_work_begin(wall(at)) == wall(begins)


def test_after_the_last_work_day_it_never_begins() -> None:
    assert SCHOOL.next_work_begin(wall("2027-06-11 16:29:59")) == wall("2027-06-11 16:29:59")
    assert SCHOOL.next_work_begin(wall("2027-06-11 16:30")) is None


def test_without_hours_work_begins_at_midnight() -> None:
    whole_days = Calendar(ZONE, (YEAR,))
    assert whole_days.is_work_time(wall("2026-12-01 00:00"))
    assert whole_days.next_work_begin(wall("2026-12-05 12:00")) == wall("2026-12-07 00:00")


@pytest.mark.parametrize(("day", "hours"), [("2026-11-01", 25), ("2027-03-14", 23), ("2026-12-01", 24)])
def test_a_day_has_the_hours_that_the_clock_on_the_wall_gives_it(day: str, hours: int) -> None:
    ends = Calendar(ZONE, ((date(2026, 1, 1), date.fromisoformat(day)),)).work_year_end(wall(f"{day} 00:00"))
    assert ends == wall(f"{day} 00:00") + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("at", "is_work"),
    [
        (datetime(2026, 11, 2, 15, 44, 59, tzinfo=UTC), False),  # standard time since the day before
        (datetime(2026, 11, 2, 15, 45, tzinfo=UTC), True),
        (datetime(2027, 3, 15, 14, 44, 59, tzinfo=UTC), False),  # summer time since the day before
        (datetime(2027, 3, 15, 14, 45, tzinfo=UTC), True),
    ],
)
def test_hours_move_with_the_clock(at: datetime, is_work: bool) -> None:
    assert SCHOOL.is_work_time(at) is is_work


def test_the_hour_that_comes_twice_counts_both_times() -> None:
    nights = Calendar(ZONE, work_hours=Hours(time(1, 0), time(2, 0)))
    sunday = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC).astimezone(ZONE) for hour in (8, 9)]
    assert [moment.time() for moment in sunday] == [time(1, 30)] * 2
    assert [nights._within(moment, Hours(time(1, 0), time(2, 0))) for moment in sunday] == [False, False]
    weekdays = Calendar(ZoneInfo("Africa/Cairo"), work_hours=Hours(time(23, 0), time(23, 59)))
    thursday = [datetime(2026, 10, 29, hour, 30, tzinfo=UTC) for hour in (20, 21)]
    assert [weekdays.is_work_time(moment) for moment in thursday] == [True, True]


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-08-25 00:00", "2027-06-11 16:30"),
        ("2027-06-11 16:29:59", "2027-06-11 16:30"),
        ("2027-06-11 16:30", "2028-06-09 16:30"),
        ("2027-07-20 12:00", "2028-06-09 16:30"),  # between the years: the coming one
        ("2026-07-20 12:00", "2027-06-11 16:30"),
    ],
)
def test_a_work_year_ends_with_the_work_of_its_last_day(at: str, ends: str) -> None:
    years = Calendar(ZONE, (NEXT_YEAR, YEAR), WORK)
    assert years.work_year_end(wall(at)) == wall(ends)


def test_after_the_last_year_and_without_any_there_is_no_end() -> None:
    assert SCHOOL.work_year_end(wall("2027-06-11 16:30")) is None
    assert BLANK.work_year_end(wall("2026-12-01 12:00")) is None
    assert NO_YEARS.work_year_end(wall("2026-12-01 12:00")) is None
