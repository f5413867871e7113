"""A school's calendar file (iCalendar, RFC 5545): on which dates which of its events fall.

Rule: what an event means is for the site file to say. Whatever the file holds, reading it comes to an end:
its size, its events and their recurrence are bounded, and only the dates of the work years are looked at.
"""

from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.calendar import Year
from safetyd.faults import Fault, Misfit, shown

_MOST_BYTES = 1 << 20
_MOST_EVENTS, _MOST_REPEATING = 5000, 100
_MOST_DAYS = 366  # of one event
_MOST_VALUES = 62  # of one part of a rule: each day of a month, from both ends
_YEARS = range(1900, 2200)
_A_DAY = timedelta(days=1)
_CYCLE = 400  # years after which dates and weekdays are the same again
_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_ONCE = ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID")
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST")


class Event(NamedTuple):
    """One event: what it says of itself, and the dates within the work years on which it is."""

    title: str
    categories: tuple[str, ...]
    dates: tuple[date, ...]


class _Start(NamedTuple):
    """The first day of an event, the clock at its beginning, and how many days it touches."""

    day: date
    clock: time
    days: int


def read_ics(path: Path, years: tuple[Year, ...], zone: ZoneInfo, faults: list[Fault]) -> list[Event]:
    """Return the events of a file in their order, all faults noted; those of no date here are left out."""
    content = _content(path, faults)
    if content is None:
        return []
    events = _events(path, content, faults)
    moved = _moved(events, zone)
    found = []
    repeating = 0
    for number, event in enumerate(events, 1):
        place = f"event {number} ({shown(str(event.get('SUMMARY', '')))})"
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        try:
            repeating += "RRULE" in event
            if repeating > _MOST_REPEATING:
                told = f"more than {_MOST_REPEATING} events are repeated"
                raise Misfit(told, "the calendar of one school")
            dates = _dates(event, years, zone, moved)
        except Misfit as misfit:
            faults.append(Fault(str(path), place, misfit.value, misfit.expected))
            if repeating > _MOST_REPEATING:
                break
            continue
        if dates:
            found.append(Event(str(event.get("SUMMARY", "")).strip(), _categories(event), dates))
    return found


def _content(path: Path, faults: list[Fault]) -> bytes | None:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        faults.append(Fault(str(path), "the file", f"it cannot be read: {reason}", "an iCalendar file"))
        return None
    if len(content) > _MOST_BYTES:
        most = f"at most {_MOST_BYTES >> 20} MiB: the calendar of one school"
        faults.append(Fault(str(path), "the file", "it is too long", most))
        return None
    return content


def _events(path: Path, content: bytes, faults: list[Fault]) -> list[Any]:
    from icalendar import Calendar

    expected = "an iCalendar file (RFC 5545), as a school calendar exports it"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        faults.append(Fault(str(path), f"line {line}", "a character is not UTF-8", expected))
        return []
    try:
        calendars = Calendar.from_ical(text, multiple=True)
        events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, RecursionError) as error:
        place, reason = _first_fault(text, error)
        faults.append(Fault(str(path), place, f"this is not iCalendar: {reason}", expected))
        return []
    if not calendars:
        faults.append(Fault(str(path), "the file", "no calendar is in it", expected))
    if len(events) > _MOST_EVENTS:
        told = f"{len(events)} events are in it"
        faults.append(Fault(str(path), "the file", told, f"at most {_MOST_EVENTS}: one school's calendar"))
        return []
    return events


def _first_fault(text: str, error: Exception) -> tuple[str, str]:
    """Return the first line that is none of iCalendar, or the whole file, and the reason."""
    from icalendar.parser import Contentline

    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line[:1] in ("", " ", "\t"):
            continue  # the rest of the line before it
        try:
            Contentline(line).parts()  # type: ignore[no-untyped-call]
        except ValueError:
            is_folded = number < len(lines) and lines[number][:1] in (" ", "\t")
            if not is_folded:
                return f"line {number}", shown(line)
    return "the file", shown(str(error)).strip("'\"") or type(error).__name__


def _categories(event: Any) -> tuple[str, ...]:
    given = event.get("CATEGORIES", [])
    several = given if isinstance(given, list) else [given]
    return tuple(str(word) for each in several for word in getattr(each, "cats", ()))


def _moved(events: list[Any], zone: ZoneInfo) -> dict[str, set[date]]:
    """Return by UID the dates of repeated events that another event stands for."""
    found: dict[str, set[date]] = {}
    for event in events:
        given = event.get("RECURRENCE-ID")
        if given is None or _broken(event):
            continue  # told when the event itself is read
        try:
            found.setdefault(str(event.get("UID", "")), set()).add(_local(given.dt, zone)[0])
        except Misfit:
            continue
    return found


def _broken(event: Any) -> str:
    """Return what is wrong with the times of an event; nothing when they could be read."""
    told = (f"{name or 'a line'}: {reason}" for name, reason in event.errors if name in (None, *_TIMES))
    twice = (f"{name} stands there twice" for name in _ONCE if isinstance(event.get(name), list))
    return next(told, "") or next(twice, "")


