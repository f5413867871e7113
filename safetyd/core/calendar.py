"""When educators are at work and students in class, in the building's own time.

Rule: wall-clock hours are turned into moments by the zone on the day in question, so a day of 23 or 25
hours needs no special case. Without a calendar every hour counts as work and as a student day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of one day by the wall clock, from the first minute up to the last."""

    begin: time
    end: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """A site's days: work years (first and last day, both included), hours, and days that are closed.

    A work year that is absent bounds nothing; hours that are absent cover the whole day; without both
    every moment counts.
    """

    timezone: ZoneInfo
    work_years: tuple[tuple[date, date], ...] = ()
    work_hours: Hours | None = None
    student_hours: Hours | None = None
    closed: frozenset[date] = field(default_factory=frozenset)

    def is_student_time(self, at: datetime) -> bool:
        """Return whether `at` falls in the student day (9.14.3.C holds then)."""
        return self._within(at, self.student_hours)

    def is_work_time(self, at: datetime) -> bool:
        """Return whether `at` falls in work hours of a work day."""
        return self._within(at, self.work_hours)

    def next_work_begin(self, at: datetime) -> datetime | None:
        """Return the moment the next work hours begin, or `at` itself inside them; None when none will."""
        if self.is_work_time(at):
            return at
        begin = self.work_hours.begin if self.work_hours else time()
        for day in self._days_from(at.astimezone(self.timezone).date()):
            if self._is_work_day(day):
                moment = self._moment(day, begin)
                if moment > at:
                    return moment
        return None

    def work_year_end(self, at: datetime) -> datetime | None:
        """Return the end of work hours on the last day of the work year that holds `at`, or of the next."""
        for _, last in sorted(self.work_years):
            end = (
                self._moment(last, self.work_hours.end)
                if self.work_hours
                else self._moment(last + _A_DAY, time())
            )
            if at < end:
                return end
        return None

    def _within(self, at: datetime, hours: Hours | None) -> bool:
        local = at.astimezone(self.timezone)
        if not self._is_work_day(local.date()):
            return False
        return hours is None or hours.begin <= local.time() < hours.end

    def _is_work_day(self, day: date) -> bool:
        if not self.work_years:
            return True if self._is_blank() else day.weekday() < 5 and day not in self.closed
        inside = any(first <= day <= last for first, last in self.work_years)
        return inside and day.weekday() < 5 and day not in self.closed

    def _is_blank(self) -> bool:
        return not (self.work_hours or self.student_hours or self.closed)

    def _days_from(self, day: date) -> Iterator[date]:
        horizon = max((last for _, last in self.work_years), default=day + 400 * _A_DAY)
        while day <= horizon:
            yield day
            day += _A_DAY

    def _moment(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.timezone).astimezone(UTC)
