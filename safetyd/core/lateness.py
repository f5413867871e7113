"""What time alone does to a ticket: it reminds, it escalates, and what is not done by its deadline is missed.

Rule: what fell due together is told once; nothing is told twice, however often one asks.
"""

from dataclasses import replace
from datetime import datetime

from safetyd.core import notice
from safetyd.core.plan import Reason, escalation, next_escalation
from safetyd.core.telling import record, tell
from safetyd.core.ticket import Ticket, miss, next_miss
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Facts, World

_SLASH = "/"


def ticket_due(world: World, facts: Facts, ticket_id: str, now: datetime) -> None:
    """Time has passed: mark what is missed, remind, say what is overdue."""
    mark_missed(world, facts, world.tickets[ticket_id], now)
    remind(world, facts, ticket_id, now)


def remind(world: World, facts: Facts, ticket_id: str, now: datetime) -> None:
    """Owe the reminders of a ticket up to `now`; of several of one tier, the last."""
    ticket = world.tickets[ticket_id]
    rule = facts.book.in_force(ticket.began_at).remind
    owed = notice.reminders(ticket, rule, now)
    for timed in owed:
        key = _SLASH.join(
            [ticket.id, timed.reason, timed.tier, f"{timed.mark:g}", _due_text(ticket, timed.tier)]
        )
        tell(world, facts, timed.reason, ticket, now, key=key, tier=timed.tier)
    if _escalate(world, facts, ticket, now) or owed:  # else it may have been asked too early, or for nothing
        ticket = replace(ticket, told_until=max(now, ticket.told_until))
        world.put_ticket(ticket)
    schedule_ticket(world, facts, ticket)


def subject_of(key: str) -> tuple[str, str]:
    """Return the ticket and the tier that the key of a reminder names: of one subject the latest counts."""
    ticket, _, tier, *_ = [*key.split(_SLASH), "", "", ""]
    return ticket, tier


def _escalate(world: World, facts: Facts, ticket: Ticket, now: datetime) -> bool:
    """Take the steps of the plan that fell due, as it was when the ticket opened: several at once as one."""
    step = escalation(ticket, facts.plans.in_force(ticket.opened_at), now)
    if step is None:
        return False
    minutes = f"{step.after.total_seconds() / 60:.0f}"
    key = f"{ticket.id}/{Reason.ESCALATED}/{minutes}"
    tell(world, facts, Reason.ESCALATED, ticket, now, key=key, to=step.to, minutes=minutes)
    note = f"still {ticket.status} {minutes} min after its opening: a notice is owed to {', '.join(step.to)}"
    record(world, now, ticket.id, "escalated", note)
    return True


def _due_text(ticket: Ticket, tier: str) -> str:
    due_at = next(d.in_force_at for d in ticket.deadlines if d.tier == tier)
    return "" if due_at is None else due_at.isoformat()


def mark_missed(world: World, facts: Facts, ticket: Ticket, now: datetime, *, is_new: bool = False) -> Ticket:
    """Put on record what is past due; of a ticket that is new, say at once what is overdue already."""
    ticket, missed = miss(ticket, now)
    for deadline in missed:
        assert deadline.due_at is not None
        # Time passing finds a miss one grain after it; an opening or reopening may learn of it much later.
        at = deadline.due_at if now == deadline.due_at + JUST_AFTER else now
        record(world, at, ticket.id, "missed", f"{deadline.tier} relief")
    if missed:
        world.put_ticket(ticket)
    if is_new:  # learned too late: nobody could be reminded
        for deadline in missed:
            key = f"{ticket.id}/overdue/{deadline.tier}/late"
            tell(world, facts, Reason.OVERDUE, ticket, now, key=key, tier=deadline.tier)
    return ticket


def schedule_ticket(world: World, facts: Facts, ticket: Ticket) -> None:
    """Note when the ticket next needs attention."""
    rule = facts.book.in_force(ticket.began_at).remind
    world.schedule("ticket", ticket.id, next_miss(ticket))
    world.schedule("ticket", ticket.id, notice.next_reminder(ticket, rule))
    plan = facts.plans.in_force(ticket.opened_at)
    world.schedule("ticket", ticket.id, next_escalation(ticket, plan))
