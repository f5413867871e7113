"""One engine for every ecosystem that a profile describes: exact keys and words, nothing guessed.

Rule: a profile names what it reads, and what it does not name does not exist. A null says that a device does
not know, and is no reading.
"""

import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from safetyd.ingest.message import Decoded, PayloadError
from safetyd.ingest.native import json_object, number, read_stamp, shown
from safetyd.site import SensorBinding

Decoder = Callable[[bytes], Decoded]


def decoder(binding: SensorBinding) -> Decoder:
    """Return what reads the payloads of a sensor whose format has a profile."""
    profile = _profile(binding.format)
    if profile["payload"] == "words":
        return lambda payload: _words(profile["mains"], payload)
    keys = dict(profile["values"]) | (profile["witness"] if binding.power else {})
    if binding.unit == "F" and "temperature_c" in keys:
        keys["temperature_f"] = keys.pop("temperature_c")
    stamp = profile["time"]["stamp"]
    return lambda payload: _values(keys, stamp, payload)


@lru_cache
def _profile(name: str) -> Mapping[str, Any]:
    return tomllib.loads(files("safetyd.ingest.profiles").joinpath(f"{name}.toml").read_text("utf-8"))


def _words(mains: Mapping[str, list[str]], payload: bytes) -> Decoded:
    words = payload.decode("utf-8", "replace").split()
    said = {meaning for meaning, known in mains.items() if any(word in known for word in words)}
    if "unknown" in said or said not in ({"on"}, {"off"}):
        known = ", ".join(word for each in mains.values() for word in each)
        raise PayloadError(f"says {shown(' '.join(words))}; expected one of {known} to tell on from off")
    return Decoded(mains="on" in said)


def _values(keys: Mapping[str, str], stamp_key: str, payload: bytes) -> Decoded:
    said = json_object(payload)
    values: dict[str, Any] = {}
    refusals = []
    for name, key in keys.items():
        value = said.get(key)
        if value is None:
            continue
        read = number(value)
        if read is None:
            refusals.append(f"{key} is {shown(value)}; expected a number")
        else:
            values[name] = read
    if not values and not refusals:
        raise PayloadError(f"has none of {', '.join(keys.values())}")
    return Decoded(**values, stamp=read_stamp(said.get(stamp_key)), refusals=tuple(refusals))
