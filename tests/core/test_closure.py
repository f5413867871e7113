"""What people may do about a building without electricity, in which order, and who of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from safetyd.core.calendar import Calendar
from safetyd.core.closing import act_on_building
from safetyd.core.closure import (
    TRANSITIONS,
    Closure,
    ClosureAction,
    ClosureState,
    ClosureVerb,
    act,
    staff_window,
    standing,
)
from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Condition, Hazard, Verdict
from safetyd.core.rules import Rules
from safetyd.core.ticket import Action, Status, Ticket, Verb, deadlines
from safetyd.core.ticket import act as act_on_ticket
from tests.core.scene import ALWAYS, BUILDING, clock
from tests.core.test_calendar import ROUND_THE_CLOCK, SCHOOL, YEAR, ZONE, wall

EIGHT, TEN, NOON = clock("08:00"), clock("10:00"), clock("12:00")
ANN, BEN, CAL = "Ann Lee", "Ben Ode", "Cal Roe"
LIFTERS = (ANN, BEN)

# What each state becomes, by its first letter; - is refused. The columns are the states, in their order.
ALLOWED = {
    ClosureVerb.TELL_DISTRICT: "nclr",
    ClosureVerb.CLOSE_BUILDING: "c-cc",
    ClosureVerb.LIFT: "-l--",
    ClosureVerb.CONFIRM_LIFT: "--r-",
}


def after(
    closure: Closure,
    verb: ClosureVerb,
    by: str = ANN,
    now: datetime = NOON,
    outages: int = 1,
    lifters: tuple[str, ...] = LIFTERS,
    **keys: Any,
) -> Closure:
    return act(closure, ClosureAction(verb, by, **keys), EIGHT, outages, lifters, now)


def closure(state: ClosureState) -> Closure:
    """Return a closure that stands so, made by the actions that lead there."""
    made = Closure()
    if state is not ClosureState.NONE:
        made = after(made, ClosureVerb.CLOSE_BUILDING, CAL, TEN)
    if state in (ClosureState.LIFTING, ClosureState.REOPENED):
        made = after(made, ClosureVerb.LIFT, BEN, TEN + timedelta(hours=1))
    if state is ClosureState.REOPENED:
        made = after(made, ClosureVerb.CONFIRM_LIFT, ANN, TEN + timedelta(hours=1, minutes=30))
    assert made.state is state
    return made


# Every pair


@pytest.mark.parametrize(("state", "verb"), list(product(ClosureState, ClosureVerb)))
def test_each_state_allows_what_the_table_says_and_refuses_the_rest(
    state: ClosureState, verb: ClosureVerb
) -> None:
    becomes = ALLOWED[verb][list(ClosureState).index(state)]
    if becomes == "-":
        assert (state, verb) not in TRANSITIONS
        with pytest.raises(TransitionError, match=f"cannot {verb}; possible are .*tell_district"):
            after(closure(state), verb)
    else:
        assert after(closure(state), verb).state[0] == becomes


@pytest.mark.parametrize(("state", "verb"), list(TRANSITIONS))
def test_people_of_no_role_may_close_and_tell_and_never_lift(state: ClosureState, verb: ClosureVerb) -> None:
    if verb in (ClosureVerb.LIFT, ClosureVerb.CONFIRM_LIFT):
        with pytest.raises(ActionError, match=f"'{CAL}' may not {verb}; expected one of {ANN}, {BEN}"):
            after(closure(state), verb, CAL)
    else:
        after(closure(state), verb, CAL)


# Who


@pytest.mark.parametrize("by", ["Ben Ode", " ben  ode", "BEN ODE"])
def test_who_proposed_the_reopening_cannot_confirm_it_however_the_name_is_typed(by: str) -> None:
    with pytest.raises(ActionError, match=f"proposed the reopening.*expected one of {ANN}"):
        after(closure(ClosureState.LIFTING), ClosureVerb.CONFIRM_LIFT, by)
    with pytest.raises(ActionError, match=r"proposed the reopening.*expected another person"):
        after(closure(ClosureState.LIFTING), ClosureVerb.CONFIRM_LIFT, by, lifters=())


def test_where_one_person_alone_has_the_role_the_mend_is_to_name_another() -> None:
    with pytest.raises(ActionError, match=r"names no other administrator or district .* add one"):
        after(closure(ClosureState.LIFTING), ClosureVerb.CONFIRM_LIFT, BEN, lifters=(BEN,))


def test_where_the_site_file_names_nobody_any_two_people_may() -> None:
    proposed = after(closure(ClosureState.CLOSED), ClosureVerb.LIFT, CAL, lifters=())
    reopened = after(proposed, ClosureVerb.CONFIRM_LIFT, "Dee Fox", lifters=())
    assert (reopened.lift_proposed_by, reopened.reopened_by, reopened.reopened_at) == (CAL, "Dee Fox", NOON)


def test_the_first_telling_of_the_district_is_the_one_that_counts() -> None:
    told = after(Closure(), ClosureVerb.TELL_DISTRICT, CAL, TEN)
    again = after(told, ClosureVerb.TELL_DISTRICT, ANN, NOON)
    assert (again.told_district_at, again.told_district_by) == (TEN, CAL)


# When


@pytest.mark.parametrize("since", [EIGHT, TEN, NOON])
def test_a_closing_may_apply_from_any_time_since_the_outage_began(since: datetime) -> None:
    closed = after(Closure(), ClosureVerb.CLOSE_BUILDING, CAL, NOON, since=since)
    assert (closed.closed_at, closed.closed_by) == (since, CAL)


@pytest.mark.parametrize("since", [EIGHT - timedelta(seconds=1), NOON + timedelta(seconds=1)])
def test_but_from_none_before_that_and_none_to_come(since: datetime) -> None:
    with pytest.raises(ActionError, match=r"expected a time from 2026-12-01 08:00:00 UTC to .* 12:00:00 UTC"):
        after(Closure(), ClosureVerb.CLOSE_BUILDING, CAL, NOON, since=since)


def test_closing_again_withdraws_a_proposal_and_keeps_since_when() -> None:
    again = after(closure(ClosureState.LIFTING), ClosureVerb.CLOSE_BUILDING, CAL)
    assert (again.closed_at, again.lift_proposed_by, again.lift_proposed_at) == (TEN, None, None)
    with pytest.raises(ActionError, match="is closed since"):
        after(closure(ClosureState.LIFTING), ClosureVerb.CLOSE_BUILDING, CAL, since=TEN)


def test_an_outage_that_joins_after_the_proposal_undoes_it() -> None:
    proposed = closure(ClosureState.LIFTING)
    assert standing(proposed, 1) == proposed
    assert standing(proposed, 2).state is ClosureState.CLOSED
    with pytest.raises(TransitionError, match="cannot confirm_lift"):
        after(proposed, ClosureVerb.CONFIRM_LIFT, ANN, outages=2)
    assert after(proposed, ClosureVerb.LIFT, ANN, outages=2).lift_proposed_by == ANN
    for state in set(ClosureState) - {ClosureState.LIFTING}:
        assert standing(closure(state), 2) == closure(state)


def test_a_second_closing_begins_after_the_first_and_keeps_it() -> None:
    reopened = closure(ClosureState.REOPENED)
    until = TEN + timedelta(hours=1, minutes=30)
    with pytest.raises(ActionError, match="since is"):
        after(reopened, ClosureVerb.CLOSE_BUILDING, since=until - timedelta(seconds=1))
    again = after(reopened, ClosureVerb.CLOSE_BUILDING, since=until)
    assert (again.closed_at, again.reopened_at, again.earlier) == (until, None, ((TEN, until),))


# The ticket


def ticket(condition: Condition = Condition.OUTAGE, hazard: Hazard | None = None, **keys: Any) -> Ticket:
    owed = deadlines(condition, hazard, EIGHT, Rules(), SCHOOL)
    opened = Ticket(
        "maple-2026-0001", BUILDING, condition, hazard, "sha256:…", Status.OPEN, True, EIGHT, TEN, owed, TEN
    )
    return replace(opened, **keys)


def on_building(of: Ticket, verb: ClosureVerb, by: str = ANN, note: str = "", **keys: Any) -> Ticket:
    verdict = keys.pop("verdict", Verdict.OK)
    return act_on_building(of, ClosureAction(verb, by, note), [EIGHT], LIFTERS, verdict, NOON)


@pytest.mark.parametrize("state", list(ClosureState))
def test_a_ticket_is_not_closed_while_its_building_is(state: ClosureState) -> None:
    close = Action(Verb.CLOSE, ANN, "power is back")
    if state in (ClosureState.CLOSED, ClosureState.LIFTING):
        with pytest.raises(TransitionError, match=r"on record as closed; first lift .* confirm_lift"):
            act_on_ticket(ticket(closure=closure(state)), close, Verdict.OK, NOON)
    else:
        changed = act_on_ticket(ticket(closure=closure(state)), close, Verdict.OK, NOON)
        assert changed.status is Status.CLOSED


@pytest.mark.parametrize("verb", list(ClosureVerb))
@pytest.mark.parametrize(
    ("condition", "hazard", "name"),
    [
        (Condition.COLD, None, "cold"),
        (Condition.HEAT, None, "heat"),
        (Condition.HAZARD, Hazard.ELECTRICITY, "electricity"),
    ],
)
def test_only_an_outage_has_a_closure(
    verb: ClosureVerb, condition: Condition, hazard: Hazard | None, name: str
) -> None:
    with pytest.raises(TransitionError, match=f"maple-2026-0001 is no outage but {name}: it has no {verb}"):
        on_building(ticket(condition, hazard), verb)


def test_of_a_closed_ticket_only_the_telling_can_be_put_on_record() -> None:
    over = ticket(status=Status.CLOSED)
    assert on_building(over, ClosureVerb.TELL_DISTRICT).closure.told_district_at == NOON
    for verb in set(ClosureVerb) - {ClosureVerb.TELL_DISTRICT}:
        with pytest.raises(TransitionError, match=f"is closed: reopen it before you {verb}"):
            on_building(over, verb)


def test_what_is_done_about_the_building_leaves_the_rest_of_the_ticket_alone() -> None:
    changed = on_building(ticket(), ClosureVerb.CLOSE_BUILDING)
    assert changed == ticket(closure=changed.closure)


def test_to_lift_in_the_dark_one_must_say_why() -> None:
    dark = ticket(closure=closure(ClosureState.CLOSED))
    with pytest.raises(TransitionError, match="still in breach: to lift, say why in a note"):
        on_building(dark, ClosureVerb.LIFT, verdict=Verdict.BREACH)
    lifted = on_building(dark, ClosureVerb.LIFT, note="on a generator", verdict=Verdict.BREACH)
    assert lifted.closure.state is ClosureState.LIFTING


def test_a_refusal_names_the_ticket() -> None:
    with pytest.raises(TransitionError, match=r"^maple-2026-0001: the building is not on record as closed"):
        on_building(ticket(), ClosureVerb.LIFT)


# The staff window


def window(calendar: Calendar, closed: str, reopened: str | None, now: str) -> list[tuple[str, str | None]]:
    """Return the staff window in the school's wall time, days left out."""
    shut = Closure(ClosureState.CLOSED, closed_at=wall(closed))
    if reopened is not None:
        shut = Closure(ClosureState.REOPENED, closed_at=wall(closed), reopened_at=wall(reopened))
    return [
        (f"{a.astimezone(ZONE):%d %H:%M}", f"{b.astimezone(ZONE):%d %H:%M}" if b else None)
        for a, b in staff_window(shut, calendar, wall(now))
    ]


