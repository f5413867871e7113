"""The tickets as a list: what is overdue or due next on top, narrowed by filters, page by page.

Rule: a list of thousands costs what one page of it shows; nothing is read from the store for the others.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import nlargest, nsmallest
from operator import attrgetter
from typing import NamedTuple
from urllib.parse import urlencode

from safetyd.core import obligation
from safetyd.core.model import Condition, Episode, Verdict
from safetyd.core.ticket import AT_REST, Deadline, Relief, Status, Ticket, Tier
from safetyd.core.world import up_to_date
from safetyd.faults import did_you_mean
from safetyd.site import Site
from safetyd.view import View
from safetyd.web.access import Right, may, sees
from safetyd.web.answers import building_of, visible_ticket
from safetyd.web.pages.due import open_tickets
from safetyd.web.pages.next_step import due_next
from safetyd.web.pages.offers import AT_ONCE
from safetyd.web.pages.page import Answer, Sheet, Visit
from safetyd.web.pages.tiers import name_of, tier_name
from safetyd.web.problems import Problem, misused

PAGE = 25
STANDING = "standing"  # every status in which something is owed
_CHOICES = {
    "status": (STANDING, *(each.value for each in Status)),
    "condition": tuple(each.value for each in Condition),
    "overdue": ("yes",),
    "order": ("urgent", "newest"),
}
_Place = tuple[float | int | str, ...]


class Line(NamedTuple):
    """One ticket of the list. `worst` is in °F."""

    ticket: Ticket
    where: str
    verdict: str
    due: Deadline | None
    tier: str
    is_overdue: bool
    worst: float | None

    @property
    def is_in_breach(self) -> bool:
        """Whether its place is measured to be in breach, and somebody may still close it."""
        is_standing = self.ticket.status not in AT_REST and self.ticket.condition is not Condition.HAZARD
        return is_standing and self.verdict == Verdict.BREACH


class Places:
    """The names of buildings and rooms."""

    def __init__(self, site: Site) -> None:
        self._buildings = {each.id: each.name or each.id for each in site.buildings}
        self._rooms = {
            (each.id, room.id): room.name or room.id for each in site.buildings for room in each.rooms
        }

    def building(self, id: str) -> str:
        """Return what a building is called."""
        return self._buildings.get(id, id)

    def room(self, building: str, room: str | None) -> str:
        """Return what a room is called; of none that it is the whole building."""
        return "whole building" if room is None else self._rooms.get((building, room), room)

    def whole(self, ticket: Ticket) -> str:
        """Return where a ticket's place is."""
        building, room = ticket.place
        return f"{self.building(building)}, {self.room(building, room)}"


def tickets(view: View, visit: Visit) -> Answer:
    """Return a page of the list."""
    said = {name: text for name, text in visit.query.items() if text}
    for name, words in _CHOICES.items():
        if said.get(name, words[0]) not in words:
            expected = f"one of {', '.join(words)}{did_you_mean(said[name][:80], words)}"
            raise misused(name, f"{name}: {said[name][:80]!r} is not {expected}")
    places = Places(view.site)
    found = _wanted(view, visit, said, places)
    standing = [each for each in found if each.status not in AT_REST]
    after = None if "cursor" not in said else _cursor(view, visit, said["cursor"])
    if said.get("order") == "newest":
        rest = _Rest(None, found).after(after)
    else:
        rest = _Rest(standing, [each for each in found if each.status in AT_REST]).after(after)
    page = rest.page()
    kept = {name: said[name] for name in said if name != "cursor"}
    deadlines = view.facts.book.in_force(view.at).deadlines
    lines = _lines(view, page, places)
    shown = {
        "lines": lines,
        "breaches": [each for each in lines if each.is_in_breach],
        "count": len(found),
        "overdue": sum(_is_overdue(each, view.at) for each in standing),
        "before": len(found) - rest.size,
        "said": said,
        "kept": urlencode(kept),
        "here": urlencode(said),
        "next": urlencode({**kept, "cursor": page[-1].id}) if rest.size > PAGE else None,
        "chosen": set(visit.form.getlist("ticket")),
        "buildings": [each for each in view.site.buildings if sees(visit.account, each.id)],
        "conditions": _CHOICES["condition"],
        "statuses": _CHOICES["status"],
        "at_once": [verb.value for verb in AT_ONCE if may(visit.account, Right(verb.value))],
        "tiers": [(tier.value, tier_name(tier, getattr(deadlines, tier, None))) for tier in Tier],
        "kinds": [each.value for each in Relief],
    }
    return Sheet("tickets.html", shown)


