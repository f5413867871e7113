"""One engine for every ecosystem that a profile describes: exact keys and words, nothing guessed.

Rule: a profile is turned into functions once, and a message then passes through them. A null says that a
device does not know, and is no reading; what is there and cannot be taken is a refusal, in words.
"""

from collections.abc import Callable
from typing import Any

from safetyd.core.model import Quantity
from safetyd.ingest import ruuvi
from safetyd.ingest.message import Heard, PayloadError, Reader
from safetyd.ingest.takes import Said, Take, take
from safetyd.ingest.values import (
    NOT_KNOWN,
    document,
    is_one_of,
    meaning,
    meanings,
    refuse_twins,
    shown,
    stamp_of,
    text_of,
)
from safetyd.paths import Path, getter, written
from safetyd.profile import Payload, Presence, Profile, Scalar, Shape, Value, Wiring

AS_IT_COMES = Wiring()
_TOPICS_REMEMBERED = 1000

There = Callable[[Any], Heard | None]  # whether a document says who is there, and what
ReadPayload = Callable[[bytes], Heard]


def reader(profile: Profile, wiring: Wiring = AS_IT_COMES) -> Reader:
    """Return what reads the messages of one sensor by its profile and what the site file adds."""
    known: dict[str, ReadPayload | None] = {}

    def read(topic: str, payload: bytes) -> Heard:
        if topic not in known:
            if len(known) >= _TOPICS_REMEMBERED:
                known.clear()
            known[topic] = _read_topic(profile, wiring, topic)
        read_payload = known[topic]
        return _UNREAD if read_payload is None else read_payload(payload)

    return read


_UNREAD = Heard(reason="nothing is read from such a topic")
_CLEARED = Heard(reason="is empty: its topic was cleared")


def shape_of(profile: Profile, topic: str) -> tuple[Shape, str] | None:
    """Return the kind of message that a topic carries, and what the topic's last wildcard stood for."""
    levels = topic.split("/")
    for shape in profile.shapes:
        if not shape.topics:
            return shape, ""
        for ending in shape.topics:
            found = _ends(levels, ending)
            if found is not None:
                return shape, found
    return None


def _ends(levels: list[str], ending: tuple[str, ...]) -> str | None:
    if len(levels) < len(ending):
        return None
    stood_for = ""
    for level, wanted in zip(levels[-len(ending) :], ending, strict=True):
        if wanted == "+":
            stood_for = level
        elif "{}" in wanted:
            head, _, tail = wanted.partition("{}")
            digits = level[len(head) : len(level) - len(tail)]
            if not (
                level.startswith(head) and level.endswith(tail) and digits.isascii() and digits.isdigit()
            ):
                return None
            stood_for = digits
        elif level != wanted:
            return None
    return stood_for


def _read_topic(profile: Profile, wiring: Wiring, topic: str) -> ReadPayload | None:
    found = shape_of(profile, topic)
    if found is None:
        return None
    shape, stood_for = found
    values, under = (wiring.values, ()) if wiring.values else (shape.values, shape.under)
    takes = [
        take(value, wiring, profile, stood_for)
        for value in values
        if not (value.measures and wiring.measures) or value.measures in (*wiring.measures, Quantity.BATTERY)
    ]
    presence = None if shape.presence is None else _presence(shape.presence)
    empty = _CLEARED
    if shape.presence is not None and shape.presence.empty_is_off:
        empty = Heard(presence=False, is_bridge=shape.presence.is_bridge)
    if shape.payload is Payload.PLAIN:
        return _plain(takes, presence, empty)
    return _json(shape, wiring, takes, under, presence, empty)


def _plain(takes: list[Take], presence: There | None, empty: Heard) -> ReadPayload:
    def read(payload: bytes) -> Heard:
        if not payload:
            return empty
        text = text_of(payload)
        there = presence(text) if presence is not None else None
        if there is not None:
            return there
        if takes and text.casefold() in NOT_KNOWN:
            raise PayloadError(f"says {shown(text)}: nothing is known")
        said = Said([], [], [])
        for each in takes:
            each(text, said)
        return _heard(said)

    return read


