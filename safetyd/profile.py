"""What an ecosystem's messages look like: a profile file turned into frozen values.

Rule: a profile names what it reads, by exact keys and words; what it does not name does not exist. The files
of this program stand in `ingest/profiles/`; a site may bring its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from pathlib import Path as File
from typing import Literal

from safetyd.core.model import Quantity
from safetyd.faults import ConfigurationError, Fault, Misfit, one_of, shown
from safetyd.paths import Path, read_path
from safetyd.shapes import choice, flag, member, positive_duration, text
from safetyd.tables import Table, read_toml

THE_SITE = "site"  # in a profile: the site file must say it
NATIVE, SPARKPLUG = "native", "sparkplug"  # formats that are read by code alone
TEMPERATURE_UNITS = ("C", "F")
_UNITS = {
    Quantity.TEMPERATURE: (*TEMPERATURE_UNITS, THE_SITE),
    Quantity.HUMIDITY: ("%",),
    Quantity.VOLTAGE: ("V",),
    Quantity.POWER: ("W",),
    Quantity.BATTERY: ("%", "V", "ok", "low"),
    Quantity.MAINS: ("",),
    Quantity.ENERGY: ("kWh", "Wh"),
}
Scalar = str | int | float | bool
Conditions = tuple[tuple[Path, tuple[Scalar, ...]], ...]


class Payload(StrEnum):
    """How the bytes of a message are read."""

    JSON = "json"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Words:
    """Which words, or values, mean yes, no, and that it is not known."""

    on: tuple[Scalar, ...] = ()
    off: tuple[Scalar, ...] = ()
    unknown: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a message. `measures` None: what it is, the site file says.

    The first of `at` that is there counts. `unit` may be a path after an `@`, or THE_SITE. `channel` tells it
    from others of its kind; `{}` in it is what the topic's wildcard stood for, `channels` translate that.
    `main` is the channel that needs no name. It is not read while a key of `without` is there, nor while
    `unless` holds.
    """

    measures: Quantity | None
    at: tuple[Path, ...] = ((),)
    unit: str = ""
    channel: str = ""
    channels: Mapping[str, str] = field(default_factory=dict)
    main: str = ""
    words: Words = Words()
    skip: tuple[str, ...] = ()
    without: tuple[Path, ...] = ()
    unless: Conditions = ()


@dataclass(frozen=True, slots=True)
class Presence:
    """A word on whether a device, or with `is_bridge` whatever speaks through a bridge, is there at all."""

    at: Path
    words: Words
    is_bridge: bool = False
    empty_is_off: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of message. `topics` are how its topic may end, level by level; none: any topic.

    `is_shared`: many devices speak on one such topic, and the site file must say which one is meant.
    """

    topics: tuple[tuple[str, ...], ...] = ()
    payload: Payload = Payload.JSON
    under: Path = ()
    values: tuple[Value, ...] = ()
    presence: Presence | None = None
    unless: Conditions = ()
    device_time: Path | None = None
    gateway_time: Path | None = None
    counter: Path | None = None
    session: Path | None = None
    raw: Path | None = None
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """An ecosystem. `unit` is what its temperatures are always in; `typical` are topics that give it away.

    `is_local_time`: its stamps carry no zone and mean the building's own time. `cached_for`: how long after
    its bridge came back a message without a stamp is an old value said again.
    """

    name: str
    title: str
    shapes: tuple[Shape, ...]
    unit: Literal["C", "F"] | None = None
    typical: tuple[str, ...] = ()
    is_local_time: bool = False
    cached_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the site file says of one sensor's messages, where their profile leaves it open.

    `values` take the place of the profile's. `only` are values a message must hold to be this sensor's,
    `valid` must be true for its values to count, `unit` is of temperatures (C, F, or @ and a path).
    """

    unit: str | None = None
    channel: str = ""
    measures: tuple[Quantity, ...] = ()
    values: tuple[Value, ...] = ()
    words: Words = Words()
    only: Conditions = ()
    valid: Path | None = None
    time: Path | None = None


@lru_cache
def shipped_profiles() -> Mapping[str, Profile]:
    """Return the profiles of this program, by name."""
    faults: list[Fault] = []
    found = {}
    for entry in sorted(files("safetyd.ingest").joinpath("profiles").iterdir(), key=lambda each: each.name):
        if entry.name.endswith(".toml"):
            profile = read_profile(File(str(entry)), faults)
            if profile is not None:
                found[profile.name] = profile
    if faults:
        raise ConfigurationError(faults)
    return found