def _wanted(view: View, visit: Visit, said: dict[str, str], places: Places) -> list[Ticket]:
    building, status = said.get("building"), said.get("status")
    if building is not None:
        building_of(view.site, visit.account, building)
    words = said.get("text", "").casefold().split()

    def has_words(ticket: Ticket) -> bool:
        text = f"{ticket.id} {ticket.place.room or ''} {places.whole(ticket)}".casefold()
        return all(word in text for word in words)

    found: Iterable[Ticket] = view.world.tickets.values()
    if status == STANDING or "overdue" in said:
        found = open_tickets(view.world)
    if visit.account.buildings:
        found = (each for each in found if sees(visit.account, each.place.building))
    if building is not None:
        found = (each for each in found if each.place.building == building)
    if status not in (None, STANDING):
        found = (each for each in found if each.status == status)
    if "condition" in said:
        found = (each for each in found if each.condition == said["condition"])
    if "overdue" in said:
        found = (each for each in found if _is_overdue(each, view.at))
    return [each for each in found if not words or has_words(each)]


def _is_overdue(ticket: Ticket, now: datetime) -> bool:
    return ticket.status not in AT_REST and any(each.is_overdue(now) for each in ticket.deadlines)


def _by_age(ticket: Ticket) -> _Place:
    return -ticket.opened_at.timestamp(), ticket.id


def _by_urgency(ticket: Ticket) -> _Place:
    """Of what owes something what is due first, then what has no date; of each the newest first."""
    due = due_next(ticket)
    if due is None or due.in_force_at is None:
        return 1, 0.0, *_by_age(ticket)
    return 0, due.in_force_at.timestamp(), *_by_age(ticket)


class _Rest(NamedTuple):
    """What is still to be listed: first what owes something, the most urgent first; then the newest.

    There is nothing `urgent` where all are listed by their age.
    """

    urgent: Sequence[Ticket] | None
    others: Sequence[Ticket]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.urgent or ()) + len(self.others)

    def after(self, last: Ticket | None) -> "_Rest":
        """Return what comes after a ticket."""
        if last is None:
            return self
        if self.urgent is not None and last.status not in AT_REST:
            place = _by_urgency(last)
            return self._replace(urgent=[each for each in self.urgent if _by_urgency(each) > place])
        at, id = last.opened_at, last.id
        older = [
            each for each in self.others if each.opened_at < at or (each.opened_at == at and each.id > id)
        ]
        return _Rest(None if self.urgent is None else [], older)

    def page(self) -> list[Ticket]:
        """Return the next of them: of those that owe nothing only the newest are put in order."""
        found = nsmallest(PAGE, self.urgent or (), key=_by_urgency)
        left = PAGE - len(found)
        newest = nlargest(left, self.others, key=attrgetter("opened_at"))
        if newest:
            oldest = newest[-1].opened_at
            same = [each for each in self.others if each.opened_at >= oldest]
            found += sorted(same, key=_by_age)[:left]
        return found


def _cursor(view: View, visit: Visit, cursor: str) -> Ticket:
    try:
        return visible_ticket(view, visit.account, cursor)
    except Problem:
        words = f"cursor: {cursor[:80]!r} is none of ours; begin the list again"
        raise misused("cursor", words) from None


def _lines(view: View, page: Sequence[Ticket], places: Places) -> list[Line]:
    episodes = _episodes(view, {each.id for each in page})
    lines = []
    for ticket in page:
        due = None if ticket.status in AT_REST else due_next(ticket)
        there = view.of(ticket.place.building)
        verdict = obligation.verdict(there.world, there.facts, ticket, view.at).value
        tier = "" if due is None else name_of(ticket, due)
        is_overdue = _is_overdue(ticket, view.at)
        worst = _worst(ticket.condition, episodes[ticket.id])
        lines.append(Line(ticket, places.whole(ticket), verdict, due, tier, is_overdue, worst))
    return lines


def _episodes(view: View, ids: set[str]) -> dict[str, list[Episode]]:
    found = defaultdict(list)
    for part in view.each:
        for each in part.world.episodes.values():
            if each.ticket is not None and each.ticket in ids:
                found[each.ticket].append(up_to_date(part.world, each, view.at))
    return found


def _worst(condition: Condition, episodes: Iterable[Episode]) -> float | None:
    values = [each.worst.value for each in episodes if each.worst is not None]
    return (min if condition is Condition.COLD else max)(values, default=None)
