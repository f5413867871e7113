"""What a sensor is bound to, what its messages can bring, and whether that leaves anything open.

Rule: what neither the ecosystem nor the site file says is a fault at load, never a guess at run time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from safetyd.core.assignment import Assignment
from safetyd.core.model import Offset, Quantity, Tolerance
from safetyd.faults import one_of
from safetyd.profile import NATIVE, SPARKPLUG, TEMPERATURE_UNITS, THE_SITE, Profile, Shape, Value, Wiring
from safetyd.site_topics import kinds
from safetyd.tables import Table

OF_MAINS = frozenset({Quantity.MAINS, Quantity.VOLTAGE})
_COUNTED = OF_MAINS | {Quantity.ENERGY}  # a register is no witness, but evidence
OF_ELECTRICITY = _COUNTED | {Quantity.POWER}
_WITNESSED = OF_MAINS | {Quantity.POWER, Quantity.BATTERY}
IN_A_ROOM = frozenset({Quantity.TEMPERATURE, Quantity.HUMIDITY})
_OF_A_ROOM = IN_A_ROOM | {Quantity.BATTERY}
_OPEN = ("", THE_SITE)
_RAW = (Value(Quantity.TEMPERATURE, unit="C"), Value(Quantity.HUMIDITY, unit="%"))
_NOT_NATIVE = ("unit", "channel", "values", "words", "only", "valid", "time")


@dataclass(frozen=True, slots=True)
class SensorBinding:
    """One device that speaks a format of its own; `power` makes it a witness of the building's mains.

    `topic` may be a filter with + and #. `profile` is None where code alone reads the format. It holds from
    `since` up to before `until`; None is without limit. One that is `mains_powered` falls silent with the
    power. `assigned` is by what a person bound it, None where the site file does.
    """

    id: str
    topic: str
    format: str
    room: str | None = None
    power: bool = False
    interval: timedelta | None = None
    profile: Profile | None = None
    wiring: Wiring = field(default_factory=Wiring)
    invalid: frozenset[float] = frozenset()
    offsets: tuple[Offset, ...] = ()
    tolerance: Tolerance | None = None
    since: datetime | None = None
    until: datetime | None = None
    mains_powered: bool = False
    assigned: Assignment | None = None


def wanted(binding: SensorBinding) -> frozenset[Quantity]:
    """Return what is taken from a sensor's messages if it is in them."""
    if binding.wiring.measures:
        return frozenset(binding.wiring.measures)
    if binding.wiring.values:
        return frozenset(value.measures for value in binding.wiring.values if value.measures)
    of_room = _OF_A_ROOM if binding.room else frozenset()
    alive = (
        _WITNESSED if binding.mains_powered or binding.power else frozenset()
    )  # whatever it says, it lives
    return of_room | alive


def readings(binding: SensorBinding) -> tuple[Value, ...]:
    """Return the values that are taken from a sensor's messages, each with its unit as far as it is known.

    Of a native sensor, which may send anything, there are none.
    """
    profile, wiring = binding.profile, binding.wiring
    offered = wiring.values if profile is None else _offered(kinds(profile, binding.topic), wiring)
    taken = wanted(binding)
    named = (value for value in _named(offered, wiring) if value.measures in taken)
    unit = (profile and profile.unit) or wiring.unit or ""
    return tuple(
        replace(value, unit=unit) if value.measures == "temperature" and value.unit in _OPEN else value
        for value in named
    )


def check(table: Table, binding: SensorBinding) -> None:
    """Note what does not fit together in a sensor's entry, and what its messages leave open."""
    wiring = binding.wiring
    if wiring.measures and binding.power and not _COUNTED.intersection(wiring.measures):
        said = f"a witness of the mains that reads {' and '.join(wiring.measures)} alone"
        table.fault("measures", said, "mains or voltage among them, or no power = true")
        return
    if binding.format == NATIVE:
        for name in _NOT_NATIVE:
            if name in table:
                table.fault(name, "a native message says all of itself", f"no {name} here")
    elif binding.profile is not None:
        _check_profile(table, binding, binding.profile)
    elif binding.format == SPARKPLUG:
        _check_sparkplug(table, binding)


