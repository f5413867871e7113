"""The readings of a place as they are judged once all is known: in order of their own time, late ones too.

Rule: nothing is judged here by other rules than the engine's. How a value was marked when it came stands in
the store; here is what it counts for.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from safetyd.core.model import Mark, Observation, Quantity
from safetyd.core.quality import Belief, Judged, judge, relative_humidity, temperature_f
from safetyd.core.room import NOBODY
from safetyd.core.rules import RuleBook
from safetyd.core.units import fahrenheit
from safetyd.evidence.verify import QUANTITIES
from safetyd.store.moments import micros
from safetyd.store.readings import QUANTITY_OF, Kept
from safetyd.store.stored import Stored

_BORNE_OUT = "borne out by the next reading"


class Judgement(NamedTuple):
    """What a value counts for: accepted, suspect or rejected, why, and as calibrated."""

    mark: Mark
    why: str
    value: float
    unit: str


class Judgements:
    """What was judged of the readings of a place, by the numbers of their rows.

    Only what differs from how it was marked when it came is kept, so that months are a small matter.
    """

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._other: dict[int, tuple[Mark, str]] = {}
        self._offset: dict[int, float] = {}

    def take(self, told: Iterable[tuple[list[Stored], Observation | None]]) -> Iterator[Observation]:
        """Judge one observation after the other, in order of their own time, and pass them on."""
        beliefs: dict[str, Belief] = {}
        waiting: dict[tuple[str, Quantity, int], Stored] = {}
        for rows, spoke in told:
            if spoke is None:
                continue
            key = spoke.sensor.id
            quality = self._book.in_force(spoke.observed_at).quality
            beliefs[key], judged = judge(beliefs.get(key, NOBODY), spoke, quality)
            for quantity, earlier in _confirmed(judged):
                row = waiting.get((key, quantity, earlier))
                if row is not None:
                    self._other[row.id] = Mark.ACCEPTED, _BORNE_OUT
            told_of = {QUANTITY_OF[Kept(row.quantity)] for row in rows}
            waiting = {of: row for of, row in waiting.items() if of[0] != key or of[1] not in told_of}
            flaws = {flaw.quantity: flaw for flaw in judged.flaws}
            for row in rows:
                quantity = QUANTITY_OF[Kept(row.quantity)]
                flaw = flaws.get(quantity)
                mark, why = (Mark.ACCEPTED, "") if flaw is None else (flaw.mark, flaw.reason)
                if (mark, why) != (row.belief, row.reason or ""):
                    self._other[row.id] = mark, why
                if mark is Mark.SUSPECT:
                    waiting[key, quantity, row.observed_at] = row
                if spoke.sensor.offsets:
                    self._offset[row.id] = _calibrated(spoke, quantity, row.value)
            yield spoke

    def of(self, row: Stored) -> Judgement:
        """Return what a row counts for."""
        mark, why = self._other.get(row.id, (row.belief, row.reason or ""))
        is_celsius = row.quantity == Kept.TEMPERATURE_C
        value = self._offset.get(row.id, fahrenheit(row.value) if is_celsius else row.value)
        return Judgement(mark, why, value, "degF" if is_celsius else QUANTITIES[row.quantity][1])


def _confirmed(judged: Judged) -> Iterator[tuple[Quantity, int]]:
    if judged.confirmed is not None:
        yield Quantity.TEMPERATURE, micros(judged.confirmed.at)
    if judged.confirmed_humidity is not None:
        yield Quantity.HUMIDITY, micros(judged.confirmed_humidity.at)


def _calibrated(spoke: Observation, quantity: Quantity, value: float) -> float:
    found = None
    if quantity is Quantity.TEMPERATURE:
        found = temperature_f(spoke)
    elif quantity is Quantity.HUMIDITY:
        found = relative_humidity(spoke)
    return value if found is None else found
