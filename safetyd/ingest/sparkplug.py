"""Reads Sparkplug B: protobuf messages of metrics, whose names and units are said at a birth only.

Rule: what a birth said holds until the next birth or death and no longer. An alias whose birth was not heard
means nothing: it is refused, and people ask the node for a rebirth, for this program never writes to one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, NamedTuple

from safetyd.core.errors import SafetydError
from safetyd.core.model import Quantity
from safetyd.ingest.message import Heard, Reader, Sample
from safetyd.ingest.sparkplug_message import parsed, properties_of, stamp_of, text_of, value_of
from safetyd.ingest.values import UNITS, meaning, meanings, measured, shown
from safetyd.profile import Value, Wiring, Words

# How many levels name whom a message is about.
_LEVELS = {"NBIRTH": 2, "NDATA": 2, "NDEATH": 2, "DBIRTH": 3, "DDATA": 3, "DDEATH": 3}
_QUALITY_GOOD = 192
_DEGREES = {"C": "degC", "F": "degF"}
_YES_NO = Words(on=("on", True), off=("off", False))
_UNBORN = (
    "a metric has an alias and no name, and the birth that names it was not heard; "
    "ask for a rebirth at the node (Node Control/Rebirth)"
)


def is_available() -> bool:
    """Return whether the package is installed that takes such messages apart."""
    try:
        return find_spec("google.protobuf") is not None
    except ModuleNotFoundError:
        return False


def reader(wiring: Wiring) -> Reader:
    """Return what reads the messages of one sensor; it remembers the births among them.

    Raises:
        SafetydError: protobuf is not installed.
    """
    if not is_available():
        raise SafetydError("Sparkplug B needs the package protobuf: pip install safetyd[sparkplug]")
    wired = _wired(wiring)
    return _Listener(wired, {name for one in wired for name in one.names}).read


class _Wired(NamedTuple):
    """One value that the site file asks for; the first of `names` that is there counts."""

    quantity: Quantity
    names: tuple[str, ...]
    value: Value
    site_unit: str | None
    words: Mapping[str, bool | None]


def _wired(wiring: Wiring) -> list[_Wired]:
    found = []
    for value in wiring.values:
        quantity = value.measures or (wiring.measures[0] if len(wiring.measures) == 1 else None)
        if quantity is not None and quantity in (wiring.measures or Quantity):
            names = tuple(path[0] for path in value.at if len(path) == 1 and isinstance(path[0], str))
            words = next((given for given in (wiring.words, value.words) if given != Words()), _YES_NO)
            found.append(_Wired(quantity, names, value, wiring.unit, meanings(words)))
    return found


class _Described(NamedTuple):
    """A metric as its birth described it; `unit` is as the node writes it."""

    datatype: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class _Life:
    """What a birth said. `bd_seq` numbers a node's lives: its death carries the same."""

    names: Mapping[int, str] = field(default_factory=dict)  # by alias
    metrics: Mapping[str, _Described] = field(default_factory=dict)
    bd_seq: float | str | None = None


_NO_LIFE = _Life()


