"""What somebody may do with a ticket as it stands: the acts that are offered to them.

Rule: what is not offered is refused as well, by the table of rights or by the writer; this only spares people
what could not succeed.
"""

from collections.abc import Collection

from safetyd.core import closure, ticket
from safetyd.core.closure import ClosureState, ClosureVerb
from safetyd.core.model import Condition, same_name
from safetyd.core.ticket import Due, Status, Ticket, Verb
from safetyd.store.accounts import Account
from safetyd.web.access import Right, may

AT_ONCE = (Verb.ACKNOWLEDGE, Verb.RELIEVE, Verb.NOTE, Verb.CLOSE)  # with several tickets


def offered(found: Ticket, outages: int, lifters: Collection[str], account: Account) -> tuple[str, ...]:
    """Return the acts on a ticket and on its building, in the order in which people need them.

    Args:
        outages: How many of them the ticket has.
        lifters: Who may lift the closure of its building; with none anybody who has the right.
    """
    acts = [str(verb) for verb in (*_of_building(found, outages, lifters, account), *_of_ticket(found))]
    return tuple(each for each in acts if may(account, Right(each)))


def _of_ticket(found: Ticket) -> list[Verb]:
    possible = [verb for verb in Verb if (found.status, verb) in ticket.TRANSITIONS]
    is_all_met = all(each.state in (Due.MET, Due.MET_LATE) for each in found.deadlines)
    senseless = {Verb.EXTEND: is_all_met, Verb.RELIEVE: is_all_met and found.status is Status.RELIEVED}
    senseless[Verb.CLOSE] = found.closure.keeps_staff_out
    return [verb for verb in possible if not senseless.get(verb)]


def _of_building(
    found: Ticket, outages: int, lifters: Collection[str], account: Account
) -> list[ClosureVerb]:
    if found.condition is not Condition.OUTAGE:
        return []
    standing = closure.standing(found.closure, outages)
    name = same_name(account.name)
    may_lift = not lifters or name in map(same_name, lifters)
    is_proposer = standing.state is ClosureState.LIFTING and name == same_name(
        standing.lift_proposed_by or ""
    )
    is_possible = {
        ClosureVerb.TELL_DISTRICT: standing.told_district_at is None,
        ClosureVerb.CLOSE_BUILDING: found.status is not Status.CLOSED,
        ClosureVerb.LIFT: found.status is not Status.CLOSED and may_lift,
        ClosureVerb.CONFIRM_LIFT: found.status is not Status.CLOSED and may_lift and not is_proposer,
    }
    return [
        verb for verb in ClosureVerb if is_possible[verb] and (standing.state, verb) in closure.TRANSITIONS
    ]