def test_what_was_never_closed_kept_nobody_out() -> None:
    assert staff_window(Closure(), SCHOOL, NOON) == ()


def test_without_a_calendar_the_whole_span_counts() -> None:
    assert window(ALWAYS, "2026-12-01 10:00", "2026-12-03 09:00", "2026-12-04 00:00") == [
        ("01 10:00", "03 09:00")
    ]
    assert window(ALWAYS, "2026-12-01 10:00", None, "2026-12-03 09:00") == [("01 10:00", None)]


def test_with_one_only_work_hours_of_work_days_do() -> None:
    assert window(SCHOOL, "2026-12-03 10:00", "2026-12-07 09:15", "2026-12-08 00:00") == [
        ("03 10:00", "03 16:30"),
        ("04 07:45", "04 16:30"),
        ("07 07:45", "07 09:15"),
    ]
    assert window(SCHOOL, "2026-12-05 10:00", "2026-12-06 10:00", "2026-12-08 00:00") == []


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-12-04 07:45", ("03 10:00", "03 16:30")),
        ("2026-12-04 07:46", ("04 07:45", None)),
        ("2026-12-04 16:29", ("04 07:45", None)),
        ("2026-12-04 16:30", ("04 07:45", "04 16:30")),
        ("2026-12-04 23:00", ("04 07:45", "04 16:30")),
    ],
)
def test_of_a_building_that_is_closed_yet_the_window_of_today_is_open(
    now: str, last: tuple[str, str | None]
) -> None:
    assert window(SCHOOL, "2026-12-03 10:00", None, now)[-1] == last


