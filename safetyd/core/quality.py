"""Whether one value can be believed: accepted, suspect or rejected, with the reason in words.

Rule: nothing is corrected and nothing is dropped; a rejected value silences its quantity, a suspect one
waits for the sensor's next word. All limits here are ours: the contract speaks of rooms, not of sensors.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from safetyd.core.model import Mark, Observation, Offset, Quantity, Sensor
from safetyd.core.rules import QualityRule
from safetyd.core.units import celsius, fahrenheit

OR_FIRE = "a broken sensor, or fire"
AGREE_F = 3.0  # a smaller jump is weather, a door, a hand; and two readings this close bear each other out
_ERROR_CODES_C = frozenset({85.0, -127.0, 127.94, 127.99, 327.67, 999.0, -99.5})
_ERROR_CODES_F = frozenset({999.0, *(round(fahrenheit(code), 3) for code in _ERROR_CODES_C)})
_ERROR_PAIRS_C = frozenset({(0.0, 0.0), (-45.0, 0.0), (130.0, 100.0)})
SOAKED = 99.0  # percent; for more than an hour it is water on the sensor, or a broken one
MOST_HUMID = 102.0  # a capacitive sensor in wet air overshoots; beyond it is broken
NEAR_HUMIDITY = 10.0  # percent; less is a door, a hand, a cloud
_MAX_HUMIDITY_STEP = 25.0  # percent a minute; air conditioning makes 19 when it starts
_HIGHEST_V = 1000.0
HIGHEST_CELL_V = 30.0  # no sensor has more cells than that
_FULL = 100.0
_NEAR_F, _FAR_F = 10.0, 25.0  # the other unit fits what is known, this one does not
_REMEMBERED = timedelta(hours=24)  # after that a room may have any temperature
_ROOM_F, _ROOM_C = (50.0, 95.0), (10.0, 35.0)  # what a room that people use may well have


class Latest(NamedTuple):
    """A value that counts from `at` up to and including `until`."""

    value: float
    at: datetime
    until: datetime


class Belief(NamedTuple):
    """What is remembered of one sensor: its last accepted temperature and humidity, and those that wait.

    `mixed_at` is when it last sent the wrong unit.
    """

    reference: Latest | None = None
    suspect: Latest | None = None
    humidity: Latest | None = None
    damp: Latest | None = None
    mixed_at: datetime | None = None


class Flaw(NamedTuple):
    """Why one value is not simply accepted."""

    quantity: Quantity
    mark: Mark
    reason: str


class Judged(NamedTuple):
    """What may be counted of an observation; `confirmed` are earlier suspects that now count.

    They count each at its own time, in order of it: see `borne_out`.
    """

    temperature_f: float | None
    humidity: float | None
    flaws: tuple[Flaw, ...] = ()
    confirmed: Latest | None = None
    confirmed_humidity: Latest | None = None

    @property
    def borne_out(self) -> list[tuple[datetime, "Judged"]]:
        """What now counts at an earlier time."""
        found = []
        if self.confirmed is not None:
            found.append((self.confirmed.at, Judged(self.confirmed.value, None)))
        if self.confirmed_humidity is not None:
            found.append((self.confirmed_humidity.at, Judged(None, self.confirmed_humidity.value)))
        return sorted(found, key=lambda each: each[0])


def window(sensor: Sensor, quality: QualityRule) -> timedelta:
    """Return how long a reading of this sensor counts at most."""
    if sensor.lapse is not None:
        return sensor.lapse
    if sensor.interval is None:
        return quality.stale_after
    return max(quality.stale_after, 3 * sensor.interval)


def judge(belief: Belief, observation: Observation, quality: QualityRule) -> tuple[Belief, Judged]:
    """Return the sensor's new memory and what may be counted of this observation."""
    temp_f, humidity = temperature_f(observation), relative_humidity(observation)
    flaws = _flaws(observation, quality)
    confirmed = confirmed_humidity = None
    if not flaws and (flaws := _mixed_up(belief, observation)):
        # Whatever waited was not borne out; and what is known of the unit stays known while it goes on.
        belief = belief._replace(suspect=None, mixed_at=observation.observed_at)
    if flaws:
        rejected = {flaw.quantity for flaw in flaws}
        temp_f = None if Quantity.TEMPERATURE in rejected else temp_f
        humidity = None if Quantity.HUMIDITY in rejected else humidity
    if temp_f is not None:
        at = observation.observed_at
        latest = Latest(temp_f, at, at + window(observation.sensor, quality))
        reference, suspect = belief.reference, belief.suspect
        if suspect is not None and abs(suspect.value - temp_f) <= AGREE_F:
            confirmed, belief = suspect, belief._replace(reference=latest, suspect=None, mixed_at=None)
        elif reference is not None and _is_jump(reference, latest, quality):
            flaws = (*flaws, _jump(reference, latest))
            temp_f, belief = None, belief._replace(suspect=latest)
        else:
            belief = belief._replace(reference=latest, suspect=None, mixed_at=None)
    if humidity is not None:
        belief, humidity, confirmed_humidity, leapt = _judge_humidity(belief, observation, humidity, quality)
        flaws = (*flaws, leapt) if leapt else flaws
    return belief, Judged(temp_f, humidity, flaws, confirmed, confirmed_humidity)


