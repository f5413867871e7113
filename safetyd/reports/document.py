"""A report for programs: one JSON object, or its first table as CSV.

Rule: names and shapes here are a promise; times are RFC 3339 in UTC, what is not known is null or empty.
"""

import csv
import io
from typing import Any

from safetyd.history.files import safe
from safetyd.reports.report import Report, Table, plain
from safetyd.times import rfc3339


def report_object(report: Report) -> dict[str, Any]:
    """Return a report as the outside sees it."""
    return {
        "report": report.kind,
        "site": report.site,
        "buildings": list(report.buildings),
        "from": rfc3339(report.begin),
        "to": rfc3339(report.end),
        "made_at": rfc3339(report.made_at),
        "coverage": {
            each.what: {"share": each.always, "student_day": each.in_class} for each in report.coverage
        },
        "measured": report.is_measured,
        "notes": list(report.notes),
        "tables": {each.name: _rows(each) for each in report.tables},
    }


def _rows(table: Table) -> list[dict[str, Any]]:
    names = [each.name for each in table.columns]
    return [dict(zip(names, map(plain, row), strict=True)) for row in table.rows]


def csv_of(table: Table) -> bytes:
    """Return a table as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([each.name for each in table.columns])
    for row in table.rows:
        writer.writerow(["" if each is None else safe(each) for each in map(plain, row)])
    return text.getvalue().encode()
