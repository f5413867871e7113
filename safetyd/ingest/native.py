"""Reads the native payload: a JSON object with values in named units.

Rule: what is plainly right is read fast; anything else is read again slowly, so that one bad value leaves the
rest of its payload standing and a reason is said in words. Keys are matched exactly, never by resemblance.
"""

from math import isfinite
from typing import Any

import msgspec

from safetyd.core.units import fahrenheit
from safetyd.ingest.message import Decoded, PayloadError
from safetyd.ingest.values import json_object, number, shown, stamp_of

_AGREE_F = 0.1
_NUMBERS = ("temperature_f", "temperature_c", "humidity", "voltage", "power_w", "battery", "energy_kwh")
_MAINS: dict[object, bool] = {
    True: True,
    False: False,
    "on": True,
    "off": False,
    "true": True,
    "false": False,
}


class _Plain(msgspec.Struct):
    temperature_f: float | None = None
    temperature_c: float | None = None
    humidity: float | None = None
    mains: bool | None = None
    voltage: float | None = None
    power_w: float | None = None
    battery: float | None = None
    energy_kwh: float | None = None
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
        energy_kwh=plain.energy_kwh,
        stamp=plain.ts,
    )
    # A null, a missing value and an unknown object look alike here: whoever says too little is read slowly.
    if plain.temperature_f is None and plain.temperature_c is None and plain.mains is None:
        return _checked(_read(payload))
    if b"null" in payload or not isfinite(sum(value for value in said.values if value is not None)):
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
    return Decoded(**values, stamp=stamp_of(said.get("ts")), refusals=tuple(refusals))


def _mains(value: object) -> bool | None:
    if isinstance(value, str):
        return _MAINS.get(value.strip().lower())
    return value if isinstance(value, bool) else None
