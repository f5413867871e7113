"""Whatever another hand does to the record shows, and what the program does to it does not."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.store import chain, records
from safetyd.store.audit import canonical, chained, digest
from safetyd.store.chain import Head
from safetyd.store.chain_schema import chain as chain_table
from safetyd.store.database import open_copy
from safetyd.store.digests import COLUMNS, encoded
from safetyd.store.every_table import metadata
from safetyd.store.records import BELONGINGS, TABLES, Kind
from safetyd.store.verifying import Given, Verdict, verify
from tests.everything import of_every_kind
from tests.stores import empty_store

pytestmark = pytest.mark.sqlite  # what is changed is a copy of the file

READING = metadata.tables["reading"]
PARTS = [each.table for each in BELONGINGS.values()]
EVERY_COLUMN = [
    *((table.name, column.name) for table in (*TABLES.values(), *PARTS, READING) for column in table.columns),
    *(("sensor", name) for name in ("id", "building", "room", "name")),  # by which a reading is a place's
    ("attachment", "content"),
    ("attachment", "sha256"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Head]:
    """A store with a record of every kind, and the head of its chain."""
    record = of_every_kind(tmp_path_factory.mktemp("record"))
    head = record.head()
    record.end()
    with closing(sqlite3.connect(record.file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return record.file, head


@pytest.fixture
def file(made: tuple[Path, Head], tmp_path: Path) -> Path:
    return Path(shutil.copy(made[0], tmp_path / "copy.db"))


def verdict(file: Path, given: Given | None = None) -> Verdict:
    with open_copy(file) as connection:
        return verify(connection, () if given is None else (given,), lambda done, all: None)


def change(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        for each in statements:
            assert connection.execute(each).rowcount, each
        connection.commit()


def test_a_record_of_every_kind_is_found_sound(file: Path, made: tuple[Path, Head]) -> None:
    found = verdict(file, Given(made[1].number, made[1].hash))
    assert (found.faults, found.older, found.retired) == ([], 0, 0)
    assert found.head == made[1] and found.digests == 2 and found.undigested
    with open_copy(file) as connection:
        assert all(records.count(connection, kind) for kind in Kind)


@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN)
def test_no_column_of_any_record_can_be_changed(file: Path, table: str, column: str) -> None:
    where = f"rowid = (SELECT min(rowid) FROM {table})"
    with closing(sqlite3.connect(file)) as connection:
        (was,) = connection.execute(f'SELECT "{column}" FROM {table} WHERE {where}').fetchone()
        connection.execute("DROP INDEX IF EXISTS trouble_standing")
    another = was + 1_000_000 if isinstance(was, int | float) else f"{was or ''}!"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE {where}', (another,))
        connection.commit()
    assert verdict(file).faults


@pytest.mark.parametrize("column", [each.name for each in chain_table.columns])
@pytest.mark.parametrize("number", [1, 7])
def test_no_column_of_the_chain_can_be_changed(file: Path, column: str, number: int) -> None:
    value = "number + 1000000" if column == "number" else f'"{column}" || 1'
    change(file, f'UPDATE chain SET "{column}" = {value} WHERE number = {number}')
    first = verdict(file).faults[0]
    assert "of the chain (" in first and (f"{number}" in first)


@pytest.mark.parametrize(
    "table", [*(each.name for each in (*TABLES.values(), *PARTS)), "reading", "attachment"]
)
def test_no_record_can_be_taken_away(file: Path, table: str) -> None:
    last = "WHERE id <= 4" if table == "reading" else ""
    change(file, f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table} {last})")
    assert verdict(file).faults


@pytest.mark.parametrize("number", [-7, 0, 999])
@pytest.mark.parametrize("table", [*(each.name for each in TABLES.values()), "attempt", "chain"])
def test_no_record_can_be_slipped_in(file: Path, table: str, number: int) -> None:
    key = "number" if table == "chain" else "id"
    slip_in(file, table, {key: number})
    assert verdict(file).faults


@pytest.mark.parametrize(("number", "is_seen"), [(-7, True), (0, True), (999, False)])
def test_no_reading_can_be_slipped_in_once_its_day_has_a_digest(
    file: Path, number: int, is_seen: bool
) -> None:
    before = verdict(file).undigested
    slip_in(file, "reading", {"id": number})
    found = verdict(file)
    assert bool(found.faults) is is_seen
    assert found.undigested == before + (not is_seen), "it is of a day that is not over"


def slip_in(file: Path, table: str, changed: dict[str, object]) -> None:
    """Put the first row of a table there once more, as another."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone())
        row |= {name: f"{row[name]}!" for name in ("key", "person", "day") if name in row}
        row |= {"status": "closed"} if table == "ticket" else {}
        row |= changed
        columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
        connection.commit()


