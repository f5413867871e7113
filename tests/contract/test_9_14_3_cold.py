"""9.14.3, cold: nobody works in a room colder than 60 °F without somebody owing relief within a day.

The air temperature decides, unrounded, and one valid reading is enough. The weather of the morning after
cannot take the obligation away: warm air ends the episode, never the ticket.
"""

import pytest

from tests.story import COLD, MILD, SCHOOL_YEAR, Story, clock, deadline, states

HOLD = 'outside_work_hours = "hold"'
STRICTER_FROM_DECEMBER_2 = ["", "effective = 2026-12-02\ncold = { below_f = 65, end_f = 66 }"]


def a_cold_start() -> Story:
    return Story().reading("12", "08:05", **COLD)


# The limit


def test_sixty_degrees_is_not_a_breach() -> None:
    told = Story().reading("12", "08:05", temperature_f=60, humidity=40).replay(until="09:00")
    assert told.tickets == []


def test_a_hair_below_sixty_opens_a_ticket_due_in_twenty_four_hours() -> None:
    told = Story().reading("12", "08:05", temperature_f=59.9999, humidity=40).replay(until="09:00")
    ticket = told.the_ticket()
    assert (ticket["building"], ticket["room"]) == ("maple", "12")
    assert (ticket["condition"], ticket["clause"], ticket["hazard"]) == ("cold", "9.14.3", None)
    assert (ticket["status"], ticket["verdict"]) == ("open", "breach")
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:05"), clock("08:05"))
    assert deadline(ticket, "mitigation")["due_at"] == clock("08:05", hours=24)
    assert states(ticket) == {
        "mitigation": "pending",
        "immediate": "pending",
        "midterm": "unset",
        "long_term": "unset",
    }


def test_what_a_screen_would_round_to_sixty_is_a_breach_all_the_same() -> None:
    told = Story().reading("12", "08:05", temperature_f=59.96, humidity=40).replay(until="09:00")
    assert told.the_ticket()["worst"]["value"] == pytest.approx(59.96, abs=1e-9)


@pytest.mark.parametrize(("celsius", "breaches"), [(15.55, True), (15.56, False)])
def test_the_limit_is_the_same_for_a_sensor_that_speaks_celsius(celsius: float, breaches: bool) -> None:
    told = Story().reading("12", "08:05", temperature_c=celsius, humidity=40).replay(until="09:00")
    assert bool(told.tickets) is breaches


def test_dry_air_that_only_feels_colder_than_sixty_is_not_a_breach() -> None:
    told = Story().reading("12", "08:05", temperature_f=62, humidity=10).replay(until="09:00")
    assert told.tickets == []


def test_cold_needs_no_humidity() -> None:
    told = Story().reading("12", "08:05", temperature_f=57.2).replay(until="09:00")
    assert told.the_ticket()["condition"] == "cold"


def test_one_cold_sensor_is_enough_whatever_the_others_say() -> None:
    story = Story().reading("12", "08:00", sensor="door", **MILD)
    story.reading("12", "08:05", sensor="sill", **COLD)
    story.reading("12", "08:06", sensor="door", **MILD)
    assert story.replay(until="09:00").the_ticket()["began_at"] == clock("08:05")


def test_each_room_has_its_own_ticket() -> None:
    told = a_cold_start().reading("lab", "08:25", **COLD).replay(until="09:00")
    assert [(ticket["room"], ticket["began_at"]) for ticket in told.tickets] == [
        ("12", clock("08:05")),
        ("lab", clock("08:25")),
    ]


def test_the_worst_is_the_coldest_reading_and_when_it_was() -> None:
    story = Story()
    for at, degrees in [("08:05", 58), ("08:10", 56.5), ("08:15", 57)]:
        story.reading("12", at, temperature_f=degrees, humidity=40)
    ticket = story.replay(until="08:20").the_ticket()
    assert ticket["worst"] == {"value": 56.5, "unit": "degF", "at": clock("08:10")}
    assert ticket["episodes"][0]["worst"] == 56.5


# The end of an episode


def test_a_room_that_hovers_about_sixty_is_one_episode() -> None:
    story = Story().reading("12", "08:00", until="10:00", every=10, temperature_f=59.5, humidity=40)
    story.reading("12", "08:05", until="10:05", every=10, temperature_f=60.5, humidity=40)
    (episode,) = story.replay(until="10:10").the_ticket()["episodes"]
    assert (episode["began_at"], episode["ended_at"]) == (clock("08:00"), None)


def test_just_short_of_sixty_one_never_ends_it() -> None:
    story = a_cold_start().reading("12", "08:20", until="10:00", temperature_f=60.9, humidity=40)
    ticket = story.replay().the_ticket()
    assert ticket["episodes"][0]["ended_at"] is None
    assert ticket["verdict"] == "breach"


