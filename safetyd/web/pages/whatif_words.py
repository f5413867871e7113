"""A supposition in words, numbers and charts, and the command that has it exact.

Rule: each number stands beside the one in force and their difference; an estimate says how far it may be
trusted.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.history.buckets import midnight
from safetyd.reports.report import percent
from safetyd.site import Site
from safetyd.times import rfc3339
from safetyd.web.charts.shapes import Pair, PairChart
from safetyd.web.pages.whatif_asked import Asked
from safetyd.whatif.answer import Answer, Row
from safetyd.whatif.figures import Figures, together

_HOUR = 3_600_000_000
_CLOSE, _FAR = 0.02, 0.10  # how far an estimate of the rules in force may be from the record
_MUCH_KNOWN = 0.8


class Figure(NamedTuple):
    """One thing that is counted."""

    name: str
    of: Callable[[Figures], float]
    form: str
    is_known: Callable[[Row], bool] = lambda _: True


FIGURES = (
    Figure("Tickets", lambda each: each.tickets, ",d"),
    Figure("Room-hours in breach", lambda each: each.breach / _HOUR, ",.1f", lambda row: row.has_breach),
    Figure(
        "Hours of the student day", lambda each: each.student / _HOUR, ",.1f", lambda row: row.has_student
    ),
    Figure("Deadlines missed", lambda each: each.missed, ",d"),
)


class Both(NamedTuple):
    """One figure on both sides."""

    name: str
    in_force: str
    proposed: str
    difference: str

    @property
    def is_other(self) -> bool:
        """Whether the two sides differ, as they are shown."""
        return self.in_force != self.proposed


class Line(NamedTuple):
    """A row of the table."""

    building: str
    month: str
    figures: list[Both]
    known: str


def both(row: Row) -> list[Both]:
    """Return each figure of a row on both sides."""
    found = []
    for name, of, form, is_known in FIGURES:
        if not is_known(row):
            found.append(Both(name, "–", "–", "not known"))
            continue
        was, will = of(row.in_force), of(row.proposed)
        side = Both(name, f"{was:{form}}", f"{will:{form}}", "no change")
        if side.is_other:
            side = side._replace(difference=f"{will - was:+{form}}".replace("-", "−"))
        found.append(side)
    return found


def lines(answer: Answer, site: Site) -> list[Line]:
    """Return the rows of the table."""
    names = {each.id: each.name for each in site.buildings}
    return [
        Line(names.get(row.building, row.building), f"{row.month:%b %Y}", both(row), known(row))
        for row in answer.rows
    ]


def known(row: Row) -> str:
    """Return how much of a row's time is known."""
    return "–" if row.coverage is None else percent(row.coverage)


def headline(answer: Answer) -> str:
    """Return what it comes to, in one sentence."""
    tickets, breach, *_ = both(answer.total)
    return (
        f"{tickets.proposed} instead of {tickets.in_force} tickets, "
        f"{breach.proposed} instead of {breach.in_force} room-hours in breach"
    )


def trust(answer: Answer) -> list[str]:
    """Return how good an estimate it is, in sentences."""
    total = answer.total
    said = ["This is an estimate: each 5 minutes of a room count as one reading, the worst of them."]
    if answer.recorded is not None:
        ours, record = total.in_force.breach, answer.recorded
        off = abs(ours - record) / max(ours, record) if max(ours, record) else 0.0
        if off <= _CLOSE:
            judged = "so close to the record it can be relied on to compare rules"
        elif off <= _FAR:
            judged = f"{off:.0%} beside the record it shows which way things go, not the last ticket"
        else:
            judged = f"{off:.0%} beside the record it must be had exact before anybody relies on it"
        said.append(
            f"For the rules in force it gives {ours / _HOUR:,.1f} room-hours in breach; on record are "
            f"{record / _HOUR:,.1f}: {judged}."
        )
    words = f"{known(total)} of the rooms' time is known; what is not known is no breach on either side."
    said.append(words if (total.coverage or 0.0) >= _MUCH_KNOWN else f"Only {words}")
    if total.proposed.unrelieved:
        count = total.proposed.unrelieved
        said.append(
            f"{count:,} of the missed deadlines proposed {'is' if count == 1 else 'are'} of tickets that are "
            "not on record: nobody could relieve them, so they count as missed."
        )
    said += [f"{note[0].upper()}{note[1:]}." for note in answer.limits]
    return said


def charts(answer: Answer, site: Site) -> Iterator[tuple[str, PairChart]]:
    """Yield each figure by month, and by building where there are several, with a name for each chart."""
    names = {each.id: each.name for each in site.buildings}
    months = sorted({row.month for row in answer.rows})
    buildings = list(dict.fromkeys(row.building for row in answer.rows))
    by_month = [(f"{each:%b %Y}", [row for row in answer.rows if row.month == each]) for each in months]
    by_building = [
        (names.get(each, each), [row for row in answer.rows if row.building == each]) for each in buildings
    ]
    for by, found in (("month", by_month), ("building", by_building)):
        if by == "month" or len(buildings) > 1:
            for n, figure in enumerate(FIGURES):
                pairs = [
                    _pair(label, rows, figure) for label, rows in found if any(map(figure.is_known, rows))
                ]
                title = f"{figure.name} by {by}"
                yield f"{by}{n}", PairChart(title, ("in force", "proposed"), pairs, figure.name.lower())


def _pair(label: str, rows: Sequence[Row], figure: Figure) -> Pair:
    sides = (together(each.in_force for each in rows), together(each.proposed for each in rows))
    return Pair(label, *map(figure.of, sides))


def commands(asked: Asked, site: Site) -> list[str]:
    """Return what answers the same from every reading: a line, or one for each building of some."""
    zone, span = site.timezone, asked.range
    words = ["safetyd", "whatif", "--from", _edge(span.begin, zone), "--to", _edge(span.end, zone)]
    sets = [part for setting in asked.question.settings for part in ("--set", setting)]
    where = asked.question.buildings
    if len(where) == len(site.buildings):
        return [shlex.join([*words, *sets, "--exact"])]
    return [shlex.join([*words, "--building", each, *sets, "--exact"]) for each in where]


def _edge(at: datetime, zone: ZoneInfo) -> str:
    day = at.astimezone(zone).date()
    return str(day) if midnight(day, zone) == at else rfc3339(at)
