"""A test notice: somebody asks whether messages reach one person.

Rule: it is about nothing, it goes to this person alone, and only a few are sent in a while: who is woken by
tests does not look when it counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Role
from safetyd.core.plan import Reason, in_order
from safetyd.core.world import Notice

MAY_TRY = (Role.FACILITIES, Role.ADMINISTRATOR, Role.DISTRICT)  # ours
BETWEEN = timedelta(minutes=5)  # ours: two tests of one person
MOST_AN_HOUR = 20  # ours: of everybody together
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a person asks: the same keys in a recording, on the command line and in the inbox."""

    person: str
    by: str
    note: str = ""
    role: Role | None = None


class Sent(NamedTuple):
    """A test notice that was owed to somebody at a moment."""

    person: str
    at: datetime


def check(trial: Trial, role: str, where: str, sent: Sequence[Sent], now: datetime) -> None:
    """Check that somebody may ask for a test, and that it is not too soon.

    Args:
        trial: What is asked.
        role: Who asks, to the building; nothing if nobody knows.
        where: The building.
        sent: The tests of the last hour.
        now: The moment.

    Raises:
        ActionError: they may not.
        TransitionError: there were too many just now.
    """
    allowed = f"{', '.join(MAY_TRY[:-1])} or {MAY_TRY[-1]}"
    if not role:
        raise ActionError(f"the site file does not know {trial.by} at {where}: give role, {allowed}")
    if not any(word in MAY_TRY for word in role.split(", ")):
        raise ActionError(f"{trial.by} is {role} at {where}: to send a test notice is for {allowed}")
    last = max((each.at for each in sent if each.person == trial.person), default=None)
    if last is not None and now - last < BETWEEN:
        wait_s = (last + BETWEEN - now).total_seconds()
        raise TransitionError(
            f"{trial.person} was sent a test notice just now; the next may go in {wait_s:.0f} s"
        )
    if sum(now - each.at < AN_HOUR for each in sent) >= MOST_AN_HOUR:
        raise TransitionError(f"{MOST_AN_HOUR} test notices were sent within an hour; try again later")


def notice_of(trial: Trial, role: str, roles: Sequence[Role], building: str, at: datetime) -> Notice:
    """Return what is owed: to one person, who holds these roles."""
    about = {"person": trial.person, "by": trial.by, "role": role, "note": trial.note}
    key = f"test/{trial.person}/{at.isoformat()}"
    return Notice(key, at, building, Reason.TEST, in_order(roles), None, None, about)