def test_sixty_one_for_half_an_hour_ends_the_episode_at_its_first_reading_but_not_the_ticket() -> None:
    story = a_cold_start().reading("12", "08:20", until="08:55", temperature_f=61, humidity=40)
    ticket = story.replay().the_ticket()
    assert ticket["episodes"][0]["ended_at"] == clock("08:20")
    assert (ticket["verdict"], ticket["status"]) == ("ok", "open")


def test_a_second_less_than_half_an_hour_does_not() -> None:
    story = a_cold_start().reading("12", "08:20", until="08:45", temperature_f=61, humidity=40)
    ticket = story.replay(until="08:49:59").the_ticket()
    assert ticket["episodes"][0]["ended_at"] is None
    assert ticket["verdict"] == "breach"


def test_a_relapse_starts_the_half_hour_anew() -> None:
    story = a_cold_start().reading("12", "08:20", until="08:40", temperature_f=61, humidity=40)
    story.reading("12", "08:45", temperature_f=60.5, humidity=40)
    story.reading("12", "08:50", until="09:25", temperature_f=61, humidity=40)
    assert story.replay(until="09:15").the_ticket()["episodes"][0]["ended_at"] is None
    assert story.replay().the_ticket()["episodes"][0]["ended_at"] == clock("08:50")


def test_a_silence_longer_than_a_reading_lasts_starts_the_half_hour_anew() -> None:
    story = a_cold_start().reading("12", "08:20", until="08:25", **MILD)
    story.reading("12", "08:45", until="09:20", **MILD)
    assert story.replay(until="09:10").the_ticket()["episodes"][0]["ended_at"] is None
    assert story.replay().the_ticket()["episodes"][0]["ended_at"] == clock("08:45")


def test_silence_ends_nothing() -> None:
    ticket = a_cold_start().reading("12", "08:20", **MILD).replay(until="20:00").the_ticket()
    assert ticket["episodes"][0]["ended_at"] is None
    assert ticket["verdict"] == "breach"


def test_silence_begins_nothing() -> None:
    told = Story().reading("12", "08:05", temperature_f=60, humidity=40).replay(until="2026-12-03 08:00")
    assert told.tickets == []


def test_after_the_end_silence_is_unknown_not_ok() -> None:
    ticket = a_cold_start().reading("12", "08:20", until="08:55", **MILD).replay(until="12:00").the_ticket()
    assert ticket["episodes"][0]["ended_at"] == clock("08:20")
    assert ticket["verdict"] == "unknown"


def test_while_one_sensor_stays_cold_the_others_end_nothing() -> None:
    story = Story().reading("12", "08:05", until="09:30", sensor="sill", **COLD)
    story.reading("12", "08:07", until="09:32", sensor="door", **MILD)
    assert story.replay().the_ticket()["episodes"][0]["ended_at"] is None


def test_how_long_it_must_hold_is_a_setting() -> None:
    story = Story(rules='cold = { end_after = "10m" }').reading("12", "08:05", **COLD)
    story.reading("12", "08:20", until="08:35", **MILD)
    assert story.replay().the_ticket()["episodes"][0]["ended_at"] == clock("08:20")


def test_the_next_cold_morning_joins_the_ticket_that_is_still_open() -> None:
    story = a_cold_start().reading("12", "08:20", until="08:55", **MILD)
    story.reading("12", "2026-12-02 08:00", temperature_f=55, humidity=40)
    ticket = story.replay(until="2026-12-02 08:10").the_ticket()
    assert [episode["began_at"] for episode in ticket["episodes"]] == [
        clock("08:05"),
        clock("2026-12-02 08:00"),
    ]
    assert ticket["began_at"] == clock("08:05")
    assert ticket["worst"]["value"] == 55
    assert deadline(ticket, "mitigation")["due_at"] == clock("08:05", hours=24)


def test_coverage_is_the_share_of_the_episode_that_was_seen() -> None:
    (episode,) = a_cold_start().replay(until="08:35").the_ticket()["episodes"]
    assert episode["coverage"] == pytest.approx(0.5, abs=0.01)


# Confirmation


def test_where_two_readings_must_agree_one_is_not_enough() -> None:
    story = Story(rules="cold = { confirm = 2 }").reading("12", "08:05", **COLD)
    assert story.replay(until="12:00").tickets == []


def test_where_two_readings_must_agree_the_breach_began_with_the_first() -> None:
    story = Story(rules="cold = { confirm = 2 }").reading("12", "08:05", until="08:10", **COLD)
    ticket = story.replay(until="08:15").the_ticket()
    assert ticket["began_at"] == clock("08:05")
    assert deadline(ticket, "mitigation")["due_at"] == clock("08:05", hours=24)


def test_a_good_reading_in_between_confirms_nothing() -> None:
    story = Story(rules="cold = { confirm = 2 }").reading("12", "08:05", until="08:25", every=10, **COLD)
    story.reading("12", "08:10", until="08:30", every=10, **MILD)
    assert story.replay().tickets == []


