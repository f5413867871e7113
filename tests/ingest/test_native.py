"""A native payload says what it says, or is refused in words; nothing on a wire is worse than that."""

import json
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.ingest.message import Decoded, PayloadError
from safetyd.ingest.native import decode
from safetyd.ingest.stamps import timing
from tests.examples import examples

BOM = b"\xef\xbb\xbf"
NUMBERS = ("temperature_f", "temperature_c", "humidity", "voltage", "power_w", "battery", "energy_kwh")
KEYS = (*NUMBERS, "mains", "ts", "other")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.floats(-100, 100),
    st.text(st.characters(codec=None), max_size=8),
    st.sampled_from(["on", "OFF", " 70.5 ", "1e999", "NaN", "-Infinity", "٣", "0x10", "1_000", "7,5", ""]),
    st.recursive(st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4),
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), VALUES)


def texts_of(said: Decoded) -> list[str]:
    """Return what is kept in words of a payload."""
    return [*said.refusals, timing(said, datetime(2026, 12, 1, tzinfo=UTC), None, None).unbelieved or ""]


def read(payload: bytes) -> Decoded | None:
    """Return what a payload says, None if it is refused; hold it to what every payload is held to."""
    try:
        said = decode(payload)
    except PayloadError as error:
        assert str(error)
        str(error).encode()
        return None
    for value in said[:7]:
        assert (
            value is None or isinstance(value, bool) or (isinstance(value, float | int) and isfinite(value))
        )
    for text in texts_of(said):
        text.encode()  # what cannot be written down cannot be stored
    assert said.refusals or any(value is not None for value in said.values)
    return said


@given(st.binary())
def test_arbitrary_bytes_are_read_or_refused(payload: bytes) -> None:
    read(payload)


@settings(max_examples=examples(300))
@given(OBJECTS)
def test_arbitrary_values_are_read_or_refused(said: dict[str, Any]) -> None:
    read(json.dumps(said).encode())


@settings(max_examples=examples(300))
@given(OBJECTS, st.data())
def test_mutated_json_is_read_or_refused(said: dict[str, Any], data: st.DataObject) -> None:
    payload = bytearray(json.dumps(said, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "replace"))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        how = data.draw(st.sampled_from(["change", "cut", "insert"]))
        if how == "change":
            payload[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del payload[at:]
            payload += b"}"
        else:
            payload[at:at] = data.draw(st.binary(max_size=3))
    read(bytes(payload))


@settings(max_examples=examples(300))
@given(OBJECTS)
def test_what_is_read_fast_and_what_is_read_slowly_is_the_same(said: dict[str, Any]) -> None:
    payload = json.dumps(said).encode()
    fast, slow = read(payload), read(BOM + payload)
    if fast is None or slow is None:
        assert fast is slow
    else:
        assert fast.values == slow.values
        assert [str(text) for text in fast.refusals] == list(slow.refusals)


@pytest.mark.parametrize(
    "payload, values",
    [
        ('{"temperature_f": 57.2, "humidity": 41}', {"temperature_f": 57.2, "humidity": 41}),
        ('{"temperature_c": "21.5", "battery": "  88 "}', {"temperature_c": 21.5, "battery": 88}),
        ('{"mains": "off"}', {"mains": False}),
        ('{"mains": "ON", "voltage": 121}', {"mains": True, "voltage": 121}),
        ('{"mains": true, "power_w": 0}', {"mains": True, "power_w": 0}),
        ('{"energy_kwh": "1204.31"}', {"energy_kwh": 1204.31}),
        ('{"humidity": 41, "Temperature_F": 3, "temperature": 4}', {"humidity": 41}),
        ('{"temperature_f": 50, "temperature_f": 60}', {"temperature_f": 60}),
        ('{"temperature_f": 68.05, "temperature_c": 20}', {"temperature_f": 68.05, "temperature_c": 20}),
        ('\ufeff{"temperature_f": 57.2}', {"temperature_f": 57.2}),
        (' \n{"temperature_f": 5.72e1 } ', {"temperature_f": 57.2}),
        ('{"temperature_f": -0.0}', {"temperature_f": 0.0}),
    ],
)
def test_what_is_plainly_right_is_read(payload: str, values: dict[str, float]) -> None:
    assert decode(payload.encode()) == Decoded(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "null",
        "true",
        '"warm"',
        "[70]",
        '"1e999"',
        "1e999",
        '""',
        '"0x46"',
        '"٧٠"',
        '"7 0"',
        '"70,5"',
    ],
)
def test_a_value_that_is_no_finite_number_is_refused_and_the_rest_stands(value: str) -> None:
    said = decode(f'{{"temperature_f": {value}, "humidity": 40}}'.encode())
    assert said.temperature_f is None and said.humidity == 40
    (reason,) = said.refusals
    assert "temperature_f" in reason and "expected a number" in reason


@pytest.mark.parametrize("value", ["1", "0", "null", '"yes"', '"OL"', '""', "[]"])
def test_mains_is_on_or_off_and_nothing_else(value: str) -> None:
    said = decode(f'{{"mains": {value}, "battery": 40}}'.encode())
    assert said.mains is None and said.battery == 40 and "mains" in said.refusals[0]


def test_two_temperatures_that_differ_refuse_the_payload() -> None:
    decode(b'{"temperature_f": 68.1, "temperature_c": 20}')
    with pytest.raises(PayloadError, match=r"differ by 0\.2"):
        decode(b'{"temperature_f": 68.2, "temperature_c": 20}')


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"  ",
        b"70",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b'{"ts": 5}',
        b'{"temp": 70}',
        b"{'temperature_f': 70}",
        b'{"temperature_f": 70',
        b"\xff\xfe{}",
        b'{"a": nan}',
        b'{"temperature_f": 70} {"temperature_f": 71}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_object_of_known_values_is_refused_in_words(payload: bytes) -> None:
    with pytest.raises(PayloadError, match=r".+"):
        decode(payload)


def test_a_reason_is_short_whatever_was_sent() -> None:
    said = decode(json.dumps({"temperature_f": "x" * 100_000, "humidity": 40}).encode())
    assert len(said.refusals[0]) < 100


@pytest.mark.parametrize(
    "payload",
    [
        rb'{"temperature_f": "\ud800"}',
        rb'{"temperature_f": 70, "ts": "\udfff"}',
        rb'{"mains": "\ud800", "battery": 4}',
        rb'["\ud800"]',
    ],
)
def test_half_a_character_is_refused_or_shown_in_a_way_that_can_be_stored(payload: bytes) -> None:
    read(payload)


@pytest.mark.parametrize(
    "payload",
    [b'{"temperature_f": 70, "ts": "\x80"}', b'{"temperature_f": "70\xb0"}', b'{"mains": "\xff", "x": 1}'],
)
def test_text_that_is_not_utf_8_refuses_the_payload(payload: bytes) -> None:
    with pytest.raises(PayloadError, match="is not UTF-8"):
        decode(payload)
