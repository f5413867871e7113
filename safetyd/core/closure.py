"""The closing of a building without electricity (9.14.5): who told the district, who closed, who lifted it.

Rule: every change of state is in TRANSITIONS. A closure is lifted by two persons of the roles LIFTERS, one
after the other; an outage that joins the ticket after the first step undoes that step.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from safetyd.core.calendar import Calendar
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Role, same_name

LIFTERS = (Role.ADMINISTRATOR, Role.DISTRICT)


class ClosureState(StrEnum):
    """Where the closing of a building stands."""

    NONE = "none"
    CLOSED = "closed"
    LIFTING = "lifting"
    REOPENED = "reopened"


class ClosureVerb(StrEnum):
    """What a person may do about it."""

    TELL_DISTRICT = "tell_district"
    CLOSE_BUILDING = "close_building"
    LIFT = "lift"
    CONFIRM_LIFT = "confirm_lift"


TRANSITIONS: dict[tuple[ClosureState, ClosureVerb], ClosureState] = {
    (ClosureState.NONE, ClosureVerb.TELL_DISTRICT): ClosureState.NONE,
    (ClosureState.NONE, ClosureVerb.CLOSE_BUILDING): ClosureState.CLOSED,
    (ClosureState.CLOSED, ClosureVerb.TELL_DISTRICT): ClosureState.CLOSED,
    (ClosureState.CLOSED, ClosureVerb.LIFT): ClosureState.LIFTING,
    (ClosureState.LIFTING, ClosureVerb.TELL_DISTRICT): ClosureState.LIFTING,
    (ClosureState.LIFTING, ClosureVerb.CLOSE_BUILDING): ClosureState.CLOSED,
    (ClosureState.LIFTING, ClosureVerb.CONFIRM_LIFT): ClosureState.REOPENED,
    (ClosureState.REOPENED, ClosureVerb.TELL_DISTRICT): ClosureState.REOPENED,
    (ClosureState.REOPENED, ClosureVerb.CLOSE_BUILDING): ClosureState.CLOSED,
}
_STANDS = {
    ClosureState.NONE: "is not on record as closed",
    ClosureState.CLOSED: "is closed",
    ClosureState.LIFTING: "is closed, and its reopening proposed",
    ClosureState.REOPENED: "is open again",
}


@dataclass(frozen=True, slots=True)
class Closure:
    """One building's closing. `outages_then` is how many outages the ticket had when the lift was proposed;
    `earlier` are the closures before this one, from when until when."""

    state: ClosureState = ClosureState.NONE
    told_district_at: datetime | None = None
    told_district_by: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    lift_proposed_at: datetime | None = None
    lift_proposed_by: str | None = None
    outages_then: int = 0
    reopened_at: datetime | None = None
    reopened_by: str | None = None
    earlier: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def keeps_staff_out(self) -> bool:
        """Whether nobody can work there now."""
        return self.state in (ClosureState.CLOSED, ClosureState.LIFTING)


@dataclass(frozen=True, slots=True)
class ClosureAction:
    """What a person did; `since` is from when the closing applied, if not from now."""

    verb: ClosureVerb
    by: str
    note: str = ""
    since: datetime | None = None


def standing(closure: Closure, outages: int) -> Closure:
    """Return the closure as it stands once the ticket has so many outages."""
    if closure.state is ClosureState.LIFTING and outages > closure.outages_then:
        return _not_lifted(closure)
    return closure


def act(
    closure: Closure,
    action: ClosureAction,
    began_at: datetime,
    outages: int,
    lifters: Collection[str],
    now: datetime,
) -> Closure:
    """Return the closure after a person's action; with no names in `lifters`, anybody may lift it.

    Raises:
        TransitionError: it does not stand so that this can be done.
        ActionError: the action lacks something, or the wrong person does it.
    """
    closure = standing(closure, outages)
    state = TRANSITIONS.get((closure.state, action.verb))
    if state is None:
        possible = ", ".join(verb for at, verb in TRANSITIONS if at is closure.state)
        raise TransitionError(
            f"the building {_STANDS[closure.state]}: cannot {action.verb}; possible are {possible}"
        )
    match action.verb:
        case ClosureVerb.TELL_DISTRICT:
            if closure.told_district_at is None:  # the first time is what "immediately" is measured by
                closure = replace(closure, told_district_at=now, told_district_by=action.by)
        case ClosureVerb.CLOSE_BUILDING:
            closure = _closed(closure, action, began_at, now)
        case ClosureVerb.LIFT:
            _check_role(action, lifters)
            closure = replace(closure, lift_proposed_at=now, lift_proposed_by=action.by, outages_then=outages)
        case ClosureVerb.CONFIRM_LIFT:
            _check_role(action, lifters)
            _check_other_person(closure, action, lifters)
            closure = replace(closure, reopened_at=now, reopened_by=action.by)
    return replace(closure, state=state)


def _closed(closure: Closure, action: ClosureAction, began_at: datetime, now: datetime) -> Closure:
    if closure.state is ClosureState.LIFTING:
        if action.since is not None:
            raise ActionError(f"since: the building is closed since {_said(closure.closed_at)}; leave it out")
        return _not_lifted(closure)
    earliest = max(began_at, closure.reopened_at or began_at)
    if action.since is not None and not earliest <= action.since <= now:
        raise ActionError(
            f"since is {_said(action.since)}; expected a time from {_said(earliest)} to {_said(now)}"
        )
    earlier = closure.earlier
    if closure.closed_at is not None and closure.reopened_at is not None:
        earlier += ((closure.closed_at, closure.reopened_at),)
    return Closure(
        told_district_at=closure.told_district_at,
        told_district_by=closure.told_district_by,
        closed_at=action.since or now,
        closed_by=action.by,
        earlier=earlier,
    )


def _not_lifted(closure: Closure) -> Closure:
    return replace(closure, state=ClosureState.CLOSED, lift_proposed_at=None, lift_proposed_by=None)


def _check_role(action: ClosureAction, lifters: Collection[str]) -> None:
    if lifters and same_name(action.by) not in map(same_name, lifters):
        raise ActionError(
            f"by: {action.by!r} may not {action.verb}; expected one of {', '.join(lifters)}"
            f" (in the site file {' or '.join(LIFTERS)} of this building)"
        )


def _check_other_person(closure: Closure, action: ClosureAction, lifters: Collection[str]) -> None:
    proposer = same_name(closure.lift_proposed_by or "")
    if same_name(action.by) != proposer:
        return
    others = [name for name in lifters if same_name(name) != proposer]
    mend = f"expected one of {', '.join(others)}" if others else "expected another person"
    if lifters and not others:
        mend += f": the site file names no other {' or '.join(LIFTERS)} of this building; add one"
    raise ActionError(f"by: {action.by!r} proposed the reopening and cannot confirm it too; {mend}")


def _said(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def staff_window(
    closure: Closure, calendar: Calendar, now: datetime
) -> tuple[tuple[datetime, datetime | None], ...]:
    """Return the work hours in which staff could not work there; the last goes on if its end is None."""
    hours: list[tuple[datetime, datetime | None]] = []
    for since, until in closure.earlier:
        hours += _work_hours(since, until, calendar)
    if closure.closed_at is not None:
        last = list(_work_hours(closure.closed_at, closure.reopened_at or now, calendar))
        hours += last
        if closure.keeps_staff_out and last and last[-1][1] == now and calendar.is_work_time(now):
            hours[-1] = (last[-1][0], None)
    return tuple(hours)


def _work_hours(since: datetime, until: datetime, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches of work hours in a span; days that touch are one."""
    at: datetime | None = since
    begun: datetime | None = None
    ended = since
    while at is not None and (at := calendar.next_work_begin(at)) is not None and at < until:
        if begun is not None and at > ended:
            yield begun, ended
            begun = None
        begun = begun or at
        at = ended = min(until, calendar.work_end(at) or until)
    if begun is not None:
        yield begun, ended
