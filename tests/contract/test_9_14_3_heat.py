"""9.14.3, heat: nobody works where the heat index is above 85 °F without somebody owing relief within a day.

The index comes from temperature and humidity of one room at about one moment, and is compared unrounded.
80 is watched and never ticketed. What cannot be known is unknown, unless no humidity could change it.
"""

import pytest

from tests.story import HOT, MILD, SCHOOL_YEAR, Json, Story, clock, deadline

# The limit


@pytest.mark.parametrize(
    ("air", "breaches"),
    [
        ({"temperature_f": 83.89, "humidity": 50}, False),  # 84.989
        ({"temperature_f": 83.90, "humidity": 50}, True),  # 85.002
        ({"temperature_c": 28.83, "humidity": 50}, False),  # 84.994
        ({"temperature_c": 28.84, "humidity": 50}, True),  # 85.017
        ({"temperature_f": 85, "humidity": 43}, False),  # a temperature of 85 is no heat index of 85
        ({"temperature_f": 85, "humidity": 44}, True),
        ({"temperature_f": 88.5, "humidity": 20}, False),  # dry: 84.957
        ({"temperature_f": 88.6, "humidity": 20}, True),
        ({"temperature_f": 89, "humidity": 12.6}, False),  # very dry: the first correction
        ({"temperature_f": 89, "humidity": 12.7}, True),
        ({"temperature_f": 79.3, "humidity": 100}, False),  # damp, and not even 80 degrees
        ({"temperature_f": 79.4, "humidity": 100}, True),
    ],
)
def test_above_eighty_five_is_a_breach_and_a_hair_less_is_not(air: Json, breaches: bool) -> None:
    told = Story().reading("12", "13:00", **air).replay(until="13:10")
    assert bool(told.tickets) is breaches


def test_a_breach_opens_a_ticket_with_the_heat_index_due_in_twenty_four_hours() -> None:
    ticket = Story().reading("12", "13:00", **HOT).replay(until="13:10").the_ticket()
    assert (ticket["condition"], ticket["clause"], ticket["room"]) == ("heat", "9.14.3", "12")
    assert (ticket["status"], ticket["verdict"]) == ("open", "breach")
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("13:00"), clock("13:00"))
    assert deadline(ticket, "mitigation")["due_at"] == clock("13:00", hours=24)
    worst = ticket["worst"]
    assert worst["value"] == pytest.approx(94.5969, abs=0.001)
    assert (worst["unit"], worst["at"]) == ("degF", clock("13:00"))
    assert worst.get("humidity") != "assumed 0"


def test_eighty_is_watched_and_never_ticketed() -> None:
    story = Story().reading("12", "09:00", until="15:00", every=10, temperature_f=83, humidity=50)
    assert story.replay().tickets == []


@pytest.mark.parametrize(
    ("temperature_f", "humidity"),
    [(60, 50), (50, 90), (40, 80), (32, 100)],
)
def test_a_cool_room_is_never_hot_whatever_the_regression_alone_would_say(
    temperature_f: float, humidity: float
) -> None:
    story = Story().reading("12", "13:00", temperature_f=temperature_f, humidity=humidity)
    assert story.replay(until="13:10").tickets_where(condition="heat") == []


def test_one_hot_sensor_is_enough_whatever_the_others_say() -> None:
    story = Story().reading("12", "13:00", sensor="door", **MILD).reading("12", "13:05", sensor="sill", **HOT)
    assert story.replay(until="13:10").the_ticket()["began_at"] == clock("13:05")


def test_the_worst_is_the_highest_index_and_when_it_was() -> None:
    story = Story()
    for at, degrees in [("13:00", 88), ("13:05", 90), ("13:10", 87)]:
        story.reading("12", at, temperature_f=degrees, humidity=50)
    worst = story.replay(until="13:15").the_ticket()["worst"]
    assert worst["value"] == pytest.approx(94.5969, abs=0.001)
    assert worst["at"] == clock("13:05")


# Pairing


@pytest.mark.parametrize("later", ["13:09:59", "13:10:00"])
def test_a_pair_at_most_ten_minutes_apart_breaches_from_the_later_of_the_two(later: str) -> None:
    story = Story().reading("12", "13:00", sensor="sill", temperature_f=90)
    story.reading("12", later, sensor="shelf", humidity=50)
    assert story.replay(until="13:10:30").the_ticket()["began_at"] == clock(later)


def test_a_second_more_is_no_pair() -> None:
    story = Story().reading("12", "13:00", sensor="sill", temperature_f=90)
    story.reading("12", "13:10:01", sensor="shelf", humidity=50)
    assert story.replay(until="13:20").tickets == []


def test_it_matters_not_which_of_the_two_comes_first_nor_in_how_many_messages() -> None:
    story = Story().reading("12", "13:00", humidity=50).reading("12", "13:05", temperature_f=90)
    assert story.replay(until="13:10").the_ticket()["began_at"] == clock("13:05")


