"""What the first release wrote is all there after an upgrade to this one, and as it was after the way back.

Whether the daemon goes on with it is in `tests/journeys/test_upgrade.py`.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from safetyd.store.copies import back_up, restore
from safetyd.store.database import HEAD, open_for_writing
from tests.first_release import columns, dump, first_store, rows, version

pytestmark = pytest.mark.sqlite

NOW = datetime(2026, 2, 1, tzinfo=UTC)

SAID_ANEW = {"place_state"}  # how places stood: said in other words, read on as test_database.py holds


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The store of the first release, in a file."""
    return first_store(tmp_path / "safetyd.db")


def upgraded(file: Path) -> Path:
    open_for_writing(f"sqlite:///{file}").close()
    return file


def test_the_fixture_holds_something_of_everything(store: Path) -> None:
    assert version(store) == "0001"
    empty = [table for table, names in columns(store).items() if not rows(store, table, names)]
    assert empty == ["held"], "nothing was held back that day"
    assert len(rows(store, "reading", ["id"])) > 1500


def test_every_row_is_there_with_its_values(store: Path, tmp_path: Path) -> None:
    before = Path(shutil.copy(store, tmp_path / "before.db"))
    upgraded(store)
    assert version(store) == HEAD
    then, now = columns(before), columns(store)
    for table in then.keys() - SAID_ANEW:
        gone = [name for name in then[table] if name not in now.get(table, [])]
        assert not gone, f"{table} has lost {gone}"
        assert rows(store, table, then[table]) == rows(before, table, then[table]), table


def test_the_way_back_is_the_copy_from_before_to_the_byte(store: Path, tmp_path: Path) -> None:
    was = dump(store)
    copy = tmp_path / "before.backup"
    back_up(store, copy, lambda *_: None, force=False)
    upgraded(store)
    assert dump(copy) == was, "the copy is of the version that it was made of"
    restored = restore(store, copy, NOW, lambda *_: None, force=True)
    assert version(store) == "0001" and dump(store) == was
    assert store.read_bytes() == copy.read_bytes()
    assert restored.kept is not None and version(restored.kept) == HEAD, "what was upgraded is kept"
    upgraded(store)
    assert version(store) == HEAD, "and it can go forward again"
