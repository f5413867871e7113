"""The record of shelves is only added to, and a notice that is held back is owed to nobody."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from safetyd.core.model import Place, Role, TroubleKind
from safetyd.core.notice import Complaint, Desk
from safetyd.core.plan import Reason
from safetyd.core.shelf import Shelf, over
from safetyd.core.world import Notice, World
from safetyd.store import ledger, outbox, shelves, unreached
from safetyd.store.outbox import Letter
from tests.examples import examples
from tests.stores import empty_store

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROOM, BUILDING = Place("maple", "12"), Place("maple", None)


@pytest.fixture
def store() -> Iterator[Connection]:
    connection = empty_store()
    yield connection
    connection.close()


def shelf(place: Place = ROOM, begun: datetime = NINE) -> Shelf:
    return Shelf(place, "F. Ray", "facilities", "new valve", begun, begun + HOUR, begun)


def saved(store: Connection, *changed: Shelf) -> dict[Place, Shelf]:
    world = World()
    for each in changed:
        world.put_shelf(each)
    ledger.save(store, world.changes, world)
    read_back = World()
    ledger.load(store, read_back)
    assert read_back.shelves == world.shelves
    return read_back.shelves


def test_what_stands_is_read_back_and_what_is_over_is_not(store: Connection) -> None:
    first, ended = shelf(), over(shelf(BUILDING), NINE + HOUR, "safetyd")
    assert saved(store, shelf(BUILDING), first, ended) == {ROOM: first}


def test_nothing_on_record_is_ever_changed(store: Connection) -> None:
    again = replace(shelf(begun=NINE + HOUR / 2), since=NINE)
    saved(store, shelf())
    before = store.exec_driver_sql("SELECT * FROM shelf ORDER BY id").fetchall()
    saved(
        store, over(shelf(), NINE + HOUR / 2, "A. Lee", "replaced"), again, over(again, NINE + HOUR, "A. Lee")
    )
    after = store.exec_driver_sql("SELECT * FROM shelf ORDER BY id").fetchall()
    assert after[: len(before)] == before and len(after) == 4
    assert [(each.ended_by, each.ended_note) for each in shelves.record(store)] == [
        ("A. Lee", "replaced"),
        ("A. Lee", ""),
    ]


@settings(derandomize=True, database=None, max_examples=examples(50))
@given(st.text(min_size=1), st.text(), st.integers(0, 10**15), st.sampled_from([ROOM, BUILDING]))
def test_it_comes_back_as_it_was_saved(by: str, note: str, micros: int, place: Place) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    kept = Shelf(place, by, "district", note, at, at + HOUR, at - HOUR)
    store = empty_store()
    assert saved(store, kept) == {place: kept}
    assert shelves.record(store) == [kept]
    store.close()


# the outbox


def letter(key: str, shelved: Shelf | None) -> Letter:
    owed = Notice(key, NINE, "maple", Reason.OPENED, (Role.FACILITIES,), "maple-2026-0001", shelved=shelved)
    return Letter(owed, ("Ada",), (("Ada", "f1"),), "title", "text")


def test_what_is_held_back_is_on_record_and_owed_to_nobody(store: Connection) -> None:
    assert outbox.add(store, letter("k", shelf()))
    (kept,) = outbox.notices(store)
    assert kept["shelved"] == {"by": "F. Ray", "until": NINE + HOUR}
    assert (kept["to"], kept["title"]) == (["Ada"], "title")
    assert outbox.due(store, NINE + HOUR) == [] and outbox.owed(store, kept["id"]) == []
    assert outbox.next_due(store, NINE - HOUR) is None


def test_and_no_last_resort_is_told_that_it_reached_nobody(store: Connection) -> None:
    outbox.add(store, letter("k", shelf()))
    assert unreached.unreached(store, NINE - HOUR) == []
    outbox.add(store, letter("sent", None))
    assert [each.id for each in unreached.unreached(store, NINE - HOUR)] == [2]


def test_a_desk_of_a_version_that_did_not_know_rooms_is_read(store: Connection) -> None:
    old = msgspec.msgpack.encode([[[NINE, True, "maple/12/a", "battery", "low"]]])
    (complaint,) = msgspec.msgpack.Decoder(Desk).decode(old).complaints
    assert complaint == Complaint(NINE, True, "maple/12/a", TroubleKind.BATTERY, "low", None)
