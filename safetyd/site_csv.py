"""A spreadsheet of sensors, saved as CSV: one row a source, read as if each stood in the site file.

Rule: a row says the same as an entry of the site file and goes through the same checks; a fault names the row
as a spreadsheet counts it, and the column.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from safetyd.core.model import Quantity
from safetyd.faults import Fault, did_you_mean, one_of, shown
from safetyd.profile import SPARKPLUG
from safetyd.site_sensors import Frame, Home, add_sensor
from safetyd.site_sheet import SheetTable, read_sheet
from safetyd.site_topics import is_filter, own_levels
from safetyd.tables import Table

NEEDED = ("room", "measures", "system", "topic")
COLUMNS = (*NEEDED, "sensor", "unit", "expect_every", "notes", "building", "id", "invalid", "from", "until")
_COLUMN_OF = {  # keys of an entry whose column has another name
    "format": "system",
    "interval": "expect_every",
    "channel": "sensor",
    "values": "sensor",
    "power": "measures",
}
_OF_MAINS = {"mains": "mains", "mains-voltage": "voltage"}  # these make a row a witness
_EVERY = re.compile(
    r"([0-9]+) *(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\.?", re.ASCII | re.IGNORECASE
)
_NAMED_PATH = re.compile(r"\s*([A-Za-z_-]+)\s*=\s*(.*?)\s*")
_TELLING = 40  # characters of a topic in an id


class _Row(SheetTable):
    __slots__ = ()

    def at(self, name: str) -> str:
        return super().at(_COLUMN_OF.get(name, name))


class _Source(NamedTuple):
    """A row that belongs to a building: where it stands, and what an entry of the site file would hold."""

    file: str
    place: str
    home: Home
    content: dict[str, object]


def add_rows(files: Iterable[Path], homes: Mapping[str, Home], frame: Frame, faults: list[Fault]) -> None:
    """Read the rows of these files into their buildings; what is wrong with them is noted."""
    sources = [source for file in files for source in _sources(file, homes, frame, faults)]
    taken = {(home.id, sensor.id) for home in homes.values() for sensor in home.sensors}
    taken |= {(source.home.id, str(source.content["id"])) for source in sources if "id" in source.content}
    for file, place, home, content in sources:
        if "id" not in content:
            name = _name(content, frame)
            ids = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
            content["id"] = next(id for id in ids if (home.id, id) not in taken)
            taken.add((home.id, str(content["id"])))
        add_sensor(_Row(file, place, content, faults), home, frame)


def _sources(file: Path, homes: Mapping[str, Home], frame: Frame, faults: list[Fault]) -> Iterator[_Source]:
    for place, cells, has_decimal_comma in read_sheet(file, COLUMNS, NEEDED, faults):
        home = _home(cells, homes)
        if home is None:
            given = cells.get("building")
            value = "nothing stands here" if given is None else f"no building is called {shown(given)}"
            known = one_of(homes) if homes else "a [[buildings]] in the site file"
            hint = did_you_mean(given, homes) if given else ""
            faults.append(Fault(str(file), f"{place}, building", value, known + hint))
            continue
        row = _Row(str(file), place, cells, faults)
        yield _Source(str(file), place, home, _content(row, cells, home, frame, has_decimal_comma))


def _home(cells: Mapping[str, str], homes: Mapping[str, Home]) -> Home | None:
    given = cells.get("building")
    if given is None:
        return next(iter(homes.values())) if len(homes) == 1 else None
    named = [home for home in homes.values() if home.name.casefold() == given.casefold()]
    return homes.get(given.lower()) or (named[0] if len(named) == 1 else None)


def _content(
    row: Table, cells: Mapping[str, str], home: Home, frame: Frame, has_decimal_comma: bool
) -> dict[str, object]:
    """Return what an entry of the site file would hold in place of this row."""
    content: dict[str, object] = {name: cells[name] for name in ("id", "from", "until") if name in cells}
    if "room" in cells:
        content["room"] = _room(cells["room"], home)
    if "measures" in cells:
        measures = [word.strip().lower() for word in cells["measures"].split("+")]
        content["measures"] = [_OF_MAINS.get(word, word) for word in measures]
        content["power"] = not _OF_MAINS.keys().isdisjoint(measures)
    else:
        mend = f"one of {one_of([*Quantity, 'mains-voltage'])}, or several joined by +"
        row.fault("measures", "nothing stands here", mend)
    if "system" in cells:
        formats = frame.formats()
        content["format"] = cells["system"] if cells["system"] in formats else cells["system"].lower()
    if "topic" in cells:
        content["topic"] = "/".join("+" if level == "*" else level for level in cells["topic"].split("/"))
    if "unit" in cells:
        unit = cells["unit"].replace("°", "").strip()
        if unit not in ("%", "V", "W") or "temperature" in cells.get("measures", "").lower():
            content["unit"] = unit.upper() if len(unit) == 1 else unit
    if "expect_every" in cells:
        every = _EVERY.fullmatch(cells["expect_every"])
        content["interval"] = f"{every[1]}{every[2][0].lower()}" if every else cells["expect_every"]
    if "invalid" in cells:
        pieces = re.split(r"[;\s]+" if has_decimal_comma else r"[;,\s]+", cells["invalid"])
        content["invalid"] = [_number(piece.replace(",", ".")) for piece in pieces if piece]
    if "sensor" in cells:
        _add_sensor_cell(row, cells["sensor"], content, frame)
    return content


def _number(piece: str) -> float | str:
    try:
        return float(piece)
    except ValueError:
        return piece


def _room(given: str, home: Home) -> str:
    """Return the id of the room that has this id or name; what is given, if none or several have."""
    if given.lower() in home.rooms:
        return given.lower()
    named = [room.id for room in home.rooms.values() if room.name.casefold() == given.casefold()]
    return named[0] if len(named) == 1 else given


def _add_sensor_cell(row: Table, cell: str, content: dict[str, object], frame: Frame) -> None:
    """A cell holds the paths of quantities, the path of the only one, or the channel that is meant."""
    pieces = [_NAMED_PATH.fullmatch(piece) for piece in re.split(r"\+(?=\s*[A-Za-z_-]+\s*=)", cell)]
    if all(pieces):
        named = {found[1].lower(): found[2] for found in pieces if found}
        content["values"] = {_OF_MAINS.get(quantity, quantity): path for quantity, path in named.items()}
        return
    if not _is_path(cell, content, frame):
        content["channel"] = cell
        return
    measures = content.get("measures")
    if isinstance(measures, list) and len(measures) == 1 and measures[0] in set(Quantity):
        content["values"] = {measures[0]: cell}
    elif isinstance(measures, list) and len(measures) > 1:
        mend = "a path for each, such as " + "+".join(f"{each}=…" for each in measures)
        row.fault("sensor", f"{shown(cell)} is one path, and {len(measures)} things are measured", mend)


def _is_path(cell: str, content: Mapping[str, object], frame: Frame) -> bool:
    format = content.get("format")
    profile = frame.profile(format if isinstance(format, str) else None)
    by_paths = profile is not None and not any(shape.values for shape in profile.shapes)
    return "." in cell or "[" in cell or format == SPARKPLUG or by_paths


def _name(content: Mapping[str, object], frame: Frame) -> str:
    """Return an id made of the room, and of what tells the topic from others."""
    format, topic = content.get("format"), str(content.get("topic", ""))
    profile = frame.profile(format if isinstance(format, str) else None)
    levels = topic.split("/") if profile is None else own_levels(profile, topic) or topic.split("/")
    telling = [_slug(level) for level in levels if not is_filter(level)]
    place = _slug(str(content.get("room", "mains")))
    last = next((level for level in reversed(telling) if level), "sensor")[:_TELLING].strip("-")
    return last if last == place or last.startswith(f"{place}-") else f"{place}-{last}"[:60].strip("-")


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
