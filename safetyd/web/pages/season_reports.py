"""A season in tables and bars: the reports of the command line, for the buildings that somebody sees.

Rule: a page and its files are made of the same report. Nobody is named in one: rooms, tickets and numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from markupsafe import Markup

from safetyd.faults import did_you_mean
from safetyd.history.buckets import Edges
from safetyd.history.files import XLSX_TYPE
from safetyd.reports.bars import drawn
from safetyd.reports.document import csv_of
from safetyd.reports.kinds import MAKERS, Kind
from safetyd.reports.pdf import pdf_of
from safetyd.reports.report import Column, Form, Report, Table, coverage_words, shown
from safetyd.reports.season import ReportError, season
from safetyd.reports.workbook import xlsx_of
from safetyd.site import Building
from safetyd.web.access import sees
from safetyd.web.answers import building_of
from safetyd.web.charts.page import on_page
from safetyd.web.charts.shapes import BarChart, BarOf
from safetyd.web.looking import Past
from safetyd.web.pages.page import Answer, Download, Sheet, Visit
from safetyd.web.pages.ranges import Kind as Length
from safetyd.web.pages.ranges import read_range
from safetyd.web.problems import Problem, misused

EVERY = "*"  # all buildings, among those to choose from
ROOMS_AT_MOST = 500  # of one report here; the command line has no bound
ROWS_SHOWN = 200
_GRAIN = timedelta(microseconds=1)
_BETWEEN = " · "  # the parts of what a bar is called


class Asked(NamedTuple):
    """One question: which report, of which buildings, over which time; `query` asks it again."""

    kind: Kind
    buildings: Sequence[Building]
    span: Edges
    query: Mapping[str, str]

    def url(self, path: str = "/reports", **other: str) -> str:
        """Return where it is answered; with other parameters, if some are given."""
        return f"{path}?{urlencode(dict(self.query) | other)}"


class Cell(NamedTuple):
    """One cell of a table: its words, and where it leads to."""

    words: str
    url: str = ""


class Shown(NamedTuple):
    """One table with its bars; `head` is the column that names a row, `more` counts what only files have."""

    title: str
    columns: Sequence[Column]
    head: int
    rows: Sequence[Sequence[Cell]]
    more: int
    empty: str
    charts: Sequence[tuple[str, Markup]]


def reports(past: Past, visit: Visit) -> Answer:
    """Return the page."""
    asked = _asked(past, visit)
    zone = past.site.timezone
    begin, last = (at.astimezone(zone) for at in (asked.span[0], asked.span[1] - _GRAIN))
    told: dict[str, Any] = {
        "asked": asked,
        "title": MAKERS[asked.kind].words,
        "kinds": [(MAKERS[each].words, asked.url(report=each.value), each is asked.kind) for each in Kind],
        "buildings": [each for each in past.site.buildings if sees(visit.account, each.id)],
        "every": EVERY,
        "chosen": asked.query["building"],
        "begin": begin,
        "last": last,
        "files": [(suffix, asked.url(f"/reports/file/{suffix}")) for suffix in FILES],
        "look": _look,
        "report": None,
        "nothing": "",
    }
    try:
        made = _made(past, asked)
    except ReportError as error:
        return Sheet("season_reports.html", told | {"nothing": str(error)})
    tables = [_shown(made, each) for each in made.tables]
    return Sheet(
        "season_reports.html", told | {"report": made, "tables": tables, "coverage": coverage_words(made)}
    )


def reports_file(past: Past, visit: Visit) -> Answer:
    """Return a report as a file of the kind that stands in the path."""
    suffix = visit.path["suffix"]
    if suffix not in FILES:
        raise Problem(404, f"no file is of the kind {suffix[:40]!r}; there are {', '.join(FILES)}")
    asked = _asked(past, visit)
    try:
        made = _made(past, asked)
    except ReportError as error:
        raise Problem(404, str(error)) from error
    media_type, write = FILES[suffix]
    where = asked.buildings[0].id if len(asked.buildings) == 1 else f"{len(asked.buildings)}-buildings"
    first, last = (f"{at.astimezone(made.zone):%Y-%m-%d}" for at in (made.begin, made.end - _GRAIN))
    return Download(f"{where}-{made.kind}-{first}-to-{last}.{suffix}", media_type, write(made))


def _made(past: Past, asked: Asked) -> Report:
    connection = past.of(*(each.id for each in asked.buildings)).connection
    found = season(connection, past.site, past.root, asked.buildings, *asked.span, past.now)
    return MAKERS[asked.kind].make(found)


def _asked(past: Past, visit: Visit) -> Asked:
    said = {name: text for name, text in visit.query.items() if text}
    kind = _kind(said.get("report", Kind.SEPTEMBER.value))
    buildings, chosen = _buildings(past, visit, said.get("building", ""))
    query = {"report": kind.value, "building": chosen}
    if "from" not in said and "to" not in said:
        span = MAKERS[kind].usual_range(past.now, past.site.timezone)
    else:
        range = read_range(
            {**said, "range": Length.CUSTOM.value}, past.site.timezone, past.now, Length.CUSTOM
        )
        span = range.begin, range.end
        query |= {name: said[name] for name in ("from", "to") if name in said}
    return Asked(kind, buildings, (span[0], min(span[1], max(past.now, span[0] + _GRAIN))), query)


def _kind(text: str) -> Kind:
    found = next((each for each in Kind if each.value == text), None)
    if found is None:
        expected = f"one of {', '.join(Kind)}{did_you_mean(text[:40], [each.value for each in Kind])}"
        raise misused("report", f"report: {text[:40]!r} is not {expected}")
    return found


def _buildings(past: Past, visit: Visit, id: str) -> tuple[Sequence[Building], str]:
    """Return the buildings that are asked for, else the first that may be seen, and how they are called."""
    seen = [each for each in past.site.buildings if sees(visit.account, each.id)]
    if not seen:
        raise Problem(404, "no building is here that you may see; ask who keeps the accounts")
    if id != EVERY:
        found = building_of(past.site, visit.account, id) if id else seen[0]
        return [found], found.id
    count = sum(len(each.rooms) for each in seen)
    if count > ROOMS_AT_MOST:
        words = f"building: {count} rooms are more than a report here holds ({ROOMS_AT_MOST})"
        raise misused("building", f"{words}; choose a building, or ask at the command line", 413)
    return seen, EVERY


def _shown(made: Report, table: Table) -> Shown:
    names = [each.name for each in table.columns]
    hidden = {"room"} if {"room", "name"} <= set(names) else set()
    kept = [n for n, each in enumerate(table.columns) if each.name not in hidden]
    rows = [[_cell(made, table, row, n) for n in kept] for row in table.rows[:ROWS_SHOWN]]
    charts = []
    for number, bars in enumerate(table.bars):
        longest = drawn(table, bars)
        names = _own_names([each.name for each in longest])
        found = [BarOf(name, each.value, each.words) for name, each in zip(names, longest, strict=True)]
        if found:
            picture = on_page(BarChart(bars.title, found), f"{table.name}-{number}")
            charts.append((bars.title, picture))
    more = max(len(table.rows) - ROWS_SHOWN, 0)
    columns = [table.columns[n] for n in kept]
    texts = [at for at, each in enumerate(columns) if not each.form.is_number]
    head = next((at for at in texts if columns[at].name in ("ticket", "name")), texts[0])
    return Shown(table.title, columns, head, rows, more, table.empty, charts)


def _own_names(names: Sequence[str]) -> list[str]:
    """Return the names of bars without the building, where all are of one."""
    parts = [each.partition(_BETWEEN) for each in names]
    is_one = len({begin for begin, _, _ in parts}) == 1
    return [rest if is_one and rest else begin + between + rest for begin, between, rest in parts]


def _cell(made: Report, table: Table, row: Sequence[Any], n: int) -> Cell:
    column, value = table.columns[n], row[n]
    words = shown(value, column.form, made.zone)
    if column.name == "ticket":
        return Cell(words, f"/tickets/{quote(words)}")
    names = [each.name for each in table.columns]
    if column.name == "name" and "room" in names and row[names.index("room")] is not None:
        where = {"building": row[names.index("building")], "room": row[names.index("room")]}
        is_gone = words.endswith("(no longer in the site file)")
        return Cell(words, "" if is_gone else f"/history?{urlencode(where)}")
    return Cell(words)


def _look(column: Column) -> str:
    """Return the class of a column's cells."""
    if column.form.is_number:
        return "number"
    return {"month": "month"}.get(column.name, "moment" if column.form is Form.MOMENT else "")


def _csv(made: Report) -> bytes:
    return csv_of(made.tables[0])


FILES: Mapping[str, tuple[str, Callable[[Report], bytes]]] = {
    "xlsx": (XLSX_TYPE, xlsx_of),
    "pdf": ("application/pdf", pdf_of),
    "csv": ("text/csv; charset=utf-8", _csv),
}
