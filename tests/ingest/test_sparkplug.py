"""A Sparkplug B node says names and units at birth, aliases later; what no birth explains is refused."""

import math
import struct
import sys
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.errors import SafetydError
from safetyd.core.model import Quantity
from safetyd.ingest.message import Heard, PayloadError, Reader, Sample
from safetyd.ingest.sparkplug import is_available, reader
from safetyd.ingest.sparkplug_message import message_class
from safetyd.profile import Value, Wiring, Words

SENT_AT = 1_796_000_000_000
INT8, INT16, INT32, INT64, FLOAT, DOUBLE, BOOLEAN, STRING = 1, 2, 3, 4, 9, 10, 11, 12
AIR, DAMP = "Air/Temperature now", "Air/Humidity"
NODE = "spBv1.0/Oakdale/{}/boiler-house"
DEVICE = NODE + "/room-12"
NO_WORDS = Words()
TYPES = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")


def metric(name: str = "", alias: int | None = None, at: int | None = SENT_AT, **said: Any) -> Any:
    """Return one metric; `float_value=21.5` and the like is its value."""
    properties = said.pop("properties", {})
    made = message_class()().metrics.add(**said)
    if name:
        made.name = name.encode()
    if alias is not None:
        made.alias = alias
    if at is not None:
        made.timestamp = at
    for key, value in properties.items():
        made.properties.keys.append(key.encode())
        made.properties.values.add(
            **{"int_value": value} if isinstance(value, int) else {"string_value": value.encode()}
        )
    return made


def message(*metrics: Any, at: int | None = SENT_AT + 40) -> bytes:
    made = message_class()(metrics=metrics)
    if at is not None:
        made.timestamp = at
    return made.SerializeToString()


def wired(
    quantity: Quantity, *names: str, unit: str = "", words: Words = NO_WORDS, channel: str = ""
) -> Value:
    return Value(quantity, at=tuple((name,) for name in names), unit=unit, words=words, channel=channel)


def room(unit: str | None = None) -> Reader:
    return reader(
        Wiring(unit=unit, values=(wired(Quantity.TEMPERATURE, AIR), wired(Quantity.HUMIDITY, DAMP)))
    )


def one(quantity: Quantity, unit: str = "", words: Words = NO_WORDS, site_unit: str | None = None) -> Reader:
    """Return a reader of one metric, `x`."""
    return reader(Wiring(unit=site_unit, values=(wired(quantity, "x", unit=unit, words=words),)))


def hear(read: Reader, kind: str, *metrics: Any, **more: Any) -> Heard:
    place = NODE if kind.startswith("N") else DEVICE
    return read(place.format(kind), message(*metrics, **more))


def born(read: Reader, unit: str = "°F") -> Heard:
    air = metric(AIR, 7, datatype=FLOAT, float_value=68.9, properties={"engUnit": unit})
    return hear(read, "DBIRTH", air, metric(DAMP, 8, datatype=FLOAT, float_value=41.3))


def value_of(heard: Heard) -> float | bool:
    (sample,) = heard.samples
    return sample.value


# Births, data, deaths


def test_the_bytes_are_those_of_the_specification():
    name, unit = b"\x0a\x01x", b"\x4a\x12" + b"\x0a\x07engUnit" + b"\x12\x07\x08\x0c\x42\x03\xc2\xb0C"
    birth = name + b"\x10\x05" + b"\x18\x83\x01" + b"\x20\x09" + unit + b"\x65" + struct.pack("<f", 20.7)
    read = one(Quantity.TEMPERATURE)
    heard = read(
        DEVICE.format("DBIRTH"), b"\x08\x84\x01" + b"\x12" + bytes([len(birth)]) + birth + b"\x18\x01"
    )
    assert heard.samples == (Sample(Quantity.TEMPERATURE, 20.7, "degC"),)
    assert (heard.device_stamp, heard.gateway_stamp) == (131, 132)
    by_alias = b"\x12\x0b\x10\x05\x69" + struct.pack("<d", 20.75)
    assert value_of(read(DEVICE.format("DDATA"), by_alias)) == 20.75
    for mark in (b"\x28\x01", b"\x38\x01"):  # of the past, null
        heard = read(DEVICE.format("DDATA"), b"\x12\x0d\x10\x05" + mark + b"\x69" + struct.pack("<d", 20.75))
        assert not heard.samples and heard.reason


