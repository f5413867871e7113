"""What a calendar means, in words: its work years and their days, its hours, and the dates unlike others.

Rule: nothing here decides. Days that do not add up are a warning and not a fault: a snow day must never keep
the rooms from being watched.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from safetyd.core.calendar import Calendar, Day, Hours, Year

_A_DAY = timedelta(days=1)
_MOST_NAMED = 20


def calendar_words(calendar: Calendar) -> Iterator[str]:
    """Yield the lines that say a calendar."""
    if calendar == Calendar(calendar.timezone):
        yield "No calendar: every hour counts as a student day, and midterm relief has no date."
        return
    years = listed(f"{first} to {last}" for first, last in calendar.work_years)
    work, student = _hours(calendar.work_hours), _hours(calendar.student_hours)
    closed = "1 day" if len(calendar.closed) == 1 else f"{len(calendar.closed) or 'no'} days"
    yield f"Work year: {years or 'none, so midterm relief has no date'}; closed on {closed}."
    for number, year in enumerate(calendar.work_years):
        is_right = _off(calendar, number, year) == 0
        adds_up = ": they add up to its contract_days" if is_right else ""
        yield f"  {year[0]} to {year[1]} has {counted(calendar, year)}{adds_up}."
    yield f"Work hours {work}, student hours {student}, Monday to Friday."
    for first, last, words in _unusual(calendar):
        yield f"  {first}{f' to {last}' if last != first else ''}: {words}"
    version = f"Version {calendar.fingerprint[:19]}…"
    yield f"{version}: each ticket names the version by which its midterm relief was promised."


def own_words(calendar: Calendar, usual: Calendar) -> Iterator[str]:
    """Yield what a building's calendar says that the usual one does not."""
    said = set(calendar_words(usual))
    yield from (line for line in calendar_words(calendar) if line not in said)
    for told, days in (
        ("closed here only", calendar.closed - usual.closed),
        ("closed elsewhere only", usual.closed - calendar.closed),
    ):
        if days:
            more = f" and {len(days) - _MOST_NAMED} more" if len(days) > _MOST_NAMED else ""
            yield f"  {told}: {', '.join(map(str, sorted(days)[:_MOST_NAMED]))}{more}"


def calendar_warnings(calendar: Calendar, whose: str) -> Iterator[str]:
    """Yield what is allowed and probably not meant; `whose` begins the sentence."""
    for number, year in enumerate(calendar.work_years):
        off = _off(calendar, number, year)
        if off:
            apart = f"{abs(off)} {'more' if off > 0 else 'fewer'}"
            yield (
                f"{whose} work year {year[0]} to {year[1]} has {counted(calendar, year)}, {apart} than "
                f"its contract_days ({calendar.contract_days[number]}); look under closed, holidays and "
                f"dates for what is {'missing' if off > 0 else 'too much'}."
            )
        if calendar.day(year[1]).is_open or calendar.is_work_day(year[1]):
            continue
        yield (
            f"nobody works on {year[1]}, the last day of {whose} work year; "
            f"midterm relief is due by {_due(calendar, year)} all the same."
        )


def _off(calendar: Calendar, number: int, year: Year) -> int | None:
    """Return by how many contract days a work year is off; None where the number is not said."""
    if number >= len(calendar.contract_days):
        return None
    return calendar.days_of_work(year) + calendar.paid_holidays(year) - calendar.contract_days[number]


def listed(words: Iterable[str], joined: str = "and") -> str:
    """Return words as people list them."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} {joined} {last}" if first else last


def _due(calendar: Calendar, year: Year) -> str:
    moment = calendar.year_end(year) - timedelta(microseconds=1)
    return f"{moment.astimezone(calendar.timezone):%Y-%m-%d}"


def counted(calendar: Calendar, year: Year) -> str:
    """Return how many contract days a work year has, and how many of them are paid holidays."""
    work, paid = calendar.days_of_work(year), calendar.paid_holidays(year)
    said = f"{work + paid} contract days"
    if paid:
        said += f" ({work} of work, {paid} paid {'holiday' if paid == 1 else 'holidays'})"
    return said


def _unusual(calendar: Calendar) -> Iterator[tuple[date, date, str]]:
    """Yield what is said of dates, days in a row of which the same is said as one."""
    standing: tuple[date, date, str] | None = None
    for day, said in sorted(calendar.dates.items()):
        words = day_words(day, said, calendar)
        if standing is not None and standing[1] + _A_DAY == day and standing[2] == words:
            standing = (standing[0], day, words)
            continue
        if standing is not None:
            yield standing
        standing = (day, day, words)
    if standing is not None:
        yield standing


def day_words(day: date, said: Day, calendar: Calendar) -> str:
    """Return what is said of a date."""
    parts = []
    if said.is_open:
        parts.append("open, a make-up day")
    elif day in calendar.closed:
        parts.append("closed, a paid holiday" if day in calendar.holidays else "closed")
    if not said.has_students:
        parts.append("work without students")
    if said.student_hours:
        kind = _kind(said.student_hours, calendar.student_hours)
        parts.append(f"{kind}students {_hours(said.student_hours)}")
    if said.work_hours:
        parts.append(f"work {_hours(said.work_hours)}")
    return ", ".join(parts) + (f" ({said.note})" if said.note else "")


def _kind(hours: Hours, usual: Hours | None) -> str:
    if usual is None:
        return ""
    late, early = hours.begin > usual.begin, hours.end < usual.end
    kinds = [*(["late start"] if late else []), *(["early release"] if early else [])]
    return f"{' and '.join(kinds)}, " if kinds else ""


def _hours(hours: Hours | None) -> str:
    return f"{hours.begin:%H:%M} to {hours.end:%H:%M}" if hours else "all day"
