"""Hours above and below the limits by room and month: what a capital plan is weighed by.

Rule: what was not seen stands beside what was; ok, breach and unknown add up to the hours there were.
"""

from collections.abc import Sequence

from safetyd.core.model import Place
from safetyd.core.tally import Account
from safetyd.reports.hours import Month, Time, total
from safetyd.reports.report import (
    Bars,
    Cell,
    Column,
    Form,
    Report,
    Table,
    hours,
    hours_in_breach,
    report,
    share,
)
from safetyd.reports.season import Season
from safetyd.store.spent import Extremes, further

_WHERE = (Column("building", "Building"), Column("room", "Room"), Column("name", "Name"))
_HOURS = (
    Column("hours", "Hours", Form.HOURS),
    Column("cold_h", "Too cold, h", Form.HOURS),
    Column("cold_student_h", "in the student day", Form.HOURS),
    Column("cold_unknown_h", "cold unknown, h", Form.HOURS),
    Column("coldest_f", "Coldest", Form.DEGREES),
    Column("heat_h", "Too hot, h", Form.HOURS),
    Column("heat_student_h", "in the student day", Form.HOURS),
    Column("heat_unknown_h", "heat unknown, h", Form.HOURS),
    Column("hottest_f", "Highest heat index", Form.DEGREES),
    Column("student_h", "Student day, h", Form.HOURS),
    Column("student_cold_unknown_h", "of it cold unknown, h", Form.HOURS),
    Column("student_heat_unknown_h", "of it heat unknown, h", Form.HOURS),
    Column("seen_cold", "Seen for cold", Form.SHARE),
    Column("seen_heat", "Seen for heat", Form.SHARE),
)


def rooms(season: Season) -> Report:
    """Return the hours."""
    notes = (
        "Too cold: from below the limit on the dry bulb until back at the end value; too hot: the same of the"
        " heat index; by the rules in force at the time.",
        "Without humidity heat is mostly unknown. Months are the site's; the first and last may be parts.",
    )
    tables = (_whole_range(season), _months(season))
    return report("rooms", "Hours beyond the limits", season, tables, notes)


def _whole_range(season: Season) -> Table:
    rows = [(*_where(season, each), *_cells(season.months[each])) for each in _measured(season)]
    bars = (
        Bars("Hours too cold by room", ("building", "name"), "cold_h", "h"),
        Bars("Hours too hot by room", ("building", "name"), "heat_h", "h"),
    )
    columns = (*_WHERE, *_HOURS)
    return Table("rooms", "Rooms, the whole range", columns, tuple(rows), _empty(season), bars)


def _months(season: Season) -> Table:
    rows = [
        (*_where(season, place), f"{month.begin:%Y-%m}", *_cells([month]))
        for place in _measured(season)
        for month in season.months[place]
    ]
    columns = (*_WHERE, Column("month", "Month"), *_HOURS)
    return Table("months", "Rooms by month", columns, tuple(rows), _empty(season))


def _measured(season: Season) -> Sequence[Place]:
    return season.rooms if season.is_measured else ()


def _empty(season: Season) -> str:
    return "Nothing was measured." if season.rooms else "There are no rooms."


def _where(season: Season, place: Place) -> tuple[Cell, ...]:
    return place.building, place.room, season.room_name(place)


def _cells(months: Sequence[Month]) -> tuple[Cell, ...]:
    cold, heat = (total(months, each) for each in (Account.COLD, Account.HEAT))
    cold_class, heat_class = (total(months, each, in_class=True) for each in (Account.COLD, Account.HEAT))
    peaks = Extremes()
    for month in months:
        peaks = further(peaks, month.extremes)
    return (
        hours(cold.whole),
        *_of(cold, cold_class),
        peaks.coldest_f,
        *_of(heat, heat_class),
        peaks.hottest_f,
        hours(cold_class.whole),
        hours(cold_class.unknown),
        hours(heat_class.unknown),
        share(cold),
        share(heat),
    )


def _of(time: Time, in_class: Time) -> tuple[Cell, ...]:
    return hours_in_breach(time), hours_in_breach(in_class), hours(time.unknown)
