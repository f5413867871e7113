"""How people are spared: nothing is lost by it, and what calls for action does not wait."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.model import Condition, Role
from safetyd.core.plan import Reason
from safetyd.core.sparing import Quiet, is_urgent, messages_an_hour, next_message_at, told_at

ZONE = ZoneInfo("America/Los_Angeles")
NIGHT = Quiet(time(21), time(6))
NOON = Quiet(time(12), time(13))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-12-01 20:59", "2026-12-01 20:59"),
        ("2026-12-01 21:00", "2026-12-02 06:00"),
        ("2026-12-01 23:30", "2026-12-02 06:00"),
        ("2026-12-02 00:00", "2026-12-02 06:00"),
        ("2026-12-02 05:59", "2026-12-02 06:00"),
        ("2026-12-02 06:00", "2026-12-02 06:00"),
        ("2027-03-13 22:00", "2027-03-14 06:00"),  # the clocks go forward in this night
        ("2026-10-31 22:00", "2026-11-01 06:00"),  # and back in this
    ],
)
def test_what_can_wait_waits_for_the_morning(at: str, told: str) -> None:
    assert told_at(Reason.RELIEVED, local(at), NIGHT, ZONE) == local(told)


@pytest.mark.parametrize(("at", "told"), [("11:59", "11:59"), ("12:00", "13:00"), ("13:00", "13:00")])
def test_quiet_hours_may_be_of_one_day(at: str, told: str) -> None:
    assert told_at(Reason.CLOSED, local(f"2026-12-01 {at}"), NOON, ZONE) == local(f"2026-12-01 {told}")


@pytest.mark.parametrize(
    "reason",
    [
        Reason.OPENED,
        Reason.RECURRED,
        Reason.OVERDUE,
        Reason.ESCALATED,
        Reason.HELD,
        Reason.OUTAGE_BEGAN,
        Reason.OUTAGE_WARNING,
        Reason.DIGEST,
    ],
)
def test_what_calls_for_action_never_waits(reason: Reason) -> None:
    at = local("2026-12-01 23:00")
    assert told_at(reason, at, NIGHT, ZONE) == at


def test_who_has_no_quiet_hours_is_told_at_once() -> None:
    at = local("2026-12-01 23:00")
    assert told_at(Reason.RELIEVED, at, None, ZONE) == at


def test_a_reminder_does_not_wait_until_it_is_too_late() -> None:
    at, morning = local("2026-12-01 23:00"), local("2026-12-02 06:00")
    assert told_at(Reason.REMINDER, at, NIGHT, ZONE, morning) == at
    assert told_at(Reason.REMINDER, at, NIGHT, ZONE, morning + MINUTE) == morning


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
    st.times().map(lambda at: at.replace(microsecond=0)),
    st.times().map(lambda at: at.replace(microsecond=0)),
)
def test_nobody_waits_longer_than_a_day_nor_is_told_before_it_is_owed(
    at: datetime, begin: time, end: time
) -> None:
    told = told_at(Reason.TROUBLE, at, Quiet(begin, end), ZONE)
    assert at <= told <= at + timedelta(hours=25)


def sent(*minutes_ago: int) -> list[datetime]:
    return [NOW - minutes * MINUTE for minutes in minutes_ago]


NOW = local("2026-12-01 10:00")


def test_half_of_a_budget_goes_one_by_one() -> None:
    assert next_message_at(sent(9, 5), 5, NOW, is_urgent=False) == NOW
    assert next_message_at(sent(9, 5, 3), 5, NOW, is_urgent=False) > NOW


def test_beyond_it_one_goes_a_while_after_the_last() -> None:
    assert next_message_at(sent(50, 9, 3), 5, NOW, is_urgent=False) == NOW + 17 * MINUTE
    assert next_message_at(sent(50, 40, 20), 5, NOW, is_urgent=False) == NOW
    assert next_message_at(sent(1), 1, NOW, is_urgent=False) == NOW + 59 * MINUTE


def test_an_hour_later_a_message_counts_no_more() -> None:
    assert next_message_at([NOW - HOUR, *sent(9, 3)], 5, NOW, is_urgent=False) == NOW
    assert next_message_at([NOW - HOUR + MINUTE, *sent(9, 3)], 5, NOW, is_urgent=False) > NOW


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60), st.integers(1, 30))
def test_no_hour_has_more_than_the_budget_and_nothing_waits_longer_than_its_pause(
    minutes: list[int], budget: int
) -> None:
    messages: list[datetime] = []
    told = NOW
    for owed in (NOW + each * MINUTE for each in sorted(minutes)):
        if owed <= told and messages:
            continue  # it went with the last
        told = next_message_at(messages, budget, owed, is_urgent=False)
        messages.append(told)
        assert told - owed <= HOUR / (budget // 2 + 1)
    for at in messages:
        assert sum(at - HOUR < each <= at for each in messages) <= budget


def test_who_goes_to_the_rooms_has_word_of_each_and_others_fewer_than_ten_messages() -> None:
    assert messages_an_hour([Role.ADMINISTRATOR, Role.SAFETY_COMMITTEE]) == 9
    assert messages_an_hour([Role.ADMINISTRATOR, Role.FACILITIES]) == 60


def test_a_warning_of_an_outage_waits_for_no_budget() -> None:
    assert next_message_at(sent(3, 2, 1), 3, NOW, is_urgent=True) == NOW


@pytest.mark.parametrize(
    ("reason", "condition", "urgent"),
    [
        (Reason.OUTAGE_BEGAN, None, True),
        (Reason.OUTAGE_WARNING, None, True),
        (Reason.OPENED, Condition.OUTAGE, True),
        (Reason.OPENED, Condition.COLD, False),
        (Reason.OUTAGE_OVER, None, False),
    ],
)
def test_what_is_said_of_an_outage_while_its_minutes_count(
    reason: Reason, condition: Condition | None, urgent: bool
) -> None:
    assert is_urgent(reason, condition) is urgent
