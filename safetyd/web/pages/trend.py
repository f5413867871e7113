"""The last hours of every room of a building, each as a small line: one look-up, kept while it is the same.

Rule: the line breaks where nothing is known; words say from where to where it goes.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from markupsafe import Markup

from safetyd.core.tally import WIDTH, Measure, floor
from safetyd.store import rollups
from safetyd.view import View

HOURS = 6
_WIDTH = timedelta(minutes=15)  # of what is one point: as long as a value counts, if nothing else is said
_COUNT = timedelta(hours=HOURS) // _WIDTH
_STEP, _HEIGHT, _EDGE = 5, 28, 3
_LEAST_SPAN_F = 4.0  # a quiet room looks quiet
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
        kept[building] = {room: trend(means, limit) for room, means in found.items()}
    return kept[building]  # type: ignore[no-any-return]


def trend(means_f: Sequence[float | None], limit_f: float) -> Markup:
    """Return a line through values at even distances, None where nothing is known; a limit if it is near."""
    known = [each for each in means_f if each is not None]
    if not known:
        return Markup("")
    low, high = min(known), max(known)
    spare = max(_LEAST_SPAN_F - (high - low), 0) / 2
    low, high = low - spare, high + spare

    def y(value: float) -> int:
        return round(_HEIGHT - _EDGE - (value - low) / (high - low) * (_HEIGHT - 2 * _EDGE))

    path, is_on = [], False
    for n, mean in enumerate(means_f):
        if mean is not None:
            path.append(f"{' ' if is_on else 'M'}{n * _STEP + _EDGE} {y(mean)}{'' if is_on else 'h0'}")
        is_on = mean is not None
    width = (len(means_f) - 1) * _STEP + 2 * _EDGE
    drawn = "".join(path).replace("h0 ", "L")
    line = f'<path class="limit" d="M0 {y(limit_f)}H{width}"/>' if low <= limit_f <= high else ""
    words = f"{HOURS} hours: from {min(known):.0f} to {max(known):.0f} °F, last {known[-1]:.0f} °F"
    return Markup(
        f'<svg class="trend" viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{words}">'
        f'{line}<path d="{drawn}"/></svg>'
    )
