"""What is to be done about a ticket next, by whom and until when, in plain words.

Rule: one sentence, the most urgent; who may do it is told to, anybody else is told whose it is.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from safetyd.core.closure import Closure, ClosureState, ClosureVerb
from safetyd.core.model import Condition, Role, Verdict
from safetyd.core.ticket import Deadline, Status, Ticket, Verb
from safetyd.web.access import RIGHTS, Right
from safetyd.web.pages.tiers import name_of


class Step(NamedTuple):
    """`act` is what it is done with, if anything is; `due_at` until when, if it has a date."""

    words: str
    act: str = ""
    due_at: datetime | None = None


def due_next(ticket: Ticket) -> Deadline | None:
    """Return the deadline that is due next, or longest overdue; None where nothing with a date is owed."""
    owed = [each for each in ticket.deadlines if each.is_owed and each.in_force_at is not None]
    return min(owed, key=lambda each: each.in_force_at or ticket.began_at, default=None)


def next_step(
    ticket: Ticket, closure: Closure, verdict: Verdict, offered: Collection[str], now: datetime
) -> Step:
    """Return what is to be done next, for somebody who is offered these acts; `closure` as it stands."""
    if ticket.status is Status.JOINED:
        return Step(f"Nothing is owed here: the duties of this outage are those of {ticket.joined}.")
    if ticket.status is Status.CLOSED:
        went_on = " The breach went on then; its next episode opens a ticket that follows this one."
        return Step("This ticket is closed." + (went_on if ticket.left_in_breach else ""))
    step = _of_building(closure, verdict) if ticket.condition is Condition.OUTAGE else None
    step = step or _of_relief(ticket, verdict, now)
    return step._replace(words=_said(step, offered))


def _of_building(closure: Closure, verdict: Verdict) -> Step | None:
    if closure.told_district_at is None:
        return Step("tell the district now, and put on record that it was told", ClosureVerb.TELL_DISTRICT)
    match closure.state:
        case ClosureState.LIFTING:
            words = f"confirm that the building may open again, as {closure.lift_proposed_by} proposes"
            return Step(words, ClosureVerb.CONFIRM_LIFT)
        case ClosureState.CLOSED if verdict is not Verdict.BREACH:
            return Step("propose that the building opens again", ClosureVerb.LIFT)
        case ClosureState.NONE if verdict is Verdict.BREACH:
            return Step("close the building, and put that on record", ClosureVerb.CLOSE_BUILDING)
    return None


def _of_relief(ticket: Ticket, verdict: Verdict, now: datetime) -> Step:
    due = due_next(ticket)
    if due is None:
        words = "close the ticket, or set a date for long-term relief"
        return Step(words, Verb.CLOSE) if verdict is not Verdict.BREACH else _lasting()
    tier = name_of(ticket, due)
    if verdict is Verdict.OK and ticket.status is not Status.RELIEVED:
        back = "power is back" if ticket.condition is Condition.OUTAGE else "the room is in range again"
        owed = "overdue" if due.is_overdue(now) else "owed"
        words = f"put on record what relief was given: {back}, but {tier} is {owed}"
        return Step(words, Verb.RELIEVE, due.in_force_at)
    if due.is_overdue(now):
        return Step(f"give {tier}, which is overdue, and put it on record", Verb.RELIEVE, due.in_force_at)
    if ticket.status is Status.OPEN:
        words = f"say that you are on it, then give {tier} and put it on record"
        return Step(words, Verb.ACKNOWLEDGE, due.in_force_at)
    if ticket.status is Status.RELIEVED and verdict is Verdict.OK:
        words = f"close the ticket if this was all; else {tier} is next"
        return Step(words, Verb.CLOSE, due.in_force_at)
    return Step(f"give {tier} and put it on record", Verb.RELIEVE, due.in_force_at)


def _lasting() -> Step:
    return Step("agree on a date for long-term relief: the breach goes on", Verb.EXTEND)


def _said(step: Step, offered: Collection[str]) -> str:
    if step.act in offered:
        return f"{step.words[0].upper()}{step.words[1:]}."
    holders = [str(role).replace("_", " ") for role in Role if Right(step.act) in RIGHTS[role]]
    whose = f"{', '.join(holders[:-1])} or {holders[-1]}"
    return f"For {whose}: {step.words}."
