"""The sensors of a site file: each entry read into a binding, however the entry was written down.

Rule: a binding says all that its messages leave open; no two of them could take the same value from the same
message.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.model import Offset, Quantity, Tolerance
from safetyd.faults import Misfit, did_you_mean, one_of, shown
from safetyd.paths import Path, read_path
from safetyd.profile import (
    NATIVE,
    SPARKPLUG,
    TEMPERATURE_UNITS,
    Profile,
    Value,
    Wiring,
    read_conditions,
    read_paths,
    read_words,
    shipped_profiles,
    unit_of,
)
from safetyd.shapes import (
    choice,
    day,
    flag,
    identifier,
    member,
    number,
    number_within,
    positive_duration,
    text,
    topic_filter,
)
from safetyd.site_readings import SensorBinding, check, wanted
from safetyd.site_topics import Topics
from safetyd.tables import Table

_FAHRENHEIT_PER_CELSIUS = Decimal("1.8")
_USUAL_UNIT = {
    Quantity.TEMPERATURE: "",
    Quantity.HUMIDITY: "%",
    Quantity.VOLTAGE: "V",
    Quantity.POWER: "W",
    Quantity.BATTERY: "%",
    Quantity.MAINS: "",
    Quantity.ENERGY: "kWh",
}
_SPAN = number_within(0)
_JUDGED = frozenset({Quantity.TEMPERATURE, Quantity.HUMIDITY, Quantity.MAINS, Quantity.VOLTAGE})


@dataclass(frozen=True, slots=True)
class Room:
    """A work setting an educator is assigned to."""

    id: str
    name: str


class Home(NamedTuple):
    """A building whose sensors are being read: those so far, and the rooms they can be in."""

    id: str
    name: str
    rooms: dict[str, Room]
    sensors: list[SensorBinding]


class Frame(NamedTuple):
    """What the sensors of all buildings are read with: the site's own profiles, and who has which topic."""

    zone: ZoneInfo
    profiles: Mapping[str, Profile]
    topics: Topics[tuple[str, SensorBinding]]

    def formats(self) -> list[str]:
        """Return the name of every format."""
        return [NATIVE, SPARKPLUG, *self.profiles, *shipped_profiles()]

    def profile(self, format: str | None) -> Profile | None:
        """Return the profile of a format, None where there is none."""
        if format in (None, NATIVE, SPARKPLUG):
            return None
        return self.profiles.get(format) or shipped_profiles().get(format)


def add_sensor(table: Table, home: Home, frame: Frame) -> None:
    """Read one entry into its building; what is wrong with it is noted."""
    topic = table.need("topic", topic_filter, 'the topic it publishes on, such as "zigbee2mqtt/Room 204"')
    format = table.need("format", lambda value: _format(value, frame), "the system that it speaks")
    wiring = _wiring(table, format)
    is_clear = table.sound and wiring is not None
    id = table.need("id", identifier, "an id: a-z, 0-9 and -")
    since, until = _span(table, frame.zone)
    binding = SensorBinding(
        id=id or "",
        topic=topic or "",
        format=format or "",
        room=_room(table, home.rooms),
        power=table.get("power", flag, False),
        interval=table.get("interval", positive_duration, None),
        profile=frame.profile(format),
        wiring=wiring or Wiring(),
        invalid=frozenset(table.each("invalid", number, "a list of numbers")),
        offsets=_offsets(table, frame.zone),
        tolerance=_tolerance(table),
        since=since,
        until=until,
        mains_powered=table.get("mains_powered", flag, False),
    )
    if is_clear and (binding.power or binding.room):
        check(table, binding)
    table.done()
    if topic is not None and id is not None:
        _add(table, binding, home, frame)


def _add(table: Table, binding: SensorBinding, home: Home, frame: Frame) -> None:
    where = f"{home.id}/{binding.id}"
    at_the_time = [each for each in frame.topics.meeting(binding.topic) if _meet(each[1], binding)]
    for holder, other in at_the_time:
        if holder != where and not _told_apart(other, binding):
            mend = "one device for each topic, or channel, only, values or measures that tell the two apart"
            table.fault("topic", f"this is the topic of {holder} already", mend)
            break
    if any(each.id == binding.id and _meet(each, binding) for each in home.sensors):
        mend = (
            "an id that nothing else of its kind has here, or an end (until) before the next one's beginning"
        )
        table.fault("id", f"'{binding.id}' is taken", mend)
    frame.topics.add(binding.topic, (where, binding))
    home.sensors.append(binding)


def _meet(one: SensorBinding, other: SensorBinding) -> bool:
    """Return whether there is a moment at which both hold."""

    def begins_before_the_end(left: SensorBinding, right: SensorBinding) -> bool:
        return left.since is None or right.until is None or left.since < right.until

    return begins_before_the_end(one, other) and begins_before_the_end(other, one)


def _told_apart(one: SensorBinding, other: SensorBinding) -> bool:
    """Return whether no value of one message could be taken for both."""
    left, right = one.wiring, other.wiring
    if left.channel != right.channel or left.only != right.only:
        return True
    if left.values and right.values and not _places(left) & _places(right):
        return True
    return left.measures != right.measures and not _JUDGED & wanted(one) & wanted(other)


def _places(wiring: Wiring) -> set[tuple[Quantity | None, tuple[Path, ...]]]:
    return {(value.measures, value.at) for value in wiring.values}


