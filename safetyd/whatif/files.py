"""A supposition as a file: a table for each building and month, both sides and their difference.

Rule: the numbers are those of `whatif --json`; what they rest on goes with them.
"""

import csv
import io
from collections.abc import Iterator

from safetyd.history.files import Cell, Head, Sheet, safe, workbook
from safetyd.whatif.answer import Answer, answer_object

_SIDES = ("in_force", "proposed", "difference")


def csv_of(answer: Answer) -> bytes:
    """Return the rows, and their sum as the last."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for cells in _table(answer):
        writer.writerow([safe(each) for each in cells])
    return text.getvalue().encode()


def xlsx_of(answer: Answer) -> bytes:
    """Return a sheet of the rows, and one of what they mean."""
    heads, *rows = _table(answer)
    sheet = Sheet("what if", [Head(str(each)) for each in heads], rows)
    return workbook([sheet], list(_about(answer)), answer.question.end)


def _table(answer: Answer) -> Iterator[list[Cell]]:
    said = answer_object(answer)
    figures = list(said["total"]["in_force"])
    yield ["building", "month", *(f"{name}_{side}" for name in figures for side in _SIDES), "coverage"]
    for each in [*said["months"], {"building": "all", "month": "", **said["total"]}]:
        numbers = [each[side][name] for name in figures for side in _SIDES]
        cells = ["" if number is None else number for number in numbers]
        coverage = "" if each["coverage"] is None else each["coverage"]
        yield [each["building"], each["month"], *cells, coverage]


def _about(answer: Answer) -> Iterator[tuple[str, str]]:
    said = answer_object(answer)
    yield "from", said["from"]
    yield "to", said["to"]
    yield from (("set", each) for each in said["set"])
    yield "basis", said["basis"]
    yield from (("rules " + side.replace("_", " "), hash_) for side, hash_ in said["rules"].items())
    yield from (("note", each) for each in said["notes"])
