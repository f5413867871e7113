"""The sensors as the outside sees them: how each stands, what it said last, whether that is believed.

Rule: names and shapes here are a promise, as those of `objects`. Values are as the device sent them, but that
temperatures are in °F; how a device is corrected is said beside them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from safetyd.core.assignment import Assignment
from safetyd.core.health import Health
from safetyd.core.model import Mark, Place, Quantity, Sensor, Trouble, TroubleKind
from safetyd.core.trouble import silence
from safetyd.core.units import fahrenheit
from safetyd.core.world import Facts, World
from safetyd.objects import trouble_object
from safetyd.profile import NATIVE
from safetyd.recovery import BY_HAND, IMPORTED, SILENT
from safetyd.site import SensorBinding, Site
from safetyd.store.latest import Entry, Last
from safetyd.store.leftovers import Refusal, Stray
from safetyd.store.readings import Kept, KnownSensor
from safetyd.times import rfc3339, rfc3339_or_none
from safetyd.wording import sound

PAYLOAD_SHOWN = 300  # characters of a refused payload


class State(StrEnum):
    """How a sensor stands, the worst first."""

    NEVER_HEARD = "never heard"
    SILENT = "silent"
    UNREADABLE = "unreadable"
    IMPLAUSIBLE = "implausible"
    STUCK = "stuck"
    DISAGREES = "disagrees"
    DRIFTS = "drifts"
    BABBLES = "babbles"
    CLOCK = "clock"
    LOW_BATTERY = "low battery"
    OK = "ok"
    RETIRED = "retired"
    IMPORTED = "imported"


_STATES = {
    TroubleKind.SILENT: State.SILENT,
    TroubleKind.UNREADABLE: State.UNREADABLE,
    TroubleKind.IMPLAUSIBLE: State.IMPLAUSIBLE,
    TroubleKind.STUCK: State.STUCK,
    TroubleKind.DISAGREEMENT: State.DISAGREES,
    TroubleKind.DRIFT: State.DRIFTS,
    TroubleKind.BABBLING: State.BABBLES,
    TroubleKind.CLOCK: State.CLOCK,
    TroubleKind.BATTERY: State.LOW_BATTERY,
}
WORST_FIRST = tuple(State)
_BELIEF = (Mark.REJECTED, Mark.SUSPECT, Mark.RETAINED, Mark.ACCEPTED)
_UNITS = {
    Kept.TEMPERATURE_F: "degF",
    Kept.TEMPERATURE_C: "degF",
    Kept.HUMIDITY: "%",
    Kept.MAINS: "on",
    Kept.VOLTAGE: "V",
    Kept.POWER_W: "W",
    Kept.BATTERY: "%",
    Kept.BATTERY_V: "V",
    Kept.BATTERY_OK: "ok",
    Kept.ENERGY_KWH: "kWh",
}


@dataclass(frozen=True, slots=True)
class Watched:
    """One device at one place; `number` is its own in the store, None if it was never heard.

    `bindings` are its entries in the site file, in the order of their beginning; a native sensor needs none.
    """

    sensor: Sensor
    topic: str
    format: str
    number: int | None
    bindings: tuple[SensorBinding, ...]
    health: Health | None
    troubles: tuple[Trouble, ...]
    is_retired: bool

    @property
    def heard_at(self) -> datetime | None:
        """When its last word was true, None if it never said a usable one."""
        return None if self.health is None else self.health.heard_at

    def states(self, now: datetime) -> list[State]:
        """Return how it stands, the worst first."""
        if self.format == IMPORTED:
            return [State.IMPORTED]
        if self.is_retired:
            return [State.RETIRED]
        found = {_STATES[trouble.kind] for trouble in self.troubles if trouble.kind in _STATES}
        if self.health is not None and self.health.heard_at is not None:
            found |= {State.SILENT} if silence(self.health, now) else set()
        else:
            found.discard(State.SILENT)
            found |= set() if State.UNREADABLE in found else {State.NEVER_HEARD}
        return sorted(found, key=WORST_FIRST.index) or [State.OK]

    def silent_at(self) -> datetime | None:
        """Return since when it is silent, or will be unless it is heard; None if nobody waits for it."""
        if self.is_retired or self.format == IMPORTED:
            return None
        began = [trouble.began_at for trouble in self.troubles if trouble.kind is TroubleKind.SILENT]
        return began[0] if began else None if self.health is None else self.health.until


def watched(
    world: World, facts: Facts, site: Site, known: Iterable[KnownSensor], now: datetime
) -> list[Watched]:
    """Return the sensors of a site and all that were ever heard, by building and room, the worst first.

    A person's instrument is none of them.
    """
    bound: dict[Sensor, list[SensorBinding]] = {}
    for building in site.buildings:
        for binding in building.sensors:
            place = Place(building.id, None if binding.power else binding.room)
            bound.setdefault(Sensor(place, binding.id), []).append(binding)
    heard = {each.sensor: each for each in known if each.format not in (BY_HAND, SILENT)}
    order = {building.id: number for number, building in enumerate(site.buildings)}
    rooms = {
        Place(building.id, room.id): number
        for building in site.buildings
        for number, room in enumerate(building.rooms)
    }
    found = [
        _watched(world, facts, sensor, bound.get(sensor, []), heard.get(sensor), now)
        for sensor in dict.fromkeys([*bound, *heard])
    ]

    def where(each: Watched) -> tuple[Any, ...]:
        place, worst = each.sensor.place, WORST_FIRST.index(each.states(now)[0])
        building = order.get(place.building, len(order)), place.building
        room = place.room is not None, rooms.get(place, len(rooms)), place.room or ""
        return *building, *room, worst, each.sensor.id

    return sorted(found, key=where)


def _watched(
    world: World,
    facts: Facts,
    sensor: Sensor,
    bindings: list[SensorBinding],
    heard: KnownSensor | None,
    now: datetime,
) -> Watched:
    key = sensor.key
    in_order = sorted(bindings, key=lambda binding: (binding.since is not None, binding.since))
    topic, format = (heard.topic, heard.format) if heard else ("", NATIVE)
    if in_order:
        not_over = (binding for binding in in_order if binding.until is None or now < binding.until)
        in_force = next(not_over, in_order[-1])
        topic, format = in_force.topic, in_force.format
    return Watched(
        sensor,
        topic,
        format,
        heard.number if heard else None,
        tuple(in_order),
        world.health.get(key),
        tuple(world.troubles.get(key, {}).values()),
        sensor.place not in facts.places or not facts.is_awaited(key, now),
    )


def sensor_object(each: Watched, last: Last, now: datetime) -> dict[str, Any]:
    """Return a sensor with its newest values."""
    verdict = belief(last.values())
    health, interval = each.health, _interval(each)
    skew = newest(last.values()).skew if last else None
    silent_at = each.silent_at()
    return {
        "building": each.sensor.place.building,
        "room": each.sensor.place.room,
        "sensor": sound(each.sensor.id),
        "topic": sound(each.topic),
        "format": each.format,
        "state": each.states(now)[0].value,
        "last": {q.value: [rfc3339(e.observed_at), value(e)] for q, e in _in_order(last)},
        "units": {q.value: _UNITS[e.kept] for q, e in _in_order(last)},
        "states": [state.value for state in each.states(now)],
        "troubles": sorted(trouble.kind.value for trouble in each.troubles),
        "mark": verdict[0].value if verdict else None,
        "reason": verdict[1] if verdict else None,
        "heard_at": rfc3339_or_none(None if health is None else health.heard_at),
        "skew_s": None if skew is None else skew.total_seconds(),
        "interval_s": None if interval is None else interval.total_seconds(),
        "silent_at": rfc3339_or_none(silent_at),
        "assigned": _assigned(each),
    }


def detail_object(
    shown: Mapping[str, Any],
    each: Watched,
    troubles: Iterable[Trouble],
    readings: Sequence[tuple[Entry, ...]],
    refused: Iterable[Refusal],
) -> dict[str, Any]:
    """Return a sensor, as `sensor_object` does, with its bindings and its past, the newest first."""
    return {
        **shown,
        "bindings": [_binding(binding) for binding in each.bindings],
        "history": [trouble_object(trouble) for trouble in troubles],
        "readings": [_reading(entries) for entries in readings],
        "refused": [
            {
                "at": rfc3339(refusal.at),
                "kind": refusal.kind.value,
                "topic": sound(refusal.topic),
                "reason": refusal.reason,
                "payload": printable(refusal.payload[:PAYLOAD_SHOWN].decode("utf-8", "backslashreplace"))[
                    :PAYLOAD_SHOWN
                ],
            }
            for refusal in refused
        ],
    }


def stray_object(topic: str, stray: Stray) -> dict[str, Any]:
    """Return a topic that belongs to nobody, with how often and when it was heard."""
    return {
        "topic": sound(topic),
        "heard": stray.heard,
        "first_at": rfc3339(stray.first_at),
        "last_at": rfc3339(stray.last_at),
    }


def assignment_object(line: Assignment, until: datetime | None = None) -> dict[str, Any]:
    """Return by whom and since when a topic is a place's."""
    return {
        "topic": sound(line.topic),
        "building": line.place.building,
        "room": line.place.room,
        "sensor": line.sensor,
        "format": line.format,
        "from": rfc3339(line.moment),
        "until": rfc3339_or_none(until),
        "by": line.by,
        "role": line.role,
        "at": rfc3339(line.at),
        "note": line.note,
    }


