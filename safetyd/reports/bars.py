"""The bars of a table: which rows are drawn, how they are called, and in which words each is told.

Rule: the longest first; a row without anything is no bar, and what is not drawn stands in the table.
"""

from datetime import UTC
from typing import NamedTuple

from safetyd.reports.report import Bars, Form, Table, shown

BARS_AT_MOST = 40


class Drawn(NamedTuple):
    """One bar."""

    name: str
    value: float
    words: str


def drawn(table: Table, bars: Bars) -> list[Drawn]:
    """Return the bars, the longest first, as many as people can take in."""
    names, at = [table.column(each) for each in bars.names], table.column(bars.value)
    is_count = table.columns[at].form is Form.COUNT
    found = []
    for row in table.rows:
        value = row[at]
        if isinstance(value, int | float) and value > 0:
            words = f"{value:,}" if is_count else f"{value:,.1f} {bars.unit}"
            name = " · ".join(shown(row[n], table.columns[n].form, UTC) for n in names)
            found.append(Drawn(name, value, words))
    return sorted(found, key=lambda each: (-each.value, each.name))[:BARS_AT_MOST]