def _format(value: object, frame: Frame) -> str:
    if isinstance(value, str) and (value in (NATIVE, SPARKPLUG) or value in frame.profiles):
        return value
    return choice("format", frame.formats())(value)


def _room(table: Table, rooms: Mapping[str, Room]) -> str | None:
    room = table.get("room", text, None)
    if "room" not in table and not table.plain("power"):
        table.fault("room", "it has neither room nor power", "a room's id, power = true, or both")
    if room is not None and room not in rooms:
        known = one_of(rooms) if rooms else "a [[buildings.rooms]] first"
        hint = did_you_mean(room, [*rooms, *(each.name for each in rooms.values())])
        table.fault("room", f"no room here has the id {shown(room)}", known + hint)
    return room


def _wiring(table: Table, format: str | None) -> Wiring | None:
    """Return what the entry adds to its profile; None when something in it is wrong."""
    values = _values(table, format)
    wiring = Wiring(
        unit=table.get("unit", _unit, None),
        channel=table.get("channel", text, ""),
        measures=_measures(table),
        values=values or (),
        words=read_words(table.table("words")),
        only=table.get("only", read_conditions, ()),
        valid=table.get("valid", read_path, None),
        time=table.get("time", read_path, None),
    )
    return wiring if table.sound and values is not None else None


def _unit(value: object) -> str:
    if isinstance(value, str) and value.startswith("@"):
        read_path(value[1:])
        return value
    return choice("unit", TEMPERATURE_UNITS)(value)


def _measures(table: Table) -> tuple[Quantity, ...]:
    read = member("quantity", Quantity)
    if not isinstance(table.plain("measures"), list):
        single = table.get("measures", read, None)
        return () if single is None else (single,)
    several = table.each("measures", read, "a list of quantities")
    if table.sound and not several:
        table.fault("measures", "the list is empty", f"one of {one_of(Quantity)}, or no measures here")
    return tuple(dict.fromkeys(several))


def _values(table: Table, format: str | None) -> tuple[Value, ...] | None:
    """Return the values that take the place of the profile's; None when one of them is wrong."""
    entries = table.table("values")
    read = _metric if format == SPARKPLUG else read_paths
    found = []
    is_sound = True
    for quantity in Quantity:
        if not isinstance(entries.plain(quantity), dict):
            at = entries.get(quantity, read, None)
            if at is not None:
                found.append(Value(quantity, at, _USUAL_UNIT[quantity]))
            continue
        entry = entries.table(quantity)
        at = entry.need("at", read, "the path of the value")
        unit = entry.get("unit", _unit if quantity is Quantity.TEMPERATURE else unit_of(quantity), None)
        words = read_words(entry.table("words"))
        entry.done()
        is_sound = is_sound and entry.sound
        found.append(Value(quantity, at or ((),), unit or _USUAL_UNIT[quantity], words=words))
    entries.done()
    given = table.plain("values")
    is_known = not isinstance(given, dict) or given.keys() <= set(Quantity)
    return tuple(found) if is_sound and is_known and entries.sound else None


def _metric(value: object) -> tuple[Path, ...]:
    """Return a metric's name as it is; it is no path, whatever is in it."""
    return ((text(value),),)


def _span(table: Table, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    since = table.get("from", _moment(zone), None)
    until = table.get("until", _moment(zone), None)
    if since is not None and until is not None and since >= until:
        table.fault("until", f"{shown(table.plain('until'))} is not after from", "the later one of the two")
    return since, until


def _offsets(table: Table, zone: ZoneInfo) -> tuple[Offset, ...]:
    found: list[Offset] = []
    for each in table.tables("offsets"):
        since = each.get("from", _moment(zone), None)
        before = found[-1].since if found else None
        if each.sound and found and (since is None or (before is not None and since <= before)):
            each.fault(
                "from", "it does not begin after the one before it", "a later date; only the first has none"
            )
        offset = Offset(since, _fahrenheit(each), each.get("humidity", number, 0.0))
        if not any(name in each for name in ("temperature_f", "temperature_c", "humidity")):
            each.fault("temperature_f", "nothing is added here", "temperature_f, temperature_c or humidity")
        each.done()
        found.append(offset)
    return tuple(found)


def _tolerance(table: Table) -> Tolerance | None:
    given = table.table("tolerance")
    tolerance = Tolerance(_fahrenheit(given, _SPAN), given.get("humidity", _SPAN, 0.0))
    given.done()
    return tolerance if any(tolerance) else None


def _fahrenheit(table: Table, read: Callable[[object], float] = number) -> float:
    """Return a difference in °F; one in °C is 1.8 times as many."""
    in_f = table.get("temperature_f", read, None)
    in_c = table.get("temperature_c", read, None)
    if "temperature_f" in table and "temperature_c" in table:
        table.fault("temperature_c", "temperature_f stands here too", "one of the two")
    if in_c is not None:
        return float(Decimal(repr(in_c)) * _FAHRENHEIT_PER_CELSIUS)
    return in_f or 0.0


def _moment(zone: ZoneInfo) -> Callable[[object], datetime]:
    """Return a reader of dates, which mean midnight there, and of dates with a time."""

    def read(value: object) -> datetime:
        if isinstance(value, str) and ":" in value:
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise Misfit(f"{shown(value)} is no time", "one such as 2026-08-25T12:00") from None
        if isinstance(value, datetime):
            day(value.date())
            return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
        return datetime.combine(day(value), time(), zone).astimezone(UTC)

    return read