def printable(text: str) -> str:
    """Return a text as one line that can do nothing to a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in sound(text))


def newest(entries: Iterable[Entry]) -> Entry:
    """Return the value that was true last."""
    return max(entries, key=lambda entry: (entry.observed_at, entry.received_at))


def belief(entries: Iterable[Entry]) -> tuple[Mark, str | None] | None:
    """Return how far the newest of some readings is believed, by its worst value, and why not wholly."""
    of_all = list(entries)
    if not of_all:
        return None
    last = newest(of_all)
    of_last = [e for e in of_all if (e.observed_at, e.received_at) == (last.observed_at, last.received_at)]
    worst = min(of_last, key=lambda entry: _BELIEF.index(entry.mark))
    return worst.mark, worst.reason


def unit(entry: Entry) -> str:
    """Return the unit of a value as it is shown."""
    return _UNITS[entry.kept]


def value(entry: Entry) -> float | bool:
    """Return a value as it is shown: temperatures in °F, mains and a battery's own word as true or false."""
    if entry.kept is Kept.TEMPERATURE_C:
        return fahrenheit(entry.value)
    return bool(entry.value) if entry.kept in (Kept.MAINS, Kept.BATTERY_OK) else entry.value


def _in_order(last: Last) -> list[tuple[Quantity, Entry]]:
    return [(quantity, last[quantity]) for quantity in Quantity if quantity in last]


