"""A history as a file: CSV, a workbook with a chart, Parquet.

Rule: a file is whole or not there: it is written under another name and takes its own when it is done. A text
that a spreadsheet would take for a formula never reaches one.
"""

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory, mkstemp
from typing import Any
from zoneinfo import ZoneInfo

from safetyd.core.errors import SafetydError
from safetyd.history.queries import Answer
from safetyd.times import rfc3339

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MOST_ROWS = 1_048_575  # of a sheet, beside its first
Cell = str | float | int
Writer = Callable[[Path, Answer, ZoneInfo], None]


class FileError(SafetydError):
    """A file that cannot be written."""


def safe(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def write_csv(file: Path, answer: Answer, _zone: ZoneInfo) -> None:
    """Write the values, times in UTC."""
    with _whole(file) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(_heads(answer))
        for at, *values in _rows(answer):
            writer.writerow([safe(rfc3339(at)), *map(safe, values)])


def write_xlsx(file: Path, answer: Answer, zone: ZoneInfo) -> None:
    """Write a sheet of values with a chart, times in the site's zone, and a sheet of what they mean."""
    import xlsxwriter

    if len(answer.points) > _MOST_ROWS:
        raise FileError(f"{file}: {len(answer.points)} values do not fit a sheet; ask with --every 5m")
    with _whole(file) as unfinished:
        book = xlsxwriter.Workbook(str(unfinished), {"strings_to_formulas": False, "strings_to_urls": False})
        bold = book.add_format({"bold": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        values, about = book.add_worksheet("values"), book.add_worksheet("about")
        values.set_column(0, 0, 20)
        values.freeze_panes(1, 0)
        heads = _heads(answer)
        values.write_row(0, 0, heads, bold)
        for number, (at, *cells) in enumerate(_rows(answer), 1):
            values.write_datetime(number, 0, at.astimezone(zone).replace(tzinfo=None), moment)
            for column, cell in enumerate(cells, 1):
                values.write_number(number, column, cell)
        about.set_column(0, 0, 14)
        about.set_column(1, 1, 60)
        for number, (name, meaning) in enumerate(_about(answer, zone)):
            about.write_string(number, 0, name, bold)
            about.write_string(number, 1, str(safe(meaning)))
        if answer.points:
            values.insert_chart("H2", _chart(book, answer))
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise FileError(f"{file}: cannot be written: {error}") from error


def _chart(book: Any, answer: Answer) -> Any:
    chart = book.add_chart({"type": "line"})
    last = len(answer.points)
    shown = range(1, 2) if answer.every is None else range(1, 4)  # value; or min, mean and max
    for column in shown:
        chart.add_series(
            {
                "name": ["values", 0, column],
                "categories": ["values", 1, 0, last, 0],
                "values": ["values", 1, column, last, column],
            }
        )
    chart.set_title({"name": f"{answer.question.place} {answer.question.measure.value}", "overlay": False})
    chart.set_x_axis({"date_axis": False, "num_format": "yyyy-mm-dd hh:mm"})
    chart.set_y_axis({"name": answer.unit})
    chart.set_size({"width": 900, "height": 420})
    return chart


def write_parquet(file: Path, answer: Answer, _zone: ZoneInfo) -> None:
    """Write the values as columns, with what they mean beside them.

    Raises:
        FileError: what writes such files is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise FileError("Parquet files need the extra: pip install safetyd[parquet]") from error
    heads = _heads(answer)
    columns = list(zip(*_rows(answer), strict=True)) or [() for _ in heads]
    kinds = [pyarrow.timestamp("us", tz="UTC"), *[pyarrow.float64()] * (len(heads) - 1)]
    if answer.every is not None:
        kinds[-1] = pyarrow.int64()
    arrays = [pyarrow.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    table = pyarrow.table(arrays, names=heads)
    about = {f"safetyd.{name}": meaning for name, meaning in _about(answer, ZoneInfo("UTC"))}
    with _whole(file) as unfinished:
        pyarrow.parquet.write_table(table.replace_schema_metadata(about), unfinished)


def _heads(answer: Answer) -> list[str]:
    return ["observed_at", "value"] if answer.every is None else ["from", "min", "mean", "max", "n"]


def _rows(answer: Answer) -> Iterator[tuple[Any, ...]]:
    for each in answer.points:
        yield (each.at, each.mean) if answer.every is None else tuple(each)[:5]


def _about(answer: Answer, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    question = answer.question
    yield "place", str(question.place)
    yield "quantity", question.measure.value
    yield "unit", answer.unit
    for name, at in (("from", answer.begin), ("to", answer.end)):
        yield name, f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
    yield "time zone", zone.key
    yield "resolution", answer.resolution.value
    yield "coverage", str(answer.coverage)
    if answer.note:
        yield "note", answer.note
    for brought in answer.imports:
        yield "imported", f"{brought.file}, by {brought.by}, sha256 {brought.sha256}"


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """Yield another name in the same folder; what is written there becomes the file when all went well.

    A link is followed. What is there and is no plain file, such as a pipe, is written to as it is.

    Raises:
        FileError: it cannot be written; nothing was changed.
    """
    target = Path(os.path.realpath(file))
    try:
        if file.exists() and not file.is_file():
            with TemporaryDirectory() as folder:
                unfinished = Path(folder, file.name)
                yield unfinished
                with unfinished.open("rb") as made, file.open("wb") as opened:
                    copyfileobj(made, opened)
            return
        handle, name = mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        os.close(handle)
        unfinished = Path(name)
        try:
            yield unfinished
            mask = os.umask(0)
            os.umask(mask)
            unfinished.chmod(0o666 & ~mask)
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(f"{file}: cannot be written: {error.strerror or error}") from error
