"""The course of a ticket as a chart in black and white: values, limits, times in breach, what people did.

Rule: a line is drawn where something is known, and what is not is hatched. Nothing is said by grey alone: a
breach has a bar with ends too, an action a number, and the words below say the same.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.telling import SAFETYD
from safetyd.evidence.case import Case, Limit, Line, Point, Series
from safetyd.evidence.pdf_frame import (
    Frame,
    frame_of,
    frame_of_mains,
    hatched,
    key_row,
    time_axis,
    value_axis,
)
from safetyd.evidence.pdf_words import TIERS, Moment, event, quantity, unit
from safetyd.paper import blocks as paper
from safetyd.paper.blocks import Area, Block, Disc, Heading, Label, Mark, Picture, Table, Text

_DRAWN = {"heat": "heat_index", "outage": "mains"}  # of the other conditions it is the temperature
_MEASURED = (None, "temperature")  # of the hazards; a chart of another would show what it is not about
_ACTS_AT_MOST, _DISC, _ROW, _ROWS = 24, 13.0, 14.0, 3
_BREACH, _BAND, _STUDENTS = 0.88, 0.72, 0.55


class Stretch(NamedTuple):
    """Points without a gap, and until when the last of them holds."""

    points: tuple[Point, ...]
    end: datetime


def course(case: Case, zone: ZoneInfo, moment: Moment) -> list[Block]:
    """Return the chart and what its numbers mean."""
    heading = Heading("Course")
    if case.ticket.hazard not in _MEASURED:
        return [heading, Text("What this ticket is about is not measured: there is no chart.")]
    series = _series(case)
    if series is None:
        wanted = quantity(_wanted(case)).capitalize()
        return [heading, Text(f"{wanted} of this place is not on record for this time: there is no chart.")]
    acts = [each for each in case.timeline if each.by != SAFETYD]
    seen = [each for each in acts if case.span.begin <= each.at <= case.span.end]
    blocks: list[Block] = [heading, _picture(case, series, seen[:_ACTS_AT_MOST], zone, moment)]
    if not seen:
        return [*blocks, Text("No action of a person is on record in this time.")]
    rows = tuple(
        (str(n), moment(each.at), event(each.event), each.by)
        for n, each in enumerate(seen[:_ACTS_AT_MOST], 1)
    )
    blocks.append(Table(("No.", "When", "What", "By"), rows, (0.5, 2.5, 3, 3)))
    if len(seen) > _ACTS_AT_MOST:
        blocks.append(Text(f"{len(seen) - _ACTS_AT_MOST} more actions are in the timeline."))
    return blocks


def _series(case: Case) -> Series | None:
    found = [each for each in case.series if each.points and each.quantity == _wanted(case)]
    return found[0] if found else None


def _wanted(case: Case) -> str:
    return _DRAWN.get(case.ticket.condition, "temperature")


def _picture(case: Case, series: Series, acts: Sequence[Line], zone: ZoneInfo, moment: Moment) -> Picture:
    limits = [each for each in case.limits if each.quantity == series.quantity]
    values = [value for each in series.points for value in (each.low, each.high)]
    frame = frame_of(case.span, [*values, *(each.value for each in limits)])
    if series.quantity == "mains":
        frame = frame_of_mains(case.span)
    placed = _placed(acts, frame)
    frame = frame.lowered(_ROW * len(placed))
    stretches = _stretches(series)
    gaps = list(_gaps(stretches, frame))
    marks: list[Mark] = [
        *_breaches(case, frame),
        *(mark for begin, end in gaps for mark in hatched(begin, end, frame)),
        *value_axis(frame, "" if series.quantity == "mains" else unit(series.unit)),
        *_student_days(case, frame),
        *(mark for each in stretches for mark in _band(each, series, frame)),
        *(mark for each in stretches for mark in _line(each, series, frame)),
        *_limits(limits, series, frame),
        *_due(case, frame),
        *_bars(case, frame),
        *_acts(placed, frame),
        *time_axis(case.span, zone, frame),
        *key_row(frame, bool(gaps), bool(case.ticket.episodes), bool(case.student_days), bool(acts)),
    ]
    return Picture(frame.width, frame.height, tuple(marks), _words(case, series, limits, bool(gaps), moment))


def _stretches(series: Series) -> list[Stretch]:
    every = timedelta(seconds=series.every_s)
    parts: list[list[Point]] = []
    for each in sorted(series.points):
        if parts and each.at - parts[-1][-1].at <= every * 1.5:
            parts[-1].append(each)
        else:
            parts.append([each])
    return [Stretch(tuple(each), each[-1].at + every) for each in parts]


def _gaps(stretches: Sequence[Stretch], frame: Frame) -> Iterator[tuple[float, float]]:
    edges = [frame.left]
    for each in stretches:
        edges += [frame.x(each.points[0].at), frame.x(each.end)]
    edges.append(frame.right)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin >= 1.5:
            yield begin, end


def _corners(
    stretch: Stretch, values: Sequence[float], series: Series, frame: Frame
) -> list[tuple[float, float]]:
    """Return each value at the middle of its span, from where the stretch begins to where it ends."""
    half = timedelta(seconds=series.every_s / 2)
    inner = [
        (frame.x(each.at + half), frame.y(value)) for each, value in zip(stretch.points, values, strict=True)
    ]
    first, last = frame.x(stretch.points[0].at), frame.x(stretch.end)
    return [(first, inner[0][1]), *inner, (last, inner[-1][1])]


def _band(stretch: Stretch, series: Series, frame: Frame) -> Iterator[Mark]:
    if any(each.low < each.high for each in stretch.points):
        upper = _corners(stretch, [each.high for each in stretch.points], series, frame)
        lower = _corners(stretch, [each.low for each in stretch.points], series, frame)
        yield Area((*upper, *reversed(lower)), _BAND)


def _line(stretch: Stretch, series: Series, frame: Frame) -> Iterator[Mark]:
    yield paper.Line(tuple(_corners(stretch, [each.mean for each in stretch.points], series, frame)), 1.3)


def _student_days(case: Case, frame: Frame) -> Iterator[Mark]:
    for begin, end in case.student_days:
        left, right = frame.x(begin), frame.x(end)
        if right > left:
            yield Area(_box(left, frame.top - 4, right, frame.top - 1), _STUDENTS)


def _breaches(case: Case, frame: Frame) -> Iterator[Mark]:
    for each in case.ticket.episodes:
        left, right = frame.x(each.began_at), frame.x(each.ended_at or case.as_of)
        yield Area(_box(left, frame.top, max(right, left + 0.5), frame.bottom), _BREACH)


def _bars(case: Case, frame: Frame) -> Iterator[Mark]:
    """Return a bar for each breach below the plot: with its ends, with an arrow where it goes on."""
    y = frame.bottom + 7
    for each in case.ticket.episodes:
        left, right = frame.x(each.began_at), frame.x(each.ended_at or case.as_of)
        yield Area(_box(left, y - 2, max(right, left + 1), y + 2), 0.0)
        if each.began_at >= case.span.begin:
            yield paper.Line(((left, y - 4.5), (left, y + 4.5)), 1.0)
        if each.ended_at is None:
            yield Area(((right, y - 4.5), (right + 6, y), (right, y + 4.5)), 0.0)
        elif each.ended_at <= case.span.end:
            yield paper.Line(((right, y - 4.5), (right, y + 4.5)), 1.0)


def _limits(limits: Sequence[Limit], series: Series, frame: Frame) -> Iterator[Mark]:
    """Return the lines from the highest on; where the next is near, its words are below it."""
    above = float("-inf")
    for each in sorted(limits, key=lambda each: -each.value):
        y = frame.y(each.value)
        yield paper.Line(((frame.left, y), (frame.right, y)), 1.0, 0.0, (6, 3))
        words = f"{each.value:g} {unit(series.unit)} {each.words}"
        yield Label(frame.left + 4, y - 4 if y - above > 14 else y + 9, words, 7, strong=True, is_apart=True)
        above = y


def _due(case: Case, frame: Frame) -> Iterator[Mark]:
    for each in case.ticket.deadlines:
        if each.due_at is None or not case.span.begin <= each.due_at <= case.span.end:
            continue
        x = frame.x(each.due_at)
        yield paper.Line(((x, frame.top), (x, frame.bottom)), 1.0, 0.0, (9, 2, 2, 2))
        is_left = x > (frame.left + frame.right) / 2
        words = f"due: {TIERS.get(each.tier, each.tier).lower()}"
        x, anchor = (x - 4, "end") if is_left else (x + 4, "start")
        yield Label(x, frame.bottom - 5, words, 7, anchor, is_apart=True)


def _placed(acts: Sequence[Line], frame: Frame) -> list[list[tuple[int, float, float]]]:
    """Return number, place and moment of each action, by rows, so that no disc covers another."""
    rows: list[list[tuple[int, float, float]]] = []
    for n, each in enumerate(acts, 1):
        at = x = frame.x(each.at)
        row = next((row for row in rows if x - row[-1][1] >= _DISC), None)
        if row is None and len(rows) < _ROWS:
            rows.append(row := [])
        if row is None:
            row = min(rows, key=lambda each: each[-1][1])
            x = min(row[-1][1] + _DISC, frame.right)
        row.append((n, x, at))
    return rows


def _acts(placed: Sequence[Sequence[tuple[int, float, float]]], frame: Frame) -> Iterator[Mark]:
    for up, row in enumerate(placed):
        y = frame.top - 13 - up * _ROW
        for n, x, at in row:
            yield paper.Line(((x, y), (at, frame.top)), 0.5)
            yield paper.Line(((at, frame.top), (at, frame.bottom)), 0.6, 0.0, (1, 2.5))
            yield Disc(x, y, 5.6)
            yield Label(x, y + 2.6, str(n), 7, "middle", True, 1.0)


def _words(case: Case, series: Series, limits: Sequence[Limit], has_gaps: bool, moment: Moment) -> str:
    degrees = unit(series.unit)
    low, high = min(each.low for each in series.points), max(each.high for each in series.points)
    name = quantity(series.quantity).capitalize()
    when = f"{moment(case.span.begin)} to {moment(case.span.end)}"
    said = [f"{name} from {when}: {low:.1f} to {high:.1f} {degrees}."]
    if series.quantity == "mains":
        said = [f"{name} from {when}, as its witnesses say."]
    said += [f"The line at {each.value:g} {degrees} {each.words}." for each in limits]
    many = len(case.ticket.episodes)
    said += [f"{many} {'time' if many == 1 else 'times'} in breach."] if many else []
    said += ["Some of the time is not known."] if has_gaps else []
    return " ".join(said)


def _box(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    return (left, top), (right, top), (right, bottom), (left, bottom)
