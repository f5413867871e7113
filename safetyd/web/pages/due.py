"""What falls due next: of each open ticket the first deadline whose relief is not on record.

Rule: open tickets are looked at once, however many buildings and closed tickets there are.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from safetyd.core.model import Condition
from safetyd.core.ticket import Deadline, Ticket
from safetyd.core.world import World
from safetyd.web.pages.tiers import name_of

_CONDITIONS = {Condition.COLD: "too cold", Condition.HEAT: "too hot", Condition.OUTAGE: "no electricity"}


class Due(NamedTuple):
    """One deadline of a ticket, and when it is due."""

    at: datetime
    ticket: Ticket
    deadline: Deadline

    @property
    def duty(self) -> str:
        """What is owed."""
        return name_of(self.ticket, self.deadline)


def open_tickets(world: World) -> Iterator[Ticket]:
    """Yield every ticket that somebody owes something for."""
    return (world.tickets[id] for id in world.open.values())


def next_due(tickets: Iterable[Ticket]) -> list[Due]:
    """Return the first deadline of each ticket that has one, the earliest first."""
    found = [due for each in tickets if (due := first_due(each)) is not None]
    return sorted(found, key=lambda due: (due.at, due.ticket.id))


def first_due(ticket: Ticket) -> Due | None:
    """Return the earliest deadline of a ticket whose relief is not on record."""
    owed = [
        Due(each.in_force_at, ticket, each)
        for each in ticket.deadlines
        if each.is_owed and each.in_force_at is not None
    ]
    return min(owed, key=lambda due: due.at, default=None)


def what(ticket: Ticket) -> str:
    """Return in words what a ticket is about."""
    hazard = ticket.hazard.value.replace("_", " ") if ticket.hazard else "hazard"
    return _CONDITIONS.get(ticket.condition, hazard)
