"""What ought to be said and when: reminders while time runs out, alarms after it, and never a flood."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from safetyd.core.model import Condition, TroubleKind
from safetyd.core.notice import (
    Complaint,
    Desk,
    News,
    count,
    flush,
    next_flush,
    next_reminder,
    reminders,
    take_complaints,
    tell,
)
from safetyd.core.plan import TOLD, Plan, Reason
from safetyd.core.rules import RemindRule
from safetyd.core.ticket import Status, Ticket, Tier, Verb
from safetyd.core.units import JUST_AFTER
from tests.core.scene import MINUTE, clock
from tests.core.test_ticket import DAY, FORTNIGHT, NINE, after, ticket

RULE = RemindRule()
SECOND = timedelta(seconds=1)
HOURS = timedelta(hours=1)


# Reminders


def told(of: Ticket, until: datetime, rule: RemindRule = RULE) -> list[tuple[datetime, Reason, Tier]]:
    """Return every reminder and alarm up to `until`, each told at its own moment."""
    found = []
    while (at := next_reminder(of, rule)) is not None and at <= until:
        found += [(timed.at, timed.reason, timed.tier) for timed in reminders(of, rule, at)]
        of = replace(of, told_until=at)
    return found


def test_half_and_three_quarters_of_the_time_are_reminded_of_and_its_end_and_each_day_after_are_alarms() -> (
    None
):
    mitigation = [
        (at, reason) for at, reason, tier in told(ticket(), NINE + 72 * HOURS) if tier is Tier.MITIGATION
    ]
    assert mitigation == [
        (NINE + 12 * HOURS, Reason.REMINDER),
        (NINE + 18 * HOURS, Reason.REMINDER),
        (NINE + 24 * HOURS, Reason.OVERDUE),
        (NINE + 48 * HOURS, Reason.OVERDUE),
        (NINE + 72 * HOURS, Reason.OVERDUE),
    ]


def test_every_tier_with_a_date_has_its_own() -> None:
    by_tier = {
        tier: at for at, reason, tier in reversed(told(ticket(), NINE + 8 * DAY)) if reason is Reason.REMINDER
    }
    assert by_tier == {Tier.MITIGATION: NINE + 12 * HOURS, Tier.IMMEDIATE: NINE + FORTNIGHT / 2}


def test_relief_ends_those_of_its_tier() -> None:
    relieved = after(ticket(), Verb.RELIEVE, tier=Tier.MITIGATION)
    assert {tier for _, _, tier in told(relieved, NINE + 20 * DAY)} == {Tier.IMMEDIATE}


def test_they_follow_an_extension() -> None:
    extended = after(
        ticket(condition=Condition.OUTAGE), Verb.EXTEND, tier=Tier.IMMEDIATE, until=NINE + 20 * DAY
    )
    assert told(extended, NINE + 20 * DAY) == [
        (NINE + 10 * DAY, Reason.REMINDER, Tier.IMMEDIATE),
        (NINE + 15 * DAY, Reason.REMINDER, Tier.IMMEDIATE),
        (NINE + 20 * DAY, Reason.OVERDUE, Tier.IMMEDIATE),
    ]


def test_when_to_remind_and_how_often_to_alarm_are_settings() -> None:
    often = RemindRule(at=(0.25,), overdue_every=6 * HOURS)
    outage = replace(ticket(), deadlines=ticket().deadlines[:1])
    assert [at - NINE for at, _, _ in told(outage, NINE + 31 * HOURS, often)] == [
        6 * HOURS,
        24 * HOURS,
        30 * HOURS,
    ]


def test_of_what_fell_due_meanwhile_only_the_last_of_each_tier_is_told() -> None:
    owed = [
        (timed.at, timed.reason, timed.tier) for timed in reminders(ticket(), RULE, NINE + 9 * DAY + HOURS)
    ]
    assert owed == [
        (NINE + FORTNIGHT / 2, Reason.REMINDER, Tier.IMMEDIATE),
        (NINE + 9 * DAY, Reason.OVERDUE, Tier.MITIGATION),
    ]


def test_what_has_been_told_is_not_told_again_and_a_closed_ticket_reminds_nobody() -> None:
    at = NINE + 12 * HOURS
    assert reminders(replace(ticket(), told_until=at), RULE, at) == []
    assert reminders(ticket(Status.CLOSED), RULE, NINE + 9 * DAY) == []
    assert next_reminder(ticket(Status.CLOSED), RULE) is None


# The desk


class Office:
    """A building's desk through time, and what left it."""

    def __init__(self) -> None:
        self.desk, self.sent, self.heard = Desk(), [], []  # type: Desk, list[tuple[datetime, Message]], list[str]

    def hears(self, at: datetime, *names: str, reason: Reason = Reason.OPENED) -> "Office":
        for name in names:
            self.until(at - JUST_AFTER)
            self.desk, messages = tell(self.desk, News(at, reason, name, Plan().roles(reason)))
            self.sent += [(at, message) for message in messages]
            self.heard.append(name)
        return self

    def until(self, now: datetime) -> "Office":
        while (at := next_flush(self.desk)) is not None and at <= now:
            self.desk, messages = flush(self.desk, at)
            self.sent += [(at, message) for message in messages]
        return self

    def told(self) -> list[tuple[float, Reason, str]]:
        """Return the seconds after nine, the reason and the tickets of every message."""
        return [((at - NINE) / SECOND, message.reason, names(message.news)) for at, message in self.sent]


def names(news: Iterable[News]) -> str:
    return "".join(item.ticket for item in news)


