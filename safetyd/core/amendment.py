"""Another calendar, rules or plan are in force: what was promised stands, and what is to come goes by them.

Rule: a promised deadline never moves. Where the work year that a midterm deadline goes by ends on another day
now, the deadline shows both; what is held waits for the next work hours of the calendar in force.
"""

from dataclasses import replace
from datetime import datetime

from safetyd.core import morning, obligation
from safetyd.core.calendar import Calendar
from safetyd.core.lateness import schedule_ticket
from safetyd.core.telling import record
from safetyd.core.ticket import Basis, Deadline, Ticket
from safetyd.core.world import Facts, World


def take_facts(world: World, facts: Facts, now: datetime) -> None:
    """Go by the calendars, rules and plan in force from now on; with those of before, nothing changes.

    Each open ticket shows what its calendar would promise now, and has its reminders and steps scheduled
    anew; what is held waits for the next work hours.
    """
    versions = {building: calendar.fingerprint for building, calendar in facts.calendars.items()}
    usual = facts.calendar.fingerprint
    for ticket_id in world.open.values():
        ticket = world.tickets[ticket_id]
        building = ticket.place.building
        is_changed = versions.get(building, usual) != ticket.calendar
        _amend(world, ticket, facts.calendar_of(building) if is_changed else None, now)
        schedule_ticket(world, facts, world.tickets[ticket_id])  # reminders and steps may be others now
    for number, held_until in list(world.held.items()):
        if held_until > now:
            _hold_again(world, facts, number, held_until, now)


def _amend(world: World, ticket: Ticket, calendar: Calendar | None, now: datetime) -> None:
    deadlines = []
    for deadline in ticket.deadlines:
        amended_to = None if calendar is None else _amended(ticket, deadline, calendar)
        if amended_to != deadline.amended_to:
            ends = amended_to or deadline.due_at
            note = f"the work year ends {ends:%Y-%m-%d %H:%M} UTC by the calendar now in force; "
            note += f"{deadline.tier} relief stays due as promised, {deadline.due_at:%Y-%m-%d %H:%M} UTC"
            record(world, now, ticket.id, "calendar_changed", note)
        deadlines.append(replace(deadline, amended_to=amended_to))
    if tuple(deadlines) != ticket.deadlines:
        world.put_ticket(replace(ticket, deadlines=tuple(deadlines)))


def _amended(ticket: Ticket, deadline: Deadline, calendar: Calendar) -> datetime | None:
    """Return when the work year ends that a deadline goes by, if that is not when it was promised to."""
    year = None if deadline.basis is Basis.NONE else calendar.work_year(ticket.began_at)
    if year is None or deadline.due_at is None:
        return None
    if deadline.due_at.astimezone(calendar.timezone).date() < year[0]:
        return None  # the calendar does not go back so far any more: that is another year
    ends = calendar.year_end(year)
    return ends if ends != deadline.due_at else None


def _hold_again(world: World, facts: Facts, number: int, held_until: datetime, now: datetime) -> None:
    episode = world.episodes[number]
    begins = facts.calendar_of(episode.place.building).next_work_begin(now)
    if begins == held_until:
        return
    del world.held[number]
    world.changes.held = True
    if episode.ended_at is not None:
        return
    if begins is not None and begins > now:
        morning.hold(world, number, begins, now)
    else:  # work has begun, or never will: there is nothing to wait for
        obligation.take_up(world, facts, number, begins or episode.began_at, now)
