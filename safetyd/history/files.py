"""A history as a file: CSV, a workbook with a chart, Parquet; several of them, or any tables, as bytes.

Rule: a file is whole or not there: it is written under another name and takes its own when it is done. A text
that a spreadsheet would take for a formula never reaches one.
"""

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory, mkstemp
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.errors import SafetydError
from safetyd.history.queries import Answer
from safetyd.times import rfc3339

_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)  # the last four are wide
_BARS_AT_MOST = 60
_MOST_ROWS = 1_048_575  # of a sheet, beside its first
_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False}
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | float | int
Writer = Callable[[Path, Answer, ZoneInfo], None]


class Head(NamedTuple):
    """What stands above a column, and how its cells look, in a spreadsheet's own words."""

    words: str
    number_format: str = ""


class Bar(NamedTuple):
    """Which column of a sheet is drawn as bars, and which ones name them."""

    title: str
    names: Sequence[int]
    value: int
    unit: str


class Sheet(NamedTuple):
    """One table of a workbook; its times have no zone: they are those of a clock on a wall."""

    name: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell | datetime | None]]
    bars: Sequence[Bar] = ()


class FileError(SafetydError):
    """A file that cannot be written."""


def safe(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def write_csv(file: Path, answer: Answer, _zone: ZoneInfo) -> None:
    """Write the values, times in UTC."""
    with whole(file) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(_heads(answer))
        for at, *values in _rows(answer):
            writer.writerow([safe(rfc3339(at)), *map(safe, values)])


def write_xlsx(file: Path, answer: Answer, zone: ZoneInfo) -> None:
    """Write a sheet of values with a chart, times in the site's zone, and a sheet of what they mean."""
    import xlsxwriter

    if len(answer.points) > _MOST_ROWS:
        raise FileError(f"{file}: {len(answer.points)} values do not fit a sheet; ask with --every 5m")
    with whole(file) as unfinished:
        book = xlsxwriter.Workbook(str(unfinished), _OPTIONS)
        sheet, about = book.add_worksheet("values"), book.add_worksheet("about")
        _fill(book, sheet, answer, zone)
        _fill_about(book, about, [answer], zone)
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise FileError(f"{file}: cannot be written: {error}") from error


def csv_of(answers: Sequence[Answer], zone: ZoneInfo) -> bytes:
    """Return the values of several places as one table; of a single value min, mean and max are the same."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    local = f"local ({zone.key})"
    writer.writerow(["building", "room", "quantity", "unit", "from", local, "min", "mean", "max", "n"])
    for answer in answers:
        place, measure = answer.question.place, answer.question.measure.value
        about = [safe(each) for each in (place.building, place.room or "", measure, answer.unit)]
        for at, low, mean, high, n, _ in answer.points:
            wall = f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
            writer.writerow([*about, rfc3339(at), wall, low, mean, high, n])
    return text.getvalue().encode()


def xlsx_of(answers: Sequence[Answer], zone: ZoneInfo) -> bytes:
    """Return a workbook with a sheet and a chart for each place, and a sheet of what they mean."""
    import xlsxwriter

    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {**_OPTIONS, "in_memory": True})
    for number, answer in enumerate(answers, 1):
        place = answer.question.place
        _fill(book, book.add_worksheet(f"{number} {place.room or place.building}"[:31]), answer, zone)
    _fill_about(book, book.add_worksheet("about"), answers, zone)
    book.close()
    return made.getvalue()


def workbook(sheets: Sequence[Sheet], about: Sequence[tuple[str, str]], made_at: datetime) -> bytes:
    """Return a workbook of tables, and a sheet that says what they are."""
    import xlsxwriter

    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {**_OPTIONS, "in_memory": True})
    book.set_properties({"created": made_at.replace(tzinfo=None)})
    for each in sheets:
        _fill_table(book, book.add_worksheet(each.name[:31]), each)
    _fill_lines(book, book.add_worksheet("about"), about)
    book.close()
    return made.getvalue()


def _fill_table(book: Any, sheet: Any, table: Sheet) -> None:
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    looks = [book.add_format({"num_format": each.number_format}) for each in table.heads]
    sheet.freeze_panes(1, 0)
    for column, head in enumerate(table.heads):
        cells = [str(row[column]) for row in table.rows if isinstance(row[column], str | datetime)]
        sheet.set_column(column, column, min(max([11, *map(len, cells)]), 40))
        sheet.write_string(0, column, str(safe(head.words)), bold)
    for number, row in enumerate(table.rows[:_MOST_ROWS], 1):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, column, str(safe(cell)))
            elif isinstance(cell, datetime):
                sheet.write_datetime(number, column, cell, looks[column])
            elif cell is not None:
                sheet.write_number(number, column, cell, looks[column])
    for position, bar in enumerate(table.bars if table.rows else ()):
        sheet.insert_chart(len(table.rows) + 2 + 24 * position, 0, _bars(book, table, bar))


def _bars(book: Any, table: Sheet, bar: Bar) -> Any:
    chart, last = book.add_chart({"type": "bar"}), min(len(table.rows), _BARS_AT_MOST)
    first, until = min(bar.names), max(bar.names)  # names stand side by side, the widest group last
    chart.add_series(
        {
            "name": bar.title,
            "categories": [table.name[:31], 1, first, last, until],
            "values": [table.name[:31], 1, bar.value, last, bar.value],
        }
    )
    chart.set_title({"name": bar.title, "overlay": False})
    chart.set_y_axis({"reverse": True})
    chart.set_x_axis({"name": bar.unit})
    chart.set_legend({"none": True})
    chart.set_size({"width": 900, "height": 120 + 22 * last})
    return chart


def _fill(book: Any, sheet: Any, answer: Answer, zone: ZoneInfo) -> None:
    """Write the values of a place, and a chart of them."""
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet.set_column(0, 0, 20)
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, _heads(answer), book.add_format({"bold": True}))
    for number, (at, *cells) in enumerate(_rows(answer), 1):
        sheet.write_datetime(number, 0, at.astimezone(zone).replace(tzinfo=None), moment)
        for column, cell in enumerate(cells, 1):
            sheet.write_number(number, column, cell)
    if answer.points:
        sheet.insert_chart("H2", _chart(book, answer, sheet.get_name()))


def _fill_about(book: Any, about: Any, answers: Sequence[Answer], zone: ZoneInfo) -> None:
    _fill_lines(book, about, [line for answer in answers for line in _about(answer, zone)])


def _fill_lines(book: Any, about: Any, lines: Sequence[tuple[str, str]]) -> None:
    about.set_column(0, 0, 14)
    about.set_column(1, 1, 60)
    bold = book.add_format({"bold": True})
    for number, (name, meaning) in enumerate(lines):
        about.write_string(number, 0, name, bold)
        about.write_string(number, 1, str(safe(meaning)))


def _chart(book: Any, answer: Answer, sheet: str) -> Any:
    chart = book.add_chart({"type": "line"})
    last = len(answer.points)
    shown = range(1, 2) if answer.every is None else range(1, 4)  # value; or min, mean and max
    for column in shown:
        chart.add_series(
            {
                "name": [sheet, 0, column],
                "categories": [sheet, 1, 0, last, 0],
                "values": [sheet, 1, column, last, column],
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
    with whole(file) as unfinished:
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
def whole(file: Path) -> Iterator[Path]:
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


def put(file: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    with whole(file) as unfinished:
        unfinished.write_bytes(content)
