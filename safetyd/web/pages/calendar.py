"""The school year of a building: its months, day by day, and how its days add up.

Rule: what a day is, is asked of the calendar by which deadlines are counted. It changes in the site file.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from safetyd.calendar_words import calendar_warnings, calendar_words, counted, day_words
from safetyd.core.calendar import Calendar, Year
from safetyd.view import View
from safetyd.web.access import sees
from safetyd.web.answers import building_of
from safetyd.web.pages.page import Answer, Sheet, Visit
from safetyd.web.problems import Problem

_A_DAY = timedelta(days=1)
_MOST_MONTHS = 24


class Kind(StrEnum):
    """What a day is, as it is shown."""

    STUDENTS = "students"
    SHORT = "short"
    WORK = "work"
    HOLIDAY = "holiday"
    CLOSED = "closed"
    FREE = "free"
    OUTSIDE = "outside"


WORDS = {
    Kind.STUDENTS: "students in class",
    Kind.SHORT: "other hours than usual",
    Kind.WORK: "work without students",
    Kind.HOLIDAY: "paid holiday",
    Kind.CLOSED: "closed",
    Kind.FREE: "weekend",
    Kind.OUTSIDE: "not of this work year",
}


def calendar(view: View, visit: Visit) -> Answer:
    """Return the months of a work year."""
    site, wanted = view.site, visit.query.get("building", "")
    seen = [each for each in site.buildings if sees(visit.account, each.id)]
    building = building_of(site, visit.account, wanted) if wanted else seen[0] if seen else None
    own = building.calendar if building is not None else None
    used = own or site.calendar
    today = view.at.astimezone(used.timezone).date()
    years = sorted(used.work_years)
    year = _year(visit.query.get("year", ""), used, view)
    whose = f"{building.name}'s" if own is not None and building is not None else "the"
    shown = {
        "building": building,
        "is_own": own is not None,
        "is_blank": used.has_every_hour,
        "lines": list(calendar_words(used)),
        "warnings": list(calendar_warnings(used, whose)),
        "years": years,
        "year": year,
        "counted": counted(used, year) if year else "",
        "months": list(_months(used, year, today)) if year else [],
        "legend": [(each, WORDS[each]) for each in Kind],
        "own": [each.name for each in seen if each.calendar is not None],
        "fingerprint": used.fingerprint,
    }
    return Sheet("calendar.html", shown)


def _year(asked: str, used: Calendar, view: View) -> Year | None:
    if not used.work_years:
        return None
    if not asked:
        return used.work_year(view.at) or max(used.work_years)
    found = next((each for each in used.work_years if str(each[0]) == asked), None)
    if found is None:
        raise Problem(400, f"year: no work year begins on {asked[:40]!r}")
    return found


def _months(used: Calendar, year: Year, today: date) -> Iterator[dict[str, Any]]:
    """Yield each month of a work year by weeks, with what each day is, and how many there are."""
    first = year[0].replace(day=1)
    for _ in range(_MOST_MONTHS):
        if first > year[1]:
            return
        following = (first + 31 * _A_DAY).replace(day=1)
        days = [first + number * _A_DAY for number in range((following - first).days)]
        shown = [_day(each, used, year, today) for each in days]
        blanks = [None] * first.weekday()
        cells = [*blanks, *shown]
        cells += [None] * (-len(cells) % 7)
        yield {
            "name": f"{first:%B %Y}",
            "weeks": [cells[at : at + 7] for at in range(0, len(cells), 7)],
            "students": sum(each["has_students"] for each in shown),
            "work": sum(each["is_work"] for each in shown),
            "notes": [each for each in shown if each["said"]],
        }
        first = following


def _day(day: date, used: Calendar, year: Year, today: date) -> dict[str, Any]:
    said = used.day(day)
    is_inside = year[0] <= day <= year[1]
    is_work = is_inside and used.is_work_day(day)
    kind = _kind(day, used, is_inside=is_inside)
    own = day_words(day, said, used) if is_inside and day in used.dates else ""
    return {
        "date": day,
        "kind": kind,
        "words": own or WORDS[kind],
        "said": own,
        "is_work": is_work,
        "has_students": is_work and said.has_students,
        "is_today": day == today,
    }


def _kind(day: date, used: Calendar, *, is_inside: bool) -> Kind:
    if not is_inside:
        return Kind.OUTSIDE
    if used.is_work_day(day):
        said = used.day(day)
        if not said.has_students:
            return Kind.WORK
        return Kind.SHORT if said.student_hours or said.work_hours else Kind.STUDENTS
    if day in used.holidays:
        return Kind.HOLIDAY
    return Kind.CLOSED if day in used.closed else Kind.FREE
