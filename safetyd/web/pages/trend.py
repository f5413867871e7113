"""The last hours of every room of a building, each as a small line: one look-up, kept while it is the same.

Rule: the line breaks where nothing is known; words say from where to where it goes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from safetyd.core.tally import WIDTH, Measure, floor
from safetyd.store import rollups
from safetyd.view import View
from safetyd.web.charts.shapes import Point, Spark, Trace
from safetyd.web.charts.spark import sparkline

HOURS = 6
_WIDTH = timedelta(minutes=15)  # of what is one point: as long as a value counts, if nothing else is said
_COUNT = timedelta(hours=HOURS) // _WIDTH
_KEPT = "trends"


def trends(view: View, building: str) -> Mapping[str, Markup]:
    """Return a line for each room of a building of which anything is known, by its id."""
    end = floor(view.at)
    reached = rollups.progress(view.connection)
    stamp = end, reached and reached.settled_to
    kept = view.connection.info.setdefault(_KEPT, {})
    if kept.get("stamp") != stamp:
        kept.clear()
        kept["stamp"] = stamp
    if building not in kept:
        begin = end + WIDTH - _COUNT * _WIDTH
        found = rollups.means(view.connection, building, Measure.TEMPERATURE, begin, _WIDTH, _COUNT)
        limit = view.facts.book.in_force(view.at).cold.below_f
        known = view.site.building(building)
        names = {each.id: each.name for each in known.rooms} if known else {}
        kept[building] = {
            room: trend(names.get(room, room), means, end + WIDTH, limit) for room, means in found.items()
        }
    return kept[building]  # type: ignore[no-any-return]


def trend(name: str, means_f: Sequence[float | None], end: datetime, limit_f: float) -> Markup:
    """Return a line through values at even distances, None where nothing is known; a limit if it is near."""
    begin = end - len(means_f) * _WIDTH
    known = ((begin + n * _WIDTH, each) for n, each in enumerate(means_f) if each is not None)
    trace = Trace(name, [Point(at, each, each, each, 1) for at, each in known], _WIDTH)
    return Markup(sparkline(Spark(trace, begin, end, "degF", (limit_f,))))  # noqa: S704  what is drawn escapes every word
