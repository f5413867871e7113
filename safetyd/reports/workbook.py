"""A report as a workbook: a sheet for each table, with its bars beside it, and a sheet that says what it is.

Rule: cells hold whole values, and show as many places as people read.
"""

from collections.abc import Iterator
from datetime import datetime

from safetyd.history.files import Bar, Head, Sheet, workbook
from safetyd.reports.report import Cell, Form, Report, Table, coverage_words
from safetyd.times import rfc3339

_FORMATS = {Form.HOURS: "#,##0.0", Form.DEGREES: "0.0", Form.SHARE: "0.0%", Form.MOMENT: "yyyy-mm-dd hh:mm"}


def xlsx_of(report: Report) -> bytes:
    """Return the workbook; the same report gives the same bytes."""
    sheets = [_sheet(report, each) for each in report.tables]
    return workbook(sheets, list(_about(report)), report.made_at)


def _sheet(report: Report, table: Table) -> Sheet:
    def cell(value: Cell) -> Cell:
        if not isinstance(value, datetime):
            return value
        return value.astimezone(report.zone).replace(tzinfo=None)  # as the clocks there show it

    return Sheet(
        table.name,
        [Head(each.words, _FORMATS.get(each.form, "")) for each in table.columns],
        [[cell(value) for value in row] for row in table.rows],
        [
            Bar(each.title, [table.column(name) for name in each.names], table.column(each.value), each.unit)
            for each in table.bars
        ],
    )


def _about(report: Report) -> Iterator[tuple[str, str]]:
    yield "report", report.title
    yield "site", report.site
    yield "buildings", ", ".join(report.buildings)
    for name, at in (("from", report.begin), ("to", report.end), ("made at", report.made_at)):
        yield name, f"{at.astimezone(report.zone):%Y-%m-%d %H:%M %Z} ({rfc3339(at)})"
    yield "times", report.zone.key
    yield "coverage", coverage_words(report)
    for note in report.notes:
        yield "note", note
