"""The promise: who speaks is named only where topic or keys give it away; otherwise nothing is guessed."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.model import Quantity
from safetyd.ingest.guess import JSON, NO_UNIT, PLAIN, Candidate, Guess, Lack, guess, merged
from safetyd.ingest.message import Sample
from safetyd.paths import read_path, walk
from safetyd.profile import NATIVE, shipped_profiles

MESSAGES = Path(__file__).parent / "messages"
# Of how many of the messages of a format its own name is guessed. What is missing looks like others' or says
# nothing on topics that could be anybody's: a bare word on …/status, a bare number on …/temperature.
LEAST_PERCENT = {
    "apc": 0,
    "zigbee2mqtt": 40,
    "bthome": 50,
    "mbmd": 60,
    "shelly2": 70,
    "ha_statestream": 70,
    "theengs": 70,
    "shelly1": 70,
    "victron": 75,
    "nut": 75,
    "esphome": 85,
    "tasmota": 85,
    "tts": 85,
    "rtl_433": 90,
    "plain": 90,
}


def guessed(topic: str, said: object) -> Guess:
    payload = said if isinstance(said, bytes) else said if isinstance(said, str) else json.dumps(said)
    return guess(topic, payload.encode() if isinstance(payload, str) else payload, shipped_profiles())


def lines(format: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (MESSAGES / f"{format}.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("format", sorted(shipped_profiles()))
def test_an_ecosystem_is_known_by_its_messages_or_its_numbers_are_listed(format: str) -> None:
    said = [(line, guessed(line["topic"], line["payload"])) for line in lines(format)]
    right = sum(found.format == format for _, found in said)
    assert 100 * right >= LEAST_PERCENT.get(format, 100) * len(said)
    for line, found in said:
        if found.format != format:
            is_honest = found.format in (JSON, PLAIN, "") and not found.heard.samples
            assert is_honest or not line["expect"] or found.heard.presence is not None, line["topic"]


def test_the_topic_that_says_more_wins() -> None:
    assert guessed("homeassistant/sensor/attic/state", "20.5").format == "ha_statestream"
    assert guessed("attic-node/sensor/air/state", "20.5").format == "esphome"


def test_a_topic_of_an_ecosystem_keeps_its_name_while_it_says_nothing() -> None:
    found = guessed("tele/r9/SENSOR", '{"Time":"2026-12-01T10:00:00","DS18B20":{"Temperature":nan}}')
    assert found.format == "tasmota" and found.heard.refusals and not found.is_sure


def test_an_ending_of_two_levels_is_known_below_any_prefix() -> None:
    found = guessed("east/annex/closet/ups/status", "OB DISCHRG")
    assert (found.format, found.is_sure) == ("nut", True)


@pytest.mark.parametrize("topic", ["attic/temperature", "attic/humidity", "attic/state", "attic/status"])
def test_an_ending_of_one_word_says_nothing_about_a_bare_number(topic: str) -> None:
    found = guessed(topic, "21.5")
    assert found.format == PLAIN and found.candidates == (Candidate("$", '"21.5"'),)
    assert found.lacks == {Lack.MEASURES, Lack.UNIT}


def test_a_catch_all_is_no_signature() -> None:
    found = guessed("mesh/room 9", {"temperature": 21.5, "humidity": 40, "linkquality": 90})
    assert found.format == JSON and not found.heard.samples
    assert [each.path for each in found.candidates] == ["temperature", "humidity", "linkquality"]


def test_a_set_point_stands_beside_the_reading_and_neither_is_taken() -> None:
    found = guessed("hvac/3", {"sensorValue": {"temperature": 23.4}, "targetValue": {"temperature": 23.0}})
    assert found.candidates == (
        Candidate("sensorValue.temperature", "23.4"),
        Candidate("targetValue.temperature", "23.0"),
    )
    assert Lack.VALUES in found.lacks and not found.heard.samples


def test_what_the_messages_do_not_say_is_lacking() -> None:
    found = guessed("shellies/ht-9/sensor/temperature", "70.2")
    assert found.heard.samples == (Sample(Quantity.TEMPERATURE, 70.2, NO_UNIT),)
    assert found.lacks == {Lack.UNIT}
    assert guessed("attic-node/sensor/air/state", "70.2").lacks == {Lack.MEASURES, Lack.UNIT}


def test_devices_that_share_a_topic_are_told_apart() -> None:
    found = guessed("rtl_433/roof/events", {"model": "Nexus-TH", "id": 14, "temperature_C": 20.5})
    assert found.lacks == {Lack.ONLY} and found.only == (("model", "Nexus-TH"), ("id", 14))


def test_names_of_a_codec_are_listed_and_those_of_its_envelope_are_not() -> None:
    said = {"fCnt": 7, "fPort": 2, "object": {"room_t": 20.5}}
    found = guessed("application/3/device/00aa/event/up", said)
    assert found.format == "chirpstack" and found.candidates == (Candidate("object.room_t", "20.5"),)


def test_a_bulb_has_nothing_to_offer() -> None:
    found = guessed("zigbee2mqtt/bulb", {"state": "ON", "brightness": 120, "linkquality": 80})
    assert found.format == "zigbee2mqtt" and not found.candidates and not found.lacks


def test_a_native_topic_is_native() -> None:
    found = guessed("safetyd/readings/oak/3", {"temperature_f": 70, "humidity": "dry"})
    assert found.format == NATIVE and found.heard.refusals
    assert found.heard.samples == (Sample(Quantity.TEMPERATURE, 70, "degF"),)


def test_named_objects_of_a_list_are_found_by_their_name() -> None:
    said = {"tags": [{"name": "t9", "value": 70.5}, {"name": "t8", "value": 71.5}, {"value": 3}]}
    paths = [each.path for each in guessed("plc/out", said).candidates]
    assert paths == ["tags[name=t9].value", "tags[name=t8].value", "tags[2].value"]


@pytest.mark.parametrize(
    "payload, words",
    [(b"", "empty"), (b"\xff\xfe\x00", "UTF-8"), (b"7" * 300_000, "bytes long"), (b"[" * 90_000, "")],
)
def test_junk_is_nobody_s(payload: bytes, words: str) -> None:
    found = guessed("junk", payload)
    assert not found.is_sure and not found.candidates
    assert words in found.heard.reason


def test_a_partial_message_takes_nothing_away() -> None:
    topic = "home/gate/BTtoMQTT/AA01"
    both = merged(guessed(topic, {"tempc": 21.5, "hum": 40}), guessed(topic, {"tempc": 21.7, "batt": 80}))
    assert [(each.quantity, each.value) for each in both.heard.samples] == [
        ("temperature", 21.7),
        ("humidity", 40),
        ("battery", 80),
    ]
    assert merged(both, guessed(topic, b"")).format == "theengs"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4),
        max_leaves=12,
    ),
    st.sampled_from(
        ["x", "tele/a/SENSOR", "zigbee2mqtt/a", "rtl_433/a/events", "a/events/rpc", "v3/a/devices/b/up"]
    ),
)
def test_every_listed_path_leads_to_its_number(said: Any, topic: str) -> None:
    payload = json.dumps(said)
    for each in guessed(topic, payload).candidates:
        if each.path != "$":
            assert any(True for _ in walk(json.loads(payload), read_path(each.path)))


@given(st.binary(max_size=40), st.text(max_size=20))
def test_nothing_that_comes_breaks_it(payload: bytes, topic: str) -> None:
    guessed(topic, payload)
    guessed(f"spBv1.0/{topic}/NBIRTH/n", payload)
    guessed(f"{topic}/SENSOR", payload)
