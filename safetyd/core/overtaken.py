"""Whether what was owed some time ago is still so: nobody is told in the morning what the night has undone.

Rule: only what informs of an end, or reminds of relief, can be overtaken; an alarm never is.
"""

from collections.abc import Collection

from safetyd.core.lateness import subject_of
from safetyd.core.model import Place
from safetyd.core.plan import Reason
from safetyd.core.ticket import AT_REST, Ticket
from safetyd.core.world import World


def is_overtaken(
    world: World, reason: Reason, key: str, building: str, ticket_id: str | None, later: Collection[str]
) -> bool:
    """Return whether a notice is no longer so, by how things stand now.

    Args:
        world: How they stand.
        reason: Of the notice, as its key, its building and its one ticket.
        key: Which it is.
        building: Where it is.
        ticket_id: What it is about; None for an outage without a ticket, and for several tickets.
        later: The keys of those that are told after it.
    """
    ticket = world.tickets.get(ticket_id or "")
    match reason:
        case Reason.OUTAGE_OVER:
            out = world.powers.get(Place(building, None))
            return out is not None and out.is_out
        case Reason.ENDED:
            return ticket is not None and (ticket.place, ticket.condition) in world.running
        case Reason.REMINDER:
            about = subject_of(key)
            return ticket is None or not _is_owed(ticket, about[1]) or about in map(subject_of, later)
    return False


def _is_owed(ticket: Ticket, tier: str) -> bool:
    return ticket.status not in AT_REST and any(
        each.is_owed for each in ticket.deadlines if each.tier == tier
    )
