"""Where a hostile message goes: the whole way from topic and bytes to judged readings, and what holds there.

Rule: a case is complete in itself. Nothing may come of it but a refusal in words, or a reading that is finite
and in range.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from math import isfinite
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.calendar import Calendar
from safetyd.core.clocks import AHEAD
from safetyd.core.model import Observation
from safetyd.core.quality import Belief, Latest, judge
from safetyd.core.rules import QualityRule, RuleBook
from safetyd.core.units import fahrenheit
from safetyd.hearing import Hearing
from safetyd.ingest.binding import Decode
from safetyd.ingest.message import Message
from safetyd.ingest.topics import Route
from safetyd.profile import NATIVE, SPARKPLUG, Profile, Wiring, shipped_profiles
from safetyd.site import Building, Room, SensorBinding, Site

AT = datetime(2026, 12, 1, 16, tzinfo=UTC)
QUALITY = QualityRule()
_ZONE = ZoneInfo("America/Los_Angeles")
_MINUTE = timedelta(minutes=1)
_MOST_HUMID = 102.0  # it is taken as 100
_LOW_F, _HIGH_F = map(fahrenheit, QUALITY.range_c)
_WARM = Latest(70.0, AT - _MINUTE, AT + 14 * _MINUTE)
_BELIEFS = (Belief(), Belief(_WARM), Belief(_WARM, _WARM._replace(value=90.0)))


class Outcome(StrEnum):
    """What became of a message."""

    COUNTED = "gave a value that counts"
    REJECTED = "gave only values that are not believed"
    REFUSED = "refused in words"
    NOTHING = "said nothing that is read"


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How a sensor is read: its format and what the site file says; `options` is the same, for people."""

    format: str
    wiring: Wiring = field(default_factory=Wiring)
    options: str = "{}"
    is_mains: bool = False
    topic: str = "#"


class Case(NamedTuple):
    """One message to one sensor; `before` are messages that the sensor heard earlier."""

    way: Way
    topic: str
    payload: bytes
    retain: bool = False
    before: tuple[tuple[str, bytes], ...] = ()


def put(case: Case) -> Outcome:
    """Send a message the whole way and return what became of it.

    Raises:
        Exception: something that must hold did not.
    """
    hearing = _listener(case.way) if case.way.format == SPARKPLUG else _hearing(case.way)
    for topic, payload in case.before:
        tuple(hearing.hear(Message(AT - _MINUTE, topic, payload), {}))
    found = {Outcome.NOTHING}
    for word in hearing.hear(Message(AT, case.topic, case.payload, case.retain), {}):
        for _, text in (*word.refused, *word.complaints):
            assert text.encode(), "a refusal says why"
        found |= {Outcome.REFUSED} if word.refused else set()
        if word.observation is not None:
            _hold_to_presence(case, word.speaker.route)
            found.add(_held(word.observation, case.retain))
    return next(outcome for outcome in Outcome if outcome in found)


def _hold_to_presence(case: Case, route: Route) -> None:
    """A word on whether a device is there is no reading; only a Sparkplug birth is both."""
    if case.way.format != SPARKPLUG:
        assert route.decode(case.topic, case.payload).presence is None, "availability made a reading"


def _held(spoke: Observation, retain: bool) -> Outcome:
    """Hold an observation to what must hold of it, and return whether any of it counts."""
    assert spoke.retained or not retain, "a retained message counts as live"
    assert spoke.observed_at <= AT + AHEAD, "a clock ahead is believed"
    (spoke.stamp or "").encode()
    for value in _numbers(spoke):
        assert isinstance(value, bool) or isfinite(value), f"{value} is no finite number"
    counts = False
    for belief in _BELIEFS:
        after, judged = judge(belief, spoke, QUALITY)
        for flaw in judged.flaws:
            assert flaw.reason.encode(), "a flaw says why"
        temp_f, humidity = judged.temperature_f, judged.humidity
        assert temp_f is None or _LOW_F <= temp_f <= _HIGH_F, f"{temp_f} °F is accepted"
        assert humidity is None or 0 <= humidity <= 100, f"{humidity} % is accepted"
        assert humidity is None or 0 <= (spoke.humidity or 0) <= _MOST_HUMID, (
            f"{spoke.humidity} % is accepted"
        )
        assert all(isfinite(each.value) for each in after if isinstance(each, Latest))
        rejected = {flaw.quantity for flaw in judged.flaws}
        counts = counts or len(rejected) < sum(1 for _ in _numbers(spoke))
    return Outcome.COUNTED if counts else Outcome.REJECTED


def _numbers(spoke: Observation) -> Iterator[float]:
    """Every value that was observed."""
    values = (
        spoke.temperature_f, spoke.temperature_c, spoke.humidity, spoke.mains, spoke.voltage,
        spoke.power_w, spoke.battery, spoke.battery_v, spoke.battery_ok,
    )  # fmt: skip
    return (value for value in values if value is not None)


def decode_of(way: Way) -> Decode:
    """Return what reads the messages of a sensor, as the site file would have it."""
    return next(iter(_listener(way).routes.all())).decode


@cache
def _hearing(way: Way) -> Hearing:
    return _listener(way)


def _listener(way: Way) -> Hearing:
    """Return what hears one sensor, on whatever topic it speaks."""
    room = None if way.is_mains else "12"
    binding = SensorBinding(
        "a", way.topic, way.format, room, way.is_mains, profile=_profile(way), wiring=way.wiring
    )
    building = Building("maple", "Maple", (Room("12", "Room 12"),), (binding,))
    return Hearing(Site("Riverbend", _ZONE, RuleBook(), Calendar(_ZONE), (building,)), "safetyd", [])


def _profile(way: Way) -> Profile | None:
    return None if way.format in (NATIVE, SPARKPLUG) else shipped_profiles()[way.format]
