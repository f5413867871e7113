"""The numbers beside a chart of the past: how much is known, the extremes and when, the hours in breach.

Rule: what is not known is said to be unknown; it is never nought.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from safetyd.core.model import Condition, Place
from safetyd.core.tally import WIDTH, Account, Measure
from safetyd.history import breaches
from safetyd.history.breaches import DayOf
from safetyd.history.coverage import Coverage, KnownOf
from safetyd.history.queries import Answer, History, HistoryError, Question, Resolution
from safetyd.web.charts.shapes import Point
from safetyd.web.looking import Past
from safetyd.web.pages.history_chart import WORDS, points
from safetyd.web.pages.wanted import CONDITIONS, Wanted

_DAY = timedelta(days=1)
_ACCOUNTS = {
    Condition.COLD: Account.COLD,
    Condition.HEAT: Account.HEAT,
    Condition.OUTAGE: Account.OUTAGE,
}


class Extreme(NamedTuple):
    """A value, and the span it was in."""

    value: float
    at: datetime


class Beyond(NamedTuple):
    """How long there was a breach of a condition; None where nothing is known of it."""

    words: str
    lasted: timedelta | None


class Told(NamedTuple):
    """One place in numbers."""

    name: str
    place: Place
    coverage: Coverage
    low: Extreme | None
    high: Extreme | None
    beyond: tuple[Beyond, ...]
    note: str


class DayRow(NamedTuple):
    """One place on one day; without a point nothing is known of it."""

    name: str
    day: date
    point: Point | None
    beyond: tuple[Beyond, ...]


def hours(span: timedelta) -> str:
    """Return how long something was, in hours and minutes however long it was: 26 h 5 min."""
    minutes = max(round(span / timedelta(minutes=1)), 1)
    parts = (f"{minutes // 60:,} h" if minutes >= 60 else "", f"{minutes % 60} min" if minutes % 60 else "")
    return " ".join(filter(None, parts))


def answers(past: Past, history: History, wanted: Wanted, every: timedelta | None) -> list[Answer]:
    """Return the answer of each place; one whose past is deleted is empty, and says so."""
    return [_answer(past, history, wanted, place, every) for _, place in wanted.places]


def _answer(past: Past, history: History, wanted: Wanted, place: Place, every: timedelta | None) -> Answer:
    begin, end = wanted.range.begin, wanted.range.end
    question = Question(place, wanted.measure, begin, end, every)
    try:
        return history.ask(question)
    except HistoryError as error:
        nothing = Coverage(timedelta(0), max(min(end, past.now) - begin, timedelta(0)), False)
        return Answer(question, begin, end, Resolution.DAY, every or _DAY, [], nothing, str(error))


def told(
    past: Past, history: History, wanted: Wanted, found: Sequence[Answer]
) -> tuple[list[Told], list[DayRow]]:
    """Return each place in numbers, and each of its days of which something is known."""
    zone = past.site.timezone
    by_day = found if wanted.every == _DAY else answers(past, history, wanted, _DAY)
    begin, end = wanted.range.begin, max(min(wanted.range.end, past.now), wanted.range.begin)
    rooms, rows = [], []
    for (name, place), answer, daily in zip(wanted.places, found, by_day, strict=True):
        of_account = {
            condition: breaches.days(_known(history, place, wanted.measure, condition), zone, begin, end)
            for condition in CONDITIONS[wanted.measure]
        }
        spent = tuple(_beyond(condition, each) for condition, each in of_account.items())
        low, high = _extreme(history, answer, is_low=True), _extreme(history, answer, is_low=False)
        rooms.append(Told(name, place, answer.coverage, low, high, spent, answer.note))
        at_day = {each.at.astimezone(zone).date(): each for each in points(daily)}
        for n in range((wanted.range.last - wanted.range.first).days + 1):
            day = wanted.range.first + n * _DAY
            if day > past.now.astimezone(zone).date():
                break
            beyond = tuple(_beyond(condition, each[n : n + 1]) for condition, each in of_account.items())
            point = at_day.get(day)
            if point is not None or any(each.lasted is not None for each in beyond):
                rows.append(DayRow(name, day, point, beyond))
    return rooms, rows


def _known(history: History, place: Place, measure: Measure, condition: Condition) -> KnownOf:
    return history.known_of(place, measure)._replace(account=_ACCOUNTS[condition])


def _beyond(condition: Condition, days: Sequence[DayOf]) -> Beyond:
    is_known = any(each.known for each in days)
    return Beyond(WORDS[condition], breaches.breach_of(days) if is_known else None)


def _extreme(history: History, answer: Answer, *, is_low: bool) -> Extreme | None:
    """Return the lowest or highest value; where spans are long, to the five minutes it was in."""

    def least(found: Sequence[Point]) -> Point:
        return min(found, key=lambda each: each.low) if is_low else max(found, key=lambda each: each.high)

    found = points(answer)
    if not found:
        return None
    point = least(found)
    value = point.low if is_low else point.high
    if answer.every is not None and answer.every > WIDTH:
        begin = max(point.at, answer.begin)
        inside = answer.question._replace(begin=begin, end=point.at + answer.every, every=WIDTH)
        try:
            finer = points(history.ask(inside))
        except HistoryError:
            finer = []
        if finer:
            point = least(finer)
    return Extreme(value, point.at)
