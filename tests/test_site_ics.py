"""The promise: a school's .ics says which dates are unlike the others, by words that the site file names.

Nothing is guessed in silence, whatever cannot be read is told with its line or event, and no file, however
hostile, keeps the reader for long.
"""

import time as clocks
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safetyd.core.calendar import Calendar, Day, Hours
from safetyd.faults import Fault
from safetyd.site import Site, read_site
from safetyd.site_ics import read_ics
from tests.examples import examples

ZONE = ZoneInfo("America/Los_Angeles")
YEARS = ((date(2026, 8, 25), date(2027, 6, 11)),)
MAPPING = """
[[calendar.events]]
words = ["no school", "Break"]
closed = true
[[calendar.events]]
words = ["Paid Holiday"]
holiday = true
[[calendar.events]]
words = ["early release"]
student_hours = "08:30-12:00"
[[calendar.events]]
words = ["late start"]
student_hours = "10:30-15:15"
[[calendar.events]]
words = ["make-up day"]
open = true
[[calendar.events]]
words = ["planning"]
students = false
"""


def event(title: str, *lines: str, uid: str = "") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid or title}", f"SUMMARY:{title}", *lines, "END:VEVENT", ""])


def ics(*events: str) -> str:
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//A District//EN\r\n"
    return head + "".join(events) + "END:VCALENDAR\r\n"


