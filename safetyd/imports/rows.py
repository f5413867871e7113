"""A file's rows as what was measured where and when, or why one cannot be used.

Rule: a cell is a plain number or nothing at all; whatever else stands there refuses its row, by its number
and its value. Numbers are never corrected.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import NamedTuple

from safetyd.core.model import Place
from safetyd.faults import shown
from safetyd.imports.layout import Layout, place_of
from safetyd.imports.moments import Moments
from safetyd.imports.sheet import Record, SheetError
from safetyd.site import Site
from safetyd.times import FIRST_YEAR
from safetyd.wording import sound

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_FIRST = datetime(FIRST_YEAR + 1, 1, 1, tzinfo=UTC)
_SIGN = re.compile(r"\s*(?:[°º˚]\s*([FC])|(%))$")
_LONGEST = 40  # characters of a number or a time


class Row(NamedTuple):
    """What one row says; the temperature in the unit of the file."""

    number: int
    place: Place
    at: datetime
    temperature: float | None
    humidity: float | None


class Refused(NamedTuple):
    """A row that cannot be used."""

    number: int
    reason: str

    def __str__(self) -> str:
        return f"row {self.number}: {self.reason}"


class Empty(NamedTuple):
    """A row in which nothing was measured: a logger's own remarks, or nothing at all."""

    number: int


class Rows:
    """Reads the records of one file; `twice` counts the times that its zone has twice."""

    def __init__(self, layout: Layout, site: Site, now: datetime) -> None:
        self._layout = layout
        self._site = site
        self._now = now
        self._moments = Moments(layout.order, layout.zone)
        self._places: dict[tuple[str, str], Place] = {}
        self._has_comma = layout.delimiter != ","

    @property
    def twice(self) -> int:
        """How many times stood in an hour that the clocks go through twice."""
        return self._moments.twice

    def read(self, records: Iterable[Record]) -> Iterator[Row | Refused | Empty]:
        """Yield each row below the heading."""
        for number, cells in records:
            if number <= self._layout.header:
                continue
            try:
                yield self._row(number, cells) or Empty(number)
            except SheetError as error:
                yield Refused(number, str(error))

    def _row(self, number: int, cells: list[str]) -> Row | None:
        layout = self._layout
        temperature = self._number(cells, layout.temperature, "F" if layout.is_fahrenheit else "C")
        humidity = self._number(cells, layout.humidity, "%")
        if temperature is None and humidity is None:
            return None
        place = layout.place or self._place(cells)
        text = " ".join(_cell(cells, each) for each in (layout.date, layout.time) if each is not None)
        if len(text) > _LONGEST:
            raise SheetError(f"{_told(text)} is no time")
        try:
            at = self._moments.read(text, place)
        except (ValueError, OverflowError) as error:
            raise SheetError(f"{_told(text)} {error}") from error
        if at > self._now:
            raise SheetError(f"{_told(text)} lies in the future; is the order of day and month right?")
        if at < _FIRST:
            raise SheetError(f"{_told(text)} is before {_FIRST.year}")
        return Row(number, place, at, temperature, humidity)

    def _number(self, cells: list[str], column: int | None, unit: str) -> float | None:
        text = "" if column is None else _cell(cells, column)
        if not text:
            return None
        head = self._layout.heads[column or 0]
        plain = text[: _LONGEST + 1]
        if len(text) <= _LONGEST and (sign := _SIGN.search(text)):
            plain = text[: sign.start()]
            if unit not in sign.groups():
                raise SheetError(f"{_told(text)} is not in the unit of its column, {_told(head)}")
        if self._has_comma and "." not in plain:
            plain = plain.replace(",", ".", 1)
        if len(plain) > _LONGEST or not _NUMBER.fullmatch(plain) or not isfinite(value := float(plain)):
            raise SheetError(f"{_told(text)} under {_told(head)} is no number")
        return value

    def _place(self, cells: list[str]) -> Place:
        layout = self._layout
        assert layout.room is not None
        building = "" if layout.building is None else _cell(cells, layout.building)
        said = building, _cell(cells, layout.room)
        if said not in self._places:
            self._places[said] = self._place_said(*said)
        return self._places[said]

    def _place_said(self, building: str, room: str) -> Place:
        if not room:
            raise SheetError("no room stands here")
        if (mapped := self._layout.rooms.get(room)) is not None:
            return place_of(mapped, self._site)
        buildings = self._site.buildings
        if building:
            return place_of(f"{building}/{room}", self._site)
        if "/" in room or len(buildings) != 1:
            return place_of(room, self._site)
        return place_of(f"{buildings[0].id}/{room}", self._site)


def _cell(cells: list[str], column: int) -> str:
    return cells[column].strip() if column < len(cells) else ""


def _told(text: str) -> str:
    return shown(sound(text))
