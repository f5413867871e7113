"""What happened, drawn into a chart over time: times in breach as bars with ends, actions as numbers.

Rule: a bar has an end only where the episode has one; one that goes on has an arrow.
"""

from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from safetyd.web.charts.frame import Frame
from safetyd.web.charts.legend import badge
from safetyd.web.charts.markup import box, clean, element, line, number
from safetyd.web.charts.runs import Axis
from safetyd.web.charts.shapes import Deed, Episode, TimeChart
from safetyd.web.charts.words import moment, when

LANE = 14.0
NUMBERS_AT_MOST = 24
_ROW, _ROWS, _DISC = 19.0, 3, 18.0


def within(chart: TimeChart) -> tuple[list[Episode], list[Deed]]:
    """Return the episodes that share time with the range, and what was done in it, in order."""
    episodes = [
        each
        for each in sorted(chart.episodes, key=lambda each: each.begin)
        if each.begin <= chart.end and (each.end is None or each.end >= chart.begin)
    ]
    deeds = sorted(chart.deeds, key=lambda each: each.at)
    return episodes, [each for each in deeds if chart.begin <= each.at <= chart.end]


def height_of(deeds: Sequence[Deed], axis: Axis) -> float:
    """Return how much room the numbers need above the plot."""
    return len(_placed(deeds, axis)) * _ROW


def areas(episodes: Sequence[Episode], frame: Frame, chart: TimeChart) -> str:
    """Return what stands behind the lines while something is in breach."""
    found = ((frame.axis.x(each.begin), frame.axis.x(each.end or _now(chart))) for each in episodes)
    d = "".join(box(x, frame.top, max(until - x, 0.5), frame.bottom - frame.top) for x, until in found)
    return element("path", d=d, cls="chart-breach-area") if d else ""


def bars(episodes: Sequence[Episode], frame: Frame, chart: TimeChart) -> str:
    """Return the bars, in the lane below the plot."""
    parts = []
    y = frame.bottom + 3
    for each in episodes:
        x, until = frame.axis.x(each.begin), frame.axis.x(each.end or _now(chart))
        bar = element("path", d=box(x, y + 2, max(until - x, 1.5), 6), cls="chart-breach")
        if each.begin >= chart.begin:
            bar += line(x, y - 1, x, y + 11, "chart-breach-end")
        if each.end is None:
            bar += element("path", d=f"M{number(until)} {number(y)}l8 5l-8 5z", cls="chart-breach")
        elif each.end <= chart.end:
            bar += line(until, y - 1, until, y + 11, "chart-breach-end")
        parts.append(element("g", element("title", escape(when(each, chart))) + bar))
    return "".join(parts)


def _placed(deeds: Sequence[Deed], axis: Axis) -> list[list[tuple[int, float]]]:
    """Return the numbers of what was done and where each is, by rows, so that none covers another."""
    rows: list[list[tuple[int, float]]] = []
    for i, deed in enumerate(deeds[:NUMBERS_AT_MOST]):
        x = axis.x(deed.at)
        row = next((row for row in rows if x - row[-1][1] >= _DISC), None)
        if row is None and len(rows) < _ROWS:
            rows.append(row := [])
        if row is None:
            row = min(rows, key=lambda each: each[-1][1])
            x = min(row[-1][1] + _DISC, axis.left + axis.width)
        row.append((i, x))
    return rows


def acts(deeds: Sequence[Deed], frame: Frame, chart: TimeChart) -> str:
    """Return the numbers, above the plot, each with a line to its moment."""
    parts = []
    for n, row in enumerate(_placed(deeds, frame.axis)):
        y = frame.top - 12 - n * _ROW
        for i, x in row:
            at = frame.axis.x(deeds[i].at)
            stem = line(at, frame.top, at, frame.bottom, "chart-act-line", "1 3") + line(
                x, y, at, frame.top, "chart-act-stem"
            )
            title = element("title", escape(f"{i + 1}: {moment(deeds[i].at, chart)} {clean(deeds[i].label)}"))
            parts.append(element("g", title + stem + badge(i + 1, x, y)))
    return "".join(parts)


def _now(chart: TimeChart) -> datetime:
    return min(chart.known_to or chart.end, chart.end)
