"""What is believed of what sensors say: nothing bad, old, repeated or impossible ever looks like all is well.

A refused or rejected value is listed with its reason and makes the room unknown, never ok; only a room's own
fresh readings speak for it, each in order of when it was true.
"""

import json

import pytest

from tests.story import COLD, HOT, MILD, Story, clock, deadline

TOPIC = "safetyd/readings/maple/12"


def with_ts(ts: object, arrives: str = "08:05") -> Story:
    return Story().reading("12", arrives, ts=ts, **COLD)


# Numbers


@pytest.mark.parametrize("value", ["57.2", '"57.2"', "57", '"57"'])
def test_a_value_is_a_number_or_a_decimal_number_as_text(value: str) -> None:
    told = Story().says("08:05", TOPIC, f'{{"temperature_f": {value}}}').replay(until="08:10")
    assert len(told.tickets) == 1
    assert told.rejected() == []


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e999", "null", "true", "false", '"NaN"', '"inf"', '"warm"', '""'],
)
def test_a_value_that_is_no_finite_number_is_dropped_and_its_neighbours_are_kept(value: str) -> None:
    story = Story().reading("12", "13:00", sensor="sill", temperature_f=90)
    story.says("13:05", f"{TOPIC}/shelf", f'{{"temperature_f": {value}, "humidity": 50}}')
    told = story.replay(until="13:10")
    (refused,) = told.rejected()
    assert (refused["at"], refused["topic"]) == (clock("13:05"), f"{TOPIC}/shelf")
    assert refused["reason"]
    assert told.the_ticket()["began_at"] == clock("13:05")


def test_a_boolean_is_a_value_of_mains_alone() -> None:
    told = Story().power("08:00", mains=False, voltage=True).replay(until="10:00:01")
    assert told.the_ticket()["began_at"] == clock("08:00")
    assert len(told.rejected()) == 1


def test_two_temperatures_that_agree_are_one() -> None:
    told = Story().reading("12", "08:05", temperature_f=57.2, temperature_c=14.04).replay(until="08:10")
    assert len(told.tickets) == 1
    assert told.rejected() == []


def test_two_temperatures_that_contradict_each_other_refuse_the_payload() -> None:
    told = Story().reading("12", "08:05", temperature_f=57.2, temperature_c=14.1).replay(until="08:10")
    assert told.tickets == []
    assert [entry["topic"] for entry in told.rejected("payload")] == [TOPIC]


# Payloads


@pytest.mark.parametrize(
    "payload",
    ["", "hello", "{", "[]", '"57.2"', "57.2", "null", '{"temperature_f": 57.2', b"\xff\xfe\x00", b"\x80{}"],
)
def test_a_payload_that_cannot_be_read_is_refused_listed_and_a_trouble_and_the_day_goes_on(
    payload: str | bytes,
) -> None:
    told = Story().says("08:00", TOPIC, payload).reading("12", "08:05", **COLD).replay(until="08:10")
    (refused,) = told.rejected("payload")
    assert (refused["at"], refused["topic"]) == (clock("08:00"), TOPIC)
    assert refused["reason"]
    assert told.troubles("unreadable")[0]["room"] == "12"
    assert told.the_ticket()["began_at"] == clock("08:05")


def test_what_cannot_be_read_ends_nothing_and_is_not_ok() -> None:
    story = Story().reading("12", "08:00", **COLD)
    for minute in range(5, 60, 5):
        story.says(f"08:{minute:02}", TOPIC, "70 degrees")
    told = story.replay(until="09:00")
    assert told.the_ticket()["verdict"] == "breach"
    assert told.room("12")[0] == 0


def test_a_byte_order_mark_does_no_harm() -> None:
    payload = b"\xef\xbb\xbf" + json.dumps(COLD).encode()
    told = Story().says("08:05", TOPIC, payload).replay(until="08:10")
    assert len(told.tickets) == 1
    assert told.rejected() == []


def test_bytes_may_come_in_base64() -> None:
    told = Story().says("08:05", TOPIC, json.dumps(COLD).encode()).replay(until="08:10")
    assert len(told.tickets) == 1


