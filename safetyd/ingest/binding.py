"""One sensor's share of what its messages say.

Rule: what the site file leaves open is never guessed. Where several values of a kind come in one message and
no channel is named, they are refused, and the refusal names the channels there are.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from safetyd.core.model import Quantity
from safetyd.ingest import sparkplug
from safetyd.ingest.decode import reader
from safetyd.ingest.message import Decoded, Heard, PayloadError, Reader, Sample
from safetyd.ingest.native import decode as native
from safetyd.profile import NATIVE, SPARKPLUG
from safetyd.site_readings import SensorBinding, wanted

Decode = Callable[[str, bytes], Decoded]  # from topic and payload; raises PayloadError
_FIELDS = {
    (Quantity.TEMPERATURE, "degF"): "temperature_f",
    (Quantity.TEMPERATURE, "degC"): "temperature_c",
    (Quantity.HUMIDITY, "%"): "humidity",
    (Quantity.MAINS, "bool"): "mains",
    (Quantity.VOLTAGE, "V"): "voltage",
    (Quantity.POWER, "W"): "power_w",
    (Quantity.BATTERY, "%"): "battery",
    (Quantity.BATTERY, "V"): "battery_v",
    (Quantity.BATTERY, "bool"): "battery_ok",
    (Quantity.ENERGY, "kWh"): "energy_kwh",
    (Quantity.ENERGY, "Wh"): "energy_kwh",
}


def decoder(binding: SensorBinding, taken: Collection[Quantity]) -> Decode:
    """Return what reads the messages of a sensor of the site file; of its values only those `taken` count."""
    if binding.format == NATIVE:
        return native_decoder
    wiring = binding.wiring
    if not wiring.measures and not wiring.values:
        wiring = replace(wiring, measures=tuple(sorted(wanted(binding))))
    quantities, channel = frozenset({*taken, Quantity.BATTERY}), wiring.channel
    if binding.format == SPARKPLUG:
        return _of_device(binding.topic.count("/"), sparkplug.reader(wiring), quantities)
    assert binding.profile is not None
    read = reader(binding.profile, wiring)
    return lambda topic, payload: share(read(topic, payload), quantities, channel)


def quantities(binding: SensorBinding, topic: str, payload: bytes) -> frozenset[Quantity]:
    """Return what a message speaks of, whether or not it counts there; nothing if it cannot be read."""
    wiring = binding.wiring
    if not wiring.measures and not wiring.values:
        wiring = replace(wiring, measures=tuple(Quantity))
    try:
        if binding.format == NATIVE:
            said = native(payload)
            return frozenset(
                quantity for (quantity, _), field in _FIELDS.items() if getattr(said, field) is not None
            )
        read = sparkplug.reader(wiring) if binding.profile is None else reader(binding.profile, wiring)
        return frozenset(sample.quantity for sample in read(topic, payload).samples)
    except PayloadError:
        return frozenset()


def native_decoder(topic: str, payload: bytes) -> Decoded:
    """Read a native payload; its topic says only whose it is."""
    return native(payload)


def _of_device(depth: int, read: Reader, quantities: Collection[Quantity]) -> Decode:
    """A device of Sparkplug hears its node's births and deaths too, but the node's values are not its own."""

    def decode(topic: str, payload: bytes) -> Decoded:
        heard = read(topic, payload)
        if topic.count("/") != depth:
            heard = Heard(presence=None if heard.presence else heard.presence)
        return share(heard, quantities)

    return decode


def share(heard: Heard, quantities: Collection[Quantity], channel: str = "") -> Decoded:
    """Return what a message says of some quantities; `channel` is which of several of a kind is meant."""
    refusals = list(heard.refusals)
    values: dict[str, float | bool] = {}
    kinds: dict[Quantity, list[Sample]] = {}
    for sample in heard.samples:
        if sample.quantity in quantities:
            kinds.setdefault(sample.quantity, []).append(sample)
    for quantity, of_kind in kinds.items():
        meant = of_kind if len(of_kind) == 1 and not channel else _meant(of_kind, channel)
        if meant is None:
            names = ", ".join(sorted({sample.channel or "(unnamed)" for sample in of_kind}))
            refusals.append(
                f"{len(of_kind)} values of {quantity}; say in the site file which: channel = one of {names}"
            )
        else:
            for sample in meant:
                value = sample.value / 1000 if sample.unit == "Wh" else sample.value
                values[_FIELDS[quantity, sample.unit]] = value
    return Decoded(
        **values,  # type: ignore[arg-type]
        stamp=heard.device_stamp,
        gateway_stamp=heard.gateway_stamp,
        counter=heard.counter,
        refusals=tuple(refusals),
        presence=heard.presence,
    )


def _meant(of_kind: Sequence[Sample], channel: str) -> Sequence[Sample] | None:
    """The values that are meant, at most one a unit, of no other channel; None if nobody said which."""
    named = [sample for sample in of_kind if sample.channel == channel] if channel else of_kind
    if channel and not named:
        named = [sample for sample in of_kind if not sample.channel]
    if len({sample.unit for sample in named}) < len(named):
        return None
    is_one = len({sample.channel for sample in named}) <= 1
    return named if is_one else None
