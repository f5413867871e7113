"""How each building stands: what is counted of it for a list of hundreds.

Rule: one pass over what is open, one over the rooms; nothing is read from the store for each building.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core import power
from safetyd.core.model import Condition, Place
from safetyd.store.accounts import Account
from safetyd.store.unreached import unreached_by_building
from safetyd.view import View
from safetyd.web.access import Right, may, sees
from safetyd.web.pages.due import Due, first_due, open_tickets

_UNDER_WAY = timedelta(minutes=1)  # a message may take so long
_LOOKED_BACK = timedelta(days=7)  # what reached nobody before that is on its ticket


class Owed(NamedTuple):
    """Of the open tickets of one building and condition: how many, how many overdue, what is due first."""

    open: int = 0
    overdue: int = 0
    due: Due | None = None

    def and_of(self, due: Due | None, now: datetime) -> "Owed":
        """Return it with one more ticket, by what of that is due first."""
        if due is None:
            return self._replace(open=self.open + 1)
        is_first = self.due is None or due.at < self.due.at
        return Owed(self.open + 1, self.overdue + (due.at < now), due if is_first else self.due)


class Standing(NamedTuple):
    """One building: its rooms in breach and those without a reading, and what is owed by condition."""

    id: str
    name: str
    rooms: int
    cold: int
    hot: int
    silent: int
    undelivered: int
    electricity: str
    out_since: datetime | None
    owed: Mapping[Condition, Owed]


def standings(view: View, account: Account) -> list[Standing]:
    """Return the buildings that somebody may see, with what they may know of them."""
    world, may_read = view.world, may(account, Right.TICKETS)
    breaches = Counter((place.building, condition) for place, condition in world.running)
    owed = _owed(view) if may_read else {}
    heard = _heard(view)
    span = view.at - _LOOKED_BACK, view.at - _UNDER_WAY
    undelivered: dict[str, int] = {}
    for part in view.each if may_read else ():
        undelivered |= unreached_by_building(part.connection, *span)
    rule = view.facts.book.in_force(view.at).outage
    found = []
    for each in view.site.buildings:
        if sees(account, each.id):
            known = world.powers.get(Place(each.id, None), power.EMPTY)
            found.append(
                Standing(
                    each.id,
                    each.name,
                    len(each.rooms),
                    breaches[each.id, Condition.COLD],
                    breaches[each.id, Condition.HEAT],
                    len(each.rooms) - heard[each.id],
                    undelivered.get(each.id, 0),
                    power.standing(known, view.at, rule).value,
                    known.began_at,
                    owed.get(each.id, {}),
                )
            )
    return found


def _owed(view: View) -> dict[str, dict[Condition, Owed]]:
    found: dict[str, dict[Condition, Owed]] = {}
    for ticket in open_tickets(view.world):
        of_building = found.setdefault(ticket.place.building, {})
        before = of_building.get(ticket.condition, Owed())
        of_building[ticket.condition] = before.and_of(first_due(ticket), view.at)
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
