"""`audit`: the head in a line, what is found in sentences, and an exit code that a script can go by."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from safetyd import stamping
from safetyd.cli import main
from safetyd.store import anchors, chain
from safetyd.store.anchors import Way
from safetyd.store.database import open_for_writing
from tests.authority import Authority
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
    assert found["rows"] == found["rows_in_all"] == head["number"]


def test_what_was_changed_is_named_and_the_exit_code_is_one(
    record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    change(record.file, "UPDATE history SET note = 'nothing' WHERE id = 2")
    assert run(record, "verify") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("history 2 is not what row ")
    assert lines[-1] == "NOT SOUND: 2 found."


def test_a_gap_is_named_with_the_records_of_which_nothing_can_be_said(
    record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    change(
        record.file, "DELETE FROM chain WHERE number = (SELECT min(number) FROM chain WHERE kind = 'history')"
    )
    assert run(record, "verify") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("a gap in the chain: row ") and lines[-1] == "NOT SOUND: 1 found."
    (unheld,) = [each for each in lines if each.startswith("Records that cannot be held against rows")]
    assert " are missing: history " in unheld


def test_a_backup_is_looked_at_by_its_file_and_not_touched(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, config = tmp_path / "monday.backup", str(tmp_path / "safetyd.toml")
    assert main(["backup", str(file), "--config", config]) == 0
    before = file.read_bytes()
    assert run(record, "verify", str(file)) == 0
    assert file.read_bytes() == before
    capsys.readouterr()
    assert run(record, "verify", "--json") == 0
    number = json.loads(capsys.readouterr().out)["rows_in_all"]
    change(file, "UPDATE chain SET at = 1 WHERE number = 9")
    assert run(record, "verify", str(file)) == 1
    said = capsys.readouterr().out
    assert said.startswith("row 9 of the chain (")
    assert f"Rows of the chain that follow from each other, from the first on: 8 of {number}.\n" in said
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


def lines(record: Record, *heads: str) -> Path:
    record.heads.write_text("".join(f"2026-12-02T16:00:00Z {each}\n" for each in heads))
    return record.heads


def kept(record: Record, number: int) -> str:
    with closing(sqlite3.connect(record.file)) as connection:
        ((hash,),) = connection.execute("SELECT hash FROM chain WHERE number = ?", (number,)).fetchall()
    return f"{hash}@{number}"


def test_every_line_of_the_head_file_is_held_against_the_store_unasked(
    record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    lines(record, kept(record, 9), kept(record, 30))
    assert run(record, "verify") == 0
    assert (
        capsys.readouterr().out.splitlines()[-1] == "Sound: all that was on record at row 30 is what it was."
    )
    lines(record, f"{'0' * 64}@9", kept(record, 30), f"{'0' * 64}@7000")
    assert run(record, "verify") == 1
    said = capsys.readouterr().out
    assert "row 9 of the chain" in said and "is another than the one that was given away" in said
    assert "the chain is cut: row 7000 was given away" in said


def test_a_backup_is_held_against_a_file_of_heads_only_if_asked(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, config = tmp_path / "monday.backup", str(tmp_path / "safetyd.toml")
    assert main(["backup", str(file), "--config", config]) == 0
    lines(record, f"{'0' * 64}@7000")
    assert run(record, "verify", str(file)) == 0
    assert run(record, "verify", str(file), "--heads", str(record.heads)) == 1
    capsys.readouterr()


@pytest.mark.parametrize(
    ("content", "told"), [(None, "cannot be read"), ("hello\n", "line 1: 'hello' is no head")]
)
def test_a_file_that_holds_no_heads_is_told_in_a_sentence(
    record: Record, tmp_path: Path, content: str | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "mine").write_text(content)
    assert run(record, "verify", "--heads", str(tmp_path / "mine")) == 1
    assert told in capsys.readouterr().err


@pytest.fixture
def authority(record: Record, tmp_path: Path) -> Authority:
    """One that has stamped the head, in place of what stands there."""
    made = Authority(tmp_path / "authority")
    with open_for_writing(record.url) as connection:
        head = chain.head(connection)
        assert head is not None
        anchors.owe(connection, [Way.STAMP], "2026-12-02", head, record.now)
        stamp = made.stamp(stamping.question(chain.made_of(connection, head.number)).body)
        anchors.finish(connection, 2, record.now, "2026-12-02T17:01:02Z CN=Stamps", stamp)
        anchors.finish(connection, 1, record.now, "", None)
        connection.commit()
    return made


def test_the_newest_stamp_is_shown_saved_and_checked(
    record: Record, authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "head.tsr"
    assert run(record, "head", "--stamp", str(out)) == 0
    *_, shown = capsys.readouterr().out.splitlines()
    hash = shown.rpartition(" ")[2]
    assert shown.startswith("row ") and " stamped 2026-12-02T17:01:02Z by CN=Stamps: " in shown
    assert authority.agrees(out, hash)
    assert run(record, "head", "--json") == 0
    stamp = json.loads(capsys.readouterr().out)["stamp"]
    assert (stamp["day"], stamp["hash"], stamp["by"]) == ("2026-12-02", hash, "CN=Stamps")
    assert run(record, "verify") == 0
    assert "Stamps that nobody has checked: 1; --ca FILE names whose count." in capsys.readouterr().out
    assert run(record, "verify", "--ca", str(authority.root)) == 0
    assert "Stamps of an authority: 1, each of a row that the chain still has." in capsys.readouterr().out
    assert run(record, "verify", "--ca", str(authority.root), "--json") == 0
    assert json.loads(capsys.readouterr().out)["stamps"] == {"good": 1, "unchecked": 0}


def test_a_stamp_of_another_authority_does_not_count(
    record: Record, authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Authority(tmp_path / "other")
    assert run(record, "verify", "--ca", str(other.root)) == 1
    assert "is not good: nobody who is trusted has signed it" in capsys.readouterr().out


def test_without_a_stamp_none_is_saved(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(record.file, "UPDATE anchor SET stamp = NULL")
    assert run(record, "head", "--stamp", str(tmp_path / "x")) == 1
    assert "there is no stamp yet: [audit] timestamp_url" in capsys.readouterr().err
    assert run(record, "verify", "--ca", str(tmp_path / "none")) == 1
    assert "holds no certificates that can be read" in capsys.readouterr().err


def test_what_another_hand_changed_is_named_after_it_was_saved_again(
    record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    change(record.file, "UPDATE ticket SET opened_at = 7 WHERE id = 'maple-2026-0001'")
    record.command(do="note", ticket="maple-2026-0001", by="A. Roe", note="a")
    record.command(do="dispute", ticket="maple-2026-0001", by="A. Roe", note="b")
    assert run(record, "verify") == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("ticket maple-2026-0001 was not what row ") and last == "NOT SOUND: 1 found."
