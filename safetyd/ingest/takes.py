"""What takes one of a profile's values out of a document, in its unit, or says why it cannot be taken.

Rule: the unit written beside a value wins, then the one that the profile knows, then the site file's; a
temperature of which nobody says the unit is refused.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from safetyd.core.model import Quantity
from safetyd.ingest.message import Sample
from safetyd.ingest.values import UNITS, is_one_of, meaning, meanings, measured, number, shown
from safetyd.paths import Path, getter, has_wildcard, read_path, walk, written
from safetyd.profile import THE_SITE, Profile, Value, Wiring, Words
from safetyd.wording import sound

_YES_NO = Words(on=("on", True), off=("off", False))
_WIRE = {"C": "degC", "F": "degF"}
_SAY_UNIT = 'its unit is not said; say unit = "C" or "F" in the site file'


class Said(NamedTuple):
    """What has been found in one message so far."""

    samples: list[Sample]
    refusals: list[str]
    absent: list[str]  # what there is no value of


Take = Callable[[Any, Said], None]  # from a document


def take(value: Value, wiring: Wiring, profile: Profile, stood_for: str) -> Take:
    """Return what takes one of a profile's values out of a document."""
    quantity = value.measures or (wiring.measures[0] if len(wiring.measures) == 1 else None)
    names = [written(path) for path in value.at]
    name = " or ".join(names)
    channel = value.channels.get(stood_for, value.channel.replace("{}", stood_for))
    channel = "" if channel == value.main else channel
    if quantity is None:
        return lambda doc, said: said.refusals.append(_say_what(doc, value.at))
    convert = _conversion(quantity, value, wiring, profile)
    guards = _guards(value)

    def one(raw: Any, doc: Any, name: str, channel: str, said: Said) -> None:
        made = convert(raw, doc)
        if isinstance(made, str):
            said.refusals.append(
                f"{name} is {shown(raw)}{made}" if name != "$" else f"says {shown(raw)}{made}"
            )
        else:
            said.samples.append(Sample(quantity, made[0], made[1], channel))

    def plain(doc: Any, said: Said) -> None:
        for guard in guards:
            if guard(doc):
                return
        for find in finds:
            raw = find(doc)
            if raw is not None:
                one(raw, doc, name, channel, said)
                return
        said.absent.append(name)

    def wild(doc: Any, said: Said) -> None:
        for guard in guards:
            if guard(doc):
                return
        before = len(said.samples) + len(said.refusals)
        for path, its_name in zip(value.at, names, strict=True):
            for matched, raw in walk(doc, path):
                if raw is not None and matched not in value.skip:
                    where = channel or ("" if matched == value.main else sound(matched))
                    one(raw, doc, its_name, where, said)
            if len(said.samples) + len(said.refusals) > before:
                return
        said.absent.append(name)

    finds = [getter(path) for path in value.at]
    return wild if any(map(has_wildcard, value.at)) else plain


def _say_what(doc: Any, at: tuple[Path, ...]) -> str:
    return f"says {shown(getter(at[0])(doc))}; say in the site file what that is: measures = …"


def _guards(value: Value) -> list[Callable[[Any], bool]]:
    def is_there(path: Path) -> Callable[[Any], bool]:
        find = getter(path)
        return lambda doc: find(doc) is not None

    def holds(path: Path, unwanted: tuple[Any, ...]) -> Callable[[Any], bool]:
        find = getter(path)
        return lambda doc: is_one_of(find(doc), unwanted)

    return [*map(is_there, value.without), *(holds(path, unwanted) for path, unwanted in value.unless)]


Convert = Callable[[Any, Any], tuple[float | bool, str] | str]  # what is wrong, as text


def _conversion(quantity: Quantity, value: Value, wiring: Wiring, profile: Profile) -> Convert:
    """Return what makes a raw value one of a quantity, with its unit."""
    if quantity is Quantity.MAINS:
        given = next((words for words in (wiring.words, value.words) if words != Words()), _YES_NO)
        return _words(meanings(given))
    if quantity is Quantity.BATTERY and value.unit in ("ok", "low"):
        return _flag(value.unit == "ok")
    if quantity is not Quantity.TEMPERATURE:
        known = tuple(UNITS[quantity].values())
        usual = value.unit if value.unit in known else known[0]
        return _number(quantity, usual)
    fixed = value.unit or profile.unit or THE_SITE
    asked = wiring.unit if fixed == THE_SITE else fixed
    if asked is not None and not asked.startswith("@"):
        return _number(quantity, _WIRE[asked])
    fallback = _WIRE.get(wiring.unit or profile.unit or "")
    if asked is None:
        return _number(quantity, fallback)
    find = getter(read_path(asked[1:]))
    by_unit = {unit: _number(quantity, unit) for unit in (fallback, *UNITS[quantity].values())}
    return lambda raw, doc: by_unit[UNITS[quantity].get(str(find(doc)).casefold(), fallback)](raw, doc)


def _number(quantity: Quantity, unit: str | None) -> Convert:
    def convert(raw: Any, _: Any) -> tuple[float | bool, str] | str:
        if type(raw) is float and isfinite(raw) and unit is not None:
            return raw, unit
        read, suffix = measured(raw, quantity)
        if read is None:
            return "; expected a number"
        sent_in = suffix or unit
        return f"; {_SAY_UNIT}" if sent_in is None else (read, sent_in)

    return convert


def _flag(is_good: bool) -> Convert:
    def convert(raw: Any, _: Any) -> tuple[float | bool, str] | str:
        said = raw if isinstance(raw, bool) else number(raw)
        if said in (0, 1):
            return bool(said) is is_good, "bool"
        return "; expected 0 or 1"

    return convert


def _words(words: Mapping[str, bool | None]) -> Convert:
    known = ", ".join(words)

    def convert(raw: Any, _: Any) -> tuple[float | bool, str] | str:
        said = meaning(raw, words)
        return f"; expected one of {known} to tell on from off" if said is None else (said, "bool")

    return convert
