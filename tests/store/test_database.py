"""The file is at this version or is brought to it; anything else is refused in a sentence."""

import gc
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DatabaseError

from safetyd.core.health import Still
from safetyd.core.quality import Latest
from safetyd.core.waking import Beat
from safetyd.core.watch import CALM
from safetyd.store import beats, database, inbox, outbox, places, replica, sqlite_file
from safetyd.store import unreached as unreached_notices
from safetyd.store.database import (
    HEAD,
    StoreError,
    in_memory,
    open_for_reading,
    open_for_writing,
    writer_lock,
)
from safetyd.store.every_table import metadata
from tests.everything import NINE

pytestmark = pytest.mark.sqlite


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/var/safetyd.db"


@pytest.fixture
def file(url: str) -> Path:
    return database.file_of(url)


def made(url: str) -> str:
    open_for_writing(url).close()
    return url


def test_one_in_memory_that_was_dropped_may_be_collected_by_any_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dropped = [in_memory()]
    other = Thread(target=lambda: (dropped.clear(), gc.collect()))
    other.start()
    other.join()
    assert [record.getMessage() for record in caplog.records] == []


def schema_of(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return every table, index and constraint by name, with its definition less the white space."""
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(name, "".join(sql.split())) for name, sql in found if name != "alembic_version"}


def test_the_head_is_that_of_the_script_directory() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrations_lead_to_the_tables_that_the_schema_describes(url: str) -> None:
    with closing(open_for_writing(url)) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_they_lead_to_the_same_unique_and_partial_indexes(url: str, file: Path) -> None:
    """Alembic does not compare the conditions of indexes."""
    made(url)
    with closing(sqlite3.connect(file)) as connection:
        migrated = {
            (name, sql) for name, sql in schema_of(connection) if sql.startswith("CREATE") and "INDEX" in sql
        }
    wanted = {
        (name, "".join(sql.split()))
        for name, sql in in_memory().exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        )
        if sql
    }
    assert migrated == wanted


def test_opening_again_changes_nothing(url: str, file: Path) -> None:
    made(url)
    with closing(sqlite3.connect(file)) as connection:
        before = schema_of(connection)
    made(url)
    with closing(sqlite3.connect(file)) as connection:
        assert schema_of(connection) == before


@pytest.mark.parametrize("opening", [open_for_writing, open_for_reading])
def test_a_file_of_a_newer_version_is_refused(opening: object, url: str, file: Path) -> None:
    made(url)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(
        StoreError, match=r"newer safetyd \(version 0999, this one knows .*\); install that one$"
    ):
        opening(url)  # type: ignore[operator]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0999",)]


def test_a_database_of_something_else_is_left_alone(url: str, file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE photo (id INTEGER)")
    with pytest.raises(StoreError, match="is a database of something else"):
        open_for_writing(url)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("photo",)]


def test_a_file_that_is_no_database_is_refused(url: str, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"Dear diary, " * 100)
    for opening in (open_for_writing, open_for_reading):
        with pytest.raises(StoreError, match="not a database"):
            opening(url)
    assert file.read_bytes().startswith(b"Dear diary")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file", encoding="utf-8")
    with pytest.raises(StoreError, match=r"safetyd\.db"):
        open_for_writing(f"sqlite:///{tmp_path}/var/safetyd.db")


def test_where_nothing_is_nothing_is_made_by_looking(url: str, file: Path) -> None:
    with pytest.raises(StoreError, match="there is none yet; it is made by: safetyd run"):
        open_for_reading(url)
    assert not file.parent.exists()


def test_a_reader_cannot_write(url: str) -> None:
    with closing(open_for_reading(made(url))) as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("INSERT INTO desk VALUES ('maple', x'00')")


def test_what_is_committed_is_on_the_disk_when_commit_returns(url: str) -> None:
    with closing(open_for_writing(url)) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_one_process_holds_the_writers_lock(url: str) -> None:
    with writer_lock(url) as first:
        assert first
        with writer_lock(url) as second:
            assert not second
    with writer_lock(url) as third:
        assert third


@pytest.fixture
def held(url: str, file: Path) -> Iterator[sqlite3.Connection]:
    made(url)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_a_store_that_is_held_is_not_taken_for_a_database_of_something_else(
    url: str, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_BUSY_MS", 100)
    began_at = time.monotonic()
    with pytest.raises(StoreError, match="locked"):
        open_for_writing(url)
    assert time.monotonic() - began_at < 5


def test_what_comes_after_a_beginning_that_failed_is_a_transaction_again(url: str) -> None:
    with closing(open_for_writing(url)) as writer, closing(open_for_reading(url)) as reader:
        writer.exec_driver_sql("PRAGMA busy_timeout = 0")
        writer.rollback()
        with closing(sqlite3.connect(database.file_of(url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseError, match="locked"):
                inbox.put(writer, "{}", NINE)
            database.abandon(writer)
        inbox.put(writer, "{}", NINE)
        writer.rollback()
        assert reader.exec_driver_sql("SELECT count(*) FROM inbox").scalar() == 0
        reader.rollback()
        inbox.leave(writer, "{}", NINE)
        assert reader.exec_driver_sql("SELECT count(*) FROM inbox").scalar() == 1


def test_a_store_that_is_held_can_be_read(url: str, held: sqlite3.Connection) -> None:
    with closing(open_for_reading(url)) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reading").scalar() == 0


def test_how_places_stood_in_the_first_release_is_read_on(url: str, file: Path) -> None:
    nine = datetime(2026, 9, 3, 9, 0, tzinfo=UTC)
    later = nine + timedelta(minutes=15)
    belief, source = [[71.5, nine, later], None], [[71.5, nine, later], [40.0, nine, later]]
    calm = msgspec.msgpack.decode(msgspec.msgpack.encode(CALM))
    health = {"maple/12/12": [later, [71.5, 40.0], nine, 3]}
    standing = [7, [nine, {"12": belief}, {"12": source}, calm, calm], None, health]
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    file.parent.mkdir()
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO place_state VALUES ('maple', '12', 1, 1, 7, 1, ?)",
            (msgspec.msgpack.encode(standing),),
        )
    engine.dispose()
    with closing(open_for_writing(url)) as connection:
        (found,) = places.load(connection).values()
    assert found.room is not None
    assert found.room.sources["12"].temperature == Latest(71.5, nine, later)
    remembered = found.health["maple/12/12"]
    assert (remembered.until, remembered.heard_at) == (later, nine)
    assert remembered.temperature == Still(71.5, nine, nine, 3)


@contextmanager
def older_store(url: str, file: Path, version: str) -> Iterator[Connection]:
    """Make a store of an older version, to be filled."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    file.parent.mkdir()
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        yield connection
    engine.dispose()


def test_the_last_sign_of_life_of_an_older_store_is_read_on(url: str, file: Path) -> None:
    with older_store(url, file, "0003") as connection:
        connection.exec_driver_sql("INSERT INTO beat VALUES (1, 1796140800000000, 'b1', 1)")
    with closing(open_for_writing(url)) as connection:
        assert beats.last(connection) == Beat(datetime(2026, 12, 1, 16, tzinfo=UTC), "b1", is_last=True)
        given = Beat(datetime(2026, 12, 1, 17, tzinfo=UTC), "b2", False, timedelta(hours=3), is_sure=False)
        beats.give(connection, given)
        assert beats.last(connection) == given


def test_what_was_owed_before_there_was_a_delivery_record_is_owed_still(url: str, file: Path) -> None:
    with older_store(url, file, "0004") as connection:
        for number, state, due_at in ((1, "waiting", "5"), (2, "accepted", "NULL")):
            connection.exec_driver_sql(
                f"INSERT INTO notice VALUES ({number}, 'k{number}', 5, 'maple', NULL, 'null', 'opened',"
                " '[\"facilities\"]', '[\"Ann\"]', 'title', 'text')"
            )
            connection.exec_driver_sql(
                "INSERT INTO delivery VALUES"
                f" ({number}, {number}, 'Ann', 'f', '{state}', 2, {due_at}, NULL, '')"
            )
    with closing(open_for_writing(url)) as connection:
        (due,) = outbox.due(connection, datetime(2026, 12, 1, tzinfo=UTC))
        assert (due.person, due.attempts, due.settled) == ("Ann", 2, frozenset())
        (unreached,) = unreached_notices.unreached(connection, datetime(1969, 1, 1, tzinfo=UTC))
        assert unreached.id == 1, "what was accepted reached somebody"
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        migrated = indexes(connection)
    assert migrated == indexes(in_memory())


def test_episodes_of_an_older_store_are_copied_too(url: str, file: Path) -> None:
    with older_store(url, file, "0007") as connection:
        connection.exec_driver_sql(
            "INSERT INTO episode VALUES (1, 'maple', '12', 'cold', 5, NULL, NULL,"
            ' \'{"place":["maple","12"],"condition":"cold","began_at":"1970-01-01T00:00:00.000005Z"}\')'
        )
    with closing(open_for_writing(url)) as connection:
        (change,) = replica.episode_changes(connection, 0, 10)
        assert (change.building, change.room, change.began_at) == ("maple", "12", 5)
        assert change.episode is not None
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def indexes(connection: Connection) -> set[str]:
    """Return every index that was asked for, with its condition, less the white space and quotes."""
    wanted = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    return {"".join(sql.replace('"', "").split()) for (sql,) in connection.exec_driver_sql(wanted)}
