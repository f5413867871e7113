"""A store in a PostgreSQL: in the schema of its URL, let in by its password, the same record as in a file."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect

from safetyd.cli import main
from safetyd.store import dialect, leftovers, readings
from safetyd.store.chain_schema import chain
from safetyd.store.database import Connection, StoreError, open_for_reading, open_for_writing, writer_lock
from safetyd.store.every_table import metadata
from safetyd.store.leftovers import Refusal, RefusedKind
from safetyd.store.verifying import Given, verify
from tests.everything import NINE, of_every_kind
from tests.journeys.servers import LOOPBACK
from tests.postgres import Postgres, postgres, program
from tests.stores import POSTGRESQL, SQLITE

pytestmark = [pytest.mark.journey, pytest.mark.sqlite]  # it brings a server of its own

SECRET = "nine-grey-herons"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as made:
        yield made


@pytest.fixture
def store(server: Postgres) -> Iterator[Connection]:
    with closing(open_for_writing(server.url())) as made:
        yield made


def test_tables_are_made_in_the_schema_of_the_url_and_nowhere_else(server: Postgres) -> None:
    open_for_writing(server.url("north")).close()
    with server.connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT schemaname FROM pg_tables"
            " WHERE tablename = 'reading' AND schemaname IN ('north', 'public')"
        ).fetchall()
    assert found == [("north",)]


def test_every_table_column_and_index_is_there(store: Connection) -> None:
    found = inspect(store)
    for table in metadata.sorted_tables:
        columns = {each["name"] for each in found.get_columns(table.name)}
        assert {each.name for each in table.columns} <= columns, table.name
        indexes = {each["name"] for each in found.get_indexes(table.name)}
        assert {each.name for each in table.indexes} <= indexes, table.name


def test_the_record_is_the_same_to_the_byte_as_in_a_file(server: Postgres, tmp_path: Path) -> None:
    rows = {}
    for name in (SQLITE, POSTGRESQL):
        folder = tmp_path / name
        folder.mkdir()
        url = server.url() if name == POSTGRESQL else f"sqlite:///{folder}/s.db"
        record = of_every_kind(folder, url)
        with closing(open_for_reading(url)) as connection:
            rows[name] = connection.execute(chain.select().order_by(chain.c.number)).fetchall()
            connection.rollback()
            verdict = verify(connection, (), lambda done, all: None)
            assert not verdict.faults and verdict.digests
        record.end()
    assert len(rows[SQLITE]) > 20 and rows[SQLITE] == rows[POSTGRESQL]


def test_what_another_hand_changes_is_found(server: Postgres, tmp_path: Path) -> None:
    record = of_every_kind(tmp_path, server.url("changed"))
    with server.connect() as connection:
        connection.execute("UPDATE changed.ticket SET opened_at = 7")
        connection.execute("UPDATE changed.reading SET value = 99 WHERE id = 1")
    with closing(open_for_reading(record.url)) as reader:
        faults = verify(reader, (), lambda done, all: None).faults
    assert any(each.startswith("ticket maple-2026-0001 is not what") for each in faults)
    assert any(each.startswith("readings of maple/12") for each in faults)
    record.end()


def test_another_hands_change_is_stated_before_it_is_saved_over(server: Postgres, tmp_path: Path) -> None:
    record = of_every_kind(tmp_path, server.url("stated"))
    with server.connect() as connection:
        connection.execute("UPDATE stated.ticket SET opened_at = 7 WHERE id = 'maple-2026-0001'")
    record.command(do="note", ticket="maple-2026-0001", by="A. Roe", note="a")
    found = record.reader.exec_driver_sql("SELECT name FROM statement WHERE subject = 'altered'").fetchall()
    assert found == [("ticket maple-2026-0001",)]
    record.end()


def test_text_with_a_nul_is_kept_with_its_symbol(store: Connection) -> None:
    refused = Refusal(NINE, RefusedKind.VALUE, "a/b", "is no number: 'x\x00y'", b"x\x00y")
    leftovers.refuse(store, [refused])
    readings.append(store, [(1, 1, 10**15, 0, 70.0, 0, "a\x00b", None, None, None, None)])
    store.commit()
    (kept,) = leftovers.refusals(store)
    assert (kept.reason, kept.payload) == ("is no number: 'x\u2400y'", b"x\x00y")
    assert store.exec_driver_sql("SELECT reason FROM reading").scalar() == "a\u2400b"


def test_a_note_with_a_nul_is_on_a_record_that_holds(server: Postgres, tmp_path: Path) -> None:
    record = of_every_kind(tmp_path, server.url())
    record.command(do="note", ticket="maple-2026-0001", by="A. Roe", note="a\x00b")
    record.reader.rollback()
    notes = record.reader.exec_driver_sql("SELECT note FROM history ORDER BY id").scalars().all()
    assert notes[-1] == "a\u2400b"
    assert not verify(record.reader, (), lambda done, all: None).faults
    record.end()


def test_text_is_in_the_order_of_its_bytes(store: Connection) -> None:
    for topic in ("b", "a", "B", "é", "A/1"):
        leftovers.refuse(store, [Refusal(NINE, RefusedKind.VALUE, topic, "no")])
    ordered = store.exec_driver_sql("SELECT topic FROM refused ORDER BY topic").scalars().all()
    assert ordered == ["A/1", "B", "a", "b", "é"]


def test_a_reader_sees_the_store_of_one_moment_and_writes_nothing(server: Postgres) -> None:
    url = server.url()
    with closing(open_for_writing(url)) as writer, closing(open_for_reading(url)) as reader:
        before = readings.last_id(reader)
        readings.append(writer, [(1, 1, 10**15, 0, 70.0, 0, None, None, None, None, None)])
        writer.commit()
        assert readings.last_id(reader) == before
        reader.rollback()
        assert readings.last_id(reader) == before + 1
        with pytest.raises(Exception, match="read-only"):
            reader.exec_driver_sql("DELETE FROM reading")


def test_one_writes_at_a_time(server: Postgres) -> None:
    url = server.url()
    with writer_lock(url) as first, writer_lock(url) as second:
        assert (first, second) == (True, False)
    with writer_lock(url) as third:
        assert third


def test_of_a_newer_safetyd_and_of_something_else_it_is_refused(server: Postgres) -> None:
    url = server.url("newer")
    open_for_writing(url).close()
    with server.connect() as connection:
        connection.execute("UPDATE newer.alembic_version SET version_num = '9999'")
        connection.execute("CREATE SCHEMA alien; CREATE TABLE alien.x (y int)")
    for opening in (open_for_writing, open_for_reading):
        with pytest.raises(StoreError, match="newer safetyd"):
            opening(url)
    with pytest.raises(StoreError, match="something else"):
        open_for_writing(server.url("alien"))
    with pytest.raises(StoreError, match="there is none yet"):
        open_for_reading(server.url("empty"))


def test_a_schema_that_is_not_there_is_named_with_the_mend(server: Postgres) -> None:
    url = server.url("one").replace("search_path%3Done", "search_path%3Dnowhere")
    with pytest.raises(StoreError, match="CREATE SCHEMA"):
        open_for_writing(url)


def test_a_password_is_read_from_its_file_and_stands_nowhere(
    server: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.asks_for("locked", SECRET)
    url = server.url("locked").replace("//safetyd@", "//locked@")
    config, password = tmp_path / "safetyd.toml", tmp_path / "pw"
    lines = f'site = ["site.toml"]\n[store]\nurl = "{url}"\npassword_file = "pw"\n[mqtt]\nport = 1\n'
    config.write_text(lines, encoding="utf-8")
    site = 'timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\nrooms = [{ id = "12" }]\n'
    (tmp_path / "site.toml").write_text(site, encoding="utf-8")
    password.write_text("wrong\n", encoding="utf-8")
    asked = ["user", "list", "--config", str(config)]
    assert main(asked) == 1
    told = capsys.readouterr()
    assert "password authentication failed" in told.err and "wrong" not in told.err
    password.write_text(f"{SECRET}\n", encoding="utf-8")
    assert main(asked) == 1
    told = capsys.readouterr()
    assert "there is none yet" in told.err and SECRET not in told.err + told.out


def test_a_place_among_rows_is_no_part_of_a_record(store: Connection) -> None:
    tables = {table.name: table for table in metadata.sorted_tables}
    assert dialect.place(store, tables["ticket"]) == dialect.PLACE
    assert dialect.place(store, tables["episode"]) == "id"


def test_a_copy_by_pg_dump_is_brought_back_whole_and_goes_on(server: Postgres, tmp_path: Path) -> None:
    record = of_every_kind(tmp_path, server.url("copied"))
    head = record.head()
    record.end()
    to = ["--host", LOOPBACK, "--port", str(server.port), "--username", "safetyd", "--dbname", "postgres"]
    dump = str(tmp_path / "monday.dump")
    subprocess.run(
        [program("pg_dump"), "--format=custom", "--schema=copied", f"--file={dump}", *to], check=True
    )
    with server.connect() as connection:
        connection.execute("DELETE FROM copied.reading; DROP TABLE copied.ticket")
    subprocess.run([program("pg_restore"), "--clean", "--if-exists", *to, dump], check=True)
    record.begin()
    record.command(do="note", ticket="maple-2026-0001", by="A. Roe", note="it goes on")
    record.reader.rollback()
    verdict = verify(record.reader, (Given(head.number, head.hash),), lambda done, all: None)
    assert not verdict.faults and verdict.heads == 1 and verdict.head != head
    record.end()
