"""What the record brings to the inspection checklist of a building (9.9.2.A), by the classes of 9.9.2.C.

Rule: what is open stands first, then what was missed, what came back, what lasted. Only temperature and
electricity are measured; of the other classes the record has what people reported, and no more.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from safetyd.core.model import Condition, Hazard, Place
from safetyd.core.tally import Account
from safetyd.reports.report import Bars, Cell, Column, Form, Report, Table, hours_in_breach, report
from safetyd.reports.season import Case, Season
from safetyd.reports.september import missed_of, recurrences

CLASSES: Mapping[int, str] = {  # 9.9.2.C, in our words
    1: "no electricity, internet or water",
    2: "pests",
    3: "mold, asbestos, smoke, air quality",
    4: "leaks",
    5: "extreme temperature",
    6: "anything else of the site",
}
HAZARD_CLASS: Mapping[Hazard, int] = {
    Hazard.ELECTRICITY: 1,
    Hazard.INTERNET: 1,
    Hazard.WATER: 1,
    Hazard.PESTS: 2,
    Hazard.MOLD: 3,
    Hazard.ASBESTOS: 3,
    Hazard.SMOKE: 3,
    Hazard.AIR_QUALITY: 3,
    Hazard.LEAKS: 4,
    Hazard.TEMPERATURE: 5,
    Hazard.OTHER: 6,
}
_CONDITION_CLASS = {Condition.COLD: 5, Condition.HEAT: 5, Condition.OUTAGE: 1}
_MEASURED = {Condition.COLD: Account.COLD, Condition.HEAT: Account.HEAT, Condition.OUTAGE: Account.OUTAGE}

Subject = tuple[Place, Condition, Hazard | None]


def checklist(season: Season) -> Report:
    """Return what there is to look at."""
    notes = (
        "For the inspection checklist and its plan (9.9.2.A, 9.9.2.C); the order is a proposal.",
        "Only temperature and electricity are measured. Of all else only what people reported is known.",
    )
    return report(
        "checklist", "For the inspection checklist", season, (_items(season), _classes(season)), notes
    )


def class_of(condition: Condition, hazard: Hazard | None) -> int:
    """Return the number of a subject among the classes of 9.9.2.C."""
    return HAZARD_CLASS[hazard] if hazard is not None else _CONDITION_CLASS.get(condition, 6)


def _items(season: Season) -> Table:
    columns = (
        Column("rank", "Rank", Form.COUNT),
        Column("class", "Class (9.9.2.C)", Form.COUNT),
        Column("what", "What"),
        Column("building", "Building"),
        Column("room", "Room"),
        Column("name", "Name"),
        Column("open", "Open now", Form.COUNT),
        Column("missed", "Deadlines missed", Form.COUNT),
        Column("recurrences", "Came back", Form.COUNT),
        Column("tickets", "Tickets", Form.COUNT),
        Column("breach_h", "Hours in breach", Form.HOURS),
        Column("last_at", "Last began", Form.MOMENT),
    )
    rows = sorted((_item(season, each) for each in _subjects(season)), key=_rank)
    ranked = tuple((rank, *row) for rank, row in enumerate(rows, 1))
    bars = Bars("Tickets by place", ("building", "name", "what"), "tickets", "tickets")
    return Table("items", "What to look at", columns, ranked, "Nothing is on record.", (bars,))


def _subjects(season: Season) -> Iterator[Subject]:
    """Yield what had a ticket or a breach in the range, or is open now."""
    found: dict[Subject, None] = {}
    for case in season.cases:
        if _concerns(case, season):
            found[case.ticket.subject] = None
    for place in season.months:
        for condition, account in _MEASURED.items():
            if (condition is Condition.OUTAGE) == (place.room is None) and season.time(place, account).breach:
                found[place, condition, None] = None
    yield from found


def _concerns(case: Case, season: Season) -> bool:
    is_here = case.is_open and case.ticket.opened_at < season.end
    return is_here or any(map(season.holds, (case.ticket.opened_at, *case.recurred_at)))


def _item(season: Season, subject: Subject) -> tuple[Cell, ...]:
    place, condition, hazard = subject
    cases = [each for each in season.of(place) if each.ticket.subject == subject and _concerns(each, season)]
    account = _MEASURED.get(condition)
    began = [at for each in cases for at in _began(each) if at < season.end]
    return (
        class_of(condition, hazard),
        (hazard or condition).value.replace("_", " "),
        place.building,
        place.room,
        season.room_name(place),
        sum(each.is_open for each in cases),
        sum(len(missed_of(each, season)) for each in cases),
        sum(recurrences(each, season) for each in cases),
        sum(season.holds(each.ticket.opened_at) for each in cases),
        None if account is None else hours_in_breach(season.time(place, account)),
        max(began, default=None),
    )


def _began(case: Case) -> list[datetime]:
    return [each.began_at for each in case.episodes] or [case.ticket.began_at]


def _rank(row: tuple[Cell, ...]) -> tuple[object, ...]:
    number, name, building, room, _, *numbers, breach, _last = row
    worst = (-each for each in (*numbers, breach or 0) if isinstance(each, int | float))
    return *worst, number, building, room or "", name


def _classes(season: Season) -> Table:
    columns = (
        Column("class", "Class (9.9.2.C)", Form.COUNT),
        Column("what", "What"),
        Column("tickets", "Tickets", Form.COUNT),
        Column("open", "Open now", Form.COUNT),
        Column("measured", "Measured"),
    )
    rows = []
    for number, words in CLASSES.items():
        cases = [each for each in season.cases if _class(each) == number and _concerns(each, season)]
        opened = sum(season.holds(each.ticket.opened_at) for each in cases)
        measured = {1: "electricity only", 5: "yes"}.get(number, "no: as people report it")
        rows.append((number, words, opened, sum(each.is_open for each in cases), measured))
    return Table("classes", "The classes of 9.9.2.C", columns, tuple(rows), "")


def _class(case: Case) -> int:
    return class_of(case.ticket.condition, case.ticket.hazard)
