"""`evidence` and `audit verify FILE.zip`: a packet on the disk, and whether it is sound."""

import json
from pathlib import Path

import pytest

from safetyd.cli import main
from safetyd.evidence import verify
from tests.everything import Record, of_every_kind

TICKET, HAZARD = "maple-2026-0001", "maple-2026-0002"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    made = of_every_kind(tmp_path)
    (tmp_path / "safetyd.toml").write_text(
        'site = ["site.toml"]\n[store]\nurl = "sqlite:///safetyd.db"\n', encoding="utf-8"
    )
    return made


def run(record: Record, *argv: str) -> int:
    return main([*argv, "--config", str(record.file.parent / "safetyd.toml")])


@pytest.mark.parametrize("ticket", [TICKET, HAZARD])
def test_a_packet_of_a_store_that_is_in_use_is_sound_by_the_head_that_was_given(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str], ticket: str
) -> None:
    out = tmp_path / "out.zip"
    head = record.head()
    assert run(record, "evidence", ticket, "-o", str(out)) == 0
    said = capsys.readouterr()
    assert said.out == "" and f"{head.hash}@{head.number}" in said.err
    assert run(record, "audit", "verify", str(out), "--head", f"{head.hash}@{head.number}") == 0
    assert capsys.readouterr().out.splitlines()[-1] == verify.SOUND
    assert run(record, "audit", "verify", str(out), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] and found["faults"] == [] and found["holds"]
    assert run(record, "audit", "verify", str(out), "--head", "0" * 64) == 1
    assert "the head that was given is none of" in capsys.readouterr().out


def test_what_is_there_is_replaced_only_if_that_is_wished(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.zip"
    out.write_bytes(b"another packet")
    assert run(record, "evidence", TICKET, "-o", str(out)) == 1
    assert "is there already; name another file, or say --force" in capsys.readouterr().err
    assert out.read_bytes() == b"another packet"
    assert run(record, "evidence", TICKET, "-o", str(tmp_path)) == 1
    assert "is a folder; name a file in it" in capsys.readouterr().err
    assert run(record, "evidence", TICKET, "-o", str(out), "--force") == 0
    assert run(record, "evidence", TICKET, "-o", str(tmp_path / "nowhere" / "x.zip")) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_an_unknown_ticket_is_one_sentence_and_leaves_no_file(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    assert run(record, "evidence", "maple-2026-0003", "-o", str(tmp_path / "x.zip")) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "there is no ticket 'maple-2026-0003'; did you mean" in said
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_no_packet_is_one_sentence(
    record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.zip").write_bytes(b"a letter")
    assert run(record, "audit", "verify", str(tmp_path / "letter.zip")) == 1
    assert "is no zip archive, and no folder" in capsys.readouterr().err
