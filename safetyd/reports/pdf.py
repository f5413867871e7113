"""A report on paper: what it is about, how much was seen, bars, and its tables.

Rule: the same report gives the same bytes. A row of a table is one row on paper, however many columns it has:
pages lie on their long side, and letters are as small as words need that are to stay whole.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from safetyd.paper.blocks import Area, Block, Facts, Heading, Label, Line, Mark, Picture, Text, Title, Tone
from safetyd.paper.blocks import Table as PaperTable
from safetyd.paper.fonts import width_of
from safetyd.reports.bars import BARS_AT_MOST, drawn
from safetyd.reports.report import Bars, Report, Table, coverage_words, shown

ROWS_AT_MOST = 500  # of a table: what is longer is for a spreadsheet
_WIDTH, _NAMES, _VALUES, _ROW = 684.0, 250.0, 60.0, 15.0
_SIZES = (8.5, 7.5, 6.5)  # of letters; the first in which every word has room
_PADS, _WIDEST = 7.0, 150.0  # beside a cell's words; what a column may want to be at most


def pdf_of(report: Report) -> bytes:
    """Return the document."""
    from safetyd.paper.press import pdf  # 7 MB that a gateway nobody prints at need not hold

    foot = f"{report.title}, made {_moment(report, report.made_at)}"
    return pdf(list(_blocks(report)), title=f"{report.site}: {report.title}", foot=foot, is_wide=True)


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
    for table in (_named(report, each) for each in report.tables):
        yield Heading(table.title)
        if not table.rows:
            yield Text(table.empty)
            continue
        for bars in table.bars:
            yield from _picture(table, bars)
        yield _table(report, table)
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
    return name if len(name) <= 54 else f"{name[:53].rstrip()}…"


def _named(report: Report, table: Table) -> Table:
    """Return a table with its buildings by name."""
    names = [each.name for each in table.columns]
    if "building" not in names:
        return table
    at = names.index("building")
    rows = ((*row[:at], report.names.get(str(row[at]), row[at]), *row[at + 1 :]) for row in table.rows)
    return table._replace(rows=tuple(rows))


def _told_by_name(table: Table) -> str:
    """Return the column that a reader has no need of: the id of what has its name beside it."""
    names = [each.name for each in table.columns]
    return "" if "name" not in names else "room" if "room" in names else "building"


def _table(report: Report, table: Table) -> Block:
    columns = [n for n, each in enumerate(table.columns) if each.name != _told_by_name(table)]
    heads = [table.columns[n] for n in columns]
    rows = tuple(
        tuple(shown(row[n], table.columns[n].form, report.zone) for n in columns)
        for row in table.rows[:ROWS_AT_MOST]
    )
    right = frozenset(at for at, each in enumerate(heads) if each.form.is_number)
    words = tuple(each.words for each in heads)
    for size in _SIZES:
        needs = _needs(words, rows, size)
        if sum(least for least, _ in needs) <= _WIDTH:
            break
    return PaperTable(words, rows, _widths(needs), right, size=size)


def _needs(heads: Sequence[str], rows: Sequence[Sequence[str]], size: float) -> list[tuple[float, float]]:
    """Return how wide each column must be for its longest word, and for its longest text."""
    found = []
    for at, head in enumerate(heads):
        texts = {row[at] for row in rows}
        longest = max((width_of(word, size) for text in texts for word in text.split()), default=0.0)
        of_head = max(width_of(word, size, strong=True) for word in head.split())
        whole = max((width_of(text, size) for text in texts), default=0.0)
        least = max(longest, of_head) + _PADS
        found.append((least, max(least, min(whole + _PADS, _WIDEST))))
    return found


def _widths(needs: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Return the columns' widths: what each needs, and of the rest so much as it wants."""
    least, wanted = (sum(column) for column in zip(*needs, strict=True))
    spare = max(_WIDTH - least, 0.0)
    if wanted <= least:
        return tuple(each for each, _ in needs)
    share = min(spare / (wanted - least), 1.0)
    return tuple(need + (want - need) * share for need, want in needs)


def _moment(report: Report, at: datetime) -> str:
    return f"{at.astimezone(report.zone):%Y-%m-%d %H:%M %Z}"
