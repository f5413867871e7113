"""Who is told of what, and who next if nobody takes it up: the escalation plan, in versions.

Rule: what calls for something to be done always has somebody to be told; only what merely informs may be
told to nobody. A step is taken once for a ticket, and not at all once the ticket has come as far as it asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from safetyd.core.book import Book, Version
from safetyd.core.model import Condition, Role
from safetyd.core.ticket import Status, Ticket


class Reason(StrEnum):
    """Why people are told."""

    OPENED = "opened"
    RECURRED = "recurred"
    ENDED = "ended"
    REMINDER = "reminder"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    RELIEVED = "relieved"
    CLOSED = "closed"
    EXTENDED = "extended"
    DISPUTED = "disputed"
    ACKNOWLEDGED = "acknowledged"
    HELD = "held"
    OUTAGE_BEGAN = "outage_began"
    OUTAGE_WARNING = "outage_warning"
    OUTAGE_OVER = "outage_over"
    TROUBLE = "trouble"
    TROUBLE_OVER = "trouble_over"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    HEAD = "head"
    ALTERED = "altered"
    DIGEST = "digest"
    TEST = "test"


INFORMS = frozenset(  # the others ask somebody to do something, or are a party's own word
    {
        Reason.ENDED,
        Reason.RELIEVED,
        Reason.CLOSED,
        Reason.EXTENDED,
        Reason.ACKNOWLEDGED,
        Reason.OUTAGE_OVER,
        Reason.TROUBLE_OVER,
        Reason.HEAD,
    }
)
# They go to whom their tickets and their steps concern, and to whom somebody asks to be tried.
NOT_PLANNED = (Reason.DIGEST, Reason.ESCALATED, Reason.TEST)

_OWE = (Role.ADMINISTRATOR, Role.FACILITIES)
_WATCH = (*_OWE, Role.SAFETY_COMMITTEE)
_ALL = (*_WATCH, Role.DISTRICT, Role.ASSOCIATION)
_OUTAGE = (*_OWE, Role.DISTRICT)
_PARTIES = (Role.ADMINISTRATOR, Role.ASSOCIATION)  # one of each

TOLD: Mapping[Reason, tuple[Role, ...]] = MappingProxyType(
    {
        Reason.OPENED: _WATCH,
        Reason.RECURRED: _OWE,
        Reason.ENDED: _OWE,
        Reason.REMINDER: _OWE,
        Reason.OVERDUE: _ALL,
        Reason.RELIEVED: _WATCH,
        Reason.CLOSED: _WATCH,
        Reason.EXTENDED: _WATCH,
        Reason.DISPUTED: _ALL,
        Reason.ACKNOWLEDGED: (Role.FACILITIES,),
        Reason.HELD: (Role.FACILITIES,),
        Reason.OUTAGE_BEGAN: _OUTAGE,
        Reason.OUTAGE_WARNING: _OUTAGE,
        Reason.OUTAGE_OVER: _OUTAGE,
        Reason.TROUBLE: (Role.FACILITIES,),
        Reason.TROUBLE_OVER: (Role.FACILITIES,),
        Reason.SHELVED: _WATCH,
        Reason.UNSHELVED: _WATCH,
        Reason.HEAD: _PARTIES,
        Reason.ALTERED: _PARTIES,
    }
)
ABOVE: Mapping[Role, Role] = MappingProxyType(
    {  # ours: who acts is followed by who acts above them, who watches by who watches above them
        Role.FACILITIES: Role.ADMINISTRATOR,
        Role.ADMINISTRATOR: Role.DISTRICT,
        Role.SAFETY_COMMITTEE: Role.ASSOCIATION,
    }
)
_REACHED = {  # what a step may wait for, and the states in which that is still to come
    Status.ACKNOWLEDGED: (Status.OPEN,),
    Status.RELIEVED: (Status.OPEN, Status.ACKNOWLEDGED),
}


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told `after` a ticket's opening, unless it has come as far as `unless` by then."""

    after: timedelta
    to: tuple[Role, ...]
    unless: Status = Status.ACKNOWLEDGED
    conditions: tuple[Condition, ...] = tuple(Condition)


@dataclass(frozen=True)
class Plan(Version):
    """One version of the plan.

    `above` says who is told where nobody of a role can be reached; it never leads round in a circle.
    """

    told: Mapping[Reason, tuple[Role, ...]] = field(default_factory=lambda: TOLD)
    outage_opened: tuple[Role, ...] = (*_WATCH, Role.DISTRICT)  # the district's business (9.14.5)
    above: Mapping[Role, Role] = field(default_factory=lambda: ABOVE)
    steps: tuple[Step, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return the version's every word, as its fingerprint has them."""
        return {
            "effective": self.effective,
            "told": dict(self.told),
            "outage_opened": self.outage_opened,
            "above": dict(self.above),
            "steps": [[step.after, step.to, step.unless, step.conditions] for step in self.steps],
        }

    def roles(self, reason: Reason, condition: Condition | None = None) -> tuple[Role, ...]:
        """Return who is told of one thing."""
        if reason is Reason.OPENED and condition is Condition.OUTAGE:
            return self.outage_opened
        return self.told[reason]


@dataclass(frozen=True)
class PlanBook(Book[Plan]):
    """Every version of a site's plan."""

    versions: tuple[Plan, ...] = field(default=(Plan(),))


class Escalation(NamedTuple):
    """Steps of one ticket that fell due together, the last of them at `at`."""

    at: datetime
    after: timedelta
    to: tuple[Role, ...]


def escalation(ticket: Ticket, plan: Plan, now: datetime) -> Escalation | None:
    """Return what the plan asks for since `told_until` up to `now`; several steps are told as one."""
    due = [step for step in _to_come(ticket, plan) if ticket.opened_at + step.after <= now]
    if not due:
        return None
    after = max(step.after for step in due)
    return Escalation(ticket.opened_at + after, after, in_order(role for step in due for role in step.to))


def next_escalation(ticket: Ticket, plan: Plan) -> datetime | None:
    """Return when the next step falls due, as the ticket stands."""
    return min((ticket.opened_at + step.after for step in _to_come(ticket, plan)), default=None)


def _to_come(ticket: Ticket, plan: Plan) -> list[Step]:
    return [
        step
        for step in plan.steps
        if ticket.status in _REACHED[step.unless]
        and ticket.condition in step.conditions
        and ticket.opened_at + step.after > ticket.told_until
    ]


def in_order(found: Iterable[Role]) -> tuple[Role, ...]:
    """Return each role once, those who act first."""
    present = set(found)
    return tuple(role for role in (*_ALL, Role.EDUCATOR) if role in present)
