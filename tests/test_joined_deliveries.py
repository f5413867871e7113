"""Who is told much is told it together: by moment, within a budget, and not at night what can wait.

Real servers answer; the time is the story's own.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta

import pytest

from safetyd.core.plan import Reason
from safetyd.core.sparing import Quiet
from safetyd.ingest.message import Message
from safetyd.store import attempts
from tests.desk import HOUR, MINUTE, SECOND, T0, Desk, Hook, person, site
from tests.journeys.servers import WITHIN, Sink

NIGHT = Quiet(time(7), time(9))  # T0 is eight in the morning there: a night for those who sleep long
OVER = "Maple School: electricity is back"
LATE = f"{OVER} (as of Tue 1 Dec 08:00)"


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("no_proxy", "*")
    made = Hook()
    yield made
    made.close()


def names(count: int) -> list[str]:
    return [f"k{number}" for number in range(count)]


def test_what_is_owed_at_one_moment_is_one_message_and_each_notice_has_its_record(sink: Sink) -> None:
    one = Desk(site(person("Finn", sink.address("finn"))))
    one.owe(*names(40))
    one.settle()
    (letter,) = sink.of("finn")
    assert letter.title == f"{OVER} (and 39 more)"
    records = [one.record(number)["Finn"] for number in range(1, 41)]
    assert {(each["state"], each["attempts"], len(each["tried"])) for each in records} == {("accepted", 1, 1)}


def test_more_than_a_thousand_are_several_messages_and_none_is_left_out(sink: Sink) -> None:
    one = Desk(site(person("Finn", sink.address("finn"))))
    one.owe(*names(1001))
    one.settle()
    assert [letter.title for letter in sink.of("finn")] == [f"{OVER} (and 999 more)", OVER]


def test_what_comes_while_a_message_is_on_its_way_follows_as_one(sink: Sink) -> None:
    one = Desk(site(person("Finn", sink.address("finn"))))
    with sink.hold("finn"):
        one.owe("a")
        one.dispatch.send_due(one.now)
        one.owe("b", "c")
        one.dispatch.send_due(one.now)
        assert one.dispatch.in_hand == 1
    one.hear()
    one.settle()
    assert [letter.title for letter in sink.of("finn")] == [OVER, f"{OVER} (and one more)"]


def test_what_waited_for_a_dead_server_comes_as_one_message(sink: Sink) -> None:
    one = Desk(site(person("Finn", sink.address("finn"))))
    sink.answer("finn", 503, 503, 503)
    for name in "abc":
        one.owe(name)
        one.turn()
        one.now += SECOND
    one.turn(HOUR)
    assert [letter.title for letter in sink.of("finn")] == [f"{LATE} (and 2 more)"]
    assert [one.record(number)["Finn"]["attempts"] for number in (1, 2, 3)] == [2, 2, 2]


def test_an_address_that_refuses_all_of_it_is_given_up_for_each(sink: Sink) -> None:
    one = Desk(site(person("Finn", sink.address("finn")), person("Fay", sink.address("fay"))))
    sink.answer("finn", 410)
    one.owe("a", "b")
    one.settle()
    for number in (1, 2):
        assert one.record(number)["Finn"]["state"] == "given_up"
        assert one.record(number)["Finn"]["went_to"] == ["Fay"]


# budgets


def spared(sink: Sink, budget: int) -> Desk:
    return Desk(site(replace(person("Finn", sink.address("finn")), messages_per_hour=budget)))


def test_beyond_the_budget_of_an_hour_messages_are_joined_and_none_is_dropped(sink: Sink) -> None:
    one = spared(sink, 9)  # five one by one, the next 12 minutes later
    for name in "abcdefgh":
        one.owe(name)
        one.turn()
        one.now += MINUTE
    assert len(sink.of("finn")) == 5
    assert one.dispatch.next_at == T0 + 16 * MINUTE
    one.now = one.dispatch.next_at - SECOND
    one.turn()
    assert len(sink.of("finn")) == 5
    one.turn(SECOND)
    assert [letter.title for letter in sink.of("finn")] == [*[OVER] * 5, f"{OVER} (and 2 more)"]


def test_a_restart_does_not_forget_what_was_sent(sink: Sink) -> None:
    one = spared(sink, 4)
    one.owe("a")
    one.turn()
    one.owe("b")
    one.turn(MINUTE)
    sent = attempts.messages_since(one.service.connection, T0 - SECOND)
    assert [at for _, _, at in sent] == [T0, T0 + MINUTE]
    again = Desk(one.service.site, before=one)
    again.owe("c")
    again.turn(MINUTE)
    assert len(sink.of("finn")) == 2


def test_a_warning_of_an_outage_waits_for_no_budget(sink: Sink) -> None:
    one = spared(sink, 1)
    one.owe("a")
    one.turn()
    one.owe("b")
    one.turn(MINUTE)
    assert len(sink.of("finn")) == 1
    one.owe("c", reason=Reason.OUTAGE_WARNING)
    one.turn(MINUTE)
    assert sink.of("finn")[-1].title == "Maple School: no electricity for 60 minutes (and one more)"


def test_what_was_refused_costs_nothing_of_the_budget(sink: Sink) -> None:
    one = spared(sink, 1)
    sink.answer("finn", 503, 503)
    one.owe("a")
    one.turn()
    one.turn(HOUR / 2)
    one.turn(HOUR / 2)
    assert [letter.title for letter in sink.of("finn")] == [LATE]


# quiet hours


def sleeper(sink: Sink) -> Desk:
    return Desk(site(replace(person("Finn", sink.address("finn")), quiet=NIGHT)))


def test_what_can_wait_comes_as_one_message_when_quiet_hours_end(sink: Sink) -> None:
    one = sleeper(sink)
    for name in "abc":
        one.owe(name)
        one.turn(MINUTE)
    assert not sink.asked
    one.now = T0 + HOUR - SECOND
    one.turn()
    assert not sink.asked
    one.turn(SECOND)
    assert [letter.title for letter in sink.of("finn")] == [f"{LATE} (and 2 more)"], "it says when it was so"


def test_what_calls_for_action_comes_at_once_and_does_not_wake_the_rest(sink: Sink) -> None:
    one = sleeper(sink)
    one.owe("a")
    one.turn()
    one.owe("b", reason=Reason.OUTAGE_BEGAN)
    one.turn(MINUTE)
    one.settle()
    assert [letter.title for letter in sink.of("finn")] == ["Maple School: power is out"]
    one.turn(HOUR)
    assert [letter.title for letter in sink.of("finn")][1:] == [LATE]


def test_that_electricity_is_back_is_not_said_in_the_morning_when_it_is_out_again(sink: Sink) -> None:
    one = sleeper(sink)
    one.owe("a")
    one.turn(HOUR / 2)
    one.service.take(Message(one.now, "safetyd/power/maple", b'{"mains": false}'))
    one.commit()
    one.dispatch.look(one.now)
    one.turn()
    one.turn(HOUR / 2)
    assert [letter.title for letter in sink.of("finn")] == ["Maple School: power is out"]
    assert one.record()["Finn"]["state"] == "overtaken"


@pytest.mark.parametrize("is_relieved", [True, False])
def test_a_reminder_of_relief_that_is_on_record_by_the_morning_is_not_sent(
    sink: Sink, is_relieved: bool
) -> None:
    one = sleeper(sink)
    leak = {"do": "report", "building": "maple", "room": None, "hazard": "leaks", "by": "Finn"}
    one.service.command(leak, one.now)
    one.commit()
    one.now += timedelta(days=7)  # half of the two weeks
    one.service.elapse(one.now)
    one.commit()
    if is_relieved:
        one.now += HOUR / 2
        relief = {"do": "relieve", "ticket": "maple-2026-0001", "by": "Finn", "tier": "immediate"}
        one.service.command(relief, one.now)
        one.commit()
    one.now = T0 + timedelta(days=7) + HOUR
    sink.accepted.clear()
    one.dispatch.look(one.now)
    one.settle()
    said = "\n".join(letter.title + letter.text for letter in sink.of("finn"))
    assert ("immediate relief is due" in said) is not is_relieved
    assert ("relief on record" in said) is is_relieved


@pytest.mark.parametrize("is_quiet", [True, False])
def test_while_it_is_quiet_nobody_worries(hook: Hook, sink: Sink, is_quiet: bool) -> None:
    finn = replace(person("Finn", sink.address("finn")), quiet=NIGHT if is_quiet else None)
    sink.answer("finn", *[503] * 99)
    one = Desk(site(finn), hook.settings)
    one.owe("a")
    one.turn(HOUR / 2)
    assert hook.heard.empty() if is_quiet else "reaches nobody" in hook.heard.get(timeout=WITHIN)
