"""A file is whole or not there, and no spreadsheet finds a formula in it."""

import csv
import io
import os
import resource
import signal
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from safetyd.core.model import Place
from safetyd.core.tally import Measure
from safetyd.history.coverage import Coverage
from safetyd.history.files import (
    FileError,
    Writer,
    csv_of,
    safe,
    write_csv,
    write_parquet,
    write_xlsx,
    xlsx_of,
)
from safetyd.history.points import Point
from safetyd.history.queries import Answer, Question, Resolution
from tests.history.scene import HERE, LAB, MINUTE, NOON, ROOM

ZONE = HERE.timezone
HOUR = timedelta(hours=1)


def answer(every: timedelta | None = None, n: int = 3, place: object = ROOM) -> Answer:
    points = [Point(NOON + number * MINUTE, -5.0, 70.5, 71.0, 4) for number in range(n)]
    told = Coverage(HOUR / 2, HOUR, is_school_time=True)
    question = Question(place, Measure.TEMPERATURE, every=every)  # type: ignore[arg-type]
    return Answer(question, NOON, NOON + HOUR, Resolution.READINGS, every, points, told)


@pytest.mark.parametrize(
    "begins", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(begins: str) -> None:
    assert safe(f"{begins}1+1") == f"'{begins}1+1"


@pytest.mark.parametrize("cell", ["204", "a=b", "", -5.0, 0, 70.5])
def test_other_texts_and_all_numbers_stay_as_they_are(cell: str | float) -> None:
    assert safe(cell) == cell


def test_csv_has_single_values_or_spans(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    write_csv(file, answer(), ZONE)
    with file.open(newline="") as opened:
        rows = list(csv.reader(opened))
    assert rows[:2] == [["observed_at", "value"], ["2026-12-01T12:00:00Z", "70.5"]]
    write_csv(file, answer(HOUR), ZONE)
    with file.open(newline="") as opened:
        rows = list(csv.reader(opened))
    assert rows[:2] == [
        ["from", "min", "mean", "max", "n"],
        ["2026-12-01T12:00:00Z", "-5.0", "70.5", "71.0", "4"],
    ]


def test_a_workbook_has_values_what_they_mean_and_a_chart(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    write_xlsx(file, answer(HOUR), ZONE)
    with zipfile.ZipFile(file) as book:
        names, texts = book.namelist(), book.read("xl/sharedStrings.xml").decode()
        chart, values = (
            book.read("xl/charts/chart1.xml").decode(),
            book.read("xl/worksheets/sheet1.xml").decode(),
        )
    assert {"xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"} <= set(names)
    assert all(words in texts for words in ("maple/12", "50 % of the school day known", "readings"))
    assert "lineChart" in chart and "values!$C$2:$C$4" in chart
    assert "<v>-5</v>" in values and "<f>" not in values


def test_an_empty_history_makes_a_workbook_without_a_chart(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", answer(n=0), ZONE)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        assert not [name for name in book.namelist() if "chart" in name]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("as it was")
    broken = answer()._replace(points=[*answer().points, None])
    with pytest.raises(AttributeError):
        write_csv(file, broken, ZONE)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a.csv", "as it was")]


def test_parquet_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FileError, match=r"pip install safetyd\[parquet\]$"):
        write_parquet(tmp_path / "a.parquet", answer(), ZONE)
    assert list(tmp_path.iterdir()) == []


WRITERS = pytest.mark.parametrize("write", [write_csv, write_xlsx])


@WRITERS
def test_a_folder_that_is_missing_is_told_with_the_file(write: Writer, tmp_path: Path) -> None:
    file = tmp_path / "none" / "a"
    with pytest.raises(FileError, match=rf"^{file}: cannot be written: No such file or directory$"):
        write(file, answer(), ZONE)


@WRITERS
def test_a_full_disk_is_told_with_the_file(write: Writer) -> None:
    with pytest.raises(FileError, match=r"^/dev/full: cannot be written: .*No space left on device"):
        write(Path("/dev/full"), answer(), ZONE)


@WRITERS
def test_a_file_that_grows_too_large_is_told_and_leaves_nothing(write: Writer, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(FileError, match=r"a: cannot be written: .*File too large"):
            write(tmp_path / "a", answer(n=500), ZONE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []


@WRITERS
def test_a_link_stays_and_what_it_names_is_written(write: Writer, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    link = tmp_path / "a"
    link.symlink_to("there")
    write(link, answer(), ZONE)
    assert link.is_symlink() and (tmp_path / "there").read_bytes() != b"old"


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "a"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_csv(pipe, answer(), ZONE)
    assert pipe.is_fifo() and os.read(reading, 100_000).startswith(b"observed_at,value")
    os.close(reading)


# several places in one file


def test_several_places_are_one_table_by_both_clocks() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of([answer(), answer(HOUR, 1, LAB)], ZONE).decode())))
    assert [row["room"] for row in rows] == ["12", "12", "12", "lab"]
    assert rows[0]["from"] == "2026-12-01T12:00:00Z"
    assert rows[0]["local (America/Los_Angeles)"] == "2026-12-01 04:00:00"
    assert (rows[0]["min"], rows[0]["mean"], rows[0]["max"]) == ("-5.0", "70.5", "71.0")


def test_no_place_becomes_a_formula_in_it() -> None:
    rows = list(csv.reader(io.StringIO(csv_of([answer(place=Place("=1+1", "@x"))], ZONE).decode())))
    assert rows[1][:2] == ["'=1+1", "'@x"]


def test_several_places_are_sheets_of_one_workbook_whatever_they_are_called() -> None:
    long = Place("maple", "a" * 200)
    made = xlsx_of([answer(HOUR), answer(HOUR, place=long), answer(n=0, place=long)], ZONE)
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        names = book.read("xl/workbook.xml").decode()
        assert 'name="1 12"' in names and 'name="2 aaa' in names and 'name="about"' in names
        charts = [each for each in book.namelist() if each.startswith("xl/charts/")]
    assert len(charts) == 2, "a place without values has none"
