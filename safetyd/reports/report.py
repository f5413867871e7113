"""What a report is: tables of plain cells, with how much of the time they rest on was seen.

Rule: frozen values; whoever shows one works nothing out. Hours are numbers of hours, shares lie from 0 to 1,
None is what is not known or does not apply.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.tally import Account
from safetyd.reports.hours import Time
from safetyd.reports.season import Season
from safetyd.times import rfc3339

Cell = str | int | float | datetime | None
_HOUR_MICROS = 3_600_000_000


class Form(StrEnum):
    """How a column's cells are to be shown."""

    TEXT = "text"
    WORD = "word"  # of ours, as programs write it
    COUNT = "count"
    HOURS = "hours"
    DEGREES = "°F"
    SHARE = "share"
    MOMENT = "moment"

    @property
    def is_number(self) -> bool:
        """Whether cells are compared by their size."""
        return self in (Form.COUNT, Form.HOURS, Form.DEGREES, Form.SHARE)


class Column(NamedTuple):
    """`name` is its key in files that programs read, `words` what people read."""

    name: str
    words: str
    form: Form = Form.TEXT


class Bars(NamedTuple):
    """Which column is drawn as bars, and which ones name them; a bar without length is left out."""

    title: str
    names: tuple[str, ...]
    value: str
    unit: str


class Table(NamedTuple):
    """`empty` is what is said where there is no row."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str
    bars: tuple[Bars, ...] = ()

    def column(self, name: str) -> int:
        """Return where a column stands."""
        return [each.name for each in self.columns].index(name)


class Seen(NamedTuple):
    """How much of the time was seen, for one condition; None where there was no time to be seen."""

    what: str
    always: float | None
    in_class: float | None


class Report(NamedTuple):
    """`notes` say how the numbers are to be read, and what is missing; `is_measured` is whether any time of
    it rests on readings; `names` are those of the buildings, by their ids.
    """

    kind: str
    title: str
    site: str
    buildings: tuple[str, ...]
    zone: ZoneInfo
    begin: datetime
    end: datetime
    made_at: datetime
    coverage: tuple[Seen, ...]
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
    is_measured: bool = True
    names: Mapping[str, str] = MappingProxyType({})


def report(
    kind: str, title: str, season: Season, tables: Sequence[Table], notes: Sequence[str] = ()
) -> Report:
    """Return a report of a season."""
    return Report(
        kind,
        title,
        season.site.name,
        tuple(each.name for each in season.buildings),
        season.zone,
        season.begin,
        season.end,
        season.made_at,
        tuple(_seen(season)),
        (*notes, *season.notes),
        tuple(tables),
        season.is_measured,
        {each.id: each.name for each in season.buildings},
    )


def _seen(season: Season) -> Sequence[Seen]:
    found = []
    for what, account in (("cold", Account.COLD), ("heat", Account.HEAT)):
        shares = (share(season.rooms_time(account, in_class=each)) for each in (False, True))
        found.append(Seen(what, *shares))
    return found


def hours(micros: int) -> float:
    """Return microseconds as hours, to a third of a second."""
    return round(micros / _HOUR_MICROS, 4)


def hours_in_breach(time: Time) -> float | None:
    """Return the hours in breach; where nothing is known of a time, none were measured to be 0."""
    return hours(time.breach) if time.known else None


def share(time: Time) -> float | None:
    """Return which share of a time is known; what is not all is never 1."""
    if not time.whole:
        return None
    return 1.0 if time.known == time.whole else min(round(time.known / time.whole, 4), 0.9999)


def percent(value: float) -> str:
    """Return a share in words; what is not all is never called 100 %, what is something never 0 %."""
    return "under 1 %" if 0 < value < 0.01 else f"{int(value * 100 + 1e-9)} %"


def shown(cell: Cell, form: Form, zone: tzinfo) -> str:
    """Return a cell for people, times by the site's clocks."""
    match cell:
        case None:
            return "–"
        case datetime():
            return f"{cell.astimezone(zone):%Y-%m-%d %H:%M}"
        case float() if form is Form.SHARE:
            return percent(cell)
        case float():
            return f"{cell:,.1f}"
        case int():
            return f"{cell:,}"
    return cell.replace("_", " ") if form is Form.WORD else cell


def plain(cell: Cell) -> str | int | float | None:
    """Return a cell for programs: times in UTC."""
    return rfc3339(cell) if isinstance(cell, datetime) else cell


def coverage_words(report: Report) -> str:
    """Return how much was seen, in a sentence."""
    if not report.is_measured:
        return (
            "No reading that counts is on record for this range: its hours were not measured, and none of"
            " them is called in order or in breach."
        )

    def of(value: float | None) -> str:
        return "nothing to be seen" if value is None else percent(value)

    told = [
        f"{each.what} {of(each.always)} of the time ({of(each.in_class)} of the student day)"
        for each in report.coverage
    ]
    return f"Seen: {', '.join(told)}. The rest is unknown, and neither in order nor in breach."
