"""A chart of one room or several over a range: what was measured, the limits, what was done.

Rule: a line is drawn where something is known, and nowhere else. Rooms differ in their dashes and bear their
names; a breach is a bar with ends, an action a number.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from safetyd.web.charts.doings import LANE, NUMBERS_AT_MOST, acts, areas, bars, height_of, within
from safetyd.web.charts.frame import Frame, axes, frame_of
from safetyd.web.charts.legend import ROW, Key, keys, numbered
from safetyd.web.charts.markup import box, clean, element, fitting, hatch, line, quantity, svg, text
from safetyd.web.charts.runs import Axis, Run, runs, unknown
from safetyd.web.charts.shapes import WIDE, Deed, Episode, Size, TimeChart
from safetyd.web.charts.words import EPISODES_AT_MOST, description, moment, when

DASHES = (None, "9 4", "2 3", "12 3 2 3", "5 2", "14 5 4 5")
_NARROWEST_GAP = 3.0
_NARROWEST_DAY = 5.0
_UNITS = {"degF": "°F", "degC": "°C"}


class _Drawn(NamedTuple):
    """One room, as it is on the page; `n` tells it from the others."""

    name: str
    n: int
    runs: list[Run]


def time_chart(chart: TimeChart, size: Size = WIDE, id_: str = "chart") -> str:
    """Return the picture; `id_` begins the ids in it and must be the only one of its page."""
    episodes, deeds = within(chart)
    names = [fitting(trace.name, size.name_width, 13) for trace in chart.traces]
    frame = frame_of(chart, size, names if len(names) > 1 else [])
    frame = frame.lowered(height_of(deeds, frame.axis))
    finest = _finest(frame.axis)
    drawn = [
        _Drawn(name, n, runs(trace, frame.axis, finest))
        for n, (name, trace) in enumerate(zip(names, chart.traces, strict=True))
    ]
    frame = frame.scaled(chart, [run for each in drawn for run in each.runs])
    unit = _UNITS.get(chart.unit, clean(chart.unit, 8))
    hatch_id = f"{id_}-{size.name}-unknown"

    gaps = _gaps(chart, frame, drawn)
    parts = [
        element("defs", hatch(hatch_id)),
        _student_days(chart, frame),
        "".join(_gap(x, until, frame, hatch_id) for x, until in gaps),
        areas(episodes, frame, chart),
        axes(chart, frame, size, unit, LANE if episodes else 0.0),
        "".join(_band(each, frame) for each in drawn),
        "".join(_line(each, frame) for each in drawn),
        _limits(chart, frame, unit),
        _names(drawn, frame) if len(drawn) > 1 else "",
        "" if any(each.runs for each in drawn) else _nothing(frame),
        bars(episodes, frame, chart),
        acts(deeds, frame, chart),
    ]
    below, height = _below(chart, size, frame, drawn, bool(gaps), deeds, episodes, hatch_id)
    words = description(chart, [(each.name, each.runs) for each in drawn], unit, episodes, deeds, bool(gaps))
    return svg(clean(chart.title), words, size.width, height, size.name, "".join([*parts, below]))


def _finest(axis: Axis) -> float:
    """Return how wide a column is: days that are too narrow to show their hours are shown as days."""
    day = axis.width * (timedelta(days=1) / max(axis.end - axis.begin, timedelta(minutes=1)))
    return day if 1.0 < day < _NARROWEST_DAY else 1.0


def _gaps(chart: TimeChart, frame: Frame, drawn: Sequence[_Drawn]) -> list[tuple[float, float]]:
    right = frame.axis.x(min(chart.known_to or chart.end, chart.end))
    known = [run for each in drawn for run in each.runs]
    return unknown(known, frame.axis.left, right, _NARROWEST_GAP) if known else []


def _gap(x: float, until: float, frame: Frame, hatch_id: str) -> str:
    d = box(x, frame.top, until - x, frame.bottom - frame.top)
    return element("path", d=d, cls="chart-gap", fill=f"url(#{hatch_id})")


def _student_days(chart: TimeChart, frame: Frame) -> str:
    height = frame.bottom - frame.top
    days = [(frame.axis.x(each.begin), frame.axis.x(each.end)) for each in chart.student_days]
    d = "".join(box(x, frame.top, until - x, height) for x, until in days if until > x)
    if not d:
        return ""
    edge = "".join(box(x, frame.top, until - x, 3) for x, until in days if until > x)
    return element("path", d=d, cls="chart-day") + element("path", d=edge, cls="chart-day-edge")


def _band(room: _Drawn, frame: Frame) -> str:
    parts = []
    for run in room.runs:
        if any(column.low < column.high for column in run.columns):
            upper = _corners(run, [column.high for column in run.columns], frame)
            lower = _corners(run, [column.low for column in run.columns], frame)
            parts.append(f"M{'L'.join((*upper, *reversed(lower)))}z")
    return element("path", d="".join(parts), cls=f"chart-band chart-s{room.n % len(DASHES)}") if parts else ""


def _line(room: _Drawn, frame: Frame) -> str:
    parts = []
    for run in room.runs:
        corners = _corners(run, [column.mean for column in run.columns], frame)
        # A line of no length is a dot: its ends are round.
        parts.append(f"M{'L'.join(corners)}" + ("h0" if len(corners) == 1 else ""))
    if not parts:
        return ""
    n = room.n % len(DASHES)
    return element("path", d="".join(parts), cls=f"chart-line chart-s{n}", stroke_dasharray=DASHES[n])


def _corners(run: Run, values: Sequence[float], frame: Frame) -> list[str]:
    """Return the corners of a stretch, from where it begins to where it ends."""
    places = [(column.x, value) for column, value in zip(run.columns, values, strict=True)]
    if run.begin < places[0][0]:
        places.insert(0, (run.begin, values[0]))
    if run.end > places[-1][0]:
        places.append((run.end, values[-1]))
    y = frame.y
    return [f"{x:.1f} {y(value):.1f}" for x, value in places]


def _limits(chart: TimeChart, frame: Frame, unit: str) -> str:
    drawn: list[tuple[float, float, float, str]] = []
    for limit in chart.limits:
        x1, x2 = frame.axis.x(limit.begin or chart.begin), frame.axis.x(limit.end or chart.end)
        if frame.low <= limit.value <= frame.high and x1 < x2:
            words = fitting(f"{quantity(limit.value)} {unit} {limit.label}", x2 - x1 - 12, 13)
            drawn.append((x1, x2, frame.y(limit.value), words))
    lines = [line(x1, y, x2, y, "chart-limit", "7 4") for x1, x2, y, _ in drawn]
    taken: list[tuple[float, float, float]] = []
    names = []
    for x1, x2, y, words in drawn:
        if len(words) <= 1:
            continue
        others = [(a, b, other) for a, b, other, _ in drawn if other != y]
        x, base, anchor = _place_of(x1, x2, y, [*others, *taken], frame.bottom)
        taken += [(x1, x2, base - 9), (x1, x2, base)] if anchor is None else []  # as lines through it
        names.append(text(words, x, base, "chart-limit-name", anchor))
    return "".join([*lines, *names])


def _place_of(
    x1: float, x2: float, y: float, taken: Sequence[tuple[float, float, float]], bottom: float
) -> tuple[float, float, str | None]:
    """Return where the name of a limit stands: above its line, else below it, where no other line goes
    through it; else at its far end."""
    for base in (y - 5, y + 15):
        is_struck = any(a < x2 and b > x1 and base - 13 < other < base + 4 for a, b, other in taken)
        if not is_struck and base + 3 < bottom:
            return x1 + 6, base, None
    return x2 - 6, y - 5, "end"


def _names(drawn: Sequence[_Drawn], frame: Frame) -> str:
    ends = sorted((frame.y(each.runs[-1].columns[-1].mean), each.n, each) for each in drawn if each.runs)
    at_most = frame.bottom
    places: list[float] = []
    for y, _, _ in ends:
        places.append(max(y, places[-1] + 15) if places else y)
    for i in range(len(places) - 1, -1, -1):  # too low: pushed up again
        places[i] = min(places[i], at_most - 15 * (len(places) - 1 - i))
    parts = []
    right = frame.axis.left + frame.axis.width
    for place, (y, n, each) in zip(places, ends, strict=True):
        x = each.runs[-1].columns[-1].x
        style = f"chart-s{n % len(DASHES)}"
        if right - x > 1 or abs(place - y) > 4:
            parts.append(line(x, y, right + 6, place, f"chart-lead {style}"))
        parts.append(text(each.name, right + 8, place + 4, f"chart-name {style}"))
    return "".join(parts)


def _nothing(frame: Frame) -> str:
    x, y = frame.axis.left + frame.axis.width / 2, (frame.top + frame.bottom) / 2
    return text("Nothing is known of this time", x, y, "chart-nothing", "middle")


def _below(
    chart: TimeChart,
    size: Size,
    frame: Frame,
    drawn: Sequence[_Drawn],
    has_gaps: bool,
    deeds: Sequence[Deed],
    episodes: Sequence[Episode],
    hatch_id: str,
) -> tuple[str, float]:
    left, width = (
        (frame.axis.left, size.width - frame.axis.left - 8) if not size.is_narrow else (8, size.width - 16)
    )
    swatch = box(0, 0, 24, 12)
    found = []
    is_one = len(drawn) == 1
    for each in drawn:
        n = each.n % len(DASHES)
        stroke = element("path", d="M0 6h24", cls=f"chart-line chart-s{n}", stroke_dasharray=DASHES[n])
        found.append(Key(stroke, "Mean" if is_one else each.name))
    if any(column.low < column.high for each in drawn for run in each.runs for column in run.columns):
        tone = element("path", d=swatch, cls="chart-band chart-s0")
        found.append(Key(tone, "Lowest to highest"))
    if chart.student_days:
        tint = element("path", d=swatch, cls="chart-day")
        edge = element("path", d=box(0, 0, 24, 3), cls="chart-day-edge")
        found.append(Key(tint + edge, "Student day"))
    if has_gaps:
        found.append(Key(element("path", d=swatch, cls="chart-gap", fill=f"url(#{hatch_id})"), "Not known"))
    if episodes:
        bar = element("path", d=box(1, 3, 22, 6), cls="chart-breach")
        ends = line(1, 0, 1, 12, "chart-breach-end") + line(23, 0, 23, 12, "chart-breach-end")
        found.append(Key(bar + ends, "In breach"))
    y = frame.bottom + (LANE if episodes else 0) + 64
    signs, y = keys(found, left, y, width)
    parts = [signs]
    for episode in episodes[:EPISODES_AT_MOST]:
        parts.append(text(fitting(when(episode, chart), width, 13), left, y, "chart-key"))
        y += ROW
    if len(episodes) > EPISODES_AT_MOST:
        parts.append(
            text(f"and {len(episodes) - EPISODES_AT_MOST} more times in breach", left, y, "chart-key")
        )
        y += ROW
    labels = [f"{moment(each.at, chart)} {clean(each.label)}" for each in deeds]
    listed, y = numbered(labels, NUMBERS_AT_MOST, left, y, width)
    return "".join([*parts, listed]), y - ROW / 2
