"""`import` as a person meets it: looked at, agreed to, done once; everything else refused in a sentence."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from safetyd.cli import main
from safetyd.service import Service
from safetyd.store import readings
from safetyd.store.database import open_for_reading, open_for_writing, writer_lock
from tests.history.scene import HERE, NOON, SITE

ROWS = "".join(f"2026-01-15 08:{minute:02},{value},40\n" for minute, value in ((0, 66), (15, 59), (30, 999)))
FILE = "time,temp (F),rh\n" + ROWS
DO = ("import", "old.csv", "--place", "maple/12", "--by", "Robin", "--yes")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "safetyd.toml").write_text('site = ["site.toml"]\n[store]\nurl = "sqlite:///s.db"\n')
    open_for_writing(f"sqlite:///{tmp_path}/s.db").close()
    (tmp_path / "old.csv").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAFETYD_CONFIG", "safetyd.toml")
    for module in ("importing", "carrying", "history", "looking"):
        monkeypatch.setattr(f"safetyd.cli.{module}.now", lambda: NOON)
    yield tmp_path


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    said = capsys.readouterr()
    return code, said.out, said.err


def stored(home: Path) -> int:
    with closing(open_for_reading(f"sqlite:///{home}/s.db")) as reader:
        return readings.last_id(reader)


def test_a_dry_run_says_all_and_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (home / "s.db").read_bytes()
    code, out, err = run(capsys, "import", "old.csv", "--place", "maple/12", "--dry-run")
    assert (code, err) == (0, "")
    assert "column 'temp (F)' (proposed by its heading), °F (found out)" in out
    assert "1 breach is seen; no ticket is opened" in out and "1 times an error code" in out
    assert (home / "s.db").read_bytes() == before
    assert not list(home.glob(".import-*"))


def test_it_is_done_once_and_is_on_record(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *DO)
    assert (code, err) == (0, "") and out.endswith("Imported: 6 new values, as import:old.\n")
    assert stored(home) == 6 and not list(home.glob(".import-*"))
    code, out, _ = run(capsys, *DO)
    assert code == 0 and out.endswith("Nothing is new: nothing was imported.\n") and stored(home) == 6
    _, out, _ = run(capsys, "import", "--list", "--json")
    (record,) = json.loads(out)["imports"]
    assert (record["by"], record["file"], record["values"], record["rejected"]) == ("Robin", "old.csv", 6, 1)
    assert len(record["sha256"]) == 64 and record["tickets"] is False


@pytest.mark.slow
def test_it_is_told_apart_and_changes_nothing_that_is_now(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, *DO)
    _, out, _ = run(capsys, "readings", "maple/12", "--from", "2026-01-15", "--to", "2026-01-16")
    assert "Imported, in part: old.csv, by Robin" in out and out.count(" imported") == 2
    _, out, _ = run(capsys, "readings", "maple/12", "--json")
    told = json.loads(out)
    assert len(told["points"]) == 2 and told["imports"][0]["sensor"] == "import:old"
    _, out, _ = run(capsys, "sensors", "--json")
    (sensor,) = json.loads(out)["sensors"]
    assert (sensor["sensor"], sensor["format"], sensor["state"]) == ("import:old", "import", "imported")
    assert (sensor["silent_at"], sensor["heard_at"], sensor["troubles"]) == (None, None, [])
    with closing(open_for_writing(f"sqlite:///{home}/s.db")) as writer:
        service = Service(writer, HERE, "safetyd", NOON)
        service.elapse(NOON + timedelta(days=2))
    world = service.world
    assert not (world.rooms or world.health or world.tickets or world.troubles or world.changes)


def test_tickets_are_opened_when_asked_for_even_afterwards(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, *DO)
    for taken_up in (1, 0):
        _, out, _ = run(capsys, *DO, "--tickets")
        assert f"{taken_up} breaches were not on record yet" in out
    _, out, _ = run(capsys, "tickets", "--json")
    (ticket,) = json.loads(out)["tickets"]
    assert (ticket["began_at"], ticket["status"]) == ("2026-01-15T16:15:00Z", "open")
    assert "learned 2026-12-01" in ticket["history"][0]["note"]
    assert [each["ended_at"] for each in ticket["episodes"]] == ["2026-01-15T16:30:00Z"]


def test_a_broken_row_stops_all_of_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "old.csv").write_text(FILE + "2026-01-15 09:00,=HYPERLINK(),40\n2026-01-15 09:15,66,40\n")
    code, _, err = run(capsys, *DO)
    assert (code, stored(home)) == (1, 0)
    assert (
        err == "safetyd: old.csv: row 5: '=HYPERLINK()' under 'temp (F)' is no number; nothing was imported\n"
    )


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["import"], 2, "FILE is needed"),
        (["import", "old.csv"], 2, "--by is needed"),
        (["import", "new.csv", "--dry-run"], 2, "no such file"),
        (["import", "old.csv", "--dry-run"], 1, "no column says the room"),
        (["import", "old.csv", "--dry-run", "--place", "maple/12", "--every", "x"], 2, "--every"),
        ([*DO[:-1]], 2, "--yes is needed where nobody can be asked"),
        (["import", "old.csv", "--map", "no.toml", "--dry-run"], 2, "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    argv: list[str], code: int, words: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _, err = run(capsys, *argv)
    assert found == code and words in err and len(err.strip().splitlines()) == 1
    assert stored(home) == 0


def test_a_map_says_what_the_headings_do_not(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "old.csv").write_text("wann|wie warm|Raum\n1.2.2026 10:00|20,5|Zimmer 12\n")
    (home / "map.toml").write_text(
        'time = "wann"\ndates = "dmy"\ntemperature = "wie warm"\nunit = "C"\nroom = "Raum"\n'
        'sensor = "cellar"\nevery = "10m"\n[rooms]\n"Zimmer 12" = "maple/12"\n'
    )
    code, out, _ = run(capsys, "import", "old.csv", "--map", "map.toml", "--by", "Robin", "--yes", "--json")
    told = json.loads(out)
    assert (code, told["imported"], told["sensor"], told["proposed"]) == (0, True, "import:cellar", ["zone"])
    assert (told["places"][0]["room"], told["places"][0]["interval_s"]) == ("12", 600.0)
    (home / "map.toml").write_text('tiem = "wann"\n')
    code, _, err = run(capsys, "import", "old.csv", "--map", "map.toml", "--dry-run")
    assert code == 2 and "did you mean 'time'?" in err


def test_two_at_once_do_not_store_the_same_twice(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetyd.cli import importing

    carry_out = importing.answered

    def first_somebody_else(*arguments: object) -> object:
        monkeypatch.setattr(importing, "answered", carry_out)
        assert main(DO) == 0
        return carry_out(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "answered", first_somebody_else)
    code, _, err = run(capsys, *DO)
    assert code == 1 and "another file was imported meanwhile" in err and stored(home) == 6


@pytest.mark.slow
def test_roll_ups_hold_it_and_a_rebuild_gives_the_same(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def hours() -> object:
        _, out, _ = run(capsys, "readings", "maple/12", "--every", "1h", "--json")
        return json.loads(out)["points"]

    run(capsys, *DO)
    fresh = hours()
    for _ in range(2):
        assert run(capsys, "history", "rebuild")[0] == 0
        assert hours() == fresh == [["2026-01-15T16:00:00Z", 59.0, 62.5, 66.0, 2]]


def test_the_writer_is_asked_while_one_runs(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safetyd.cli.importing._PATIENCE_SECONDS", 0.1)
    with writer_lock(f"sqlite:///{home}/s.db"):
        code, _, err = run(capsys, *DO)
    assert code == 1 and "has not answered" in err and stored(home) == 0
    code, _, _ = run(capsys, *DO)
    assert code == 0 and stored(home) == 6


def test_deleted_times_are_left_out(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetyd.store import rollups
    from safetyd.store.rollups import Progress

    with closing(open_for_writing(f"sqlite:///{home}/s.db")) as writer:
        rollups.put_progress(writer, Progress(NOON, 0, NOON - timedelta(days=30)))
        writer.commit()
    code, out, _ = run(capsys, *DO)
    assert code == 0 and "3 rows are from before 2026-11-01" in out and stored(home) == 0
