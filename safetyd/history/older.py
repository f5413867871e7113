"""What is asked of a time whose single readings are deleted here: InfluxDB has them, where they are copied.

Rule: an answer says what came from InfluxDB. Where that does not answer, the roll-ups kept here do, and the
answer says why.
"""

from datetime import datetime, timedelta

from safetyd.core.model import Quantity
from safetyd.core.units import fahrenheit
from safetyd.history.coverage import Coverage
from safetyd.history.influx.reads import InfluxError, points
from safetyd.history.points import Point
from safetyd.history.queries import Answer, History, HistoryError, Question, Resolution
from safetyd.setting_outside import Influx
from safetyd.store.readings import Kept

ORIGIN = "InfluxDB"
_NOT_PERCENT = (Kept.BATTERY_V, Kept.BATTERY_OK)


def ask(history: History, question: Question, influx: Influx | None) -> Answer:
    """Return the answer, single readings of long ago as InfluxDB has them.

    Raises:
        HistoryError: it was deleted, and nobody has it.
    """
    kept_since, begin = history.kept_since, question.begin
    is_measured = question.measure.value in set(Quantity)
    if influx is None or kept_since is None or begin is None or begin >= kept_since:
        return history.ask(question)
    if not is_measured or not history.is_of_single_readings(question):
        return history.ask(question)
    end = history.end_of(question)
    try:
        older = _points(influx, question, begin, min(end, kept_since))
    except InfluxError as error:
        rolled_up = history.ask(question._replace(is_exact=False))
        why = f"{error}; single readings from before {kept_since:%Y-%m-%d} are there only"
        return rolled_up._replace(note="; ".join(filter(None, (why, rolled_up.note))))
    newer: list[Point] = []
    if end > kept_since:
        newer = history.ask(question._replace(begin=kept_since, is_exact=True)).points
    try:
        known = history.ask(question._replace(is_exact=False))
    except HistoryError:  # the roll-ups of then are deleted too
        nothing = Coverage(timedelta(0), end - begin, False)
        known = Answer(question, begin, end, Resolution.READINGS, None, [], nothing)
    note = f"{len(older):,} readings from before {kept_since:%Y-%m-%d} come from {ORIGIN}"
    note += ", as calibrated when they were copied"
    return known._replace(
        question=question,
        resolution=Resolution.READINGS,
        every=None,
        points=[*older, *newer],
        note="; ".join(filter(None, (note, known.note))),
    )


def _points(influx: Influx, question: Question, begin: datetime, end: datetime) -> list[Point]:
    found = points(influx, question.place, Quantity(question.measure.value), begin, end)
    return [_point(at, kept, value) for at, kept, value in found if kept not in _NOT_PERCENT]


def _point(at: datetime, kept: Kept, value: float) -> Point:
    shown = fahrenheit(value) if kept is Kept.TEMPERATURE_C else value
    return Point(at, shown, shown, shown, 1, ORIGIN)