# Versions of the rules


def test_a_reading_is_judged_by_the_rules_of_its_day() -> None:
    story = Story(rules=STRICTER_FROM_DECEMBER_2)
    story.reading("12", "2026-12-01 12:00", temperature_f=62, humidity=40)
    assert story.replay(until="2026-12-01 13:00").tickets == []
    story.reading("12", "2026-12-02 12:00", temperature_f=62, humidity=40)
    assert story.replay(until="2026-12-02 13:00").the_ticket()["began_at"] == clock("2026-12-02 12:00")


@pytest.mark.parametrize(("at", "breaches"), [("2026-12-01 23:59:59", False), ("2026-12-02 00:00:01", True)])
def test_the_day_of_a_new_rule_begins_at_the_school_not_in_greenwich(at: str, breaches: bool) -> None:
    story = Story(rules=STRICTER_FROM_DECEMBER_2).reading("12", at, temperature_f=62, humidity=40)
    assert bool(story.replay(until="2026-12-02 00:10").tickets) is breaches


def test_a_reading_that_comes_late_is_judged_by_the_rules_of_when_it_was_true() -> None:
    story = Story(rules=STRICTER_FROM_DECEMBER_2)
    story.reading("12", "2026-12-02 09:00", ts=clock("2026-12-01 22:00"), temperature_f=62, humidity=40)
    assert story.replay(until="2026-12-02 10:00").tickets == []


def test_a_ticket_names_the_version_that_judged_it() -> None:
    story = Story(rules=STRICTER_FROM_DECEMBER_2).reading("12", "2026-12-01 12:00", **COLD)
    story.reading("lab", "2026-12-02 12:00", **COLD)
    old, new = story.replay(until="2026-12-02 13:00").tickets
    assert old["rules"].startswith("sha256:")
    assert new["rules"].startswith("sha256:")
    assert old["rules"] != new["rules"]


# The calendar


def test_on_hold_a_cold_night_waits_for_the_work_hours_and_counts_from_them() -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", "06:00", until="08:00", every=10, **COLD)
    assert story.replay(until="07:44:59").tickets == []
    ticket = story.replay().the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("07:45"), clock("07:45"))
    assert ticket["episodes"][0]["began_at"] == clock("06:00")
    assert deadline(ticket, "mitigation")["due_at"] == clock("07:45", hours=24)


def test_on_hold_what_has_passed_before_the_work_hours_is_no_ticket() -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", "05:00", **COLD)
    story.reading("12", "05:10", until="08:10", every=10, **MILD)
    assert story.replay().tickets == []


@pytest.mark.parametrize(("at", "opens"), [("16:29:59", True), ("16:30:01", False)])
def test_on_hold_work_hours_end_when_they_end(at: str, opens: bool) -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", at, **COLD)
    assert bool(story.replay(until="17:00").tickets) is opens


@pytest.mark.parametrize(
    ("evening", "still_quiet", "morning"),
    [
        ("2026-12-04 17:00", "2026-12-07 07:44", "2026-12-07 07:45"),  # over a weekend
        ("2026-11-25 17:00", "2026-11-30 07:44", "2026-11-30 07:45"),  # and two days closed before it
    ],
)
def test_on_hold_days_without_work_are_passed_over(evening: str, still_quiet: str, morning: str) -> None:
    story = Story(rules=HOLD, calendar=SCHOOL_YEAR).reading("12", evening, **COLD)
    assert story.replay(until=still_quiet).tickets == []
    ticket = story.replay(until="2026-12-07 08:00").the_ticket()
    assert ticket["began_at"] == clock(morning)
    assert ticket["episodes"][0]["began_at"] == clock(evening)


def test_without_a_calendar_there_is_nothing_to_wait_for() -> None:
    ticket = Story(rules=HOLD).reading("12", "03:00", **COLD).replay(until="03:30").the_ticket()
    assert ticket["began_at"] == clock("03:00")
    assert ticket["student_day"] is True


def test_unless_on_hold_a_cold_night_is_a_ticket_at_once() -> None:
    ticket = Story(calendar=SCHOOL_YEAR).reading("12", "03:00", **COLD).replay(until="03:30").the_ticket()
    assert ticket["began_at"] == clock("03:00")
    assert ticket["student_day"] is False


@pytest.mark.parametrize(
    ("at", "student_day"),
    [
        ("08:29:59", False),
        ("08:30:01", True),
        ("15:14:59", True),
        ("15:15:01", False),
        ("2026-11-26 10:00", False),  # closed
        ("2026-12-05 10:00", False),  # a Saturday
    ],
)
def test_a_ticket_says_whether_students_were_there(at: str, student_day: bool) -> None:
    story = Story(calendar=SCHOOL_YEAR).reading("12", at, **COLD)
    assert story.replay(until=clock(at, minutes=5)).the_ticket()["student_day"] is student_day
