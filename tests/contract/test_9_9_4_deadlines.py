"""9.9.4: a day to mitigate extreme temperature, two weeks for relief, the work year for midterm relief.

Each deadline is computed once, from the beginning of the breach, in elapsed time; midterm goes by the
calendar. It never moves: an extension stands beside it, and a miss stays on record. Reminders come before
it, alarms after.
"""

import pytest

from tests.story import COLD, SCHOOL_YEAR, SOMEBODY, Json, Story, clock, deadline, states, times

YEAR_TO = 'work_year = [2026-08-25, {}]\nwork_hours = "07:45-16:30"\nstudent_hours = "08:30-15:15"\n'


def cold_since_eight(calendar: str = "") -> Story:
    return Story(calendar=calendar).reading("12", "08:00", **COLD)


def promises(ticket: Json) -> list[tuple[str, str | None]]:
    return [(entry["tier"], entry["due_at"]) for entry in ticket["deadlines"]]


# What is due when


def test_extreme_temperature_has_four_tiers() -> None:
    ticket = cold_since_eight(SCHOOL_YEAR).replay(until="08:01").the_ticket()
    assert promises(ticket) == [
        ("mitigation", clock("08:00", hours=24)),
        ("immediate", clock("08:00", days=14)),
        ("midterm", clock("2027-06-11 16:30")),
        ("long_term", None),
    ]
    assert states(ticket) == {
        "mitigation": "pending",
        "immediate": "pending",
        "midterm": "pending",
        "long_term": "unset",
    }


@pytest.mark.parametrize("at", ["2026-10-31 09:00", "2027-03-13 09:00"])
def test_a_day_is_twenty_four_hours_also_when_the_clocks_change(at: str) -> None:
    ticket = Story().reading("12", at, **COLD).replay(until=clock(at, minutes=1)).the_ticket()
    assert deadline(ticket, "mitigation")["due_at"] == clock(at, hours=24)
    assert deadline(ticket, "immediate")["due_at"] == clock(at, hours=14 * 24)


@pytest.mark.parametrize(
    ("last_day", "due_at"),
    [
        ("2026-10-30", "2026-10-30T23:30:00Z"),  # the last work day of summer time
        ("2026-11-01", "2026-11-02T00:30:00Z"),  # the clocks went back that morning
        ("2027-03-12", "2027-03-13T00:30:00Z"),
        ("2027-03-14", "2027-03-14T23:30:00Z"),  # the clocks went forward that morning
    ],
)
def test_midterm_is_the_end_of_work_on_the_last_day_by_the_clock_on_the_wall(
    last_day: str, due_at: str
) -> None:
    story = Story(calendar=YEAR_TO.format(last_day)).reading("12", "2026-10-05 08:00", **COLD)
    ticket = story.replay(until="2026-10-05 08:01").the_ticket()
    assert deadline(ticket, "midterm")["due_at"] == due_at


def test_a_breach_in_the_summer_has_until_the_end_of_the_coming_year() -> None:
    story = Story(calendar=SCHOOL_YEAR).reading("12", "2026-07-20 08:00", **COLD)
    ticket = story.replay(until="2026-07-20 08:01").the_ticket()
    assert deadline(ticket, "midterm")["due_at"] == clock("2027-06-11 16:30")


def test_after_the_last_work_year_midterm_is_unset() -> None:
    story = Story(calendar=SCHOOL_YEAR).reading("12", "2027-06-14 08:00", **COLD)
    entry = deadline(story.replay(until="2027-06-14 08:01").the_ticket(), "midterm")
    assert (entry["due_at"], entry["state"]) == (None, "unset")


def test_without_a_calendar_midterm_is_unset() -> None:
    entry = deadline(cold_since_eight().replay(until="08:01").the_ticket(), "midterm")
    assert (entry["due_at"], entry["state"]) == (None, "unset")


# Met and missed


def test_a_second_before_the_deadline_relief_is_in_time() -> None:
    just_in_time = clock("08:00", hours=23, minutes=59, seconds=59)
    story = cold_since_eight().act(just_in_time, "relieve", tier="mitigation")
    entry = deadline(story.replay(until="2026-12-03 08:00").the_ticket(), "mitigation")
    assert (entry["state"], entry["by"]) == ("met", SOMEBODY)
    assert entry["due_at"] == clock("08:00", hours=24)
    assert entry["met_at"] == just_in_time