def test_humidity_of_another_room_is_no_humidity() -> None:
    story = Story().reading("12", "13:00", temperature_f=90).reading("lab", "13:00", humidity=50)
    assert story.replay(until="13:10").tickets == []


def test_how_far_apart_a_pair_may_be_is_a_setting() -> None:
    story = Story(rules='heat = { pair_within = "2m" }').reading("12", "13:00", temperature_f=90)
    story.reading("12", "13:02:01", humidity=50)
    assert story.replay(until="13:10").tickets == []


# Without humidity


def test_without_humidity_air_too_hot_even_when_dry_is_a_breach_that_says_so() -> None:
    ticket = Story().reading("12", "13:00", temperature_f=91.6).replay(until="13:10").the_ticket()
    assert ticket["condition"] == "heat"
    assert ticket["worst"]["humidity"] == "assumed 0"
    assert ticket["worst"]["value"] == pytest.approx(85.0307, abs=0.001)


def test_without_humidity_air_that_may_or_may_not_be_too_hot_is_unknown() -> None:
    told = Story().reading("12", "13:00", temperature_f=91.5).replay(until="13:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 600)


@pytest.mark.parametrize(("temperature_f", "seconds"), [(79.3, (600, 0, 0)), (79.4, (0, 0, 600))])
def test_without_humidity_air_too_cool_even_when_damp_is_ok(
    temperature_f: float, seconds: tuple[int, int, int]
) -> None:
    told = Story().reading("12", "13:00", temperature_f=temperature_f).replay(until="13:10")
    assert told.tickets == []
    assert told.room("12") == seconds


def test_losing_the_humidity_ends_nothing() -> None:
    story = Story().reading("12", "13:00", **HOT)
    story.reading("12", "13:05", until="14:30", temperature_f=82)
    ticket = story.replay().the_ticket()
    assert ticket["episodes"][0]["ended_at"] is None
    assert ticket["verdict"] == "breach"


# The end of an episode


def test_between_eighty_four_and_eighty_five_it_goes_on() -> None:
    story = Story().reading("12", "13:00", **HOT)
    story.reading("12", "13:05", until="14:30", temperature_f=83.3, humidity=50)
    assert story.replay().the_ticket()["episodes"][0]["ended_at"] is None


def test_below_eighty_four_for_half_an_hour_ends_the_episode_but_not_the_ticket() -> None:
    story = Story().reading("12", "13:00", **HOT)
    story.reading("12", "13:05", until="13:40", temperature_f=83, humidity=50)
    assert story.replay(until="13:34:59").the_ticket()["episodes"][0]["ended_at"] is None
    ticket = story.replay().the_ticket()
    assert ticket["episodes"][0]["ended_at"] == clock("13:05")
    assert (ticket["verdict"], ticket["status"]) == ("ok", "open")


def test_an_afternoon_that_hovers_about_the_limit_is_one_episode() -> None:
    story = Story().reading("12", "13:00", until="15:00", every=10, temperature_f=84.2, humidity=50)
    story.reading("12", "13:05", until="15:05", every=10, temperature_f=83, humidity=50)
    (episode,) = story.replay().the_ticket()["episodes"]
    assert (episode["began_at"], episode["ended_at"]) == (clock("13:00"), None)


# Confirmation and the calendar


def test_where_two_readings_must_agree_one_is_not_enough_and_the_first_of_two_is_the_beginning() -> None:
    story = Story(rules="heat = { confirm = 2 }").reading("12", "13:00", **HOT)
    assert story.replay(until="13:04").tickets == []
    story.reading("12", "13:05", **HOT)
    assert story.replay(until="13:10").the_ticket()["began_at"] == clock("13:00")


def test_on_hold_a_hot_evening_waits_for_the_morning() -> None:
    story = Story(rules='outside_work_hours = "hold"', calendar=SCHOOL_YEAR).reading("12", "19:00", **HOT)
    assert story.replay(until="2026-12-02 07:44").tickets == []
    ticket = story.replay(until="2026-12-02 08:00").the_ticket()
    assert ticket["began_at"] == clock("2026-12-02 07:45")
    assert ticket["episodes"][0]["began_at"] == clock("19:00")


def test_the_limit_in_force_is_that_of_the_readings_day() -> None:
    story = Story(rules=["", "effective = 2026-12-02\nheat = { above_f = 80, watch_f = 78, end_f = 79 }"])
    story.reading("12", "2026-12-01 13:00", temperature_f=82, humidity=50)
    story.reading("lab", "2026-12-02 13:00", temperature_f=82, humidity=50)
    assert story.replay(until="2026-12-02 13:10").the_ticket()["room"] == "lab"
