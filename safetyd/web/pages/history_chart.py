"""The chart of a question about the past, and the same as numbers for who draws it in a browser.

Rule: limits are those of the rules in force at their time; of what was done, it says what and not who.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from safetyd.core.model import Condition
from safetyd.core.rules import Rules
from safetyd.core.tally import Measure
from safetyd.core.telling import SAFETYD
from safetyd.history.coverage import school_time
from safetyd.history.queries import Answer
from safetyd.store import course
from safetyd.store.accounts import Account
from safetyd.web.access import Right, may
from safetyd.web.charts.shapes import Deed, Episode, Limit, Point, Span, TimeChart, Trace
from safetyd.web.looking import Past
from safetyd.web.pages.wanted import CONDITIONS, Wanted

SHADED_UP_TO = timedelta(days=40)  # beyond it the hours of class are too narrow to be seen
WORDS = {Condition.COLD: "Too cold", Condition.HEAT: "Too hot", Condition.OUTAGE: "No electricity"}
_PERCENT = 100.0


def chart_of(past: Past, account: Account, wanted: Wanted, answers: Sequence[Answer]) -> TimeChart:
    """Return what the chart is drawn from."""
    begin, end = wanted.range.begin, wanted.range.end
    rules = past.site.rulebook.in_force(min(end, past.now))
    traces = [
        Trace(name, points(answer), answer.every, rules.quality.stale_after)
        for (name, _), answer in zip(wanted.places, answers, strict=True)
    ]
    is_one = len(traces) == 1
    return TimeChart(
        title=wanted.title,
        begin=begin,
        end=end,
        zone=past.site.timezone,
        unit="%" if wanted.measure is Measure.MAINS else answers[0].unit,
        traces=traces,
        limits=list(_limits(past, wanted)) if any(each.points for each in traces) else (),
        student_days=_student_days(past, wanted),
        episodes=_episodes(past, wanted) if is_one else (),
        deeds=_deeds(past, wanted) if is_one and may(account, Right.TICKETS) else (),
        known_to=past.now,
    )


def points(answer: Answer) -> list[Point]:
    """Return the points of an answer; of the mains, which share of the time they were said to be on."""
    factor = _PERCENT if answer.question.measure is Measure.MAINS else 1.0
    return [
        Point(each.at, each.low * factor, each.mean * factor, each.high * factor, each.n)
        for each in answer.points
    ]


def numbers(chart: TimeChart) -> dict[str, Any]:
    """Return a chart as columns over one row of times, in seconds; between two stretches there is a gap."""
    every = chart.traces[0].every
    found = [{point.at.timestamp(): point for point in trace.points} for trace in chart.traces]
    times = _with_gaps(sorted(set().union(*found)), _reach_s(chart.traces[0]))
    rows = [[each.get(at) for at in times] for each in found]
    return {
        "begin": chart.begin.timestamp(),
        "end": chart.end.timestamp(),
        "known_to": (chart.known_to or chart.end).timestamp(),
        "unit": {"degF": "°F"}.get(chart.unit, chart.unit),
        "every": every.total_seconds() if every else 0,
        "names": [trace.name for trace in chart.traces],
        "times": times,
        "low": [[point and round(point.low, 3) for point in row] for row in rows],
        "mean": [[point and round(point.mean, 3) for point in row] for row in rows],
        "high": [[point and round(point.high, 3) for point in row] for row in rows],
        "limits": [
            [each.value, each.label, *(at and at.timestamp() for at in (each.begin, each.end))]
            for each in chart.limits
        ],
        "school": [[each.begin.timestamp(), each.end.timestamp()] for each in chart.student_days],
        "episodes": [
            [each.begin.timestamp(), each.end and each.end.timestamp(), each.label] for each in chart.episodes
        ],
        "deeds": [[each.at.timestamp(), each.label] for each in chart.deeds],
    }


def _reach_s(trace: Trace) -> float:
    """Return how far apart two points may be that belong together; a day may have 25 hours."""
    return trace.every.total_seconds() * 1.5 if trace.every else trace.stale_after.total_seconds()


def _with_gaps(times: list[float], reach_s: float) -> list[float]:
    gaps = [(one + other) / 2 for one, other in pairwise(times) if other - one > reach_s]
    return sorted([*times, *gaps])


def _limits(past: Past, wanted: Wanted) -> Iterator[Limit]:
    """Yield each limit from when to when it was in force, once where a new version of the rules kept it."""

    def limit(rules: Rules) -> tuple[float, str] | None:
        match wanted.measure:
            case Measure.TEMPERATURE:
                return rules.cold.below_f, "too cold below"
            case Measure.HEAT_INDEX:
                return rules.heat.above_f, "too hot above"
        return None

    book, begin, end = past.site.rulebook, wanted.range.begin, wanted.range.end
    first = max(bisect_left(book.starts, begin + timedelta(microseconds=1)) - 1, 0)
    held: tuple[float, str] | None = None
    since: datetime | None = None
    for starts, version in zip(book.starts[first:], book.versions[first:], strict=True):
        this = limit(version)
        if starts >= end:
            break
        if this != held and held is not None:
            yield Limit(*held, since, starts)
        if this != held:
            held, since = this, starts if starts > begin else None
    if held is not None:
        yield Limit(*held, since)


def _student_days(past: Past, wanted: Wanted) -> list[Span]:
    if wanted.range.length > SHADED_UP_TO:
        return []
    place = wanted.places[0][1]
    found, is_school_time = school_time(past.site, place, wanted.range.begin, wanted.range.end)
    return [Span(*each) for each in found] if is_school_time else []


def _episodes(past: Past, wanted: Wanted) -> list[Episode]:
    place = wanted.places[0][1]
    found = course.episodes(
        past.of(wanted.building.id).connection, place, wanted.range.begin, wanted.range.end
    )
    conditions = CONDITIONS[wanted.measure]
    return [
        Episode(each.began_at, each.ended_at, WORDS[each.condition])
        for each in found
        if each.condition in conditions
    ]


def _deeds(past: Past, wanted: Wanted) -> list[Deed]:
    place = wanted.places[0][1]
    found = course.doings(
        past.of(wanted.building.id).connection, place, wanted.range.begin, wanted.range.end, SAFETYD
    )
    return [Deed(each.at, each.event.replace("_", " ")) for each in found]
