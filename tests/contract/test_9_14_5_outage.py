"""9.14.5: a building may be dark for two hours; a second longer and it is owed closing and relief.

Witnesses of the mains vote; silence neither cuts the power nor brings it back. A short return does not start
the two hours anew, and a room that grows too cold or too hot in the dark does not have to wait for them.
"""

import pytest

from tests.story import COLD, HOT, MILD, SCHOOL_YEAR, Json, Story, clock, deadline, states, times


def dark_since_eight() -> Story:
    return Story().power("08:00", mains="off")


def words(ticket: Json) -> str:
    return " ".join(f"{row['event']} {row['note']}" for row in ticket["history"]).lower()


# Two hours


def test_two_hours_without_power_is_not_yet_a_breach() -> None:
    assert dark_since_eight().replay(until="10:00").tickets == []


def test_one_second_more_is_and_no_message_is_needed() -> None:
    ticket = dark_since_eight().replay(until="10:00:01").the_ticket()
    assert (ticket["building"], ticket["room"]) == ("maple", None)
    assert (ticket["condition"], ticket["clause"]) == ("outage", "9.14.5")
    assert (ticket["status"], ticket["verdict"]) == ("open", "breach")
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("10:00"))


def test_relief_is_due_in_two_weeks_and_there_is_no_deadline_of_a_day() -> None:
    ticket = dark_since_eight().replay(until="10:00:01").the_ticket()
    assert list(states(ticket)) == ["immediate", "midterm", "long_term"]
    assert deadline(ticket, "immediate")["due_at"] == clock("08:00", days=14)


@pytest.mark.parametrize(("returns", "breaches"), [("10:00:00", False), ("10:00:01", True)])
def test_power_that_returns_after_exactly_two_hours_returned_in_time(returns: str, breaches: bool) -> None:
    story = dark_since_eight().power(returns, until="10:30", mains="on")
    assert bool(story.replay().tickets) is breaches


def test_messages_in_between_change_nothing() -> None:
    alone = dark_since_eight().replay(until="11:00").the_ticket()
    story = dark_since_eight().reading("7", "08:03", until="10:58", every=1, building="cedar", **MILD)
    assert story.replay(until="11:00").the_ticket() == alone


def test_each_building_has_its_own_power() -> None:
    story = dark_since_eight().power("08:30", building="cedar", mains="off")
    told = story.replay(until="10:30:01")
    assert [(ticket["building"], ticket["opened_at"]) for ticket in told.tickets] == [
        ("cedar", clock("10:30")),
        ("maple", clock("10:00")),
    ]


def test_two_hours_is_a_setting() -> None:
    story = Story(rules='outage = { longer_than = "30m", warn_at = ["10m"] }').power("08:00", mains="off")
    assert story.replay(until="08:30").tickets == []
    assert story.replay(until="08:30:01").the_ticket()["opened_at"] == clock("08:30")


def test_an_outage_on_a_saturday_is_not_put_on_hold() -> None:
    story = Story(rules='outside_work_hours = "hold"', calendar=SCHOOL_YEAR)
    story.power("2026-12-05 08:00", mains="off")
    assert story.replay(until="2026-12-05 10:00:01").the_ticket()["began_at"] == clock("2026-12-05 08:00")


