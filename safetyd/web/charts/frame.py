"""The frame of a chart over time: where the plot is, its two axes, and the lines behind it.

Rule: both axes carry round numbers; the scale holds every value and every limit, so nothing is cut off.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from safetyd.ticks import context_of, scale, time_ticks, value_ticks
from safetyd.web.charts.markup import line, quantity, text, width_of
from safetyd.web.charts.runs import Axis, Run
from safetyd.web.charts.shapes import Size, TimeChart

_LEAST_SPAN = 4.0  # of values: a quiet room looks quiet
_FONT = 13.0
_BOLD = 1.15
_HALF_A_LABEL = 22.0


class Frame(NamedTuple):
    """The plot on the page, and the values at its lower and upper edge."""

    axis: Axis
    top: float
    bottom: float
    low: float = 0.0
    high: float = 1.0
    ticks: tuple[float, ...] = ()

    @property
    def y(self) -> Callable[[float], float]:
        """What turns a value into its height."""
        return scale(self.low, self.high, self.bottom, self.top)

    def lowered(self, by: float) -> "Frame":
        """Return the frame with more room above it."""
        return self._replace(top=self.top + by, bottom=self.bottom + by)

    def scaled(self, chart: TimeChart, known: Sequence[Run]) -> "Frame":
        """Return the frame with a scale that holds everything."""
        limits = [limit.value for limit in chart.limits if abs(limit.value) < 1e9]
        lows = [min(column.low for column in run.columns) for run in known] + limits
        highs = [max(column.high for column in run.columns) for run in known] + limits
        low, high = min(lows, default=0.0), max(highs, default=_LEAST_SPAN)
        spare = max(_LEAST_SPAN - (high - low), (high - low) * 0.06) / 2
        ticks = value_ticks(low - spare, high + spare, round((self.bottom - self.top) / 36))
        return self._replace(low=ticks[0], high=ticks[-1], ticks=tuple(ticks))


def frame_of(chart: TimeChart, size: Size, names: Sequence[str]) -> Frame:
    """Return where the plot is, with room for the names at its right."""
    left = 46.0 if not size.is_narrow else 40.0
    needs = max((width_of(name, _FONT) for name in names), default=0.0) * _BOLD + 12
    right = max(needs, _HALF_A_LABEL)
    top = 26.0
    return Frame(Axis(chart.begin, chart.end, left, size.width - left - right), top, top + size.plot_height)


def axes(chart: TimeChart, frame: Frame, size: Size, unit: str, lane: float) -> str:
    """Return both axes with their marks; `lane` is what is kept free between the plot and its labels."""
    left, right = frame.axis.left, frame.axis.left + frame.axis.width
    parts = [text(unit, left - 8, frame.top - 10, "chart-unit", "end")]
    y_of = frame.y
    for value in frame.ticks:
        y = y_of(value)
        parts.append(line(left, y, right, y, "chart-grid"))
        parts.append(text(quantity(value), left - 8, y + 4.5, "chart-tick", "end"))
    base = frame.bottom + lane
    ticks = time_ticks(chart.begin, chart.end, chart.zone, int(frame.axis.width / size.tick_every))
    context, taken = context_of(chart.begin, chart.zone, ticks), left
    marks = []
    for tick in ticks:
        x = frame.axis.x(tick.at)
        parts.append(line(x, frame.bottom, x, base + 5, "chart-axis"))
        parts.append(text(tick.label, x, base + 19, "chart-tick", "middle"))
        if tick.context != context:
            marks.append((x, tick.context))
            context = tick.context
    first = context_of(chart.begin, chart.zone, ticks)
    if first and (not marks or left + width_of(first, _FONT) * _BOLD + 12 <= marks[0][0]):
        marks.insert(0, (left, first))
    for x, words in marks:
        needs = width_of(words, _FONT) * _BOLD
        if x >= taken and x + needs <= size.width:
            parts.append(text(words, x, base + 37, "chart-context"))
            taken = x + needs + 12
    parts.append(line(left, frame.bottom, right, frame.bottom, "chart-axis"))
    return "".join(parts)
