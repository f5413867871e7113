"""A spreadsheet that a site file names, saved as CSV: its rows by column, and what is wrong with its shape.

Rule: a fault names the row as a spreadsheet counts it, and the column. What a cell means is the business of
who asked for the sheet.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from safetyd.faults import Fault, did_you_mean, one_of, shown
from safetyd.tables import Table

_DELIMITERS = ",;\t"


class SheetRow(NamedTuple):
    """A row that has something in it: where it stands, and its cells by column, without the empty ones.

    Where cells are kept apart by semicolons, a number may have a decimal comma.
    """

    place: str
    cells: dict[str, str]
    has_decimal_comma: bool


class SheetTable(Table):
    """The table that a row stands for; its keys are told as columns."""

    __slots__ = ()

    def at(self, name: str) -> str:
        return f"{self.key}, {name}"

    def fault(self, name: str, value: str, expected: str) -> None:
        super().fault(name.partition("[")[0], value, expected)


def read_sheet(
    file: Path, columns: Sequence[str], needed: Sequence[str], faults: list[Fault]
) -> Iterator[SheetRow]:
    """Yield the rows of a file below its first, which names the columns; what is wrong is noted."""
    text = _text(file, faults)
    if text is None:
        return
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    header: list[str] | None = None
    number = 0
    try:
        for number, cells in enumerate(
            csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True), 1
        ):
            filled = [cell.strip() for cell in cells]
            if not any(filled):
                continue
            if header is None:
                header = [cell.lower() for cell in filled]
                if not _is_header(header, str(file), number, columns, needed, faults):
                    return
                continue
            for place, cell in enumerate(filled[len(header) :], len(header) + 1):
                if cell:
                    where = f"row {number}, column {place}"
                    value = f"{shown(cell)} stands under no heading"
                    faults.append(Fault(str(file), where, value, "nothing here"))
            found = {name: cell for name, cell in zip(header, filled, strict=False) if name and cell}
            yield SheetRow(f"row {number}", found, delimiter == ";")
    except csv.Error as error:
        mend = 'cells between delimiters, a quotation mark within quotes twice: ""'
        faults.append(Fault(str(file), f"row {number + 1}", f"this is not CSV: {error}", mend))
        return
    if header is None:
        faults.append(Fault(str(file), "the file", "it is empty", f"a first row with {', '.join(needed)}"))


def _text(file: Path, faults: list[Fault]) -> str | None:
    """Return a file's text, without the first line by which a spreadsheet names its delimiter."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        faults.append(Fault(str(file), "the file", f"it cannot be read: {reason}", "a CSV file"))
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        mend = "the table saved as “CSV UTF-8”"
        faults.append(Fault(str(file), f"row {row}", "a character is not UTF-8", mend))
    else:
        return re.sub(r"\Asep=.\r?\n", "", text)
    return None


def _is_header(
    header: Sequence[str],
    file: str,
    number: int,
    columns: Sequence[str],
    needed: Sequence[str],
    faults: list[Fault],
) -> bool:
    found = []
    for name in header:
        if name and name not in columns:
            mend = one_of(columns) + did_you_mean(name, columns)
            found.append(Fault(file, f"row {number}, {name}", "nobody knows this column", mend))
        elif name and header.count(name) > 1:
            found.append(Fault(file, f"row {number}, {name}", "two columns are called so", "one of each"))
    for name in needed:
        if name not in header:
            mend = f"a first row with {', '.join(needed)}"
            found.append(Fault(file, f"row {number}, {name}", "no column is called so", mend))
    faults.extend(dict.fromkeys(found))
    return not found