@pytest.mark.parametrize(("first", "last", "breaches"), [(70, 57.2, True), (57.2, 70, False)])
def test_of_a_key_that_stands_twice_the_last_counts(first: float, last: float, breaches: bool) -> None:
    payload = f'{{"temperature_f": {first}, "temperature_f": {last}}}'
    told = Story().says("08:05", TOPIC, payload).replay(until="08:10")
    assert bool(told.tickets) is breaches


# Error codes and ranges


@pytest.mark.parametrize("celsius", [85.0, -127.0, 127.94, -45.0, 130.0, 60.1, -10.1])
def test_error_codes_and_what_is_out_of_range_are_rejected(celsius: float) -> None:
    told = Story().reading("12", "08:05", temperature_c=celsius, humidity=40).replay(until="08:10")
    assert told.tickets == []
    (rejected,) = told.rejected("value")
    assert (rejected["at"], rejected["topic"]) == (clock("08:05"), TOPIC)
    assert rejected["reason"]
    assert told.room("12") == (0, 0, 300)


@pytest.mark.parametrize("celsius", [85.0, -127.0])
def test_an_error_code_is_no_temperature_however_wide_the_range(celsius: float) -> None:
    story = Story(rules="quality = { range_c = [-200, 200] }")
    told = story.reading("12", "08:05", temperature_c=celsius, humidity=40).replay(until="08:10")
    assert told.tickets == []
    assert len(told.rejected("value")) == 1


def test_nought_degrees_with_nought_percent_is_a_sensor_that_measures_nothing() -> None:
    told = Story().reading("12", "08:05", temperature_c=0, humidity=0).replay(until="08:10")
    assert told.tickets == []
    assert told.rejected("value") != []


def test_eighty_five_fahrenheit_is_no_error_code() -> None:
    told = Story().reading("12", "13:00", temperature_f=85, humidity=50).replay(until="13:10")
    assert told.the_ticket()["condition"] == "heat"
    assert told.rejected() == []


@pytest.mark.parametrize(("celsius", "condition"), [(60, "heat"), (-10, "cold")])
def test_the_ends_of_the_range_are_within_it(celsius: float, condition: str) -> None:
    told = Story().reading("12", "13:00", temperature_c=celsius, humidity=40).replay(until="13:10")
    assert told.the_ticket()["condition"] == condition


def test_the_range_is_a_setting() -> None:
    story = Story(rules="quality = { range_c = [0, 40] }")
    story.reading("12", "08:05", temperature_c=-1, humidity=40)
    told = story.replay(until="08:10")
    assert told.tickets == []
    assert len(told.rejected("value")) == 1


def test_a_rejected_value_makes_the_room_unknown_until_a_good_one_comes() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "08:05", temperature_c=-127)
    told = story.reading("12", "08:10", **MILD).replay(until="08:15")
    assert told.room("12") == (600, 0, 300)


def test_a_rejected_value_does_not_silence_the_other_sensors() -> None:
    story = Story().reading("12", "08:00", sensor="door", **MILD)
    story.reading("12", "08:05", sensor="sill", temperature_c=-127)
    assert story.replay(until="08:10").room("12") == (600, 0, 0)


def test_a_rejected_value_ends_no_episode() -> None:
    story = Story().reading("12", "08:00", **COLD).reading("12", "08:05", until="09:30", temperature_c=85)
    ticket = story.replay().the_ticket()
    assert ticket["episodes"][0]["ended_at"] is None
    assert ticket["verdict"] == "breach"


@pytest.mark.parametrize("humidity", [-0.1, 102.1, 0.001, 0.5, 1])
def test_humidity_that_cannot_be_or_is_a_fraction_is_rejected(humidity: float) -> None:
    told = Story().reading("12", "13:00", temperature_f=88, humidity=humidity).replay(until="13:10")
    assert told.tickets == []
    (rejected,) = told.rejected("value")
    assert rejected["topic"] == TOPIC


