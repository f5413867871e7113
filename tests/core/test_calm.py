"""The short way of a calm reading leads exactly where the long way leads."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.core import room
from safetyd.core.model import Observation, Place, Sensor
from safetyd.core.rules import RuleBook, Rules
from tests.examples import examples

BEGIN = datetime(2026, 11, 2, 16, tzinfo=UTC)
RULES = Rules()
SENSORS = [Sensor(Place("maple", "12"), name) for name in ("12", "12", "12", "window")]

readings = st.builds(
    lambda sensor, minutes, temperature, in_celsius, humidity, battery: (
        sensor,
        minutes,
        {"temperature_c": (temperature - 32) / 1.8} if in_celsius else {"temperature_f": temperature},
        humidity,
        battery,
    ),
    st.sampled_from(SENSORS),
    st.sampled_from([0, 1, 5, 15, 16]),
    st.sampled_from([32.0, 59.9, 60.0, 60.5, 61.0, 70.0, 72.9, 79.9, 82.0, 84.0, 88.0, 119.0, 185.0, -40.0]),
    st.booleans(),
    st.sampled_from([None, 0.0, 0.5, 1.0, 30.0, 44.0, 60.0, 99.9, 100.0, 101.0, 120.0]),
    st.sampled_from([None, None, None, 50.0, 130.0]),
)


@given(st.lists(readings, max_size=25))
@settings(derandomize=True, max_examples=examples(400))
def test_a_calm_reading_leaves_the_room_as_the_long_way_does(said: list) -> None:
    standing, at = room.EMPTY, BEGIN
    for sensor, minutes, temperature, humidity, battery in said:
        at += timedelta(minutes=minutes)
        spoke = Observation(sensor, at, at, humidity=humidity, battery=battery, **temperature)
        seen = room.observe(standing, spoke, RuleBook((RULES,)))
        calm = room.calm(standing, spoke, RULES)
        if calm is not None:
            assert (calm, seen.findings, seen.judged.flaws) == (seen.room, (), ())
        standing = seen.room


def test_an_ordinary_reading_takes_the_short_way() -> None:
    first = Observation(SENSORS[0], BEGIN, BEGIN, temperature_f=70.0, humidity=40.0)
    standing = room.observe(room.EMPTY, first, RuleBook((RULES,))).room
    later = BEGIN + timedelta(minutes=1)
    again = Observation(SENSORS[0], later, later, temperature_f=70.2, humidity=40.0)
    assert room.calm(standing, again, RULES) is not None