def _assigned(each: Watched) -> dict[str, Any] | None:
    """By whom it was assigned, if that holds last; None where the site file says it."""
    last = each.bindings[-1] if each.bindings else None
    return None if last is None or last.assigned is None else assignment_object(last.assigned, last.until)


def _interval(each: Watched) -> timedelta | None:
    """The configured interval, else the usual gap as it turned out."""
    configured = [binding.interval for binding in each.bindings if binding.interval is not None]
    if configured:
        return configured[-1]
    gap_s = None if each.health is None else each.health.gap_s
    return None if gap_s is None else timedelta(seconds=gap_s)


def _binding(binding: SensorBinding) -> dict[str, Any]:
    return {
        "topic": binding.topic,
        "format": binding.format,
        "from": rfc3339_or_none(binding.since),
        "until": rfc3339_or_none(binding.until),
        "offsets": [
            {
                "from": rfc3339_or_none(offset.since),
                "temperature_f": offset.temperature_f,
                "humidity": offset.humidity,
            }
            for offset in binding.offsets
        ],
        "assigned": assignment_object(binding.assigned, binding.until) if binding.assigned else None,
    }


def _reading(entries: tuple[Entry, ...]) -> dict[str, Any]:
    first, verdict = entries[0], belief(entries)
    device, gateway, skew = first.device_skew, first.gateway_skew, first.skew
    return {
        "observed_at": rfc3339(first.observed_at),
        "received_at": rfc3339(first.received_at),
        "device_at": None if device is None else rfc3339(first.received_at + device),
        "gateway_at": None if gateway is None else rfc3339(first.received_at + gateway),
        "skew_s": None if skew is None else skew.total_seconds(),
        "stamp": first.stamp,
        "values": {entry.quantity.value: value(entry) for entry in entries},
        "units": {entry.quantity.value: _UNITS[entry.kept] for entry in entries},
        "mark": verdict[0].value if verdict else None,
        "reason": verdict[1] if verdict else None,
    }