def _json(
    shape: Shape,
    wiring: Wiring,
    takes: list[Take],
    under: Path,
    presence: There | None,
    empty: Heard,
) -> ReadPayload:
    inner, keys = getter(under), _keys(wiring.values or shape.values)
    marks = [f'"{key}"'.encode() for key in keys]
    own_time = getter(wiring.time) if wiring.time is not None else None
    device_time = own_time or _below(inner, shape.device_time)
    gateway_time, counter, session = (
        _below(inner, path) for path in (shape.gateway_time, shape.counter, shape.session)
    )
    valid = getter(wiring.valid) if wiring.valid is not None else None
    raw = getter(shape.raw) if shape.raw is not None else None
    strangers = [
        *(_stranger(*each, "is of another device", is_wanted=True) for each in wiring.only),
        *(_stranger(*each, "is no room's", is_wanted=False) for each in shape.unless),
    ]

    def read(payload: bytes) -> Heard:
        if not payload:
            return empty
        try:
            whole = document(payload)
        except PayloadError:
            if presence is None or (there := presence(text_of(payload))) is None:
                raise
            return there
        for mark in marks:
            if payload.count(mark) > 1:
                refuse_twins(payload, keys)
                break
        there = presence(whole) if presence is not None else None
        if there is not None:
            return there
        for stranger in strangers:
            if why := stranger(whole):
                return Heard(reason=why)
        said = Said([], [], [])
        if valid is not None and valid(whole) not in (True, 1):
            said.refusals.append(
                f"{written(wiring.valid or ())} is {shown(valid(whole))}: the device does not trust itself"
            )
        else:
            below = inner(whole)
            for each in takes:
                each(below, said)
            if raw is not None and not said.samples:
                said.samples.extend(ruuvi.readings(str(raw(whole))))
        if not said.samples:
            return _heard(said)
        number = counter(whole) if counter is not None else None
        return Heard(
            tuple(said.samples),
            tuple(said.refusals),
            device_stamp=stamp_of(device_time(whole)) if device_time is not None else None,
            gateway_stamp=stamp_of(gateway_time(whole)) if gateway_time is not None else None,
            counter=None if number is None else f"{session(whole) if session is not None else ''}/{number}",
        )

    return read


def _below(inner: Callable[[Any], Any], path: Path | None) -> Callable[[Any], Any] | None:
    if path is None:
        return None
    find = getter(path)
    return lambda whole: find(inner(whole))


def _keys(values: tuple[Value, ...]) -> frozenset[str]:
    """The keys that hold values: of no other does it matter whether it stands twice."""
    last = (path[-1] for value in values for path in value.at if path)
    return frozenset(key for key in last if isinstance(key, str))


def _heard(said: Said) -> Heard:
    samples, refusals = tuple(said.samples), tuple(said.refusals)
    if samples or refusals:
        return Heard(samples, refusals)
    return Heard(reason=f"holds no {', '.join(said.absent)}" if said.absent else "says nothing that is read")


def _stranger(path: Path, values: tuple[Scalar, ...], why: str, *, is_wanted: bool) -> Callable[[Any], str]:
    """Return what says in words that a document is not meant, or nothing where it is."""
    find, name = getter(path), written(path)

    def stranger(whole: Any) -> str:
        value = find(whole)
        return "" if is_one_of(value, values) is is_wanted else f"{why}: its {name} is {shown(value)}"

    return stranger


def _presence(presence: Presence) -> There:
    find, words, is_bridge = getter(presence.at), meanings(presence.words), presence.is_bridge

    def there(whole: Any) -> Heard | None:
        said = meaning(whole if isinstance(whole, str) else find(whole), words)
        return None if said is None else Heard(presence=said, is_bridge=is_bridge)

    return there