def test_a_birth_gives_values_and_says_that_the_device_is_there():
    heard = born(room())
    assert heard.samples == (
        Sample(Quantity.TEMPERATURE, 68.9, "degF"),
        Sample(Quantity.HUMIDITY, 41.3, "%"),
    )
    assert (heard.presence, heard.is_bridge, heard.refusals) == (True, False, ())


def test_data_by_alias_is_understood_through_the_birth():
    read = room()
    born(read)
    heard = hear(read, "DDATA", metric(alias=7, at=SENT_AT + 60_000, float_value=70.1))
    assert heard.samples == (Sample(Quantity.TEMPERATURE, 70.1, "degF"),)
    assert (heard.device_stamp, heard.gateway_stamp) == (SENT_AT + 60_000, SENT_AT + 40)
    assert heard.presence is None and heard.counter is None


def test_an_alias_may_be_zero():
    read = one(Quantity.HUMIDITY)
    hear(read, "DBIRTH", metric("x", 0, float_value=50.0))
    assert value_of(hear(read, "DDATA", metric(alias=0, float_value=51.5))) == 51.5
    assert hear(read, "DDATA", metric(float_value=51.5)).samples == ()


def test_an_alias_without_its_birth_asks_people_for_a_rebirth():
    heard = hear(room("F"), "DDATA", metric(alias=7, float_value=70.1))
    assert heard.samples == ()
    (refusal,) = heard.refusals
    assert "birth" in refusal and "ask for a rebirth at the node" in refusal


def test_a_name_needs_no_birth_where_the_site_says_the_unit():
    said = metric(AIR, datatype=DOUBLE, double_value=21.25)
    assert hear(room("C"), "DDATA", said).samples == (Sample(Quantity.TEMPERATURE, 21.25, "degC"),)
    assert 'say unit = "C" or "F"' in hear(room(), "DDATA", said).refusals[0]


def test_data_by_name_has_the_unit_of_its_birth():
    read = room("C")
    born(read, "degF")
    assert hear(read, "DDATA", metric(AIR, float_value=70.5)).samples[0].unit == "degF"


def test_a_new_birth_replaces_what_the_old_one_said():
    read = room()
    born(read)
    hear(read, "DBIRTH", metric(DAMP, 7, float_value=40.0))
    heard = hear(read, "DDATA", metric(alias=7, float_value=39.5), metric(alias=8, float_value=1.5))
    assert heard.samples == (Sample(Quantity.HUMIDITY, 39.5, "%"),)


def test_a_device_that_died_is_gone_and_so_are_its_aliases():
    read = room()
    born(read)
    died = hear(read, "DDEATH")
    assert (died.presence, died.is_bridge, died.gateway_stamp) == (False, False, SENT_AT + 40)
    assert hear(read, "DDATA", metric(alias=7, float_value=70.1)).refusals


def test_with_a_node_die_its_devices():
    read = room()
    born(read)
    died = hear(read, "NDEATH")
    assert (died.presence, died.is_bridge) == (False, True)
    assert hear(read, "DDATA", metric(alias=7, float_value=70.1)).refusals


def test_the_last_will_of_a_node_was_stamped_long_before_it_died():
    assert hear(room(), "NDEATH").gateway_stamp is None


def test_a_node_that_is_born_lets_its_devices_be_born_again():
    read = room()
    born(read)
    heard = hear(read, "NBIRTH")
    assert (heard.presence, heard.is_bridge, heard.reason) == (True, True, "")
    assert hear(read, "DDATA", metric(alias=7, float_value=70.1)).refusals


def test_another_node_or_device_has_aliases_of_its_own():
    read = room()
    born(read)
    for other in (
        "spBv1.0/Oakdale/{}/annex/room-12",
        "spBv1.0/Elm/{}/boiler-house/room-12",
        NODE + "/room-13",
    ):
        assert read(other.format("DDATA"), message(metric(alias=7, float_value=50.0))).samples == ()
        read(other.format("DDEATH"), message())
    assert hear(read, "DDATA", metric(alias=7, float_value=70.1)).samples


@pytest.mark.parametrize(("number", "is_there"), [(4, None), (5, False)])
def test_the_death_of_an_earlier_life_of_a_node_is_ignored(number, is_there):
    read = room()
    hear(read, "NBIRTH", metric("bdSeq", datatype=INT64, long_value=5), metric(DAMP, 3, float_value=40.0))
    died = hear(read, "NDEATH", metric("bdSeq", datatype=INT64, long_value=number))
    assert died.presence is is_there
    assert ("another life" in died.reason) is (is_there is None)
    assert bool(hear(read, "NDATA", metric(alias=3, float_value=41.0)).samples) is (is_there is None)


