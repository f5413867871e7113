"""Which column of a file is what: as it was said, else as its heading proposes it.

Rule: a proposal is shown before anything is done, and where a heading fits several things or leaves the unit
or the order of a date open, it is asked for and never guessed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from itertools import chain, islice
from pathlib import Path
from typing import Any

from safetyd.core.model import Place
from safetyd.faults import Fault, Misfit, did_you_mean, one_of, shown
from safetyd.imports.moments import Order, order_of, zone_of
from safetyd.imports.sheet import DELIMITERS, Record, SheetError, delimiter_of, encoding_of, records
from safetyd.site import Site
from safetyd.tables import Table, read_toml

_HEADER_WITHIN = 10  # rows: a title or two may stand above
_PEEKED = 200_000  # rows that may prove the order of a date
_FAHRENHEIT = re.compile(r"[°º˚]\s*F\b|\bdeg(?:rees)?\.?\s*F\b|\bfahrenheit\b|[(\[,/_]\s*F[)\]]?\s*$", re.I)
_CELSIUS = re.compile(r"[°º˚]\s*C\b|\bdeg(?:rees)?\.?\s*C\b|\bcelsius\b|[(\[,/_]\s*C[)\]]?\s*$", re.I)
_ZONE = re.compile(r"(?<![A-Z])(?:GMT|UTC)(?:\s*[+-]\d\d?(?::?\d\d)?)?(?![A-Z])", re.ASCII | re.IGNORECASE)
_HEADS = {
    "time": re.compile(r"(date\s*[-/&]?\s*)?time(\s*-?stamp)?\b|(local|utc) time\b", re.I),
    "date": re.compile(r"date$", re.I),
    "temperature": re.compile(r"(air |room |ambient |dry.bulb )?temp(erature)?(\b|_)", re.I),
    "humidity": re.compile(r"rh\b|(rel(ative|\.)? ?)?humidity\b|(rh|humidity)_", re.I),
    "room": re.compile(r"room$", re.I),
    "building": re.compile(r"building$", re.I),
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody said of a file; what is None is proposed by its headings, or asked for."""

    time: str | None = None
    date: str | None = None
    dates: str | None = None
    temperature: str | None = None
    humidity: str | None = None
    unit: str | None = None
    room: str | None = None
    building: str | None = None
    place: str | None = None
    sensor: str | None = None
    zone: str | None = None
    every: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    rooms: Mapping[str, str] = field(default_factory=dict)  # from the file's word to building/room

    def over(self, other: "Wishes") -> "Wishes":
        """Return these wishes, and those of another where these say nothing."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return Wishes(**{name: value or getattr(other, name) for name, value in own.items()})


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands in a file. Columns count from 0; `place` is that of every row, else `room` says
    it; `proposed` are the wishes that nobody had."""

    encoding: str
    delimiter: str
    header: int  # its row
    heads: tuple[str, ...]
    time: int
    order: Order
    zone: tzinfo
    date: int | None = None
    temperature: int | None = None
    is_fahrenheit: bool = False
    humidity: int | None = None
    room: int | None = None
    building: int | None = None
    place: Place | None = None
    rooms: Mapping[str, str] = field(default_factory=dict)
    proposed: frozenset[str] = frozenset()


def read_map(file: Path, faults: list[Fault]) -> Wishes:
    """Return what a TOML file says of a logger's files; what is wrong with it is noted."""
    content = read_toml(file, faults)
    if content is None:
        return Wishes()
    table = Table(str(file), "", content, faults)
    names = [each.name for each in fields(Wishes) if each.name != "rooms"]
    found = {name: table.get(name, _text, None) for name in names}
    wishes = Wishes(**found, rooms=table.get("rooms", _texts, {}))
    table.done()
    return wishes


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Misfit(shown(value), "a text")
    return value


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise Misfit(shown(value), 'a table such as { "Rm 12" = "maple/12" }')
    return value


def layout_of(file: Path, wishes: Wishes, site: Site) -> Layout:
    """Return where everything stands.

    Raises:
        SheetError: it cannot be told, with what to say.
    """
    encoding = wishes.encoding or encoding_of(file)
    delimiter = DELIMITERS.get(wishes.delimiter or "", wishes.delimiter or "")
    if len(delimiter) > 1:
        raise SheetError(
            f"delimiter: {shown(delimiter)} is none; expected {one_of(DELIMITERS)}, or one character"
        )
    delimiter = delimiter or delimiter_of(file, encoding)
    first = list(islice(records(file, encoding, delimiter), _HEADER_WITHIN + 1))
    if not first:
        raise SheetError("it is empty; expected a first row with headings")
    header, columns, proposed = _header(first, wishes)
    heads = tuple(cell.strip() for cell in dict(first)[header])
    return _filled(
        islice(records(file, encoding, delimiter), _PEEKED),
        Layout(encoding, delimiter, header, heads, 0, Order.ISO, site.timezone),
        columns,
        proposed,
        wishes,
        site,
    )


def _header(first: Sequence[Record], wishes: Wishes) -> tuple[int, dict[str, int], set[str]]:
    """Return the first row that is a heading, its columns, and those that it proposes."""
    trouble = ""
    for number, cells in first:
        heads = [cell.strip() for cell in cells]
        if sum(bool(head) for head in heads) < 2:
            continue
        try:
            columns, proposed = _columns(heads, wishes)
        except SheetError as error:
            trouble = trouble or f"row {number}: {error}"
        else:
            return number, columns, proposed
    raise SheetError(trouble or "no row of the first ten is a heading; expected one with a column of times")


