"""What is offered to whom, and what is to be done next: both sides of every state."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.closure import TRANSITIONS as OF_BUILDING
from safetyd.core.closure import Closure, ClosureState, ClosureVerb
from safetyd.core.model import Condition, Place, Role, Verdict
from safetyd.core.ticket import TRANSITIONS, Deadline, Due, Status, Ticket, Tier, Verb
from safetyd.store.accounts import Account
from safetyd.web.pages.next_step import due_next, next_step
from safetyd.web.pages.offers import offered

NOW = datetime(2026, 12, 1, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(status: Status = Status.OPEN, **more: object) -> Ticket:
    """Return a ticket of a cold room; or with `condition` another."""
    dues = (
        Deadline(Tier.MITIGATION, NOW + 24 * HOUR, Due.PENDING),
        Deadline(Tier.IMMEDIATE, NOW + 336 * HOUR, Due.PENDING),
        Deadline(Tier.LONG_TERM, None),
    )
    said: dict[str, object] = {
        "id": "maple-2026-0001",
        "place": Place("maple", "12"),
        "condition": Condition.COLD,
        "hazard": None,
        "rules": "",
        "student_day": True,
        "began_at": NOW,
        "opened_at": NOW,
        "deadlines": dues,
        "told_until": NOW,
    }
    return Ticket(status=status, **(said | more))  # type: ignore[arg-type]


def account(role: Role = Role.DISTRICT, name: str = "Di Ray") -> Account:
    return Account(1, name, role, (), NOW)


@pytest.mark.parametrize("status", Status)
def test_what_is_offered_is_what_the_state_of_the_ticket_allows(status: Status) -> None:
    found = set(offered(made(status), 1, (), account()))
    assert found <= {str(verb) for at, verb in TRANSITIONS if at is status}
    assert "note" in found


def test_relief_that_is_all_on_record_is_not_offered_again_nor_extended() -> None:
    met = tuple(Deadline(tier, NOW, Due.MET, NOW, "Kim Low") for tier in Tier)
    found = offered(made(Status.RELIEVED, deadlines=met), 1, (), account())
    assert "relieve" not in found and "extend" not in found and "close" in found


@pytest.mark.parametrize("state", ClosureState)
def test_only_an_outage_has_a_building_to_close_and_as_its_closing_stands(state: ClosureState) -> None:
    closure = Closure(state, lift_proposed_by="Ann Lee", told_district_at=NOW, outages_then=1)
    outage = made(condition=Condition.OUTAGE, place=Place("maple", None), closure=closure)
    found = set(offered(outage, 1, (), account())) & set(ClosureVerb)
    assert found == {verb for at, verb in OF_BUILDING if at is state} - {ClosureVerb.TELL_DISTRICT}
    assert not set(offered(made(closure=closure), 1, (), account())) & set(ClosureVerb)
    assert ("close" in offered(outage, 1, (), account())) is not closure.keeps_staff_out


def test_who_proposed_to_open_a_building_is_not_asked_to_confirm_it() -> None:
    closure = Closure(ClosureState.LIFTING, lift_proposed_by="di  ray", outages_then=1)
    outage = made(condition=Condition.OUTAGE, place=Place("maple", None), closure=closure)
    assert "confirm_lift" not in offered(outage, 1, (), account())
    assert "confirm_lift" in offered(outage, 1, (), account(name="Ann Lee"))
    assert "confirm_lift" not in offered(outage, 1, ("Somebody Else",), account(name="Ann Lee"))


# what to do next


@pytest.mark.parametrize(
    ("ticket", "verdict", "hours", "act", "words"),
    [
        (made(), Verdict.BREACH, 0, "acknowledge", "Say that you are on it"),
        (
            made(Status.ACKNOWLEDGED),
            Verdict.BREACH,
            0,
            "relieve",
            "Give 24-hour relief and put it on record.",
        ),
        (made(), Verdict.BREACH, 24, "acknowledge", "Say that you are on it"),
        (made(), Verdict.BREACH, 24.1, "relieve", "Give 24-hour relief, which is overdue"),
        (made(), Verdict.OK, 1, "relieve", "the room is in range again"),
        (made(), Verdict.UNKNOWN, 1, "acknowledge", "Say that you are on it"),
        (made(Status.RELIEVED), Verdict.OK, 1, "close", "Close the ticket if this was all"),
        (made(Status.RELIEVED, deadlines=()), Verdict.BREACH, 1, "extend", "date for long-term relief"),
        (made(Status.CLOSED), Verdict.OK, 1, "", "closed"),
        (made(Status.CLOSED, left_in_breach=True), Verdict.BREACH, 1, "", "its next episode"),
        (made(Status.JOINED, joined="maple-watch-2026-0002"), Verdict.BREACH, 1, "", "maple-watch-2026-0002"),
    ],
)
def test_the_next_step_is_the_most_urgent(
    ticket: Ticket, verdict: Verdict, hours: float, act: str, words: str
) -> None:
    found = next_step(ticket, ticket.closure, verdict, list(map(str, Verb)), NOW + hours * HOUR)
    assert found.act == act and words in found.words


@pytest.mark.parametrize(
    ("closure", "verdict", "act"),
    [
        (Closure(), Verdict.BREACH, ClosureVerb.TELL_DISTRICT),
        (Closure(told_district_at=NOW), Verdict.BREACH, ClosureVerb.CLOSE_BUILDING),
        (Closure(ClosureState.CLOSED, told_district_at=NOW), Verdict.BREACH, Verb.ACKNOWLEDGE),
        (Closure(ClosureState.CLOSED, told_district_at=NOW), Verdict.OK, ClosureVerb.LIFT),
        (Closure(ClosureState.LIFTING, told_district_at=NOW), Verdict.OK, ClosureVerb.CONFIRM_LIFT),
    ],
)
def test_of_a_building_without_power_the_district_is_told_first(
    closure: Closure, verdict: Verdict, act: str
) -> None:
    outage = made(condition=Condition.OUTAGE, place=Place("maple", None), closure=closure)
    assert next_step(outage, closure, verdict, [], NOW).act == act


@given(st.permutations([1, 2, 3]), st.lists(st.sampled_from(Due), min_size=3, max_size=3))
def test_what_is_due_next_is_the_first_that_is_owed(hours: list[int], states: list[Due]) -> None:
    tiers = (Tier.MITIGATION, Tier.IMMEDIATE, Tier.MIDTERM)
    dues = tuple(Deadline(t, NOW + h * HOUR, s) for t, h, s in zip(tiers, hours, states, strict=True))
    found = due_next(made(deadlines=dues))
    owed = [each for each in dues if each.state in (Due.PENDING, Due.MISSED)]
    assert found == min(owed, key=lambda each: each.due_at or NOW, default=None)
