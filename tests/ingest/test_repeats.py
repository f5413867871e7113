"""What is said again counts once; what a bridge remembers is of unknown age."""

from datetime import UTC, datetime, timedelta

import pytest

from safetyd.core.model import Place, Sensor
from safetyd.ingest.binding import native_decoder
from safetyd.ingest.message import Decoded, Heard, Message
from safetyd.ingest.repeats import Repeats, frame_of
from safetyd.ingest.topics import Bridge, Route

NOW = datetime(2026, 12, 1, 16, 5, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SENSOR = Sensor(Place("maple", "12"), "a")
ROUTE = Route(SENSOR, "chirpstack", native_decoder, bridges=("mesh/bridge/state",))
LOCAL = ROUTE._replace(is_local_time=True)
BRIDGE = Bridge("bridge", "mesh/bridge/state", lambda topic, payload: Heard(), (SENSOR,), 10 * SECOND)


def at(now: datetime, *, retain: bool = False) -> Message:
    return Message(now, "topic", b"", retain)


def frames(repeats: Repeats, *said: Decoded, route: Route = ROUTE, every: timedelta = SECOND) -> list[bool]:
    """Return of each of these words whether it is a repeat, one after the other."""
    return [heard(repeats, each, at(NOW + i * every), route) for i, each in enumerate(said)]


def heard(repeats: Repeats, said: Decoded, message: Message, route: Route = ROUTE) -> bool:
    name = frame_of(said, message, route)
    is_repeat = repeats.is_repeat(1, name, said, message.received_at)
    if name is not None and not is_repeat:
        repeats.remember(1, name, said.values, message.received_at)
    return is_repeat


def frame(counter: str | None, temperature_c: float = 20.0) -> Decoded:
    return Decoded(temperature_c=temperature_c, counter=counter)


def test_a_frame_that_comes_twice_is_a_repeat() -> None:
    assert frames(Repeats(), frame("s/7"), frame("s/7"), frame("s/8"), frame("s/7")) == [
        False,
        True,
        False,
        True,
    ]


def test_after_a_new_join_a_counter_begins_anew() -> None:
    assert frames(Repeats(), frame("s/0"), frame("t/0")) == [False, False]
    assert frames(Repeats(), frame("/0", 20.0), frame("/0", 20.5)) == [False, False]


def test_the_last_frame_is_remembered_for_an_hour_an_older_one_for_five_minutes_a_stamp_for_thirty() -> None:
    assert frames(Repeats(), frame("s/7"), frame("s/7"), every=60 * MINUTE) == [False, True]
    assert frames(Repeats(), frame("s/7"), frame("s/7"), every=60 * MINUTE + SECOND) == [False, False]
    again = frame("s/0"), frame("s/1"), frame("s/0")
    assert frames(Repeats(), *again, every=150 * SECOND) == [False, False, True]
    assert frames(Repeats(), *again, every=151 * SECOND) == [False, False, False]
    dated = Decoded(temperature_c=20.0, stamp="2026-11-01T01:05:00")
    assert frames(Repeats(), dated, dated, route=LOCAL, every=30 * MINUTE) == [False, True]
    assert frames(Repeats(), dated, dated, route=LOCAL, every=30 * MINUTE + SECOND) == [False, False]


def test_without_a_counter_nothing_is_a_repeat_but_a_stamp_of_local_time_is_as_good() -> None:
    assert frames(Repeats(), frame(None), frame(None)) == [False, False]
    dated = Decoded(temperature_c=20.0, stamp="2026-12-01T08:05:00")
    assert frames(Repeats(), dated, dated) == [False, False]
    assert frames(Repeats(), dated, dated, route=LOCAL) == [False, True]


def test_what_the_broker_remembers_makes_nothing_a_repeat() -> None:
    repeats = Repeats()
    assert not heard(repeats, frame("s/7"), at(NOW, retain=True))
    assert not heard(repeats, frame("s/7"), at(NOW))


def test_what_is_remembered_of_the_time_before_a_restart_is_a_repeat() -> None:
    repeats = Repeats()
    as_stored = (None, 20.0, *[None] * 8)
    repeats.remember(1, "s/7", as_stored, NOW - MINUTE)
    repeats.remember(1, "s/8", as_stored, NOW)
    assert frames(repeats, frame("s/8"), frame("s/7"), frame("s/7", 20.5)) == [True, True, False]


def test_of_both_units_only_one_is_stored_and_it_is_still_a_repeat() -> None:
    repeats = Repeats()
    repeats.remember(1, "s/7", (68.0, *[None] * 9), NOW)
    assert heard(repeats, Decoded(temperature_f=68.0, temperature_c=20.0, counter="s/7"), at(NOW))


def test_by_what_a_frame_is_known_is_short_and_can_be_written_down() -> None:
    known_by = frame_of(frame("\ud800" * 5000 + "/17"), at(NOW), ROUTE)
    assert known_by is not None and len(known_by) == 64 and known_by.endswith("??/17")


@pytest.mark.parametrize(("seconds", "is_cached"), [(0, True), (10, True), (11, False)])
def test_for_a_while_after_its_bridge_came_back_a_value_without_a_stamp_may_be_old(
    seconds: int, is_cached: bool
) -> None:
    repeats = Repeats()
    repeats.bridge_spoke(BRIDGE, True, NOW)
    message = at(NOW + seconds * SECOND)
    assert repeats.is_cached(ROUTE, message, is_dated=False) is is_cached
    assert not repeats.is_cached(ROUTE, message, is_dated=True)
    assert not repeats.is_cached(ROUTE._replace(bridges=()), message, is_dated=False)


def test_a_bridge_that_went_has_nothing_to_repeat() -> None:
    repeats = Repeats()
    repeats.bridge_spoke(BRIDGE, True, NOW)
    repeats.bridge_spoke(BRIDGE, False, NOW + SECOND)
    assert not repeats.is_cached(ROUTE, at(NOW + 2 * SECOND), is_dated=False)


def test_a_bridge_that_remembers_nothing_never_does() -> None:
    repeats = Repeats()
    repeats.bridge_spoke(BRIDGE._replace(cached_for=None), True, NOW)
    assert not repeats.is_cached(ROUTE, at(NOW), is_dated=False)
