"""The promise: what others declare about a device is proposed with who said it, and never more than that."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.model import Quantity
from safetyd.ingest.proposals import HOME_ASSISTANT, ZIGBEE2MQTT, Proposal, proposed

CONFIG = "homeassistant/sensor/attic/config"


def declared(said: object, topic: str = CONFIG) -> tuple[Proposal, ...]:
    found = proposed(topic, json.dumps(said).encode())
    assert found is not None
    return found


def sensor(**more: Any) -> dict[str, Any]:
    return {"state_topic": "attic/out", "device_class": "temperature", "unit_of_measurement": "°C", **more}


def test_a_discovery_message_proposes_one_value() -> None:
    (found,) = declared(sensor(name="Air", value_template="{{ value_json.air.t }}"))
    assert (found.source, found.name, found.topic) == (HOME_ASSISTANT, "Air", "attic/out")
    assert (found.quantity, found.at, found.unit) == (Quantity.TEMPERATURE, "air.t", "°C")


def test_abbreviations_mean_the_same() -> None:
    short = {"~": "attic", "stat_t": "~/out", "dev_cla": "temperature", "unit_of_meas": "°F", "val_tpl": ""}
    (found,) = declared(short | {"avty_t": "~/here", "dev": {"name": "Attic"}, "name": "Air"})
    assert (found.topic, found.unit, found.at, found.name) == ("attic/out", "°F", "$", "Attic Air")


@pytest.mark.parametrize(
    "template, at",
    [
        ("{{ value_json.t }}", "t"),
        ("{{value_json.a.t}}", "a.t"),
        ('{{ value_json["t"] }}', "t"),
        ("{{ value_json['a.t'][0].v }}", "['a.t'][0].v"),
        ("{{ value_json.t | round(1) }}", "t"),
        ("{{ value_json.t | float | round(2) }}", "t"),
        ("{{ value | float }}", "$"),
        ("{{ value }}", "$"),
        (None, "$"),
        ("{{ value_json.t * 1.8 + 32 }}", None),
        ("{{ value_json.t | multiply(0.1) }}", None),
        ("{{ value_json[item] }}", None),
        ("{% if value_json.t %}{{ value_json.t }}{% endif %}", None),
        ("{{ states('sensor.x') }}", None),
        ("{{ value" + " " * 100_000, None),
    ],
)
def test_a_template_is_a_path_or_is_not_understood(template: str | None, at: str | None) -> None:
    (found,) = declared(sensor(value_template=template))
    assert found.at == at


@pytest.mark.parametrize(
    "said, quantity",
    [
        ({"device_class": None}, Quantity.TEMPERATURE),  # °C can be nothing else
        ({"device_class": None, "unit_of_measurement": "%"}, None),
        ({"device_class": "voltage", "unit_of_measurement": "V"}, Quantity.VOLTAGE),
        ({"device_class": "voltage", "unit_of_measurement": "mV"}, None),
        ({"device_class": "power", "unit_of_measurement": "kW"}, None),
        ({"device_class": "gas"}, None),
    ],
)
def test_what_it_is_follows_from_class_and_unit(said: dict[str, Any], quantity: Quantity | None) -> None:
    (found,) = declared(sensor(**said))
    assert found.quantity is quantity


def test_a_binary_sensor_of_power_is_a_word_on_the_mains() -> None:
    topic = "homeassistant/binary_sensor/panel/config"
    (usual,) = declared({"stat_t": "panel/in", "dev_cla": "power"}, topic)
    (own,) = declared({"stat_t": "panel/in", "dev_cla": "power", "pl_on": "OK", "pl_off": "LOST"}, topic)
    assert usual.quantity is own.quantity is Quantity.MAINS
    assert usual.words is None and own.words == ("OK", "LOST")


def test_a_device_declares_all_its_components_at_once() -> None:
    parts = {
        "a": {"p": "sensor", "dev_cla": "temperature", "val_tpl": "{{ value_json.t }}"},
        "b": {"p": "sensor", "dev_cla": "humidity", "val_tpl": "{{ value_json.h }}"},
        "c": {"p": "button"},
    }
    found = declared({"stat_t": "attic/out", "cmps": parts}, "homeassistant/device/attic/config")
    assert [(each.topic, each.at) for each in found] == [("attic/out", "t"), ("attic/out", "h")]


@pytest.mark.parametrize(
    "ours", [{"uniq_id": "safetyd_oak_3"}, {"dev": {"ids": ["safetyd-oak"]}}, {"dev": {"ids": "safetyd"}}]
)
def test_what_we_announce_ourselves_is_no_news(ours: dict[str, Any]) -> None:
    assert declared(sensor(**ours)) == ()


@pytest.mark.parametrize("payload", [b"", b"nonsense", b"[1]", b'{"name": "x"}', b"\xff"])
def test_a_withdrawn_or_broken_declaration_declares_nothing(payload: bytes) -> None:
    assert proposed(CONFIG, payload) == ()


@pytest.mark.parametrize(
    "topic", ["attic/out", "homeassistant/sensor/attic/state", "config", "x/sensor/config"]
)
def test_other_topics_declare_nothing(topic: str) -> None:
    assert proposed(topic, b"{}") is None


def test_the_list_of_devices_tells_a_cell_from_the_mains() -> None:
    def device(name: str, source: str, *exposes: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"friendly_name": name, "power_source": source, "definition": {"exposes": exposes}, **more}

    said = [
        {"type": "Coordinator", "friendly_name": "Coordinator", "definition": None},
        device("desk", "Battery", {"property": "temperature"}, {"property": "voltage", "unit": "mV"}),
        device("plug", "Mains (single phase)", {"features": [{"property": "voltage", "unit": "V"}]}),
        device("away", "Battery", {"property": "humidity"}, disabled=True),
        device("knob", "Battery", {"property": "local_temperature"}, {"property": "action"}),
        "junk",
    ]
    found = declared(said, "mesh/bridge/devices")
    assert [(each.topic, each.quantity, each.power_source) for each in found] == [
        ("mesh/desk", Quantity.TEMPERATURE, "Battery"),
        ("mesh/desk", Quantity.BATTERY, "Battery"),
        ("mesh/plug", Quantity.VOLTAGE, "Mains (single phase)"),
    ]
    assert {(each.source, each.format) for each in found} == {(ZIGBEE2MQTT, "zigbee2mqtt")}


KEYS = st.sampled_from(["stat_t", "~", "dev", "ids", "cmps", "val_tpl", "dev_cla", "definition", "exposes"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=4),
        max_leaves=12,
    )
)
def test_nothing_that_is_declared_breaks_it(said: Any) -> None:
    payload = json.dumps(said).encode()
    for topic in (CONFIG, "homeassistant/device/x/config", "mesh/bridge/devices"):
        assert proposed(topic, payload) is not None
