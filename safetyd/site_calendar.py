"""The `[calendar]` of a site file, and a building's own, turned into the values the core goes by.

Rule: what is said of a date stands over what is said of all days, and what a building says of a date over
what the site says of it. Hours of a day on which nobody is there are a fault, not a silence.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.calendar import Calendar, Day, Year
from safetyd.faults import Fault, Misfit, shown
from safetyd.shapes import day, days, flag, hours, pair, text, whole_within
from safetyd.site_ics import Event, read_ics
from safetyd.tables import Table

_DATES = 'a list of dates, or of spans such as "2026-12-21..2027-01-01"'
_MEANINGS = "closed, holiday, open, students, work_hours and student_hours"
_LONGEST_YEAR = timedelta(days=731)
_CLOSED_WORDS = ("no school", "school closed", "schools closed")  # ours: what says so in these very words
_AFTER = timedelta(days=31)  # a make-up day so long after the work year is still noticed
_MOST_NAMED, _MOST_TITLE = 20, 80


class Meaning(NamedTuple):
    """What a date is said to be: closed (as a holiday it is paid for), or a day with something unusual."""

    is_closed: bool
    is_holiday: bool
    day: Day


@dataclass(slots=True)
class Heard:
    """What the calendars of a site share: which words mean what, the first that holds; and remarks."""

    events: list[tuple[tuple[str, ...], Meaning]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Dates:
    """The dates of one calendar while it is read; what is put later stands."""

    def __init__(self, base: Calendar) -> None:
        self._closed = set(base.closed)
        self._holidays = set(base.holidays)
        self._days = dict(base.dates)

    def put(self, day: date, meaning: Meaning) -> None:
        """Say of a date what it is, and forget what was said before."""
        self._closed.discard(day)
        self._holidays.discard(day)
        self._days.pop(day, None)
        if meaning.is_closed:
            self._closed.add(day)
        if meaning.is_holiday:
            self._holidays.add(day)
        if meaning.day != Day():
            self._days[day] = meaning.day

    def closes(self, day: date) -> bool:
        """Return whether a date has been closed."""
        return day in self._closed

    def into(self, calendar: Calendar) -> Calendar:
        """Return the calendar with these dates."""
        return replace(
            calendar,
            closed=frozenset(self._closed),
            holidays=frozenset(self._holidays),
            dates={day: self._days[day] for day in sorted(self._days)},
        )


def read_calendar(
    table: Table, timezone: ZoneInfo, base: Calendar | None = None, heard: Heard | None = None
) -> Calendar:
    """Return the calendar of a table, and of the base what it leaves out.

    A table with nothing in it, and no base, gives a calendar in which every hour counts. What a school's
    calendar file holds that is nobody's fault and yet not taken is remarked on.
    """
    base = base or Calendar(timezone)
    years = table.get("work_year", _work_years, base.work_years)
    calendar = replace(
        base,
        work_years=years,
        work_hours=table.get("work_hours", hours, base.work_hours),
        student_hours=table.get("student_hours", hours, base.student_hours),
        contract_days=_contract_days(table, years, base),
    )
    dates = Dates(base)
    _add_events(table, calendar, dates, heard or Heard())
    for name, is_holiday in (("closed", False), ("holidays", True)):
        for span in table.each(name, days, _DATES):
            for each in span:
                dates.put(each, Meaning(True, is_holiday, Day()))
    _add_dates(table, calendar, dates)
    table.done()
    return dates.into(calendar)


def _add_dates(table: Table, calendar: Calendar, dates: Dates) -> None:
    said: set[date] = set()
    for entry in table.tables("dates"):
        span = entry.need("on", days, 'a date, or a span such as "2026-12-21..2026-12-23"') or ()
        meaning = read_meaning(entry)
        entry.done()
        for each in span if entry.sound else ():
            if each in said:
                entry.fault("on", f"{each} stands in another entry of dates already", "each date once")
            else:
                for key, value, expected in misplaced(each, meaning, calendar, dates):
                    entry.fault(key, value, expected)
            said.add(each)
            dates.put(each, meaning)


def _add_events(table: Table, calendar: Calendar, dates: Dates, heard: Heard) -> None:
    """Add the dates of the calendar file, by what the site file says that its events mean."""
    meanings = [
        (entry.each("words", text, "a list of words or phrases"), read_meaning(entry, "words"), entry)
        for entry in table.tables("events")
    ]
    for words, _, entry in meanings:
        if entry.sound and not words:
            entry.fault("words", "nothing stands here", "a list of words or phrases of the events meant")
        entry.done()
    if meanings:
        heard.events = [(words, meaning) for words, meaning, _ in meanings] + heard.events
    given = table.get("ics", text, "")
    if not given:
        if meanings:
            table.fault("events", "no calendar file is named", 'ics = "calendar.ics" beside it')
        return
    if not calendar.work_years:
        table.fault("ics", "there is no work year in which to look", "work_year beside it")
        return
    path, found = Path(table.file).parent / given, list[Fault]()
    looked_at = tuple((first, last + _AFTER) for first, last in calendar.work_years)
    events = read_ics(path, looked_at, calendar.timezone, found)
    table.note(found)
    known = heard.events or [(_CLOSED_WORDS, Meaning(True, False, Day()))]
    if not heard.events:
        said = " or ".join(f"“{word}”" for word in _CLOSED_WORDS)
        heard.remarks.append(
            f"{given}: events called {said} are closed days; [[calendar.events]] can say more."
        )
    ranked = [(_rank(event, known), event) for event in events]
    taken: dict[date, tuple[int, str]] = {}
    beside, idle, outside = [], [], []
    for rank, event in sorted(ranked, key=lambda pair: pair[0]):
        for each in event.dates if rank < len(known) else ():
            first = taken.setdefault(each, (rank, event.title))
            if first[0] != rank:
                beside.append(f"{_quoted(event.title)} ({each}, which is {_quoted(first[1])})")
    for each, (rank, title) in sorted(taken.items()):
        meaning = known[rank][1]
        if not any(first <= each <= last for first, last in calendar.work_years):
            outside += [f"{_quoted(title)} ({each})"] if meaning.day.is_open else []
            continue
        if not meaning.is_closed and not meaning.day.is_open and each.weekday() > 4:
            idle.append(f"{_quoted(title)} ({each}, a {each:%A})")
            continue
        note = meaning.day.note or _plain(title)
        dates.put(each, meaning._replace(day=replace(meaning.day, note=note)))
    left = [f"{_quoted(event.title)} ({event.dates[0]})" for rank, event in ranked if rank == len(known)]
    for told, named in (
        ("no words of [[calendar.events]] stand in these, so they change nothing", left),
        ("these stand behind another event of their date", beside),
        ("nobody works on these dates, so they change nothing", idle),
        ("these days of work lie after the work year; let work_year end with the last of them", outside),
    ):
        if named:
            more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
            heard.remarks.append(f"{given}: {told}: {', '.join(named[:_MOST_NAMED])}{more}.")


def _plain(title: str) -> str:
    """Return a title as one line that may be printed."""
    return "".join(filter(str.isprintable, " ".join(title.split())))[:_MOST_TITLE]


def _quoted(title: str) -> str:
    return f"“{_plain(title)}”"


def _rank(event: Event, known: Sequence[tuple[tuple[str, ...], Meaning]]) -> int:
    """Return which entry's words are the first to stand in a title or category, as whole words."""
    named = [" ".join(text.casefold().split()) for text in (event.title, *event.categories)]
    for rank, (words, _) in enumerate(known):
        phrases = [re.escape(" ".join(phrase.casefold().split())) for phrase in words]
        if any(re.search(rf"(?<!\w){phrase}(?!\w)", text) for phrase in phrases for text in named):
            return rank
    return len(known)


