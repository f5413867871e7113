"""How the watch is: a minute of grace, then the reasons."""

from datetime import UTC, datetime, timedelta

import pytest

from safetyd.web.health import AWAY_S, Pulse
from tests.web.school import School

NOW = datetime(2026, 10, 5, 15, 0, tzinfo=UTC)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def note(
    pulse: Pulse, clock: Clock, seconds: float, trouble: str = "", *, has_broker: bool = True
) -> list[str]:
    """Let time pass, turn the watch once, and return what is wrong."""
    clock.now_s += seconds
    pulse.note(NOW, trouble, has_broker=has_broker)
    return pulse.reasons()


@pytest.mark.parametrize(
    ("trouble", "has_broker", "hint"), [("", False, "broker"), ("disk full", True, "disk full")]
)
def test_what_is_away_for_a_minute_is_a_reason_and_a_second_less_is_not(
    trouble: str, has_broker: bool, hint: str
) -> None:
    clock = Clock()
    pulse = Pulse(clock)
    assert note(pulse, clock, 0, trouble, has_broker=has_broker) == []
    assert note(pulse, clock, AWAY_S - 1, trouble, has_broker=has_broker) == []
    (reason,) = note(pulse, clock, 1, trouble, has_broker=has_broker)
    assert hint in reason and "60 s" in reason
    assert note(pulse, clock, 1) == []
    assert note(pulse, clock, AWAY_S - 1, trouble, has_broker=has_broker) == []


def test_a_watch_that_stands_still_is_a_reason() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    clock.now_s += AWAY_S
    (reason,) = pulse.reasons()
    assert "stood still for 60 s" in reason


def test_time_goes_on_between_two_turns() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    note(pulse, clock, 0)
    clock.now_s += 2.5
    assert pulse.now() == NOW + timedelta(seconds=2.5)
    assert pulse.age_s() == 2.5


def test_all_well_is_200_and_a_reason_is_503_for_anybody(at_school: School) -> None:
    assert at_school.ask("/healthz").json == {"status": "ok"}
    clock = Clock()
    pulse = Pulse(clock)
    pulse.note(NOW, "", has_broker=False)
    clock.now_s += AWAY_S
    house = at_school.application._house
    at_school.application._house = house._replace(pulse=pulse)
    answer = at_school.ask("/healthz")
    assert answer.status == 503 and len(answer.json["reasons"]) == 2
    assert "broker" in answer.json["detail"]