def _judge_humidity(
    belief: Belief, observation: Observation, humidity: float, quality: QualityRule
) -> tuple[Belief, float | None, Latest | None, Flaw | None]:
    """Hold back a humidity that leapt, until the next one is near it."""
    at, humidity = observation.observed_at, min(max(humidity, 0.0), 100.0)
    latest, old = Latest(humidity, at, at + window(observation.sensor, quality)), belief.humidity
    if belief.damp is not None and abs(belief.damp.value - humidity) <= NEAR_HUMIDITY:
        return belief._replace(humidity=latest, damp=None), humidity, belief.damp, None
    is_near = old is None or at > old.until or abs(humidity - old.value) <= NEAR_HUMIDITY
    if old is None or is_near or abs(humidity - old.value) <= _MAX_HUMIDITY_STEP * _minutes(old, latest):
        return belief._replace(humidity=latest, damp=None), humidity, None, None
    seconds = _minutes(old, latest) * 60
    reason = f"{humidity:.0f} % {seconds:.0f} s after {old.value:.0f} %; waits for the next reading"
    return belief._replace(damp=latest), None, None, Flaw(Quantity.HUMIDITY, Mark.SUSPECT, reason)


def _minutes(before: Latest, after: Latest) -> float:
    return (after.at - before.at) / timedelta(minutes=1)


def has_flaw_beside(observation: Observation) -> bool:
    """Return whether something is wrong with the values beside temperature and humidity."""
    return bool(_flaws_beside(observation))


def is_voltage(voltage: float) -> bool:
    """Return whether a building's mains may have this many volts."""
    return 0 <= voltage <= _HIGHEST_V


def temperature_f(observation: Observation) -> float | None:
    """Return an observation's temperature in °F, whatever unit it was sent in, as calibrated."""
    sent_f, sent_c = observation.temperature_f, observation.temperature_c
    temp_f = sent_f if sent_f is not None or sent_c is None else fahrenheit(sent_c)
    if temp_f is None or not observation.sensor.offsets:
        return temp_f
    return temp_f + offset(observation).temperature_f


def relative_humidity(observation: Observation) -> float | None:
    """Return an observation's humidity in percent, as calibrated."""
    humidity = observation.humidity
    if humidity is None or not observation.sensor.offsets:
        return humidity
    return humidity + offset(observation).humidity


def offset(observation: Observation) -> Offset:
    """Return by how much the sensor was known to be off at the time of an observation."""
    found = Offset()
    for each in observation.sensor.offsets:
        if each.since is None or each.since <= observation.observed_at:
            found = each
    return found


def may_be_in_other_unit(observation: Observation) -> bool:
    """Return whether a temperature would be an ordinary room's if it were in the unit it was not sent in."""
    sent_f, sent_c = observation.temperature_f, observation.temperature_c
    if sent_f is not None:
        return _ROOM_C[0] <= sent_f <= _ROOM_C[1]
    return sent_c is not None and _ROOM_F[0] <= sent_c <= _ROOM_F[1]


def doubt_of(observation: Observation, belief: Belief, peers_f: Sequence[float]) -> str | None:
    """Return why a temperature is probably in the other unit, going by what other rooms have.

    A sensor that has come to its value step by step is believed: rooms do freeze.
    """
    temp_f, other_f = temperature_f(observation), _in_other_unit(observation)
    if temp_f is None or other_f is None or len(peers_f) < 2 or not may_be_in_other_unit(observation):
        return None
    reference = belief.reference
    if reference is not None and abs(reference.value - temp_f) <= _FAR_F:
        return None
    usual_f = median(peers_f)
    if abs(temp_f - usual_f) <= max(_FAR_F, abs(other_f - usual_f)):
        return None
    wrong = f"{_native(observation)} is probably {_other_unit(observation)}"
    return f"{wrong}: other rooms here are at {usual_f:.0f} °F"


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