def read_profile(path: File, faults: list[Fault]) -> Profile | None:
    """Return the profile in a file, named after it; its faults are noted."""
    content = read_toml(path, faults)
    if content is None:
        return None
    page = Table(str(path), "", content, faults)
    unit = page.get("unit", choice("unit", TEMPERATURE_UNITS), None)
    profile = Profile(
        name=path.stem,
        title=page.get("title", text, path.stem),
        shapes=tuple(_shape(table) for table in page.tables("messages")),
        unit=unit,  # type: ignore[arg-type]
        typical=page.each("typical", text, "a list of topic filters"),
        is_local_time=page.get("local_time", flag, False),
        cached_for=page.get("cached", positive_duration, None),
    )
    if page.sound and not profile.shapes:
        page.fault("messages", "no message is described", "at least one [[messages]]")
    page.done()
    return profile


def _shape(table: Table) -> Shape:
    presence = table.table("presence") if "presence" in table else None
    shape = Shape(
        topics=tuple(tuple(ending.split("/")) for ending in table.each("topics", text, "a list of topics")),
        payload=Payload(table.get("payload", member("payload", Payload), Payload.JSON)),
        under=table.get("under", read_path, ()),
        values=tuple(_value(each) for each in table.tables("values")),
        presence=None if presence is None else _presence(presence),
        unless=_conditions(table, "unless"),
        device_time=table.get("device_time", read_path, None),
        gateway_time=table.get("gateway_time", read_path, None),
        counter=table.get("counter", read_path, None),
        session=table.get("session", read_path, None),
        raw=table.get("ruuvi", read_path, None),
        is_shared=table.get("shared", flag, False),
    )
    table.done()
    return shape


def _value(table: Table) -> Value:
    measures = table.need("measures", _measures, f"{one_of(Quantity)}, or {THE_SITE}")
    quantity = None if measures in (None, THE_SITE) else Quantity(measures)
    usual = "" if quantity is None or quantity is Quantity.TEMPERATURE else _UNITS[quantity][0]
    value = Value(
        measures=quantity,
        at=table.get("at", read_paths, ((),)),
        unit=table.get("unit", unit_of(quantity), usual),
        channel=table.get("channel", text, ""),
        channels=table.get("channels", _names, {}),
        main=table.get("main", text, ""),
        words=read_words(table.table("words")),
        skip=table.each("skip", text, "a list of keys"),
        without=tuple(table.each("without", read_path, "a list of paths")),
        unless=_conditions(table, "unless"),
    )
    if table.sound and quantity is Quantity.TEMPERATURE and not value.unit:
        table.fault("unit", "nothing stands here", "C, F, site, or @ and the path of the unit")
    table.done()
    return value


def _measures(value: object) -> str:
    return text(value) if value == THE_SITE else member("quantity", Quantity)(value)


def unit_of(quantity: Quantity | None) -> Callable[[object], str]:
    """Return a reader of the units that a quantity may be sent in."""
    known = _UNITS[quantity] if quantity is not None else tuple({u for us in _UNITS.values() for u in us})

    def read(value: object) -> str:
        given = text(value)
        if given.startswith("@"):
            read_path(given[1:])
            return given
        if not any(known):
            raise Misfit(f"{shown(value)} is the unit of nothing here", "no unit")
        return choice("unit", [unit for unit in known if unit])(given)

    return read


def read_paths(value: object) -> tuple[Path, ...]:
    """Return one path, or several of which the first that is there counts."""
    given = value if isinstance(value, list) else [value]
    if not given:
        raise Misfit("the list is empty", "a path, or a list of paths")
    return tuple(read_path(each) for each in given)


def read_words(table: Table) -> Words:
    """Return the words of a table with `on`, `off` and `unknown`."""
    kinds = [table.each(kind, _scalar, "a list of words") for kind in ("on", "off", "unknown")]
    table.done()
    return Words(*kinds)


def _scalar(value: object) -> Scalar:
    if isinstance(value, (str, int, float)):
        return value
    raise Misfit(f"{shown(value)} is no word", "text, a number, true or false")


def _names(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise Misfit(f"{shown(value)} is no table", '{ "0" = "L1" }')
    return {text(name): text(meaning) for name, meaning in value.items()}


def read_conditions(value: object) -> Conditions:
    """Return a table of paths with the value, or values, that are meant."""
    if not isinstance(value, dict):
        raise Misfit(f"{shown(value)} is no table", '{ model = "Nexus-TH", id = 42 }')
    return tuple(
        (read_path(path), tuple(map(_scalar, wanted if isinstance(wanted, list) else [wanted])))
        for path, wanted in value.items()
    )


def _conditions(table: Table, name: str) -> Conditions:
    return table.get(name, read_conditions, ())


def _presence(table: Table) -> Presence:
    presence = Presence(
        at=table.get("at", read_path, ()),
        words=read_words(table.table("words")),
        is_bridge=table.get("of", choice("of", ("bridge", "device")), "device") == "bridge",
        empty_is_off=table.get("empty_is_off", flag, False),
    )
    table.done()
    return presence
