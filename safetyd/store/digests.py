"""Digests of readings: of a span of rows, for each place, the SHA-256 of all that was stored of it.

Rule: a row is one line, the canonical JSON of the list of its columns and a line break; a place's lines stand
in the order in which they arrived. Numbers, sensors' too, are as stored.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection

from safetyd.store import statements
from safetyd.store.readings import KnownSensor
from safetyd.store.statements import Subject

COLUMNS = (
    "id",
    "sensor",
    "quantity",
    "observed_at",
    "delay",
    "value",
    "mark",
    "reason",
    "stamp",
    "device_skew",
    "gateway_skew",
    "frame",
)
_VALUE = COLUMNS.index("value")
_WANTED = f"SELECT {', '.join(COLUMNS)} FROM reading WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
_ENCODER = msgspec.json.Encoder()
_TINY, _HUGE = 1e-4, 1e16  # beyond these the two encoders write a number differently
NOBODY = "?"


class Digests:
    """The digests of a span, as far as it has been read."""

    def __init__(self, sensors: Sequence[KnownSensor], first: int, last: int) -> None:
        self.first, self.last = first, last
        self._cursor = first - 1
        self._names = {each.number: each.sensor.id for each in sensors}
        self._places = {each.number: str(each.sensor.place) for each in sensors}
        self._lines: dict[int, list[Sequence[Any]]] = {}
        self._of_place: dict[str, list[Sequence[Any]]] = {}
        self._hashes: dict[str, Any] = {}
        self._values: dict[str, int] = {}
        self._spoke: dict[str, set[int]] = {}

    def read(self, connection: Connection, at_most: int) -> bool:
        """Take in the next rows; return whether there may be more."""
        rows = connection.exec_driver_sql(_WANTED, (self._cursor, self.last, at_most)).fetchall()
        lines = self._lines
        for row in rows:
            try:
                lines[row[1]].append(row)
            except KeyError:
                self._meet(row[1]).append(row)
        for place, found in self._of_place.items():
            if found:
                self._hashes[place].update(encoded(found))
                self._values[place] += len(found)
                found.clear()
        if rows:
            self._cursor = rows[-1][0]
        return len(rows) == at_most

    def _meet(self, number: int) -> list[Sequence[Any]]:
        place = self._places.get(number, NOBODY)
        if place not in self._of_place:
            self._of_place[place], self._hashes[place] = [], sha256()
            self._values[place], self._spoke[place] = 0, set()
        self._spoke[place].add(number)
        self._lines[number] = self._of_place[place]
        return self._of_place[place]

    def places(self) -> dict[str, dict[str, Any]]:
        """Return the digest of each place that said something, with how many values and of which sensors."""
        return {
            place: {
                "sensors": {str(number): self._names.get(number, NOBODY) for number in self._spoke[place]},
                "sha256": made.hexdigest(),
                "values": self._values[place],
            }
            for place, made in self._hashes.items()
        }


def encoded(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as lines of canonical JSON."""
    if all(_TINY <= abs(row[_VALUE]) < _HUGE or not row[_VALUE] for row in rows):
        return _ENCODER.encode_lines([tuple(row) for row in rows])
    return "".join(
        json.dumps(list(row), separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows
    ).encode()


def reached(connection: Connection) -> int:
    """Return the last row that a digest on record is of, 0 if there is none."""
    found = statements.last(connection, Subject.READINGS)
    return 0 if found is None else int(found.body["last"])
