"""Raw values into numbers and words: JSON documents, decimal text with a unit, yes and no.

Rule: what is plainly right is read fast; anything else is read again slowly, to say in words what is wrong.
"""

import json
import re
import sys
from collections.abc import Collection, Mapping
from math import isfinite
from typing import Any

import msgspec

from safetyd.core.model import Quantity
from safetyd.ingest.message import PayloadError
from safetyd.profile import Scalar, Words
from safetyd.wording import sound

UNITS = {
    Quantity.TEMPERATURE: {
        "c": "degC", "°c": "degC", "degc": "degC", "celsius": "degC", "℃": "degC",
        "f": "degF", "°f": "degF", "degf": "degF", "fahrenheit": "degF", "℉": "degF",
    },
    Quantity.HUMIDITY: {"%": "%", "%rh": "%", "percent": "%"},
    Quantity.VOLTAGE: {"v": "V", "volt": "V", "volts": "V"},
    Quantity.POWER: {"w": "W", "watt": "W", "watts": "W"},
    Quantity.BATTERY: {"%": "%", "percent": "%", "v": "V", "volts": "V"},
    Quantity.ENERGY: {"kwh": "kWh", "wh": "Wh"},
}  # fmt: skip
NOT_KNOWN = frozenset({"", "-", "null", "none", "nan", "unknown", "undef", "unavailable"})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MEASURED = re.compile(rf"(?P<number>{_NUMBER.pattern})\s*(?P<unit>\S.*)?", re.ASCII | re.DOTALL)
_SHOWN = 40
_DEEPEST = 64  # no device nests like that
_JSON = msgspec.json.Decoder()


def document(payload: bytes) -> Any:
    """Return the JSON value that a payload is; of duplicate keys the last counts.

    Raises:
        PayloadError: it is none.
    """
    try:
        said = _JSON.decode(payload)
    except (ValueError, RecursionError):
        said = _read_slowly(payload)  # no JSON or UTF-8, a byte-order mark, NaN, a number beyond all range
    if payload.count(b"[") + payload.count(b"{") > _DEEPEST and _is_deep(said):
        raise PayloadError("is nested too deeply")
    return said


def _is_deep(said: Any) -> bool:
    """Whether a document is so deep that looking at it again may fail."""
    level = [said]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _read_slowly(payload: bytes) -> Any:
    try:
        return json.loads(payload.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PayloadError(f"is not UTF-8 text (byte {error.start})") from error
    except RecursionError as error:
        raise PayloadError("is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise PayloadError(f"is not JSON: {error}" if payload.strip() else "is empty") from error
    except ValueError as error:
        raise PayloadError(f"has a number of more than {sys.get_int_max_str_digits()} digits") from error


def json_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object that a payload is.

    Raises:
        PayloadError: it is none.
    """
    said = document(payload)
    if not isinstance(said, dict):
        raise PayloadError(f"is {shown(said)}; expected a JSON object")
    return said


def refuse_twins(payload: bytes, keys: Collection[str]) -> None:
    """Do nothing, unless one of the keys stands twice in one object: which of the two is meant?

    Raises:
        PayloadError: it does.
    """

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        for name in names:
            if name in keys and names.count(name) > 1:
                raise PayloadError(f"says {shown(name)} twice; which one is meant?")

    try:
        json.loads(payload.decode("utf-8-sig"), object_pairs_hook=look)
    except RecursionError as error:  # in a value that its twin has overwritten
        raise PayloadError("is nested too deeply") from error


def text_of(payload: bytes) -> str:
    """Return a payload as text, without the space around it.

    Raises:
        PayloadError: it is no text.
    """
    try:
        return payload.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise PayloadError(f"is not UTF-8 text (byte {error.start})") from error


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


def measured(value: object, quantity: Quantity) -> tuple[float | None, str | None]:
    """Return a finite number and the unit written behind it, if any; (None, None) for anything else."""
    if not isinstance(value, str):
        return number(value), None
    found = _MEASURED.fullmatch(value.strip())
    if found is None:
        return None, None
    unit = None if found["unit"] is None else UNITS[quantity].get(found["unit"].casefold())
    is_strange = found["unit"] is not None and unit is None
    return (None, None) if is_strange else (number(found["number"]), unit)


def meanings(words: Words) -> Mapping[str, bool | None]:
    """Return what each word means: yes, no, or None where it says that nothing is known."""
    found: dict[str, bool | None] = {token: None for word in words.unknown for token in [_token(word)]}
    found |= {_token(word): True for word in words.on}
    return found | {_token(word): False for word in words.off}


def meaning(value: object, words: Mapping[str, bool | None]) -> bool | None:
    """Return whether a value says yes or no; None where it says neither, both, or that nothing is known."""
    tokens = value.split() if isinstance(value, str) else [value]
    said = {words[token] for each in tokens if (token := _token(each)) in words}
    return said.pop() if len(said) == 1 else None


def is_one_of(value: object, wanted: Collection[Scalar]) -> bool:
    """Return whether a value is one of those meant; numbers and their text are the same."""
    return _token(value) in {_token(each) for each in wanted}


def _token(value: object) -> str:
    if isinstance(value, str):
        return value.strip().casefold()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is int:
        return str(value)
    return json.dumps(value, default=str)


def stamp_of(value: object) -> str | float | None:
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