def test_a_death_without_a_number_is_believed():
    read = room()
    hear(read, "NBIRTH", metric("bdSeq", long_value=5))
    assert hear(read, "NDEATH").presence is False


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/STATE/plant-host",
        "STATE/plant-host",
        "spBv1.0/Oakdale/NCMD/boiler-house",
        "spBv1.0/Oakdale/DCMD/boiler-house/room-12",
        "spBv1.0/Oakdale/DDATA/boiler-house",
        "spBv1.0/Oakdale/NDATA/boiler-house/room-12",
        "spAv1.0/Oakdale/NDATA/boiler-house",
        "",
    ],
)
def test_states_commands_and_strange_topics_say_nothing(topic):
    said = message(metric(DAMP, float_value=40.0))
    assert room()(topic, said) == room()(topic, b'{"online": true}') == Heard()


def test_an_empty_payload_says_nothing():
    assert room()(DEVICE.format("DBIRTH"), b"") == Heard()


@pytest.mark.parametrize("payload", [b'{"temperature": 20}', b"21.5", b"\x12\x7f", message(metric(AIR))[:-1]])
def test_what_is_no_protobuf_is_refused(payload):
    with pytest.raises(PayloadError, match="no Sparkplug B message"):
        room()(DEVICE.format("DDATA"), payload)


# Values


def test_the_past_and_nulls_are_no_readings_and_nothing_is_wrong():
    read = room()
    born(read)
    past = hear(read, "DDATA", metric(alias=7, is_historical=True, float_value=60.0))
    null = hear(read, "DDATA", metric(alias=7, is_null=True))
    assert (past.samples, past.refusals, past.reason) == ((), (), f"{AIR} is of the past")
    assert (null.samples, null.refusals, null.reason) == ((), (), f"{AIR} is null")


def test_a_null_at_birth_still_names_its_alias():
    read = one(Quantity.HUMIDITY)
    assert hear(read, "DBIRTH", metric("x", 5, is_null=True)).presence is True
    assert value_of(hear(read, "DDATA", metric(alias=5, float_value=44.0))) == 44.0


def test_data_of_other_metrics_names_what_is_missing():
    heard = hear(room(), "DDATA", metric("Fan/Speed", float_value=3.0))
    assert heard.reason == f"holds no {AIR}, {DAMP}"


@pytest.mark.parametrize("said", ["°C", "C", "c", "degC", "DEGC", " °c "])
def test_a_unit_on_the_wire_wins_over_the_site(said):
    assert born(room("F"), said).samples[0].unit == "degC"


@pytest.mark.parametrize(
    ("site", "value", "unit"), [("F", "C", "degF"), (None, "C", "degC"), (None, "F", "degF")]
)
def test_without_a_unit_on_the_wire_the_site_says_it(site, value, unit):
    heard = hear(one(Quantity.TEMPERATURE, value, site_unit=site), "DDATA", metric("x", float_value=19.5))
    assert heard.samples == (Sample(Quantity.TEMPERATURE, 19.5, unit),)


@pytest.mark.parametrize("unit", ["", "site", "@there"])
def test_a_temperature_of_unknown_unit_is_refused(unit):
    heard = hear(one(Quantity.TEMPERATURE, unit), "DDATA", metric("x", float_value=19.5))
    assert heard.samples == () and "unit is not said" in heard.refusals[0]


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [(Quantity.HUMIDITY, "%"), (Quantity.VOLTAGE, "V"), (Quantity.POWER, "W"), (Quantity.BATTERY, "%")],
)
def test_other_quantities_have_one_unit_and_refuse_another(quantity, unit):
    read = one(quantity)
    assert hear(read, "DDATA", metric("x", float_value=97.5)).samples == (Sample(quantity, 97.5, unit),)
    heard = hear(read, "DDATA", metric("x", float_value=97.5, properties={"engUnit": "kilo"}))
    assert heard.samples == () and 'in "kilo"; expected engUnit' in heard.refusals[0]


def test_a_battery_may_be_in_volts_or_a_flag():
    volts = metric("x", float_value=2.98)
    assert hear(one(Quantity.BATTERY, "V"), "DDATA", volts).samples == (Sample(Quantity.BATTERY, 2.98, "V"),)
    low = metric("x", boolean_value=True)
    assert hear(one(Quantity.BATTERY, "low"), "DDATA", low).samples == (
        Sample(Quantity.BATTERY, False, "bool"),
    )
    assert hear(one(Quantity.BATTERY, "ok"), "DDATA", low).samples == (
        Sample(Quantity.BATTERY, True, "bool"),
    )
    assert hear(one(Quantity.BATTERY, "ok"), "DDATA", volts).refusals