def test_a_row_in_the_middle_of_the_chain_is_missed(file: Path) -> None:
    change(file, "DELETE FROM chain WHERE number IN (8, 9)")
    first = verdict(file).faults[0]
    assert first.startswith("a gap in the chain: rows 8 to 9 are missing before row 10")
    assert (verdict(file).rows, verdict(file).whole) == (7, verdict(file).head.number - 2)


def test_a_record_whose_newer_row_is_missing_is_not_accused_of_what_it_says(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        often = (
            "SELECT kind, key, max(number) FROM chain GROUP BY kind, key HAVING count(*) > 1 AND body != ''"
        )
        end = connection.execute("SELECT max(number) FROM chain").fetchone()[0]
        kind, key, number = next(each for each in connection.execute(often) if each[2] < end)
    change(file, f"DELETE FROM chain WHERE number = {number}")
    found = verdict(file)
    (fault,) = found.faults
    assert fault.startswith(f"a gap in the chain: row {number} is missing")
    assert found.unheld == [f"{kind} {key}"]


def test_beside_a_gap_a_record_that_has_no_row_after_it_is_not_accused_and_one_that_has_is(
    file: Path,
) -> None:
    change(file, "DELETE FROM chain WHERE number = 8")
    with closing(sqlite3.connect(file)) as connection:
        last = "SELECT key, max(number) AS last FROM chain WHERE kind = 'history' GROUP BY key"
        (after,) = connection.execute(f"SELECT key FROM ({last}) WHERE last > 8").fetchone()
    before = verdict(file)
    change(file, f"UPDATE history SET note = 'nothing' WHERE id = {after}")
    found = verdict(file)
    assert found.unheld == before.unheld
    assert any(each.startswith(f"history {after} is not what row ") for each in found.faults)


def test_rows_of_the_chain_that_change_places_show(file: Path) -> None:
    change(
        file,
        "UPDATE chain SET number = -1 WHERE number = 5",
        "UPDATE chain SET number = 5 WHERE number = 6",
        "UPDATE chain SET number = 6 WHERE number = -1",
    )
    assert verdict(file).faults[0].startswith("row 5 of the chain (")


def test_an_end_that_is_cut_off_leaves_records_without_a_row(file: Path) -> None:
    change(file, "DELETE FROM chain WHERE number > 40")
    assert "is on record, and not on the chain" in " ".join(verdict(file).faults)


def test_an_end_that_is_cut_off_with_its_records_shows_by_a_head_that_was_given_out(
    file: Path, made: tuple[Path, Head]
) -> None:
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT kind, key FROM chain ORDER BY number DESC").fetchall()
    kind, key = rows[0]
    change(
        file,
        f"DELETE FROM {TABLES[Kind(kind)].name} WHERE id = '{key}'",
        "DELETE FROM chain WHERE number = (SELECT max(number) FROM chain)",
    )
    assert verdict(file).faults == [], "of itself it cannot know"
    number, hash = made[1].number, made[1].hash
    (fault,) = verdict(file, Given(number, hash)).faults
    assert fault == f"the chain is cut: row {number} was given away, and its last one is {number - 1}"


def rewritten(file: Path) -> None:
    """Change a line of history, and everything after it so that it fits."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("UPDATE shelf SET note = 'nothing'")
        connection.commit()
    with open_copy(file) as opened:
        bodies = {str(key): body for _, key, body in records.records(opened, Kind.SHELF)}
    with closing(sqlite3.connect(file)) as connection:
        previous = ""
        for number, at, kind, key, body, _ in connection.execute(
            "SELECT * FROM chain ORDER BY number"
        ).fetchall():
            body = (
                bodies[key] if kind == "shelf" else anchored(file, connection) if kind == "anchor" else body
            )
            previous = chained(previous, chain.line(number, at, kind, key, body))
            connection.execute(
                "UPDATE chain SET body = ?, hash = ? WHERE number = ?", (body, previous, number)
            )
        connection.commit()


def anchored(file: Path, connection: sqlite3.Connection) -> str:
    """Let an anchor have the hash that its row has by now, and return its digest."""
    connection.execute("UPDATE anchor SET hash = (SELECT hash FROM chain WHERE number = anchor.number)")
    connection.commit()
    with open_copy(file) as opened:
        ((_, _, body),) = records.records(opened, Kind.ANCHOR)
    return body


def test_who_rewrites_all_of_it_is_found_only_by_a_head_that_was_given_out(
    file: Path, made: tuple[Path, Head]
) -> None:
    rewritten(file)
    assert verdict(file).faults == []
    (fault,) = verdict(file, Given(made[1].number, made[1].hash)).faults
    assert fault.endswith("is another than the one that was given away")


def test_readings_that_were_retired_are_told_from_those_that_somebody_took(file: Path) -> None:
    change(file, "DELETE FROM reading WHERE id = 1")
    (fault,) = verdict(file).faults
    assert fault == "readings of maple/12 that arrived on 2026-12-01 (rows 1 to 4): 1 of 2 are there"


def test_a_file_that_is_no_text_is_no_reason_to_fail(file: Path) -> None:
    change(file, "UPDATE history SET note = x'ff00' WHERE id = 1")
    assert verdict(file).faults


# the canonical form

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_canonical_json_says_the_same_and_has_one_form(value: Any) -> None:
    said = canonical(value)
    assert json.loads(said) == value
    assert canonical(json.loads(said)) == said


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_the_order_of_keys_does_not_matter_and_everything_else_does(value: dict[str, Any]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)
    assert digest(value | {"\x00": 1}) != digest(
        {name: each for name, each in value.items() if name != "\x00"}
    )


TEXTS = st.none() | st.text(st.characters(codec="utf-8"), max_size=6)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
ROWS = st.tuples(
    *([INTEGERS] * 5),
    st.floats(allow_nan=False, allow_infinity=False),
    INTEGERS,
    TEXTS,
    TEXTS,
    INTEGERS,
    INTEGERS,
    TEXTS,
)


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_a_reading_is_encoded_as_the_standard_library_would(rows: list[tuple[Any, ...]]) -> None:
    assert len(COLUMNS) == len(rows[0])
    plain = "".join(
        json.dumps(each, separators=(",", ":"), ensure_ascii=False) + "\n" for each in map(list, rows)
    )
    assert encoded(rows) == plain.encode()


# sealing


@pytest.fixture
def store() -> Iterator[Any]:
    connection = empty_store()
    yield connection
    connection.close()


def put(store: Any, note: str) -> None:
    values = {"building": "maple", "room": "12", "by": "A", "role": "", "note": note, "ended_by": ""}
    store.execute(
        TABLES[Kind.SHELF].insert().values(values | {"ended_note": "", "began_at": 1, "until": 2, "since": 1})
    )
    chain.note(store, Kind.SHELF, store.exec_driver_sql("SELECT max(id) FROM shelf").scalar())


def test_what_is_rolled_back_is_not_sealed(store: Any) -> None:
    put(store, "a")
    store.rollback()
    put(store, "b")
    store.commit()
    assert verify(store, (), lambda done, all: None).faults == []
    assert chain.head(store).number == 2, "its beginning and one record"


def test_a_record_that_nobody_noted_shows(store: Any) -> None:
    put(store, "a")
    store.commit()
    store.execute(TABLES[Kind.SHELF].update().values(note="b"))
    store.commit()
    assert verify(store, (), lambda done, all: None).faults == [
        "shelf 1 is not what row 2 of the chain says of it"
    ]


def mended(store: Any, then: Callable[[], object]) -> list[str]:
    then()
    chain.note(store, Kind.SHELF, 1)
    store.commit()
    return verify(store, (), lambda done, all: None).faults


def test_a_record_that_changes_gets_another_row_and_one_that_goes_its_last(store: Any) -> None:
    put(store, "a")
    store.commit()
    table = TABLES[Kind.SHELF]
    assert mended(store, lambda: store.execute(table.update().values(note="b"))) == []
    assert mended(store, lambda: store.execute(table.delete())) == []
    assert chain.head(store).number == 4