def test_an_outage_learned_late_opens_when_it_is_learned() -> None:
    story = Story().power("11:00", ts=clock("08:00"), mains="off")
    ticket = story.replay(until="11:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("11:00"))


# Witnesses


@pytest.mark.parametrize("word", [False, "off"])
def test_a_witness_may_say_off_in_two_ways(word: object) -> None:
    assert len(Story().power("08:00", mains=word).replay(until="10:00:01").tickets) == 1


@pytest.mark.parametrize("word", [True, "on"])
def test_and_on_in_two(word: object) -> None:
    story = dark_since_eight().power("09:00", until="10:10", mains=word)
    assert story.replay().tickets == []


def test_half_the_votes_are_no_majority() -> None:
    story = Story().power("07:55", until="11:00", sensor="ups", mains="on")
    story.power("08:00", sensor="panel", mains="off")
    assert story.replay().tickets == []


def test_two_of_three_are_and_the_outage_began_with_the_earliest_of_them() -> None:
    story = Story().power("07:55", until="10:10", sensor="ups", mains="on")
    story.power("08:00", sensor="panel", mains="off").power("08:20", sensor="gym", mains="off")
    assert story.replay(until="10:00").tickets == []
    ticket = story.replay(until="10:00:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("10:00"))


def test_an_on_that_has_grown_old_is_no_vote_any_more() -> None:
    story = Story().power("08:00", sensor="ups", mains="on").power("08:00", sensor="panel", mains="off")
    ticket = story.replay(until="10:00:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("10:00"))


def test_an_off_never_grows_old() -> None:
    story = Story().power("08:00", sensor="ups", mains="off").power("08:05", sensor="panel", mains="off")
    assert story.replay(until="18:00").the_ticket()["episodes"][0]["ended_at"] is None


def test_silence_is_no_outage() -> None:
    assert Story().power("08:00", mains="on").replay(until="18:00").tickets == []


def test_a_retained_off_proves_nothing() -> None:
    assert Story().power("08:00", mains="off", retain=True).replay(until="12:00").tickets == []


def test_a_retained_on_ends_nothing() -> None:
    story = dark_since_eight().power("09:00", until="11:00", mains="on", retain=True)
    assert story.replay().the_ticket()["episodes"][0]["ended_at"] is None


def test_no_power_drawn_is_no_witness() -> None:
    assert Story().power("08:00", until="12:00", every=10, power_w=0).replay().tickets == []


@pytest.mark.parametrize(
    ("rules", "volts", "breaches"),
    [
        ("", 79.9, True),
        ("", 80, False),  # two thirds of 120
        ("outage = { nominal_v = 230 }", 153.3, True),
        ("outage = { nominal_v = 230 }", 153.4, False),
    ],
)
def test_less_than_two_thirds_of_the_voltage_twice_running_is_off_from_the_first(
    rules: str, volts: float, breaches: bool
) -> None:
    story = Story(rules=rules).power("08:00", until="08:05", voltage=volts)
    assert story.replay(until="10:00").tickets == []
    tickets = story.replay(until="10:00:01").tickets
    assert [ticket["began_at"] for ticket in tickets] == [clock("08:00")] * breaches


def test_low_voltage_once_is_not_off() -> None:
    assert Story().power("08:00", voltage=40).replay(until="12:00").tickets == []


def test_low_voltage_every_other_time_is_not_off() -> None:
    story = Story().power("08:00", until="11:00", every=10, voltage=40)
    story.power("08:05", until="11:05", every=10, voltage=121)
    assert story.replay().tickets == []


# Power back


def test_power_back_for_a_quarter_of_an_hour_ends_it_at_the_minute_it_came() -> None:
    story = dark_since_eight().power("10:30", until="10:50", mains="on")
    ticket = story.replay().the_ticket()
    assert ticket["episodes"][0]["ended_at"] == clock("10:30")
    assert (ticket["verdict"], ticket["status"]) == ("ok", "open")


def test_a_second_less_ends_nothing() -> None:
    story = dark_since_eight().power("10:30", until="10:40", mains="on")
    assert story.replay(until="10:44:59").the_ticket()["episodes"][0]["ended_at"] is None


def test_a_flicker_ends_nothing() -> None:
    story = dark_since_eight().power("10:30", until="10:40", mains="on").power("10:44", mains="off")
    story.power("11:00", until="11:20", mains="on")
    (episode,) = story.replay().the_ticket()["episodes"]
    assert (episode["began_at"], episode["ended_at"]) == (clock("08:00"), clock("11:00"))


def test_a_short_return_does_not_start_the_two_hours_anew() -> None:
    story = dark_since_eight().power("08:30", mains="on").power("08:40", mains="off")
    ticket = story.replay(until="10:00:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("10:00"))


def test_a_return_that_held_does() -> None:
    story = dark_since_eight().power("08:30", until="08:50", mains="on").power("08:55", mains="off")
    assert story.replay(until="10:55").tickets == []
    ticket = story.replay(until="10:55:01").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:55"), clock("10:55"))


def test_a_lit_building_opens_nothing_and_one_that_goes_dark_again_opens_at_once() -> None:
    story = dark_since_eight().power("09:50", until="10:00", mains="on").power("10:04:59", mains="off")
    assert story.replay(until="10:04:58").tickets == []
    ticket = story.replay(until="10:05:30").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("10:04:59"))


def test_failing_again_after_a_quarter_of_an_hour_is_another_outage() -> None:
    story = dark_since_eight().power("09:50", until="10:05", mains="on").power("10:05:01", mains="off")
    assert story.replay(until="12:05:01").tickets == []
    assert story.replay(until="12:05:02").the_ticket()["began_at"] == clock("10:05:01")


def test_how_long_power_must_hold_is_a_setting() -> None:
    story = Story(rules='outage = { restored_after = "5m" }').power("08:00", mains="off")
    story.power("10:30", until="10:40", mains="on").power("10:42", mains="off")
    first, _second = story.replay(until="12:42:01").the_ticket()["episodes"]
    assert first["ended_at"] == clock("10:30")


def test_the_next_outage_joins_the_ticket_that_is_still_open() -> None:
    story = dark_since_eight().power("10:30", until="10:50", mains="on").power("11:30", mains="off")
    ticket = story.replay(until="13:30:01").the_ticket()
    assert [episode["began_at"] for episode in ticket["episodes"]] == [clock("08:00"), clock("11:30")]
    assert ticket["began_at"] == clock("08:00")


# Warnings


def test_the_dark_is_announced_at_once_and_warned_of_before_it_is_a_breach() -> None:
    told = dark_since_eight().replay(until="10:00:01")
    assert times(told.notices("outage_began")) == [clock("08:00")]
    assert times(told.notices("outage_warning")) == [clock("09:00"), clock("09:30"), clock("09:50")]
    for notice in told.notices("outage_began") + told.notices("outage_warning"):
        assert set(notice["roles"]) == {"administrator", "facilities", "district"}
        assert {"Ada", "Finn", "Dora", "Bo"} == set(notice["to"])


def test_once_power_is_back_for_good_nothing_warns_any_more() -> None:
    told = dark_since_eight().power("09:10", until="11:00", mains="on").replay()
    assert times(told.notices("outage_warning")) == [clock("09:00")]
    (over,) = told.notices("outage_over")
    assert set(over["roles"]) == {"administrator", "facilities", "district"}
    assert told.tickets == []


def test_the_district_too_is_told_of_the_ticket() -> None:
    (notice,) = dark_since_eight().replay(until="10:01").notices("opened")
    assert set(notice["roles"]) == {"administrator", "facilities", "safety_committee", "district"}


# The second limb


@pytest.mark.parametrize(("air", "condition"), [(COLD, "cold"), (HOT, "heat")])
def test_a_room_that_turns_cold_or_hot_in_the_dark_opens_the_outage_at_once(
    air: Json, condition: str
) -> None:
    story = dark_since_eight().reading("lab", "08:30", **air)
    told = story.replay(until="08:31")
    ticket = told.the_ticket(condition="outage")
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("08:30"))
    assert deadline(ticket, "immediate")["due_at"] == clock("08:00", days=14)
    assert "lab" in words(ticket) or condition in words(ticket)
    assert told.the_ticket(condition=condition)["began_at"] == clock("08:30")


def test_power_that_fails_over_a_room_in_breach_opens_the_outage_at_once() -> None:
    story = dark_since_eight().reading("lab", "07:50", until="08:10", **COLD)
    ticket = story.replay().the_ticket(condition="outage")
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:00"), clock("08:00"))
    assert "lab" in words(ticket) or "cold" in words(ticket)


def test_a_mild_room_in_the_dark_opens_nothing() -> None:
    story = dark_since_eight().reading("lab", "08:30", until="09:30", temperature_f=60, humidity=40)
    assert story.replay().tickets == []


def test_a_cold_room_of_another_building_opens_nothing_here() -> None:
    story = dark_since_eight().reading("7", "08:30", building="cedar", **COLD)
    assert story.replay(until="09:00").tickets_where(condition="outage") == []


def test_a_cold_room_after_the_power_came_back_opens_nothing() -> None:
    story = dark_since_eight().power("08:30", until="09:30", mains="on").reading("lab", "09:00", **COLD)
    assert story.replay().tickets_where(condition="outage") == []
