"""What others declare about devices: Home Assistant's discovery, and Zigbee2MQTT's list of its devices.

Rule: a declaration proposes a line for the site file and nothing more; declared units have been wrong. A
template that is more than a path, rounded at most, is shown and not understood.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from safetyd.core.model import Quantity
from safetyd.ingest.message import PayloadError
from safetyd.ingest.values import UNITS, document, shown
from safetyd.paths import WHOLE, Key, written

HOME_ASSISTANT, ZIGBEE2MQTT = "Home Assistant discovery", "Zigbee2MQTT"
_OURS = "safetyd"
_MOST_BYTES = 8 * 1024 * 1024  # a large mesh describes itself at length
_MOST = 500  # proposals of one message
_LONGEST_TEMPLATE = 500
_OF_BRIDGE = ("devices", "groups", "info", "definitions", "extensions", "logging", "log", "config")
_SHORT = {
    "stat_t": "state_topic",
    "unit_of_meas": "unit_of_measurement",
    "dev_cla": "device_class",
    "val_tpl": "value_template",
    "avty_t": "availability_topic",
    "pl_on": "payload_on",
    "pl_off": "payload_off",
    "uniq_id": "unique_id",
    "dev": "device",
    "ids": "identifiers",
    "cmps": "components",
    "p": "platform",
}
_CLASSES = {
    ("sensor", "temperature"): Quantity.TEMPERATURE,
    ("sensor", "humidity"): Quantity.HUMIDITY,
    ("sensor", "voltage"): Quantity.VOLTAGE,
    ("sensor", "power"): Quantity.POWER,
    ("sensor", "battery"): Quantity.BATTERY,
    ("sensor", "energy"): Quantity.ENERGY,
    ("binary_sensor", "power"): Quantity.MAINS,
}
_EXPOSED = ("temperature", "humidity", "battery", "voltage", "power")
_STEPS = re.compile(
    r"""\.(?P<key>[A-Za-z_]\w*) | \[(?P<index>\d{1,4})\]
    | \[(?P<quote>["'])(?P<quoted>[^"'\[\]]+)(?P=quote)\]""",
    re.VERBOSE,
)
_FILTER = r"\|\s*(?:round|float|int|default|is_defined)\s*(?:\([^(){}]*\))?\s*"  # these leave a value itself
_TEMPLATE = re.compile(
    rf"\{{\{{-?\s*(?P<root>value_json|value)(?P<rest>(?:[^|{{}}]*[^|{{}}\s])?)\s*(?:{_FILTER})*-?\}}\}}"
)


class Proposal(NamedTuple):
    """One value that somebody declares. `unit` is as declared; `at` is None where the template is no path.

    `format` is empty where the declaration does not say which ecosystem speaks. `quantity` is None for what
    is not read here. `words` are those of on and off, where they are not the usual ones.
    """

    source: str
    name: str
    topic: str
    quantity: Quantity | None
    at: str | None
    unit: str = ""
    format: str = ""
    words: tuple[str, str] | None = None
    template: str = ""
    power_source: str = ""


def proposed(topic: str, payload: bytes, prefix: str = "homeassistant") -> tuple[Proposal, ...] | None:
    """Return what a message declares, in place of all that its topic declared before; None if it is none.

    What cannot be read declares nothing, and neither does an empty message, which withdraws.
    """
    levels = topic.split("/")
    if levels[0] == prefix and levels[-1] == "config" and len(levels) in (4, 5):
        return tuple(_discovered(levels[1], _object(payload)))[:_MOST]
    if len(levels) > 1 and levels[-2] == "bridge" and levels[-1] in _OF_BRIDGE:
        devices = _read(payload) if levels[-1] == "devices" else None
        base = "/".join(levels[:-2])
        return tuple(_devices(base, devices if isinstance(devices, list) else []))[:_MOST]
    return None


def _read(payload: bytes) -> Any:
    try:
        return document(payload) if payload and len(payload) <= _MOST_BYTES else None
    except PayloadError:
        return None


def _object(payload: bytes) -> dict[str, Any]:
    said = _read(payload)
    return _long(said) if isinstance(said, dict) else {}


def _long(said: dict[str, Any]) -> dict[str, Any]:
    """Return the keys as they are when nobody shortens them."""
    return {_SHORT.get(key, key): value for key, value in said.items()}


def _discovered(component: str, said: dict[str, Any]) -> Iterator[Proposal]:
    if _is_ours(said):
        return
    parts = said.get("components") if component == "device" else None
    if isinstance(parts, dict):
        for part in parts.values():
            if isinstance(part, dict):
                whole = {key: value for key, value in said.items() if key != "components"} | _long(part)
                yield from _entity(str(whole.get("platform", "")), whole)
        return
    yield from _entity(component, said)


def _is_ours(said: dict[str, Any]) -> bool:
    device = said.get("device")
    given = _long(device).get("identifiers") if isinstance(device, dict) else None
    ids = [said.get("unique_id"), *(given if isinstance(given, list) else [given])]
    return any(isinstance(id, str) and id.startswith(_OURS) for id in ids)


def _entity(component: str, said: dict[str, Any]) -> Iterator[Proposal]:
    topic = _text(said, "state_topic")
    if component not in ("sensor", "binary_sensor") or not topic or _is_ours(said):
        return
    base = _text(said, "~")
    if topic.startswith("~"):
        topic = base + topic[1:]
    elif topic.endswith("~"):
        topic = topic[:-1] + base
    unit, template = _text(said, "unit_of_measurement"), _text(said, "value_template")
    yield Proposal(
        source=HOME_ASSISTANT,
        name=_name(said),
        topic=topic,
        quantity=_quantity(component, _text(said, "device_class"), unit),
        at=_path(template),
        unit=unit,
        words=_words(said) if component == "binary_sensor" else None,
        template=template,
    )


def _name(said: dict[str, Any]) -> str:
    device = said.get("device")
    names = [_text(device, "name") if isinstance(device, dict) else "", _text(said, "name")]
    return " ".join(filter(None, names))


def _quantity(component: str, device_class: str, unit: str) -> Quantity | None:
    quantity = _CLASSES.get((component, device_class))
    degrees = unit.casefold() in ("°c", "°f")
    if quantity is None:
        return Quantity.TEMPERATURE if component == "sensor" and not device_class and degrees else None
    known = UNITS.get(quantity)
    return quantity if not unit or known is None or unit.casefold() in known else None  # mV are no mains


def _words(said: dict[str, Any]) -> tuple[str, str] | None:
    words = _text(said, "payload_on") or "ON", _text(said, "payload_off") or "OFF"
    return None if (words[0].casefold(), words[1].casefold()) == ("on", "off") else words


def _path(template: str) -> str | None:
    """Return the path that a template reads; None where it does more than that."""
    if not template:
        return WHOLE
    found = _TEMPLATE.fullmatch(template.strip()) if len(template) <= _LONGEST_TEMPLATE else None
    if found is None or (found["root"] == "value" and found["rest"]):
        return None
    steps: list[Key] = []
    at, rest = 0, found["rest"]
    while at < len(rest):
        step = _STEPS.match(rest, at)
        if step is None:
            return None
        steps.append(int(step["index"]) if step["index"] else step["key"] or step["quoted"])
        at = step.end()
    return written(tuple(steps))


def _devices(base: str, devices: list[Any]) -> Iterator[Proposal]:
    for device in devices:
        if not isinstance(device, dict) or device.get("type") == "Coordinator" or device.get("disabled"):
            continue
        name, definition = _text(device, "friendly_name"), device.get("definition")
        exposes = definition.get("exposes") if isinstance(definition, dict) else None
        if not name or not isinstance(exposes, list):
            continue
        for said in _exposed(exposes):
            key, unit = _text(said, "property"), _text(said, "unit")
            if key in _EXPOSED:
                is_cell = key == "voltage" and unit == "mV"
                yield Proposal(
                    source=ZIGBEE2MQTT,
                    name=name,
                    topic=f"{base}/{name}",
                    quantity=Quantity.BATTERY if is_cell else Quantity(key),
                    at=key,
                    unit=unit,
                    format="zigbee2mqtt",
                    power_source=_text(device, "power_source"),
                )


def _exposed(exposes: list[Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    for said in exposes:
        if isinstance(said, dict):
            yield said
            features = said.get("features")
            if isinstance(features, list) and depth < 4:
                yield from _exposed(features, depth + 1)


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else "" if value is None else shown(value)
