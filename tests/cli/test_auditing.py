"""`audit`: the head in a line, what is found in sentences, and an exit code that a script can go by."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from safetyd.cli import main
from tests.everything import Record, of_every_kind


@pytest.fixture
def record(tmp_path: Path) -> Record:
    made = of_every_kind(tmp_path)
    (tmp_path / "safetyd.toml").write_text(
        'site = ["site.toml"]\n[store]\nurl = "sqlite:///safetyd.db"\n[audit]\nhead_file = "heads.txt"\n'
    )
    return made


def run(record: Record, *argv: str) -> int:
    return main(["audit", *argv, "--config", str(record.file.parent / "safetyd.toml")])


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def test_the_head_that_is_printed_is_the_one_to_verify_by(
    record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(record, "head") == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert run(record, "verify", "--head", line) == 0
    said = capsys.readouterr()
    number = line.partition("@")[2]
    assert said.out.splitlines()[-1] == f"Sound: all that was on record at row {number} is what it was."
    assert said.err == "", "no progress bar in a pipe"


def test_json_says_it_all_and_nothing_else(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(record, "head", "--json") == 0
    head = json.loads(capsys.readouterr().out)["head"]
    assert run(record, "verify", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sound"], found["head"], found["faults"]) == (True, head, [])
    assert found["rows"] == head["number"]


def test_what_was_changed_is_named_and_the_exit_code_is_one(
    record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    change(record.file, "UPDATE history SET note = 'nothing' WHERE id = 2")
    assert run(record, "verify") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("history 2 is not what row ")
    assert lines[-1] == "NOT SOUND: 2 found."


def test_a_backup_is_looked_at_by_its_file_and_not_touched(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, config = tmp_path / "monday.backup", str(tmp_path / "safetyd.toml")
    assert main(["backup", str(file), "--config", config]) == 0
    before = file.read_bytes()
    assert run(record, "verify", str(file)) == 0
    assert file.read_bytes() == before
    change(file, "UPDATE chain SET at = 1 WHERE number = 9")
    capsys.readouterr()
    assert run(record, "verify", str(file)) == 1
    assert capsys.readouterr().out.startswith("row 9 of the chain (")
    assert run(record, "verify") == 0, "the store itself is another file"


@pytest.mark.parametrize("head", ["abc", "0" * 64, f"{'0' * 64}@0", f"{'0' * 64}@x"])
def test_what_is_no_head_is_refused(record: Record, head: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(record, "verify", "--head", head) == 2
    assert "expected 64 hexadecimal digits, @ and a number" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no store"])
def test_what_is_no_store_is_told_in_a_sentence(
    record: Record, tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    assert run(record, "verify", str(tmp_path / "file")) == 1
    said = capsys.readouterr()
    assert said.err.startswith("safetyd: ") and said.err.count("\n") == 1 and said.out == ""
