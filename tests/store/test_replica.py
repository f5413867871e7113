"""What a copy is told: each row once in its order, and of an episode every beginning it ever had."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from safetyd.core.model import Condition, Episode, Place
from safetyd.core.world import Row, World
from safetyd.store import ledger, replica
from safetyd.store.moments import micros
from safetyd.store.replica import EpisodeChange, Stream, Uncopied
from tests.stores import empty_store

AT = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
EARLIER = AT - timedelta(minutes=5)
ROOM = Place("maple", "12")


@pytest.fixture
def store() -> Iterator[Connection]:
    with closing(empty_store()) as made:
        yield made


def save(store: Connection, began_at: datetime | None, number: int = 1) -> None:
    """Save an episode as it is now; without a beginning there is none."""
    world = World()
    if began_at is None:
        world.changes.dropped.add(number)
    else:
        world.changes.episodes[number] = Episode(ROOM, Condition.COLD, began_at)
    ledger.save(store, world.changes, world)


def changed(store: Connection, after: int = 0) -> list[tuple[int, int, bool]]:
    found: list[EpisodeChange] = replica.episode_changes(store, after, 100)
    return [(each.row, each.began_at, each.episode is not None) for each in found]


def test_an_episode_that_is_saved_again_is_told_again_under_a_new_number(store) -> None:
    save(store, AT)
    ((first, began_at, is_current),) = changed(store)
    assert (began_at, is_current) == (micros(AT), True)
    save(store, AT)
    ((again, *_),) = changed(store, first)
    assert again > first and changed(store) == [(again, micros(AT), True)], "one row a beginning"


def test_a_beginning_that_moved_is_told_as_gone(store) -> None:
    save(store, AT)
    ((first, *_),) = changed(store)
    save(store, EARLIER)
    assert [told[1:] for told in changed(store, first)] == [(micros(AT), False), (micros(EARLIER), True)]


def test_an_episode_that_never_was_is_told_as_gone(store) -> None:
    save(store, AT)
    ((first, *_),) = changed(store)
    save(store, None)
    assert [told[1:] for told in changed(store, first)] == [(micros(AT), False)]


def test_what_begins_where_another_was_dropped_is_current(store) -> None:
    save(store, AT)
    save(store, None)
    save(store, AT, number=2)
    assert [told[1:] for told in changed(store)] == [(micros(AT), True)]


def test_history_is_told_in_order_also_of_a_ticket_that_is_not_there(store) -> None:
    world = World()
    world.changes.rows += [Row(AT, "maple-1", event, "safetyd", "", {}) for event in ("opened", "closed")]
    ledger.save(store, world.changes, world)
    found = replica.ticket_events(store, 0, 100)
    assert [(each.event, each.building) for each in found] == [("opened", ""), ("closed", "")]
    assert [each.event for each in replica.ticket_events(store, found[0].row, 100)] == ["closed"]
    assert replica.newest(store, Stream.TICKET_EVENT) == found[-1].row


def test_each_copy_has_its_own_place(store) -> None:
    assert set(replica.copied(store, "here").values()) == {0}
    replica.mark_copied(store, "here", {Stream.READING: 7}, [Uncopied(Stream.READING, 5, "l", "why")], AT)
    replica.mark_copied(store, "here", {Stream.READING: 9}, [Uncopied(Stream.READING, 5, "l", "why")], AT)
    assert replica.copied(store, "here")[Stream.READING] == 9
    assert replica.copied(store, "there")[Stream.READING] == 0
    assert [each.row for each in replica.uncopied(store, "here")] == [5]
    assert replica.uncopied(store, "there") == []


def test_a_copy_that_begins_now_begins_after_what_there_is_and_only_once(store: Connection) -> None:
    def happen(event: str) -> None:
        world = World()
        world.changes.rows.append(Row(AT, "maple-2026-0001", event, "safetyd"))
        ledger.save(store, world.changes, world)

    happen("opened")
    assert replica.begun(store, "desk", Stream.TICKET_EVENT) is None
    replica.begin(store, "desk", Stream.TICKET_EVENT)
    happen("note")
    replica.begin(store, "desk", Stream.TICKET_EVENT)
    row = replica.begun(store, "desk", Stream.TICKET_EVENT)
    assert row is not None
    assert [each.event for each in replica.ticket_events(store, row, 9)] == ["note"]
    replica.begin(store, "other", Stream.READING)
    assert replica.begun(store, "other", Stream.READING) == 0, "nothing was read yet, and it has begun"
