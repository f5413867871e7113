"""Whether one value can be believed: accepted, suspect or rejected, with the reason in words.

Rule: nothing is corrected and nothing is dropped; a rejected value silences its quantity, a suspect one
waits for the sensor's next word. All limits here are ours: the contract speaks of rooms, not of sensors.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.model import Mark, Observation, Quantity, Sensor
from safetyd.core.rules import QualityRule
from safetyd.core.units import celsius, fahrenheit

AGREE_F = 3.0  # a smaller jump is weather, a door, a hand; and two readings this close bear each other out
_ERROR_CODES_C = frozenset({85.0, -127.0, 127.94, 127.99, 327.67, 999.0, -99.5})
_ERROR_PAIRS_C = frozenset({(0.0, 0.0), (-45.0, 0.0), (130.0, 100.0)})
_MOST_HUMID = 102.0  # a capacitive sensor in wet air overshoots; beyond it is broken
_HIGHEST_V = 1000.0
_FULL = 100.0


class Latest(NamedTuple):
    """A value that counts from `at` up to and including `until`."""

    value: float
    at: datetime
    until: datetime


class Belief(NamedTuple):
    """What is remembered of one sensor's temperature: the last accepted, and one that waits."""

    reference: Latest | None = None
    suspect: Latest | None = None


class Flaw(NamedTuple):
    """Why one value is not simply accepted."""

    quantity: Quantity
    mark: Mark
    reason: str


class Judged(NamedTuple):
    """What may be counted of an observation; `confirmed` is an earlier suspect that now counts."""

    temperature_f: float | None
    humidity: float | None
    flaws: tuple[Flaw, ...] = ()
    confirmed: Latest | None = None


def window(sensor: Sensor, quality: QualityRule) -> timedelta:
    """Return how long a reading of this sensor counts at most."""
    if sensor.interval is None:
        return quality.stale_after
    return max(quality.stale_after, 3 * sensor.interval)


def judge(belief: Belief, observation: Observation, quality: QualityRule) -> tuple[Belief, Judged]:
    """Return the sensor's new memory and what may be counted of this observation."""
    temp_f, humidity = temperature_f(observation), observation.humidity
    flaws = _flaws(observation, temp_f, quality)
    confirmed = None
    if flaws:
        rejected = {flaw.quantity for flaw in flaws}
        temp_f = None if Quantity.TEMPERATURE in rejected else temp_f
        humidity = None if Quantity.HUMIDITY in rejected else humidity
    if temp_f is not None:
        at = observation.observed_at
        latest = Latest(temp_f, at, at + window(observation.sensor, quality))
        reference, suspect = belief
        if suspect is not None and abs(suspect.value - temp_f) <= AGREE_F:
            confirmed, belief = suspect, Belief(latest)
        elif reference is not None and _is_jump(reference, latest, quality):
            flaws = (*flaws, _jump(reference, latest))
            temp_f, belief = None, Belief(reference, latest)
        else:
            belief = Belief(latest)
    if humidity is not None and humidity > 100:
        humidity = 100.0
    return belief, Judged(temp_f, humidity, flaws, confirmed)


def has_flaw_beside(observation: Observation) -> bool:
    """Return whether something is wrong with the values beside temperature and humidity."""
    voltage, battery = observation.voltage, observation.battery
    return (voltage is not None and not is_voltage(voltage)) or (
        battery is not None and not 0 <= battery <= _FULL
    )


def is_voltage(voltage: float) -> bool:
    """Return whether a building's mains may have this many volts."""
    return 0 <= voltage <= _HIGHEST_V


def temperature_f(observation: Observation) -> float | None:
    """Return an observation's temperature in °F, whatever unit it was sent in."""
    if observation.temperature_f is not None:
        return observation.temperature_f
    return None if observation.temperature_c is None else fahrenheit(observation.temperature_c)


def _is_jump(reference: Latest, latest: Latest, quality: QualityRule) -> bool:
    step_f = abs(latest.value - reference.value)
    if step_f <= AGREE_F or latest.at > reference.until:
        return False
    minutes = (latest.at - reference.at) / timedelta(minutes=1)
    return step_f > quality.max_step_f_per_min * minutes


def _jump(reference: Latest, latest: Latest) -> Flaw:
    seconds = (latest.at - reference.at).total_seconds()
    reason = (
        f"{latest.value:.1f} °F {seconds:.0f} s after {reference.value:.1f} °F; waits for the next reading"
    )
    return Flaw(Quantity.TEMPERATURE, Mark.SUSPECT, reason)


def _flaws(observation: Observation, temp_f: float | None, quality: QualityRule) -> tuple[Flaw, ...]:
    found = []
    humidity = observation.humidity
    if temp_f is not None:
        low_c, high_c = quality.range_c
        if not fahrenheit(low_c) <= temp_f <= fahrenheit(high_c):
            found.append(
                _rejected(
                    Quantity.TEMPERATURE, f"{_native(observation)} is outside {_span(observation, quality)}"
                )
            )
        elif humidity in (0.0, 100.0) and (celsius(temp_f), humidity) in _ERROR_PAIRS_C:
            found.append(
                _rejected(
                    Quantity.TEMPERATURE, f"{_native(observation)} with {humidity:g} % is an error code"
                )
            )
        elif (observation.temperature_c or 0.0) in _ERROR_CODES_C or temp_f == 185.0:
            found.append(_rejected(Quantity.TEMPERATURE, f"{_native(observation)} is an error code"))
    if humidity is not None:
        if not 0 <= humidity <= _MOST_HUMID:
            found.append(_rejected(Quantity.HUMIDITY, f"{humidity:g} % is outside 0 to 100 %"))
        elif 0 < humidity <= 1:
            found.append(_rejected(Quantity.HUMIDITY, f"{humidity:g} is a fraction; percent is expected"))
        elif (
            temp_f is not None and humidity in (0.0, 100.0) and (celsius(temp_f), humidity) in _ERROR_PAIRS_C
        ):
            found.append(
                _rejected(Quantity.HUMIDITY, f"{humidity:g} % with {_native(observation)} is an error code")
            )
    if observation.voltage is not None and not is_voltage(observation.voltage):
        found.append(
            _rejected(Quantity.VOLTAGE, f"{observation.voltage:g} V is outside 0 to {_HIGHEST_V:g} V")
        )
    if observation.battery is not None and not 0 <= observation.battery <= 100:
        found.append(_rejected(Quantity.BATTERY, f"{observation.battery:g} % is outside 0 to 100 %"))
    return tuple(found)


def _rejected(quantity: Quantity, reason: str) -> Flaw:
    return Flaw(quantity, Mark.REJECTED, reason)


def _span(observation: Observation, quality: QualityRule) -> str:
    low_c, high_c = quality.range_c
    if observation.temperature_f is None:
        return f"{low_c:g} to {high_c:g} °C"
    return f"{fahrenheit(low_c):g} to {fahrenheit(high_c):g} °F"


def _native(observation: Observation) -> str:
    if observation.temperature_f is not None:
        return f"{observation.temperature_f:g} °F"
    return f"{observation.temperature_c:g} °C"
