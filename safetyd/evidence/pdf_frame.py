"""The frame of the document's chart: where the plot is, its axes, and what its marks mean.

Rule: both axes carry round numbers; the scale holds every value and every limit, so nothing is cut off.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.evidence.case import Span
from safetyd.paper.blocks import Area, Disc, Label, Line, Mark
from safetyd.paper.fonts import width_of
from safetyd.ticks import context_of, time_ticks, value_ticks

_WIDTH, _LEFT, _TOP, _PLOT = 504.0, 30.0, 14.0, 215.0
_LEAST_SPAN = 4.0  # of values: a quiet room looks quiet
_TICK_EVERY = 52.0
_HATCH = 4.0


class Frame(NamedTuple):
    """The plot on the page, its time and its values."""

    span: Span
    top: float
    ticks: tuple[float, ...]
    names: tuple[str, ...]
    left: float = _LEFT
    right: float = _WIDTH - 10
    width: float = _WIDTH

    @property
    def bottom(self) -> float:
        """Where the plot ends; below it are the bars of breaches, the axis and the key."""
        return self.top + _PLOT

    @property
    def height(self) -> float:
        """How high the whole picture is."""
        return self.bottom + 62

    def lowered(self, by: float) -> "Frame":
        """Return the frame with more room above the plot."""
        return self._replace(top=self.top + by)

    def x(self, at: datetime) -> float:
        """Return where a moment is; one outside is at the edge."""
        length = (self.span.end - self.span.begin).total_seconds()
        share = (at - self.span.begin).total_seconds() / length if length > 0 else 0.0
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def y(self, value: float) -> float:
        """Return where a value is."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.bottom - _PLOT * (value - low) / (high - low)


def frame_of(span: Span, values: Sequence[float]) -> Frame:
    """Return the frame that holds these values."""
    low, high = min(values), max(values)
    spare = max(_LEAST_SPAN - (high - low), (high - low) * 0.08) / 2
    ticks = tuple(value_ticks(low - spare, high + spare, 7))
    return Frame(span, _TOP, ticks, tuple(f"{each:g}" for each in ticks))


def frame_of_mains(span: Span) -> Frame:
    """Return the frame of what is on, off, or between the two where witnesses differ."""
    return Frame(span, _TOP, (-0.25, 0.0, 1.0, 1.25), ("", "off", "on", ""))


def value_axis(frame: Frame, unit: str) -> Iterator[Mark]:
    """Return the lines behind the plot, and what they stand for."""
    yield Label(frame.left - 5, frame.top - 6, unit, 7.5, "end", True)
    for value, name in zip(frame.ticks, frame.names, strict=True):
        y = frame.y(value)
        if name:
            yield Line(((frame.left, y), (frame.right, y)), 0.4, 0.75)
            yield Label(frame.left - 5, y + 2.6, name, 7.5, "end")


def time_axis(span: Span, zone: ZoneInfo, frame: Frame) -> Iterator[Mark]:
    """Return the axis of time, by the site's clocks."""
    base = frame.bottom + 15
    yield Line(((frame.left, frame.bottom), (frame.right, frame.bottom)), 0.8)
    ticks = time_ticks(span.begin, span.end, zone, int((frame.right - frame.left) / _TICK_EVERY))
    places = [(frame.left, context_of(span.begin, zone, ticks))]
    for tick in ticks:
        x = frame.x(tick.at)
        yield Line(((x, frame.bottom), (x, base + 2)), 0.5)
        yield Label(x, base + 10, tick.label, 7.5, "middle")
        places.append((x, tick.context))
    changes = [place for n, place in enumerate(places) if not n or place[1] != places[n - 1][1]]
    for n, (x, words) in enumerate(changes):
        until = changes[n + 1][0] if n + 1 < len(changes) else frame.width
        if words and x + width_of(words, 7.5, strong=True) <= until:
            yield Label(x, base + 20, words, 7.5, "start", True)


def hatched(begin: float, end: float, frame: Frame) -> Iterator[Mark]:
    """Return the strokes of what is not known, cut at the edges of its time."""
    high = frame.bottom - frame.top
    offset = begin - high
    while offset < end:
        left, right = max(offset, begin), min(offset + high, end)
        if right > left:
            points = (left, frame.bottom - (left - offset)), (right, frame.bottom - (right - offset))
            yield Line(points, 0.35, 0.6)
        offset += _HATCH


def key_row(frame: Frame, gaps: bool, breaches: bool, students: bool, acts: bool) -> Iterator[Mark]:
    """Return what the marks mean, in one row below the axis."""
    y, x = frame.height - 6, frame.left
    for words, is_there in (
        ("mean", True),
        ("lowest to highest", True),
        ("in breach", breaches),
        ("not known", gaps),
        ("student hours", students),
        ("action, see below", acts),
    ):
        if is_there:
            yield from _sign(words, x, y)
            yield Label(x + 18, y + 2.6, words, 7.5)
            x += 32 + width_of(words, 7.5)


def _sign(words: str, x: float, y: float) -> Iterator[Mark]:
    box = (x, y - 4), (x + 14, y - 4), (x + 14, y + 4), (x, y + 4)
    match words:
        case "mean":
            yield Line(((x, y), (x + 14, y)), 1.3)
        case "lowest to highest":
            yield Area(box, 0.72)
        case "in breach":
            yield Area(box, 0.88)
            yield Line(((x, y + 4), (x + 14, y + 4)), 2.5)
        case "not known":
            for step in range(0, 14, 4):
                yield Line(((x + step, y + 4), (x + min(step + 8, 14), y - 4)), 0.4, 0.4)
        case "student hours":
            yield Area(((x, y - 2), (x + 14, y - 2), (x + 14, y + 1), (x, y + 1)), 0.55)
        case _:
            yield Disc(x + 7, y, 5)
            yield Label(x + 7, y + 2.4, "1", 6.5, "middle", True, 1.0)
