"""When educators are at work and students in class, in the building's own time.

Rule: the hours of a day are one span of time, from the first moment at which the clock on the wall shows
their beginning to the last at which it shows their end, so a day of 23 or 25 hours needs no special case.
Without a calendar every hour counts as work and as a student day; of a date inside the work year nothing
said but its weekday makes it one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from safetyd.core.book import fingerprint

_A_DAY = timedelta(days=1)
_A_GRAIN = timedelta(microseconds=1)

Span = tuple[datetime, datetime]  # UTC; the second is the first moment after it
Year = tuple[date, date]  # both included


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of one day by the wall clock, from the first minute up to the last."""

    begin: time
    end: time


@dataclass(frozen=True, slots=True)
class Day:
    """What is said of one date; what is None there is as usual.

    With `is_open` people work there whatever else would close it (a make-up day); `has_students` is False on
    a day of work without them.
    """

    work_hours: Hours | None = None
    student_hours: Hours | None = None
    is_open: bool = False
    has_students: bool = True
    note: str = ""


_USUAL = Day()


@dataclass(frozen=True, slots=True)
class Calendar:
    """A building's days: work years (first and last day, both included), hours, and days that are closed.

    A work year that is absent bounds nothing; hours that are absent cover the whole day; without all of them
    every moment counts. `dates` says what is unusual about a date, `holidays` which closed days are paid and
    so count as contract days, `contract_days` how many of these each work year ought to have.
    """

    timezone: ZoneInfo
    work_years: tuple[Year, ...] = ()
    work_hours: Hours | None = None
    student_hours: Hours | None = None
    closed: frozenset[date] = field(default_factory=frozenset)
    dates: Mapping[date, Day] = field(default_factory=lambda: MappingProxyType({}))
    holidays: frozenset[date] = field(default_factory=frozenset)
    contract_days: tuple[int, ...] = ()

    def day(self, day: date) -> Day:
        """Return what is said of a date."""
        return self.dates.get(day, _USUAL)

    def is_work_day(self, day: date) -> bool:
        """Return whether educators are at work on a date."""
        if self.day(day).is_open or self._is_blank():
            return True
        is_inside = not self.work_years or any(first <= day <= last for first, last in self.work_years)
        return is_inside and day.weekday() < 5 and day not in self.closed

    def is_student_time(self, at: datetime) -> bool:
        """Return whether `at` falls in the student day (9.14.3.C holds then)."""
        day = self._date(at)
        begin, end = self._span(day, self.day(day).student_hours or self.student_hours)
        return self.is_work_day(day) and self.day(day).has_students and begin <= at < end

    def student_span(self, day: date) -> Span | None:
        """Return when students are in class on a date; None when they are not."""
        if not (self.is_work_day(day) and self.day(day).has_students):
            return None
        return self._span(day, self.day(day).student_hours or self.student_hours)

    def is_work_time(self, at: datetime) -> bool:
        """Return whether `at` falls in work hours of a work day."""
        return self.work_end(at) is not None

    def work_end(self, at: datetime) -> datetime | None:
        """Return when the work hours that hold `at` are over; None when none hold it."""
        day = self._date(at)
        begin, end = self._work(day)
        return end if self.is_work_day(day) and begin <= at < end else None

    def next_work_begin(self, at: datetime) -> datetime | None:
        """Return the moment the next work hours begin, or `at` itself inside them; None when none will."""
        if self.is_work_time(at):
            return at
        for day in self._days_from(self._date(at)):
            if self.is_work_day(day):
                begin, end = self._work(day)
                if at < begin < end:
                    return begin
        return None

    def work_year(self, at: datetime) -> Year | None:
        """Return the work year that holds `at`, or the next one; None after the last."""
        return next((year for year in sorted(self.work_years) if at < self.year_end(year)), None)

    def work_year_end(self, at: datetime) -> datetime | None:
        """Return the end of the work year that holds `at`, or of the next."""
        year = self.work_year(at)
        return None if year is None else self.year_end(year)

    def is_between_years(self, at: datetime) -> bool:
        """Return whether `at` falls in no work year and another one is to come."""
        year = self.work_year(at)
        return year is not None and at < self._moment(year[0], time())

    def days_of_work(self, year: Year) -> int:
        """Return how many days of a work year educators are at work."""
        return sum(map(self.is_work_day, _days(year)))

    def paid_holidays(self, year: Year) -> int:
        """Return how many paid holidays of a work year are no days of work."""
        return sum(day in self.holidays and not self.is_work_day(day) for day in _days(year))

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the hash of all that tells one moment from another, as canonical JSON."""
        return fingerprint(self.plain())

    def plain(self) -> dict[str, Any]:
        """Return all that tells one moment from another."""
        return {
            "timezone": self.timezone.key,
            "work_years": [[str(day) for day in year] for year in sorted(self.work_years)],
            "work_hours": _plain(self.work_hours),
            "student_hours": _plain(self.student_hours),
            "closed": sorted(map(str, self.closed)),
            "dates": {
                str(date): [_plain(day.work_hours), _plain(day.student_hours), day.is_open, day.has_students]
                for date, day in self.dates.items()
                if replace(day, note="") != _USUAL
            },
        }

    @property
    def has_every_hour(self) -> bool:
        """Whether nothing is said of days and hours, so that every moment counts."""
        return self._is_blank()

    def _is_blank(self) -> bool:
        return not (self.work_years or self.work_hours or self.student_hours or self.closed or self.dates)

    def year_end(self, year: Year) -> datetime:
        """Return the end of work on the last day of a work year (9.9.4.C: within the work year).

        A last day that is closed gives way to the last day of work before it.
        """
        last = year[1]
        if last in self.closed and not self.is_work_day(last):
            last = max(filter(self.is_work_day, _days(year)), default=last)
        return self._work(last)[1]

    def _days_from(self, day: date) -> Iterator[date]:
        horizon = max((last for _, last in self.work_years), default=day + 400 * _A_DAY)
        while day <= horizon:
            yield day
            day += _A_DAY

    def _date(self, at: datetime) -> date:
        return at.astimezone(self.timezone).date()

    def _work(self, day: date) -> Span:
        return self._span(day, self.day(day).work_hours or self.work_hours)

    def _span(self, day: date, hours: Hours | None) -> Span:
        if hours is None:
            return self._moment(day, time()), self._moment(day + _A_DAY, time())
        return self._moment(day, hours.begin), self._moment(day, hours.end, is_last=True)

    def _moment(self, day: date, clock: time, *, is_last: bool = False) -> datetime:
        """Return the first moment, or the last, at which the wall shows a time; that of the clock's being
        put forward if it never does."""
        wall = datetime.combine(day, clock, self.timezone)
        moment = wall.replace(fold=is_last).astimezone(UTC)
        if moment.astimezone(self.timezone).replace(tzinfo=None) == wall.replace(tzinfo=None):
            return moment
        before, after = sorted(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        offset = before.astimezone(self.timezone).utcoffset()
        while after - before > _A_GRAIN:
            middle = before + (after - before) / 2
            if middle.astimezone(self.timezone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after


def _days(year: Year) -> Iterator[date]:
    first, last = year
    return (first + _A_DAY * number for number in range((last - first).days + 1))


def _plain(hours: Hours | None) -> list[str] | None:
    return None if hours is None else [hours.begin.isoformat(), hours.end.isoformat()]
