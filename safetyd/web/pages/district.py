"""All buildings, page by page: where something is open, overdue, silent, undelivered or without electricity.

Rule: what is open and what is wrong is counted once for all buildings; of a room that is well only its age is
looked at. Unknown is not ok: rooms without a reading count. Under a clause only its tickets are counted.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from safetyd.core import power
from safetyd.core.model import CLAUSE, Condition
from safetyd.view import View
from safetyd.web.access import Right, may
from safetyd.web.pages.due import Due
from safetyd.web.pages.page import Answer, Sheet, Visit
from safetyd.web.pages.rooms import natural
from safetyd.web.pages.standings import Standing, standings

PAGE = 50
CLAUSES: Mapping[str, tuple[str, tuple[Condition, ...]]] = {
    clause: (words, tuple(each for each in Condition if CLAUSE[each] == clause))
    for clause, words in (("9.14.3", "temperature"), ("9.14.4", "hazards"), ("9.14.5", "electricity"))
}
_LONGEST_QUERY = 80


class Row(NamedTuple):
    """One building: its rooms in breach and those without a reading, and what is counted of it."""

    id: str
    name: str
    rooms: int
    cold: int
    hot: int
    open: int
    overdue: int
    silent: int
    undelivered: int
    electricity: str
    out_since: datetime | None
    due: Due | None

    @property
    def has_power_trouble(self) -> bool:
        """Whether its electricity is out, or may be."""
        return self.electricity in (power.Standing.OUT, power.Standing.SUSPECTED)

    @property
    def badness(self) -> tuple[int, ...]:
        """By what the worst comes first."""
        breaches = self.cold + self.hot
        return self.overdue, self.has_power_trouble, breaches, self.undelivered, self.open, self.silent


class Choice(NamedTuple):
    """A link to fewer buildings: what they are, how many, and whether it is the one that is followed."""

    words: str
    number: int
    query: str
    is_chosen: bool


FILTERS: Mapping[str, tuple[str, Callable[[Row], object]]] = {
    "breach": ("too cold or too hot", lambda row: row.cold + row.hot),
    "open": ("open", lambda row: row.open),
    "overdue": ("overdue", lambda row: row.overdue),
    "silent": ("no reading", lambda row: row.silent),
    "undelivered": ("undelivered", lambda row: row.undelivered),
    "electricity": ("no electricity", lambda row: row.has_power_trouble),
}
_OF_TICKETS = ("open", "overdue", "undelivered")


def district(view: View, visit: Visit) -> Answer:
    """Return the page of all buildings that somebody may see."""
    return Sheet("district.html", _shown(view, visit))


def district_buildings(view: View, visit: Visit) -> Answer:
    """Return the part of it that changes."""
    return Sheet("district_buildings.html", _shown(view, visit))


def _shown(view: View, visit: Visit) -> dict[str, Any]:
    may_read = may(visit.account, Right.TICKETS)
    hidden = () if may_read else _OF_TICKETS
    only, clause = visit.query.get("only", ""), visit.query.get("clause", "")
    only = only if only in FILTERS and only not in hidden else ""
    clause = clause if clause in CLAUSES and may_read else ""
    text = visit.query.get("q", "").strip()[:_LONGEST_QUERY]
    asked = {"only": only, "clause": clause, "q": text}
    known = standings(view, visit.account)
    of_clause = {each: rows(known, each) for each in ("", *(CLAUSES if may_read else ()))}
    shown = _narrowed(of_clause[clause], only)
    if text:
        needle = text.casefold()
        shown = [row for row in shown if needle in row.name.casefold() or needle in row.id]
    shown.sort(key=lambda row: (*(-number for number in row.badness), natural(row.name)))
    first = (_page(visit.query.get("page", ""), len(shown)) - 1) * PAGE
    return {
        "rows": shown[first : first + PAGE],
        "count": len(known),
        "found": len(shown),
        "first": first,
        "earlier": _query(asked, page=str(first // PAGE)) if first else None,
        "later": _query(asked, page=str(first // PAGE + 2)) if first + PAGE < len(shown) else None,
        "filters": [
            Choice("all", len(of_clause[clause]), _query(asked, only=""), not only),
            *(
                Choice(
                    FILTERS[each][0],
                    len(_narrowed(of_clause[clause], each)),
                    _query(asked, only=each),
                    only == each,
                )
                for each in FILTERS
                if each not in hidden
            ),
        ],
        "clauses": [
            Choice(
                f"{each} {CLAUSES[each][0]}" if each else "every clause",
                len(_narrowed(found, only)),
                _query(asked, clause=each),
                clause == each,
            )
            for each, found in of_clause.items()
            if may_read
        ],
        "hidden": hidden,
        "here": _query(asked, page=str(first // PAGE + 1) if first else ""),
        **asked,
    }


def _query(asked: Mapping[str, str], **other: str) -> str:
    """Return what a link asks for: the same but for what is said."""
    return urlencode({name: value for name, value in {**asked, **other}.items() if value})


def _page(said: str, count: int) -> int:
    """Return which page is meant, from 1; the last one where there are not so many."""
    last = max(1, -(-count // PAGE))
    return min(max(int(said), 1), last) if said.isascii() and said.isdigit() and len(said) < 9 else 1


def _narrowed(found: Sequence[Row], only: str) -> list[Row]:
    return [row for row in found if FILTERS[only][1](row)] if only else list(found)


def rows(known: Sequence[Standing], clause: str) -> list[Row]:
    """Return the buildings; under a clause those that have an open ticket by it."""
    conditions = CLAUSES[clause][1] if clause else tuple(Condition)
    found = []
    for each in known:
        owed = [each.owed[condition] for condition in conditions if condition in each.owed]
        if clause and not owed:
            continue
        dues = [of.due for of in owed if of.due is not None]
        found.append(
            Row(
                each.id,
                each.name,
                each.rooms,
                each.cold,
                each.hot,
                sum(of.open for of in owed),
                sum(of.overdue for of in owed),
                each.silent,
                each.undelivered,
                each.electricity,
                each.out_since,
                min(dues, key=lambda due: due.at, default=None),
            )
        )
    return found
