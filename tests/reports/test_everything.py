"""Everything about a building and a range: each part against what was told, and nobody named who reported."""

import csv
import json
from base64 import b64encode
from contextlib import closing, redirect_stderr, redirect_stdout
from hashlib import sha256
from io import StringIO
from pathlib import Path
from re import fullmatch
from typing import Any
from zipfile import ZipFile

import pytest

from safetyd.cli import main
from safetyd.store import inbox
from safetyd.store.database import open_for_writing
from tests.stores import store_url
from tests.story import COLD, MILD, Run, Story, clock, instant
from tests.whatif.season import kept

PHOTO = b"\x89PNG\r\n\x1a\n a window"
END = "2026-11-01 00:00"


@pytest.fixture(autouse=True)
def at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safetyd.cli.reports.now", lambda: instant("2026-11-10 12:00"))


def autumn() -> Story:
    """Room 12 cold on two mornings; an educator reports a leak and brings a photo; cedar is mild."""
    story = Story().reading("12", "2026-10-05 08:00", until="2026-10-05 09:55", **COLD)
    story.reading("12", "2026-10-05 10:00", until="2026-10-05 12:00", **MILD)
    story.reading("12", "2026-10-08 08:00", until="2026-10-08 12:00", **MILD)
    story.reading("7", "2026-10-06 08:00", until="2026-10-06 09:00", building="cedar", **MILD)
    story.report(
        "2026-10-06 09:00", "lab", hazard="leaks", by="Nora Quill", role="educator", note="says Nora Quill"
    )
    photo = {"name": "leak.png", "base64": b64encode(PHOTO).decode()}
    return story.act("2026-10-06 10:00", "note", ticket="maple-2026-0002", note="see", attach=[photo])


def written(config: Path, file: Path, *more: str) -> Run:
    argv = ["report", "everything", "--config", str(config), "-o", str(file), *more]
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(argv)
    return Run(code, out.getvalue(), err.getvalue())


def opened(config: Path, *more: str) -> dict[str, bytes]:
    file = config.parent / "out.zip"
    run = written(config, file, *more)
    assert run.code == 0, run.err
    with ZipFile(file) as archive:
        return {each: archive.read(each) for each in archive.namelist()}


def rows(parts: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(parts[name].decode())))


def ids(parts: dict[str, bytes]) -> list[str]:
    return [each["id"] for each in json.loads(parts["tickets.json"])]


def test_every_part_is_named_by_its_hash(tmp_path):
    parts = opened(kept(autumn(), tmp_path, END))
    manifest: dict[str, Any] = json.loads(parts["manifest.json"])
    told = {each["name"]: (each["size"], each["sha256"]) for each in manifest["parts"]}
    found = {name: (len(content), sha256(content).hexdigest()) for name, content in parts.items()}
    del found["manifest.json"]
    assert told == found
    assert fullmatch(r"[0-9a-f]{64}@\d+", manifest["head"]), "whoever has it can hold the record against it"
    assert manifest["from"] == clock("2026-08-01 00:00") and "Seen: cold" in manifest["coverage"]


def test_a_lay_recipient_is_told_what_each_file_is_and_how_much_was_seen(tmp_path):
    parts = opened(kept(autumn(), tmp_path, END))
    text = parts["README.txt"].decode()
    told = set(text.splitlines())
    assert {name for name in parts if not name.startswith("files/")} - {"README.txt"} <= told
    words = " ".join(text.split())
    assert "Maple School, Cedar School" in words and json.loads(parts["manifest.json"])["coverage"] in words
    assert max(map(len, text.splitlines())) <= 80
    assert "are withheld" in words and "Nora Quill" not in words
    named = opened(tmp_path / "safetyd.toml", "--with-names")["README.txt"].decode()
    assert "stand as they are on record" in " ".join(named.split())


