"""A building by days: for how long each room was in breach on each day, and how much of it is known.

Rule: a day of which nothing is known is no day without a breach. Each day leads to its room's history.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from safetyd.core.model import Condition, Place
from safetyd.core.tally import Account, Measure
from safetyd.faults import did_you_mean
from safetyd.history import breaches
from safetyd.history.breaches import DayOf
from safetyd.history.files import XLSX_TYPE, Cell, Head, safe, workbook
from safetyd.history.files import Sheet as Table
from safetyd.history.queries import History
from safetyd.reports.report import percent
from safetyd.site import Building, Room
from safetyd.web.access import sees
from safetyd.web.charts.heat import heat_map
from safetyd.web.charts.page import on_page
from safetyd.web.charts.shapes import BREACH_HOURS, HeatMap, Row
from safetyd.web.looking import Past
from safetyd.web.pages.history import png_file, svg_file
from safetyd.web.pages.history_chart import WORDS
from safetyd.web.pages.history_words import hours
from safetyd.web.pages.page import Answer, Download, Sheet, Visit
from safetyd.web.pages.ranges import Kind, Range, read_range
from safetyd.web.pages.wanted import breach_in, building_asked
from safetyd.web.problems import Problem, misused

CELLS_AT_MOST = 12_000
CELLS_OF_A_FILE = 100_000
LISTED = 60  # days in breach of one room
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_KINDS = {Kind.TERM: "Term (18 weeks)", Kind.YEAR: "Year"}
_ASKED = {
    Condition.COLD: (Measure.TEMPERATURE, Account.COLD),
    Condition.HEAT: (Measure.HEAT_INDEX, Account.HEAT),
}
_HEADS = ("building", "room", "name", "condition", "day", "hours_in_breach", "hours_known")
_FILES = ("csv", "xlsx", "png", "svg")


class Asked(NamedTuple):
    """One question: which rooms of a building, which condition, over which time."""

    building: Building
    condition: Condition
    range: Range
    page: int
    pages: int
    rooms: Sequence[Room]

    def url(self, path: str = "/heatmap", **other: str) -> str:
        """Return where it is answered; with other parameters, if some are given."""
        said = {"building": self.building.id, "condition": self.condition.value, **self.range.query}
        said |= {"page": str(self.page)} if self.page > 1 else {}
        return f"{path}?{urlencode(said | other)}"

    def day_url(self, room: Room, day: date) -> str:
        """Return where a room's day is told."""
        quantity = _ASKED[self.condition][0].value
        said = {"building": self.building.id, "room": room.id, "quantity": quantity}
        return f"/history?{urlencode(said | {'range': Kind.DAY.value, 'to': str(day)})}"


class RoomRow(NamedTuple):
    """One room over all days."""

    room: Room
    days: list[DayOf]

    @property
    def breach(self) -> timedelta:
        """How long it was in breach."""
        return breaches.breach_of(self.days)

    @property
    def known(self) -> float:
        """Which share of all the time is known."""
        whole = sum((each.end - each.begin for each in self.days), timedelta(0))
        known: timedelta = sum((each.known for each in self.days), timedelta(0))
        return known / whole if whole else 0.0


def heatmap(past: Past, visit: Visit) -> Answer:
    """Return the page."""
    asked = _asked(past, visit)
    rows = _rows(past, asked)
    chart = _chart(asked, rows, with_links=True)
    moves = (("Earlier", asked.range.earlier), ("Later", asked.range.later))
    shown = {
        "asked": asked,
        "title": chart.title,
        "what": WORDS[asked.condition],
        "buildings": [each for each in past.site.buildings if sees(visit.account, each.id)],
        "conditions": [
            (WORDS[each], asked.url(condition=each.value), each is asked.condition) for each in _ASKED
        ],
        "ranges": [
            (words, asked._replace(range=asked.range.of(kind)).url(), kind is asked.range.kind)
            for kind, words in _KINDS.items()
        ],
        "moves": [
            (words, asked._replace(range=to).url() if to is not None and to.begin < past.now else "")
            for words, to in moves
        ],
        "chart": on_page(chart, "heat"),
        "rows": [(each, _breaches(past, asked, each)) for each in rows],
        "listed": LISTED,
        "hours": hours,
        "percent": percent,
        "files": [(name, asked.url(f"/heatmap/file/{name}")) for name in _FILES],
        "turn": [
            (words, asked.url(page=str(to)))
            for words, to in (("Rooms before", asked.page - 1), ("Next rooms", asked.page + 1))
            if 1 <= to <= asked.pages
        ],
        "is_empty": not any(each.known for each in rows),
    }
    return Sheet("heatmap.html", shown)


def heatmap_file(past: Past, visit: Visit) -> Answer:
    """Return it as a file of the kind that stands in the path."""
    kind = visit.path["kind"]
    if kind not in _FILES:
        raise Problem(404, f"no file is of the kind {kind[:40]!r}; there are {', '.join(_FILES)}")
    asked = _asked(past, visit)
    name = f"{asked.building.id}-{asked.condition.value}-by-day-{asked.range.name}"
    if kind in ("csv", "xlsx"):
        everything = asked._replace(rooms=asked.building.rooms)
        _within_bounds(everything)
        table = _table(everything, _rows(past, everything))
        if kind == "csv":
            return Download(f"{name}.csv", "text/csv; charset=utf-8", _csv(table))
        return Download(f"{name}.xlsx", XLSX_TYPE, _xlsx(everything, table, past.now))
    svg = heat_map(_chart(asked, _rows(past, asked), with_links=False))
    return svg_file(svg, name) if kind == "svg" else png_file(svg, name)


