"""The messages that hostile ones are made from: those of the tests, and collected ones where they are there.

Rule: each is taken as its line says, and again as another site file might: other unit, channel or purpose.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from safetyd.core.model import Quantity
from safetyd.ingest.decode import reader
from safetyd.ingest.message import PayloadError
from safetyd.ingest.sparkplug_message import message_class, text_of
from safetyd.profile import NATIVE, SPARKPLUG, Value, Wiring, shipped_profiles
from tests.fuzz.target import Case, Way
from tests.ingest import test_payload_folder as collected
from tests.ingest import test_profiles as ours
from tests.ingest import test_sparkplug as nodes

_NATIVE = (
    {"temperature_f": 71.4, "humidity": 44.5, "battery": 87, "ts": "2026-12-01T15:58:00Z"},
    {"temperature_c": 21.9, "temperature_f": 71.42, "ts": 1796140800},
    {"temperature_c": "19.5", "humidity": None, "ts": 1796140800000.5},
    {"mains": "on", "voltage": 119.4, "power_w": 310},
    {"mains": False},
)
_MEASURED = (Quantity.TEMPERATURE, Quantity.HUMIDITY, Quantity.BATTERY)


class Seed(NamedTuple):
    """A message that a well-meaning device might send, to a sensor that is read in one of these ways."""

    case: Case
    ways: tuple[Way, ...]

    @property
    def format(self) -> str:
        """The format it is read by."""
        return self.case.way.format


def seeds() -> list[Seed]:
    """Return every seed, always in the same order."""
    return [Seed(case, tuple(_ways(case))) for case in (*_ours(), *_native(), *_nodes(), *_collected())]


def _ours() -> Iterator[Case]:
    for line in ours.LINES.values():
        site = line.get("site", {})
        way = Way(line["format"], ours.wiring(**site), json.dumps(site))
        yield Case(way, line["topic"], ours.payload_of(line["payload"]))


def _native() -> Iterator[Case]:
    for said in _NATIVE:
        yield Case(Way(NATIVE), "safetyd/readings/maple/12", json.dumps(said).encode())


def _collected() -> Iterator[Case]:
    for name, line in collected.LINES.items():
        payload, retain = collected.payload_of(line), line.get("retain", False)
        if line["decoder"] == collected.BY_CODE:
            yield Case(_node_way(line["topic"], payload), line["topic"], payload, retain)
            continue
        for way in collected.ways(name, line):
            read = Way(way.profile, way.wiring, json.dumps(line.get("map", {})))
            yield Case(read, line["topic"], payload, retain)


def _nodes() -> Iterator[Case]:
    """A device's birth, what it says by alias, and its death."""
    air = nodes.metric(nodes.AIR, 7, datatype=nodes.FLOAT, float_value=68.9, properties={"engUnit": "°F"})
    damp = nodes.metric(nodes.DAMP, 8, datatype=nodes.INT32, int_value=41)
    birth = nodes.DEVICE.format("DBIRTH"), nodes.message(air, damp)
    data = nodes.message(nodes.metric(alias=7, double_value=69.4), nodes.metric(alias=8, int_value=42))
    way = _node_way(*birth)
    yield Case(way, *birth)
    yield Case(way, nodes.DEVICE.format("DDATA"), data, before=(birth,))
    yield Case(way, nodes.DEVICE.format("DDEATH"), nodes.message(), before=(birth,))
    yield Case(way, nodes.NODE.format("NDEATH"), nodes.message(), before=(birth,))


def _node_way(topic: str, payload: bytes) -> Way:
    """How a site file may ask for the metrics that a message names."""
    try:
        names = [
            text_of(metric.name) for metric in message_class().FromString(payload).metrics if metric.name
        ]
    except Exception:  # the node's own kind of error
        names = []
    values = tuple(
        Value(quantity, ((name,),), "C" if quantity is Quantity.TEMPERATURE else "%")
        for name, quantity in zip(names or ["x"], _MEASURED, strict=False)
    )
    levels = topic.split("/")
    is_read = len(levels) >= 4 and levels[0] == "spBv1.0"
    own = "/".join(levels[:5]) if is_read else "spBv1.0/Oakdale/DDATA/boiler-house/room-12"
    return Way(SPARKPLUG, Wiring(values=values), json.dumps(names[:3]), topic=own)


def _ways(case: Case) -> Iterator[Way]:
    way = case.way
    yield way
    yield replace(way, is_mains=True)
    if way.format == NATIVE:
        return
    unit = "C" if way.wiring.unit == "F" else "F"
    yield _other(way, unit=unit)
    for channel in _channels(case)[:2]:
        yield _other(way, channel=channel)


def _other(way: Way, **said: Any) -> Way:
    options = json.dumps(json.loads(way.options) | said) if way.options.startswith("{") else way.options
    return replace(way, wiring=replace(way.wiring, **said), options=options)


def _channels(case: Case) -> list[str]:
    """Which channels a site file could name."""
    if case.way.format == SPARKPLUG:
        return []
    try:
        heard = reader(shipped_profiles()[case.way.format], case.way.wiring)(case.topic, case.payload)
    except PayloadError:
        return []
    return sorted({sample.channel for sample in heard.samples} - {""})
