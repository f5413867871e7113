"""What each sensor said last is found without an index: newest of each quantity, seldom words, old words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from safetyd.core.model import Mark, Observation, Place, Quantity, Sensor
from safetyd.core.quality import Flaw
from safetyd.store import latest, leftovers, readings
from safetyd.store.latest import CHUNK, Entry, Last
from safetyd.store.leftovers import Refusal, RefusedKind, Stray
from safetyd.store.readings import Kept
from tests.stores import empty_store

NOW = datetime(2026, 12, 1, 16, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SENSOR = Sensor(Place("maple", "12"), "a")


@pytest.fixture
def store() -> Iterator[Connection]:
    connection = empty_store()
    yield connection
    connection.close()


def say(
    store: Connection,
    number: int,
    ago: timedelta,
    *flaws: Flaw,
    late: timedelta = timedelta(0),
    **said: object,
) -> None:
    at = NOW - ago
    spoke = Observation(SENSOR, at, at + late, **said)  # type: ignore[arg-type]
    readings.append(store, readings.rows(number, spoke, flaws))


def babble(store: Connection, number: int, ago: timedelta, rows: int) -> None:
    """Let one sensor say so much that others lie far behind."""
    at = int((NOW - ago).timestamp()) * 1_000_000
    store.exec_driver_sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO reading (sensor, quantity, observed_at, delay, value, mark)"
        " SELECT ?, 1, ? + i, 0, 70.0, 0 FROM n",
        (rows, number, at),
    )


def last(store: Connection, number: int, heard_ago: timedelta | None = None) -> Last:
    heard_at = {} if heard_ago is None else {number: NOW - heard_ago}
    return latest.latest(store, heard_at, NOW).get(number, {})


def told(said: Last) -> dict[Quantity, float]:
    return {quantity: entry.value for quantity, entry in said.items()}


def test_of_each_quantity_the_newest_is_found(store: Connection) -> None:
    say(store, 1, 9 * MINUTE, temperature_c=20.5, humidity=41.0, battery=80.0)
    say(store, 1, 4 * MINUTE, temperature_c=20.7, humidity=42.0)
    assert told(last(store, 1)) == {
        Quantity.TEMPERATURE: 20.7,
        Quantity.HUMIDITY: 42.0,
        Quantity.BATTERY: 80.0,
    }


def test_what_came_late_is_not_the_newest(store: Connection) -> None:
    say(store, 1, 4 * MINUTE, temperature_f=70.0)
    say(store, 1, 9 * MINUTE, temperature_f=64.0, late=8 * MINUTE)
    assert told(last(store, 1)) == {Quantity.TEMPERATURE: 70.0}


def test_a_battery_in_percent_goes_before_volts_and_before_its_own_word(store: Connection) -> None:
    say(store, 1, MINUTE, battery_ok=True, battery_v=2.9, battery=75.0)
    assert last(store, 1)[Quantity.BATTERY].kept is Kept.BATTERY
    say(store, 1, timedelta(0), battery_ok=False)
    assert last(store, 1)[Quantity.BATTERY].kept is Kept.BATTERY_OK


def test_every_mark_is_read_as_it_was_given(store: Connection) -> None:
    say(store, 1, MINUTE, temperature_f=70.0)
    say(store, 2, MINUTE, Flaw(Quantity.TEMPERATURE, Mark.SUSPECT, "leapt"), temperature_f=80.0)
    say(store, 3, MINUTE, Flaw(Quantity.TEMPERATURE, Mark.REJECTED, "85 °C"), temperature_c=85.0)
    say(store, 4, MINUTE, temperature_f=70.0, retained=True)
    say(
        store,
        5,
        MINUTE,
        Flaw(Quantity.TEMPERATURE, Mark.REJECTED, "frozen"),
        temperature_f=70.0,
        doubt="frozen",
    )
    marks = [last(store, number)[Quantity.TEMPERATURE][4:6] for number in range(1, 6)]
    assert marks == [
        (Mark.ACCEPTED, None),
        (Mark.SUSPECT, "leapt"),
        (Mark.REJECTED, "85 °C"),
        (Mark.RETAINED, None),
        (Mark.REJECTED, "frozen"),
    ]


def test_clocks_are_told_apart(store: Connection) -> None:
    at = NOW - MINUTE
    say(store, 1, MINUTE, temperature_f=70.0, device_at=at + 3 * HOUR, gateway_at=at - MINUTE, stamp="19:00")
    entry = last(store, 1)[Quantity.TEMPERATURE]
    assert (entry.device_skew, entry.gateway_skew, entry.stamp) == (3 * HOUR, -MINUTE, "19:00")
    assert entry.skew == 3 * HOUR
    assert Entry(Kept.HUMIDITY, 40.0, at, at, Mark.ACCEPTED, gateway_skew=MINUTE).skew == MINUTE


def test_a_live_sensor_is_found_behind_however_much_others_say(store: Connection) -> None:
    say(store, 1, 5 * HOUR, temperature_f=66.0)
    babble(store, 2, 4 * HOUR, 2 * CHUNK + 3)
    assert told(last(store, 1, 5 * HOUR)) == {Quantity.TEMPERATURE: 66.0}


def test_a_sensor_that_fell_silent_days_ago_is_found_by_its_last_word(store: Connection) -> None:
    say(store, 1, 9 * DAY, temperature_f=60.0)
    say(store, 1, 8 * DAY, temperature_f=61.0, humidity=30.0)
    say(store, 2, MINUTE, temperature_f=70.0)
    assert told(last(store, 1, 8 * DAY)) == {Quantity.TEMPERATURE: 61.0, Quantity.HUMIDITY: 30.0}


def test_an_empty_store_knows_nothing(store: Connection) -> None:
    assert latest.latest(store, {}, NOW) == {}
    assert latest.readings_of(store, 1, None, NOW, 20) == []


def test_the_last_readings_come_newest_first_with_their_values_together(store: Connection) -> None:
    for minutes in range(30, 0, -1):
        say(store, 1, minutes * MINUTE, temperature_f=float(minutes), humidity=40.0)
        say(store, 2, minutes * MINUTE, temperature_f=0.0)
    found = latest.readings_of(store, 1, NOW - MINUTE, NOW, 20)
    assert len(found) == 20
    assert [entry.value for entry in found[0]] == [1.0, 40.0]
    assert [entries[0].value for entries in found] == [float(n) for n in range(1, 21)]


def test_the_last_readings_of_one_long_silent_are_those_before_its_silence(store: Connection) -> None:
    say(store, 1, 40 * DAY, temperature_f=60.0)
    say(store, 1, 30 * DAY, temperature_f=61.0)
    say(store, 2, MINUTE, temperature_f=70.0)
    found = latest.readings_of(store, 1, NOW - 30 * DAY, NOW, 20)
    assert [entries[0].value for entries in found] == [61.0, 60.0]


# what could not be used


def test_refusals_of_some_topics_come_newest_first(store: Connection) -> None:
    def refusal(minutes: int, topic: str, kind: RefusedKind = RefusedKind.PAYLOAD) -> Refusal:
        return Refusal(NOW - minutes * MINUTE, kind, topic, f"{minutes}", b"{")

    kept = [refusal(3, "a"), refusal(2, "b"), refusal(1, "a"), refusal(0, "a", RefusedKind.ACTION)]
    leftovers.refuse(store, kept)
    assert [each.reason for each in leftovers.refusals_of(store, ["a"], 9)] == ["1", "3"]
    assert [each.reason for each in leftovers.refusals_of(store, ["a", "b"], 2)] == ["1", "2"]
    assert leftovers.refusals_of(store, [], 9) == []
    assert sorted(leftovers.refused_topics(store)) == ["a", "b"]


def test_strays_come_back_with_their_count_and_times(store: Connection) -> None:
    leftovers.stray(store, {"b": Stray(NOW - HOUR, NOW - MINUTE, 2, b"x"), "a": Stray(NOW, NOW, 1, b"y")})
    leftovers.stray(store, {"b": Stray(NOW, NOW, 1, b"z")})
    found = leftovers.strays(store)
    assert list(found) == ["a", "b"]
    assert found["b"] == Stray(NOW - HOUR, NOW, 3, b"z")
