"""The last hours of a room as a line in a row of a table.

Rule: small enough that two hundred of them make no page slow. The line breaks where nothing is known; the
last value is a dot, and the words say what it is.
"""

from datetime import timedelta

from safetyd.ticks import scale
from safetyd.web.charts.markup import clean, element, line, quantity, svg
from safetyd.web.charts.runs import Axis, runs
from safetyd.web.charts.shapes import Spark

_WIDTH, _HEIGHT, _EDGE = 120.0, 28.0, 3.0
_COLUMN = 1.5
_LEAST_SPAN = 4.0  # of values: a quiet room looks quiet
_UNITS = {"degF": "°F", "degC": "°C"}


def sparkline(spark: Spark) -> str:
    """Return the picture."""
    name, unit = clean(spark.trace.name, 40), _UNITS.get(spark.unit) or clean(spark.unit, 8)
    axis = Axis(spark.begin, spark.end, _EDGE, _WIDTH - 2 * _EDGE)
    known = runs(spark.trace, axis, _COLUMN)
    hours = quantity((spark.end - spark.begin) / timedelta(hours=1))
    if not known:
        nothing = line(_EDGE, _HEIGHT / 2, _WIDTH - _EDGE, _HEIGHT / 2, "chart-none", "1 5")
        return svg(name, f"Nothing is known of the last {hours} h.", _WIDTH, _HEIGHT, "chart-spark", nothing)
    means = [column.mean for run in known for column in run.columns]
    low, high = min(means), max(means)
    spare = max(_LEAST_SPAN - (high - low), 0) / 2
    y = scale(low - spare, high + spare, _HEIGHT - _EDGE, _EDGE)
    d = []
    for run in known:
        corners = [f"{column.x:.0f} {y(column.mean):.1f}" for column in run.columns]
        d.append(f"M{'L'.join(corners)}" + ("h0" if len(corners) == 1 else ""))
    parts = [
        line(_EDGE, y(limit), _WIDTH - _EDGE, y(limit), "chart-limit", "4 3")
        for limit in spark.limits
        if low - spare <= limit <= high + spare
    ]
    parts.append(element("path", d="".join(d), cls="chart-line chart-s0"))
    last = known[-1].columns[-1]
    parts.append(element("circle", cx=last.x, cy=y(last.mean), r=2.5, cls="chart-last"))
    span = f"from {quantity(low)} to {quantity(high)} {unit}"
    return svg(
        f"{name}: {quantity(last.mean)} {unit}",
        f"The last {hours} h: {span}, at first {quantity(means[0])} {unit}"
        f"{', with gaps' if len(known) > 1 else ''}.",
        _WIDTH,
        _HEIGHT,
        "chart-spark",
        "".join(parts),
    )
