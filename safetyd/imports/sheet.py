"""A table saved as CSV: its encoding, its delimiter, its records one by one.

Rule: nothing is read whole, however long the file is; what is no CSV is refused with the row where it shows.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

from safetyd.core.errors import SafetydError

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_PEEKED = 10  # lines that show the delimiter
_LONGEST_LINE = 100_000  # characters
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_MEND = "save it as “CSV UTF-8”, or name its --encoding, such as cp1252"

Record = tuple[int, list[str]]  # the row as a spreadsheet counts it, and its cells


class SheetError(SafetydError):
    """A file that cannot be read as a table; in one sentence."""


def encoding_of(file: Path) -> str:
    """Return the encoding that a file's byte-order mark names, else UTF-8."""
    with file.open("rb") as opened:
        begin = opened.read(4)
    return next((name for mark, name in _MARKS.items() if begin.startswith(mark)), "utf-8")


def delimiter_of(file: Path, encoding: str) -> str:
    """Return what stands between the cells: that by which most of the first rows are as wide as the last."""
    try:
        with _opened(file, encoding) as opened:
            lines = list(islice(_lines(opened), _PEEKED))
    except (UnicodeError, csv.Error):
        return ","  # `records` says what is wrong, and where
    found = {each: _fit(lines, each) for each in DELIMITERS.values()}
    return max(found, key=lambda each: found[each])


def _fit(lines: list[str], delimiter: str) -> tuple[int, int]:
    try:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
    except csv.Error:
        return 0, 0
    wide = widths[-1] if widths else 0
    return (widths.count(wide), wide) if wide > 1 else (0, 0)


def records(file: Path, encoding: str, delimiter: str) -> Iterator[Record]:
    """Yield the records of a file.

    Raises:
        SheetError: it cannot be read on, with the row.
    """
    number = 1
    try:
        with _opened(file, encoding) as opened:
            reader = csv.reader(_lines(opened), delimiter=delimiter, strict=True)
            for number, cells in enumerate(reader, 1):
                yield number, cells
                number += 1
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise SheetError(f"row {number} or soon after: is not {encoding} ({reason}); {_MEND}") from error
    except csv.Error as error:
        raise SheetError(f"row {number}: is not CSV ({error}); expected cells between delimiters") from error


@contextmanager
def _opened(file: Path, encoding: str) -> Iterator[TextIO]:
    try:
        with file.open(encoding=encoding, newline="") as opened:
            yield opened
    except LookupError as error:
        raise SheetError(f"encoding: {encoding!r} is none; expected one such as utf-8 or cp1252") from error


def _lines(opened: TextIO) -> Iterable[str]:
    while line := opened.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise csv.Error(f"a line has {_LONGEST_LINE:,} characters or more")
        yield line