@pytest.mark.parametrize("humidity", [0, 1.1, 100, 102])
def test_humidity_that_can_be_is_not(humidity: float) -> None:
    told = Story().reading("12", "13:00", temperature_f=70, humidity=humidity).replay(until="13:10")
    assert told.rejected() == []
    assert told.room("12") == (600, 0, 0)


def test_a_little_above_a_hundred_percent_is_a_hundred() -> None:
    told = Story().reading("12", "13:00", temperature_f=79.9, humidity=101.5).replay(until="13:10")
    assert told.the_ticket()["worst"]["value"] == pytest.approx(86.8405, abs=0.001)


# Suspect readings


@pytest.mark.parametrize(
    ("rises_to", "at", "breaches"),
    [
        (55.0, "08:01:00", True),  # five degrees in a minute
        (54.9, "08:01:00", False),  # a little more
        (57.0, "08:00:10", True),  # three degrees, however fast
        (56.9, "08:00:10", False),
    ],
)
def test_a_temperature_that_jumps_is_not_believed_at_once(rises_to: float, at: str, breaches: bool) -> None:
    story = Story().reading("12", "08:00", temperature_f=60, humidity=40)
    story.reading("12", at, temperature_f=rises_to, humidity=40)
    assert bool(story.replay(until="08:03").tickets) is breaches


def test_a_jump_that_the_next_reading_bears_out_was_true_all_along() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "08:01", **COLD)
    story.reading("12", "08:06", temperature_f=60, humidity=40)
    ticket = story.replay(until="08:07").the_ticket()
    assert ticket["began_at"] == clock("08:01")
    assert deadline(ticket, "mitigation")["due_at"] == clock("08:01", hours=24)
    assert ticket["worst"]["value"] == 57.2


def test_a_jump_that_the_next_reading_denies_never_happened() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "08:01", **COLD)
    story.reading("12", "08:02", until="08:30", **MILD)
    assert story.replay().tickets == []


def test_the_next_reading_may_be_suspect_itself() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "08:01", temperature_f=50, humidity=40)
    story.reading("12", "08:02", temperature_f=57.2, humidity=40)
    assert story.replay(until="08:02:30").tickets == []
    ticket = story.reading("12", "08:03", temperature_f=57.3, humidity=40).replay(until="08:04").the_ticket()
    assert ticket["began_at"] == clock("08:02")
    assert ticket["worst"]["value"] == 57.2


def test_a_jump_since_a_reading_that_has_grown_old_is_none() -> None:
    story = Story(rules='quality = { stale_after = "1m" }').reading("12", "08:00", **MILD)
    story.reading("12", "08:01:30", **COLD)
    assert story.replay(until="08:02").the_ticket()["began_at"] == clock("08:01:30")


def test_while_it_waits_a_suspect_reading_takes_nothing_back() -> None:
    story = Story().reading("12", "08:00", **COLD).reading("12", "08:01", **MILD)
    told = story.replay(until="08:10")
    assert told.the_ticket()["verdict"] == "breach"
    assert told.room("12") == (0, 600, 0)


def test_another_sensor_is_no_jump() -> None:
    story = Story().reading("12", "08:00", sensor="door", **MILD)
    story.reading("12", "08:00:30", sensor="sill", **COLD)
    assert story.replay(until="08:02").the_ticket()["began_at"] == clock("08:00:30")


# Retained and repeated


def test_a_retained_message_opens_nothing() -> None:
    assert Story().reading("12", "08:05", retain=True, **COLD).replay(until="09:00").tickets == []


def test_a_retained_message_confirms_nothing() -> None:
    story = Story(rules="cold = { confirm = 2 }").reading("12", "08:05", **COLD)
    story.reading("12", "08:10", retain=True, **COLD)
    assert story.replay(until="08:15").tickets == []


def test_retained_messages_end_nothing() -> None:
    story = Story().reading("12", "08:05", **COLD)
    story.reading("12", "08:10", until="09:30", retain=True, **MILD)
    assert story.replay().the_ticket()["episodes"][0]["ended_at"] is None


def test_a_retained_message_keeps_nothing_fresh() -> None:
    story = Story().reading("12", "08:00", **MILD).reading("12", "08:10", retain=True, **MILD)
    assert story.replay(until="08:30").room("12") == (900, 0, 900)