def test_a_second_after_it_is_late_and_stays_so() -> None:
    story = cold_since_eight().act(clock("08:00", hours=24, seconds=1), "relieve", tier="mitigation")
    entry = deadline(story.replay(until="2026-12-03 08:00").the_ticket(), "mitigation")
    assert (entry["state"], entry["by"]) == ("met_late", SOMEBODY)
    assert entry["due_at"] == clock("08:00", hours=24)
    assert entry["met_at"] == clock("08:00", hours=24, seconds=1)


def test_without_relief_a_deadline_is_pending_until_it_is_missed() -> None:
    story = cold_since_eight()
    before = story.replay(until=clock("08:00", hours=23, minutes=59, seconds=59)).the_ticket()
    after = story.replay(until=clock("08:00", hours=24, seconds=1)).the_ticket()
    assert deadline(before, "mitigation")["state"] == "pending"
    assert states(after) == {**states(before), "mitigation": "missed"}


def test_warm_air_meets_no_deadline() -> None:
    story = cold_since_eight().reading("12", "08:05", until="08:40", temperature_f=68, humidity=40)
    ticket = story.replay(until="2026-12-02 08:00:01").the_ticket()
    assert ticket["episodes"][0]["ended_at"] == clock("08:05")
    assert deadline(ticket, "mitigation")["state"] == "missed"


def test_closing_does_not_wipe_out_a_miss() -> None:
    story = cold_since_eight().act("2026-12-02 09:00", "close", note="room given up")
    ticket = story.replay(until="2026-12-02 10:00").the_ticket()
    assert ticket["status"] == "closed"
    assert deadline(ticket, "mitigation")["state"] == "missed"


def test_relief_of_a_tier_meets_the_lower_ones_that_are_pending() -> None:
    story = cold_since_eight(SCHOOL_YEAR).act("09:00", "relieve", tier="immediate")
    assert states(story.replay().the_ticket()) == {
        "mitigation": "met",
        "immediate": "met",
        "midterm": "pending",
        "long_term": "unset",
    }


def test_relief_of_a_tier_leaves_the_higher_ones() -> None:
    story = cold_since_eight(SCHOOL_YEAR).act("09:00", "relieve", tier="mitigation")
    assert states(story.replay().the_ticket()) == {
        "mitigation": "met",
        "immediate": "pending",
        "midterm": "pending",
        "long_term": "unset",
    }


def test_relief_of_a_tier_makes_a_lower_one_that_was_missed_met_late() -> None:
    story = cold_since_eight().act("2026-12-02 09:00", "relieve", tier="immediate")
    ticket = story.replay().the_ticket()
    assert states(ticket) == {
        "mitigation": "met_late",
        "immediate": "met",
        "midterm": "unset",
        "long_term": "unset",
    }
    assert deadline(ticket, "mitigation")["met_at"] == clock("2026-12-02 09:00")


def test_relief_that_came_first_keeps_its_own_time() -> None:
    story = cold_since_eight().act("09:00", "relieve", tier="mitigation", by="M. Odeh")
    story.act("2026-12-03 09:00", "relieve", tier="immediate")
    entry = deadline(story.replay().the_ticket(), "mitigation")
    assert (entry["state"], entry["met_at"], entry["by"]) == ("met", clock("09:00"), "M. Odeh")


# Frozen, and extended


def test_neither_new_episodes_nor_people_move_a_deadline() -> None:
    story = cold_since_eight(SCHOOL_YEAR)
    promised = promises(story.replay(until="08:01").the_ticket())
    story.reading("12", "08:05", until="08:40", temperature_f=68, humidity=40)
    story.act("09:00", "acknowledge").act("09:10", "relieve", tier="mitigation").act("09:20", "dispute")
    story.reading("12", "10:00", **COLD).act("10:10", "close", note="moved").act("10:20", "reopen")
    assert promises(story.replay(until="2026-12-03 08:00").the_ticket()) == promised


