"""The devices speak the native topics, and speak the same words for the same seed."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from safetyd.simulate.lincoln import LINCOLN
from safetyd.simulate.scenario import SCENARIOS, Scenario
from safetyd.simulate.sensors import Message, messages

OUTAGE = SCENARIOS["power-outage"].mains_off


@cache
def spoken(name: str, seed: int = 1) -> tuple[Message, ...]:
    return tuple(messages(SCENARIOS[name], seed))


def said_by(name: str, topic: str) -> list[tuple[datetime, dict[str, Any]]]:
    return [(message.at, json.loads(message.payload)) for message in spoken(name) if message.topic == topic]


def shortened(scenario: Scenario, minutes: int) -> Scenario:
    return replace(scenario, duration=timedelta(minutes=minutes))


def test_the_same_seed_gives_the_same_bytes() -> None:
    brief = shortened(SCENARIOS["heat-wave"], 30)
    assert list(messages(brief, 7)) == list(messages(brief, 7))


def test_another_seed_gives_other_bytes() -> None:
    brief = shortened(SCENARIOS["heat-wave"], 30)
    assert list(messages(brief, 7)) != list(messages(brief, 8))


def test_one_more_device_changes_nobody_elses_words() -> None:
    whole = shortened(SCENARIOS["heat-wave"], 30)
    fewer = replace(whole, school=replace(LINCOLN, rooms=LINCOLN.rooms[:3]))
    topics = {message.topic for message in messages(fewer, 7)}
    assert list(messages(fewer, 7)) == [message for message in messages(whole, 7) if message.topic in topics]


@pytest.mark.parametrize("name", SCENARIOS)
def test_messages_come_in_order_of_time_and_within_the_scenario(name: str) -> None:
    times = [message.at for message in spoken(name)]
    assert times == sorted(times)
    assert SCENARIOS[name].start <= times[0]
    assert times[-1] < SCENARIOS[name].end


def test_every_room_has_a_sensor_on_its_native_topic() -> None:
    rooms = {message.topic for message in spoken("school-day") if "/readings/" in message.topic}
    assert rooms == {f"safetyd/readings/lincoln/{room.id}" for room in LINCOLN.rooms}


def test_a_reading_says_temperature_humidity_battery_and_when() -> None:
    for message in spoken("school-day"):
        if "/readings/" not in message.topic:
            continue
        said = json.loads(message.payload)
        assert set(said) in (
            {"temperature_f", "humidity", "battery", "ts"},
            {"temperature_c", "humidity", "battery", "ts"},
        )
        assert 60 <= said["battery"] <= 100
        assert said["ts"].endswith("Z")
        assert datetime.fromisoformat(said["ts"]) == message.at
        assert not message.retain


def test_some_sensors_say_celsius_and_some_fahrenheit() -> None:
    keys = {key for message in spoken("school-day") for key in json.loads(message.payload)}
    assert {"temperature_c", "temperature_f"} <= keys


def test_values_have_a_resolution_of_a_tenth() -> None:
    for _, said in said_by("school-day", "safetyd/readings/lincoln/204"):
        assert said["temperature_f"] == round(said["temperature_f"], 1)
        assert said["humidity"] == round(said["humidity"], 1)


def test_a_sensor_reports_about_once_a_minute_and_never_like_clockwork() -> None:
    times = [at for at, _ in said_by("school-day", "safetyd/readings/lincoln/204")]
    gaps_s = [(after - before).total_seconds() for before, after in pairwise(times)]
    assert all(55 <= gap_s <= 65 for gap_s in gaps_s)
    assert len(set(gaps_s)) > 100


def test_noise_never_looks_like_a_fault() -> None:
    temps_f = [said["temperature_f"] for _, said in said_by("school-day", "safetyd/readings/lincoln/204")]
    assert max(abs(after - before) for before, after in pairwise(temps_f)) < 1.5
    assert len(set(temps_f[:60])) > 3  # and a sensor that is well does not stand still


def test_one_sensor_falls_silent_for_half_an_hour_and_comes_back() -> None:
    times = [at for at, _ in said_by("school-day", "safetyd/readings/lincoln/112")]
    longest = max(after - before for before, after in pairwise(times))
    assert timedelta(minutes=29) < longest < timedelta(minutes=33)
    assert times[-1] > SCENARIOS["school-day"].end - timedelta(minutes=2)


def test_before_the_outage_two_witnesses_say_that_there_is_power() -> None:
    assert OUTAGE is not None
    for device in ("main", "ups"):
        before = [
            said
            for at, said in said_by("power-outage", f"safetyd/power/lincoln/{device}")
            if at < OUTAGE.start
        ]
        assert all(said["mains"] is True and 110 < said["voltage"] < 130 for said in before)
        assert len(before) > 60


def test_in_the_outage_the_ups_says_so_at_once_and_keeps_saying_so() -> None:
    assert OUTAGE is not None
    during = [(at, said) for at, said in said_by("power-outage", "safetyd/power/lincoln/ups") if at in OUTAGE]
    assert during[0][0] == OUTAGE.start
    assert all(said["mains"] is False and said["voltage"] == 0 for _, said in during)
    assert len(during) > 150


def test_in_the_outage_the_meter_without_a_battery_says_nothing_at_all() -> None:
    assert OUTAGE is not None
    meter = [at for at, _ in said_by("power-outage", "safetyd/power/lincoln/main")]
    assert not [at for at in meter if at in OUTAGE]
    assert OUTAGE.end in meter  # it wakes with the power


def test_the_room_sensors_run_on_batteries_and_go_on_through_the_outage() -> None:
    assert OUTAGE is not None
    for room in LINCOLN.rooms:
        times = [
            at for at, _ in said_by("power-outage", f"safetyd/readings/lincoln/{room.id}") if at in OUTAGE
        ]
        assert len(times) > 150
