"""Which ecosystem speaks on a topic that nobody has assigned yet, and what it would take to read it.

Rule: a guess only proposes. A profile is named for a topic that gives it away, or for an ending with exact
keys; otherwise the numbers are listed as they stand, and no key means anything by resemblance.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, NamedTuple

from safetyd.core.model import Quantity
from safetyd.faults import Misfit
from safetyd.ingest import sparkplug, sparkplug_message
from safetyd.ingest.decode import reader, shape_of
from safetyd.ingest.message import Decoded, Heard, PayloadError, Sample
from safetyd.ingest.native import decode as native
from safetyd.ingest.values import NOT_KNOWN, document, measured, number, shown, text_of
from safetyd.paths import WHOLE, Key, Named, Path, getter, read_path, walk, written
from safetyd.profile import NATIVE, SPARKPLUG, THE_SITE, Payload, Profile, Scalar, Shape, Wiring
from safetyd.site_topics import matches

JSON, PLAIN = "json", "plain"
NO_UNIT = ""  # of a sample whose unit the messages do not say
_MOST_BYTES = 256 * 1024
_MOST = 40  # values of one message that are listed
_DEEPEST = 12
_CODEC_NAMES = ("chirpstack", "tts")  # whose values have the names that a device's codec gives them
_TELLING = ("model", "id", "channel")  # keys by which devices that share a topic are told apart
_NATIVE_VALUES = {
    "temperature_f": (Quantity.TEMPERATURE, "degF"),
    "temperature_c": (Quantity.TEMPERATURE, "degC"),
    "humidity": (Quantity.HUMIDITY, "%"),
    "mains": (Quantity.MAINS, "bool"),
    "voltage": (Quantity.VOLTAGE, "V"),
    "power_w": (Quantity.POWER, "W"),
    "battery": (Quantity.BATTERY, "%"),
    "battery_v": (Quantity.BATTERY, "V"),
    "battery_ok": (Quantity.BATTERY, "bool"),
    "energy_kwh": (Quantity.ENERGY, "kWh"),
}


class Lack(StrEnum):
    """What the site file must say before a topic can be read."""

    UNIT = "unit"
    MEASURES = "measures"
    VALUES = "values"
    ONLY = "only"


class Candidate(NamedTuple):
    """A number that is there; what it is, somebody must say. `path` is `$` for the whole payload."""

    path: str
    says: str


class Guess(NamedTuple):
    """Who seems to speak, and what was read of it. `format` is empty where nothing can be said.

    A sample of which nobody says the unit has NO_UNIT. `only` tells one of several devices of a topic.
    `is_sure`: the topic or the keys give the format away, and something was read by it.
    """

    format: str
    heard: Heard = Heard()
    candidates: tuple[Candidate, ...] = ()
    lacks: frozenset[Lack] = frozenset()
    only: tuple[tuple[str, Scalar], ...] = ()
    is_sure: bool = False


def guess(topic: str, payload: bytes, profiles: Mapping[str, Profile], root: str = "safetyd") -> Guess:
    """Return what a message looks like; `root` is the first level of our own topics."""
    if len(payload) > _MOST_BYTES:
        return Guess("", Heard(reason=f"is {len(payload)} bytes long and was not looked into"))
    if topic.startswith((f"{root}/readings/", f"{root}/power/")):
        return _native(payload)
    if topic.startswith("spBv1.0/"):
        return _sparkplug(topic, payload)
    typical = [(given, profile) for profile in profiles.values() for given in profile.typical]
    typical = sorted(
        ((f, p) for f, p in typical if matches(f.split("/"), topic.split("/"))),
        key=lambda each: _width(each[0]),
    )
    spoken = [found for _, p in typical if (found := _spoken(p, topic, payload)) is not None]
    for found in spoken:
        if found.is_sure:
            return found
    by_ending = _by_ending(topic, payload, profiles.values())
    if by_ending is not None:
        return by_ending
    return spoken[0] if spoken else _anything(payload)


def merged(old: Guess, new: Guess) -> Guess:
    """Return what is known of a topic after one more message: values that it leaves out stay as they were."""
    if old.format != new.format:
        return old if old.is_sure or not (new.is_sure or new.candidates) else new
    samples = {(each.quantity, each.channel): each for each in (*old.heard.samples, *new.heard.samples)}
    candidates = {each.path: each for each in (*old.candidates, *new.candidates)}
    return new._replace(
        heard=new.heard._replace(samples=tuple(samples.values())[:_MOST]),
        candidates=tuple(candidates.values())[:_MOST],
        lacks=old.lacks | new.lacks,
        only=old.only or new.only,
        is_sure=old.is_sure or new.is_sure,
    )


def samples_of(said: Decoded) -> tuple[Sample, ...]:
    """Return what a sensor of the site file took from a message."""
    values = ((kind, getattr(said, name)) for name, kind in _NATIVE_VALUES.items())
    return tuple(Sample(kind[0], value, kind[1]) for kind, value in values if value is not None)


def _width(given: str) -> tuple[int, int, list[bool]]:
    """Return how much else a filter could mean: the smaller, the more it says."""
    wild = [level in ("+", "#") for level in given.split("/")]
    return sum(wild), sum(wild) - len(wild), wild


def _native(payload: bytes) -> Guess:
    try:
        said = native(payload)
    except PayloadError as error:
        return Guess(NATIVE, Heard(refusals=(str(error),)), is_sure=True)
    return Guess(NATIVE, Heard(samples_of(said), said.refusals), is_sure=True)


def _sparkplug(topic: str, payload: bytes) -> Guess:
    if not sparkplug.is_available():
        return Guess(SPARKPLUG, Heard(reason="needs the package protobuf: pip install safetyd[sparkplug]"))
    if len(topic.split("/")) not in (4, 5):
        return Guess(SPARKPLUG, Heard(reason="says nothing that is read"))
    try:
        message = sparkplug_message.parsed(payload)
    except PayloadError as error:
        return Guess(SPARKPLUG, Heard(refusals=(str(error),)))
    found: list[Candidate] = []
    for metric in message.metrics:
        value = sparkplug_message.value_of(metric, metric.datatype)
        name = sparkplug_message.text_of(metric.name)
        if name and number(value) is not None and len(found) < _MOST:
            found.append(Candidate(name, shown(value)))
    if not found:
        return Guess(SPARKPLUG, Heard(reason="names no number; a birth does: ask the node for a rebirth"))
    return Guess(SPARKPLUG, Heard(), tuple(found), frozenset({Lack.VALUES, Lack.UNIT}), is_sure=True)


def _by_ending(topic: str, payload: bytes, profiles: Iterable[Profile]) -> Guess | None:
    """Return the guess of the one profile whose ending says most and that takes a value without a refusal.

    An ending of a single word, such as `temperature` or `state`, says too little about a plain number.
    """
    best, width, is_tied = None, 0, False
    for profile in profiles:
        found = shape_of(profile, topic)
        if found is None or not found[0].topics:
            continue
        words = min(sum(level != "+" for level in ending) for ending in found[0].topics)
        spoken = _spoken(profile, topic, payload) if words >= max(width, 1) else None
        if spoken is None or not spoken.is_sure or spoken.heard.refusals:
            continue
        if words == 1 and not (spoken.heard.samples and _is_structure(payload)):
            continue
        best, width, is_tied = spoken, words, words == width
    return None if is_tied else best


def _spoken(profile: Profile, topic: str, payload: bytes) -> Guess | None:
    """Return what a profile makes of a message; None where it cannot be its own."""
    found = shape_of(profile, topic)
    if found is None:
        begins = any(
            given[0] not in "+#" and matches(given.split("/"), topic.split("/")) for given in profile.typical
        )
        return Guess(profile.name, Heard(reason="nothing is read from such a topic")) if begins else None
    shape, _ = found
    try:
        reader(profile)(topic, payload)  # where nothing is known it says so
        heard = _with_open_units(_closed(profile, shape), topic, payload)
    except PayloadError as error:
        return Guess(profile.name, Heard(refusals=(str(error),)))
    if shape.payload is Payload.PLAIN and _is_structure(payload) and heard.presence is None:
        return None
    candidates, lacks = _open(profile, shape, payload, heard) if payload else ((), frozenset[Lack]())
    of_site = any(value.measures and value.unit == THE_SITE for value in shape.values)
    if any(each.unit == NO_UNIT or (of_site and each.quantity == "temperature") for each in heard.samples):
        lacks |= {Lack.UNIT}  # where one of several is left to the site file, it must say it for all
    if shape.is_shared and heard.samples:
        lacks |= {Lack.ONLY}
    if candidates and not heard.refusals:
        heard = heard._replace(reason="")
    elif shape.payload is Payload.PLAIN and shape.values and heard.reason and payload:
        heard = heard._replace(reason=f"says {shown(text_of(payload))}")
    is_sure = bool(heard.samples or candidates or heard.presence is not None)
    only = _telling(payload) if shape.is_shared else ()
    return Guess(profile.name, heard, candidates, lacks, only, is_sure and Lack.VALUES not in lacks)


def _closed(profile: Profile, shape: Shape) -> Profile:
    """Return a profile that reads of such a message only what it knows the kind of."""
    return replace(profile, shapes=(replace(shape, values=tuple(v for v in shape.values if v.measures)),))


def _with_open_units(profile: Profile, topic: str, payload: bytes) -> Heard:
    """Return what is read; temperatures that would be °C or °F as the site file says have no unit."""
    in_c, in_f = (reader(profile, Wiring(unit=unit))(topic, payload) for unit in "CF")
    pairs = zip(in_c.samples, in_f.samples, strict=True)
    return in_c._replace(
        samples=tuple(c if c.unit == f.unit else c._replace(unit=NO_UNIT) for c, f in pairs)[:_MOST]
    )


def _open(
    profile: Profile, shape: Shape, payload: bytes, heard: Heard
) -> tuple[tuple[Candidate, ...], frozenset[Lack]]:
    """Return the numbers of which the site file must say what they are, and what it must say."""
    if heard.presence is not None:
        return (), frozenset()
    unsaid = [value for value in shape.values if value.measures is None]
    if shape.payload is Payload.PLAIN:
        return _of_text(text_of(payload)) if unsaid else ((), frozenset())
    whole = document(payload)
    if unsaid:
        below = getter(shape.under)(whole)
        found = [(path, raw) for value in unsaid for path in value.at for _, raw in walk(below, path)]
        numbers = [Candidate(written(path), shown(raw)) for path, raw in found if number(raw) is not None]
        return tuple(numbers[:_MOST]), frozenset({Lack.MEASURES} if numbers else ())
    if heard.samples or (shape.values and profile.name not in _CODEC_NAMES):
        return (), frozenset()
    parents = tuple({f"{written(path[:-1])}." for value in shape.values for path in value.at if path[1:]})
    listed = tuple(each for each in _numbers(whole) if not parents or each.path.startswith(parents))
    lacks = {Lack.VALUES} if profile.unit else {Lack.VALUES, Lack.UNIT}
    return listed, frozenset(lacks if listed else ())


def _telling(payload: bytes) -> tuple[tuple[str, Scalar], ...]:
    said = document(payload)
    given = [(key, said.get(key)) for key in _TELLING] if isinstance(said, dict) else []
    return tuple((key, value) for key, value in given if isinstance(value, str | int))


def _anything(payload: bytes) -> Guess:
    """Return what is in a message of which nobody knows the ecosystem."""
    if not payload:
        return Guess("", Heard(reason="is empty: its topic was cleared"))
    if not _is_structure(payload):
        try:
            candidates, lacks = _of_text(text := text_of(payload))
        except PayloadError as error:
            return Guess("", Heard(reason=str(error)))
        return Guess(PLAIN, Heard(reason="" if candidates else f"says {shown(text)}"), candidates, lacks)
    try:
        found = _numbers(document(payload))
    except PayloadError as error:
        return Guess(JSON, Heard(refusals=(str(error),)))
    if not found:
        return Guess(JSON, Heard(reason="holds no number"))
    return Guess(JSON, Heard(), found, frozenset({Lack.VALUES, Lack.UNIT}))


def _of_text(text: str) -> tuple[tuple[Candidate, ...], frozenset[Lack]]:
    """Return a text that is a number, with a unit or without, as the candidate it is."""
    if text.casefold() in NOT_KNOWN:
        return (), frozenset()
    readings = [measured(text, quantity) for quantity in Quantity if quantity is not Quantity.MAINS]
    if all(value is None for value, _ in readings):
        return (), frozenset()
    return (Candidate(WHOLE, shown(text)),), frozenset({Lack.MEASURES, Lack.UNIT})


def _is_structure(payload: bytes) -> bool:
    return payload.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _numbers(whole: Any) -> tuple[Candidate, ...]:
    """Return the numbers of a document with paths that lead to them, in its order."""
    found: list[Candidate] = []
    for path, raw in _leaves(whole, ()):
        if number(raw) is None or not _leads_there(path):
            continue
        found.append(Candidate(written(path), shown(raw)))
        if len(found) == _MOST:
            break
    return tuple(found)


def _leaves(part: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if len(path) > _DEEPEST:
        return
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _leaves(value, (*path, _step(part, index, value)))
    else:
        yield path, part


def _step(items: list[Any], index: int, item: Any) -> Key:
    """Return the name of an object in a list where it alone has it, else its place."""
    name = item.get("name") if isinstance(item, dict) else None
    others = [each for each in items[:_MOST] if isinstance(each, dict) and each.get("name") == name]
    return Named("name", name) if isinstance(name, str) and len(others) == 1 else index


def _leads_there(path: Path) -> bool:
    try:
        return read_path(written(path)) == path
    except Misfit:
        return False
