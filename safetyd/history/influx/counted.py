"""What the record counts beside the values as they came: suspects that were borne out, and the heat index.

Rule: it goes by what `quality` and `warmth` go by, row after row, and remembers only the last word of each
sensor; a start reads what came a little before the row it goes on from.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from safetyd.core.heat_index import heat_index_f
from safetyd.core.model import Mark, Place, Quantity
from safetyd.core.quality import AGREE_F, MOST_HUMID, NEAR_HUMIDITY
from safetyd.history.influx.lines import Line, ReadingLines, heat_line
from safetyd.store.readings import MARK_OF, QUANTITY_OF, Kept
from safetyd.store.replica import ReadingRow, Stream

APART = timedelta(minutes=10) // timedelta(microseconds=1)  # as far as a pair is by default
_NEAR = {Quantity.TEMPERATURE: AGREE_F, Quantity.HUMIDITY: NEAR_HUMIDITY}


class _Said(NamedTuple):
    value: float
    at: int
    sensor: int


class Counted:
    """Makes the lines of rows that are given in their order, with those of what counts besides."""

    def __init__(self, made: ReadingLines) -> None:
        self._made = made
        self._doubted: dict[tuple[int, Quantity], tuple[ReadingRow, float]] = {}
        self._own: dict[tuple[int, Quantity], _Said] = {}
        self._damp: dict[Place, _Said] = {}

    def lines(self, row: ReadingRow) -> Iterator[Line]:
        """Yield the lines that a row makes, its own the last but for a heat index."""
        quantity = QUANTITY_OF[Kept(row.kept)]
        mark = MARK_OF[row.mark]
        if quantity not in _NEAR or mark not in (Mark.ACCEPTED, Mark.SUSPECT):
            yield self._made.line(row)
            return
        value, key = self._made.value(row), (row.sensor, quantity)
        doubted = self._doubted.pop(key, None)
        if mark is Mark.SUSPECT:
            self._doubted[key] = row, value
            yield self._made.line(row)
            return
        if doubted is not None and abs(doubted[1] - value) <= _NEAR[quantity]:
            earlier, its_value = doubted
            yield self._made.line(earlier, is_borne_out=True)._replace(row=row.row)
            yield from self._heat(earlier, quantity, its_value, row.row)
        yield self._made.line(row)
        yield from self._heat(row, quantity, value, row.row)

    def _heat(self, row: ReadingRow, quantity: Quantity, value: float, number: int) -> Iterator[Line]:
        """The heat index of a temperature with its sensor's humidity, else with the newest of the room."""
        if quantity is Quantity.HUMIDITY and not 0 <= value <= MOST_HUMID:
            return
        said = _Said(value, row.observed_at, row.sensor)
        before = self._own.get((row.sensor, quantity))
        self._own[row.sensor, quantity] = said
        place = self._made.sensors[row.sensor].place
        if quantity is Quantity.HUMIDITY:
            self._damp[place] = said
            warm: _Said | None = self._own.get((row.sensor, Quantity.TEMPERATURE))
            damp: _Said | None = said
        else:
            warm, damp = said, self._own.get((row.sensor, Quantity.HUMIDITY))
            if damp is not None and before is not None and damp.at == before.at:
                return  # it says both at once, the humidity after this
            if damp is None or abs(damp.at - said.at) > APART:
                damp = self._damp.get(place)
        if place.room is None or warm is None or damp is None or abs(warm.at - damp.at) > APART:
            return
        index = heat_index_f(warm.value, min(max(damp.value, 0.0), 100.0))
        sensor = self._made.sensors[warm.sensor]
        yield Line(Stream.READING, number, heat_line(sensor, index, max(warm.at, damp.at)))
