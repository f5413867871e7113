"""A store goes out to a file and comes back whole, or stays as it was; what is damaged is found and named."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from safetyd.store import soundness
from safetyd.store.copies import Restored, back_up, restore
from safetyd.store.database import HEAD, StoreError, open_for_reading, open_for_writing
from safetyd.store.rollups import _TABLES as ROLLED
from safetyd.store.soundness import Holdings, damage, holdings, newest_good
from tests.store.test_database import older_store

pytestmark = pytest.mark.sqlite

AT = datetime(2026, 12, 1, 16, 5, tzinfo=UTC)
EIGHT, NINE = 1796112000000000, 1796115600000000  # 2026-12-01 in UTC
ROOM_FOR_MANY_PAGES = 4000


def silent(_done: int, _all: int) -> None:
    pass


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return made(tmp_path / "var" / "safetyd.db")


@pytest.fixture
def backup(store: Path, tmp_path: Path) -> Path:
    back_up(store, tmp_path / "monday.backup", silent, force=False)
    return tmp_path / "monday.backup"


def made(path: Path, at: int = EIGHT, readings: int = 1) -> Path:
    with closing(open_for_writing(f"sqlite:///{path}")) as connection:
        say(connection, at, readings)
        connection.exec_driver_sql(
            "INSERT INTO ticket VALUES ('maple-2026-0001', 'maple', '12', 'cold', '', 'open', 0, '{}')"
        )
        connection.commit()
    return path


def say(connection: object, at: int, readings: int = 1) -> None:
    connection.exec_driver_sql(  # type: ignore[attr-defined]
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO reading (sensor, quantity, observed_at, delay, value, mark)"
        " SELECT 1, 1, ?, 5, 70.0, 0 FROM n",
        (readings, at),
    )


def later(path: Path, statement: str = "") -> None:
    """Let something happen to a store after its backup."""
    with closing(open_for_writing(f"sqlite:///{path}")) as connection:
        if statement:
            connection.exec_driver_sql(statement)
        else:
            say(connection, NINE)
        connection.commit()


def count(path: Path) -> int:
    with closing(open_for_reading(f"sqlite:///{path}")) as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM reading").scalar() or 0)


def put_back(store: Path, file: Path, *, force: bool = False) -> Restored:
    return restore(store, file, AT, silent, force=force)


def refused(does: Callable[[], object], store: Path, *words: str) -> None:
    """It is refused in one sentence with these words, and nothing of the store is touched."""
    before = {path.name: path.read_bytes() for path in store.parent.iterdir()}
    with pytest.raises(StoreError) as error:
        does()
    assert len(str(error.value).splitlines()) == 1
    assert all(word in str(error.value) for word in words), error.value
    after = {path.name: path.read_bytes() for path in store.parent.iterdir()}
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name.endswith((".part", ".restoring"))]


def flipped(path: Path, at: int, bytes_: int = 64) -> Path:
    """Flip bits of a file from a place on."""
    content = bytearray(path.read_bytes())
    content[at : at + bytes_] = bytes(each ^ 0xFF for each in content[at : at + bytes_])
    path.write_bytes(content)
    return path


def halved(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


# out


def test_a_backup_is_one_file_and_says_what_it_holds(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "monday.backup"
    held = back_up(store, file, silent, force=False)
    assert held == Holdings(HEAD, 1, 1, file.stat().st_size, held.last_reading_at, None)
    assert held.last_reading_at == datetime(2026, 12, 1, 8, 0, 0, 5, tzinfo=UTC)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["monday.backup"]
    assert holdings(file) == held
    assert not list(tmp_path.glob("monday.backup-*")), "looking at it leaves nothing beside it"


def test_progress_is_told_up_to_the_end(tmp_path: Path) -> None:
    store = made(tmp_path / "safetyd.db", readings=60 * ROOM_FOR_MANY_PAGES)
    told: list[tuple[int, int]] = []
    back_up(store, tmp_path / "a.backup", lambda *each: told.append(each), force=False)
    assert len(told) > 1 and told == sorted(told) and told[-1][0] == told[-1][1]


def test_a_file_that_is_there_is_replaced_only_when_forced(store: Path, backup: Path) -> None:
    before = backup.read_bytes()
    later(store)
    refused(lambda: back_up(store, backup, silent, force=False), store, str(backup), "--force")
    assert backup.read_bytes() == before
    assert back_up(store, backup, silent, force=True).readings == 2
    assert holdings(backup).readings == 2


@pytest.mark.parametrize("name", ["safetyd.db", "safetyd.db-wal", "safetyd.db-shm", "safetyd.db.lock"])
def test_the_store_is_never_the_file_of_its_own_backup(name: str, store: Path) -> None:
    own = store.with_name(name)
    refused(lambda: back_up(store, own, silent, force=True), store, "itself")


def test_nor_by_another_name(store: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store)
    refused(lambda: back_up(store, tmp_path / "link", silent, force=True), store, "itself")
    refused(lambda: put_back(store, tmp_path / "link", force=True), store, "itself")


def test_without_a_store_there_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is none yet; it is made by: safetyd run"):
        back_up(tmp_path / "safetyd.db", tmp_path / "a.backup", silent, force=False)
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_written_is_said(store: Path, tmp_path: Path) -> None:
    refused(lambda: back_up(store, tmp_path / "no" / "a.backup", silent, force=False), store, "a.backup")


@pytest.mark.parametrize("force", [True, False])
def test_a_folder_is_no_file_to_back_up_into_whatever_is_said(
    store: Path, tmp_path: Path, force: bool
) -> None:
    with pytest.raises(StoreError, match=r"is a folder; name a file in it, such as .*monday\.backup") as told:
        back_up(store, tmp_path, silent, force=force)
    assert "--force" not in str(told.value)


@pytest.mark.parametrize("name", ["a-file/monday.backup", "nowhere/monday.backup", "m" * 300])
def test_what_cannot_be_written_is_called_by_the_name_that_was_given(
    name: str, store: Path, tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises((StoreError, OSError)) as told:
        back_up(store, tmp_path / name, silent, force=False)
    assert name in str(told.value) and ".part" not in str(told.value)


def test_a_store_of_something_else_is_called_by_its_own_name(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "else.db")) as other:
        other.execute("CREATE TABLE book (id)")
    with pytest.raises(StoreError, match=r"else\.db: is no store of safetyd") as told:
        back_up(tmp_path / "else.db", tmp_path / "monday.backup", silent, force=False)
    assert ".part" not in str(told.value)


def test_no_backup_is_made_of_a_damaged_store(tmp_path: Path) -> None:
    store = made(tmp_path / "var" / "safetyd.db", readings=ROOM_FOR_MANY_PAGES)
    flipped(store, store.stat().st_size - 4096)
    refused(lambda: back_up(store, tmp_path / "a.backup", silent, force=False), store, "damaged")
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


def test_what_an_ended_backup_left_is_cleared_away(store: Path, tmp_path: Path) -> None:
    (tmp_path / "a.backup.17.part").write_bytes(b"half")
    back_up(store, tmp_path / "a.backup", silent, force=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.backup", "var"]


def test_it_is_as_private_as_the_store(store: Path, tmp_path: Path) -> None:
    store.chmod(0o600)
    back_up(store, tmp_path / "a.backup", silent, force=False)
    assert (tmp_path / "a.backup").stat().st_mode & 0o777 == 0o600


# back again


def test_a_store_comes_back_where_there_is_none(store: Path, backup: Path) -> None:
    store.unlink()
    done = put_back(store, backup)
    assert (done.kept, done.holdings.readings, count(store)) == (None, 1, 1)


def test_a_store_that_is_as_old_is_replaced_and_kept(store: Path, backup: Path) -> None:
    store.chmod(0o640)
    done = put_back(store, backup)
    assert done.kept is not None and "20261201T160500" in done.kept.name
    assert (count(store), count(done.kept)) == (1, 1)
    assert store.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "INSERT INTO history (ticket, at, event, \"by\", note, detail, hash)"
        f" VALUES ('maple-2026-0001', {NINE}, 'note', 'a', 'b', '{{}}', 'c')",
    ],
    ids=["readings", "history"],
)  # fmt: skip
def test_a_newer_store_is_replaced_only_when_forced_and_kept(
    statement: str, store: Path, backup: Path
) -> None:
    later(store, statement)
    refused(lambda: put_back(store, backup), store, str(store), "2026-12-01 09:00:00", "--force")
    before = store.read_bytes()
    done = put_back(store, backup, force=True)
    assert count(store) == 1
    assert done.kept is not None and holdings(done.kept) == holdings(done.kept)
    assert len(before) == done.kept.stat().st_size


def test_what_was_not_yet_in_the_stores_own_file_is_kept_with_it(store: Path, backup: Path) -> None:
    crashed = store.with_name("crashed")
    with closing(open_for_writing(f"sqlite:///{store}")) as connection:
        say(connection, NINE)
        connection.commit()
        crashed.mkdir()
        for path in list(store.parent.glob("safetyd.db*")):  # as a power cut would leave them
            (crashed / path.name).write_bytes(path.read_bytes())
    here = crashed / "safetyd.db"
    assert (crashed / "safetyd.db-wal").stat().st_size > 0
    done = put_back(here, backup, force=True)
    assert sorted(path.name for path in crashed.iterdir()) == sorted(["safetyd.db", done.kept.name])  # type: ignore[union-attr]
    assert done.kept is not None and (count(here), count(done.kept)) == (1, 2)


def test_a_store_that_somebody_has_open_is_left_alone(store: Path, backup: Path) -> None:
    with (
        closing(open_for_reading(f"sqlite:///{store}")),
        pytest.raises(StoreError, match="another program has it open"),
    ):
        put_back(store, backup, force=True)
    assert count(store) == 1
    assert not list(store.parent.glob("*.replaced-*"))


def test_a_damaged_store_needs_force_and_is_kept_as_it_is(store: Path, backup: Path) -> None:
    flipped(store, 0, 4096)
    damaged = store.read_bytes()
    store.with_name("safetyd.db-wal").write_bytes(b"left over")
    refused(lambda: put_back(store, backup), store, "--force", str(store))
    done = put_back(store, backup, force=True)
    assert done.kept is not None and done.kept.read_bytes() == damaged
    assert done.kept.with_name(done.kept.name + "-wal").read_bytes() == b"left over"
    assert not store.with_name("safetyd.db-wal").exists()
    assert count(store) == 1


def test_a_file_that_is_not_there_is_named(store: Path, tmp_path: Path) -> None:
    refused(lambda: put_back(store, tmp_path / "tuesday.backup"), store, "tuesday.backup", "no such file")
    refused(lambda: put_back(store, tmp_path), store, "no such file")


def test_a_file_that_is_no_store_is_named(store: Path, tmp_path: Path) -> None:
    diary = tmp_path / "diary.backup"
    diary.write_bytes(b"Dear diary, " * 1000)
    refused(lambda: put_back(store, diary, force=True), store, "diary.backup")
    diary.write_bytes(b"")
    refused(lambda: put_back(store, diary, force=True), store, "no store of safetyd")
    with closing(sqlite3.connect(tmp_path / "photos.db")) as other, other:
        other.execute("CREATE TABLE photo (id INTEGER)")
    refused(lambda: put_back(store, tmp_path / "photos.db", force=True), store, "no store of safetyd")


@pytest.mark.parametrize("damaging", [halved, lambda path: flipped(path, path.stat().st_size - 4096)])
def test_a_damaged_backup_is_refused(damaging: Callable[[Path], Path], tmp_path: Path) -> None:
    store = made(tmp_path / "var" / "safetyd.db", readings=ROOM_FOR_MANY_PAGES)
    file = tmp_path / "a.backup"
    back_up(store, file, silent, force=False)
    damaging(file)
    refused(lambda: put_back(store, file, force=True), store, str(file))


def test_a_backup_of_a_newer_program_is_refused(store: Path, backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '0999'")
    refused(lambda: put_back(store, backup, force=True), store, "newer safetyd", "0999", HEAD)


def test_a_backup_of_an_older_program_is_brought_up_to_date_later(tmp_path: Path) -> None:
    store, backup = tmp_path / "safetyd.db", tmp_path / "older" / "safetyd.backup"
    with older_store(f"sqlite:///{backup}", backup, "0007"):
        pass
    put_back(store, backup)
    open_for_writing(f"sqlite:///{store}").close()
    assert holdings(store).version == HEAD


# damage


def test_a_whole_store_and_one_that_is_not_made_yet_have_no_damage(store: Path, tmp_path: Path) -> None:
    assert damage(store) == damage(store, thorough=True) == damage(tmp_path / "none.db") == ""


@pytest.mark.parametrize("at", [0, 100], ids=["head", "schema"])
def test_a_damage_is_found(at: int, store: Path) -> None:
    assert damage(flipped(store, at, 400))


def test_a_truncated_store_is_found(tmp_path: Path) -> None:
    assert damage(halved(made(tmp_path / "safetyd.db", readings=ROOM_FOR_MANY_PAGES)))


def test_an_empty_file_is_a_new_store_only_where_nothing_was_backed_up(store: Path) -> None:
    back_up(store, store.parent / "monday.backup", silent, force=False)
    store.write_bytes(b"")
    assert damage(store) == "it is empty"
    (store.parent / "monday.backup").write_bytes(b"no backup of ours")
    assert damage(store) == ""
    (store.parent / "monday.backup").unlink()
    assert damage(store) == ""


def test_a_start_reads_nothing_that_grows_for_years(store: Path) -> None:
    with soundness.opened(store) as connection:
        names = set(connection.execute("SELECT name FROM sqlite_master").fetchall())
    assert {(each,) for each in soundness._GROWING} <= names, "each is a table of ours"
    assert {"reading", "attachment", *ROLLED} <= set(soundness._GROWING)


def test_after_a_clean_end_the_readings_are_not_looked_at_unless_asked(tmp_path: Path) -> None:
    store = made(tmp_path / "safetyd.db", readings=ROOM_FOR_MANY_PAGES)
    for is_last in (0, 1):
        later(store, f"INSERT OR REPLACE INTO beat VALUES (1, {EIGHT}, 'b', {is_last}, NULL, 0)")
        sound = store.read_bytes()
        flipped(store, store.stat().st_size - 4096)
        assert bool(damage(store)) is not bool(is_last)
        assert damage(store, thorough=True)
        store.write_bytes(sound)


def test_the_newest_good_backup_is_found(store: Path, backup: Path) -> None:
    assert newest_good(store.parent) is None
    for number, name in enumerate(["old.backup", "new.backup", "damaged.backup", "other.backup"]):
        path = store.with_name(name)
        path.write_bytes(backup.read_bytes() if name != "other.backup" else b"no store")
        os.utime(path, (number, number))
    flipped(store.with_name("damaged.backup"), 100, 4000)
    assert newest_good(store.parent) == store.with_name("new.backup")
