"""A report on a terminal: what it is about, how much was seen, its tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.table import Table

from safetyd.cli.words import plain_console
from safetyd.reports.report import Report, coverage_words, shown


def report_words(report: Report) -> None:
    """Print a report."""
    console = plain_console()
    lead = (_head(report), coverage_words(report))
    for line in lead if report.is_measured else reversed(lead):
        console.print(line, highlight=False, markup=False)
    for each in report.tables:
        console.print(f"\n{each.title}", style="bold", highlight=False, markup=False)
        if not each.rows:
            console.print(each.empty, highlight=False, markup=False)
            continue
        table = Table(box=None)
        for column in each.columns:
            justify: Literal["left", "right"] = "right" if column.form.is_number else "left"
            table.add_column(column.words, justify=justify, overflow="fold")
        for row in each.rows:
            cells = zip(row, each.columns, strict=True)
            table.add_row(*(_safe(shown(cell, column.form, report.zone)) for cell, column in cells))
        console.print(table)
    console.print()
    for note in report.notes:
        console.print(note, highlight=False, markup=False)


def files_words(report: Report, written: Sequence[Path]) -> None:
    """Say what was written, and how much was seen."""
    rows = len(report.tables[0].rows)
    for file in written:
        print(f"{file}: {report.title.lower()}, {rows} {'row' if rows == 1 else 'rows'}")
    print(coverage_words(report))


def _head(report: Report) -> str:
    begin, end = (f"{at.astimezone(report.zone):%Y-%m-%d %H:%M}" for at in (report.begin, report.end))
    return f"{report.title}: {', '.join(report.buildings)}, {begin} to {end}"


def _safe(text: str) -> str:
    from rich.markup import escape

    return escape(text)
