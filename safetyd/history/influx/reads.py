"""What the copy knows of a room: its accepted values of one quantity, by InfluxQL.

Rule: InfluxQL through `/query` is what 1.x, 2.x and 3.x have in common. The answer is as the store would give
it, so that whoever asks need not know where it was kept.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from safetyd.core.errors import SafetydError
from safetyd.core.model import Mark, Place, Quantity
from safetyd.history.influx.door import Door
from safetyd.history.influx.lines import QUANTITIES, tag
from safetyd.setting_outside import Influx
from safetyd.store.moments import micros, moment
from safetyd.store.readings import QUANTITY_OF, Kept, Point

_PAGE = 20_000  # points of one answer
_KEPT = {name: kept for kept, name in QUANTITIES.items() if kept is not Kept.TEMPERATURE_C}


class InfluxError(SafetydError):
    """The copy cannot be read, or not now."""


def points(
    settings: Influx, place: Place, quantity: Quantity, begin: datetime | None, end: datetime | None
) -> list[Point]:
    """Return a place's accepted values of one quantity from `begin` up to before `end`, in order of time.

    Raises:
        InfluxError: it does not answer, or not this.
    """
    door = Door(settings)
    try:
        return list(_points(door, settings.url, place, quantity, begin, end))
    finally:
        door.close()


def _points(
    door: Door, url: str, place: Place, quantity: Quantity, begin: datetime | None, end: datetime | None
) -> Iterator[Point]:
    names = sorted(name for name, kept in _KEPT.items() if QUANTITY_OF[kept] is quantity)
    wanted = [
        f'"building" = {_literal(tag(place.building))}',
        f'"room" = {_literal(tag(place.room or ""))}',
        f'"mark" = {_literal(Mark.ACCEPTED.value)}',
        "(" + " OR ".join(f'"quantity" = {_literal(name)}' for name in names) + ")",
    ]
    if begin is not None:
        wanted.append(f"time >= {micros(begin) * 1000}")
    if end is not None:
        wanted.append(f"time < {micros(end) * 1000}")
    question = f'SELECT "value", "celsius", "raw", "quantity" FROM "reading" WHERE {" AND ".join(wanted)}'  # noqa: S608
    offset = 0
    while True:
        rows = _rows(door, url, f"{question} LIMIT {_PAGE} OFFSET {offset}")
        yield from (_point(*row) for row in rows)
        if len(rows) < _PAGE:
            return
        offset += _PAGE


def _rows(door: Door, url: str, question: str) -> list[list[Any]]:
    answer, found = door.ask(question)
    results = found.get("results", []) if isinstance(found, dict) else []
    why = next((each["error"] for each in results if "error" in each), "")
    if answer.status is None or answer.status >= 300 or why:
        said = why or f"{answer.status or 'no answer'}: {answer.words}"
        raise InfluxError(f"InfluxDB at {url} cannot be read ({said}); look at [influx]")
    return [row for result in results for series in result.get("series", ()) for row in series["values"]]


def _point(at: int, value: float, celsius: float | None, raw: float | None, name: str) -> Point:
    if celsius is not None:
        return Point(moment(at), Kept.TEMPERATURE_C, float(celsius))
    return Point(moment(at), _KEPT[name], float(value if raw is None else raw))


def _literal(text: str) -> str:
    """Return a text as InfluxQL has it: nothing in it ends it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
