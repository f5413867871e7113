"""`readings` and `history rebuild` as a person meets them: tables, files, and refusals in one sentence."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from safetyd.cli import main
from safetyd.cli.history_words import moment
from safetyd.store import readings, rollups
from safetyd.store.database import open_for_reading, open_for_writing, writer_lock
from safetyd.store.readings import KnownSensor
from tests.history.scene import MINUTE, NOON, SENSORS, SITE, A, every

START = NOON - timedelta(days=10)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-11-01T07:59Z", "Sun 01 Nov 2026 00:59:00"),
        ("2026-11-01T08:30Z", "Sun 01 Nov 2026 01:30:00 PDT"),
        ("2026-11-01T09:30Z", "Sun 01 Nov 2026 01:30:00 PST"),
        ("2026-11-01T10:00Z", "Sun 01 Nov 2026 02:00:00"),
    ],
)
def test_the_hour_that_comes_twice_says_which_it_is(at: str, told: str) -> None:
    assert moment(datetime.fromisoformat(at), ZoneInfo("America/Los_Angeles")) == told


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A school of which a room was heard every half hour for ten days, a year ago or so."""
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "safetyd.toml").write_text('site = ["site.toml"]\n[store]\nurl = "sqlite:///s.db"\n')
    with closing(open_for_writing(url(tmp_path))) as writer:
        known = [KnownSensor(number, each, str(each), "native") for number, each in enumerate(SENSORS, 1)]
        readings.add_sensors(writer, known)
        for each in every(30, A, since=START, n=480, temperature_f=70.0, humidity=40.0):
            readings.append(writer, readings.rows(1, each, ()))
        writer.commit()
    monkeypatch.chdir(tmp_path)
    for module in ("safetyd.cli.history", "safetyd.clock"):
        monkeypatch.setattr(f"{module}.now", lambda: NOON)
    return str(tmp_path / "safetyd.toml")


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/s.db"


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_words_say_range_resolution_and_coverage(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "readings", "maple/12", "--config", config)
    assert code == 0
    assert out.splitlines()[:2] == [
        "maple/12 temperature, degF: 70.0 to 70.0",
        "Resolution: made of 5 minutes. Coverage: 50 % of the time known.",
    ]


def test_json_has_every_value_and_grows_by_resolution_and_coverage(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "readings", "maple/12", "--config", config, "--json")
    told = json.loads(out)
    assert (told["building"], told["room"], told["quantity"], told["unit"]) == (
        "maple",
        "12",
        "temperature",
        "degF",
    )
    assert (len(told["points"]), told["points"][0]) == (480, ["2026-11-21T12:00:00Z", 70.0])
    assert (told["resolution"], told["coverage"]["of"]) == ("readings", "all_hours")
    _, out, _ = run(
        capsys,
        "readings",
        "maple/12",
        "--config",
        config,
        "--json",
        "--every",
        "1d",
        "--quantity",
        "heat_index",
    )
    told = json.loads(out)
    assert [point[4] for point in told["points"]] == [40, *[48] * 9, 8]
    assert told["points"][1][0] == "2026-11-22T08:00:00Z", "midnight there"


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["maple/12", "--from", "2026-12-02", "--to", "2026-12-01"], 2, "is not before --to"),
        (["maple/12", "--from", "2027-12-02"], 2, "is not before now"),
        (["maple/13"], 2, "no room of maple is called '13'"),
        (["maple/12", "--quantity", "noise"], 2, "noise"),
        (["maple/12", "--csv", "nowhere/a.csv"], 1, "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    argv: list[str], code: int, words: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, "readings", *argv, "--config", config)
    assert (found, out) == (code, "")
    assert words in err and len(err.strip().splitlines()) == 1


def test_files_are_written_at_the_resolution_asked_for(
    config: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = run(
        capsys,
        "readings",
        "maple/12",
        "--config",
        config,
        "--every",
        "6h",
        "--csv",
        "a.csv",
        "--xlsx",
        "a.xlsx",
    )
    made = "40 rows, made of 1 hour. Coverage: 50 % of the time known."
    assert (code, out.splitlines()) == (0, [f"a.csv: {made}", f"a.xlsx: {made}"])
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert (lines[:2], len(lines)) == (["from,min,mean,max,n", "2026-11-21T12:00:00Z,70.0,70.0,70.0,12"], 41)
    assert (tmp_path / "a.xlsx").stat().st_size > 5000


def test_a_rebuild_rolls_everything_up(
    config: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for _ in range(2):
        code, out, err = run(capsys, "history", "rebuild", "--config", config)
        assert (code, out, err) == (0, "Rolled up 960 rows of readings.\n", "")
    with closing(open_for_reading(url(tmp_path))) as reader:
        reached = rollups.progress(reader)
    assert reached is not None and reached.settled_to == NOON - 60 * MINUTE
    _, out, _ = run(capsys, "readings", "maple/12", "--config", config, "--every", "1h", "--json")
    assert len(json.loads(out)["points"]) == 240


def test_no_rebuild_while_safetyd_runs(
    config: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with writer_lock(url(tmp_path)):
        code, out, err = run(capsys, "history", "rebuild", "--config", config)
    assert (code, out) == (1, "") and "another safetyd is running" in err


def damage(folder: Path, table: str) -> None:
    """Spoil the first page of a table."""
    with closing(sqlite3.connect(folder / "s.db")) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (folder / "s.db").open("r+b") as opened:
        opened.seek((page - 1) * size)
        opened.write(b"\xff" * size)


def test_a_damaged_store_loses_no_roll_ups_to_a_rebuild(
    config: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "history", "rebuild", "--config", config)
    damage(tmp_path, "reading")
    code, out, err = run(capsys, "history", "rebuild", "--config", config)
    assert (code, out, err.count("\n")) == (1, "", 1) and "is damaged" in err and "restore" in err
    with closing(open_for_reading(url(tmp_path))) as reader:
        assert rollups.progress(reader) is not None
    code, out, err = run(capsys, "readings", "maple/12", "--config", config)
    assert (code, out, err.count("\n")) == (1, "", 1) and "s.db: cannot be read: " in err


def test_a_room_that_has_left_the_site_file_still_has_its_history(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "history", "rebuild", "--config", config)[0] == 0
    without = SITE.replace('  [[buildings.rooms]]\n  id = "12"\n', "")
    (tmp_path / "site.toml").write_text(without)
    code, out, _ = run(capsys, "readings", "maple/12", "--config", config, "--every", "1d")
    assert code == 0 and "maple/12 temperature, degF: 70.0 to 70.0" in out
    assert run(capsys, "readings", "maple/13", "--config", config)[0] == 2
