"""The promise: while another process holds the store nothing is lost, and what is refused is not kept."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from safetyd.errands import Errands, answer_to
from safetyd.ingest.message import Message
from safetyd.store import assignments, inbox, outbox, sqlite_file
from safetyd.store.database import StoreError, abandon
from tests.everything import DAY, HOUR, MINUTE, NINE, SITE, Record

RADIO = "application/6/device/70b3d57ed0000031/event/up"
STRAY = "zigbee2mqtt/North window"
WITH_A_RADIO = f"""{SITE}
[[buildings.sensors]]
id = "radio"
topic = "{RADIO}"
format = "chirpstack"
room = "12"
"""

Held = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Record]:
    monkeypatch.setattr(sqlite_file, "_BUSY_MS", 20)
    made = Record(tmp_path, url=f"sqlite:///{tmp_path}/safetyd.db")
    made.end()
    made.begin(WITH_A_RADIO)
    yield made
    made.end()


@pytest.fixture
def held(record: Record) -> Held:
    @contextmanager
    def hold() -> Iterator[None]:
        with closing(sqlite3.connect(record.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    return hold


def frame(counter: int, minute: int, temperature_c: float) -> Message:
    """Return what a radio sensor said with a counter; it arrives an hour later."""
    at = NINE + minute * MINUTE
    said = {
        "time": at.isoformat(),
        "fCnt": counter,
        "devAddr": "01ab",
        "deviceInfo": {"devEui": "70b3d57ed0000031"},
        "object": {"temperature": temperature_c, "humidity": 40},
    }
    return Message(NINE + HOUR, RADIO, json.dumps(said).encode())


def test_a_frame_that_is_taken_again_is_no_repeat_of_itself(record: Record, held: Held) -> None:
    service = record.service
    service.take(frame(10, 30, 20.0))
    service.commit(NINE + HOUR)
    with held(), pytest.raises(StoreError):  # as the daemon does with it, which gives it again
        service.take(frame(8, 10, 19.0))
    for _ in range(2):
        service.take(frame(8, 10, 19.0))
    service.commit(NINE + HOUR)
    found = record.connection.exec_driver_sql("SELECT value FROM reading WHERE quantity = 2 ORDER BY id")
    assert [value for (value,) in found] == [20.0, 19.0]


def test_what_is_refused_of_a_message_that_is_taken_again_is_refused_once(record: Record, held: Held) -> None:
    service, late = record.service, frame(8, 10, 19.0)
    service.take(frame(10, 30, 20.0))
    service.commit(NINE + HOUR)
    said = json.loads(late.payload)
    said["object"]["humidity"] = "wet"
    late = late._replace(payload=json.dumps(said).encode())
    with held():
        for _ in range(3):
            with pytest.raises(StoreError):
                service.take(late)
    service.take(late)
    service.commit(NINE + HOUR)
    assert record.connection.exec_driver_sql("SELECT count(*) FROM refused").scalar() == 1


def test_what_an_undone_transaction_held_is_written_by_the_next(record: Record) -> None:
    service = record.service
    service.take(frame(10, 30, 20.0))
    service.take(frame(8, 10, 19.0))  # late: to judge it again the rows are written, and not yet committed
    assert service.waiting.flushed
    abandon(record.connection)  # as the daemon does when it cannot read
    service.commit(NINE + HOUR)
    found = record.connection.exec_driver_sql("SELECT value FROM reading WHERE quantity = 2 ORDER BY id")
    assert [value for (value,) in found] == [20.0, 19.0]


def test_an_assignment_that_is_refused_meanwhile_is_not_on_record_and_may_be_asked_for_again(
    record: Record, held: Held
) -> None:
    service = record.service
    for minute in range(3):
        at = NINE + minute * MINUTE
        service.take(Message(at, STRAY, json.dumps({"temperature": 12 + minute, "humidity": 40}).encode()))
    service.commit(NINE + HOUR)
    record.hear("12", NINE + DAY, temperature_f=70.0)
    asked = {"do": "assign", "topic": STRAY, "building": "maple", "room": "12", "by": "Ann", "note": "new"}
    asked |= {"from": "first", "format": "zigbee2mqtt"}
    with held():
        assert "locked" in json.loads(answer_to(service, asked, NINE + DAY))["refused"]
    service.commit(NINE + DAY)
    assert assignments.record(record.connection) == []
    assert json.loads(answer_to(service, asked, NINE + DAY))["judged"] == 3
    service.commit(NINE + DAY)
    assert [each.topic for each in assignments.record(record.connection)] == [STRAY]
    assert [each.began_at for each in service.world.episodes.values()] == [NINE]


def test_what_an_assignment_could_not_look_up_is_judged_with_the_next_commit(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, look_up = record.service, record.service._unheard

    def away(*_: object) -> None:
        raise StoreError("store: the server does not answer")

    for minute in (0, 1, 1, 2, 3):  # one was said twice, which is looked for in the store
        at = NINE + minute * MINUTE
        said = {"temperature": 12 + minute, "humidity": 40, "last_seen": at.isoformat()}
        service.take(Message(at, STRAY, json.dumps(said).encode()))
    service.commit(NINE + HOUR)
    asked = {"do": "assign", "topic": STRAY, "building": "maple", "room": "12", "by": "Ann", "note": "new"}
    monkeypatch.setattr(service, "_unheard", away)
    answer = json.loads(answer_to(service, asked | {"from": "first", "format": "zigbee2mqtt"}, NINE + DAY))
    assert "refused" not in answer
    monkeypatch.setattr(service, "_unheard", look_up)
    service.commit(NINE + DAY)
    found = record.connection.exec_driver_sql("SELECT value FROM reading WHERE quantity = 2 ORDER BY id")
    assert [value for (value,) in found] == [12.0, 13.0, 14.0, 15.0]
    assert [each.began_at for each in service.world.episodes.values()] == [NINE]


def test_what_two_people_ask_for_between_two_looks_is_told_of_each(record: Record) -> None:
    record.hear("12", NINE, temperature_f=57.0)
    record.tend(MINUTE)
    (ticket,) = record.service.world.tickets
    about = {"do": "dispute", "ticket": ticket, "tier": "mitigation"}
    record.command(**about | {"do": "relieve", "kind": "fans_or_heaters", "note": "two heaters", "by": "Ann"})
    said = [
        about | {"by": "Jo Park", "role": "association", "note": "both are cold"},
        about | {"by": "Kim Low", "role": "safety_committee", "note": "one is broken"},
    ]
    for each in said:
        inbox.put(record.connection, json.dumps(each), record.now)
    record.connection.commit()
    errands = Errands(record.service, record.reader, lambda: record.service.commit(record.now + MINUTE))
    errands.tend(record.now)
    told = [each["text"] for each in outbox.notices(record.connection) if each["reason"] == "disputed"]
    assert len(told) == 2 and "both are cold" in told[0] and "one is broken" in told[1]
