"""Takes a Sparkplug B payload apart: protobuf, of which only the fields that are read are described here.

Rule: no file of the format's makers is needed. The description is built in code when the first message comes,
so that whoever has no such node needs no protobuf.
"""

import struct
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

from safetyd.ingest.message import PayloadError

# The fields that are read: name, number, kind; a kind with * comes many times. Text is declared as bytes,
# so that a letter gone wrong in one name does not cost the whole message.
_FIELDS: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "PropertyValue": {"int_value": (3, "uint32"), "long_value": (4, "uint64"), "string_value": (8, "bytes")},
    "PropertySet": {"keys": (1, "*bytes"), "values": (2, "*PropertyValue")},
    "Metric": {
        "name": (1, "bytes"),
        "alias": (2, "uint64"),
        "timestamp": (3, "uint64"),
        "datatype": (4, "uint32"),
        "is_historical": (5, "bool"),
        "is_null": (7, "bool"),
        "properties": (9, "PropertySet"),
        "int_value": (10, "uint32"),
        "long_value": (11, "uint64"),
        "float_value": (12, "float"),
        "double_value": (13, "double"),
        "boolean_value": (14, "bool"),
        "string_value": (15, "bytes"),
    },
    "Payload": {"timestamp": (1, "uint64"), "metrics": (2, "*Metric")},
}
_VALUES = [name for name in _FIELDS["Metric"] if name.endswith("_value")]
_PACKAGE = "safetyd.sparkplug"
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}  # by datatype; they travel as unsigned


def parsed(payload: bytes) -> Any:
    """Return a payload as a message: its `timestamp` and its `metrics`.

    Raises:
        PayloadError: it is none.
    """
    from google.protobuf.message import DecodeError

    try:
        return message_class().FromString(payload)
    except DecodeError as error:
        raise PayloadError("is no Sparkplug B message (no protobuf of its shape)") from error


def value_of(metric: Any, datatype: int) -> float | bool | str | None:
    """Return a metric's value as the device meant it; None where it has none, or one of a kind not read."""
    name = next((name for name in _VALUES if metric.HasField(name)), None)
    if name is None:
        return None
    value: int | float | bool | bytes = getattr(metric, name)
    if isinstance(value, bytes):
        return text_of(value)
    if name == "float_value":
        return _shortest(value)
    bits = _SIGNED_BITS.get(datatype)
    if bits and isinstance(value, int) and not isinstance(value, bool):
        value &= (1 << bits) - 1
        return value - (1 << bits) if value >> (bits - 1) else value
    return value


def properties_of(metric: Any) -> dict[str, str | int]:
    """Return a metric's properties that are text or a whole number."""
    found: dict[str, str | int] = {}
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if value.HasField("string_value"):
            found[text_of(key)] = text_of(value.string_value)
        elif value.HasField("int_value") or value.HasField("long_value"):
            found[text_of(key)] = value.int_value or value.long_value
    return found


def stamp_of(said: Any) -> int | None:
    """Return the milliseconds that a message or a metric bears."""
    return said.timestamp if said.HasField("timestamp") else None


def text_of(value: object) -> str:
    """Return text as such; letters that are none become question marks."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _shortest(value: float) -> float:
    """Return the shortest decimal that is the same number in 32 bits: what the device meant."""
    if not isfinite(value):
        return value
    decimals = (float(f"{value:.{digits}g}") for digits in range(6, 9))
    bits = struct.pack("f", value)
    return next((decimal for decimal in decimals if struct.pack("f", decimal) == bits), value)


@lru_cache
def message_class() -> Any:
    """Return the class of a Sparkplug B payload with the fields that are read."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    one = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug", package=_PACKAGE, syntax="proto2")
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            label = one.LABEL_REPEATED if kind.startswith("*") else one.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            if kind in _FIELDS:
                made = one(type=one.TYPE_MESSAGE, type_name=f".{_PACKAGE}.{kind}")
            else:
                made = one(type=one.Type.Value(f"TYPE_{kind.upper()}"))
            made.name, made.number, made.label = name, number, label
            described.field.append(made)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))
