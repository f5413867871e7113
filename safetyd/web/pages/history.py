"""The past of rooms over any time: a chart, what it comes to in numbers, each day, and all of it as files.

Rule: a page, its files and the numbers that a browser draws from are answers to the same question.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from safetyd.core.tally import Measure
from safetyd.history.files import XLSX_TYPE, csv_of, xlsx_of
from safetyd.history.queries import Answer as Answered
from safetyd.history.queries import History
from safetyd.web.access import sees
from safetyd.web.charts.export import PictureError, png, standalone
from safetyd.web.charts.page import on_page
from safetyd.web.charts.series import time_chart
from safetyd.web.looking import Past
from safetyd.web.pages.history_chart import chart_of, numbers
from safetyd.web.pages.history_words import answers, hours, told
from safetyd.web.pages.page import Answer, Download, Sheet, Visit
from safetyd.web.pages.ranges import DAYS, Kind
from safetyd.web.pages.wanted import NAMES, ROOMS_AT_MOST, Wanted, wanted
from safetyd.web.problems import Problem, misused

ROWS_AT_MOST = 100_000  # of a file
_A_WEEK = timedelta(days=8)
_HOUR = timedelta(hours=1)
_RANGES = {Kind.DAY: "Day", Kind.WEEK: "Week", Kind.TERM: "Term (18 weeks)", Kind.YEAR: "Year"}


def history(past: Past, visit: Visit) -> Answer:
    """Return the page."""
    asked = wanted(past, visit)
    kept = _kept(past, asked)
    found = answers(past, kept, asked, asked.every)
    rooms, days = told(past, kept, asked, found)
    chart = chart_of(past, visit.account, asked, found)
    shown: dict[str, Any] = {
        "wanted": asked,
        "what": NAMES[asked.measure],
        "buildings": [each for each in past.site.buildings if sees(visit.account, each.id)],
        "chosen": {room.id for room in asked.rooms},
        "most": ROOMS_AT_MOST,
        "quantities": [
            (name, asked.url(measure=measure), measure is asked.measure)
            for measure, name in NAMES.items()
            if measure is Measure.MAINS or asked.rooms
        ],
        "ranges": [
            (_RANGES[kind], asked.url(range=asked.range.of(kind)), kind is asked.range.kind) for kind in DAYS
        ],
        "moves": [
            (words, asked.url(range=to) if to is not None else "")
            for words, to in (
                ("Earlier", asked.range.earlier),
                ("Later", asked.range.later if asked.range.end <= past.now else None),
                ("Zoom in", asked.range.closer),
                ("Zoom out", asked.range.wider),
            )
        ],
        "chart": on_page(chart, "past"),
        "unit": {"degF": "°F"}.get(chart.unit, chart.unit),
        "points": asked.url("/history/points"),
        "files": [(name, asked.url(f"/history/file/{name}")) for name in FILES],
        "by_day": f"/heatmap?building={quote(asked.building.id)}",
        "hours": hours,
        "rooms": rooms,
        "ends_at": f"{min(asked.range.end, past.now).astimezone(past.site.timezone):%Y-%m-%dT%H:%M}",
        "days": days,
        "is_empty": not any(each.points for each in found),
        "is_to_come": asked.range.begin >= past.now,
        "imports": {brought.sha256: brought for each in found for brought in each.imports}.values(),
    }
    return Sheet("history.html", shown)


def history_points(past: Past, visit: Visit) -> Answer:
    """Return what a browser draws from, as JSON."""
    asked = wanted(past, visit)
    chart = chart_of(past, visit.account, asked, answers(past, _kept(past, asked), asked, asked.every))
    return Download("points.json", "application/json", msgspec.json.encode(numbers(chart)))


def history_file(past: Past, visit: Visit) -> Answer:
    """Return the answer as a file of the kind that stands in the path."""
    kind = visit.path["kind"]
    if kind not in FILES:
        raise Problem(404, f"no file is of the kind {kind[:40]!r}; there are {', '.join(FILES)}")
    asked = wanted(past, visit)
    return FILES[kind](past, visit, asked)


def _table(write: Callable[..., bytes], media_type: str, suffix: str) -> Callable[..., Download]:
    def made(past: Past, visit: Visit, asked: Wanted) -> Download:
        every = asked.every if asked.range.length <= _A_WEEK else _HOUR
        found = _within_bounds(answers(past, _kept(past, asked), asked, every))
        return Download(f"{_name(asked)}.{suffix}", media_type, write(found, past.site.timezone))

    return made


def _within_bounds(found: list[Answered]) -> list[Answered]:
    rows = sum(len(each.points) for each in found)
    if rows > ROWS_AT_MOST:
        words = f"{rows} lines are more than a file here holds ({ROWS_AT_MOST})"
        raise misused("from", f"{words}; ask for a shorter time or fewer rooms", 413)
    return found


def _svg(past: Past, visit: Visit, asked: Wanted) -> str:
    found = answers(past, _kept(past, asked), asked, asked.every)
    return time_chart(chart_of(past, visit.account, asked, found))


def _svg_file(past: Past, visit: Visit, asked: Wanted) -> Download:
    return svg_file(_svg(past, visit, asked), _name(asked))


def _png_file(past: Past, visit: Visit, asked: Wanted) -> Download:
    return png_file(_svg(past, visit, asked), _name(asked))


def svg_file(svg: str, name: str) -> Download:
    """Return a drawn chart as a file of its own."""
    return Download(f"{name}.svg", "image/svg+xml", standalone(svg).encode())


def png_file(svg: str, name: str) -> Download:
    """Return a drawn chart as a picture.

    Raises:
        Problem: the packages for it are not installed.
    """
    try:
        return Download(f"{name}.png", "image/png", png(svg))
    except PictureError as error:
        raise Problem(501, f"{error}; the SVG needs nothing") from error


def _name(asked: Wanted) -> str:
    """Return the name of a file, without its ending: it is made of ids and dates."""
    here = asked.rooms[0].id if len(asked.places) == 1 and asked.rooms else f"{len(asked.places)}-rooms"
    where = asked.building.id if asked.measure is Measure.MAINS else f"{asked.building.id}-{here}"
    return f"{where}-{asked.measure.value.replace('_', '-')}-{asked.range.name}"


def _kept(past: Past, asked: Wanted) -> History:
    id = asked.building.id
    return History(past.of(id).connection, past.site, past.root, past.now, id)


FILES: dict[str, Callable[[Past, Visit, Wanted], Download]] = {
    "csv": _table(csv_of, "text/csv; charset=utf-8", "csv"),
    "xlsx": _table(xlsx_of, XLSX_TYPE, "xlsx"),
    "png": _png_file,
    "svg": _svg_file,
}