def test_the_same_record_gives_the_same_bytes(tmp_path):
    config = kept(autumn(), tmp_path, END)
    files = [tmp_path / "a.zip", tmp_path / "b.zip"]
    assert [written(config, each).code for each in files] == [0, 0]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_every_reading_of_the_range_is_there_and_none_beyond_it(tmp_path):
    config = kept(autumn(), tmp_path, END)
    every = rows(opened(config, "--building", "maple"), "readings.csv")
    assert len(every) == 2 * (49 + 49)  # temperature and humidity, 8 to 12 twice by 5 minutes
    assert {each["building"] for each in every} == {"maple"}
    span = ["--from", clock("2026-10-05 08:05"), "--to", clock("2026-10-05 08:15")]
    some = rows(opened(config, "--building", "maple", *span), "readings.csv")
    temperatures = [each for each in some if each["quantity"] == "temperature"]
    assert [each["observed_at"] for each in temperatures] == [
        clock("2026-10-05 08:05"),
        clock("2026-10-05 08:10"),
    ]
    assert temperatures[0]["value"] == "57.2" and temperatures[0]["mark"] == "accepted"


def test_tickets_are_those_that_concern_the_range(tmp_path):
    story = autumn().act("2026-10-05 14:00", "close", note="heated")
    config = kept(story, tmp_path, END)
    assert ids(opened(config)) == ["maple-2026-0001", "maple-2026-0002"]
    assert ids(opened(config, "--from", "2026-10-06")) == ["maple-2026-0002"]
    assert ids(opened(config, "--from", "2026-10-05T13:00")) == ["maple-2026-0001", "maple-2026-0002"]
    assert ids(opened(config, "--to", "2026-10-06")) == ["maple-2026-0001"]
    assert ids(opened(config, "--building", "cedar")) == []


def test_what_was_reported_a_second_ago_is_there(tmp_path):
    config = kept(autumn(), tmp_path, END)
    assert "maple-2026-0002" in ids(opened(config, "--to", "2026-10-06T09:00:01"))
    assert "maple-2026-0002" not in ids(opened(config, "--to", "2026-10-06T09:00"))


def test_history_and_notices_are_those_of_the_tickets(tmp_path):
    config = kept(autumn(), tmp_path, END)
    parts = opened(config)
    of_tickets = [line["hash"] for each in json.loads(parts["tickets.json"]) for line in each["history"]]
    assert [each["hash"] for each in rows(parts, "history.csv")] == of_tickets
    assert {each["reason"] for each in rows(parts, "notices.csv")} >= {"opened", "overdue"}


def test_who_reported_is_not_named_unless_it_is_asked_for(tmp_path):
    config = kept(autumn(), tmp_path, END)
    said = {"do": "report", "by": "Nora Quill", "role": "educator"}
    with closing(open_for_writing(store_url(tmp_path, "kept.db"))) as writer:
        inbox.leave(writer, json.dumps(said), instant(END))  # as it came, before it was carried out
    withheld, named = opened(config), opened(config, "--with-names")
    assert not any(b"Quill" in content for content in withheld.values())
    assert b"an educator" in withheld["tickets.json"] and b"an educator" in withheld["history.csv"]
    assert b"Nora Quill" in named["tickets.json"] and b"Nora Quill" in named["history.csv"]
    assert json.loads(withheld["manifest.json"])["names_of_reporters"] == "withheld"


def test_files_go_with_it_and_addresses_do_not(tmp_path):
    parts = opened(kept(autumn(), tmp_path, END))
    assert parts[f"files/{sha256(PHOTO).hexdigest()}"] == PHOTO
    assert not any(b"127.0.0.1" in content for content in parts.values())


def test_the_rules_are_those_that_the_tickets_name(tmp_path):
    parts = opened(kept(autumn(), tmp_path, END))
    (version,) = json.loads(parts["rules.json"])["versions"]
    assert version["hash"] == json.loads(parts["tickets.json"])[0]["rules"]
    assert version["hash"] == "sha256:" + sha256(version["canonical"].encode()).hexdigest()


def test_what_fails_leaves_what_was_there(tmp_path):
    config = kept(autumn(), tmp_path, END)
    file = tmp_path / "x.zip"
    file.write_bytes(b"before")
    run = written(config, file, "--from", "2020-01-01", "--to", "2020-02-01")
    assert run.code == 1 and "nothing is on record" in run.err and run.err.count("\n") == 1
    assert file.read_bytes() == b"before"
    assert written(config, tmp_path / "no" / "x.zip").code == 1
    assert written(config, file, "--building", "mapel").code == 2
