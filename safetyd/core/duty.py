"""What the contract asks people to do about a breach, clause by clause, and what of it is on record.

Rule: facts only. A duty is on record with who, when and in which words, or it is not; what follows from that
is for people to say (9.14.3.E). A notice of safetyd's own stands in for nobody's.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from safetyd.core.calendar import Calendar
from safetyd.core.closure import Closure
from safetyd.core.model import CLAUSE, Condition, Episode
from safetyd.core.ticket import Relief, Status, Ticket
from safetyd.core.world import Row

_STEP = timedelta(hours=1)  # no student day is shorter
_LOOKED_AT = timedelta(days=14)


class Record(StrEnum):
    """Whether a duty is done, as far as the record shows."""

    ON_RECORD = "on_record"
    NOT_ON_RECORD = "not_on_record"
    OVERDUE = "overdue"
    NOT_APPLICABLE = "not_applicable"


class Proof(NamedTuple):
    """One line of the record by which a duty is done."""

    at: datetime
    by: str
    words: str


class Duty(NamedTuple):
    """One thing the contract asks for; `due_at` where it has a deadline."""

    clause: str
    what: str
    state: Record
    proofs: tuple[Proof, ...] = ()
    due_at: datetime | None = None


class Times(NamedTuple):
    """Whether a breach has reached into the student day, and beyond it."""

    in_student_day: bool
    outside_student_day: bool


def times(ticket: Ticket, episodes: Sequence[Episode], calendar: Calendar, now: datetime) -> Times:
    """Return when a ticket's breach has been, as far as that matters to its duties."""
    spans = [(episode.began_at, episode.ended_at or now) for episode in episodes] or [(ticket.began_at, now)]
    kinds = {calendar.is_student_time(at) for since, until in spans for at in _looks(since, until)}
    return Times(ticket.student_day or True in kinds, False in kinds)


def _looks(since: datetime, until: datetime) -> Iterator[datetime]:
    at, last = since, min(until, since + _LOOKED_AT)
    while at < last:
        yield at
        at += _STEP
    yield last


def duties(ticket: Ticket, history: Sequence[Row], when: Times, now: datetime) -> tuple[Duty, ...]:
    """Return what a ticket asks of people, in the order of its clauses."""
    clause = CLAUSE[ticket.condition]
    if ticket.condition is Condition.OUTAGE:
        return (*_of_closure(clause, ticket.closure), _relief(clause, ticket, history, now))
    spaces = [row for row in history if row.detail.get("kind") == Relief.ALTERNATIVE_SPACE]
    return (
        _on_record(f"{clause}.A", "written notice by the educator", _of(history, "notice")),
        _relief(f"{clause}.B", ticket, history, now),
        _where(f"{clause}.C", "alternative space in the student day", spaces, when.in_student_day),
        _where(
            f"{clause}.D",
            "new work location outside the student day, in writing",
            _of(history, "location"),
            when.outside_student_day,
        ),
    )


def remaining(found: Sequence[Duty]) -> list[str]:
    """Return the clauses of which nothing is on record although they apply."""
    return [duty.clause for duty in found if duty.state in (Record.NOT_ON_RECORD, Record.OVERDUE)]


def _of(history: Sequence[Row], event: str) -> list[Row]:
    return [row for row in history if row.event == event]


def _on_record(clause: str, what: str, rows: Sequence[Row], due_at: datetime | None = None) -> Duty:
    proofs = tuple(Proof(row.at, row.by, _words(row)) for row in rows)
    return Duty(clause, what, Record.ON_RECORD if proofs else Record.NOT_ON_RECORD, proofs, due_at)


def _words(row: Row) -> str:
    kind, place = row.detail.get("kind", "").replace("_", " "), row.detail.get("room", "")
    return "; ".join(each for each in (kind, place, row.note) if each)


def _where(clause: str, what: str, rows: Sequence[Row], applies: bool) -> Duty:
    duty = _on_record(clause, what, rows)
    return duty if duty.proofs or applies else duty._replace(state=Record.NOT_APPLICABLE)


def _relief(clause: str, ticket: Ticket, history: Sequence[Row], now: datetime) -> Duty:
    first = ticket.deadlines[0]
    duty = _on_record(clause, "relief (9.9.4)", _of(history, "relieved"), first.in_force_at)
    is_late = first.is_overdue(now) and ticket.status is not Status.CLOSED and not duty.proofs
    return duty._replace(state=Record.OVERDUE) if is_late else duty


def _of_closure(clause: str, closure: Closure) -> Iterator[Duty]:
    for what, at, by in (
        ("the district told immediately", closure.told_district_at, closure.told_district_by),
        ("the building closed until resolved", closure.closed_at, closure.closed_by),
    ):
        proofs = () if at is None else (Proof(at, by or "", ""),)
        yield Duty(clause, what, Record.ON_RECORD if proofs else Record.NOT_ON_RECORD, proofs)
