"""What an import would do, and what was ever imported, in words and as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from safetyd.cli.words import plain_console
from safetyd.core.model import Finding
from safetyd.core.units import beside
from safetyd.imports.layout import Layout
from safetyd.imports.weighing import Source, Weighed
from safetyd.sensor_objects import printable
from safetyd.site import Site
from safetyd.store.imports import Import
from safetyd.times import rfc3339, rfc3339_or_none

_SHOWN = 20  # breaches, and refused rows
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


def summary_words(source: Source, layout: Layout, told: Weighed, site: Site, *, tickets: bool) -> None:
    """Print how a file is read and what would come of it."""
    console = plain_console()

    def put(text: str) -> None:
        console.print(Text(printable(text)), soft_wrap=not console.is_terminal)

    put(f"{source.name}: {told.rows:,} rows with values, as sensor {source.sensor}")
    for line in _reading(layout):
        put(f"  {line}")
    if told.empty:
        put(f"{told.empty:,} rows hold no value and are passed over.")
    if told.twice:
        put(
            f"{told.twice:,} times stand in an hour that the clocks go through twice:"
            " the order of the rows says which is meant."
        )
    if told.repeated:
        put(f"{told.repeated:,} rows repeat a moment of the same room: the first counts.")
    if told.too_old and told.kept_since:
        since = f"{told.kept_since:%Y-%m-%d}"
        put(f"{told.too_old:,} rows are from before {since}, up to when readings are deleted: left out.")
    if told.known:
        put(f"{told.known:,} values are there already.")
    if told.shares:
        console.print(_places(told, site))
    for reason, count in told.reasons.most_common(5):
        put(f"Rejected, kept and never counted: {count:,} times {reason}.")
    _breaches(put, told, site, tickets=tickets)
    if told.refusals:
        put(f"{told.refusals:,} rows cannot be used, so nothing can be imported:")
        for each in told.refused:
            put(f"  {each}")
        if told.refusals > len(told.refused):
            put(f"  and {told.refusals - len(told.refused):,} more")


def _reading(layout: Layout) -> list[str]:
    def column(name: str, number: int | None) -> str:
        how = " (proposed by its heading)" if name in layout.proposed else ""
        return f"column {layout.heads[number or 0]!r}{how}"

    def taken(name: str) -> str:
        return " (found out)" if name in layout.proposed else ""

    when = column("time", layout.time)
    if layout.date is not None:
        when = f"{column('date', layout.date)} and {when}"
    between = _DELIMITERS.get(layout.delimiter, layout.delimiter)
    lines = [
        f"heading: row {layout.header}; {layout.encoding}, {between}",
        f"time: {when}, {layout.order}{taken('dates')}, {layout.zone}{taken('zone')}",
    ]
    if layout.temperature is not None:
        unit = "°F" if layout.is_fahrenheit else "°C"
        lines.append(f"temperature: {column('temperature', layout.temperature)}, {unit}{taken('unit')}")
    if layout.humidity is not None:
        lines.append(f"humidity: {column('humidity', layout.humidity)}, %")
    room = f"{layout.place}" if layout.place else column("room", layout.room)
    return [*lines, f"room: {room}"]


def _places(told: Weighed, site: Site) -> Table:
    table = Table("room", "from", "to", "measured every", "moments", "new values", "rejected", box=None)
    for each in told.shares:
        every = "once" if each.interval is None else f"{each.interval.total_seconds() / 60:g} min"
        table.add_row(
            str(each.place),
            _moment(each.first_at, site),
            _moment(each.last_at, site),
            every,
            f"{each.moments:,}",
            f"{each.values:,}",
            f"{each.rejected:,}",
        )
    return table


def _breaches(put: Any, told: Weighed, site: Site, *, tickets: bool) -> None:
    found = [(share, each) for share in told.shares for each in share.episodes]
    if not found:
        put("By the rules in force then it shows no breach.")
        return
    which = "breaches are" if len(found) > 1 else "breach is"
    told_of = "told late, as tickets" if tickets else "no ticket is opened (--tickets)"
    put(f"By the rules in force then {len(found):,} {which} seen; {told_of}:")
    for share, each in found[:_SHOWN]:
        until = _moment(each.ended_at, site) if each.ended_at else "the end of the file"
        limit_f = site.rulebook.in_force(each.began_at).limit_f(each.condition)
        worst = f", worst {beside(each.worst.value, limit_f)} °F" if each.worst else ""
        put(f"  {share.place} {each.condition}: {_moment(each.began_at, site)} to {until}{worst}")
    if len(found) > _SHOWN:
        put(f"  and {len(found) - _SHOWN:,} more")


def summary_object(source: Source, layout: Layout, told: Weighed) -> dict[str, Any]:
    """Return how a file is read and what would come of it."""
    return {
        "file": source.name,
        "sha256": source.sha256,
        "sensor": source.sensor,
        "columns": {
            name: layout.heads[number]
            for name in ("date", "time", "temperature", "humidity", "building", "room")
            if (number := getattr(layout, name)) is not None
        },
        "proposed": sorted(layout.proposed),
        "dates": layout.order.value,
        "zone": str(layout.zone),
        "unit": None if layout.temperature is None else "F" if layout.is_fahrenheit else "C",
        "rows": told.rows,
        "empty": told.empty,
        "ambiguous": told.twice,
        "repeated": told.repeated,
        "too_old": told.too_old,
        "known": told.known,
        "values": told.values,
        "rejected": told.rejected,
        "refused": [{"row": each.number, "reason": each.reason} for each in told.refused],
        "refusals": told.refusals,
        "places": [
            {
                "building": each.place.building,
                "room": each.place.room,
                "from": rfc3339(each.first_at),
                "to": rfc3339(each.last_at),
                "interval_s": None if each.interval is None else each.interval.total_seconds(),
                "moments": each.moments,
                "values": each.values,
                "rejected": each.rejected,
                "breaches": [_breach(found) for found in each.episodes],
            }
            for each in told.shares
        ],
    }


def _breach(found: Finding) -> dict[str, Any]:
    return {
        "condition": found.condition.value,
        "began_at": rfc3339(found.began_at),
        "ended_at": rfc3339_or_none(found.ended_at),
        "worst": found.worst and found.worst.value,
    }


def imports_words(found: Sequence[Import], site: Site) -> None:
    """Print what was ever imported."""
    console = plain_console()
    if not found:
        console.print("Nothing was ever imported.")
        return
    table = Table("when", "by", "file", "sha256", "sensor", "values", "rejected", "rooms, from, to", box=None)
    for each in found:
        rooms = "\n".join(
            f"{extent.place}, {_moment(extent.first_at, site)}, {_moment(extent.last_at, site)}"
            for extent in each.extents
        )
        texts = (each.by, each.file, each.sha256[:16], each.sensor)
        counts = (f"{each.values:,}", f"{each.rejected:,}", rooms)
        table.add_row(_moment(each.at, site), *(Text(printable(text)) for text in texts), *counts)
    console.print(table)


def _moment(at: datetime, site: Site) -> str:
    return f"{at.astimezone(site.timezone):%Y-%m-%d %H:%M}"
