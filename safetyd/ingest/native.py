"""Reads the native payload: a JSON object with values in named units.

Rule: what is plainly right is read fast; anything else is read again slowly, so that one bad value leaves the
rest of its payload standing and a reason is said in words. Keys are matched exactly, never by resemblance.
"""

import json
import re
from math import isfinite
from typing import Any

import msgspec

from safetyd.core.units import fahrenheit
from safetyd.ingest.message import Decoded, PayloadError
from safetyd.wording import sound

_AGREE_F = 0.1
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NUMBERS = ("temperature_f", "temperature_c", "humidity", "voltage", "power_w", "battery")
_MAINS: dict[object, bool] = {
    True: True,
    False: False,
    "on": True,
    "off": False,
    "true": True,
    "false": False,
}
_SHOWN = 40


class _Plain(msgspec.Struct):
    temperature_f: float | None = None
    temperature_c: float | None = None
    humidity: float | None = None
    mains: bool | None = None
    voltage: float | None = None
    power_w: float | None = None
    battery: float | None = None
    ts: str | float | None = None


_PLAIN = msgspec.json.Decoder(_Plain)


def decode(payload: bytes) -> Decoded:
    """Return what a native payload says.

    Raises:
        PayloadError: it is no JSON object, says nothing that is known, or contradicts itself.
    """
    try:
        plain = _PLAIN.decode(payload)
    except (ValueError, RecursionError):  # not JSON, not of this shape, or not UTF-8
        return _checked(_read(payload))
    said = Decoded(
        plain.temperature_f,
        plain.temperature_c,
        plain.humidity,
        plain.mains,
        plain.voltage,
        plain.power_w,
        plain.battery,
        plain.ts,
    )
    # A null, a missing value and an unknown object look alike here: whoever says too little is read slowly.
    if plain.temperature_f is None and plain.temperature_c is None and plain.mains is None:
        return _checked(_read(payload))
    if b"null" in payload or not isfinite(sum(value for value in said[:7] if value is not None)):
        return _checked(_read(payload))
    return _checked(said)


def _checked(said: Decoded) -> Decoded:
    if said.temperature_f is not None and said.temperature_c is not None:
        apart_f = abs(said.temperature_f - fahrenheit(said.temperature_c))
        if apart_f > _AGREE_F:
            raise PayloadError(
                f"temperature_f and temperature_c differ by {apart_f:.1f} °F; send one of them"
            )
    return said


def _read(payload: bytes) -> Decoded:
    said = json_object(payload)
    values: dict[str, Any] = {}
    refusals = []
    for key in _NUMBERS:
        if key in said:
            value = number(said[key])
            if value is None:
                refusals.append(f"{key} is {shown(said[key])}; expected a number")
            else:
                values[key] = value
    if "mains" in said:
        mains = _mains(said["mains"])
        if mains is None:
            refusals.append(f"mains is {shown(said['mains'])}; expected true, false, on or off")
        else:
            values["mains"] = mains
    if not values and not refusals:
        raise PayloadError(f"has none of {', '.join(_NUMBERS)}, mains")
    return Decoded(**values, stamp=read_stamp(said.get("ts")), refusals=tuple(refusals))


def json_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object that a payload is; of duplicate keys the last counts.

    Raises:
        PayloadError: it is none.
    """
    try:
        said = json.loads(payload.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PayloadError(f"is not UTF-8 text (byte {error.start})") from error
    except RecursionError as error:
        raise PayloadError("is nested too deeply") from error
    except ValueError as error:
        raise PayloadError(f"is not JSON: {error}" if payload.strip() else "is empty") from error
    if not isinstance(said, dict):
        raise PayloadError(f"is {shown(said)}; expected a JSON object")
    return said


def number(value: object) -> float | None:
    """Return a finite number, given as one or as decimal text; None for anything else."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        read = float(value)
    except OverflowError:
        return None
    return read if isfinite(read) else None


def _mains(value: object) -> bool | None:
    if isinstance(value, str):
        return _MAINS.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def read_stamp(value: object) -> str | float | None:
    """Return a device's time as it was sent; what is neither text nor a number, in words."""
    if isinstance(value, str):
        return sound(value)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return shown(value)


def shown(value: object) -> str:
    """Return what was sent, short enough for a sentence."""
    text = sound(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
