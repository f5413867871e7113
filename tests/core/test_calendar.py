"""Hours are those of the clock on the school's wall, also on the days when it is put forward or back."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.core.calendar import Calendar, Day, Hours
from tests.examples import examples

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


# Dates that are unlike others

THANKSGIVING = date(2026, 11, 26)
NO_STUDENTS, MAKE_UP = date(2026, 12, 2), date(2026, 12, 5)
EARLY, LATE = date(2026, 11, 25), date(2026, 12, 3)
UNUSUAL = Calendar(
    ZONE,
    (YEAR,),
    WORK,
    STUDENTS,
    frozenset({THANKSGIVING, date(2026, 11, 27)}),
    {
        EARLY: Day(Hours(time(7, 45), time(13, 0)), Hours(time(8, 30), time(12, 0))),
        LATE: Day(student_hours=Hours(time(10, 30), time(15, 15))),
        NO_STUDENTS: Day(has_students=False),
        MAKE_UP: Day(is_open=True),
        date(2026, 11, 27): Day(is_open=True),
    },
    holidays=frozenset({THANKSGIVING}),
)


@pytest.mark.parametrize(
    ("at", "work", "students"),
    [
        ("2026-11-25 11:59:59", True, True),  # early release
        ("2026-11-25 12:00", True, False),
        ("2026-11-25 12:59:59", True, False),
        ("2026-11-25 13:00", False, False),
        ("2026-12-03 10:29:59", True, False),  # late start
        ("2026-12-03 10:30", True, True),
        ("2026-12-02 10:00", True, False),  # a planning day
        ("2026-12-05 07:44:59", False, False),  # a make-up day on a Saturday
        ("2026-12-05 07:45", True, False),
        ("2026-12-05 10:00", True, True),
        ("2026-11-26 10:00", False, False),
        ("2026-11-27 10:00", True, True),  # open though it is closed
    ],
)
def test_what_is_said_of_a_date_stands_over_what_is_usual(at: str, work: bool, students: bool) -> None:
    assert (UNUSUAL.is_work_time(wall(at)), UNUSUAL.is_student_time(wall(at))) == (work, students)


def test_work_begins_next_by_the_hours_of_that_date() -> None:
    assert UNUSUAL.next_work_begin(wall("2026-12-04 17:00")) == wall("2026-12-05 07:45")
    assert UNUSUAL.next_work_begin(wall("2026-11-25 13:00")) == wall("2026-11-27 07:45")
    assert UNUSUAL.work_end(wall("2026-11-25 12:30")) == wall("2026-11-25 13:00")
    assert UNUSUAL.work_end(wall("2026-11-25 13:00")) is None


@pytest.mark.parametrize(
    ("closed", "dates", "ends"),
    [
        (set(), {}, "2027-06-11 16:30"),
        (set(), {date(2027, 6, 11): Day(Hours(time(7, 45), time(12, 0)))}, "2027-06-11 12:00"),
        ({date(2027, 6, 11)}, {}, "2027-06-10 16:30"),  # closed after all: the last day of work before it
        ({date(2027, 6, day) for day in range(7, 12)}, {}, "2027-06-04 16:30"),
        ({date(2027, 6, 11)}, {date(2027, 6, 11): Day(is_open=True)}, "2027-06-11 16:30"),
    ],
)
def test_a_work_year_ends_with_its_last_day_of_work(
    closed: set[date], dates: dict[date, Day], ends: str
) -> None:
    calendar = Calendar(ZONE, (YEAR,), WORK, STUDENTS, frozenset(closed), dates)
    assert calendar.work_year_end(wall("2026-12-01 12:00")) == wall(ends)


@pytest.mark.parametrize(
    ("at", "is_between"),
    [
        ("2026-08-24 23:59:59", True),
        ("2026-08-25 00:00", False),
        ("2027-06-11 16:29:59", False),
        ("2027-06-11 16:30", True),
        ("2027-08-23 23:59:59", True),
        ("2027-08-24 00:00", False),
        ("2028-06-09 16:30", False),  # after the last year nothing is to come
    ],
)
def test_between_the_years_is_from_the_last_work_of_one_to_the_first_day_of_the_next(
    at: str, is_between: bool
) -> None:
    assert Calendar(ZONE, (YEAR, NEXT_YEAR), WORK).is_between_years(wall(at)) is is_between


def test_days_of_work_and_paid_holidays_are_counted() -> None:
    week = (date(2026, 11, 23), date(2026, 12, 5))
    assert UNUSUAL.days_of_work(week) == 10  # nine weekdays of ten, with the Friday, and the Saturday
    assert UNUSUAL.paid_holidays(week) == 1


def test_only_what_tells_one_moment_from_another_makes_another_version() -> None:
    assert SCHOOL.fingerprint.startswith("sha256:")
    same = Calendar(ZONE, (YEAR,), WORK, STUDENTS, SCHOOL.closed, {LATE: Day(note="x")}, contract_days=(193,))
    others = [
        BLANK,
        NO_YEARS,
        UNUSUAL,
        Calendar(ZONE, (YEAR,), WORK, STUDENTS, SCHOOL.closed, {LATE: Day(has_students=False)}),
        Calendar(ZoneInfo("America/Denver"), (YEAR,), WORK, STUDENTS, SCHOOL.closed),
    ]
    assert len({SCHOOL.fingerprint, *(other.fingerprint for other in others)}) == 6
    assert same.fingerprint == SCHOOL.fingerprint


# Days on which the clock is changed


@pytest.mark.parametrize(
    ("zone", "day", "hours", "lasts"),
    [
        ("America/Los_Angeles", "2026-11-01", ("00:30", "03:00"), 3.5),
        ("America/Los_Angeles", "2026-11-01", ("01:15", "01:45"), 1.5),  # both times, and what is between
        ("America/Los_Angeles", "2027-03-14", ("00:30", "03:00"), 1.5),
        ("America/Los_Angeles", "2027-03-14", ("02:15", "04:00"), 1),  # begins when the clock is put forward
        ("America/Los_Angeles", "2027-03-14", ("01:00", "02:30"), 1),
        ("America/Los_Angeles", "2027-03-14", ("02:15", "02:45"), 0),  # never comes
        ("America/Los_Angeles", "2027-03-14", ("07:45", "16:30"), 8.75),
        ("Africa/Cairo", "2026-10-29", ("22:30", "23:59"), 2 + 29 / 60),
        ("Australia/Lord_Howe", "2026-10-04", ("00:00", "03:00"), 2.5),  # half an hour forward
    ],
)
def test_the_hours_of_a_day_are_one_span_also_when_the_clock_is_changed(
    zone: str, day: str, hours: tuple[str, str], lasts: float
) -> None:
    span = Hours(*map(time.fromisoformat, hours))
    date_ = date.fromisoformat(day)
    calendar = Calendar(ZoneInfo(zone), work_hours=span, dates={date_: Day(is_open=True)})
    midnight = datetime.combine(date_, time(), calendar.timezone).astimezone(UTC)
    minutes = [midnight + timedelta(minutes=number) for number in range(25 * 60)]
    on_that_day = [at for at in minutes if at.astimezone(calendar.timezone).date() == date_]
    worked = [at for at in on_that_day if calendar.is_work_time(at)]
    assert len(worked) == lasts * 60
    assert not worked or worked[-1] - worked[0] == timedelta(hours=lasts, minutes=-1)


CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
HOURS = st.tuples(CLOCKS, CLOCKS).filter(lambda two: two[0] < two[1]).map(lambda two: Hours(*two))
# The last day before each: in Cairo, Santiago and Beirut the clock is changed at midnight.
CHANGES = (
    ("America/Los_Angeles", date(2026, 10, 31)),
    ("America/Los_Angeles", date(2027, 3, 13)),
    ("Africa/Cairo", date(2026, 4, 23)),
    ("Africa/Cairo", date(2026, 10, 29)),
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Havana", date(2026, 10, 31)),
    ("America/Los_Angeles", date(2026, 12, 31)),
)
DAYS = st.builds(Day, st.none() | HOURS, st.none() | HOURS, st.booleans(), st.booleans())


@settings(max_examples=examples(40))
@given(
    st.sampled_from(CHANGES),
    st.none() | HOURS,
    st.lists(DAYS, min_size=4, max_size=4),
    st.sets(st.integers(0, 3)),
    st.integers(0, 2 * 24 * 60),
)
def test_work_begins_next_at_the_first_moment_that_is_work_time(
    change: tuple[str, date], hours: Hours | None, said: list[Day], closed: set[int], minute: int
) -> None:
    zone, first = change
    days = [first + timedelta(days=number) for number in range(4)]
    calendar = Calendar(
        ZoneInfo(zone),
        ((first, days[-1]),),
        hours,
        closed=frozenset(days[number] for number in closed),
        dates=dict(zip(days, said, strict=True)),
    )
    begin = datetime.combine(first, time(), calendar.timezone).astimezone(UTC)
    moments = [begin + timedelta(minutes=number) for number in range(minute, 4 * 24 * 60 + 60)]
    expected = next((at for at in moments if calendar.is_work_time(at)), None)
    assert calendar.next_work_begin(moments[0]) == expected
    if expected is not None:
        ends = calendar.work_end(expected)
        assert ends is not None and ends > expected
        assert all(calendar.is_work_time(at) for at in moments if expected <= at < ends)
