"""What people may do with a ticket in each status, and what that does to its deadlines, and never does."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Condition, Hazard, Verdict
from safetyd.core.rules import Rules
from safetyd.core.ticket import (
    TRANSITIONS,
    Action,
    Due,
    Relief,
    Status,
    Ticket,
    Tier,
    Verb,
    act,
    deadlines,
    miss,
    next_miss,
)
from safetyd.core.units import JUST_AFTER
from tests.core.scene import ALWAYS, ROOM, clock
from tests.core.test_calendar import SCHOOL

NINE = clock("09:00")
DAY, FORTNIGHT = timedelta(hours=24), timedelta(days=14)
NOON = clock("12:00")

# What each status becomes, by its first letter; - is refused. The columns are the statuses, in their order.
ALLOWED = {
    Verb.ACKNOWLEDGE: "a----",
    Verb.RELIEVE: "rrr--",
    Verb.NOTE: "oarcj",
    Verb.EXTEND: "oar--",
    Verb.DISPUTE: "oarcj",
    Verb.CLOSE: "ccc-c",
    Verb.REOPEN: "-oooo",
}
KEYS: dict[Verb, dict[str, Any]] = {
    Verb.RELIEVE: {"tier": Tier.MITIGATION},
    Verb.NOTE: {"note": "seen"},
    Verb.EXTEND: {"tier": Tier.IMMEDIATE, "until": NINE + 20 * DAY},
}


def ticket(
    status: Status = Status.OPEN, condition: Condition = Condition.COLD, hazard: Hazard | None = None
) -> Ticket:
    owed = deadlines(condition, hazard, NINE, Rules(), SCHOOL)
    return Ticket(
        "maple-2026-0001", ROOM, condition, hazard, "sha256:…", status, True, NINE, NINE, owed, NINE
    )


def after(
    before: Ticket, verb: Verb, now: datetime = NOON, verdict: Verdict = Verdict.UNKNOWN, **keys: Any
) -> Ticket:
    return act(before, Action(verb, "A. Reyes", **keys), verdict, now)


def states(of: Ticket) -> dict[Tier, Due]:
    return {deadline.tier: deadline.state for deadline in of.deadlines}


def due(of: Ticket) -> list[tuple[Tier, datetime | None]]:
    return [(deadline.tier, deadline.due_at) for deadline in of.deadlines]


# Every pair


@pytest.mark.parametrize(("status", "verb"), list(product(Status, Verb)))
def test_each_status_allows_what_the_table_says_and_refuses_the_rest(status: Status, verb: Verb) -> None:
    becomes = ALLOWED[verb][list(Status).index(status)]
    before = ticket(status)
    if becomes == "-":
        assert (status, verb) not in TRANSITIONS
        with pytest.raises(TransitionError, match=f"maple-2026-0001 is {status}: cannot {verb} it"):
            after(before, verb, **KEYS.get(verb, {}))
    else:
        assert after(before, verb, **KEYS.get(verb, {})).status[0] == becomes


@pytest.mark.parametrize(("status", "verb"), [pair for pair in TRANSITIONS if pair[1] not in KEYS])
def test_only_relief_and_extension_touch_a_deadline(status: Status, verb: Verb) -> None:
    assert after(ticket(status), verb).deadlines == ticket().deadlines


@pytest.mark.parametrize(("status", "verb"), list(TRANSITIONS))
def test_nothing_people_do_moves_a_promised_date_or_the_beginning(status: Status, verb: Verb) -> None:
    changed = after(ticket(status), verb, **KEYS.get(verb, {}))
    assert due(changed) == due(ticket())
    assert (changed.began_at, changed.opened_at, changed.rules, changed.id) == (
        NINE,
        NINE,
        "sha256:…",
        "maple-2026-0001",
    )


# What is promised


def test_extreme_temperature_has_four_tiers_and_the_others_three() -> None:
    year_end = SCHOOL.work_year_end(NINE)
    all_four = [
        (Tier.MITIGATION, NINE + DAY),
        (Tier.IMMEDIATE, NINE + FORTNIGHT),
        (Tier.MIDTERM, year_end),
        (Tier.LONG_TERM, None),
    ]
    assert due(ticket()) == due(ticket(condition=Condition.HEAT)) == all_four
    assert due(ticket(condition=Condition.HAZARD, hazard=Hazard.TEMPERATURE)) == all_four
    assert due(ticket(condition=Condition.OUTAGE)) == all_four[1:]
    for hazard in set(Hazard) - {Hazard.TEMPERATURE}:
        assert due(ticket(condition=Condition.HAZARD, hazard=hazard)) == all_four[1:]


def test_what_has_no_date_is_unset_and_the_rest_is_pending() -> None:
    assert states(ticket())[Tier.LONG_TERM] is Due.UNSET
    assert set(list(states(ticket()).values())[:3]) == {Due.PENDING}
    without_calendar = deadlines(Condition.COLD, None, NINE, Rules(), ALWAYS)
    assert [deadline.state for deadline in without_calendar] == [
        Due.PENDING,
        Due.PENDING,
        Due.UNSET,
        Due.UNSET,
    ]


# Relief


@pytest.mark.parametrize("reached", list(Tier))
def test_relief_of_a_tier_meets_it_and_every_lower_one(reached: Tier) -> None:
    relieved = after(ticket(), Verb.RELIEVE, tier=reached)
    tiers = list(Tier)
    for deadline in relieved.deadlines:
        if tiers.index(deadline.tier) <= tiers.index(reached):
            assert (deadline.state, deadline.met_at, deadline.by) == (Due.MET, NOON, "A. Reyes")
        else:
            assert (deadline.state is Due.MET, deadline.met_at, deadline.by) == (False, None, None)


@pytest.mark.parametrize(("late", "state"), [(timedelta(0), Due.MET), (JUST_AFTER, Due.MET_LATE)])
def test_relief_at_the_very_deadline_is_in_time(late: timedelta, state: Due) -> None:
    assert (
        states(after(ticket(), Verb.RELIEVE, NINE + DAY + late, tier=Tier.MITIGATION))[Tier.MITIGATION]
        is state
    )


def test_relief_of_a_higher_tier_makes_a_missed_one_met_late() -> None:
    missed, _ = miss(ticket(), NINE + 2 * DAY)
    relieved = after(missed, Verb.RELIEVE, NINE + 2 * DAY, tier=Tier.IMMEDIATE)
    assert list(states(relieved).values())[:2] == [Due.MET_LATE, Due.MET]


def test_relief_that_came_first_keeps_its_own_time_and_name() -> None:
    first = after(ticket(), Verb.RELIEVE, tier=Tier.MITIGATION)
    again = act(first, Action(Verb.RELIEVE, "B. Stone", tier=Tier.IMMEDIATE), Verdict.UNKNOWN, NINE + 2 * DAY)
    assert (again.deadlines[0].met_at, again.deadlines[0].by) == (NOON, "A. Reyes")
    assert again.deadlines[1].by == "B. Stone"


def test_the_same_relief_twice_is_refused_but_a_reopened_ticket_takes_it_again() -> None:
    relieved = after(ticket(), Verb.RELIEVE, tier=Tier.MITIGATION)
    with pytest.raises(TransitionError, match="on record already"):
        after(relieved, Verb.RELIEVE, tier=Tier.MITIGATION)
    reopened = after(relieved, Verb.REOPEN)
    assert after(reopened, Verb.RELIEVE, tier=Tier.MITIGATION) == relieved


def test_relief_may_say_of_what_kind_and_needs_a_tier_that_the_ticket_has() -> None:
    for kind in Relief:
        assert after(ticket(), Verb.RELIEVE, tier=Tier.IMMEDIATE, kind=kind).status is Status.RELIEVED
    with pytest.raises(ActionError, match="needs tier"):
        after(ticket(), Verb.RELIEVE)
    with pytest.raises(ActionError, match="no mitigation deadline"):
        after(ticket(condition=Condition.OUTAGE), Verb.RELIEVE, tier=Tier.MITIGATION)


# Extension


def test_an_extension_stands_beside_its_deadline() -> None:
    extended = after(ticket(), Verb.EXTEND, tier=Tier.IMMEDIATE, until=NINE + 20 * DAY)
    assert (extended.deadlines[1].due_at, extended.deadlines[1].extended_to) == (
        NINE + FORTNIGHT,
        NINE + 20 * DAY,
    )
    assert extended.deadlines[1].in_force_at == NINE + 20 * DAY
    assert miss(extended, NINE + 15 * DAY)[0].deadlines[1].state is Due.MISSED


def test_an_extension_of_a_tier_without_a_date_sets_it() -> None:
    extended = after(ticket(), Verb.EXTEND, tier=Tier.LONG_TERM, until=NINE + 20 * DAY)
    assert (extended.deadlines[3].due_at, extended.deadlines[3].extended_to) == (NINE + 20 * DAY, None)
    assert states(extended)[Tier.LONG_TERM] is Due.PENDING


@pytest.mark.parametrize("until", [NINE + FORTNIGHT, NOON, NINE - DAY])
def test_an_extension_goes_beyond_what_is_in_force_and_into_the_future(until: datetime) -> None:
    with pytest.raises(ActionError, match="expected later than"):
        after(ticket(), Verb.EXTEND, tier=Tier.IMMEDIATE, until=until)


def test_a_missed_deadline_may_be_extended_and_stays_missed_and_a_met_one_may_not() -> None:
    missed, _ = miss(ticket(), NINE + 2 * DAY)
    extended = after(missed, Verb.EXTEND, NINE + 2 * DAY, tier=Tier.MITIGATION, until=NINE + 3 * DAY)
    assert states(extended)[Tier.MITIGATION] is Due.MISSED
    met = after(ticket(), Verb.RELIEVE, tier=Tier.MITIGATION)
    with pytest.raises(TransitionError, match="nothing to extend"):
        after(met, Verb.EXTEND, tier=Tier.MITIGATION, until=NINE + 3 * DAY)


@pytest.mark.parametrize(
    ("keys", "lacks"), [({"tier": Tier.IMMEDIATE}, "until"), ({"until": NINE + 20 * DAY}, "tier")]
)
def test_an_extension_needs_a_tier_and_a_date(keys: dict[str, Any], lacks: str) -> None:
    with pytest.raises(ActionError, match=f"needs {lacks}"):
        after(ticket(), Verb.EXTEND, **keys)


# Closing, disputes, notes


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("note", ["", "  ", "sensor to be moved"])
def test_over_a_breach_it_closes_only_with_a_reason(verdict: Verdict, note: str) -> None:
    if verdict is Verdict.BREACH and not note.strip():
        with pytest.raises(TransitionError, match="say why"):
            after(ticket(), Verb.CLOSE, verdict=verdict, note=note)
    else:
        assert after(ticket(), Verb.CLOSE, verdict=verdict, note=note).left_in_breach is (
            verdict is Verdict.BREACH
        )


def test_a_reopened_ticket_is_not_left_in_breach() -> None:
    closed = replace(ticket(Status.CLOSED), left_in_breach=True)
    assert not after(closed, Verb.REOPEN).left_in_breach


def test_a_dispute_stands_until_it_is_withdrawn() -> None:
    disputed = after(ticket(), Verb.DISPUTE, tier=Tier.MITIGATION)
    assert disputed.disputed
    assert after(disputed, Verb.DISPUTE).disputed
    assert not after(disputed, Verb.DISPUTE, withdraw=True).disputed
    with pytest.raises(TransitionError, match="nothing to withdraw"):
        after(ticket(), Verb.DISPUTE, withdraw=True)


def test_a_note_needs_words() -> None:
    with pytest.raises(ActionError, match="needs words"):
        after(ticket(), Verb.NOTE, note=" ")


# Missing a deadline


def test_a_deadline_is_missed_a_grain_after_it() -> None:
    assert next_miss(ticket()) == NINE + DAY + JUST_AFTER
    assert miss(ticket(), NINE + DAY) == (ticket(), ())
    late, missed = miss(ticket(), NINE + DAY + JUST_AFTER)
    assert [deadline.tier for deadline in missed] == [Tier.MITIGATION]
    assert states(late)[Tier.MITIGATION] is Due.MISSED
    assert miss(late, NINE + DAY + JUST_AFTER) == (late, ())
    assert next_miss(late) == NINE + FORTNIGHT + JUST_AFTER


def test_what_is_met_or_unset_is_never_missed() -> None:
    relieved = after(ticket(), Verb.RELIEVE, tier=Tier.MIDTERM)
    assert next_miss(relieved) is None
    assert miss(relieved, NINE + 999 * DAY) == (relieved, ())


def test_a_closed_ticket_owes_nothing() -> None:
    assert next_miss(ticket(Status.CLOSED)) is None
    assert miss(ticket(Status.CLOSED), NINE + 999 * DAY) == (ticket(Status.CLOSED), ())
