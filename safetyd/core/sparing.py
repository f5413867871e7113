"""How people are spared: quiet hours, and how many messages an hour somebody gets before they are joined.

Rule: nothing is dropped, and nothing that calls for action waits for the morning. What waits goes out as one
message; that an outage has begun, its warnings and its ticket wait for nobody, for its minutes count.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.model import Condition, Role
from safetyd.core.plan import INFORMS, Reason

MESSAGES_AN_HOUR = 9  # ours, to one address: fewer than ten
MESSAGES_TO_MEND = 60  # ours: whoever goes to the rooms wants word of each
_HOUR = timedelta(hours=1)
_MAY_WAIT = INFORMS | {Reason.REMINDER, Reason.DISPUTED, Reason.TROUBLE}
LATE = timedelta(minutes=15)  # ours: what is told so long after it was owed says when that was


class Quiet(NamedTuple):
    """The hours in which somebody wants no message that can wait: of one day, or into the next morning."""

    begin: time
    end: time

    def holds(self, at: time) -> bool:
        """Return whether it is quiet by this wall clock."""
        if self.begin < self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def told_at(
    reason: Reason,
    at: datetime,
    quiet: Quiet | None,
    zone: ZoneInfo,
    needed_by: datetime | None = None,
) -> datetime:
    """Return when somebody is told of what is owed at a moment: at once, or when their quiet hours end.

    Args:
        reason: What calls for action is told at once.
        at: When it is owed.
        quiet: Theirs, if they have any.
        zone: Of the building's wall clock.
        needed_by: From when on it is of no use; it is told at once if it would wait beyond.
    """
    local = at.astimezone(zone)
    if quiet is None or reason not in _MAY_WAIT or not quiet.holds(local.time()):
        return at
    day = local.date() if local.time() < quiet.end else local.date() + timedelta(days=1)
    end = datetime.combine(day, quiet.end, zone).astimezone(UTC)
    return at if needed_by is not None and end >= needed_by else max(at, end)


def is_urgent(reason: Reason, condition: Condition | None) -> bool:
    """Return whether something waits for no budget: what is said of an outage while its minutes count."""
    is_of_outage = reason is Reason.OPENED and condition is Condition.OUTAGE
    return is_of_outage or reason in (Reason.OUTAGE_BEGAN, Reason.OUTAGE_WARNING)


def messages_an_hour(roles: Collection[Role]) -> int:
    """Return how many messages an hour somebody gets who has not said."""
    return MESSAGES_TO_MEND if Role.FACILITIES in roles else MESSAGES_AN_HOUR


def next_message_at(sent: Sequence[datetime], budget: int, now: datetime, *, is_urgent: bool) -> datetime:
    """Return when what is due to an address may go there: now, or a while after the last message.

    Half of a budget goes one by one; the pauses after that are so long that no hour has more than all of it.

    Args:
        sent: When messages went there, in order.
        budget: How many there may be in any hour.
        now: The moment.
        is_urgent: Whether something of it waits for nobody; it counts too.
    """
    recent = [at for at in sent if at > now - _HOUR]
    one_by_one = (budget + 1) // 2
    if len(recent) < one_by_one or is_urgent:
        return now
    return max(now, recent[-1] + _HOUR / (budget - one_by_one + 1))