@given(st.decimals(min_value=-999, max_value=999, places=3, allow_nan=False))
def test_a_decimal_of_32_bits_comes_back_as_it_was_printed(decimal):
    heard = hear(one(Quantity.POWER), "DDATA", metric("x", float_value=float(decimal)))
    assert value_of(heard) == float(decimal)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_shortened_number_is_the_same_in_32_bits(number):
    heard = hear(one(Quantity.POWER), "DDATA", metric("x", float_value=number))
    assert struct.pack("f", value_of(heard)) == struct.pack("f", number)


def test_a_double_is_taken_as_it_is():
    number = 12.300000190734863
    assert value_of(hear(one(Quantity.POWER), "DDATA", metric("x", double_value=number))) == number


@pytest.mark.parametrize(
    ("datatype", "said", "number"),
    [
        (INT8, {"int_value": 0xFB}, -5),
        (INT8, {"int_value": 0xFFFFFFFB}, -5),
        (INT16, {"int_value": 0xFFFB}, -5),
        (INT32, {"int_value": 0xFFFFFFFB}, -5),
        (INT64, {"long_value": 2**64 - 5}, -5),
        (INT32, {"int_value": 5}, 5),
        (7, {"int_value": 0xFFFFFFFB}, 0xFFFFFFFB),
    ],
)
def test_whole_numbers_below_zero_travel_in_the_bits_of_their_type(datatype, said, number):
    read = one(Quantity.POWER)
    assert value_of(hear(read, "DBIRTH", metric("x", 1, datatype=datatype, **said))) == number
    assert value_of(hear(read, "DDATA", metric(alias=1, **said))) == number


@pytest.mark.parametrize(
    "said",
    [
        {"float_value": math.nan},
        {"double_value": math.nan},
        {"double_value": math.inf},
        {"float_value": -math.inf},
        {"boolean_value": True},
        {"string_value": b"warm"},
        {"string_value": b"\xff"},
        {},
    ],
)
def test_what_is_no_number_is_refused(said):
    heard = hear(one(Quantity.HUMIDITY), "DDATA", metric("x", **said))
    assert heard.samples == ()
    assert heard.refusals[0].startswith("x ")


def test_mains_is_yes_or_no():
    for is_on in (True, False):
        heard = hear(one(Quantity.MAINS), "DDATA", metric("x", datatype=BOOLEAN, boolean_value=is_on))
        assert heard.samples == (Sample(Quantity.MAINS, is_on, "bool"),)
    assert "expected one of" in hear(one(Quantity.MAINS), "DDATA", metric("x", float_value=230.0)).refusals[0]


def test_mains_may_be_told_by_words_of_the_site():
    on_battery = Words(on=(False,), off=(True,))
    assert (
        value_of(hear(one(Quantity.MAINS, words=on_battery), "DDATA", metric("x", boolean_value=True)))
        is False
    )
    numbers = Words(on=(1,), off=(0,), unknown=(9,))
    assert value_of(hear(one(Quantity.MAINS, words=numbers), "DDATA", metric("x", int_value=0))) is False
    assert hear(one(Quantity.MAINS, words=numbers), "DDATA", metric("x", int_value=9)).samples == ()
    tokens = Words(on=("OL",), off=("OB",))
    charging = metric("x", datatype=STRING, string_value=b"OL CHRG")
    assert value_of(hear(one(Quantity.MAINS, words=tokens), "DDATA", charging)) is True


@pytest.mark.parametrize("quality", [0, 500])
def test_what_its_node_calls_bad_or_stale_is_refused(quality):
    read = one(Quantity.HUMIDITY)
    bad = hear(read, "DDATA", metric("x", float_value=40.0, properties={"Quality": quality}))
    assert bad.samples == () and f"Quality is {quality}" in bad.refusals[0]
    assert hear(read, "DDATA", metric("x", float_value=40.0, properties={"Quality": 192})).samples


