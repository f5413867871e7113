"""What people did, done again with the tickets that would have been.

Rule: a deed on record falls to the ticket of the same place and condition that is open at its moment, else to
the last one; where there is none it is left out. Nothing is invented: a ticket that the record does not know
has no relief.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from safetyd.core import engine, obligation
from safetyd.core.errors import SafetydError
from safetyd.core.model import Condition, Place
from safetyd.core.telling import SAFETYD
from safetyd.core.ticket import Action, Ticket, Tier, Verb
from safetyd.core.world import Facts, World
from safetyd.store.supposing import REPORTED, Doing

_VERBS = {
    "acknowledged": Verb.ACKNOWLEDGE,
    "relieved": Verb.RELIEVE,
    "extended": Verb.EXTEND,
    "closed": Verb.CLOSE,
    "reopened": Verb.REOPEN,
}


def do_again(world: World, facts: Facts, doing: Doing) -> bool:
    """Carry out what a person did, at its moment; return whether there was a ticket to do it with."""
    _, condition, hazard = doing.subject
    if doing.event in REPORTED:
        if doing.by == SAFETYD or condition is not Condition.HAZARD or hazard is None:
            return False
        obligation.raise_ticket(world, facts, doing.subject, doing.at, doing.at, doing.by, doing.note)
        return True
    id = world.open.get(doing.subject) or world.last.get(doing.subject)
    if id is None:
        return False
    try:
        engine.act(world, facts, id, _action(doing), doing.at)
    except SafetydError:  # the ticket that would have been does not stand as the one on record did
        return False
    return True


def _action(doing: Doing) -> Action:
    tier, until = doing.detail.get("tier"), doing.detail.get("until")
    return Action(
        _VERBS[doing.event],
        doing.by,
        doing.note or "as on record",
        Tier(tier) if tier else None,
        datetime.fromisoformat(until) if until else None,
    )


def on_record(
    world: World,
    known: Mapping[tuple[Place, Condition], Sequence[tuple[datetime, datetime]]],
    end: datetime,
) -> Callable[[Ticket], bool]:
    """Return what tells whether a ticket's breach, or some of it, has a ticket on record too."""

    def is_on_record(ticket: Ticket) -> bool:
        if ticket.condition is Condition.HAZARD:
            return True
        spans = known.get((ticket.place, ticket.condition), ())
        return any(
            since <= (episode.ended_at or end) and episode.began_at <= until
            for episode in world.episodes_of(ticket.id)
            for since, until in spans
        )

    return is_on_record
