"""The stretches of a range over which a room is known, folded to what a picture can show.

Rule: no stretch reaches over a gap, however narrow. Where several points fall on one column, it shows the
lowest, the highest and the mean of them all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from safetyd.web.charts.shapes import Point, Trace

_LARGEST = 1e9  # nothing that is measured in a room is larger


class Column(NamedTuple):
    """What stands at one place of the axis."""

    x: float
    low: float
    mean: float
    high: float


class Run(NamedTuple):
    """A stretch without a gap: from where to where values were measured, and until where they vouch."""

    columns: list[Column]
    begin: float
    end: float
    known_to: float


class Axis(NamedTuple):
    """A range on the page, from `left` on."""

    begin: datetime
    end: datetime
    left: float
    width: float

    def x(self, at: datetime) -> float:
        """Return where a moment is; one outside is at the edge."""
        length = (self.end - self.begin).total_seconds()
        share = (at - self.begin).total_seconds() / length if length > 0 else 0.0
        return self.left + self.width * min(max(share, 0.0), 1.0)


def runs(trace: Trace, axis: Axis, finest: float = 1.0) -> list[Run]:
    """Return the stretches of a room in order; `finest` is how wide a column is."""
    span_s = trace.every.total_seconds() if trace.every else 0.0
    vouches_s = span_s or trace.stale_after.total_seconds()
    reach_s = span_s * 1.5 or vouches_s  # a day may have 25 hours
    begin_s, end_s = axis.begin.timestamp(), axis.end.timestamp()
    per_s = axis.width / max(end_s - begin_s, 1e-6)
    right = axis.left + axis.width

    def place(moment_s: float) -> float:
        return min(max(axis.left + (moment_s - begin_s) * per_s, axis.left), right)

    found: list[Run] = []
    columns: list[Column] = []
    held_at, count, xs, low, high, total, weight = -1, 0, 0.0, 0.0, 0.0, 0.0, 0
    began_s = last_s = float("-inf")

    def put() -> None:
        if count:
            columns.append(Column(xs / count, low, min(max(total / weight, low), high), high))

    def finish() -> None:
        put()
        if columns:
            ends = place(began_s), place(last_s + span_s), place(last_s + vouches_s)
            found.append(Run(columns.copy(), *ends))
            columns.clear()

    for at, least, mean, most, n in _in_order(trace.points):
        at_s = at.timestamp()
        if at_s + span_s < begin_s or at_s > end_s:
            continue
        if not -_LARGEST <= least <= mean <= most <= _LARGEST:
            continue  # not a number, or none that belongs to a room
        x = place(at_s + span_s / 2)
        here = int((x - axis.left) / finest)
        is_new = at_s - last_s > reach_s
        if is_new:
            finish()
            began_s = at_s
        if is_new or here != held_at:
            if not is_new:
                put()
            held_at, count, xs, low, high, total, weight = here, 0, 0.0, least, most, 0.0, 0
        last_s = at_s
        count += 1
        xs += x
        low, high = min(low, least), max(high, most)
        weight += n if n > 0 else 1
        total += mean * (n if n > 0 else 1)
    finish()
    return found


def _in_order(points: Sequence[Point]) -> Iterable[Point]:
    return sorted(points, key=lambda point: point.at)


def unknown(known: Iterable[Run], left: float, right: float, narrowest: float) -> list[tuple[float, float]]:
    """Return from where to where no room is known, left and right of what is; nothing that cannot be seen."""
    gaps, x = [], left
    for run in sorted(known, key=lambda run: run.begin):
        if run.begin - x >= narrowest:
            gaps.append((x, run.begin))
        x = max(x, run.known_to)
    if right - x >= narrowest:
        gaps.append((x, right))
    return gaps
