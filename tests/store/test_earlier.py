"""What another hand changes in a record stays on the chain for ever, though it is saved again."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.core.plan import Reason
from safetyd.store import anchors, attempts, chain, outbox, statements, unreached
from safetyd.store.anchors import Way
from safetyd.store.attempts import Result
from safetyd.store.chain import Head
from safetyd.store.database import open_for_reading
from safetyd.store.outbox import DeliveryState
from safetyd.store.records import TABLES, Kind
from safetyd.store.statements import Stated, Subject
from safetyd.store.verifying import Verdict, verify
from tests.everything import HOUR, MINUTE, NINE, SITE, Record, of_every_kind
from tests.stores import changed_by_another_hand, empty_store

Save = Callable[[Record], object]
FIRST = "id = 'maple-2026-0001'"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return of_every_kind(tmp_path)


def change(record: Record, statement: str) -> None:
    assert changed_by_another_hand(record.url, statement)


def verdict(record: Record) -> Verdict:
    with open_for_reading(record.url) as connection:
        return verify(connection, (), lambda done, all: None)


def found(record: Record) -> list[Stated]:
    with open_for_reading(record.url) as connection:
        return list(statements.all_of(connection, Subject.ALTERED))


def relieved(record: Record) -> None:
    record.command(
        do="relieve", ticket="maple-2026-0001", by="A. Roe", tier="immediate", kind="restored", note=""
    )


def over(record: Record) -> None:
    for _ in range(5):
        record.hear("12", record.now + 10 * MINUTE, temperature_f=66.0, humidity=40)


def tried(record: Record) -> None:
    attempts.begin(record.connection, 1, record.now)
    record.connection.commit()


def told_last_resort(record: Record) -> None:
    unreached.mark_last_resort(record.connection, [1], record.now)
    record.connection.commit()


def delivered(record: Record) -> None:
    outbox.mark_done(record.connection, 1, DeliveryState.ACCEPTED, record.now, "250 ok")
    record.connection.commit()


def put_off(record: Record) -> None:
    outbox.mark_failed(record.connection, 1, record.now + HOUR, "450 later")
    record.connection.commit()


def hastened(record: Record) -> None:
    put_off(record)
    (due,) = [each for each in outbox.due(record.connection, record.now + HOUR) if each.id == 1]
    outbox.hasten(record.connection, due.person, due.address, record.now)
    record.connection.commit()


def ended(record: Record) -> None:
    attempts.end(record.connection, attempts_of(record), Result.ACCEPTED, record.now, "250 ok")
    record.connection.commit()


def attempts_of(record: Record) -> int:
    return int(record.connection.exec_driver_sql("SELECT max(id) FROM attempt").scalar() or 0)


def anchored(record: Record) -> None:
    anchors.fail(record.connection, 1, record.now, "503")
    record.connection.commit()


SAVED: dict[str, tuple[str, str, Save]] = {
    "ticket": ("UPDATE ticket SET opened_at = 7", "ticket maple-2026-0001", relieved),
    "ticket, of a deadline": (
        """UPDATE ticket SET body = replace(body, '"pending"', '"met"') WHERE id = 'maple-2026-0001'""",
        "ticket maple-2026-0001",
        relieved,
    ),
    "episode": ("UPDATE episode SET began_at = 7", "episode 1", over),
    "notice": ("UPDATE notice SET text = 'all is well' WHERE id = 1", "notice 1", told_last_resort),
    "notice, once somebody has it": ("UPDATE notice SET roles = '[]' WHERE id = 1", "notice 1", delivered),
    "delivery, tried": ("UPDATE delivery SET person = 'Bob' WHERE id = 1", "delivery 1", tried),
    "delivery, done": ("UPDATE delivery SET attempts = 9 WHERE id = 1", "delivery 1", delivered),
    "delivery, failed": ("UPDATE delivery SET language = 'xx' WHERE id = 1", "delivery 1", put_off),
    "attempt": ("UPDATE attempt SET answer = '250 ok' WHERE id = (SELECT max(id) FROM attempt)", "", ended),
    "anchor": ("UPDATE anchor SET stamp = NULL", "anchor 1", anchored),
}


@pytest.mark.parametrize("name", SAVED)
def test_what_is_altered_is_named_for_ever_although_it_is_saved_again(record: Record, name: str) -> None:
    statement, subject, save = SAVED[name]
    number = record.head().number
    change(record, statement)
    save(record)
    named = [each.name for each in found(record)]
    assert len(named) == 1 and subject in named[0]
    (fault, *_) = verdict(record).faults
    assert (
        fault.startswith(f"{named[0]} was not what row ") and "when safetyd saved it again, 2026-12-" in fault
    )
    row = record.connection.exec_driver_sql(
        "SELECT kind FROM chain WHERE number > ? ORDER BY number LIMIT 1", (number,)
    ).scalar()
    record.connection.rollback()
    assert row == "statement", "it is stated before anything that follows from it"


@pytest.mark.parametrize("name", SAVED)
def test_a_save_of_what_nobody_altered_states_nothing(record: Record, name: str) -> None:
    SAVED[name][2](record)
    assert found(record) == [] == verdict(record).faults


@pytest.mark.sqlite
def test_it_says_what_was_found_what_was_noted_and_when(record: Record) -> None:
    noted, row = record.connection.exec_driver_sql(
        "SELECT body, max(number) FROM chain WHERE kind = 'ticket' AND key = 'maple-2026-0001'"
    ).one()
    record.connection.rollback()
    change(record, "UPDATE ticket SET opened_at = 7 WHERE id = 'maple-2026-0001'")
    standing = next(
        each for each in verdict(record).faults if each.startswith("ticket maple-2026-0001 is not")
    )
    relieved(record)
    (one,) = found(record)
    assert one.at == record.now and one.name == "ticket maple-2026-0001"
    assert (one.body["kind"], one.body["key"], one.body["noted"]) == ("ticket", "maple-2026-0001", noted)
    assert one.body["row"] == row and f"row {row} " in standing
    assert len(one.body["found"]) == 64 and one.body["found"] != noted


def test_an_alteration_is_stated_once_and_another_one_again(record: Record) -> None:
    change(record, "UPDATE ticket SET opened_at = 7 WHERE id = 'maple-2026-0001'")
    relieved(record)
    record.command(do="note", ticket="maple-2026-0001", by="A. Roe", note="a")
    record.command(do="reopen", ticket="maple-2026-0001", by="A. Roe", note="b")
    assert len(found(record)) == 1
    change(record, "UPDATE ticket SET opened_at = 8 WHERE id = 'maple-2026-0001'")
    relieved(record)
    assert len(found(record)) == 2


def test_it_is_found_after_a_restart_that_has_read_the_altered_record(record: Record) -> None:
    record.end()
    change(record, f"""UPDATE ticket SET body = replace(body, '"pending"', '"met"') WHERE {FIRST}""")
    record.begin()
    record.command(do="dispute", ticket="maple-2026-0001", by="A. Roe", note="no")
    assert [each.name for each in found(record)] == ["ticket maple-2026-0001"]


def test_a_record_that_was_taken_away_is_stated_when_it_is_saved_again(record: Record) -> None:
    change(record, "DELETE FROM ticket WHERE id = 'maple-2026-0001'")
    relieved(record)
    assert [(each.name, each.body["found"]) for each in found(record)] == [("ticket maple-2026-0001", "")]


def test_a_record_that_was_slipped_in_is_stated_when_it_is_saved(record: Record) -> None:
    columns = "notice, address, state, attempts, answer"
    change(
        record,
        f"INSERT INTO delivery (id, person, {columns}) SELECT 42, 'Eve', {columns} FROM delivery LIMIT 1",
    )
    outbox.mark_done(record.connection, 42, DeliveryState.ACCEPTED, record.now, "ok")
    record.connection.commit()
    (one,) = found(record)
    assert (one.name, one.body["noted"], one.body["row"]) == ("delivery 42", "", 0)
    assert (
        verdict(record)
        .faults[0]
        .startswith("delivery 42 was not what the chain, which did not have it, says")
    )


def test_what_is_no_text_stops_no_save_and_is_found(record: Record) -> None:
    change(record, "UPDATE ticket SET condition = CAST(x'ff' AS TEXT) WHERE id = 'maple-2026-0001'")
    relieved(record)
    assert [each.name for each in found(record)] == ["ticket maple-2026-0001"]
    assert len(verdict(record).faults) == 1


def test_records_of_an_older_store_are_no_findings_while_they_are_taken_in(record: Record) -> None:
    record.end()
    for table in ("chain", "statement", "anchor"):
        change(record, f"DELETE FROM {table}")
    record.begin()
    record.command(do="note", ticket="maple-2026-0001", by="A. Roe", note="a")
    relieved(record)
    assert found(record) == []
    record.tend()
    assert found(record) == [] == verdict(record).faults
    change(record, "UPDATE episode SET began_at = 7")
    over(record)
    assert [each.name.partition(" ")[0] for each in found(record)] == ["episode"]


def test_both_parties_are_told_once_through_restarts(record: Record) -> None:
    change(record, f"UPDATE ticket SET opened_at = 7 WHERE {FIRST}")
    relieved(record)
    for _ in range(2):
        record.tend(MINUTE)
        record.end()
        record.begin()
        record.tend(MINUTE)
    told = [each for each in outbox.notices(record.connection) if each["reason"] == Reason.ALTERED]
    record.connection.rollback()
    assert [each["to"] for each in told] == [["Ann", "Ximena"]]
    assert "ticket maple-2026-0001" in told[0]["text"] and "safetyd audit verify" in told[0]["text"]
    change(record, "UPDATE ticket SET opened_at = 8 WHERE id = 'maple-2026-0001'")
    record.command(do="reopen", ticket="maple-2026-0001", by="A. Roe", note="b")
    record.tend(MINUTE)
    again = [each for each in outbox.notices(record.connection) if each["reason"] == Reason.ALTERED]
    assert len(again) == 2


def test_who_is_told_of_nothing_owes_nothing(tmp_path: Path) -> None:
    record = of_every_kind(tmp_path)
    record.end()
    record.begin(SITE.replace("notify = [", "messages_per_hour = 9 # ["))
    change(record, f"UPDATE ticket SET opened_at = 7 WHERE {FIRST}")
    relieved(record)
    record.tend(MINUTE)
    assert [each for each in outbox.notices(record.connection) if each["reason"] == Reason.ALTERED] == []


def test_an_altered_statement_cannot_be_taken_back(record: Record) -> None:
    change(record, f"UPDATE ticket SET opened_at = 7 WHERE {FIRST}")
    relieved(record)
    change(record, "DELETE FROM statement WHERE subject = 'altered'")
    assert any("statement" in each and "is missing" in each for each in verdict(record).faults)


def test_a_store_in_memory_has_no_other_hand() -> None:
    with closing(empty_store()) as store:
        anchors.owe(store, [Way.URL], "2026-12-01", Head(1, NINE, "a" * 64), NINE)
        store.commit()
        anchors.fail(store, 1, NINE, "503")
        store.commit()
        assert verify(store, (), lambda done, all: None).faults == []


COLUMNS = [
    (kind, column.name)
    for kind in (Kind.TICKET, Kind.EPISODE, Kind.NOTICE, Kind.DELIVERY, Kind.ANCHOR)
    for column in TABLES[kind].columns
    if not column.primary_key
]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return of_every_kind(tmp_path_factory.mktemp("lasting"))


@pytest.mark.sqlite
@given(st.sampled_from(COLUMNS), st.integers(2**20, 2**40))
@settings(max_examples=60)
def test_no_column_can_be_changed_without_a_statement(
    lasting: Record, where: tuple[Kind, str], value: int
) -> None:
    kind, column = where
    table = TABLES[kind].name
    key, was = lasting.reader.exec_driver_sql(f'SELECT id, "{column}" FROM {table} LIMIT 1').one()
    lasting.reader.rollback()
    before = len(found(lasting))
    with closing(sqlite3.connect(lasting.file)) as connection:
        connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE id = ?', (value, key))
        connection.commit()
    chain.note(lasting.connection, kind, key)
    lasting.connection.exec_driver_sql(f'UPDATE {table} SET "{column}" = ? WHERE id = ?', (was, key))
    lasting.connection.commit()
    assert len(found(lasting)) == before + (str(was) != str(value))