def test_an_opening_waits_five_seconds_and_goes_out_alone() -> None:
    assert Office().hears(NINE, "a").until(NINE + HOURS).told() == [(5, Reason.OPENED, "a")]


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (4.9, [(5, Reason.DIGEST, "ab")]),
        (5, [(5, Reason.DIGEST, "ab")]),  # what happens at the very moment of a limit comes before it
        (5.1, [(5, Reason.OPENED, "a"), (10.1, Reason.OPENED, "b")]),
    ],
)
def test_openings_within_five_seconds_share_a_digest(
    gap: float, expected: list[tuple[float, Reason, str]]
) -> None:
    assert Office().hears(NINE, "a").hears(NINE + gap * SECOND, "b").until(NINE + HOURS).told() == expected


def test_what_opens_together_waits_for_no_digest_while_there_is_room() -> None:
    office = Office()
    for i, pair in enumerate(("ab", "cd", "ef", "gh", "ij", "kl", "mn")):
        office.hears(NINE + i * MINUTE, *pair)
    told = office.until(NINE + HOURS).told()
    assert told[:5] == [
        (60 * i + 5, Reason.DIGEST, pair) for i, pair in enumerate(("ab", "cd", "ef", "gh", "ij"))
    ]
    assert told[5:] == [(305, Reason.DIGEST, "kl"), (905, Reason.DIGEST, "mn")]


def test_what_opened_together_and_a_digest_that_are_due_at_one_moment_are_one_message() -> None:
    office = Office()
    for _ in range(5):
        office.desk = count(office.desk, NINE)
    office.hears(NINE + SECOND, "a", reason=Reason.ENDED).hears(NINE + 2 * SECOND, "b", "c")
    _, messages = flush(office.desk, NINE + HOURS)
    assert [(each.reason, names(each.news)) for each in messages] == [(Reason.DIGEST, "abc")]


@pytest.mark.parametrize("reason", [Reason.RECURRED, Reason.ENDED])
def test_what_recurs_or_ends_is_told_at_once(reason: Reason) -> None:
    assert Office().hears(NINE, "a", reason=reason).told() == [(0, reason, "a")]


def test_five_messages_in_ten_minutes_and_then_a_digest() -> None:
    office = Office()
    for i, name in enumerate("abcdefg"):
        office.hears(NINE + i * MINUTE, name, reason=Reason.ENDED)
    told = office.until(NINE + HOURS).told()
    assert told[:5] == [(60 * i, Reason.ENDED, name) for i, name in enumerate("abcde")]
    assert told[5:] == [(305, Reason.DIGEST, "f"), (905, Reason.DIGEST, "g")]


def test_ten_minutes_later_there_is_room_again() -> None:
    office = Office()
    for i, name in enumerate("abcde"):
        office.hears(NINE + i * SECOND, name, reason=Reason.ENDED)
    office.hears(NINE + 10 * MINUTE, "f", reason=Reason.ENDED)
    assert office.told()[-1] == (600, Reason.ENDED, "f")


def test_in_a_flood_a_digest_comes_at_most_every_ten_minutes_and_nothing_is_lost() -> None:
    office = Office()
    heard = [chr(ord("a") + i % 26) + f"{i}" for i in range(200)]
    for i, name in enumerate(heard):
        office.hears(
            NINE + i * 37 * SECOND, name, reason=(Reason.OPENED, Reason.RECURRED, Reason.ENDED)[i % 3]
        )
    office.until(NINE + 9 * HOURS)
    digests = [at for at, message in office.sent if message.reason is Reason.DIGEST]
    assert all(later - sooner >= 10 * MINUTE for sooner, later in pairwise(digests))
    assert sorted(item.ticket for _, message in office.sent for item in message.news) == sorted(heard)
    single = [at for at, message in office.sent if message.reason is not Reason.DIGEST]
    assert max(sum(begin <= at < begin + 10 * MINUTE for at in single) for begin in single) <= 5
    assert office.desk.openings == office.desk.overflow == ()


def test_what_never_waits_counts_towards_the_flood() -> None:
    office = Office()
    for _ in range(5):
        office.desk = count(office.desk, NINE)
    assert office.hears(NINE + SECOND, "a", reason=Reason.ENDED).told() == []
    assert office.until(NINE + HOURS).told() == [(6, Reason.DIGEST, "a")]


def test_complaints_wait_a_minute_for_company_and_count_apart() -> None:
    first = Complaint(NINE, True, "maple/12/a", TroubleKind.SILENT)
    second = Complaint(NINE + 30 * SECOND, True, "maple/12/b", TroubleKind.SILENT)
    desk = Desk(complaints=(first, second))
    assert next_flush(desk) == NINE + MINUTE
    assert take_complaints(desk, NINE + MINUTE - JUST_AFTER) == (desk, ())
    assert take_complaints(desk, NINE + MINUTE) == (Desk(complained_at=NINE + MINUTE), (first, second))
    assert flush(desk, NINE + MINUTE)[1] == ()


def test_complaints_of_one_building_come_every_ten_minutes_at_most() -> None:
    later = Complaint(NINE + 2 * MINUTE, True, "maple/12/c", TroubleKind.SILENT)
    desk = Desk(complaints=(later,), complained_at=NINE + MINUTE)
    assert next_flush(desk) == NINE + 11 * MINUTE
    assert take_complaints(desk, NINE + 11 * MINUTE - JUST_AFTER) == (desk, ())
    assert take_complaints(desk, NINE + 11 * MINUTE)[1] == (later,)


# Who


def test_a_digest_goes_to_everybody_whom_one_of_its_news_concerns() -> None:
    office = Office().hears(NINE, "a", "b").until(clock("10:00"))
    assert set(office.sent[0][1].roles) == set(TOLD[Reason.OPENED])
