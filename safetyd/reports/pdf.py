"""A report on paper: what it is about, how much was seen, bars, and its tables.

Rule: the same report gives the same bytes. A table that is wider than a page goes on in a second one, its
rows named again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from safetyd.paper.blocks import Area, Block, Facts, Heading, Label, Line, Mark, Picture, Text, Title, Tone
from safetyd.paper.blocks import Table as PaperTable
from safetyd.reports.bars import BARS_AT_MOST, drawn
from safetyd.reports.report import Bars, Form, Report, Table, coverage_words, shown

ROWS_AT_MOST = 500  # of a table: what is longer is for a spreadsheet
_COLUMNS_AT_MOST, _NAMES_AT_MOST = 10, 3
_WIDTH, _NAMES, _VALUES, _ROW = 504.0, 170.0, 60.0, 15.0
_WIDE = {Form.TEXT: 1.5, Form.MOMENT: 1.5}


def pdf_of(report: Report) -> bytes:
    """Return the document."""
    from safetyd.paper.press import pdf  # 7 MB that a gateway nobody prints at need not hold

    foot = f"{report.title}, made {_moment(report, report.made_at)}"
    return pdf(list(_blocks(report)), title=f"{report.site}: {report.title}", foot=foot)


def _blocks(report: Report) -> Iterator[Block]:
    yield Title(report.title, report.site)
    if not report.is_measured:
        yield Text(coverage_words(report), Tone.STRONG)
    facts = [
        ("Buildings", ", ".join(report.buildings)),
        ("From", _moment(report, report.begin)),
        ("To", _moment(report, report.end)),
        ("Made", _moment(report, report.made_at)),
    ]
    yield Facts((*facts, *([("Coverage", coverage_words(report))] if report.is_measured else ())))
    for note in report.notes:
        yield Text(note, Tone.SMALL)
    for table in report.tables:
        yield Heading(table.title)
        if not table.rows:
            yield Text(table.empty)
            continue
        for bars in table.bars:
            yield from _picture(table, bars)
        yield from _tables(report, table)
        if len(table.rows) > ROWS_AT_MOST:
            yield Text(f"{len(table.rows) - ROWS_AT_MOST:,} more rows stand in the workbook (XLSX).")


def _picture(table: Table, bars: Bars) -> Iterator[Block]:
    found = drawn(table, bars)
    if not found:
        is_known = any(row[table.column(bars.value)] is not None for row in table.rows)
        yield Text(f"{bars.title}: {'none' if is_known else 'not known'}.", Tone.SMALL)
        return
    longest = max(each.value for each in found)
    marks: list[Mark] = [Line(((_NAMES, 0.0), (_NAMES, _ROW * len(found))), grey=0.4)]
    for number, each in enumerate(found):
        top = number * _ROW
        wide = (_WIDTH - _NAMES - _VALUES) * each.value / longest
        left, right, low = _NAMES, _NAMES + wide, top + _ROW - 3
        marks.append(Area(((left, top + 3), (right, top + 3), (right, low), (left, low)), grey=0.35))
        marks.append(Label(_NAMES - 6, low - 1, _cut(each.name), anchor="end"))
        marks.append(Label(right + 4, low - 1, each.words))
    more = "" if len(found) < BARS_AT_MOST else f" The first {BARS_AT_MOST}."
    yield Picture(_WIDTH, _ROW * len(found), tuple(marks), f"{bars.title}.{more}")


def _cut(name: str) -> str:
    return name if len(name) <= 38 else f"{name[:37].rstrip()}…"


def _tables(report: Report, table: Table) -> Iterator[Block]:
    """Yield the table, in parts that fit a page; each begins with what names a row."""
    shown_columns = [n for n, each in enumerate(table.columns) if each.name not in _told_by_name(table)]
    texts = [n for n in shown_columns if table.columns[n].form in (Form.TEXT, Form.WORD)]
    named = texts if len(texts) <= _NAMES_AT_MOST else texts[:1]
    rest = [n for n in shown_columns if n not in named]
    at_once = _COLUMNS_AT_MOST - len(named)
    for first in range(0, max(len(rest), 1), at_once):
        yield _part(report, table, [*named, *rest[first : first + at_once]])


def _told_by_name(table: Table) -> Sequence[str]:
    """Return the columns that a reader has no need of: a room's id, where its name stands beside it."""
    names = [each.name for each in table.columns]
    return ("room",) if "room" in names and "name" in names else ()


def _part(report: Report, table: Table, columns: Sequence[int]) -> Block:
    heads = [table.columns[n] for n in columns]
    rows = tuple(
        tuple(shown(row[n], table.columns[n].form, report.zone) for n in columns)
        for row in table.rows[:ROWS_AT_MOST]
    )
    right = frozenset(at for at, each in enumerate(heads) if each.form.is_number)
    widths = tuple(_WIDE.get(each.form, 1.0) for each in heads)
    return PaperTable(tuple(each.words for each in heads), rows, widths, right)


def _moment(report: Report, at: datetime) -> str:
    return f"{at.astimezone(report.zone):%Y-%m-%d %H:%M %Z}"