def _asked(past: Past, visit: Visit) -> Asked:
    said = {name: text for name, text in visit.query.items() if text}
    building = building_asked(past.site, visit.account, said)
    wanted = read_range(said, past.site.timezone, past.now, Kind.TERM)
    usual = None if "condition" in said else breach_in(past, building, building.rooms, wanted)
    text = said.get("condition", usual or Condition.COLD.value)
    condition = next((each for each in _ASKED if each.value == text), None)
    if condition is None:
        expected = f"one of {', '.join(_ASKED)}{did_you_mean(text[:40], [each.value for each in _ASKED])}"
        raise misused("condition", f"condition: {text[:40]!r} is not {expected}")
    if not wanted.is_of_days:
        raise misused("from", "from: a building is shown by whole days; give dates such as 2026-11-02")
    count = (wanted.last - wanted.first).days + 1
    at_once = max(CELLS_AT_MOST // count, 5)
    pages = max(-(-len(building.rooms) // at_once), 1)
    number = said.get("page", "1")
    if not (number.isascii() and number.isdecimal() and len(number) < 5 and 1 <= int(number) <= pages):
        raise misused("page", f"page: {number[:40]!r} is no number from 1 to {pages}")
    page = int(number)
    return Asked(
        building, condition, wanted, page, pages, building.rooms[(page - 1) * at_once : page * at_once]
    )


def _within_bounds(asked: Asked) -> None:
    cells = len(asked.rooms) * ((asked.range.last - asked.range.first).days + 1)
    if cells > CELLS_OF_A_FILE:
        words = f"{cells} lines are more than a file here holds ({CELLS_OF_A_FILE})"
        raise misused("from", f"{words}; ask for a shorter time", 413)


def _rows(past: Past, asked: Asked) -> list[RoomRow]:
    id = asked.building.id
    history = History(past.of(id).connection, past.site, past.root, past.now, id)
    measure, account = _ASKED[asked.condition]
    end = min(asked.range.end, past.now)
    rows = []
    for room in asked.rooms:
        known_of = history.known_of(Place(asked.building.id, room.id), measure)._replace(account=account)
        rows.append(RoomRow(room, breaches.days(known_of, past.site.timezone, asked.range.begin, end)))
    return rows


def _chart(asked: Asked, rows: Sequence[RoomRow], *, with_links: bool) -> HeatMap:
    zone = asked.range.zone
    days = [each.begin.astimezone(zone).date() for each in rows[0].days] if rows else []
    return HeatMap(
        title=f"{asked.building.name}: hours {WORDS[asked.condition].lower()}, by room and day",
        days=days,
        rows=[
            Row(
                each.room.name,
                [day.breach / _HOUR if day.known else None for day in each.days],
                [asked.day_url(each.room, day) for day in days] if with_links else (),
            )
            for each in rows
        ],
        levels=BREACH_HOURS,
        unit="hours in breach",
    )


def _breaches(past: Past, asked: Asked, row: RoomRow) -> list[tuple[date, timedelta, str]]:
    """Return the days in breach of a room, how long, and where each is told."""
    zone = past.site.timezone
    found = [(each.begin.astimezone(zone).date(), each.breach) for each in row.days if each.breach]
    return [(day, lasted, asked.day_url(row.room, day)) for day, lasted in found]


def _table(asked: Asked, rows: Sequence[RoomRow]) -> Iterator[list[Cell | datetime | None]]:
    """Yield a line for each room and day; of a day of which nothing is known there are no hours in breach."""
    zone = asked.range.zone
    for each in rows:
        about = [asked.building.id, each.room.id, each.room.name, asked.condition.value]
        for day in each.days:
            begin = datetime.combine(day.begin.astimezone(zone).date(), time())
            breach = round(day.breach / _HOUR, 4) if day.known else None
            yield [*about, begin, breach, round(day.known / _HOUR, 4) if day.known else 0]


def _csv(table: Iterable[Sequence[Cell | datetime | None]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_HEADS)
    for cells in table:
        writer.writerow([_plain(each) for each in cells])
    return text.getvalue().encode()


def _plain(cell: Cell | datetime | None) -> Cell | date:
    if isinstance(cell, datetime):
        return cell.date()
    return "" if cell is None else safe(cell)


def _xlsx(asked: Asked, table: Iterable[Sequence[Cell | datetime | None]], now: datetime) -> bytes:
    heads = [Head(each, "yyyy-mm-dd" if each == "day" else "") for each in _HEADS]
    about = [
        ("building", asked.building.name),
        ("condition", WORDS[asked.condition]),
        ("times", asked.range.zone.key),
    ]
    return workbook([Table("days", heads, list(table))], about, now)
