"""A building by days: each room a row, each day a cell.

Rule: how bad it was is the size of a cell's mark, not its colour alone; what is not known is hatched. Days
for which there is no room go on below. A cell that leads somewhere is for who points at it: the way by
keyboard stands beside the picture.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import isfinite
from urllib.parse import quote
from xml.sax.saxutils import escape

from safetyd.web.charts.legend import FONT, Key, keys
from safetyd.web.charts.markup import box, clean, element, fitting, hatch, quantity, svg, text, width_of
from safetyd.web.charts.shapes import WIDE, HeatMap, Level, Row, Size

_SHARES = (1.0, 0.4, 0.6, 0.8, 1.0)  # of a cell's side, by severity
_APART = 1.0
_TALLEST = 18.0
_HEAD = 34.0
_DAY = timedelta(days=1)
_IN_ADDRESS = "/?&=%+:;,~#"


def heat_map(chart: HeatMap, size: Size = WIDE, id_: str = "heat") -> str:
    """Return the picture; `id_` begins the ids in it and must be the only one of its page."""
    hatch_id = f"{id_}-{size.name}-unknown"
    names = [fitting(row.name, size.name_width, 12) for row in chart.rows]
    left = max((width_of(name, 12) for name in names), default=0) + 12
    columns = min(size.days_at_most, max(len(chart.days), 1))
    wide = min((size.width - left - 6) / columns, 26.0)
    tall = min(max(wide * 1.2, 13.0), _TALLEST)
    parts, y = [element("defs", hatch(hatch_id))], 0.0
    for first in range(0, len(chart.days), columns):
        parts.append(_panel(chart, first, first + columns, names, hatch_id, (left, y, wide, tall)))
        y += _HEAD + tall * len(names) + 10
    if not chart.days or not names:
        parts.append(text("There is nothing to show", size.width / 2, 24, "chart-nothing", "middle"))
        y = 40
    signs, y = keys([*_signs(chart.levels), _unknown_key(hatch_id)], 8, y + 18, size.width - 16)
    parts.append(signs)
    role = "group" if any(row.links for row in chart.rows) else "img"
    return svg(clean(chart.title), _description(chart), size.width, y - 6, size.name, "".join(parts), role)


def level_of(value: float, levels: Sequence[Level]) -> Level:
    """Return what a value shows."""
    return next((level for level in reversed(levels) if value >= level.at_least), levels[0])


def _panel(
    chart: HeatMap,
    first: int,
    until: int,
    names: Sequence[str],
    hatch_id: str,
    place: tuple[float, float, float, float],
) -> str:
    left, top, wide, tall = place
    days = chart.days[first:until]
    parts = list(_heads(days, left, top, wide))
    written = [f"{day:%a} {day.day} {day:%b} {day.year}" for day in days]
    top += _HEAD
    tiles: list[str] = []
    marks: dict[int, list[str]] = {}
    nothing: list[str] = []
    for i, (name, row) in enumerate(zip(names, chart.rows, strict=True)):
        y = top + i * tall
        parts.append(text(name, left - 6, y + tall / 2 + 4, "chart-row", "end"))
        said = escape(name)
        for j, day in enumerate(written):
            value = _value(row, first + j)
            x = left + j * wide
            if value is None:
                cell = _cell(x, y, wide, tall, 1.0, f"{said}, {day}: not known")
                nothing.append(_linked(cell, row, first + j))
                continue
            severity = min(max(level_of(value, chart.levels).severity, 0), 4) if chart.levels else 0
            words = f"{said}, {day}: {quantity(value)} {escape(clean(chart.unit, 30))}"
            tile = box(x, y, wide - _APART, tall - _APART) if severity else ""
            cell = _cell(x, y, wide, tall, _SHARES[severity], words)
            if tile and row.links:
                cell = element("path", d=tile, cls="chart-h0") + cell
            elif tile:
                tiles.append(tile)
            marks.setdefault(severity, []).append(_linked(cell, row, first + j))
    if tiles:
        parts.append(element("path", d="".join(tiles), cls="chart-h0"))
    parts.extend(element("g", "".join(cells), cls=f"chart-h{n}") for n, cells in sorted(marks.items()))
    if nothing:
        parts.append(element("g", "".join(nothing), cls="chart-unknown", fill=f"url(#{hatch_id})"))
    return "".join(parts)


def _value(row: Row, n: int) -> float | None:
    value = row.values[n] if n < len(row.values) else None
    return None if value is None or not isfinite(value) else value


def _cell(x: float, y: float, wide: float, tall: float, share: float, words: str) -> str:
    width, height = (wide - _APART) * share, (tall - _APART) * share
    x, y = x + (wide - _APART - width) / 2, y + (tall - _APART - height) / 2
    return f'<path d="{box(x, y, width, height)}"><title>{words}</title></path>'


def _linked(cell: str, row: Row, n: int) -> str:
    if n >= len(row.links):
        return cell
    href = escape(quote(row.links[n], safe=_IN_ADDRESS, errors="replace"))
    return f'<a href="{href}" tabindex="-1">{cell}</a>'


def _heads(days: Sequence[date], left: float, top: float, wide: float) -> Iterator[str]:
    month_to = day_to = left
    for j, day in enumerate(days):
        x = left + j * wide
        is_new_month = j == 0 or day.month != days[j - 1].month
        month = f"{day:%b} {day.year}"
        if is_new_month and x >= month_to and (j > 0 or not _turns_soon(days, width_of(month, FONT) / wide)):
            if x + width_of(month, FONT) * 1.1 <= left + len(days) * wide or j == 0:
                yield text(month, x, top + 13, "chart-context")
            month_to = x + width_of(month, FONT) + 8
        is_new_week = j == 0 or day.weekday() < days[j - 1].weekday() or day - days[j - 1] > 6 * _DAY
        if (is_new_week or wide >= 20) and x >= day_to:
            yield text(str(day.day), x, top + 28, "chart-tick")
            day_to = x + width_of("00", FONT) + 2


def _turns_soon(days: Sequence[date], columns: float) -> bool:
    return any(day.month != days[0].month for day in days[: int(columns) + 1])


def _signs(levels: Sequence[Level]) -> Iterator[Key]:
    tile = box(6, 0, 12, 12)
    for level in levels:
        severity = min(max(level.severity, 0), 4)
        side = 12 * _SHARES[severity]
        mark = element("path", d=box(12 - side / 2, 6 - side / 2, side, side), cls=f"chart-h{severity}")
        yield Key(element("path", d=tile, cls="chart-h0") + mark, level.label)


def _unknown_key(hatch_id: str) -> Key:
    return Key(
        element("path", d=box(6, 0, 12, 12), cls="chart-unknown", fill=f"url(#{hatch_id})"), "not known"
    )


def _description(chart: HeatMap) -> str:
    if not chart.days or not chart.rows:
        return "There is nothing to show."
    of = len(chart.days) * len(chart.rows)
    found: dict[str, int] = {}
    for row in chart.rows:
        for n in range(len(chart.days)):
            value = _value(row, n)
            if value is None or not chart.levels:
                label = "not known"
            else:
                label = clean(level_of(value, chart.levels).label, 60)
            found[label] = found.get(label, 0) + 1
    counts = ", ".join(f"{label} {n}" for label, n in found.items())
    span = f"{chart.days[0]:%Y-%m-%d} to {chart.days[-1]:%Y-%m-%d}"
    rooms, days = len(chart.rows), len(chart.days)
    size = f"{rooms} room{'s' if rooms != 1 else ''} by {days} day{'s' if days != 1 else ''}, {span}"
    return f"{size}; of {of} cells ({clean(chart.unit, 30)}): {counts}."