def _flaws(observation: Observation, quality: QualityRule) -> tuple[Flaw, ...]:
    humidity = observation.humidity
    found = []
    if observation.temperature_f is not None or observation.temperature_c is not None:
        reason = _temperature_flaw(observation, quality) or observation.doubt
        found += [_rejected(Quantity.TEMPERATURE, reason)] if reason else []
    if humidity is not None:
        reason = _humidity_flaw(observation, humidity) or observation.doubt
        found += [_rejected(Quantity.HUMIDITY, reason)] if reason else []
    return (*found, *_flaws_beside(observation))


def _temperature_flaw(observation: Observation, quality: QualityRule) -> str | None:
    native, temp_f = _native(observation), _sent_f(observation)
    if _is_error_pair(observation):
        return f"{native} with {observation.humidity:g} % is an error code"
    sent = observation.temperature_c if observation.temperature_f is None else observation.temperature_f
    if sent in observation.sensor.invalid:
        return f"{native} is this sensor's word for not known"
    if (observation.temperature_c or 0.0) in _ERROR_CODES_C or round(temp_f, 3) in _ERROR_CODES_F:
        return f"{native} is an error code"
    low_c, high_c = quality.range_c
    if not fahrenheit(low_c) <= temp_f <= fahrenheit(high_c):
        hint = f"; perhaps it is {_other_unit(observation)}" if may_be_in_other_unit(observation) else ""
        fire = f"; {OR_FIRE}" if temp_f > fahrenheit(high_c) else ""
        return f"{native} is outside {_span(observation, quality)}{hint}{fire}"
    return None


def _humidity_flaw(observation: Observation, humidity: float) -> str | None:
    if not 0 <= humidity <= MOST_HUMID:
        return f"{humidity:g} % is outside 0 to 100 %"
    if 0 < humidity <= 1:
        return f"{humidity:g} is a fraction; percent is expected"
    if _is_error_pair(observation):
        return f"{humidity:g} % with {_native(observation)} is an error code"
    return None


def _is_error_pair(observation: Observation) -> bool:
    humidity = observation.humidity
    if humidity not in (0.0, 100.0) or temperature_f(observation) is None:
        return False
    if humidity == observation.temperature_f == 0.0:
        return True
    return (celsius(_sent_f(observation)), humidity) in _ERROR_PAIRS_C


def _flaws_beside(observation: Observation) -> tuple[Flaw, ...]:
    voltage, battery, battery_v = observation.voltage, observation.battery, observation.battery_v
    energy_kwh = observation.energy_kwh
    if voltage is None and battery is None and battery_v is None and energy_kwh is None:
        return ()
    found = []
    if voltage is not None and not is_voltage(voltage):
        found.append(_rejected(Quantity.VOLTAGE, f"{voltage:g} V is outside 0 to {_HIGHEST_V:g} V"))
    if battery is not None and not 0 <= battery <= _FULL:
        found.append(_rejected(Quantity.BATTERY, f"{battery:g} % is outside 0 to 100 %"))
    if battery_v is not None and not 0 <= battery_v <= HIGHEST_CELL_V:
        found.append(_rejected(Quantity.BATTERY, f"{battery_v:g} V is outside 0 to {HIGHEST_CELL_V:g} V"))
    if energy_kwh is not None and energy_kwh < 0:
        found.append(_rejected(Quantity.ENERGY, f"{energy_kwh:g} kWh: a register counts from 0 up"))
    return tuple(found)


def _mixed_up(belief: Belief, observation: Observation) -> tuple[Flaw, ...]:
    """A value that leapt to where the other unit would put the sensor's last one."""
    temp_f, other_f = temperature_f(observation), _in_other_unit(observation)
    if temp_f is None or other_f is None or belief.reference is None:
        return ()
    before_f = belief.reference.value
    if (
        observation.observed_at - max(belief.reference.at, belief.mixed_at or belief.reference.at)
        > _REMEMBERED
    ):
        return ()
    if abs(other_f - before_f) > _NEAR_F or abs(temp_f - before_f) <= _FAR_F:
        return ()
    reason = f"{_native(observation)} after {before_f:.1f} °F is probably {_other_unit(observation)}"
    return (_rejected(Quantity.TEMPERATURE, reason),)


def _sent_f(observation: Observation) -> float:
    if observation.temperature_f is not None:
        return observation.temperature_f
    return fahrenheit(observation.temperature_c or 0.0)


def _in_other_unit(observation: Observation) -> float | None:
    """What a temperature would be, in °F, if it were in the unit it was not sent in."""
    if observation.temperature_f is not None:
        return fahrenheit(observation.temperature_f)
    return observation.temperature_c


def _other_unit(observation: Observation) -> str:
    return "°F" if observation.temperature_f is None else "°C"


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
