"""What sensors do when they fail: each failure injected as it looks on the wire, and what comes of it.

A value that cannot be true opens nothing, ends nothing and is never ok: it is listed with its reason, the
room is unknown, the sensor is a trouble, and those who mend sensors are told.
"""

import pytest

from tests.story import COLD, HOT, MILD, Story, clock, device, moments

TOPIC = "safetyd/readings/maple/12"
OTHERS = ("lab", "gym")
ANY_RANGE = "quality = { range_c = [-300, 500] }"

IN_C = device("probe", "12", "own/12", "json", 'unit = "C"\nvalues = { temperature = "t", humidity = "rh" }')
IN_F = device("probe", "12", "own/12", "json", 'unit = "F"\nvalues = { temperature = "t", humidity = "rh" }')


def at_five_past_eight(**values: float) -> Story:
    """Return a story in which a room has never said anything else."""
    return Story().reading("12", "08:05", **values)


def among_others(sensors: str = "", temperature_f: float = 70.0) -> Story:
    """Return a story in which two other rooms have said what they have."""
    story = Story(sensors=sensors, rooms=("12", *OTHERS))
    for room in OTHERS:
        story.reading(room, "08:00", until="09:00", temperature_f=temperature_f, humidity=40)
    return story


# Error codes


@pytest.mark.parametrize(
    "sent",
    [
        {"temperature_c": 85.0},  # power-on
        {"temperature_f": 185.0},
        {"temperature_c": -127.0},  # gone
        {"temperature_f": -196.6},
        {"temperature_c": 127.94},  # under-powered
        {"temperature_f": 262.292},
        {"temperature_c": 127.99},
        {"temperature_f": 262.382},
    ],
)
@pytest.mark.parametrize("rules", ["", ANY_RANGE], ids=["usual range", "any range"])
def test_an_error_code_is_no_temperature_in_either_unit(sent: dict[str, float], rules: str) -> None:
    story = Story(rules=rules).reading("12", "08:05", humidity=40, **sent)
    told = story.replay(until="08:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 300)
    (rejected,) = told.rejected("value")
    assert (rejected["at"], rejected["topic"]) == (clock("08:05"), TOPIC)


@pytest.mark.parametrize("celsius", [84.94, 85.06, -126.94, 127.88])
def test_a_step_beside_an_error_code_is_a_temperature_where_the_range_allows_it(celsius: float) -> None:
    story = Story(rules=ANY_RANGE).reading("12", "08:05", temperature_c=celsius, humidity=40)
    told = story.replay(until="08:10")
    assert told.rejected() == []
    assert told.the_ticket()["condition"] == ("heat" if celsius > 0 else "cold")


def test_eighty_five_in_fahrenheit_is_a_hot_room() -> None:
    told = at_five_past_eight(temperature_f=85.0, humidity=50).replay(until="08:10")
    assert told.rejected() == []
    assert told.the_ticket()["condition"] == "heat"


@pytest.mark.parametrize("celsius", [85.0, -127.0, 127.94])
def test_an_error_code_is_called_one_and_not_taken_for_the_other_unit(celsius: float) -> None:
    told = at_five_past_eight(temperature_c=celsius, humidity=40).replay(until="08:10")
    assert "error code" in told.rejected()[0]["reason"]


@pytest.mark.parametrize("celsius", [300, 302, 304])
def test_the_error_codes_of_a_meter_are_beyond_any_room(celsius: float) -> None:
    told = at_five_past_eight(temperature_c=celsius).replay(until="08:10")
    assert told.tickets == []
    assert len(told.rejected("value")) == 1


def test_an_error_code_is_a_trouble_that_is_told_until_a_good_value_comes() -> None:
    story = Story().reading("12", "08:00", sensor="sill", **MILD)
    story.reading("12", "08:05", until="08:20", sensor="sill", temperature_c=85.0, humidity=40)
    told = story.reading("12", "08:25", until="08:30", sensor="sill", **MILD).replay(until="08:40")
    trouble = told.the_trouble("implausible")
    assert (trouble["building"], trouble["room"], trouble["sensor"]) == ("maple", "12", "sill")
    assert (trouble["began_at"], trouble["ended_at"]) == (clock("08:05"), clock("08:25"))
    assert told.is_told("trouble", "sill")
    assert told.is_told("trouble_over", "sill")
    assert told.room("12") == (300 + 900, 0, 1200)


def test_an_error_code_ends_no_episode() -> None:
    story = Story().reading("12", "08:00", **COLD)
    told = story.reading("12", "08:05", until="10:00", temperature_c=85.0, humidity=40).replay()
    ticket = told.the_ticket()
    assert (ticket["verdict"], ticket["episodes"][0]["ended_at"]) == ("breach", None)
    assert told.room("12") == (0, 300, 6900)


@pytest.mark.parametrize("nan", ["NaN", '"nan"', '"NaN"'])
def test_a_sensor_that_knows_no_number_opens_nothing_and_keeps_nothing_fresh(nan: str) -> None:
    story = Story().reading("12", "08:00", **MILD)
    for at in moments("08:05", "09:00"):
        story.says(at, TOPIC, f'{{"temperature_f": {nan}, "humidity": {nan}}}')
    told = story.replay()
    ok_s, breach_s, unknown_s = told.room("12")
    assert ok_s <= 900
    assert (breach_s, ok_s + unknown_s) == (0, 3600)
    assert told.the_trouble("unreadable")["began_at"] == clock("08:05")
    assert told.is_told("trouble", "Room 12")


def test_a_sensor_that_knows_no_number_takes_no_breach_back() -> None:
    story = Story().reading("12", "08:00", **COLD)
    for at in moments("08:05", "09:30"):
        story.says(at, TOPIC, '{"temperature_f": NaN, "humidity": NaN}')
    told = story.replay()
    assert told.the_ticket()["verdict"] == "breach"
    assert told.room("12")[0] == 0


@pytest.mark.parametrize(
    "pair",
    [
        {"temperature_c": -45.0, "humidity": 0},  # a word of zeros
        {"temperature_f": -49.0, "humidity": 0},
        {"temperature_c": 130.0, "humidity": 100},  # a word of ones
        {"temperature_f": 266.0, "humidity": 100},
        {"temperature_c": 0.0, "humidity": 0.0},  # nothing was ever measured
        {"temperature_f": 0.0, "humidity": 0.0},
    ],
)
def test_an_empty_measurement_is_neither_a_temperature_nor_a_humidity(pair: dict[str, float]) -> None:
    told = Story(rules=ANY_RANGE).reading("12", "08:05", **pair).replay(until="08:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 300)
    assert len(told.rejected("value")) == 2
    assert told.the_trouble("implausible")["room"] == "12"


@pytest.mark.parametrize(
    ("pair", "is_cold"),
    [
        ({"temperature_c": 0.0, "humidity": 40}, True),
        ({"temperature_c": 0.1, "humidity": 0}, True),
        ({"temperature_c": 21.0, "humidity": 0}, False),
    ],
)
def test_zero_beside_a_number_is_a_measurement(pair: dict[str, float], is_cold: bool) -> None:
    told = at_five_past_eight(**pair).replay(until="08:10")
    assert told.rejected() == []
    assert bool(told.tickets) is is_cold


@pytest.mark.parametrize(("celsius", "is_cold"), [(-0.1, False), (-0.2, True), (0.0, True)])
def test_a_value_that_the_site_file_calls_invalid_is_no_temperature(celsius: float, is_cold: bool) -> None:
    plug = IN_C + "invalid = [-0.1]\n"
    told = Story(sensors=plug).sends("own/12", "08:05", t=celsius, rh=40).replay(until="08:10")
    assert bool(told.tickets) is is_cold
    assert bool(told.rejected("value")) is not is_cold
    assert bool(told.troubles("implausible", sensor="probe")) is not is_cold


# Range


@pytest.mark.parametrize(
    ("sent", "is_possible"),
    [
        ({"temperature_f": 13.9}, False),
        ({"temperature_f": 14.0}, True),
        ({"temperature_f": 140.0}, True),
        ({"temperature_f": 140.1}, False),
        ({"temperature_c": -10.1}, False),
        ({"temperature_c": -10.0}, True),
        ({"temperature_c": 60.0}, True),
        ({"temperature_c": 60.1}, False),
    ],
)
def test_what_no_room_can_be_is_rejected(sent: dict[str, float], is_possible: bool) -> None:
    told = at_five_past_eight(humidity=40, **sent).replay(until="08:10")
    assert bool(told.tickets) is is_possible
    assert bool(told.rejected("value")) is not is_possible


@pytest.mark.parametrize(("celsius", "is_opened"), [(50.1, True), (60.1, False), (75.0, False)])
def test_a_temperature_of_a_fire_is_told_as_one_whether_it_counts_or_not(
    celsius: float, is_opened: bool
) -> None:
    told = at_five_past_eight(temperature_c=celsius, humidity=20).replay(until="08:10")
    assert bool(told.tickets) is is_opened
    assert told.the_trouble("implausible")["room"] == "12"
    assert told.is_told("trouble", "fire")


def test_a_very_hot_room_is_no_fire() -> None:
    told = at_five_past_eight(temperature_c=50.0, humidity=20).replay(until="08:10")
    assert told.the_ticket()["condition"] == "heat"
    assert told.troubles("implausible") == []


# °C and °F mixed up


@pytest.mark.parametrize("value", [68.0, 75.0, 90.0])
def test_fahrenheit_from_a_sensor_that_should_send_celsius_is_no_heat(value: float) -> None:
    told = Story(sensors=IN_C).sends("own/12", "08:05", t=value, rh=50).replay(until="08:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 300)
    assert told.is_told("trouble", "°F")


@pytest.mark.parametrize("value", [15.0, 21.5, 33.0])
def test_celsius_from_a_sensor_that_should_send_fahrenheit_is_no_cold_beside_warm_rooms(value: float) -> None:
    told = among_others(IN_F).sends("own/12", "08:05", t=value, rh=40).replay(until="08:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 600)
    assert told.the_trouble("implausible")["sensor"] == "probe"
    assert told.is_told("trouble", "°C")


def test_fahrenheit_within_the_range_of_celsius_is_no_heat_beside_cool_rooms() -> None:
    story = among_others(IN_C, temperature_f=61.0)
    told = story.sends("own/12", "08:05", t=58.5, rh=50).replay(until="08:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 600)
    assert told.is_told("trouble", "°F")


@pytest.mark.parametrize(
    ("sensors", "before", "after"),
    [
        (IN_F, 70.0, [21.2, 21.3, 21.1, 21.2]),  # a hidden room that looks cold
        (IN_F, 93.2, [34.0, 34.1, 34.2, 34.1]),  # a hidden heat that looks cold
        (IN_C, 14.2, [57.6, 57.7, 57.5, 57.6]),  # a hidden cold that looks hot
    ],
)
def test_a_sensor_that_changes_its_unit_is_found_out_by_its_own_last_value(
    sensors: str, before: float, after: list[float]
) -> None:
    story = Story(sensors=sensors).sends("own/12", "08:00", t=before, rh=40)
    opened = [ticket["id"] for ticket in story.replay(until="08:04").tickets]
    for at, value in zip(moments("08:05", "08:20"), after, strict=True):
        story.sends("own/12", at, t=value, rh=40)
    told = story.replay(until="08:25")
    assert [ticket["id"] for ticket in told.tickets] == opened
    assert told.room("12")[2] == 1200
    assert told.the_trouble("implausible")["began_at"] == clock("08:05")
    assert {entry["at"] for entry in told.rejected("value")} == set(moments("08:05", "08:20"))


def test_a_mixed_up_unit_is_never_converted_and_ends_when_it_is_set_right() -> None:
    story = among_others(IN_F).sends("own/12", "08:05", until="08:15", t=21.2, rh=40)
    told = story.sends("own/12", "08:20", until="08:40", t=70.2, rh=40).replay(until="08:45")
    assert told.room("12") == (1500, 0, 1200)
    trouble = told.the_trouble("implausible")
    assert (trouble["began_at"], trouble["ended_at"]) == (clock("08:05"), clock("08:20"))


@pytest.mark.parametrize("coldest_f", [44.0, 32.0, 21.5])
def test_a_room_that_freezes_step_by_step_is_believed_beside_warm_ones(coldest_f: float) -> None:
    story = Story(rooms=("12", *OTHERS))
    for room in OTHERS:
        story.reading(room, "06:00", until="10:00", **MILD)
    temperature_f = 70.0
    for at in moments("06:00", "10:00"):
        story.reading("12", at, temperature_f=temperature_f, humidity=40)
        temperature_f = max(coldest_f, temperature_f - 3.0)
    told = story.replay()
    ticket = told.the_ticket()
    assert (ticket["room"], ticket["began_at"]) == ("12", clock("06:20"))
    assert ticket["worst"]["value"] == coldest_f
    assert told.rejected() == []
    assert told.room("12") == (1200, 13200, 0)


def test_a_cold_room_that_was_away_for_a_while_is_still_believed() -> None:
    story = Story(rooms=("12", *OTHERS))
    for room in OTHERS:
        story.reading(room, "06:00", until="10:00", **MILD)
    temperature_f = 70.0
    for at in moments("06:00", "07:00"):
        story.reading("12", at, temperature_f=temperature_f, humidity=40)
        temperature_f -= 3.0
    told = story.reading("12", "08:00", until="10:00", temperature_f=30.0, humidity=40).replay()
    assert told.rejected() == []
    assert told.the_ticket()["worst"]["value"] == 30.0


# Humidity


def test_humidity_as_a_fraction_hides_no_heat_behind_an_ok() -> None:
    told = Story().reading("12", "13:00", temperature_f=90, humidity=0.5).replay(until="13:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 600)
    assert told.the_trouble("implausible")["room"] == "12"
    assert told.is_told("trouble", "fraction")


def test_humidity_as_a_fraction_takes_nothing_from_the_temperature() -> None:
    told = at_five_past_eight(temperature_f=57.2, humidity=0.4).replay(until="08:10")
    assert told.the_ticket()["condition"] == "cold"


@pytest.mark.parametrize(("humidity", "is_fraction"), [(0.01, True), (1.0, True), (1.1, False), (0.0, False)])
def test_a_fraction_is_above_nothing_and_up_to_one(humidity: float, is_fraction: bool) -> None:
    told = at_five_past_eight(temperature_f=70, humidity=humidity).replay(until="08:10")
    assert bool(told.rejected("value")) is is_fraction


@pytest.mark.parametrize(
    ("humidity", "until", "is_trouble"),
    [(99.9, "09:00", False), (99.9, "09:05", True), (98.0, "09:05", False)],
)
def test_a_humidity_sensor_that_is_soaked_for_more_than_an_hour_is_a_trouble(
    humidity: float, until: str, is_trouble: bool
) -> None:
    story = Story()
    for step, at in enumerate(moments("08:00", until)):
        story.reading("12", at, temperature_f=70 + step / 10, humidity=humidity)
    told = story.replay(until=clock(until, minutes=4))
    assert bool(told.troubles("implausible", room="12")) is is_trouble
    assert told.is_told("trouble", "Room 12") is is_trouble


# Stuck


def beside_rooms_that_move(by_f: float, until: str = "15:00", since: str = "06:00") -> Story:
    """Return a story in which two other rooms have grown warmer by noon."""
    story = Story(rooms=("12", *OTHERS))
    for room in OTHERS:
        story.reading(room, since, until="10:55", temperature_f=70.0, humidity=40)
        story.reading(room, "11:00", until=until, temperature_f=70.0 + by_f, humidity=40)
    return story


def test_a_sensor_that_says_the_same_for_six_hours_while_others_move_is_stuck_and_its_room_unknown() -> None:
    story = beside_rooms_that_move(1.1).reading("12", "06:00", until="15:00", sensor="sill", **MILD)
    told = story.replay(until="15:00")
    trouble = told.the_trouble("stuck")
    assert (trouble["room"], trouble["sensor"]) == ("12", "sill")
    assert (trouble["began_at"], trouble["ended_at"]) == (clock("12:00"), None)
    assert told.is_told("trouble", "sill")
    ok_s, breach_s, unknown_s = told.room("12")
    assert 21600 <= ok_s <= 21900
    assert (breach_s, unknown_s) == (0, 32400 - ok_s)


def test_a_sensor_that_says_the_same_for_less_is_a_calm_room() -> None:
    story = beside_rooms_that_move(1.1, until="11:55").reading("12", "06:00", until="11:55", **MILD)
    told = story.replay()
    assert told.troubles("stuck") == []
    assert told.room("12") == (21300, 0, 0)


def test_a_sensor_that_says_the_same_while_others_move_by_a_degree_is_a_calm_room() -> None:
    told = beside_rooms_that_move(1.0).reading("12", "06:00", until="15:00", **MILD).replay(until="15:00")
    assert told.troubles("stuck", room="12") == []
    assert told.room("12") == (32400, 0, 0)


def test_one_value_of_two_that_moves_is_life() -> None:
    story = beside_rooms_that_move(5.0)
    for step, at in enumerate(moments("06:00", "15:00")):
        story.reading("12", at, temperature_f=70.0, humidity=40 + step % 2 / 10)
    told = story.replay()
    assert told.troubles("stuck", room="12") == []
    assert told.room("12") == (32400, 0, 0)


@pytest.mark.parametrize(("reports", "is_stuck"), [(11, False), (12, True)])
def test_it_takes_twelve_equal_reports_to_be_stuck(reports: int, is_stuck: bool) -> None:
    story = beside_rooms_that_move(1.1, until="20:00")
    for number in range(reports):
        story.reading("12", clock("06:00", minutes=40 * number), **MILD)
    told = story.replay(until=clock("06:00", minutes=40 * (reports - 1) + 5))
    assert bool(told.troubles("stuck", room="12")) is is_stuck


def test_a_sensor_that_is_stuck_in_breach_stays_in_breach() -> None:
    story = beside_rooms_that_move(2.0).reading("12", "06:00", until="15:00", **COLD)
    told = story.replay(until="15:00")
    assert told.the_trouble("stuck")["room"] == "12"
    ticket = told.the_ticket()
    assert (ticket["verdict"], ticket["status"]) == ("breach", "open")
    assert ticket["episodes"][0]["ended_at"] is None
    assert told.room("12")[0] == 0


def test_a_stuck_sensor_is_well_again_when_its_value_moves() -> None:
    story = beside_rooms_that_move(2.0).reading("12", "06:00", until="13:00", **MILD)
    told = story.reading("12", "13:05", until="15:00", temperature_f=71.0, humidity=41).replay(until="15:00")
    assert told.the_trouble("stuck")["ended_at"] == clock("13:05")
    assert told.is_told("trouble_over", "Room 12")
    ok_s, _, unknown_s = told.room("12")
    assert 3600 <= unknown_s <= 3900
    assert ok_s == 32400 - unknown_s


def test_a_sensor_alone_in_its_building_that_says_the_same_is_reported_and_goes_on_counting() -> None:
    story = Story(rooms=("12",)).reading("12", "06:00", until="15:00", **MILD)
    assert story.replay(until="11:59").troubles("stuck") == []
    told = story.replay(until="15:00")
    assert told.the_trouble("stuck")["began_at"] == clock("12:00")
    assert told.is_told("trouble", "Room 12")
    assert told.room("12") == (32400, 0, 0)


def test_a_low_battery_shortens_the_wait() -> None:
    story = beside_rooms_that_move(2.0, until="11:55", since="05:00")
    story.reading("12", "06:00", until="11:55", battery=3, **MILD)
    assert story.replay().the_trouble("stuck")["room"] == "12"


# Spikes


def test_a_spike_that_returns_was_never_there() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "08:01", **COLD)
    told = story.reading("12", "08:02", until="09:00", **MILD).replay(until="09:00")
    assert told.tickets == []
    assert told.room("12")[1] == 0


def test_a_spike_back_to_normal_ends_no_breach() -> None:
    story = Story(rules='cold = { end_after = "10m" }').reading("12", "08:00", until="08:10", **COLD)
    story.reading("12", "08:11", **MILD)
    told = story.reading("12", "08:15", until="08:40", **COLD).replay(until="08:40")
    (episode,) = told.the_ticket()["episodes"]
    assert episode["ended_at"] is None
    assert told.room("12")[0] == 0


def test_a_spike_that_the_next_reading_confirms_was_true_from_its_own_time() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "08:01", **COLD)
    assert story.replay(until="08:05").tickets == []
    ticket = story.reading("12", "08:06", **COLD).replay(until="08:10").the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("08:01"), clock("08:06"))


@pytest.mark.parametrize(("humidity", "is_believed"), [(65.0, True), (66.0, False)])
def test_humidity_that_leaps_by_more_than_25_percent_in_a_minute_waits_for_the_next_reading(
    humidity: float, is_believed: bool
) -> None:
    story = Story().reading("12", "13:00", temperature_f=84, humidity=40)
    story.reading("12", "13:01", temperature_f=84, humidity=humidity)
    assert bool(story.replay(until="13:01:30").tickets) is is_believed
    if not is_believed:
        story.reading("12", "13:02", temperature_f=84, humidity=humidity)
        assert story.replay(until="13:03").the_ticket()["began_at"] == clock("13:01")


# Batteries


@pytest.mark.parametrize(("percent", "is_low"), [(9.9, True), (10, False)])
def test_a_battery_below_ten_percent_is_told_while_its_sensor_still_speaks(
    percent: float, is_low: bool
) -> None:
    probe = device("probe", "12", "zigbee2mqtt/probe")
    story = Story(sensors=probe)
    story.sends("zigbee2mqtt/probe", "08:00", temperature=21.0, humidity=40, battery=percent)
    told = story.replay(until="08:10")
    assert bool(told.troubles("battery", sensor="probe", room="12")) is is_low
    assert told.is_told("trouble", "probe") is is_low
    assert told.room("12") == (600, 0, 0)


def test_a_new_battery_ends_the_trouble() -> None:
    story = Story().reading("12", "08:00", battery=3, **MILD).reading("12", "08:10", battery=100, **MILD)
    told = story.replay(until="08:20")
    assert told.the_trouble("battery")["ended_at"] == clock("08:10")
    assert told.is_told("trouble_over", "Room 12")


@pytest.mark.parametrize(
    ("first_v", "last_v", "is_low"),
    [(4.5, 3.6, True), (3.0, 2.3, True), (3.0, 2.9, False), (2.9, 2.9, False)],
)
def test_volts_that_sink_for_weeks_are_a_battery_that_runs_low(
    first_v: float, last_v: float, is_low: bool
) -> None:
    eui = "application/4/device/70b3d57ed0000012/event/up"
    story = Story(sensors=device("probe", "12", eui, "chirpstack", 'interval = "24h"'))
    for day in range(29):
        volts = round(first_v + (last_v - first_v) * day / 28, 3)
        at = clock("08:00", days=day)
        held = {"TempC_SHT": 21.0 + day % 3 / 10, "Hum_SHT": 40.0, "BatV": volts}
        story.sends(eui, at, time=at, fCnt=day, devAddr="01ab23cd", object=held)
    told = story.replay(until=clock("08:05", days=28))
    assert bool(told.troubles("battery", sensor="probe", ended_at=None)) is is_low
    assert told.is_told("trouble", "probe") is is_low


def test_a_sensor_may_say_itself_that_its_battery_is_low() -> None:
    topic = "rtl_433/attic/events"
    story = Story(sensors=device("probe", "12", topic, "rtl_433", "only = { id = 77 }"))
    said = {"model": "Nexus-TH", "id": 77, "temperature_C": 21.0, "humidity": 40}
    story.sends(topic, "08:00", battery_ok=1, **said)
    assert story.replay(until="08:04").troubles("battery") == []
    story.sends(topic, "08:05", until="08:15", battery_ok=0, **said)
    told = story.replay(until="08:20")
    assert told.the_trouble("battery")["began_at"] == clock("08:05")
    assert told.is_told("trouble", "probe")
    story.sends(topic, "08:20", battery_ok=1, **said)
    assert story.replay(until="08:25").the_trouble("battery")["ended_at"] == clock("08:20")


# Two that do not agree


@pytest.mark.parametrize(("apart_f", "is_trouble"), [(3.0, False), (3.1, True)])
def test_two_sensors_of_a_room_that_lie_more_than_three_degrees_apart_are_a_trouble(
    apart_f: float, is_trouble: bool
) -> None:
    story = Story().reading("12", "08:00", sensor="door", **MILD)
    story.reading("12", "08:01", sensor="sill", temperature_f=70.0 + apart_f, humidity=40)
    told = story.replay(until="08:10")
    assert bool(told.troubles("disagreement", room="12")) is is_trouble
    assert told.is_told("trouble", "Room 12") is is_trouble


def test_two_sensors_that_do_not_agree_hide_no_breach() -> None:
    story = Story().reading("12", "08:00", sensor="door", **MILD)
    told = story.reading("12", "08:01", sensor="sill", **COLD).replay(until="08:10")
    assert told.the_ticket()["condition"] == "cold"
    assert told.the_trouble("disagreement")["room"] == "12"


@pytest.mark.parametrize(
    ("by_hand_f", "is_trouble"), [(73.0, False), (73.1, True), (67.0, False), (66.9, True)]
)
def test_a_hand_held_reading_shows_that_a_sensor_is_off(by_hand_f: float, is_trouble: bool) -> None:
    story = Story().reading("12", "08:00", sensor="sill", **MILD)
    story.report("08:05", "12", temperature_f=by_hand_f, humidity=40, instrument="sling psychrometer")
    told = story.replay(until="08:10")
    assert bool(told.troubles("disagreement", room="12", sensor="sill")) is is_trouble
    assert told.is_told("trouble", "sill") is is_trouble


# A sensor that drifts, or hangs in a bad place


def weeks(off_f: float, days: int = 8) -> Story:
    """Return a story of four rooms that speak every hour; that of the first is off by so many degrees."""
    rooms = ("12", *OTHERS, "attic")
    story = Story(
        sensors="".join(device(room, room, f"own/{room}", "json", HOURLY) for room in rooms), rooms=rooms
    )
    for room in rooms:
        value = 70.0 + (off_f if room == "12" else 0.0)
        story.sends(
            f"own/{room}", "2026-12-01 08:05", until=f"2026-12-{1 + days:02} 08:05", every=60, t=value, rh=40
        )
    return story


HOURLY = 'unit = "F"\ninterval = "1h"\nvalues = { temperature = "t", humidity = "rh" }'


@pytest.mark.parametrize(("off_f", "is_trouble"), [(3.0, False), (3.1, True), (-3.0, False), (-3.1, True)])
def test_a_sensor_that_is_off_from_the_rest_for_a_week_is_a_trouble_and_changes_no_verdict(
    off_f: float, is_trouble: bool
) -> None:
    told = weeks(off_f).replay(until="2026-12-09 08:10")
    assert bool(told.troubles("drift", room="12")) is is_trouble
    assert told.is_told("trouble", "reads unlike the rest of its building") is is_trouble
    assert told.tickets == [] and told.room("12")[1:] == (0, 0)


def test_a_person_with_an_instrument_settles_whether_it_is_the_sensor_or_the_room() -> None:
    story = weeks(4.0, days=17)
    story.report("2026-12-09 08:30", "12", temperature_f=74.0, humidity=40, instrument="sling psychrometer")
    told = story.replay(until="2026-12-18 08:10")
    assert told.the_trouble("drift")["ended_at"] == clock("2026-12-09 08:30"), "and it does not come back"


# Temperature and humidity of different age


@pytest.mark.parametrize(("at", "is_heat"), [("13:10:00", True), ("13:10:01", False)])
def test_a_humidity_of_more_than_ten_minutes_ago_says_nothing_of_heat(at: str, is_heat: bool) -> None:
    story = Story(sensors=device("probe", "12", "zigbee2mqtt/probe/+"))
    story.says("13:00", "zigbee2mqtt/probe/humidity", "50").says(at, "zigbee2mqtt/probe/temperature", "31.2")
    told = story.replay(until="13:12")
    assert bool(told.tickets) is is_heat
    assert (told.room("12")[1] > 0) is is_heat
    assert told.room("12")[0] == 0


@pytest.mark.parametrize(("at", "is_heat"), [("13:10:00", True), ("13:10:01", False)])
def test_nor_does_a_temperature_of_more_than_ten_minutes_ago(at: str, is_heat: bool) -> None:
    story = Story().reading("12", "13:00", temperature_f=88).reading("12", at, humidity=50)
    told = story.replay(until="13:12")
    assert bool(told.tickets) is is_heat
    assert told.room("12")[0] == 0


def test_cold_needs_no_humidity_of_its_own_age() -> None:
    story = Story().reading("12", "08:00", humidity=50).reading("12", "08:14", temperature_f=57.2)
    assert story.replay(until="08:20").the_ticket()["condition"] == "cold"


def test_hot_air_whose_humidity_is_not_known_is_not_ok() -> None:
    told = Story().reading("12", "13:00", temperature_f=HOT["temperature_f"]).replay(until="13:10")
    assert told.tickets == []
    assert told.room("12") == (0, 0, 600)
