"""Readings that are deleted here are shown from a real InfluxDB, and without it by what is rolled up."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from safetyd.cli import main
from safetyd.core.model import Observation
from safetyd.history.influx.door import Door
from safetyd.history.influx.lines import ReadingLines
from safetyd.setting_outside import Influx as Settings
from safetyd.store import readings, rollups
from safetyd.store.database import open_for_writing
from safetyd.store.readings import KnownSensor
from safetyd.store.replica import ReadingRow
from tests.history.scene import NOON, SITE, A, every
from tests.journeys.influx import DATABASE, TOKEN, Influx, influx_server

pytestmark = pytest.mark.journey

START = NOON - timedelta(days=10)
KEPT_SINCE = NOON - timedelta(days=5)


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    with influx_server(tmp_path / "influx") as made:
        yield made


@pytest.fixture
def home(influx: Influx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A room that was heard in °C each half hour for ten days; the first five are deleted here."""
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "safetyd.toml").write_text(
        'site = ["site.toml"]\n[store]\nurl = "sqlite:///s.db"\n'
        f'[influx]\nurl = "{influx.url}"\nbucket = "{DATABASE}"\ntoken_file = "token"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAFETYD_CONFIG", "safetyd.toml")
    for module in ("safetyd.cli.history", "safetyd.clock"):
        monkeypatch.setattr(f"{module}.now", lambda: NOON)
    said = every(30, A, since=START, n=480, temperature_c=20.0, humidity=40.0)
    with closing(open_for_writing(f"sqlite:///{tmp_path}/s.db")) as writer:
        readings.add_sensors(writer, [KnownSensor(1, A, str(A), "native")])
        readings.append(writer, [row for each in said for row in readings.rows(1, each, ())])
        writer.commit()
        assert main(["history", "rebuild"]) == 0
        copy(influx, said)
        writer.exec_driver_sql("DELETE FROM reading WHERE id <= 480")
        reached = rollups.progress(writer)
        assert reached is not None
        rollups.put_progress(writer, reached._replace(retired_to=KEPT_SINCE))
        writer.commit()
    return tmp_path


def copy(influx: Influx, said: list[Observation]) -> None:
    lines = ReadingLines({1: A})
    rows = [row for each in said for row in readings.rows(1, each, ())]
    made = [lines.line(ReadingRow(number, *row[:7])).text for number, row in enumerate(rows, 1)]
    door = Door(Settings.model_validate({"url": influx.url, "bucket": DATABASE, "token": TOKEN}))
    assert door.write(made).status == 204
    door.close()


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["readings", "maple/12", *argv])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_is_deleted_here_is_shown_from_there_and_said_so(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "--from", "2026-11-21T12:00Z", "--json")
    told = json.loads(out)
    assert (code, err, told["resolution"]) == (0, "", "readings")
    times = [at for at, _ in told["points"]]
    assert len(times) == 480 and times == sorted(set(times))
    assert {value for _, value in told["points"]} == {68.0}
    assert (
        told["note"]
        == "240 readings from before 2026-11-26 come from InfluxDB, as calibrated when they were copied"
    )
    _, out, _ = run(capsys, "--from", "2026-11-26T11:00Z", "--to", "2026-11-26T13:00Z")
    shown = [line.split()[-1] for line in out.splitlines()[-4:]]
    assert shown == ["InfluxDB", "InfluxDB", "68.0", "68.0"]
    assert out.startswith("Note: 2 readings from before 2026-11-26 come from InfluxDB")


def test_buckets_are_answered_here(home: Path, influx: Influx, capsys: pytest.CaptureFixture[str]) -> None:
    influx.kill()
    code, out, _ = run(capsys, "--from", "2026-11-21T12:00Z", "--every", "1h", "--json")
    assert (code, json.loads(out)["note"], len(json.loads(out)["points"])) == (0, "", 240)


def test_without_an_answer_the_roll_ups_here_are_shown_and_why(
    home: Path, influx: Influx, capsys: pytest.CaptureFixture[str]
) -> None:
    influx.kill()
    code, out, err = run(capsys, "--from", "2026-11-22", "--to", "2026-11-23", "--json")
    told = json.loads(out)
    assert (code, err, told["resolution"], len(told["points"])) == (0, "", "5 minutes", 48)
    assert "cannot be read" in told["note"] and "from before 2026-11-26 are there only" in told["note"]
    assert "\n" not in told["note"] and TOKEN not in told["note"]


def test_a_heat_index_is_never_asked_of_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--from", "2026-11-22", "--quantity", "heat_index", "--json")
    assert (code, out) == (1, "") and "is known by the hour" in err
