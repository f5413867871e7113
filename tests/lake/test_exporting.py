"""`safetyd history export`: a building's month is a folder with everything a season is judged by."""

import os
import shutil
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from safetyd.cli import main
from safetyd.lake.layout import COLUMNS, month_span, months_between
from tests.lake.lakes import LAST, exported, lively_season
from tests.story import SOMEBODY, ZONE, Story, instant
from tests.whatif.season import END, kept


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    return kept(lively_season(), tmp_path_factory.mktemp("season"), LAST)


@pytest.fixture(scope="module")
def lake(config) -> Path:
    return exported(config)


def rows(lake: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query, in which `buckets` and the like are all files of that name."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in COLUMNS:
            files = f"read_parquet('{lake}/*/*/{name}')"
            connection.execute(f"CREATE VIEW {name.removesuffix('.parquet')} AS FROM {files}")
        return connection.execute(query).fetchall()


def test_each_building_and_month_has_a_folder_of_three_files(lake):
    months = ("month=2026-09", "month=2026-10")  # and later ones, for it is rolled up to this day
    for month in months:
        folder = lake / "building=maple" / month
        assert sorted(file.name for file in folder.iterdir()) == sorted(COLUMNS)
    assert {each.name for each in lake.iterdir()} == {"building=maple"}


def test_whoever_reads_them_sees_building_and_month_as_columns(lake):
    found = rows(lake, "SELECT building, month, count(*) > 0 FROM buckets GROUP BY ALL ORDER BY ALL")
    assert [(each[0], str(each[1])[:7], each[2]) for each in found] == [
        ("maple", "2026-09", True),
        ("maple", "2026-10", True),
    ]


def test_a_bucket_holds_what_was_rolled_up(lake):
    [(low, mean, high, known)] = rows(
        lake,
        "SELECT temperature_low_f, temperature_mean_f, temperature_high_f, cold_known_us FROM buckets"
        " WHERE room = '12' AND epoch_us(start) = "
        + str(int(instant("2026-09-02 13:05").timestamp()) * 10**6),
    )
    assert (low, mean, high, known) == (86.0, 86.0, 86.0, 300_000_000)


def test_nobody_is_named(lake):
    done = rows(lake, "SELECT event, done_by, tier FROM deeds ORDER BY done_at")
    assert done == [("relieved", "somebody", "mitigation"), ("opened", "somebody", None)]
    assert not any(SOMEBODY.encode() in file.read_bytes() for file in lake.rglob("*.parquet"))


def test_exported_again_the_rows_are_the_same(config, lake):
    query = "SELECT * REPLACE (epoch_us(start) AS start) FROM buckets ORDER BY ALL"
    before = rows(lake, query)
    assert exported(config) == lake
    assert rows(lake, query) == before


def test_only_months_since_then_are_written_and_those_whole(config, tmp_path):
    run_export(config, tmp_path, "--from", "2026-10-02T12:00:00Z")
    assert min(each.name for each in tmp_path.glob("*/*")) == "month=2026-10"
    assert rows(tmp_path, "SELECT count(*) > 0 FROM buckets WHERE epoch_us(start) < 1790899200000000") == [
        (True,)
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--building", "mapel"], "did you mean 'maple'?"),
        (["--building", "cedar"], "nothing of cedar is rolled up"),
        (["--from", "2199-09-01T00:00:00Z"], "is rolled up since 2199-09-01T00:00:00Z"),
    ],
)
def test_what_is_not_there_to_be_exported_is_one_sentence(config, tmp_path, more, words):
    code, err = run_export(config, tmp_path, *more)
    assert code in (1, 2)
    assert words in err


def test_without_roll_ups_it_says_how_to_make_them(tmp_path):
    config = Story().reading("12", "2026-09-02 08:00", temperature_f=70.0).keep(tmp_path, END)
    code, err = run_export(config, tmp_path / "lake")
    assert code == 1
    assert "safetyd history rebuild" in err


def test_a_folder_that_cannot_be_written_is_one_sentence(config, tmp_path):
    (tmp_path / "file").write_text("")
    code, err = run_export(config, tmp_path / "file")
    assert code == 1
    assert err.count("\n") == 1


def test_months_are_those_of_the_school_and_meet(tmp_path):
    months = months_between(instant("2026-10-31 23:30"), instant("2026-12-01 00:00"), ZONE)
    assert [f"{month:%Y-%m}" for month in months] == ["2026-10", "2026-11"]
    spans = [month_span(month, ZONE) for month in months]
    assert spans[0][1] == spans[1][0] == instant("2026-11-01 00:00")
    assert spans[1][1] == instant("2026-12-01 00:00")


def run_export(config: Path, folder: Path, *more: str) -> tuple[int, str]:
    err = StringIO()
    with redirect_stdout(StringIO()), redirect_stderr(err):
        code = main(["history", "export", str(folder), "--config", str(config), *more])
    return code, err.getvalue()


def test_by_night_only_months_that_are_missing_or_may_change_are_written(tmp_path):
    config = kept(lively_season(), tmp_path, LAST)
    lake = exported(config)
    (september,) = lake.glob("*/month=2026-09")
    (october,) = lake.glob("*/month=2026-10")
    final = instant("2026-10-11 00:00").timestamp()  # ten days after September
    first = {file: file.read_bytes() for file in september.iterdir()}

    def stamped(at: float) -> None:
        for file in september.iterdir():
            os.utime(file, (at, at))

    stamped(final)
    exported(config, "--new")
    assert all(file.stat().st_mtime > final for file in september.iterdir())
    stamped(final + 1)
    exported(config, "--new")
    assert {file.stat().st_mtime for file in september.iterdir()} == {final + 1}
    (september / "buckets.parquet").unlink()
    shutil.rmtree(october)
    exported(config, "--new")
    assert {file: file.read_bytes() for file in september.iterdir()} == first
    assert sorted(file.name for file in october.iterdir()) == sorted(COLUMNS)