Read = Callable[..., tuple[Site | None, list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(
        content: str | bytes, keys: str = MAPPING, own: str = ""
    ) -> tuple[Site | None, list[str]]:
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "calendar.ics").write_bytes(raw)
        text = (
            'timezone = "America/Los_Angeles"\n[calendar]\nwork_year = [2026-08-25, 2027-06-11]\n'
            f'student_hours = "08:30-15:15"\nics = "calendar.ics"\n{keys}\n[[buildings]]\nid = "maple"\n{own}'
        )
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        found: list[Fault] = []
        site = read_site([tmp_path / "site.toml"], {}, found)
        return site, [str(fault).replace(f"{tmp_path}/", "") for fault in found]

    return write_and_read


def calendar(read: Read, *events: str, keys: str = MAPPING) -> Calendar:
    site, faults = read(ics(*events), keys)
    assert faults == [] and site is not None
    return site.calendar


def test_each_event_means_what_the_site_file_says_of_its_words(read: Read) -> None:
    found = calendar(
        read,
        event("Winter Break", "DTSTART;VALUE=DATE:20261221", "DTEND;VALUE=DATE:20261224"),
        event("Veterans Day", "DTSTART;VALUE=DATE:20261111", "CATEGORIES:District,Paid Holiday"),
        event("EARLY  Release: conferences", "DTSTART;VALUE=DATE:20261125"),
        event("Late start", "DTSTART:20270111T183000Z", "DTEND:20270111T190000Z"),
        event("Make-up day", "DTSTART;VALUE=DATE:20270130"),
        event("Planning", "DTSTART;VALUE=DATE:20261106"),
    )
    assert found.closed == {date(2026, 12, 21), date(2026, 12, 22), date(2026, 12, 23), date(2026, 11, 11)}
    assert found.holidays == {date(2026, 11, 11)}
    unusual = {day: said for day, said in found.dates.items() if day not in found.closed}
    assert unusual == {
        date(2026, 11, 6): Day(has_students=False, note="Planning"),
        date(2026, 11, 25): Day(None, Hours(time(8, 30), time(12)), note="EARLY Release: conferences"),
        date(2027, 1, 11): Day(None, Hours(time(10, 30), time(15, 15)), note="Late start"),
        date(2027, 1, 30): Day(is_open=True, note="Make-up day"),
    }


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        (["DTSTART;VALUE=DATE:20261125"], [25]),
        (["DTSTART;VALUE=DATE:20261125", "DURATION:P2D"], [25, 26]),
        (["DTSTART;VALUE=DATE:20261125", "DTEND;VALUE=DATE:20261125"], [25]),
        (["DTSTART:20261125T080000"], [25]),  # of no zone: the school's
        (["DTSTART:20261126T070000Z", "DTEND:20261126T075959Z"], [25]),  # late in the evening there
        (["DTSTART;TZID=America/New_York:20261126T020000", "DURATION:PT1H"], [25]),
        (["DTSTART;VALUE=DATE:20261104", "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=3"], [4, 11, 18]),
        (["DTSTART;VALUE=DATE:20261104", "RRULE:FREQ=WEEKLY;UNTIL=20261118"], [4, 11, 18]),
        (["DTSTART:20261104T080000", "RRULE:FREQ=WEEKLY;UNTIL=20261118T160000Z"], [4, 11, 18]),
        (["DTSTART:20261104T080000", "RRULE:FREQ=WEEKLY;UNTIL=20261118T155959Z"], [4, 11]),
        (["DTSTART;VALUE=DATE:20160101", "RRULE:FREQ=MONTHLY;BYDAY=2TU;UNTIL=20261130"], [10]),
        (["DTSTART;VALUE=DATE:20101125", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"], [26]),
        (
            [
                "DTSTART;VALUE=DATE:20261104",
                "RRULE:FREQ=WEEKLY;COUNT=4",
                "EXDATE;VALUE=DATE:20261111",
                "RDATE;VALUE=DATE:20261112",
            ],
            [4, 12, 18, 25],
        ),
    ],
)
def test_an_event_is_on_the_dates_that_it_touches_by_the_schools_clock(
    read: Read, lines: list[str], days: list[int]
) -> None:
    found = calendar(read, event("No school", *lines)).closed
    assert sorted(day.day for day in found if (day.year, day.month) == (2026, 11)) == days


def test_one_of_several_may_have_been_moved_or_cancelled(read: Read) -> None:
    found = calendar(
        read,
        event("No school", "DTSTART;VALUE=DATE:20261104", "RRULE:FREQ=WEEKLY;COUNT=3", uid="a"),
        event("No school", "RECURRENCE-ID;VALUE=DATE:20261111", "DTSTART;VALUE=DATE:20261112", uid="a"),
        event("No school", "DTSTART;VALUE=DATE:20261201", "STATUS:CANCELLED"),
    )
    assert found.closed == {date(2026, 11, 4), date(2026, 11, 12), date(2026, 11, 18)}


def test_the_site_file_stands_over_the_calendar_file_and_an_earlier_entry_over_a_later(read: Read) -> None:
    found = calendar(
        read,
        event("No school", "DTSTART;VALUE=DATE:20261105"),
        event("No school, was early release", "DTSTART;VALUE=DATE:20261106"),
        keys=MAPPING + "[[calendar.dates]]\non = 2026-11-05\nopen = true\n",
    )
    assert found.closed == {date(2026, 11, 6)}
    assert found.day(date(2026, 11, 5)).is_open


def test_a_building_may_have_a_calendar_file_of_its_own(read: Read, tmp_path: Path) -> None:
    (tmp_path / "maple.ics").write_text(ics(event("Fall break", "DTSTART;VALUE=DATE:20261005")))
    site, faults = read(
        ics(event("Break", "DTSTART;VALUE=DATE:20261221")), own='calendar.ics = "maple.ics"\n'
    )
    assert faults == [] and site is not None and site.buildings[0].calendar is not None
    assert site.calendar.closed == {date(2026, 12, 21)}
    assert site.buildings[0].calendar.closed == {date(2026, 12, 21), date(2026, 10, 5)}


def test_what_no_words_are_named_for_changes_nothing_and_is_listed(read: Read) -> None:
    site, _ = read(
        ics(
            event("Picture day", "DTSTART;VALUE=DATE:20261002"),
            event("Preschooling", "DTSTART;VALUE=DATE:20261003"),
            event("Early release", "DTSTART;VALUE=DATE:20261003"),  # a Saturday
            event("No school", "DTSTART;VALUE=DATE:20261005"),
            event("Planning", "DTSTART;VALUE=DATE:20261005"),
            event("Make-up day", "DTSTART;VALUE=DATE:20270614"),  # the work year ends on the eleventh
            event("Long ago", "DTSTART;VALUE=DATE:20161002"),
        )
    )
    assert site is not None
    assert site.calendar.closed == {date(2026, 10, 5)}
    assert site.remarks == (
        "calendar.ics: no words of [[calendar.events]] stand in these, so they change nothing: "
        "“Picture day” (2026-10-02), “Preschooling” (2026-10-03).",
        "calendar.ics: these stand behind another event of their date: "
        "“Planning” (2026-10-05, which is “No school”).",
        "calendar.ics: nobody works on these dates, so they change nothing: "
        "“Early release” (2026-10-03, a Saturday).",
        "calendar.ics: these days of work lie after the work year; let work_year end with the last of them: "
        "“Make-up day” (2027-06-14).",
    )


def test_without_an_entry_only_what_says_so_in_plain_words_is_closed_and_that_is_said(read: Read) -> None:
    events = (
        event("No School - Break", "DTSTART;VALUE=DATE:20261005"),
        event("Recess", "DTSTART:20261006T100000"),
    )
    site, faults = read(ics(*events), keys="")
    assert faults == [] and site is not None
    assert site.calendar.closed == {date(2026, 10, 5)}
    assert site.remarks[0].startswith("calendar.ics: events called “no school” or “school closed” or")
    assert "“Recess” (2026-10-06)" in site.remarks[1]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("[[calendar.events]]\nclosed = true", "site.toml: calendar.events[0].words: nothing stands here"),
        ('[[calendar.events]]\nwords = ["x"]', "site.toml: calendar.events[0].words: nothing is said of it"),
        (
            '[[calendar.events]]\nwords = "x"\nclosed = true',
            "site.toml: calendar.events[0].words: 'x' is not a list",
        ),
        (
            '[[calendar.events]]\nwords = ["x"]\nclose = true',
            "site.toml: calendar.events[0].words: nothing is",
        ),
    ],
)
def test_a_mistake_in_the_mapping_is_told_at_its_key(read: Read, keys: str, told: str) -> None:
    assert read(ics(), keys)[1][0].startswith(told)


