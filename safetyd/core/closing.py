"""What people do about the building of an outage's ticket: told, closed, and lifted in two steps.

Rule: only an outage's ticket has a building to close, and a closed ticket must be reopened first.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from safetyd.core import closure
from safetyd.core.closure import ClosureAction, ClosureVerb
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Condition, Verdict
from safetyd.core.ticket import Status, Ticket, Verb


def act_on_building(
    ticket: Ticket,
    action: ClosureAction,
    outages: Collection[datetime],
    lifters: Collection[str],
    verdict: Verdict,
    now: datetime,
) -> Ticket:
    """Return the ticket after what a person did about its building; `outages` are when each of them began.

    Raises:
        TransitionError: the ticket or the closure does not stand so that this can be done.
        ActionError: the action lacks something, or the wrong person does it.
    """
    if ticket.condition is not Condition.OUTAGE:
        raise TransitionError(
            f"{ticket.id} is no outage but {ticket.hazard or ticket.condition}: it has no {action.verb}"
        )
    if ticket.status is Status.CLOSED and action.verb is not ClosureVerb.TELL_DISTRICT:
        raise TransitionError(f"{ticket.id} is closed: {Verb.REOPEN} it before you {action.verb}")
    began_at = min([ticket.began_at, *outages])
    try:
        changed = closure.act(ticket.closure, action, began_at, len(outages), lifters, now)
    except (TransitionError, ActionError) as error:
        raise type(error)(f"{ticket.id}: {error}") from error
    if action.verb is ClosureVerb.LIFT and verdict is Verdict.BREACH and not action.note.strip():
        raise TransitionError(f"{ticket.id} is still in breach: to {action.verb}, say why in a note")
    return replace(ticket, closure=changed)