@dataclass(frozen=True, slots=True)
class _Listener:
    """Hears one sensor's messages; a place is (group, node) or (group, node, device)."""

    wired: Sequence[_Wired]
    asked: Collection[str]  # their names
    lives: dict[tuple[str, ...], _Life] = field(default_factory=dict)

    def read(self, topic: str, payload: bytes) -> Heard:
        """Return what a message says; of other hosts' states and of commands nothing.

        Raises:
            PayloadError: it is no protobuf message.
        """
        kind, place = _addressed(topic)
        if not kind or not payload:
            return Heard()
        message = parsed(payload)
        stamp = stamp_of(message)
        if kind == "NDEATH":
            return self._node_died(place, message)
        if kind == "DDEATH":
            self._forget(place)
            return Heard(presence=False, gateway_stamp=stamp)
        if kind.endswith("DATA"):
            return self._said(message, self.lives.get(place))._replace(gateway_stamp=stamp)
        self._forget(place)
        life = self.lives[place] = self._born(message)
        said = self._said(message, life)
        return said._replace(gateway_stamp=stamp, presence=True, is_bridge=kind == "NBIRTH", reason="")

    def _born(self, message: Any) -> _Life:
        """Keep of a birth what is asked for: a node may have thousands of metrics."""
        named = [(text_of(metric.name), metric) for metric in message.metrics]
        asked = [(name, metric) for name, metric in named if name in self.asked]
        return _Life(
            {metric.alias: name for name, metric in asked if metric.HasField("alias")},
            {
                name: _Described(metric.datatype, text_of(properties_of(metric).get("engUnit", "")))
                for name, metric in asked
            },
            _bd_seq(message),
        )

    def _node_died(self, place: tuple[str, ...], message: Any) -> Heard:
        died, born = _bd_seq(message), self.lives.get(place, _NO_LIFE).bd_seq
        if died is not None and born is not None and died != born:
            return Heard(
                reason=f"is the death of another life of this node: its bdSeq is {died}, the birth's {born}"
            )
        self._forget(place)
        return Heard(presence=False, is_bridge=True)  # a last will bears the time when it was written

    def _forget(self, place: tuple[str, ...]) -> None:
        """With a node go its devices: they are born again after it."""
        for known in [known for known in self.lives if known[: len(place)] == place]:
            del self.lives[known]

    def _said(self, message: Any, life: _Life | None) -> Heard:
        """Return the values of a birth or of data; `life` is None where no birth was heard."""
        refusals, reasons = [], []
        if life is None and any(metric.HasField("alias") and not metric.name for metric in message.metrics):
            refusals.append(_UNBORN)
        life = life or _NO_LIFE
        metrics: dict[str, Any] = {}
        for metric in message.metrics:
            by_alias = life.names.get(metric.alias, "") if metric.HasField("alias") else ""
            name = text_of(metric.name) or by_alias
            if name not in self.asked:
                continue
            if metric.is_historical or metric.is_null:
                reasons.append(f"{name} is {'of the past' if metric.is_historical else 'null'}")
            elif name not in metrics:
                metrics[name] = metric
            else:
                metrics[name] = max(metric, metrics[name], key=lambda each: each.timestamp)
                refusals.append(f"{name} comes more than once in a message; the newest counts")
        samples, stamps = [], []
        for wired in self.wired:
            name = next((name for name in wired.names if name in metrics), "")
            if not name:
                continue
            taken = _taken(metrics[name], life.metrics.get(name, _Described()), wired)
            if isinstance(taken, Sample):
                samples.append(taken)
                at = stamp_of(metrics[name])
                stamps += [] if at is None else [at]
            else:
                refusals.append(f"{name} {taken}")
        if not samples and not refusals and not reasons:
            reasons.append(f"holds no {', '.join(' or '.join(wired.names) for wired in self.wired)}")
        return Heard(
            tuple(samples),
            tuple(dict.fromkeys(refusals)),
            reason="" if samples or refusals else "; ".join(dict.fromkeys(reasons)),
            device_stamp=max(stamps, default=None),  # what is sent beside the newest was still true
        )


def _taken(metric: Any, born: _Described, wired: _Wired) -> Sample | str:
    """Return the sample, or what is wrong with the metric."""
    properties = properties_of(metric)
    if properties.get("Quality", _QUALITY_GOOD) != _QUALITY_GOOD:
        return f"is marked bad or stale by its node: its Quality is {shown(properties['Quality'])}"
    value, quantity = value_of(metric, metric.datatype or born.datatype), wired.quantity
    if value is None:
        return f"has no value that can be read as {quantity}"
    said = f"is {shown(value)}"
    if quantity is Quantity.MAINS:
        mains = meaning(value, wired.words)
        if mains is None:
            return f"{said}; expected one of {', '.join(wired.words)} to tell on from off"
        return Sample(quantity, mains, "bool", wired.value.channel)
    if quantity is Quantity.BATTERY and wired.value.unit in ("ok", "low"):
        if value not in (0, 1):
            return f"{said}; expected 0 or 1"
        return Sample(quantity, bool(value) is (wired.value.unit == "ok"), "bool", wired.value.channel)
    number, suffix = measured(value, quantity)
    if number is None:
        return f"{said}; expected a number"
    written = text_of(properties.get("engUnit", born.unit)).strip()
    unit = suffix or _unit(written, wired)
    if unit is not None:
        return Sample(quantity, number, unit, wired.value.channel)
    if quantity is Quantity.TEMPERATURE:
        return f'{said}; its unit is not said; say unit = "C" or "F" in the site file, or engUnit at the node'
    return f"{said} in {shown(written)}; expected engUnit {' or '.join(UNITS[quantity])} at the node"


def _unit(written: str, wired: _Wired) -> str | None:
    """Return the unit of a number; None if nobody says it, or it is one that nobody here knows."""
    units = UNITS[wired.quantity]
    known = units.get(written.casefold().replace(" ", ""))
    if known is not None:
        return known
    if wired.quantity is Quantity.TEMPERATURE:
        return _DEGREES.get(wired.site_unit or "") or _DEGREES.get(wired.value.unit)
    if written:
        return None
    return wired.value.unit if wired.value.unit in units.values() else next(iter(units.values()))


def _addressed(topic: str) -> tuple[str, tuple[str, ...]]:
    """Return which kind of message a topic carries and of whom; nothing where it is none that is read."""
    levels = topic.split("/")
    if len(levels) < 4 or levels[0] != "spBv1.0" or _LEVELS.get(levels[2]) != len(levels) - 2:
        return "", ()
    return levels[2], (levels[1], *levels[3:])


def _bd_seq(message: Any) -> float | str | None:
    return next(
        (value_of(metric, metric.datatype) for metric in message.metrics if metric.name == b"bdSeq"), None
    )
