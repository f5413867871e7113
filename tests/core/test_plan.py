"""Who is told of what, and who next: the plan without a word in the site file, and as one says it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from safetyd.core.model import Condition, Role
from safetyd.core.plan import (
    NOT_PLANNED,
    Plan,
    PlanBook,
    Reason,
    Step,
    escalation,
    in_order,
    next_escalation,
)
from safetyd.core.ticket import Status
from safetyd.core.units import JUST_AFTER
from tests.core.test_ticket import NINE, ticket

OWE = {Role.ADMINISTRATOR, Role.FACILITIES}
WATCH = OWE | {Role.SAFETY_COMMITTEE}
ALL = WATCH | {Role.DISTRICT, Role.ASSOCIATION}
OUTAGE = OWE | {Role.DISTRICT}
WHO = {
    Reason.OPENED: WATCH,
    Reason.RECURRED: OWE,
    Reason.ENDED: OWE,
    Reason.REMINDER: OWE,
    Reason.OVERDUE: ALL,
    Reason.RELIEVED: WATCH,
    Reason.CLOSED: WATCH,
    Reason.EXTENDED: WATCH,
    Reason.DISPUTED: ALL,
    Reason.ACKNOWLEDGED: {Role.FACILITIES},
    Reason.HELD: {Role.FACILITIES},
    Reason.OUTAGE_BEGAN: OUTAGE,
    Reason.OUTAGE_WARNING: OUTAGE,
    Reason.OUTAGE_OVER: OUTAGE,
    Reason.TROUBLE: {Role.FACILITIES},
    Reason.TROUBLE_OVER: {Role.FACILITIES},
    Reason.SHELVED: WATCH,
    Reason.UNSHELVED: WATCH,
    Reason.HEAD: {Role.ADMINISTRATOR, Role.ASSOCIATION},
    Reason.ALTERED: {Role.ADMINISTRATOR, Role.ASSOCIATION},
}


@pytest.mark.parametrize("reason", [each for each in Reason if each not in NOT_PLANNED])
def test_each_reason_has_its_roles(reason: Reason) -> None:
    assert set(Plan().roles(reason)) == WHO[reason]


def test_the_district_is_told_of_an_outage() -> None:
    assert set(Plan().roles(Reason.OPENED, Condition.OUTAGE)) == WATCH | {Role.DISTRICT}
    assert set(Plan().roles(Reason.OPENED, Condition.COLD)) == WATCH


def test_each_role_is_named_once_and_those_who_act_come_first() -> None:
    assert in_order([Role.EDUCATOR, Role.DISTRICT, Role.FACILITIES, Role.DISTRICT]) == (
        Role.FACILITIES,
        Role.DISTRICT,
        Role.EDUCATOR,
    )


# Steps

HOUR = timedelta(hours=1)
FIRST = Step(2 * HOUR, (Role.DISTRICT,))
LAST = Step(6 * HOUR, (Role.ASSOCIATION,), Status.RELIEVED)
STEPS = Plan(steps=(FIRST, LAST))


def test_a_step_is_due_at_its_time_and_not_before() -> None:
    assert next_escalation(ticket(), STEPS) == NINE + 2 * HOUR
    assert escalation(ticket(), STEPS, NINE + 2 * HOUR - JUST_AFTER) is None
    assert escalation(ticket(), STEPS, NINE + 2 * HOUR) == (NINE + 2 * HOUR, 2 * HOUR, (Role.DISTRICT,))


def test_several_that_fell_due_meanwhile_are_one() -> None:
    found = escalation(ticket(), STEPS, NINE + 48 * HOUR)
    assert found == (NINE + 6 * HOUR, 6 * HOUR, (Role.DISTRICT, Role.ASSOCIATION))


def test_what_was_told_is_not_told_again() -> None:
    told = replace(ticket(), told_until=NINE + 2 * HOUR)
    assert next_escalation(told, STEPS) == NINE + 6 * HOUR
    assert escalation(told, STEPS, NINE + 3 * HOUR) is None


@pytest.mark.parametrize(
    ("status", "to"),
    [
        (Status.OPEN, (Role.DISTRICT, Role.ASSOCIATION)),
        (Status.ACKNOWLEDGED, (Role.ASSOCIATION,)),
        (Status.RELIEVED, None),
        (Status.CLOSED, None),
        (Status.JOINED, None),
    ],
)
def test_a_step_is_skipped_once_the_ticket_has_come_as_far(
    status: Status, to: tuple[Role, ...] | None
) -> None:
    found = escalation(replace(ticket(), status=status), STEPS, NINE + 7 * HOUR)
    assert (found and found.to) == to


def test_a_step_may_be_for_some_conditions_only() -> None:
    plan = Plan(steps=(replace(FIRST, conditions=(Condition.OUTAGE,)),))
    assert next_escalation(ticket(), plan) is None


# Versions


def test_the_version_in_force_at_the_moment_counts_and_the_first_for_what_came_before_it() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    old, new = Plan(date(2026, 9, 1)), Plan(date(2026, 12, 1), outage_opened=(Role.DISTRICT,))
    book = PlanBook((old, new), zone)
    midnight = datetime(2026, 12, 1, tzinfo=zone)
    assert [
        book.in_force(at) for at in (midnight - timedelta(days=900), midnight - JUST_AFTER, midnight)
    ] == [
        old,
        old,
        new,
    ]


def test_every_word_of_a_plan_is_in_its_fingerprint() -> None:
    plans = [
        Plan(),
        Plan(date(2026, 9, 1)),
        Plan(told={**Plan().told, Reason.ENDED: ()}),
        Plan(outage_opened=(Role.DISTRICT,)),
        Plan(above={Role.FACILITIES: Role.DISTRICT}),
        STEPS,
        Plan(steps=(FIRST,)),
        Plan(steps=(replace(FIRST, unless=Status.RELIEVED),)),
        Plan(steps=(replace(FIRST, after=HOUR),)),
        Plan(steps=(replace(FIRST, to=(Role.EDUCATOR,)),)),
        Plan(steps=(replace(FIRST, conditions=(Condition.OUTAGE,)),)),
    ]
    assert len({plan.fingerprint for plan in plans}) == len(plans)
    assert Plan().fingerprint == Plan().fingerprint