def _dates(
    event: Any, years: tuple[Year, ...], zone: ZoneInfo, moved: dict[str, set[date]]
) -> tuple[date, ...]:
    if reason := _broken(event):
        raise Misfit(shown(reason).strip("'\""), "times as RFC 5545 writes them")
    start = _start(event, zone)
    begins = {start.day}
    if "RRULE" in event:
        begins |= set(_repeated(event["RRULE"], start, years, zone))
    begins |= _listed(event, "RDATE", zone)
    begins -= _listed(event, "EXDATE", zone)
    instead_of = event.get("RECURRENCE-ID")
    if instead_of is None:
        begins -= moved.get(str(event.get("UID", "")), set())
    elif "RANGE" in instead_of.params:
        raise Misfit("it moves all events after it too (RANGE)", "an event of its own for each date")
    else:
        _local(instead_of.dt, zone)
    dates = {begin + _A_DAY * number for begin in begins for number in range(start.days)}
    return tuple(sorted(day for day in dates if any(first <= day <= last for first, last in years)))


def _start(event: Any, zone: ZoneInfo) -> _Start:
    given = event.get("DTSTART")
    if given is None:
        raise Misfit("it has no DTSTART", "the date or the time at which it begins")
    for name in ("DTSTART", "DTEND"):
        at = event.get(name)
        if at is not None and "TZID" in at.params and getattr(at.dt, "tzinfo", None) is None:
            raise Misfit(f"nobody knows its time zone {shown(at.params['TZID'])}", "one of the tz database")
    day, clock = _local(given.dt, zone)
    if event.get("DTEND") is None:
        lasts = event["DURATION"].dt if "DURATION" in event else timedelta(0)
        if not isinstance(lasts, timedelta):
            raise Misfit(f"its duration is {shown(lasts)}", "one such as PT1H or P2D")
        is_moment = isinstance(given.dt, datetime)
        end = _shifted(given.dt, lasts if is_moment or lasts else _A_DAY)
    else:
        end = event["DTEND"].dt
    last, ends = _local(end, zone)
    if ends == time() and last > day:
        last -= _A_DAY  # the end is the first moment after it
    if not 0 <= (last - day).days < _MOST_DAYS:
        told = f"it goes from {day} to {last}"
        raise Misfit(told, f"an event that ends after it begins, within {_MOST_DAYS} days")
    return _Start(day, clock, (last - day).days + 1)


def _shifted(at: date, by: timedelta) -> date:
    try:
        return at + by
    except OverflowError:
        raise Misfit(f"it lasts {by.days} days", f"at most {_MOST_DAYS}") from None


def _local(at: Any, zone: ZoneInfo) -> tuple[date, time]:
    """Return the date and the clock on the wall of a moment; of a date, its midnight."""
    if isinstance(at, tuple):  # a period: when it begins
        at = at[0]
    if not isinstance(at, date) or at.year not in _YEARS:
        raise Misfit(f"{shown(at)} is no date here", f"a date from {_YEARS[0]} to {_YEARS[-1]}")
    if not isinstance(at, datetime):
        return at, time()
    local = at if at.tzinfo is None else at.astimezone(zone)
    return local.date(), local.time()


def _listed(event: Any, name: str, zone: ZoneInfo) -> set[date]:
    given = event.get(name, [])
    several = given if isinstance(given, list) else [given]
    return {_local(each.dt, zone)[0] for one in several for each in one.dts}


def _repeated(rule: Any, start: _Start, years: tuple[Year, ...], zone: ZoneInfo) -> Iterator[date]:
    """Yield the dates within the work years on which a repeated event begins.

    The search is made some cycles of 400 years later, where the library's own end of time is near: a rule
    that never holds is given up after 400 years and not after 8000.
    """
    from dateutil.rrule import rrulestr

    frequency = str(next(iter(rule.get("FREQ", [])), "")).upper()
    unknown = [part for part in rule if part not in _PARTS]
    if unknown or frequency not in _FREQUENCIES:
        told = f"it repeats by {shown(', '.join(unknown) or frequency)}"
        raise Misfit(told, f"{', '.join(_FREQUENCIES)} with {', '.join(_PARTS[1:])}")
    if any(len(values) > _MOST_VALUES for values in rule.values()) or rule.get("INTERVAL", [1])[0] < 1:
        raise Misfit("its repetition is out of all range", "an INTERVAL of at least 1, and short lists")
    first = min(first for first, _ in years) - _A_DAY * start.days
    last = max(last for _, last in years)
    if start.day > last:
        return
    ahead = (MAXYEAR - last.year) // _CYCLE * _CYCLE
    until = rule.get("UNTIL", [None])[0]
    if until is not None:
        until, clock = _local(until, zone)
        until -= _A_DAY if isinstance(rule["UNTIL"][0], datetime) and clock < start.clock else timedelta(0)
    bare = {name: value for name, value in rule.items() if name != "UNTIL"}
    text = type(rule)(bare).to_ical().decode()
    try:
        dates = rrulestr(text, dtstart=datetime.combine(_later(start.day, ahead), time()))
        for found in dates:
            day = _later(found.date(), -ahead)
            if day > last or (until is not None and day > until):
                return
            if day >= first:
                yield day
    except (ValueError, OverflowError, TypeError, KeyError) as error:
        raise Misfit(f"its repetition cannot be read: {error}", "an RRULE of RFC 5545") from None


def _later(day: date, years: int) -> date:
    return day.replace(year=day.year + years)
