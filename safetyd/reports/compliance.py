"""What became of the contract's deadlines and of the notices, by building and term.

Rule: a ticket and its deadlines count in the term in which it opened, a notice in that in which it was owed.
Facts are counted; what they mean is for people to say.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from statistics import median
from typing import NamedTuple, TypeVar

from safetyd.core.model import CLAUSE
from safetyd.core.ticket import Deadline, Due, Tier
from safetyd.reports.report import Bars, Cell, Column, Form, Report, Table, report
from safetyd.reports.season import Case, Season
from safetyd.reports.terms import term_of
from safetyd.store.promptness import Prompt

LATE_AFTER = timedelta(minutes=10)  # ours: as long as the last resort waits by default
_HOUR = timedelta(hours=1)
_OF_TERM = (Column("building", "Building"), Column("term", "Term"))
_DEADLINES = (
    Column("met", "Met in time", Form.COUNT),
    Column("met_late", "Met late", Form.COUNT),
    Column("missed", "Missed, not met", Form.COUNT),
    Column("pending", "Pending", Form.COUNT),
    Column("closed_before_due", "Closed before due", Form.COUNT),
    Column("extended", "of all, extended", Form.COUNT),
)


Each = TypeVar("Each")
Key = TypeVar("Key", bound=tuple[str, ...])


class Promised(NamedTuple):
    """A deadline of a ticket."""

    case: Case
    deadline: Deadline


def compliance(season: Season) -> Report:
    """Return what became of them."""
    notes = (
        "Terms are halves of a school year: August to January, February to July.",
        "Deadlines are those with a date, of the tickets that opened in the range. Missed ones stay on"
        " record; an extension stands beside a deadline and does not move it.",
        "Time to relief is from the beginning of the breach to when relief was put on record.",
        f"A notice is late if the first of its people had it more than {LATE_AFTER.seconds // 60} minutes"
        " after it was owed, for whatever reason (quiet hours too); undelivered if nobody has it by then.",
    )
    tables = (_by_clause(season), _by_tier(season), _notices(season))
    return report("compliance", "Deadlines and notices", season, tables, notes)


def _by_clause(season: Season) -> Table:
    groups = _grouped(season.opened(), lambda each: (*_term(season, each), CLAUSE[each.ticket.condition]))
    rows: list[tuple[Cell, ...]] = [
        (
            *key,
            len(cases),
            sum(each.is_open for each in cases),
            sum(each.ticket.disputed for each in cases),
            *_outcomes(_promised(cases)),
        )
        for key, cases in groups
    ]
    columns = (
        *_OF_TERM,
        Column("clause", "Clause"),
        Column("tickets", "Tickets", Form.COUNT),
        Column("open", "Not closed", Form.COUNT),
        Column("disputed", "Disputed", Form.COUNT),
        *_DEADLINES,
    )
    bars = Bars("Tickets by building, term and clause", ("building", "term", "clause"), "tickets", "tickets")
    return Table("clauses", "Tickets by clause", columns, tuple(rows), "No ticket opened.", (bars,))


def _by_tier(season: Season) -> Table:
    def key(each: Promised) -> tuple[str, str, str, str]:
        order = str(tuple(Tier).index(each.deadline.tier))
        return *_term(season, each.case), order, each.deadline.tier.value

    groups = _grouped(_promised(season.opened(), with_unset=True), key)
    rows = [
        (
            building,
            term,
            tier,
            *_outcomes([each for each in promised if each.deadline.due_at is not None]),
            _median_h(promised),
        )
        for (building, term, _, tier), promised in groups
    ]
    columns = (
        *_OF_TERM,
        Column("tier", "Relief", Form.WORD),
        *_DEADLINES,
        Column("median_h", "Median hours to relief", Form.HOURS),
    )
    bars = Bars("Median hours to relief", ("building", "term", "tier"), "median_h", "h")
    return Table("relief", "Deadlines and relief by tier", columns, tuple(rows), "No ticket opened.", (bars,))


def _promised(cases: Iterable[Case], *, with_unset: bool = False) -> list[Promised]:
    return [
        Promised(case, each)
        for case in cases
        for each in case.ticket.deadlines
        if with_unset or each.due_at is not None
    ]


def _outcomes(promised: Sequence[Promised]) -> tuple[int, ...]:
    states = [each.deadline.state for each in promised]
    pending = [each for each in promised if each.deadline.state is Due.PENDING]
    return (
        states.count(Due.MET),
        states.count(Due.MET_LATE),
        states.count(Due.MISSED),
        sum(each.case.is_open for each in pending),
        sum(not each.case.is_open for each in pending),
        sum(each.deadline.extended_to is not None for each in promised),
    )


def _median_h(promised: Sequence[Promised]) -> float | None:
    taken = [
        (each.deadline.met_at - each.case.ticket.began_at) / _HOUR
        for each in promised
        if each.deadline.met_at is not None
    ]
    return round(median(taken), 4) if taken else None


def _notices(season: Season) -> Table:
    groups = _grouped(season.prompts, lambda each: (each.building, term_of(each.at, season.zone)))
    rows: list[tuple[Cell, ...]] = [(*key, len(found), *_promptness(found, season)) for key, found in groups]
    columns = (
        *_OF_TERM,
        Column("notices", "Notices", Form.COUNT),
        Column("prompt", "In time", Form.COUNT),
        Column("late", "Late", Form.COUNT),
        Column("undelivered", "Undelivered", Form.COUNT),
        Column("waiting", "Just owed", Form.COUNT),
        Column("moot", "Overtaken or withdrawn", Form.COUNT),
        Column("nobody", "To nobody's address", Form.COUNT),
        Column("shelved", "Shelved", Form.COUNT),
    )
    bars = Bars("Notices that were late", ("building", "term"), "late", "notices")
    return Table("notices", "Notices about tickets", columns, tuple(rows), "No notice was owed.", (bars,))


def _promptness(found: Sequence[Prompt], season: Season) -> tuple[int, ...]:
    kinds = [_kind(each, season) for each in found]
    return tuple(
        kinds.count(each)
        for each in ("prompt", "late", "undelivered", "waiting", "moot", "nobody", "shelved")
    )


def _kind(each: Prompt, season: Season) -> str:
    if each.is_shelved:
        return "shelved"
    if each.first_at is not None:
        return "late" if each.first_at - each.at > LATE_AFTER else "prompt"
    if each.is_moot:
        return "moot"
    if each.has_no_address:
        return "nobody"
    return "undelivered" if season.made_at - each.at > LATE_AFTER else "waiting"


def _term(season: Season, case: Case) -> tuple[str, str]:
    return case.ticket.place.building, term_of(case.ticket.opened_at, season.zone)


def _grouped(found: Iterable[Each], key: Callable[[Each], Key]) -> list[tuple[Key, list[Each]]]:
    """Return what has the same key, in order of the keys."""
    groups: dict[Key, list[Each]] = {}
    for each in found:
        groups.setdefault(key(each), []).append(each)
    return sorted(groups.items(), key=lambda item: tuple(map(str, item[0])))