def test_a_retained_message_does_not_take_the_place_of_the_live_one() -> None:
    stamp = clock("08:05")
    story = Story().reading("12", "08:06", retain=True, ts=stamp, **COLD)
    story.reading("12", "08:07", ts=stamp, **COLD)
    assert story.replay(until="08:10").the_ticket()["began_at"] == stamp


def test_the_same_reading_twice_counts_once() -> None:
    story = Story(rules="cold = { confirm = 2 }")
    story.reading("12", "08:05", ts=clock("08:05"), **COLD).reading("12", "08:06", ts=clock("08:05"), **COLD)
    assert story.replay(until="08:10").tickets == []
    story.reading("12", "08:11", ts=clock("08:10"), **COLD)
    assert story.replay(until="08:15").the_ticket()["began_at"] == clock("08:05")


# The device's own clock


@pytest.mark.parametrize(
    "ts",
    [
        "2026-12-01T16:04:00Z",
        "2026-12-01T08:04:00-08:00",
        "2026-12-01T16:04:00.000Z",
        1796141040,
        1796141040000,
    ],
)
def test_a_time_may_be_written_in_several_ways(ts: object) -> None:
    told = with_ts(ts).replay(until="08:10")
    assert told.the_ticket()["began_at"] == clock("08:04")
    assert told.troubles("clock") == []


def test_without_a_time_the_arrival_is_the_time() -> None:
    ticket = Story().reading("12", "08:05", **COLD).replay(until="08:06").the_ticket()
    assert ticket["began_at"] == clock("08:05")


@pytest.mark.parametrize(
    "ts",
    [clock("08:05", minutes=1, seconds=59), clock("08:05", days=-6, hours=-23, minutes=-59)],
    ids=["a little ahead", "almost a week old"],
)
def test_a_time_within_bounds_is_believed(ts: str) -> None:
    told = with_ts(ts).replay(until="08:10")
    assert told.the_ticket()["began_at"] == ts
    assert told.troubles("clock") == []


@pytest.mark.parametrize(
    "ts",
    [
        clock("08:05", minutes=2, seconds=1),
        clock("08:05", hours=8),
        clock("08:05", days=-7, seconds=-1),
        "1970-01-01T00:00:12Z",
        0,
        "yesterday",
        "",
        "2026-13-45T99:00:00Z",
    ],
)
def test_a_time_that_cannot_be_is_not_believed_but_the_reading_is(ts: object) -> None:
    told = with_ts(ts).replay(until="08:10")
    assert told.the_ticket()["began_at"] == clock("08:05")
    assert told.troubles("clock")[0]["room"] == "12"


# Late readings


def test_a_breach_learned_late_keeps_its_own_beginning() -> None:
    told = Story().reading("12", "11:32", ts=clock("09:10"), **COLD).replay(until="11:40")
    ticket = told.the_ticket()
    assert (ticket["began_at"], ticket["opened_at"]) == (clock("09:10"), clock("11:32"))
    assert ticket["episodes"][0]["began_at"] == clock("09:10")
    assert deadline(ticket, "mitigation")["due_at"] == clock("09:10", hours=24)
    assert told.notices("opened")[0]["at"] >= clock("11:32")


def test_a_deadline_that_had_passed_before_anybody_knew_is_missed() -> None:
    story = Story().reading("12", "11:32", ts=clock("11:32", hours=-30), **COLD)
    assert deadline(story.replay(until="11:40").the_ticket(), "mitigation")["state"] == "missed"


def test_a_late_reading_moves_the_beginning_of_the_episode_and_no_promise() -> None:
    story = Story().reading("12", "10:00", **COLD)
    before = story.replay(until="10:20").the_ticket()
    after = story.reading("12", "10:10", ts=clock("09:50"), **COLD).replay(until="10:20").the_ticket()
    assert after["episodes"][0]["began_at"] == clock("09:50")
    assert len(after["episodes"]) == 1
    assert after["began_at"] == clock("10:00")
    assert after["deadlines"] == before["deadlines"]
    assert len(after["history"]) == len(before["history"]) + 1