def _columns(heads: Sequence[str], wishes: Wishes) -> tuple[dict[str, int], set[str]]:
    columns: dict[str, int] = {}
    proposed = set()
    for name, pattern in _HEADS.items():
        wish = getattr(wishes, name)
        if wish is not None:
            columns[name] = _named(heads, name, wish)
            continue
        if name in ("room", "building") and wishes.place is not None:
            continue
        fitting = [number for number, head in enumerate(heads) if pattern.match(head)]
        if name == "temperature" and len(fitting) > 1:
            fitting = [n for n in fitting if "dew" not in heads[n].lower()]
        if len(fitting) > 1:
            several = ", ".join(shown(heads[number]) for number in fitting)
            raise SheetError(f"several columns may be the {name}: {several}; say --{name} COLUMN")
        if fitting:
            columns[name] = fitting[0]
            proposed.add(name)
    if "date" in columns and wishes.date is None and "time" not in columns:
        columns["time"] = columns.pop("date")
        proposed = proposed - {"date"} | {"time"}
    if "date" in columns and "date" in proposed and "date" in heads[columns.get("time", 0)].lower():
        columns.pop("date")  # date and time stand in one column, and the date once more
        proposed.discard("date")
    seen = ", ".join(shown(head) for head in heads if head)[:300]
    if "time" not in columns:
        raise SheetError(f"no column is known for the time among {seen}; say --time COLUMN")
    if "temperature" not in columns and "humidity" not in columns:
        raise SheetError(
            f"no column is known for temperature or humidity among {seen}; say --temperature COLUMN"
        )
    return columns, proposed


def _named(heads: Sequence[str], name: str, wish: str) -> int:
    same = [number for number, head in enumerate(heads) if head.casefold() == wish.strip().casefold()]
    if len(same) == 1:
        return same[0]
    how_many = "two columns are" if same else "no column is"
    raise SheetError(f"{name}: {how_many} called {shown(wish)}{did_you_mean(wish, filter(None, heads))}")


def _filled(
    rows: Iterable[Record],
    bare: Layout,
    columns: Mapping[str, int],
    proposed: set[str],
    wishes: Wishes,
    site: Site,
) -> Layout:
    date, time = columns.get("date"), columns["time"]
    times = (_time_of(cells, date, time) for number, cells in rows if number > bare.header)
    found: dict[str, Any] = {**columns, "date": date, "rooms": wishes.rooms}
    found["order"] = _order(times, wishes, proposed)
    found["zone"] = _zone(bare.heads[time], wishes, proposed, site)
    if "temperature" in columns:
        found["is_fahrenheit"] = _is_fahrenheit(bare.heads[columns["temperature"]], wishes, proposed)
    if wishes.place is not None and wishes.room is not None:
        raise SheetError("both --place and --room say the room; say one of them")
    if wishes.place is not None:
        found["place"] = place_of(wishes.place, site)
    elif "room" not in columns:
        raise SheetError("no column says the room; say --place building/room, or --room COLUMN")
    values = {each.name: getattr(bare, each.name) for each in fields(bare)}
    return Layout(**{**values, **found, "proposed": frozenset(proposed)})


def _time_of(cells: Sequence[str], date: int | None, time: int) -> str:
    parts = [cells[each].strip() for each in (date, time) if each is not None and each < len(cells)]
    return " ".join(parts)


def _order(times: Iterable[str], wishes: Wishes, proposed: set[str]) -> Order:
    if wishes.dates is not None:
        if wishes.dates not in list(Order):
            raise SheetError(f"dates: {shown(wishes.dates)} is not one of {', '.join(Order)}")
        return Order(wishes.dates)
    times = filter(None, times)
    example = next(times, "")
    order = order_of(chain([example], times))
    if order is None:
        raise SheetError(
            f"times such as {shown(example)} do not say which number is the month;"
            " say --dates mdy or --dates dmy"
        )
    proposed.add("dates")
    return order


def _zone(head: str, wishes: Wishes, proposed: set[str], site: Site) -> tzinfo:
    written = _ZONE.search(head)
    text = wishes.zone if wishes.zone is not None else written[0] if written else None
    if wishes.zone is None:
        proposed.add("zone")
    if text is None:
        return site.timezone
    zone = zone_of(text)
    if zone is None:
        raise SheetError(f"zone: {shown(text)} is none; expected one such as America/Denver or -07:00")
    return zone


def _is_fahrenheit(head: str, wishes: Wishes, proposed: set[str]) -> bool:
    if wishes.unit is not None:
        unit = wishes.unit.replace("°", "").strip().upper()
        if unit not in ("F", "C"):
            raise SheetError(f"unit: {shown(wishes.unit)} is neither F nor C")
        return unit == "F"
    said = [unit for unit, pattern in (("F", _FAHRENHEIT), ("C", _CELSIUS)) if pattern.search(head)]
    if len(said) != 1:
        raise SheetError(f"the heading {shown(head)} does not say the unit; say --unit F or --unit C")
    proposed.add("unit")
    return said == ["F"]


def place_of(text: str, site: Site) -> Place:
    """Return the room that a text names: building/room by ids or names.

    Raises:
        SheetError: there is none, or several.
    """
    building_name, _, room_name = (each.strip() for each in text.partition("/"))
    building = _one(building_name, site.buildings)
    if building is None:
        known = [each.id for each in site.buildings]
        raise SheetError(f"no building is called {shown(building_name)}{did_you_mean(building_name, known)}")
    room = _one(room_name, building.rooms)
    if room is None:
        known = [each.id for each in building.rooms]
        raise SheetError(
            f"no room of {building.id} is called {shown(room_name)}{did_you_mean(room_name, known)}"
        )
    return Place(building.id, room.id)


def _one(name: str, known: Sequence[Any]) -> Any:
    by_id = [each for each in known if each.id == name.lower()]
    found = by_id or [each for each in known if each.name.casefold() == name.casefold()]
    return found[0] if len(found) == 1 else None
