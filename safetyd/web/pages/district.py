"""All buildings on one page: where something is open, overdue, silent, undelivered or without electricity.

Rule: what is open and what is wrong is counted once for all buildings; of a room that is well only its age is
looked at. Unknown is not ok: rooms without a reading count.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from safetyd.core import power
from safetyd.core.model import Condition, Place
from safetyd.store.unreached import unreached_by_building
from safetyd.view import View
from safetyd.web.access import Right, may, sees
from safetyd.web.pages.due import Due, first_due, open_tickets
from safetyd.web.pages.page import Answer, Sheet, Visit
from safetyd.web.pages.rooms import natural

_UNDER_WAY = timedelta(minutes=1)  # a message may take so long
_LOOKED_BACK = timedelta(days=7)  # what reached nobody before that is on its ticket
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


FILTERS: Mapping[str, tuple[str, Callable[[Row], object]]] = {
    "breach": ("too cold or too hot", lambda row: row.cold + row.hot),
    "open": ("open", lambda row: row.open),
    "overdue": ("overdue", lambda row: row.overdue),
    "silent": ("no reading", lambda row: row.silent),
    "undelivered": ("undelivered", lambda row: row.undelivered),
    "electricity": ("no electricity", lambda row: row.has_power_trouble),
}


def district(view: View, visit: Visit) -> Answer:
    """Return the page of all buildings that somebody may see."""
    return Sheet("district.html", _shown(view, visit))


def district_buildings(view: View, visit: Visit) -> Answer:
    """Return the part of it that changes."""
    return Sheet("district_buildings.html", _shown(view, visit))


def _shown(view: View, visit: Visit) -> dict[str, Any]:
    wanted, text = visit.query.get("only", ""), visit.query.get("q", "").strip()[:_LONGEST_QUERY]
    found = rows(view, visit)
    counts = {name: sum(bool(is_so(row)) for row in found) for name, (_, is_so) in FILTERS.items()}
    shown = found
    if wanted in FILTERS:
        shown = [row for row in shown if FILTERS[wanted][1](row)]
    if text:
        needle = text.casefold()
        shown = [row for row in shown if needle in row.name.casefold() or needle in row.id]
    hidden = () if may(visit.account, Right.TICKETS) else ("open", "overdue", "undelivered")
    return {
        "rows": shown,
        "count": len(found),
        "filters": [(each, FILTERS[each][0], counts[each]) for each in FILTERS if each not in hidden],
        "hidden": hidden,
        "only": wanted if wanted in FILTERS else "",
        "q": text,
    }


def rows(view: View, visit: Visit) -> list[Row]:
    """Return the buildings that somebody may see, the worst first."""
    world, account = view.world, visit.account
    may_read = may(account, Right.TICKETS)
    breaches = Counter((place.building, condition) for place, condition in world.running)
    open_ones: Counter[str] = Counter()
    overdue: Counter[str] = Counter()
    dues: dict[str, Due] = {}
    for ticket in open_tickets(world) if may_read else ():
        building = ticket.place.building
        open_ones[building] += 1
        due = first_due(ticket)
        if due is not None:
            overdue[building] += due.at < view.at
            if building not in dues or due.at < dues[building].at:
                dues[building] = due
    heard = _heard(view)
    span = view.at - _LOOKED_BACK, view.at - _UNDER_WAY
    undelivered = unreached_by_building(view.connection, *span) if may_read else {}
    rule = view.facts.book.in_force(view.at).outage
    found = []
    for each in view.site.buildings:
        if sees(account, each.id):
            known = world.powers.get(Place(each.id, None), power.EMPTY)
            found.append(
                Row(
                    each.id,
                    each.name,
                    len(each.rooms),
                    breaches[each.id, Condition.COLD],
                    breaches[each.id, Condition.HEAT],
                    open_ones[each.id],
                    overdue[each.id],
                    len(each.rooms) - heard[each.id],
                    undelivered.get(each.id, 0),
                    power.standing(known, view.at, rule).value,
                    known.began_at,
                    dues.get(each.id),
                )
            )
    found.sort(key=lambda row: (*(-each for each in row.badness), natural(row.name)))
    return found


def _heard(view: View) -> dict[str, int]:
    """Return of how many rooms of each building a temperature counts."""
    found = {each.id: 0 for each in view.site.buildings}
    places, at = view.facts.places, view.at
    for place, room in view.world.rooms.items():
        for source in room.sources.values():
            if source.temperature is not None and source.temperature.until >= at:
                if place in places:
                    found[place.building] += 1
                break
    return found
