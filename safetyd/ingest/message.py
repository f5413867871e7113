"""A message as it came off the wire, and what can be understood of one payload."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from safetyd.core.errors import SafetydError
from safetyd.core.model import Quantity


class Message(NamedTuple):
    """One MQTT message and the moment it reached us."""

    received_at: datetime
    topic: str
    payload: bytes
    retain: bool = False


class PayloadError(SafetydError):
    """A payload that cannot be read at all."""


class Sample(NamedTuple):
    """One value as it came: `unit` is degC, degF, %, V, W, kWh, Wh or bool (a battery's: is it good).

    `channel` tells it from others of its kind.
    """

    quantity: Quantity
    value: float | bool
    unit: str
    channel: str = ""


class Heard(NamedTuple):
    """All that one message says. `refusals` are values that are there and cannot be taken, in words; `reason`
    says why nothing came out although nothing is wrong.

    `presence` is a word on whether the device, or with `is_bridge` all that speak through it, is there.
    Stamps are as they were sent: the device's own clock, and that of the gateway that passed it on.
    `counter` numbers a device's messages, within a session: what comes twice was repeated on the way.
    """

    samples: tuple[Sample, ...] = ()
    refusals: tuple[str, ...] = ()
    reason: str = ""
    presence: bool | None = None
    is_bridge: bool = False
    device_stamp: str | float | None = None
    gateway_stamp: str | float | None = None
    counter: str | None = None


Reader = Callable[[str, bytes], Heard]  # from topic and payload; raises PayloadError


Values = tuple[
    float | None,
    float | None,
    float | None,
    bool | None,
    float | None,
    float | None,
    float | None,
    float | None,
    bool | None,
    float | None,
]
_NO_VALUES: Values = (None,) * 10


class Decoded(NamedTuple):
    """What a message says for one sensor, in native units; the rest is as in Heard."""

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
    stamp: str | float | None = None
    gateway_stamp: str | float | None = None
    counter: str | None = None
    refusals: tuple[str, ...] = ()
    presence: bool | None = None

    @property
    def values(self) -> Values:
        """The values alone, in the order of an Observation's."""
        return self[:10]

    @property
    def has_value(self) -> bool:
        """Whether anything was said that can be used."""
        return self[:10] != _NO_VALUES