GOOD = event("Fine", "DTSTART;VALUE=DATE:20261002")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "calendar.ics: the file: no calendar is in it; expected an iCalendar file"),
        (b"hello", "calendar.ics: line 1: this is not iCalendar: 'hello'"),
        (
            ics(GOOD).replace("VERSION:2.0", "VERSION 2.0"),
            "calendar.ics: line 2: this is not iCalendar: 'VERSION 2.0'",
        ),
        (b"BEGIN:VCALENDAR\r\nX:\xff\r\n", "calendar.ics: line 2: a character is not UTF-8"),
        (b"X" * (1 << 21), "calendar.ics: the file: it is too long; expected at most 1 MiB"),
        (ics(GOOD * 5001), "calendar.ics: the file: 5001 events are in it; expected at most 5000"),
        (ics(GOOD, event("Bad", "DTSTART:2026xx")), "calendar.ics: event 2 ('Bad'): "),
        (ics(event("Bad")), "calendar.ics: event 1 ('Bad'): it has no DTSTART; expected the date or"),
        (
            ics(event("Bad", "DTSTART;TZID=Nowhere/At-all:20261002T100000")),
            "calendar.ics: event 1 ('Bad'): nobody knows its time zone 'Nowhere/At-all'",
        ),
        (
            ics(event("Bad", "DTSTART;VALUE=DATE:20261002", "DTEND;VALUE=DATE:20260930")),
            "calendar.ics: event 1 ('Bad'): it goes from 2026-10-02 to 2026-09-30; expected",
        ),
        (
            ics(event("Bad", "DTSTART;VALUE=DATE:20261002", "DTEND;VALUE=DATE:20471002")),
            "calendar.ics: event 1 ('Bad'): it goes from 2026-10-02 to 2047-10-0",
        ),
        (
            ics(event("Bad", "DTSTART:20261002T100000", "RRULE:FREQ=SECONDLY")),
            "calendar.ics: event 1 ('Bad'): it repeats by 'SECONDLY'; expected DAILY, WEEKLY",
        ),
        (
            ics(event("Bad", "DTSTART:20261002T100000", "RRULE:FREQ=DAILY;BYHOUR=1,2,3")),
            "calendar.ics: event 1 ('Bad'): it repeats by 'BYHOUR'; expected DAILY, WEEKLY",
        ),
        (
            ics(event("Bad", "DTSTART:20261002T100000", "RRULE:FREQ=DAILY;INTERVAL=0")),
            "calendar.ics: event 1 ('Bad'): its repetition is out of all range; expected an INTERVAL of",
        ),
        (
            ics(event("Bad", "DTSTART:00010101T100000", "RRULE:FREQ=DAILY")),
            "calendar.ics: event 1 ('Bad'): 0001-01-01T10:00:00 is no date here; expected a date from 1900",
        ),
        (
            ics(event("Bad", "DTSTART;VALUE=DATE:20261002", "DTSTART;VALUE=DATE:20261003")),
            "calendar.ics: event 1 ('Bad'): DTSTART stands there twice; expected times as RFC 5545",
        ),
        (
            ics(event("Bad", "DTSTART:20261002T100000", "RECURRENCE-ID;VALUE=TIME:100000")),
            "calendar.ics: event 1 ('Bad'): 10:00:00 is no date here",
        ),
        (
            ics(event("Bad", "DTSTART:20261002T100000", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261001T100000")),
            "calendar.ics: event 1 ('Bad'): it moves all events after it too (RANGE); expected an event of",
        ),
        (
            ics(event("Bad", "DTSTART;VALUE=DATE:20261002", "DURATION:P999999999D")),
            "calendar.ics: event 1 ('Bad'): it lasts 999999999 days",
        ),
        (
            ics(*(event("Often", "DTSTART;VALUE=DATE:20261002", "RRULE:FREQ=DAILY") for _ in range(101))),
            "calendar.ics: event 101 ('Often'): more than 100 events are repeated",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line_or_event(
    read: Read, content: str | bytes, told: str
) -> None:
    (line,) = read(content)[1]
    assert line.startswith(told)


def test_a_file_that_is_not_there_is_told(read: Read, tmp_path: Path) -> None:
    _, (line,) = read(ics(), keys=MAPPING, own='calendar.ics = "none.ics"\n')
    assert line.startswith("none.ics: the file: it cannot be read: no such file or directory; expected")


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",  # never
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",  # never, from a Monday
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=5MO;BYSETPOS=9",
        "FREQ=DAILY;COUNT=999999999",
    ],
)
def test_no_repetition_keeps_the_reader_for_long(tmp_path: Path, rule: str) -> None:
    path = tmp_path / "calendar.ics"
    path.write_text(ics(*(event("x", "DTSTART;VALUE=DATE:20260831", f"RRULE:{rule}") for _ in range(5))))
    began = clocks.monotonic()
    read_ics(path, YEARS, ZONE, [])
    assert clocks.monotonic() - began < 5


PART = st.one_of(
    st.sampled_from(
        ["BYDAY=MO,WE", "BYDAY=FR", "BYMONTH=2,11", "BYMONTHDAY=29", "BYMONTHDAY=-1", "COUNT=40"]
    ),
    st.integers(1, 30).map(lambda number: f"INTERVAL={number}"),
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.lists(PART, max_size=3, unique_by=lambda part: part.split("=")[0]),
    st.dates(date(1996, 1, 1), date(2027, 6, 1)),
)
def test_four_hundred_years_later_dates_are_the_same(
    tmp_path: Path, frequency: str, parts: list[str], start: date
) -> None:
    rule = ";".join([f"FREQ={frequency}", *parts])
    path = tmp_path / "calendar.ics"
    path.write_text(ics(event("x", f"DTSTART;VALUE=DATE:{start:%Y%m%d}", f"RRULE:{rule}")))
    first, last = YEARS[0]
    midnight = datetime.combine(start, time())
    within = rrulestr(rule, dtstart=midnight).between(
        datetime.combine(first, time()), datetime.combine(last + timedelta(days=1), time()), inc=True
    )
    expected = {at.date() for at in within} | {start}  # RFC 5545: DTSTART is always the first
    found = read_ics(path, YEARS, ZONE, [])
    assert {day for each in found for day in each.dates} == {d for d in expected if first <= d <= last}