def test_work_days_without_hours_are_whole_days_and_run_together() -> None:
    days = Calendar(ZONE, (YEAR,))
    assert window(days, "2026-12-03 10:00", "2026-12-07 09:15", "2026-12-08 00:00") == [
        ("03 10:00", "05 00:00"),
        ("07 00:00", "07 09:15"),
    ]


def test_nothing_is_counted_after_the_last_work_year() -> None:
    assert window(SCHOOL, "2027-06-11 15:00", None, "2027-07-01 00:00") == [("11 15:00", "11 16:30")]


def test_every_closing_counts() -> None:
    first = (wall("2026-12-01 10:00"), wall("2026-12-01 11:00"))
    twice = Closure(
        ClosureState.REOPENED,
        closed_at=wall("2026-12-02 10:00"),
        reopened_at=wall("2026-12-02 12:00"),
        earlier=(first,),
    )
    second = (wall("2026-12-02 10:00"), wall("2026-12-02 12:00"))
    assert staff_window(twice, SCHOOL, wall("2026-12-03 10:00")) == (first, second)


@pytest.mark.parametrize("calendar", [ALWAYS, Calendar(ZONE, (), ROUND_THE_CLOCK), Calendar(ZONE, (YEAR,))])
def test_days_on_which_the_clock_is_changed_come_to_an_end(calendar: Calendar) -> None:
    for since, until in [("2026-10-30 22:00", "2026-11-03 01:00"), ("2027-03-12 22:00", "2027-03-16 03:00")]:
        spans = window(calendar, since, until, "2027-03-20 00:00")
        assert spans[0][0] == f"{since[8:10]} 22:00" and spans[-1][1] == f"{until[8:10]} {until[11:]}"
