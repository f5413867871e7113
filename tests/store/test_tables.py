"""What the tables hold to by themselves: each notice once, one open ticket, the past within reach."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from safetyd.core.model import Mark, Observation, Place, Quantity, Role, Sensor
from safetyd.core.plan import Reason
from safetyd.core.quality import Flaw
from safetyd.core.room import EMPTY
from safetyd.core.world import Notice
from safetyd.store import attempts, bridges, heard, inbox, leftovers, outbox, places, readings
from safetyd.store.leftovers import KEPT_A_TOPIC, KEPT_BYTES, Refusal, RefusedKind, Stray
from safetyd.store.outbox import DeliveryState, Letter, Wording
from safetyd.store.places import PERIOD, REACH, Standing
from safetyd.store.readings import KnownSensor
from tests.examples import examples
from tests.stores import empty_store

T0 = datetime(2026, 12, 1, 16, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROOM = Place("maple", "12")
SENSOR = Sensor(ROOM, "a")


@pytest.fixture
def store() -> Iterator[Connection]:
    connection = empty_store()
    yield connection
    connection.close()


# the outbox


def letter(
    key: str = "k", at: datetime = T0, addresses: tuple[tuple[str, str], ...] = (("Ada", "f1"),)
) -> Letter:
    owed = Notice(key, at, "maple", Reason.OPENED, (Role.FACILITIES,), "maple-2026-0001")
    return Letter(owed, ("Ada",), addresses, "title", "text")


def test_a_notice_is_owed_once_however_often_it_is_worked_out(store: Connection) -> None:
    assert outbox.add(store, letter())
    assert not outbox.add(store, letter(at=T0 + SECOND))
    assert len(outbox.notices(store)) == 1
    assert len(outbox.due(store, T0 + SECOND)) == 1


def test_each_address_is_owed_its_own_delivery(store: Connection) -> None:
    outbox.add(store, letter(addresses=(("Ada", "f1"), ("Ada", "f2"), ("Bo", "f1"))))
    assert [(d.person, d.address) for d in outbox.due(store, T0)] == [
        ("Ada", "f1"),
        ("Ada", "f2"),
        ("Bo", "f1"),
    ]


def test_a_delivery_has_the_words_of_its_person_s_language_or_the_notice_s_own(store: Connection) -> None:
    people = (("Ada", "f1"), ("Bo", "f2"), ("Cy", "f3"))
    spoken = {"Ada": "es", "Bo": "so"}
    spanish = Wording("es", "título", "texto")
    outbox.add(store, letter(addresses=people)._replace(wordings=(spanish,), languages=spoken))
    assert [(each.person, each.language, each.title, each.text) for each in outbox.due(store, T0)] == [
        ("Ada", "es", "título", "texto"),
        ("Bo", "en", "title", "text"),
        ("Cy", "en", "title", "text"),
    ]


def test_what_failed_is_due_again_and_what_was_accepted_is_not(store: Connection) -> None:
    outbox.add(store, letter(addresses=(("Ada", "f1"), ("Bo", "f2"))))
    ada, bo = outbox.due(store, T0)
    outbox.mark_done(store, ada.id, DeliveryState.ACCEPTED, T0, "accepted")
    attempts.begin(store, bo.id, T0)
    outbox.mark_failed(store, bo.id, T0 + 5 * SECOND, "500")
    assert outbox.due(store, T0 + 4 * SECOND) == []
    assert outbox.next_due(store, T0) == T0 + 5 * SECOND
    (again,) = outbox.due(store, T0 + 5 * SECOND)
    assert (again.person, again.attempts) == ("Bo", 1)
    assert [row[0] for row in outbox.waiting(store)] == ["Bo"]


# tickets


def open_ticket(store: Connection, id: str, status: str = "open", room: str = "12", hazard: str = "") -> None:
    store.exec_driver_sql(
        "INSERT INTO ticket VALUES (?, 'maple', ?, 'cold', ?, ?, 0, '{}')", (id, room, hazard, status)
    )


@pytest.mark.parametrize("status", ["open", "acknowledged", "relieved"])
def test_one_ticket_is_open_for_a_place_and_condition(status: str, store: Connection) -> None:
    open_ticket(store, "1", status)
    with pytest.raises(IntegrityError):
        open_ticket(store, "2")


def test_closed_and_joined_ones_other_rooms_and_other_hazards_do_not_count(store: Connection) -> None:
    open_ticket(store, "1", "closed")
    open_ticket(store, "2", "closed")
    open_ticket(store, "7", "joined")
    open_ticket(store, "8", "joined")
    open_ticket(store, "3")
    open_ticket(store, "4", room="14")
    open_ticket(store, "5", room="")
    open_ticket(store, "6", hazard="mold")


# places


def standing(reading: int, at: datetime) -> Standing:
    return Standing(reading, EMPTY._replace(at=at), None, {})


def test_the_place_is_found_as_it_stood_before_a_moment(store: Connection) -> None:
    for number in range(4):
        places.save(store, [(ROOM, standing(number, T0 + number * PERIOD))])
    found = places.before(store, ROOM, T0 + 2 * PERIOD)
    assert found is not None and found.reading == 1
    found = places.before(store, ROOM, T0 + 2 * PERIOD + SECOND)
    assert found is not None and found.reading == 2
    assert places.before(store, ROOM, T0) is None
    assert places.before(store, Place("maple", "14"), T0 + PERIOD) is None
    assert places.load(store)[ROOM].reading == 3


def test_within_a_period_only_the_newest_is_kept(store: Connection) -> None:
    first = datetime(2026, 12, 1, 12, tzinfo=UTC)
    places.save(store, [(ROOM, standing(1, first))])
    places.save(store, [(ROOM, standing(2, first + PERIOD - SECOND))])
    assert places.before(store, ROOM, first + timedelta(hours=1)) is None
    assert places.load(store)[ROOM].reading == 2


def test_a_place_that_is_read_again_forgets_how_it_stood_from_there_on(store: Connection) -> None:
    for number in range(4):
        places.save(store, [(ROOM, standing(number, T0 + number * PERIOD))])
    places.save(store, [(Place("maple", "14"), standing(9, T0 + 3 * PERIOD))])
    places.forget_since(store, ROOM, T0 + 2 * PERIOD)
    assert places.load(store)[ROOM].reading == 1
    assert places.load(store)[Place("maple", "14")].reading == 9


def test_what_no_late_reading_can_reach_is_forgotten_but_never_the_newest(store: Connection) -> None:
    for number in range(3):
        places.save(store, [(ROOM, standing(number, T0 + number * PERIOD))])
    places.forget_old(store, T0 + REACH)
    assert places.before(store, ROOM, T0 + SECOND) is not None, "just within reach"
    places.forget_old(store, T0 + REACH + SECOND)
    assert places.before(store, ROOM, T0 + SECOND) is None
    places.forget_old(store, T0 + timedelta(days=400))
    assert places.load(store)[ROOM].reading == 2


def test_a_building_as_a_whole_is_a_place_of_its_own(store: Connection) -> None:
    from safetyd.core import power

    whole = Place("maple", None)
    places.save(store, [(whole, Standing(1, None, power.EMPTY._replace(at=T0), {})), (ROOM, standing(2, T0))])
    assert set(places.load(store)) == {whole, ROOM}


# readings


def said(
    number: int, observed_at: datetime, received_at: datetime, **values: float
) -> list[readings.ReadingRow]:
    return readings.rows(number, Observation(SENSOR, observed_at, received_at, **values), ())


@settings(max_examples=examples(50))
@given(st.lists(st.integers(0, 3), max_size=20), st.integers(-2, 30))
def test_the_first_row_since_a_moment_is_found_by_halving(gaps: list[int], wanted: int) -> None:
    store = empty_store()
    at, arrivals = 0, []
    for gap in gaps:
        at += gap
        arrivals.append(at)
        readings.append(store, said(1, T0, T0 + at * SECOND, humidity=40.0))
    expected = next((i for i, arrived in enumerate(arrivals, 1) if arrived >= wanted), len(arrivals) + 1)
    assert readings.first_id_since(store, T0 + wanted * SECOND) == expected


def test_what_is_stored_of_a_sensor_and_moment_is_known(store: Connection) -> None:
    readings.append(store, said(1, T0, T0 + 60 * SECOND, temperature_f=70.0, humidity=40.0))
    readings.append(store, said(2, T0, T0 + 60 * SECOND, battery=40.0))
    assert heard.heard_at(store, 1, T0) == {Quantity.TEMPERATURE, Quantity.HUMIDITY}
    assert heard.heard_at(store, 2, T0) == {Quantity.BATTERY}
    assert heard.heard_at(store, 1, T0 + SECOND) == set()
    assert heard.heard_at(store, 3, T0) == set()


def test_a_reading_that_came_a_little_before_its_own_time_is_found(store: Connection) -> None:
    readings.append(store, said(1, T0, T0 - 119 * SECOND, temperature_f=70.0))
    assert heard.heard_at(store, 1, T0) == {Quantity.TEMPERATURE}


def test_a_retained_one_does_not_count_as_heard(store: Connection) -> None:
    spoke = Observation(SENSOR, T0, T0, temperature_f=70.0, retained=True)
    readings.append(store, readings.rows(1, spoke, ()))
    assert heard.heard_at(store, 1, T0) == set()
    assert list(readings.observations(store, {1: SENSOR})) == []


def test_what_was_said_comes_back_as_it_was_said(store: Connection) -> None:
    values = {
        "temperature_c": 21.25,
        "humidity": 40.5,
        "mains": False,
        "voltage": 118.75,
        "power_w": 0.5,
        "battery": 3.0,
    }
    spoke = [
        Observation(SENSOR, T0, T0 + SECOND, **values),  # type: ignore[arg-type]
        Observation(SENSOR, T0 + SECOND, T0 + SECOND, temperature_f=0.1 + 0.2),
    ]
    for each in spoke:
        readings.append(store, readings.rows(1, each, ()))
    assert [found.observation for found in readings.observations(store, {1: SENSOR})] == spoke


def test_what_was_doubted_and_what_three_clocks_said_is_read_back(store: Connection) -> None:
    spoke = Observation(
        SENSOR,
        T0,
        T0 + SECOND,
        temperature_f=21.3,
        battery_v=2.9,
        battery_ok=True,
        device_at=T0 - 5 * SECOND,
        gateway_at=T0 + 3 * SECOND,
        doubt="is probably °C",
    )
    flaws = (Flaw(Quantity.TEMPERATURE, Mark.REJECTED, "is probably °C"),)
    readings.append(store, readings.rows(1, spoke, flaws))
    assert [found.observation for found in readings.observations(store, {1: SENSOR})] == [spoke]
    assert readings.points(store, SENSOR.place, Quantity.TEMPERATURE, None, None) == []


def test_a_frame_stands_on_the_first_row_of_what_it_brought(store: Connection) -> None:
    for number, frame in ((1, "s/6"), (2, None), (1, "s/7")):
        at = T0 + 2 * number * SECOND if frame != "s/7" else T0 + 9 * SECOND
        spoke = Observation(SENSOR, at, at, temperature_c=20.0, humidity=40.0, battery_ok=True)
        readings.append(store, readings.rows(number, spoke, (), frame))
    rows = store.exec_driver_sql("SELECT frame FROM reading ORDER BY id").scalars()
    assert list(rows) == ["s/6", None, None, None, None, None, "s/7", None, None]
    values = [None, 20.0, 40.0, None, None, None, None, None, 1.0, None]
    early, late = readings.frames(store, T0)
    assert early == (1, "s/6", T0 + 2 * SECOND, values)
    assert late == (1, "s/7", T0 + 9 * SECOND, values)
    assert readings.frames(store, T0 + 5 * SECOND) == [late]


def test_only_what_is_not_stored_yet_of_a_reading_is_news(store: Connection) -> None:
    spoke = Observation(SENSOR, T0, T0, temperature_c=20.0, humidity=40.0)
    readings.append(store, said(1, T0, T0, temperature_f=68.0))
    assert heard.unheard(store, 1, spoke) == spoke._replace(temperature_c=None)
    readings.append(store, said(1, T0, T0, humidity=41.0))
    assert heard.unheard(store, 1, spoke) is None


def test_a_bridge_is_known_to_be_back_until_it_goes(store: Connection) -> None:
    bridges.keep(store, {"a/state": T0, "b/state": T0})
    bridges.keep(store, {"a/state": T0 + SECOND, "b/state": None, "c/state": None})
    assert bridges.load(store) == {"a/state": T0 + SECOND}


def test_a_sensor_is_kept_once(store: Connection) -> None:
    new = KnownSensor(1, SENSOR, "topic", "native")
    readings.add_sensors(store, [new, new])
    readings.add_sensors(store, [new])
    assert readings.sensors(store) == [new]


# what could not be used, and commands


def test_of_each_topic_only_the_newest_refusals_are_kept(store: Connection) -> None:
    for number in range(KEPT_A_TOPIC + 5):
        leftovers.refuse(
            store, [Refusal(T0 + number * SECOND, RefusedKind.PAYLOAD, "t", str(number), b"x" * 9999)]
        )
    leftovers.refuse(store, [Refusal(T0, RefusedKind.PAYLOAD, "another", "first")])
    kept = [refusal for refusal in leftovers.refusals(store) if refusal.topic == "t"]
    assert [refusal.reason for refusal in kept] == [str(n) for n in range(5, KEPT_A_TOPIC + 5)]
    assert {len(refusal.payload) for refusal in kept} == {KEPT_BYTES}
    assert len(leftovers.refusals(store)) == KEPT_A_TOPIC + 1


def test_a_topic_of_no_known_place_is_listed_once(store: Connection) -> None:
    for number in range(3):
        at = T0 + number * SECOND
        leftovers.stray(store, {"b": Stray(at, at, 2, b"1"), "a": Stray(T0, T0, 1, b"2")})
    assert leftovers.unassigned_topics(store) == ["a", "b"]
    heard = store.exec_driver_sql("SELECT topic, heard FROM unassigned ORDER BY topic").fetchall()
    assert [tuple(row) for row in heard] == [("a", 3), ("b", 6)]


def test_commands_are_answered_once_and_in_order(store: Connection) -> None:
    first, second = inbox.leave(store, "1", T0), inbox.leave(store, "2", T0)
    assert inbox.unanswered(store) == [first, second]
    inbox.answer(store, first, "done")
    assert inbox.unanswered(store) == [second]
    assert [inbox.body(store, number) for number in (first, second)] == [None, "2"]
    assert inbox.answered(store, second) is None