def read_meaning(entry: Table, key: str = "on") -> Meaning:
    """Return what an entry says of its dates; an entry that says nothing is a fault at the key."""
    is_closed, is_open = entry.get("closed", flag, False), entry.get("open", flag, False)
    is_holiday = entry.get("holiday", flag, False)
    has_students = entry.get("students", flag, True)
    work, student = entry.get("work_hours", hours, None), entry.get("student_hours", hours, None)
    unusual = Day(work, student, is_open, has_students, entry.get("note", text, ""))
    meaning = Meaning(is_closed or is_holiday, is_holiday, unusual)
    if not entry.sound:
        return meaning
    if meaning.is_closed and (is_open or work or student):
        other = "open" if is_open else "work_hours" if work else "student_hours"
        entry.fault(other, "nobody is there on a day that is closed", "this key or closed, not both")
    elif student and not has_students:
        entry.fault("student_hours", "students = false says that none are there", "one of the two")
    elif not (meaning.is_closed or is_open or work or student) and has_students:
        entry.fault(key, "nothing is said of it", f"one or more of {_MEANINGS}")
    return meaning


def misplaced(
    day: date, meaning: Meaning, calendar: Calendar, dates: Dates
) -> Iterator[tuple[str, str, str]]:
    """Yield key, value and what was expected, where a meaning does not fit the date."""
    if meaning.is_closed:
        return
    if calendar.work_years and not any(first <= day <= last for first, last in calendar.work_years):
        yield "on", f"{day} lies in no work year", "a date of work_year, or a work_year that holds it"
    elif not meaning.day.is_open and (dates.closes(day) or day.weekday() > 4):
        why = "closed" if dates.closes(day) else f"a {day:%A}"
        yield "on", f"{day} is {why}", "open = true beside it, or a day on which people work"


def _contract_days(table: Table, years: tuple[Year, ...], base: Calendar) -> tuple[int, ...]:
    """Return the number for each work year, in their order; one number is every year's."""
    count = whole_within(1, 366)
    if "contract_days" not in table:
        return base.contract_days if years == base.work_years else ()

    def read(value: object) -> tuple[int, ...]:
        if not isinstance(value, list):
            return (count(value),) * len(years)
        if len(value) != len(years):
            raise Misfit(f"{len(value)} numbers for {len(years)} work years", "one number for each work_year")
        return tuple(map(count, value))

    numbers = table.get("contract_days", read, ())
    if table.sound and not years:
        table.fault("contract_days", "there is no work year to count them in", "work_year beside it")
    return numbers


def _work_years(value: object) -> tuple[Year, ...]:
    expected = "[first day, last day], or a list of such pairs"
    if not isinstance(value, list) or not value:
        raise Misfit(f"{shown(value)} is no work year", expected)
    several = value if isinstance(value[0], list) else [value]
    years = sorted(pair(day)(each) for each in several)
    for (_, last), (first, _) in pairwise(years):
        if first <= last:
            raise Misfit(f"the work year from {first} begins before the one before it ends", expected)
    if any(last - first > _LONGEST_YEAR for first, last in years):
        raise Misfit("a work year lasts longer than two years", expected)
    return tuple(years)