def test_a_late_good_reading_from_before_a_breach_changes_nothing() -> None:
    story = Story().reading("12", "10:00", **COLD).reading("12", "10:10", ts=clock("09:50"), **MILD)
    (episode,) = story.replay(until="10:12").the_ticket()["episodes"]
    assert (episode["began_at"], episode["ended_at"]) == (clock("10:00"), None)


def test_a_backlog_is_judged_in_order_of_time() -> None:
    story = Story().reading("12", "08:05", **COLD)
    for minute in range(20, 56, 5):
        story.reading("12", "10:00", ts=clock(f"08:{minute}"), **MILD)
    ticket = story.replay(until="10:05").the_ticket()
    assert ticket["episodes"][0]["ended_at"] == clock("08:20")
    assert ticket["status"] == "open"


# Freshness


def test_a_reading_counts_for_a_quarter_of_an_hour_and_no_longer() -> None:
    assert Story().reading("12", "08:00", **MILD).replay(until="09:00").room("12") == (900, 0, 2700)


def test_a_reading_in_breach_counts_no_longer_either() -> None:
    assert Story().reading("12", "08:00", **COLD).replay(until="09:00").room("12") == (0, 900, 2700)


def test_how_long_a_reading_counts_is_a_setting() -> None:
    story = Story(rules='quality = { stale_after = "20m" }').reading("12", "08:00", **MILD)
    assert story.replay(until="09:00").room("12") == (1200, 0, 2400)


@pytest.mark.parametrize(("interval", "ok_s"), [("10m", 1800), ("4m", 900)])
def test_a_sensor_that_seldom_reports_is_trusted_for_three_of_its_intervals(interval: str, ok_s: int) -> None:
    probe = (
        '[[buildings.sensors]]\nid = "probe"\ntopic = "zigbee2mqtt/probe"\nformat = "zigbee2mqtt"\n'
        f'room = "lab"\ninterval = "{interval}"'
    )
    story = Story(sensors=probe).says("08:00", "zigbee2mqtt/probe", '{"temperature": 21.0, "humidity": 40.0}')
    assert story.replay(until="09:00").room("lab") == (ok_s, 0, 3600 - ok_s)


def test_a_sensor_that_falls_silent_is_a_trouble_until_it_speaks() -> None:
    story = Story().reading("12", "08:00", until="08:30", sensor="sill", **MILD)
    assert story.replay().troubles("silent") == []
    (trouble,) = story.replay(until="10:00").troubles("silent")
    assert (trouble["sensor"], trouble["building"], trouble["room"]) == ("sill", "maple", "12")
    assert trouble["ended_at"] is None
    story.reading("12", "10:00", sensor="sill", **MILD)
    (trouble,) = story.replay(until="10:05").troubles("silent")
    assert trouble["ended_at"] == clock("10:00")


def test_a_sensor_without_a_name_is_called_after_its_room() -> None:
    (trouble,) = Story().reading("12", "08:00", **MILD).replay(until="10:00").troubles("silent")
    assert trouble["sensor"] == "12"


@pytest.mark.parametrize(("battery", "troubles"), [(9.9, 1), (10, 0)])
def test_a_battery_that_runs_low_is_a_trouble(battery: float, troubles: int) -> None:
    story = Story().reading("12", "08:00", battery=battery, **MILD)
    assert len(story.replay(until="08:10").troubles("battery")) == troubles


# Unassigned


@pytest.mark.parametrize(
    "topic",
    [
        "safetyd/readings/maple/attic",
        "safetyd/readings/birch/12",
        "safetyd/power/birch",
        "zigbee2mqtt/unheard of",
    ],
)
def test_what_belongs_to_no_known_place_is_listed(topic: str) -> None:
    story = Story().says("08:00", topic, json.dumps({**HOT, "mains": "off"}))
    told = story.replay(until="12:00")
    assert told.output["unassigned"] == [topic]
    assert told.tickets == []


def test_what_is_assigned_is_not() -> None:
    told = Story().reading("12", "08:00", **MILD).power("08:00", mains="on").replay()
    assert told.output["unassigned"] == []
