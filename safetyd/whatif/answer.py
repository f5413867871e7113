"""The rules in force against others, over one season: asked, worked out both ways, and compared.

Rule: both sides are worked out in the same way from the same record, so that what differs is the rules. An
answer says what it rests on and how much of the time is known.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from safetyd.core.rules import RuleBook
from safetyd.core.tally import floor
from safetyd.ingest.topics import routes
from safetyd.recovery import facts_of
from safetyd.site import Site, with_rules
from safetyd.store import rollups, supposing
from safetyd.store.database import Connection
from safetyd.store.rollups import HOUR
from safetyd.times import months, rfc3339
from safetyd.whatif.estimate import Span
from safetyd.whatif.figures import (
    NOTHING,
    Figures,
    Key,
    Outcome,
    WhatIfError,
    together,
)
from safetyd.whatif.waiting import waiting

_GRAIN = timedelta(microseconds=1)
_HOUR = 3_600_000_000
_NEEDS_READINGS = (
    "rules.quality",
    "rules.cold.confirm",
    "rules.heat.confirm",
    "rules.heat.pair_within",
    "rules.outage.quorum",
    "rules.outage.nominal_v",
)
ESTIMATED, EXACT = "estimated from 5-minute values", "every stored reading, through the engine"
CLEAN_SLATE = "both sides begin without open tickets, and with no episode in progress"
NO_RELIEF = "of tickets that the record does not know no relief is known: what fell due counts as missed"
UNLISTED = "months in which nothing is known of a building have no row; they count in the coverage of all"


class Question(NamedTuple):
    """Which season, which buildings, and the settings of the proposed rules as KEY=VALUE."""

    begin: datetime
    end: datetime
    settings: tuple[str, ...]
    buildings: tuple[str, ...]


class Row(NamedTuple):
    """One building and month: both sides, and how much of its rooms' time is known, of how much; and whether
    any of the student day is."""

    building: str
    month: date
    in_force: Figures
    proposed: Figures
    known: int
    whole: int
    is_class_known: bool = True

    @property
    def has_breach(self) -> bool:
        """Whether time in breach is known; of what nobody measured, none was measured to be 0."""
        return bool(self.known or self.in_force.breach or self.proposed.breach)

    @property
    def has_student(self) -> bool:
        """Whether time in breach in the student day is known."""
        return bool(self.is_class_known or self.in_force.student or self.proposed.student)

    @property
    def coverage(self) -> float | None:
        """Which share of the time is known; what is not all is never 1."""
        if not self.whole:
            return None
        return 1.0 if self.known >= self.whole else min(round(self.known / self.whole, 4), 0.9999)


class Answer(NamedTuple):
    """`recorded` is the time in breach that the roll-ups have on record, where the answer is an estimate;
    `remarks` are what else a reader must know of what it rests on. `whole` is the time of all rooms in the
    range, that of which nothing is known too."""

    question: Question
    basis: str
    rules: tuple[str, str]
    rows: tuple[Row, ...]
    recorded: int | None = None
    remarks: tuple[str, ...] = ()
    whole: int = 0

    @property
    def total(self) -> Row:
        """All rows together."""
        return Row(
            "",
            self.question.begin.date(),
            together(row.in_force for row in self.rows),
            together(row.proposed for row in self.rows),
            sum(row.known for row in self.rows),
            self.whole,
            any(row.is_class_known for row in self.rows),
        )

    @property
    def limits(self) -> list[str]:
        """What holds of any such answer, a sentence each."""
        listed = sum(row.whole for row in self.rows)
        return [CLEAN_SLATE, NO_RELIEF, *([UNLISTED] if listed < self.whole else ())]

    @property
    def notes(self) -> list[str]:
        """What a reader must know beside the numbers, a sentence each."""
        notes = self.limits
        if self.recorded is not None:
            ours, known = self.total.in_force.breach / _HOUR, self.recorded / _HOUR
            said = f"under the rules in force this way gives {ours:,.1f} room-hours in breach"
            notes.append(f"{said}; on record are {known:,.1f}")
        return [*notes, *self.remarks]


def nothing_known(connection: Connection, site: Site, question: Question) -> str:
    """Return that no reading is on record of a range that is rolled up, in words; nothing if one may be."""
    rolled = rollups.progress(connection)
    if rolled is None or rolled.settled_to < question.end:
        return ""
    numbers = [
        each.number for each in rollups.places(connection) if each.place.building in question.buildings
    ]
    span = question.begin, question.end
    is_known = supposing.is_anything_known(connection, *span, numbers)
    is_late = not is_known and waiting(connection, question.buildings, *span, rolled.reading)
    return "" if is_known or is_late else unread(question, site)


def needs_readings(settings: Sequence[str]) -> str | None:
    """Return the first key that 5-minute values cannot answer, None if they can."""
    keys = (setting.partition("=")[0].strip() for setting in settings)
    return next((key for key in keys if key.startswith(_NEEDS_READINGS)), None)


def both_books(site: Site, settings: Sequence[str], *, mend: str = "add --exact") -> list[RuleBook]:
    """Return the rules in force and the proposed ones, where 5-minute values can tell them apart.

    Raises:
        WhatIfError: they cannot; `mend` is what to do then.
        ConfigurationError: a setting is none.
    """
    proposed = with_rules(site, settings)
    if (key := needs_readings(settings)) is not None:
        raise WhatIfError(f"{key}: 5-minute values cannot tell what it would change; {mend}")
    return [site.rulebook, proposed.rulebook]


def compared(
    site: Site,
    question: Question,
    basis: str,
    in_force: Outcome,
    proposed: Outcome,
    known: dict[Key, int],
    in_class: Collection[Key],
    recorded: int | None = None,
) -> Answer:
    """Return both sides' outcomes as an answer, a row for each building and month that anything is known of.

    `in_class` are those of which anything of the student day is.

    Raises:
        WhatIfError: nothing is.
    """
    if not sum(known.values()):
        raise WhatIfError(unread(question, site))
    facts = facts_of(site, routes(site))
    rows, whole = [], 0
    for building in question.buildings:
        here = site.building(building)
        rooms = 0 if here is None else len(here.rooms)
        whole += rooms * ((question.end - question.begin) // _GRAIN)
        for month, begin, end in months(question.begin, question.end, facts.timezone):
            key = building, month
            one, other = (each.rows.get(key, NOTHING) for each in (in_force, proposed))
            there = rooms * ((end - begin) // _GRAIN)
            row = Row(building, month, one, other, known.get(key, 0), there, key in in_class)
            if row.known or row.in_force != NOTHING or row.proposed != NOTHING:
                rows.append(row)
    rules = site.rulebook.fingerprint, with_rules(site, question.settings).rulebook.fingerprint
    return Answer(question, basis, rules, tuple(rows), recorded, whole=whole)


def unread(question: Question, site: Site) -> str:
    """Return that no reading of a range is on record, in words."""
    where, ends = ", ".join(question.buildings), (question.begin, question.end)
    since, until = (f"{at.astimezone(site.timezone):%Y-%m-%d %H:%M}" for at in ends)
    return f"no reading of a room of {where} is on record from {since} to {until}"


def answer_object(answer: Answer) -> dict[str, Any]:
    """Return an answer as `whatif --json` prints it."""
    return {
        "from": rfc3339(answer.question.begin),
        "to": rfc3339(answer.question.end),
        "set": list(answer.question.settings),
        "basis": answer.basis,
        "rules": {"in_force": answer.rules[0], "proposed": answer.rules[1]},
        "months": [
            {"building": row.building, "month": f"{row.month:%Y-%m}"} | _sides(row) for row in answer.rows
        ],
        "total": _sides(answer.total),
        "recorded_breach_h": None if answer.recorded is None else round(answer.recorded / _HOUR, 3),
        "notes": answer.notes,
    }


def _sides(row: Row) -> dict[str, Any]:
    minus = Figures(*(b - a for a, b in zip(row.in_force, row.proposed, strict=True)))
    return {
        "in_force": _plain(row.in_force, row),
        "proposed": _plain(row.proposed, row),
        "difference": _plain(minus, row),
        "coverage": row.coverage,
    }


def _plain(figures: Figures, row: Row) -> dict[str, float | None]:
    return {
        "tickets": figures.tickets,
        "breach_h": round(figures.breach / _HOUR, 3) if row.has_breach else None,
        "student_day_h": round(figures.student / _HOUR, 3) if row.has_student else None,
        "missed": figures.missed,
        "missed_not_on_record": figures.unrelieved,
    }


def buildings_meant(site: Site, named: Sequence[str]) -> tuple[str, ...]:
    """Return the buildings that are named, or all that have sensors here.

    Raises:
        WhatIfError: they are watched from afar.
    """
    if site.is_watch:
        raise WhatIfError("these buildings are watched from afar; ask the safetyd that has their readings")
    return tuple(named) or tuple(each.id for each in site.buildings)


def full_hours(begin: datetime, end: datetime) -> Span:
    """Return the full hours that lie in a range: a part of one cannot be told from its roll-up."""
    first, last = floor(begin, HOUR), floor(end, HOUR)
    return Span(first if first == begin else first + HOUR, last)


def hours_around(begin: datetime, end: datetime) -> Span:
    """Return the hours that a span touches."""
    last = floor(end, HOUR)
    return Span(floor(begin, HOUR), last if last == end else last + HOUR)
