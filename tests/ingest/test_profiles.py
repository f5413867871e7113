"""Other devices speak as their ecosystem does; only what a profile names is read of them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.ingest.decode import Decoder, decoder
from safetyd.ingest.message import Decoded, PayloadError, observed_at
from safetyd.site import FORMATS, SensorBinding


def speaks(format: str, **more: Any) -> Decoder:
    return decoder(SensorBinding("s", "topic", format, room="12", **more))


def zigbee(said: object, **more: Any) -> Decoded:
    return speaks("zigbee2mqtt", **more)(json.dumps(said).encode())


def test_a_climate_sensor_says_celsius_percent_and_charge() -> None:
    said = zigbee(
        {"temperature": 21.5, "humidity": 44.1, "battery": 97, "linkquality": 120, "pressure": 1001}
    )
    assert said == Decoded(temperature_c=21.5, humidity=44.1, battery=97)


def test_a_sensor_set_to_fahrenheit_is_read_as_such() -> None:
    assert zigbee({"temperature": 70.5}, unit="F") == Decoded(temperature_f=70.5)
    assert zigbee({"temperature": 20.5}, unit="C") == Decoded(temperature_c=20.5)


def test_the_voltage_of_a_battery_is_not_the_mains() -> None:
    assert zigbee({"temperature": 21, "voltage": 2995}).voltage is None
    assert zigbee({"voltage": 121.5, "power": 5, "state": "ON"}, power=True) == Decoded(
        voltage=121.5, power_w=5
    )


def test_a_chip_a_limit_and_a_relay_are_not_read() -> None:
    with pytest.raises(PayloadError, match="has none of"):
        zigbee({"device_temperature": 40, "min_temperature": 5, "max_temperature": 30, "state": "ON"})


def test_null_is_not_known_and_text_is_a_number_if_it_is_one() -> None:
    assert zigbee({"temperature": "21.50", "humidity": None}) == Decoded(temperature_c=21.5)
    with pytest.raises(PayloadError):
        zigbee({"temperature": None})
    said = zigbee({"temperature": "warm", "humidity": 40})
    assert said.humidity == 40 and said.temperature_c is None and "temperature" in said.refusals[0]


@pytest.mark.parametrize("stamp", ["2026-12-01T16:05:00Z", 1796141100000, 1796141100.5])
def test_the_time_it_was_last_seen_is_its_stamp(stamp: object) -> None:
    assert zigbee({"temperature": 21, "last_seen": stamp}).stamp == stamp


def test_a_stamp_of_another_kind_is_kept_in_words() -> None:
    assert isinstance(zigbee({"temperature": 21, "last_seen": [1]}).stamp, str)


@pytest.mark.parametrize(
    "words, mains",
    [
        ("OL", True),
        ("OL CHRG", True),
        ("ALARM OL RB", True),
        ("OB", False),
        ("OB DISCHRG", False),
        (" OL\n", True),
    ],
)
def test_an_uninterruptible_supply_says_on_line_or_on_battery(words: str, mains: bool) -> None:
    assert speaks("nut", power=True)(words.encode()) == Decoded(mains=mains)


@pytest.mark.parametrize(
    "words", ["", "COMMLOST", "OL COMMLOST", "OL OB", "OFF", "ol", "WAIT", "OLD", "\xff"]
)
def test_whatever_is_neither_on_nor_off_is_no_witness(words: str) -> None:
    with pytest.raises(PayloadError, match="expected one of"):
        speaks("nut", power=True)(words.encode("latin-1"))


@given(st.binary(), st.sampled_from(sorted(FORMATS - {"native"})), st.booleans())
def test_arbitrary_bytes_are_read_or_refused(payload: bytes, format: str, power: bool) -> None:
    try:
        speaks(format, power=power)(payload)
    except PayloadError as error:
        str(error).encode()


def test_half_a_character_can_be_stored_however_it_is_told() -> None:
    said = speaks("zigbee2mqtt")(rb'{"temperature": "\ud800", "humidity": 40, "last_seen": "\ud800"}')
    unbelieved = observed_at(said.stamp, datetime(2026, 12, 1, tzinfo=UTC))[1]
    for text in (*said.refusals, str(unbelieved)):
        text.encode()
