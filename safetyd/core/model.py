"""The nouns: what is measured, where, and the words for what is decided about it.

Rule: only values here, no behaviour beyond naming. Every time is an aware datetime in UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class Condition(StrEnum):
    """What a clause is about."""

    COLD = "cold"
    HEAT = "heat"
    OUTAGE = "outage"
    HAZARD = "hazard"


CLAUSE = {
    Condition.COLD: "9.14.3",
    Condition.HEAT: "9.14.3",
    Condition.OUTAGE: "9.14.5",
    Condition.HAZARD: "9.14.4",
}


class Verdict(StrEnum):
    """What is known of a place under a condition; silence and bad data are UNKNOWN, never OK."""

    OK = "ok"
    BREACH = "breach"
    UNKNOWN = "unknown"


class Hazard(StrEnum):
    """The classes of 9.9.2.C, told apart as far as relief differs."""

    ELECTRICITY = "electricity"
    INTERNET = "internet"
    WATER = "water"
    PESTS = "pests"
    MOLD = "mold"
    ASBESTOS = "asbestos"
    SMOKE = "smoke"
    AIR_QUALITY = "air_quality"
    LEAKS = "leaks"
    TEMPERATURE = "temperature"
    OTHER = "other"


class Role(StrEnum):
    """Who a person is to a building; decides what they are told."""

    FACILITIES = "facilities"
    ADMINISTRATOR = "administrator"
    SAFETY_COMMITTEE = "safety_committee"
    DISTRICT = "district"
    ASSOCIATION = "association"
    EDUCATOR = "educator"


class Quantity(StrEnum):
    """What a sensor measures."""

    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    MAINS = "mains"
    VOLTAGE = "voltage"
    POWER = "power"
    BATTERY = "battery"
    ENERGY = "energy"


class Mark(StrEnum):
    """How far one value is believed."""

    ACCEPTED = "accepted"
    SUSPECT = "suspect"
    REJECTED = "rejected"
    RETAINED = "retained"


class TroubleKind(StrEnum):
    """Faults of the monitoring itself."""

    SILENT = "silent"
    STUCK = "stuck"
    IMPLAUSIBLE = "implausible"
    UNREADABLE = "unreadable"
    CLOCK = "clock"
    BATTERY = "battery"
    GAP = "gap"
    DISAGREEMENT = "disagreement"
    DRIFT = "drift"
    BABBLING = "babbling"
    UNDELIVERABLE = "undeliverable"
    CONFIGURATION = "configuration"


class Place(NamedTuple):
    """A room, or with `room` None the building as a whole."""

    building: str
    room: str | None

    def __str__(self) -> str:
        return self.building if self.room is None else f"{self.building}/{self.room}"


FROM_AFAR = "-watch"  # ends the name of the tickets that are opened from afar, and so no building's
EVERYWHERE = Place("", None)  # what concerns no building more than another


def same_name(name: str) -> str:
    """Return a person's name so that it is the same however somebody types it."""
    return " ".join(name.split()).casefold()


HAND = "hand:"  # begins the name of a person's instrument; no device may call itself so
SILENCE = "silence:"  # begins the name of what speaks by falling silent: devices that live on the mains
GATEWAY = "gateway:"  # and of another safetyd, which knows since when power is out
IMPORT = "import:"  # begins the name of what a file was imported of: the past, and never how a place stands


class Offset(NamedTuple):
    """What is added to a sensor's values from `since` on (None: from the beginning), as it was calibrated."""

    since: datetime | None = None
    temperature_f: float = 0.0
    humidity: float = 0.0


class Tolerance(NamedTuple):
    """By how much, either way, a sensor's values may be off by what its maker or calibration says."""

    temperature_f: float = 0.0
    humidity: float = 0.0


@dataclass(frozen=True, slots=True)
class Sensor:
    """One device at one place; `interval` is how often it is expected to report, if that is known.

    `invalid` are temperatures, in the unit it sends, by which this device says that it knows none. `offsets`
    are in order of time. With `lapse` its word counts for so long and no longer. `tolerance` decides
    nothing; it says how sure a value is. `key` names it among all sensors.
    """

    place: Place
    id: str
    interval: timedelta | None = None
    invalid: frozenset[float] = frozenset()
    offsets: tuple[Offset, ...] = ()
    lapse: timedelta | None = None
    tolerance: Tolerance | None = None
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.place}/{self.id}")

    def __str__(self) -> str:
        return self.key


class Observation(NamedTuple):
    """What one sensor said at one moment. Temperatures are native: one of the two units is given.

    `observed_at` is when it was true; `device_at` and `gateway_at` are what the clocks of the device and of
    its gateway said, `stamp` their words where they are not believed. `battery_ok` is the device's own word,
    `energy_kwh` a register that only rises.
    `by_hand` is a person's instrument: the contract's own (9.9.2), so one reading is enough. `doubt` says why
    temperature and humidity cannot be believed although they look sound in themselves.
    """

    sensor: Sensor
    observed_at: datetime
    received_at: datetime
    temperature_f: float | None = None
    temperature_c: float | None = None
    humidity: float | None = None
    mains: bool | None = None
    voltage: float | None = None
    power_w: float | None = None
    battery: float | None = None
    battery_v: float | None = None
    battery_ok: bool | None = None
    energy_kwh: float | None = None
    retained: bool = False
    stamp: str | None = None
    by_hand: bool = False
    device_at: datetime | None = None
    gateway_at: datetime | None = None
    doubt: str | None = None

    @property
    def values(self) -> tuple[float | None, ...]:
        """What was said alone, from temperature_f to energy_kwh."""
        return self[3:13]


class Worst(NamedTuple):
    """The most extreme value of a breach; `assumed_dry` when no humidity was known and 0 % was taken."""

    value: float
    at: datetime
    assumed_dry: bool = False


class Finding(NamedTuple):
    """An episode that began (`ended_at` None) or ended, as one room or building went through it."""

    condition: Condition
    began_at: datetime
    ended_at: datetime | None
    worst: Worst | None = None
    seen: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of breach at one place under one condition.

    `seen` is how much of it rests on readings; `opens` says that the breach counts from this moment for a
    ticket (under `hold` the work hours may begin later).
    """

    place: Place
    condition: Condition
    began_at: datetime
    ended_at: datetime | None = None
    worst: Worst | None = None
    seen: timedelta = timedelta(0)
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault of the monitoring, from its beginning to its end."""

    kind: TroubleKind
    sensor: str
    place: Place | None
    began_at: datetime
    ended_at: datetime | None = None
    note: str = ""