def test_an_extension_stands_beside_the_deadline_with_its_author_and_reason() -> None:
    longer = clock("08:00", hours=48)
    story = cold_since_eight().act("09:00", "extend", tier="mitigation", until=longer, note="part on order")
    ticket = story.replay().the_ticket()
    entry = deadline(ticket, "mitigation")
    assert (entry["due_at"], entry["extended_to"]) == (clock("08:00", hours=24), longer)
    assert (ticket["history"][-1]["by"], ticket["history"][-1]["at"]) == (SOMEBODY, clock("09:00"))
    assert "part on order" in ticket["history"][-1]["note"]


def test_a_deadline_is_missed_by_its_own_date_though_it_was_extended() -> None:
    story = cold_since_eight().act("09:00", "extend", tier="mitigation", until=clock("08:00", hours=48))
    at_first = story.replay(until=clock("08:00", hours=23)).the_ticket()
    assert deadline(at_first, "mitigation")["state"] == "pending"
    late = clock("08:00", hours=30)
    assert deadline(story.replay(until=late).the_ticket(), "mitigation")["state"] == "missed"
    story.act(late, "relieve", tier="mitigation")
    assert deadline(story.replay().the_ticket(), "mitigation")["state"] == "met_late"


@pytest.mark.parametrize("tier", ["midterm", "long_term"])
def test_extending_a_tier_without_a_date_gives_it_one(tier: str) -> None:
    story = cold_since_eight().act("09:00", "extend", tier=tier, until="2027-08-20T20:00:00Z")
    entry = deadline(story.replay().the_ticket(), tier)
    assert (entry["due_at"], entry["state"]) == ("2027-08-20T20:00:00Z", "pending")


# Reminders and what is overdue


def test_half_and_three_quarters_of_the_way_somebody_is_reminded() -> None:
    told = cold_since_eight().replay(until=clock("08:00", hours=23))
    assert times(told.notices("reminder")) == [clock("08:00", hours=12), clock("08:00", hours=18)]
    assert told.notices("overdue") == []


def test_the_deadline_brings_the_first_alarm_and_each_day_after_it_another() -> None:
    story = cold_since_eight()
    assert story.replay(until=clock("08:00", hours=23, minutes=59, seconds=59)).notices("overdue") == []
    told = story.replay(until=clock("08:00", hours=72, seconds=1))
    assert times(told.notices("overdue")) == [clock("08:00", hours=hours) for hours in (24, 48, 72)]


def test_relief_stops_the_alarms_of_its_tier_and_the_next_tier_has_its_own() -> None:
    story = cold_since_eight().act("09:00", "relieve", tier="mitigation")
    told = story.replay(until=clock("08:00", days=15, seconds=1))
    assert times(told.notices("reminder")) == [clock("08:00", days=7), clock("08:00", days=10, hours=12)]
    assert times(told.notices("overdue")) == [clock("08:00", days=14), clock("08:00", days=15)]


def test_late_relief_stops_the_alarms_too() -> None:
    story = cold_since_eight().act("2026-12-02 09:00", "relieve", tier="mitigation")
    told = story.replay(until="2026-12-05 08:00")
    assert times(told.notices("overdue")) == [clock("08:00", hours=24)]


def test_reminders_follow_an_extension() -> None:
    story = cold_since_eight().act("09:00", "extend", tier="mitigation", until=clock("08:00", hours=48))
    told = story.replay(until=clock("08:00", hours=48, seconds=1))
    assert times(told.notices("reminder")) == [clock("08:00", hours=24), clock("08:00", hours=36)]
    assert times(told.notices("overdue")) == [clock("08:00", hours=48)]


def test_when_to_remind_is_a_setting() -> None:
    story = Story(rules='remind = { at = [0.25], overdue_every = "12h" }').reading("12", "08:00", **COLD)
    told = story.replay(until=clock("08:00", hours=36, seconds=1))
    assert times(told.notices("reminder")) == [clock("08:00", hours=6)]
    assert times(told.notices("overdue")) == [clock("08:00", hours=24), clock("08:00", hours=36)]
