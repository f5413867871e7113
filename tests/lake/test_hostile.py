"""Parquet files that are cut, foreign, or say what cannot be: one sentence that names the file."""

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from safetyd.cli import main
from safetyd.lake.layout import BUCKETS, DEEDS, EPISODES
from tests.lake.lakes import LAST, both, exported, lively_season
from tests.story import Json, Run
from tests.whatif.season import kept, tell

SEPTEMBER = Path("building=maple", "month=2026-09")
OURS = "KV_METADATA {safetyd_format: '1', safetyd_until: '2026-10-01T07:00:00Z'}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a season and its export, which nobody changes."""
    config = kept(lively_season(), tmp_path_factory.mktemp("whole"), LAST)
    exported(config)
    return config.parent


@pytest.fixture
def config(whole, tmp_path) -> Path:
    """The configuration of a copy that may be damaged."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return next(tmp_path.glob("safetyd*.toml"))


def asked(config: Path, folder: Path | None = None, *more: str) -> Run:
    """Return what asking the export of a season left behind."""
    where = str(folder or config.parent / "lake")
    return tell(config, end=LAST, more=["--over", where, "--building", "maple", *more])


def rewritten(file: Path, change: str, options: str = OURS) -> None:
    """Write a file anew with what a query makes of its rows, `was`."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE was AS FROM read_parquet('{file}', hive_partitioning = false)")
        connection.execute(f"COPY ({change}) TO '{file}' (FORMAT parquet, {options})")


def refused(run: Run) -> str:
    assert (run.code, run.out) == (1, "")
    assert run.err.count("\n") == 1
    assert "Traceback" not in run.err
    return run.err


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def no_parquet(file: Path) -> None:
    file.write_bytes(b"building,room\n")


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("name", [BUCKETS, DEEDS, EPISODES])
@pytest.mark.parametrize("harm", [cut_in_half, no_parquet, empty, Path.unlink])
def test_a_file_that_is_cut_or_none_is_named(config, name, harm: Callable[[Path], object]):
    file = config.parent / "lake" / SEPTEMBER / name
    harm(file)
    if (name, harm) == (BUCKETS, Path.unlink):
        assert "nothing is exported for 2026-09" in asked(config).out  # a month that is not there
    else:
        assert str(SEPTEMBER / name) in refused(asked(config))


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ("FROM was", "COMPRESSION zstd", "no export of safetyd"),
        ("FROM was", OURS.replace("'1'", "'99'"), "of format 99, which this version does not know"),
        ("FROM was", OURS.replace("2026-10-01T07:00:00Z", "soon"), "'soon' is no time"),
        ("SELECT * EXCLUDE (start) FROM was", OURS, "column start is not there"),
        ("SELECT * REPLACE (start::VARCHAR AS start) FROM was", OURS, "column start is VARCHAR"),
        ("SELECT * REPLACE (start + INTERVAL 40 DAY AS start) FROM was", OURS, "of another month"),
        ("SELECT * REPLACE (NULL::TIMESTAMPTZ AS start) FROM was", OURS, "of another month"),
        ("SELECT * REPLACE ('nan'::DOUBLE AS temperature_low_f) FROM was", OURS, "a value that cannot be"),
        ("SELECT * REPLACE (200.0::DOUBLE AS heat_index_low_f) FROM was", OURS, "a value that cannot be"),
        ("SELECT * REPLACE (-1 AS cold_known_us) FROM was", OURS, "column cold_known_us is INTEGER"),
        ("SELECT * REPLACE (-1::BIGINT AS cold_known_us) FROM was", OURS, "a value that cannot be"),
        (
            "FROM was UNION ALL BY NAME SELECT * REPLACE ('12' AS room) FROM was",
            OURS,
            "more than an hour in an hour",
        ),
    ],
)
def test_buckets_that_are_foreign_or_cannot_be_are_refused(config, change, options, words):
    rewritten(config.parent / "lake" / SEPTEMBER / BUCKETS, change, options)
    told = refused(asked(config))
    assert words in told
    assert "export this month again" in told or "soon" in told


@pytest.mark.parametrize(
    ("name", "column"), [(DEEDS, "condition"), (DEEDS, "event"), (DEEDS, "hazard"), (EPISODES, "condition")]
)
def test_a_word_that_is_none_of_ours_is_named(config, name, column):
    file = config.parent / "lake" / SEPTEMBER / name
    rewritten(file, f"SELECT * REPLACE ('moonlight' AS {column}) FROM was")
    told = refused(asked(config))
    assert "'moonlight'" in told
    assert name in told


def test_columns_and_rooms_that_we_do_not_know_change_nothing(config):
    file = config.parent / "lake" / SEPTEMBER / BUCKETS
    rewritten(
        file, "SELECT *, 'x' AS carpet FROM was UNION ALL SELECT * REPLACE ('attic' AS room), 'x' FROM was"
    )
    stored, exported_one = both(config, end=LAST)
    assert exported_one.rows == stored.rows


def test_a_month_that_is_missing_is_said_and_left_out(config):
    shutil.rmtree(config.parent / "lake" / SEPTEMBER)
    told = ask_over(config)
    assert "of maple nothing is exported for 2026-09; that is left out" in told["notes"]
    assert [each["month"] for each in told["months"]] == ["2026-10"]


def test_buildings_are_judged_at_once_and_those_that_are_missing_are_said(config):
    alone, lake = ask_over(config), config.parent / "lake"
    run = tell(config, end=LAST, more=["--over", str(lake)])
    assert "Of cedar nothing is exported for 2026-09, 2026-10" in run.out
    shutil.copytree(lake / SEPTEMBER, lake / "building=cedar" / SEPTEMBER.name)
    together = json.loads(tell(config, end=LAST, more=["--over", str(lake), "--json"]).out)
    assert [each for each in together["months"] if each["building"] == "maple"] == alone["months"]


def test_a_folder_without_anything_says_how_to_make_it(config, tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path / "empty"):
        assert "make it with: safetyd history export" in refused(asked(config, folder))
        (tmp_path / "empty").mkdir(exist_ok=True)
    assert "holds nothing of maple from 2025-09" in refused(
        tell(
            config,
            begin="2025-09-01 00:00",
            end="2025-09-11 00:00",
            more=["--over", str(config.parent / "lake"), "--building", "maple"],
        )
    )


def test_a_folder_may_have_any_name_and_be_a_link(config, tmp_path):
    odd, link = tmp_path / "Bob's [new] lake* 100 %", tmp_path / "link"
    (config.parent / "lake").rename(odd)
    link.symlink_to(odd)
    assert asked(config, odd).code == asked(config, link).code == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--exact"], "leave one out"),
        (["--set", "rules.quality.stale_after=1h"], "5-minute values cannot tell"),
    ],
)
def test_what_an_export_cannot_answer_is_one_sentence(config, more, words):
    run = asked(config, None, *more)
    assert run.code in (1, 2)
    assert words in run.err
    assert run.out == ""


def test_without_duckdb_the_extra_is_named(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert "pip install 'safetyd[lake]'" in refused(asked(config))
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["history", "export", str(config.parent / "more"), "--config", str(config)])
    assert "pip install 'safetyd[lake]'" in refused(Run(code, out.getvalue(), err.getvalue()))


def ask_over(config: Path) -> Json:
    run = asked(config, None, "--json")
    assert run.code == 0, run.err
    return dict(json.loads(run.out))