def test_of_several_names_the_first_that_is_there_counts():
    read = reader(Wiring(values=(wired(Quantity.HUMIDITY, "new", "old", channel="wall"),)))
    assert (
        value_of(hear(read, "DDATA", metric("old", float_value=30.0), metric("new", float_value=40.0)))
        == 40.0
    )
    (sample,) = hear(read, "DDATA", metric("old", float_value=30.0)).samples
    assert (sample.value, sample.channel) == (30.0, "wall")


def test_of_a_metric_that_comes_twice_the_newest_counts_and_it_is_told():
    early, late = metric("x", at=SENT_AT, float_value=30.0), metric("x", at=SENT_AT + 9, float_value=31.0)
    for both in ((early, late), (late, early)):
        heard = hear(one(Quantity.HUMIDITY), "DDATA", *both)
        assert (value_of(heard), heard.device_stamp) == (31.0, SENT_AT + 9)
        assert heard.refusals == ("x comes more than once in a message; the newest counts",)


def test_only_what_the_sensor_measures_is_read():
    values = (wired(Quantity.HUMIDITY, "h"), wired(Quantity.POWER, "p"))
    read = reader(Wiring(measures=(Quantity.POWER,), values=values))
    heard = hear(read, "DDATA", metric("h", float_value=40.0), metric("p", float_value=60.0))
    assert heard.samples == (Sample(Quantity.POWER, 60.0, "W"),)


def test_what_bears_no_stamp_has_none():
    heard = hear(one(Quantity.HUMIDITY), "DDATA", metric("x", at=None, float_value=40.0), at=None)
    assert heard.samples and heard.device_stamp is heard.gateway_stamp is None


def test_fields_that_nobody_reads_do_no_harm():
    body, uuid = b"\x2a\x03abc", b"\x22\x02id"
    said = message(metric("x", float_value=40.0)) + b"\x18\x07" + uuid + body
    assert value_of(one(Quantity.HUMIDITY)(DEVICE.format("DDATA"), said)) == 40.0


# The package


def test_it_is_known_whether_protobuf_is_installed(monkeypatch):
    assert is_available()
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    assert not is_available()
    with pytest.raises(SafetydError, match=r"pip install safetyd\[sparkplug\]"):
        room()


# Anything at all

NAMES = st.sampled_from(["", AIR, DAMP, "bdSeq", "Fan/Speed", "é" * 5])
SAID = st.fixed_dictionaries(
    {},
    optional={
        "datatype": st.integers(0, 30),
        "is_historical": st.booleans(),
        "is_null": st.booleans(),
        "int_value": st.integers(0, 2**32 - 1),
        "long_value": st.integers(0, 2**64 - 1),
        "float_value": st.floats(width=32),
        "double_value": st.floats(),
        "boolean_value": st.booleans(),
        "string_value": st.binary(max_size=6),
        "properties": st.dictionaries(
            st.sampled_from(["engUnit", "Quality"]),
            st.integers(0, 600) | st.sampled_from(["°F", "C", "?", ""]),
        ),
    },
)
METRICS = st.builds(
    lambda name, alias, at, said: metric(name, alias, at, **said),
    NAMES,
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 2**64 - 1),
    SAID,
)
PLACES = st.sampled_from([NODE, DEVICE, NODE + "/room-13", "spBv1.0/{}", "{}"])


def sound(heard: Heard) -> bool:
    """Return whether every value is one, and every word can be written down."""
    "".join([heard.reason, *heard.refusals]).encode()
    return all(isinstance(each.value, bool) or math.isfinite(each.value) for each in heard.samples)


@given(
    st.sampled_from(TYPES),
    st.binary() | st.binary().map(lambda tail: b"\x12" + bytes([len(tail) % 128]) + tail),
)
def test_any_bytes_are_heard_or_refused(kind, payload):
    read = room("F")
    born(read)
    try:
        assert sound(read((NODE if kind.startswith("N") else DEVICE).format(kind), payload))
    except PayloadError as error:
        assert str(error)


@given(st.lists(st.tuples(PLACES, st.sampled_from(TYPES), st.lists(METRICS, max_size=4)), max_size=12))
def test_births_data_and_deaths_may_come_in_any_order(story):
    read = reader(
        Wiring(
            values=(
                wired(Quantity.TEMPERATURE, AIR),
                wired(Quantity.HUMIDITY, DAMP),
                wired(Quantity.MAINS, "Fan/Speed"),
            )
        )
    )
    clock = count(SENT_AT)
    for place, kind, metrics in story:
        heard = read(place.format(kind), message(*metrics, at=next(clock)))
        assert sound(heard)
        if kind.endswith("DEATH"):
            assert not heard.samples
