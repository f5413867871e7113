"""What is counted of a season: tickets, time in breach, deadlines missed, by building and month.

Rule: a ticket counts in the month in which it opened, a missed deadline in the month in which it fell due,
time where it was spent. Months and hours of class are the building's own. Spans are whole microseconds.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from safetyd.core.calendar import Calendar, Span
from safetyd.core.errors import SafetydError
from safetyd.core.ticket import Due, Ticket
from safetyd.core.world import Facts
from safetyd.times import months

_GRAIN = timedelta(microseconds=1)
_A_DAY = timedelta(days=1)
_MISSED = (Due.MISSED, Due.MET_LATE)

Key = tuple[str, date]  # a building, and the first day of a month


class WhatIfError(SafetydError):
    """A supposition that cannot be worked out."""


class Figures(NamedTuple):
    """`unrelieved` are missed deadlines of tickets of which the record knows nothing: relief neither."""

    tickets: int = 0
    breach: int = 0
    student: int = 0
    missed: int = 0
    unrelieved: int = 0


NOTHING = Figures()


def together(parts: Iterable[Figures]) -> Figures:
    """Return the sum of some figures."""
    return Figures(*(sum(column) for column in zip(NOTHING, *parts, strict=True)))


class Ledger:
    """Adds up the time of one side."""

    def __init__(self, facts: Facts, begin: datetime, end: datetime) -> None:
        self._facts = facts
        self._edges = [(since, day) for day, since, _ in months(begin, end, facts.timezone)]
        self.rows: dict[Key, Figures] = {}
        self.known: dict[Key, int] = {}
        self.in_class: set[Key] = set()
        self._parts: dict[tuple[str, datetime], tuple[Key, float]] = {}
        self._spent: dict[Key, list[int]] = {}

    def add_breach(self, building: str, begin: datetime, end: datetime) -> None:
        """Add a span in breach."""
        calendar = self._facts.calendar_of(building)
        for month, since, until in self._pieces(begin, end):
            whole = (until - since) // _GRAIN
            student = in_class(calendar, since, until) // _GRAIN
            self._add(building, month, Figures(breach=whole, student=student))

    def add_part(self, building: str, begin: datetime, width: timedelta, micros: int) -> None:
        """Add so much of a short span, in which one moment is as good as another."""
        known = self._parts.get((building, begin))
        if known is None:
            student = in_class(self._facts.calendar_of(building), begin, begin + width) / width
            known = self._parts[building, begin] = (building, self._month(begin)), student
        key, student = known
        spent = self._spent.setdefault(key, [0, 0])
        spent[0] += micros
        spent[1] += round(micros * student)

    def close(self) -> None:
        """Take up what was added in parts."""
        for (building, month), (breach, student) in self._spent.items():
            self._add(building, month, Figures(breach=breach, student=student))
        self._spent.clear()

    def add_known(self, building: str, begin: datetime, end: datetime) -> None:
        """Add a span of which everything is known."""
        for month, since, until in self._pieces(begin, end):
            key = building, month
            self.known[key] = self.known.get(key, 0) + (until - since) // _GRAIN
            if key not in self.in_class and in_class(self._facts.calendar_of(building), since, until):
                self.in_class.add(key)

    def add_tickets(self, tickets: Iterable[Ticket], is_on_record: Callable[[Ticket], bool]) -> None:
        """Add tickets, and what was missed of them."""
        for ticket in tickets:
            building = ticket.place.building
            self._add(building, self._month(ticket.opened_at), Figures(tickets=1))
            for deadline in ticket.deadlines:
                if deadline.state in _MISSED and deadline.due_at is not None:
                    missed = Figures(missed=1, unrelieved=int(not is_on_record(ticket)))
                    self._add(building, self._month(deadline.due_at), missed)

    def _add(self, building: str, month: date, more: Figures) -> None:
        key = building, month
        self.rows[key] = together((self.rows.get(key, NOTHING), more))

    def _month(self, at: datetime) -> date:
        return self._edges[max(0, bisect_right(self._edges, at, key=_beginning) - 1)][1]

    def _pieces(self, begin: datetime, end: datetime) -> Iterator[tuple[date, datetime, datetime]]:
        while begin < end:
            position = max(0, bisect_right(self._edges, begin, key=_beginning) - 1)
            last = position + 1 == len(self._edges)
            until = end if last else min(end, self._edges[position + 1][0])
            yield self._edges[position][1], begin, until
            begin = until


def _beginning(edge: tuple[datetime, date]) -> datetime:
    return edge[0]


def in_class(calendar: Calendar, begin: datetime, end: datetime) -> timedelta:
    """Return how much of a span falls in the student day."""
    if calendar.has_every_hour:
        return end - begin
    spans = class_spans(calendar, begin, end)
    return sum((until - since for since, until in spans), timedelta(0))


def class_spans(calendar: Calendar, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the student days of a span, as far as they lie in it; all of it without a calendar."""
    if calendar.has_every_hour:
        yield begin, end
        return
    day, last = begin.astimezone(calendar.timezone).date(), end.astimezone(calendar.timezone).date()
    while day <= last:
        span = _class_of(_Known(calendar), day)
        if span is not None and max(begin, span[0]) < min(end, span[1]):
            yield max(begin, span[0]), min(end, span[1])
        day += _A_DAY


class _Known:
    """A calendar, known again by what it is and not by what it holds, which takes long to compare."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar

    def __hash__(self) -> int:
        return id(self.calendar)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.calendar is self.calendar


@lru_cache(maxsize=4096)
def _class_of(known: _Known, day: date) -> Span | None:
    return known.calendar.student_span(day)


class Outcome(NamedTuple):
    """What one side came to: its rows, how much was known, its tickets, and where anything of the student day
    was known."""

    rows: Mapping[Key, Figures]
    known: Mapping[Key, int]
    tickets: tuple[Ticket, ...]
    in_class: Collection[Key] = ()


def joined(parts: Sequence[Outcome]) -> Outcome:
    """Return the outcomes of several buildings as one."""
    rows: dict[Key, Figures] = {}
    known: dict[Key, int] = {}
    for part in parts:
        rows |= part.rows
        known |= part.known
    tickets = tuple(ticket for part in parts for ticket in part.tickets)
    return Outcome(rows, known, tickets, {key for part in parts for key in part.in_class})