def _check_sparkplug(table: Table, binding: SensorBinding) -> None:
    levels = binding.topic.split("/")
    apart = [level for place, level in enumerate(levels) if place != 2]
    if len(levels) not in (4, 5) or any(level in ("+", "#") for level in apart):
        mend = "spBv1.0/GROUP/+/NODE, or with /DEVICE behind it"
        table.fault("topic", "this is no node and no device of Sparkplug", mend)
    if not binding.wiring.values:
        mend = 'the metric of each value, such as temperature = "Room/Temperature"'
        table.fault("values", "nothing stands here", mend)
    else:
        _check_wanted(table, binding, binding.wiring.values)


def _check_profile(table: Table, binding: SensorBinding, profile: Profile) -> None:
    shapes, wiring = kinds(profile, binding.topic), binding.wiring
    if not shapes:
        endings = {"/".join(ending) for shape in profile.shapes for ending in shape.topics}
        said = f"{profile.name} has no topic that ends so"
        table.fault("topic", said, f"one that ends in {one_of(endings)}")
        return
    if any(shape.is_shared for shape in shapes) and not wiring.only:
        mend = "the paths and values that tell this one, in [[buildings.sensors]]: only = { id = 42 }"
        table.fault("only", f"on this topic many devices of {profile.name} speak", mend)
    offered = _offered(shapes, wiring)
    if not offered and any(shape.values for shape in profile.shapes):
        table.fault("topic", f"{profile.name} sends no values on this topic", "a topic that has some")
    elif not offered:
        mend = 'the path of each, such as temperature = "object.temp"'
        table.fault("values", f"{profile.name} does not say where its values are", mend)
    elif any(value.measures is None for value in offered) and len(wiring.measures) != 1:
        said = f"{profile.name} does not say what the value on this topic is"
        table.fault("measures", said, f"one quantity: {one_of(Quantity)}")
    else:
        named = _named(offered, wiring)
        _check_wanted(table, binding, named)
        units = [value.unit for value in named if value.measures == "temperature"]
        _check_unit(table, binding, profile, units if Quantity.TEMPERATURE in wanted(binding) else [])


def _check_wanted(table: Table, binding: SensorBinding, offered: Sequence[Value]) -> None:
    known = {value.measures for value in offered if value.measures}
    absent = [quantity for quantity in binding.wiring.measures if quantity not in known]
    if absent:
        table.fault("measures", f"no {one_of(absent)} comes on this topic", one_of(known))
    elif binding.power and not _COUNTED & known:
        said = f"this topic says nothing about the mains, only {' and '.join(sorted(known))}"
        table.fault("power", said, "a topic with mains or voltage, or a room alone")
    elif not wanted(binding) & known:
        said = f"this topic says nothing about a room, only {' and '.join(sorted(known))}"
        table.fault("room", said, "power = true, for a witness of the mains, or another topic")


def _check_unit(table: Table, binding: SensorBinding, profile: Profile, sent: Sequence[str]) -> None:
    said = binding.wiring.unit
    if profile.unit is not None:
        if said not in (None, profile.unit):
            always = f"{profile.name} always sends °{profile.unit}"
            table.fault("unit", always, f"{profile.unit}, or no unit here")
    elif said is None and any(unit in _OPEN for unit in sent):
        missing = f"nothing stands here, and {profile.name} does not send it"
        table.fault("unit", missing, "C or F, as the device is set")
    elif said in TEMPERATURE_UNITS and sent and all(_differs(unit, said) for unit in sent):
        always = one_of(set(sent))
        table.fault(
            "unit", f"on this topic {profile.name} always sends °{always}", f"{always}, or no unit here"
        )


def _differs(unit: str, said: str) -> bool:
    return unit in TEMPERATURE_UNITS and unit != said


def _offered(shapes: Sequence[Shape], wiring: Wiring) -> tuple[Value, ...]:
    if wiring.values:
        return wiring.values
    return tuple(value for shape in shapes for value in (*shape.values, *(_RAW if shape.raw else ())))


def _named(values: Sequence[Value], wiring: Wiring) -> list[Value]:
    """Return the values, those whose kind the profile leaves to the site as what the site says."""
    only = wiring.measures[0] if len(wiring.measures) == 1 else None
    return [replace(value, measures=only) if value.measures is None else value for value in values]
