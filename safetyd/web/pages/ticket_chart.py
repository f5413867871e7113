"""The chart of a ticket's room over the ticket's time: values, limits, times in breach, what people did.

Rule: however long a ticket stands, its chart is made of a few hundred spans. It names nobody: who did what
stands in the record beside it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from safetyd.core.model import Condition, Hazard
from safetyd.core.tally import Measure
from safetyd.core.telling import SAFETYD
from safetyd.core.ticket import AT_REST, Ticket
from safetyd.core.world import Row
from safetyd.history.queries import Answer, History, HistoryError, Question
from safetyd.store import ledger, readings, rollups
from safetyd.view import View
from safetyd.web.charts.page import on_page
from safetyd.web.charts.shapes import Deed, Episode, Limit, Point, Span, TimeChart, Trace

_SPANS = tuple(timedelta(minutes=each) for each in (5, 15, 60, 180, 360, 1440))
_SPANS_AT_MOST = 300
_DAYS_AT_MOST = 40  # whose student hours are shaded: beyond it they are too narrow to be seen
_BEHIND_AT_MOST = 100_000  # readings: some minutes of a district
_ASIDE = timedelta(hours=1)  # is shown before and after, at least


def ticket_chart(view: View, ticket: Ticket) -> Markup | None:
    """Return the drawing; None where a ticket has no room or temperature, or its past is deleted or not yet
    rolled up."""
    view = view.of(ticket.place.building)
    if ticket.place.room is None or not _is_warmth(ticket) or _is_behind(view):
        return None
    rows = [row for row, _ in ledger.history(view.connection, ticket.id)]
    span = _time(view, ticket, rows)
    measure = Measure.HEAT_INDEX if ticket.condition is Condition.HEAT else Measure.TEMPERATURE
    length = span.end - span.begin
    every = next((each for each in _SPANS if length / each <= _SPANS_AT_MOST), _SPANS[-1])
    begin = _whole(span.begin, every, view)  # what is cut off costs its readings
    end = None if span.end == view.at else _whole(span.end, every, view)
    question = Question(ticket.place, measure, begin, end, every)
    try:
        where = ticket.place.building
        answer = History(view.connection, view.site, view.root, view.at, where).ask(question)
    except HistoryError:
        return None
    return on_page(_chart(view, ticket, rows, span, answer), "course")


def _is_warmth(ticket: Ticket) -> bool:
    return ticket.condition in (Condition.COLD, Condition.HEAT) or ticket.hazard is Hazard.TEMPERATURE


def _is_behind(view: View) -> bool:
    """Return whether so much is not rolled up that working it out would hold up others."""
    progress = rollups.progress(view.connection)
    known = 0 if progress is None else progress.reading
    return readings.last_id(view.connection) - known > _BEHIND_AT_MOST


def _whole(at: datetime, every: timedelta, view: View) -> datetime:
    """Return the beginning of the hour, or of the day where the spans are days."""
    local = at.astimezone(view.site.timezone).replace(minute=0, second=0, microsecond=0)
    return (local.replace(hour=0) if every >= timedelta(days=1) else local).astimezone(UTC)


def _time(view: View, ticket: Ticket, rows: Sequence[Row]) -> Span:
    """Return a ticket's time: to its end, or to now, with a little on both sides."""
    began = [each.began_at for each in view.world.episodes_of(ticket.id)]
    begin = min([ticket.began_at, *began])
    closed = [row.at for row in rows if row.event == "closed"]
    end = closed[-1] if ticket.status in AT_REST and closed else view.at
    aside = max(_ASIDE, (end - begin) / 20)
    return Span(begin - aside, min(view.at, end + aside))


def _chart(view: View, ticket: Ticket, rows: Sequence[Row], span: Span, answer: Answer) -> TimeChart:
    rules = view.facts.book.in_force(ticket.began_at)
    points = [Point(each.at, each.low, each.mean, each.high, each.n) for each in answer.points]
    building = view.site.building(ticket.place.building)
    room = building.room(ticket.place.room or "") if building else None
    name = room.name if room else str(ticket.place.room)
    what = "Heat index" if ticket.condition is Condition.HEAT else "Temperature"
    cold = (Limit(rules.cold.below_f, "is the limit"), Limit(rules.cold.end_f, "ends a breach"))
    heat = (Limit(rules.heat.above_f, "is the limit"), Limit(rules.heat.end_f, "ends a breach"))
    limits = {Condition.COLD: cold, Condition.HEAT: heat}
    episodes = view.world.episodes_of(ticket.id)
    return TimeChart(
        title=f"{what} of {name} while {ticket.id} stood",
        begin=span.begin,
        end=span.end,
        zone=view.site.timezone,
        unit=answer.unit,
        traces=[Trace(name, points, answer.every, rules.quality.stale_after)],
        limits=limits.get(ticket.condition, ()),
        student_days=list(_student_days(view, ticket, span)),
        episodes=[Episode(each.began_at, each.ended_at) for each in episodes],
        deeds=[Deed(row.at, row.event.replace("_", " ")) for row in rows if row.by != SAFETYD],
        known_to=view.at,
    )


def _student_days(view: View, ticket: Ticket, span: Span) -> Iterator[Span]:
    calendar = view.facts.calendar_of(ticket.place.building)
    if calendar.has_every_hour or span.end - span.begin > timedelta(days=_DAYS_AT_MOST):
        return
    at: datetime = span.begin
    while at < span.end + timedelta(days=1):
        hours = calendar.student_span(at.astimezone(view.site.timezone).date())
        if hours is not None and hours[1] > span.begin and hours[0] < span.end:
            yield Span(max(hours[0], span.begin), min(hours[1], span.end))
        at += timedelta(days=1)
