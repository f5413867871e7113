"""The obligation a breach creates: who must do what by when, and whether they did.

Rule: every change of status is in TRANSITIONS; anything else is a TransitionError and changes nothing.
Deadlines are computed once, from `began_at`, and never moved; an extension stands beside its deadline, and a
miss stays on record. Only a person closes a ticket, and not while its building is closed. One that is joined
to another safetyd's ticket for the same outage has no duties of its own until a person reopens it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from safetyd.core.attachment import Attachment
from safetyd.core.calendar import Calendar
from safetyd.core.closure import Closure, ClosureVerb
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Condition, Hazard, Place, Role, Verdict
from safetyd.core.rules import Rules
from safetyd.core.units import JUST_AFTER


class Status(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RELIEVED = "relieved"
    CLOSED = "closed"
    JOINED = "joined"


AT_REST = (Status.CLOSED, Status.JOINED)  # nothing is owed, and the next episode opens a ticket of its own


class Tier(StrEnum):
    """The steps of relief, lowest first (9.9.4.A)."""

    MITIGATION = "mitigation"
    IMMEDIATE = "immediate"
    MIDTERM = "midterm"
    LONG_TERM = "long_term"


class Due(StrEnum):
    """What became of one deadline."""

    UNSET = "unset"
    PENDING = "pending"
    MET = "met"
    MISSED = "missed"
    MET_LATE = "met_late"


class Basis(StrEnum):
    """What a deadline goes by that the calendar gave."""

    NONE = ""
    WORK_YEAR = "work year"
    BETWEEN_YEARS = "ambiguous: between two work years"  # 9.9.4.C does not say which; the coming one


class Relief(StrEnum):
    """What kind of relief was given."""

    RESTORED = "restored"
    ALTERNATIVE_SPACE = "alternative_space"
    FANS_OR_HEATERS = "fans_or_heaters"
    EARLY_RELEASE = "early_release"
    CLOSURE = "closure"
    OTHER = "other"


class Verb(StrEnum):
    """What a person may do with a ticket."""

    ACKNOWLEDGE = "acknowledge"
    RELIEVE = "relieve"
    NOTE = "note"
    EXTEND = "extend"
    DISPUTE = "dispute"
    CLOSE = "close"
    REOPEN = "reopen"


TRANSITIONS: dict[tuple[Status, Verb], Status] = {
    (Status.OPEN, Verb.ACKNOWLEDGE): Status.ACKNOWLEDGED,
    (Status.OPEN, Verb.RELIEVE): Status.RELIEVED,
    (Status.OPEN, Verb.NOTE): Status.OPEN,
    (Status.OPEN, Verb.EXTEND): Status.OPEN,
    (Status.OPEN, Verb.DISPUTE): Status.OPEN,
    (Status.OPEN, Verb.CLOSE): Status.CLOSED,
    (Status.ACKNOWLEDGED, Verb.RELIEVE): Status.RELIEVED,
    (Status.ACKNOWLEDGED, Verb.NOTE): Status.ACKNOWLEDGED,
    (Status.ACKNOWLEDGED, Verb.EXTEND): Status.ACKNOWLEDGED,
    (Status.ACKNOWLEDGED, Verb.DISPUTE): Status.ACKNOWLEDGED,
    (Status.ACKNOWLEDGED, Verb.CLOSE): Status.CLOSED,
    (Status.ACKNOWLEDGED, Verb.REOPEN): Status.OPEN,
    (Status.RELIEVED, Verb.RELIEVE): Status.RELIEVED,
    (Status.RELIEVED, Verb.NOTE): Status.RELIEVED,
    (Status.RELIEVED, Verb.EXTEND): Status.RELIEVED,
    (Status.RELIEVED, Verb.DISPUTE): Status.RELIEVED,
    (Status.RELIEVED, Verb.CLOSE): Status.CLOSED,
    (Status.RELIEVED, Verb.REOPEN): Status.OPEN,
    (Status.JOINED, Verb.NOTE): Status.JOINED,
    (Status.JOINED, Verb.DISPUTE): Status.JOINED,
    (Status.JOINED, Verb.CLOSE): Status.CLOSED,
    (Status.JOINED, Verb.REOPEN): Status.OPEN,
    (Status.CLOSED, Verb.NOTE): Status.CLOSED,
    (Status.CLOSED, Verb.DISPUTE): Status.CLOSED,
    (Status.CLOSED, Verb.REOPEN): Status.OPEN,
}


@dataclass(frozen=True, slots=True)
class Deadline:
    """One tier's promise. `extended_to` is what the parties agreed since, `amended_to` when it would be due
    by a calendar that came later; `state` follows `due_at`."""

    tier: Tier
    due_at: datetime | None
    state: Due = Due.UNSET
    met_at: datetime | None = None
    by: str | None = None
    extended_to: datetime | None = None
    basis: Basis = Basis.NONE
    amended_to: datetime | None = None

    @property
    def in_force_at(self) -> datetime | None:
        """When relief is owed now."""
        return self.extended_to or self.due_at

    @property
    def is_owed(self) -> bool:
        """Whether relief of this tier has a date and is not on record."""
        return self.state in (Due.PENDING, Due.MISSED)

    def is_overdue(self, now: datetime) -> bool:
        """Return whether relief of this tier should be on record by now and is not."""
        return self.is_owed and self.in_force_at is not None and self.in_force_at < now


@dataclass(frozen=True, slots=True)
class Ticket:
    """`told_until` is the moment up to which reminders have been decided; `left_in_breach` that it was closed
    although the breach went on; `is_presumed` that nobody has seen the breach, and people are asked;
    `calendar` the version that its midterm deadline was promised by. The duties of one that is joined are
    those of `joined`, a ticket of another safetyd."""

    id: str
    place: Place
    condition: Condition
    hazard: Hazard | None
    rules: str
    status: Status
    student_day: bool
    began_at: datetime
    opened_at: datetime
    deadlines: tuple[Deadline, ...]
    told_until: datetime
    disputed: bool = False
    follows: str | None = None
    left_in_breach: bool = False
    is_presumed: bool = False
    closure: Closure = field(default_factory=Closure)
    calendar: str = ""
    joined: str | None = None

    @property
    def subject(self) -> tuple[Place, Condition, Hazard | None]:
        """What at most one open ticket may exist for."""
        return self.place, self.condition, self.hazard


@dataclass(frozen=True, slots=True)
class Action:
    """What a person did: the same keys in a recording, on the command line and in the API.

    Of relief, `room` is what was offered and `since` when it was given; of an extension, `agreed_by` who
    agreed. `role` is who they are to the building, where the site file does not know them; `attachments` go
    with a note.
    """

    verb: Verb
    by: str
    note: str = ""
    tier: Tier | None = None
    until: datetime | None = None
    kind: Relief | None = None
    withdraw: bool = False
    room: str = ""
    since: datetime | None = None
    agreed_by: str = ""
    role: Role | None = None
    attachments: tuple[Attachment, ...] = ()


def deadlines(
    condition: Condition, hazard: Hazard | None, began_at: datetime, rules: Rules, calendar: Calendar
) -> tuple[Deadline, ...]:
    """Return the four tiers of 9.9.4, lowest first; 24 hours only for extreme temperature (9.14.3)."""
    promised: list[tuple[Tier, datetime | None]] = []
    if condition in (Condition.COLD, Condition.HEAT) or hazard is Hazard.TEMPERATURE:
        promised.append((Tier.MITIGATION, began_at + rules.deadlines.mitigation))
    promised.append((Tier.IMMEDIATE, began_at + rules.deadlines.immediate))
    promised.append((Tier.MIDTERM, calendar.work_year_end(began_at)))
    promised.append((Tier.LONG_TERM, None))
    basis = Basis.BETWEEN_YEARS if calendar.is_between_years(began_at) else Basis.WORK_YEAR
    return tuple(
        Deadline(
            tier,
            due_at,
            Due.UNSET if due_at is None else Due.PENDING,
            basis=basis if tier is Tier.MIDTERM and due_at is not None else Basis.NONE,
        )
        for tier, due_at in promised
    )


def act(ticket: Ticket, action: Action, verdict: Verdict, now: datetime) -> Ticket:
    """Return the ticket after a person's action.

    Raises:
        TransitionError: the ticket's state does not allow it.
        ActionError: the action lacks something.
    """
    status = TRANSITIONS.get((ticket.status, action.verb))
    if status is None:
        possible = ", ".join(verb for at, verb in TRANSITIONS if at is ticket.status)
        raise TransitionError(
            f"{ticket.id} is {ticket.status}: cannot {action.verb} it; possible are {possible}"
        )
    match action.verb:
        case Verb.RELIEVE:
            ticket = _relieved(ticket, action, now)
        case Verb.EXTEND:
            ticket = _extended(ticket, action, now)
        case Verb.DISPUTE:
            ticket = _disputed(ticket, action)
        case Verb.CLOSE:
            if ticket.closure.keeps_staff_out:
                raise TransitionError(
                    f"{ticket.id}: the building is on record as closed; first {ClosureVerb.LIFT} that,"
                    f" and let another person {ClosureVerb.CONFIRM_LIFT}"
                )
            if verdict is Verdict.BREACH and not action.note.strip():
                raise TransitionError(f"{ticket.id} is still in breach: to close it, say why in a note")
            ticket = replace(ticket, left_in_breach=verdict is Verdict.BREACH)
        case Verb.REOPEN:
            ticket = replace(ticket, left_in_breach=False, joined=None)
        case Verb.NOTE:
            if not action.note.strip():
                raise ActionError(f"a note for {ticket.id} needs words: give them as note")
        case Verb.ACKNOWLEDGE:
            pass
    return replace(ticket, status=status)


def _relieved(ticket: Ticket, action: Action, now: datetime) -> Ticket:
    reached = _position(ticket, action)
    if action.since is not None and not ticket.began_at <= action.since <= now:
        span = f"{ticket.began_at:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC"
        raise ActionError(
            f"{ticket.id}: since is {action.since:%Y-%m-%d %H:%M} UTC; expected a time from {span}"
        )
    met = tuple(
        _met(deadline, action.by, now) if i <= reached and (deadline.is_owed or i == reached) else deadline
        for i, deadline in enumerate(ticket.deadlines)
    )
    if ticket.status is Status.RELIEVED and met == ticket.deadlines:
        raise TransitionError(f"{ticket.id}: {action.tier} relief is on record already; add a note instead")
    return replace(ticket, deadlines=met)


def _met(deadline: Deadline, by: str, now: datetime) -> Deadline:
    if deadline.state in (Due.MET, Due.MET_LATE):
        return deadline
    is_late = deadline.due_at is not None and now > deadline.due_at
    return replace(deadline, state=Due.MET_LATE if is_late else Due.MET, met_at=now, by=by)


def _extended(ticket: Ticket, action: Action, now: datetime) -> Ticket:
    position = _position(ticket, action)
    deadline = ticket.deadlines[position]
    if action.until is None:
        raise ActionError(f"extend for {ticket.id} needs until: the new date")
    if deadline.state in (Due.MET, Due.MET_LATE):
        raise TransitionError(f"{ticket.id}: {deadline.tier} relief is on record; there is nothing to extend")
    earliest = max(now, deadline.in_force_at or now)
    if action.until <= earliest:
        raise ActionError(
            f"{ticket.id}: until is {action.until:%Y-%m-%d %H:%M} UTC;"
            f" expected later than {earliest:%Y-%m-%d %H:%M} UTC"
        )
    if deadline.due_at is None:
        changed = replace(deadline, due_at=action.until, state=Due.PENDING)
    else:
        changed = replace(deadline, extended_to=action.until)
    return replace(ticket, deadlines=_with(ticket, position, changed))


def _disputed(ticket: Ticket, action: Action) -> Ticket:
    if action.tier is not None:
        _position(ticket, action)
    if action.withdraw and not ticket.disputed:
        raise TransitionError(f"{ticket.id} is not disputed: there is nothing to withdraw")
    return replace(ticket, disputed=not action.withdraw)


def _position(ticket: Ticket, action: Action) -> int:
    tiers = [deadline.tier for deadline in ticket.deadlines]
    if action.tier is None:
        raise ActionError(f"{action.verb} for {ticket.id} needs tier: one of {', '.join(tiers)}")
    if action.tier not in tiers:
        raise ActionError(f"{ticket.id} has no {action.tier} deadline; its tiers are {', '.join(tiers)}")
    return tiers.index(action.tier)


def _with(ticket: Ticket, position: int, changed: Deadline) -> tuple[Deadline, ...]:
    return (*ticket.deadlines[:position], changed, *ticket.deadlines[position + 1 :])


def next_miss(ticket: Ticket) -> datetime | None:
    """Return the first moment at which a pending deadline is past due; one at rest owes nothing."""
    if ticket.status in AT_REST:
        return None
    dues = [
        d.due_at + JUST_AFTER for d in ticket.deadlines if d.state is Due.PENDING and d.due_at is not None
    ]
    return min(dues, default=None)


def miss(ticket: Ticket, now: datetime) -> tuple[Ticket, tuple[Deadline, ...]]:
    """Return the ticket with every deadline that is past due marked missed, and those that newly are."""
    if ticket.status in AT_REST:
        return ticket, ()
    missed = []
    for position, deadline in enumerate(ticket.deadlines):
        if deadline.state is Due.PENDING and deadline.due_at is not None and deadline.due_at < now:
            missed.append(replace(deadline, state=Due.MISSED))
            ticket = replace(ticket, deadlines=_with(ticket, position, missed[-1]))
    return ticket, tuple(missed)
