"""One ticket: what to do next, what is owed and on record, what happened, who was told; and its files.

Rule: it shows what the API's ticket says, and only adds words; an act is offered only to who may do it now.
"""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from safetyd.core.closure import standing
from safetyd.core.duty import Record
from safetyd.core.model import CLAUSE, Verdict
from safetyd.core.ticket import AT_REST, Deadline, Relief, Ticket
from safetyd.record_words import not_yet
from safetyd.site import Room
from safetyd.store import attachments
from safetyd.view import View
from safetyd.web.access import Right, may, sees
from safetyd.web.answers import visible_ticket
from safetyd.web.content_type import content_type
from safetyd.web.looking import Past, building_in
from safetyd.web.packets import evidence
from safetyd.web.pages.next_step import next_step
from safetyd.web.pages.offers import offered
from safetyd.web.pages.page import Answer, Download, Sheet, Visit
from safetyd.web.pages.ticket_chart import ticket_chart
from safetyd.web.pages.tickets import Places
from safetyd.web.pages.tiers import name_of
from safetyd.web.problems import Problem

_NOTICES = 40  # that are shown; a ticket that is overdue for a year has one a day
_SPACES = 8
_OF_EVERY_LINE = ("at", "event", "by", "note", "hash", "attachments")


class Bar(NamedTuple):
    """One deadline, and how much of its time is over, 0 to 100; None where it has no date."""

    tier: str
    deadline: Deadline
    used: int | None


def ticket(view: View, visit: Visit) -> Answer:
    """Return the page of a ticket."""
    found = visible_ticket(view, visit.account, visit.path["id"])
    shown = view.whole_ticket(found.id, _NOTICES)
    outages = len(shown["episodes"])
    lifters = view.facts.lifters.get(found.place.building, ())
    may_now = offered(found, outages, lifters, visit.account)
    verdict = Verdict(shown["verdict"])
    step = next_step(found, standing(found.closure, outages), verdict, may_now, view.at)
    places, spaces = Places(view.site), _spaces(view, shown["alternative_spaces"])
    rest = {
        "ticket": shown,
        "building": places.building(found.place.building),
        "room": places.room(found.place.building, found.place.room),
        "clause": CLAUSE[found.condition],
        "is_at_rest": found.status in AT_REST,
        "step": step,
        "acts": may_now,
        "bars": [_bar(found, each, view.at) for each in found.deadlines],
        "chart": ticket_chart(view, found),
        "not_yet": {
            each["clause"]: not_yet(each["clause"], is_over=found.status in AT_REST)
            for each in shown["duties"]
            if each["state"] == Record.NOT_APPLICABLE
        },
        "lines": [_line(each) for each in reversed(shown["history"])],
        "notices": list(reversed(shown["notices"])),
        "has_older_notices": len(shown["notices"]) == _NOTICES,
        "spaces": spaces[:_SPACES],
        "rooms": _others(view, found, {each["room"] for each in spaces[:_SPACES]}),
        "joined": _linked(view, visit, shown["joined"]),
        "follows": _linked(view, visit, shown["follows"]),
        "followers": sorted(each.id for each in view.world.tickets.values() if each.follows == found.id),
        "tiers": {each.tier.value: name_of(found, each) for each in found.deadlines},
        "kinds": [each.value for each in Relief],
        "may_name": may(visit.account, Right.NAMES),
    }
    return Sheet("ticket.html", rest)


def ticket_file(view: View, visit: Visit) -> Answer:
    """Return a file of a ticket, if it is still what the record says.

    Raises:
        Problem: there is none of this hash, or it is another than it was.
    """
    found = visible_ticket(view, visit.account, visit.path["id"])
    hash = visit.path["hash"]
    history = view.ticket(found.id)["history"]
    files = [each for line in history for each in line.get("attachments", ()) if each["sha256"] == hash]
    connection = view.of(found.place.building).connection
    content = attachments.content(connection, found.id, hash) if files else None
    if content is None:
        raise Problem(404, f"{found.id} has no file {hash[:80]!r}")
    if sha256(content).hexdigest() != hash:
        raise Problem(409, f"{files[0]['name']}: its content is not what the record's hash says")
    return Download(files[0]["name"], content_type(content), content, is_attached=True)


def ticket_evidence(past: Past, visit: Visit) -> Answer:
    """Return all that is on record of a ticket as one archive; with `names` also of who reported."""
    with_names = visit.query.get("names", "") == "yes"
    connection = past.of(building_in(visit.path["id"])).connection
    about = connection, past.site, past.root, visit.account, visit.path["id"]
    return evidence(*about, with_names=with_names)


def _spaces(view: View, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rooms that are in range, and which of them are getting hot."""
    watch_f = view.facts.book.in_force(view.at).heat.watch_f
    return [
        each | {"name": each["name"] or each["room"], "is_watched": each["heat_index_f"] >= watch_f}
        for each in found
    ]


def _others(view: View, ticket: Ticket, but: Collection[str]) -> list[Room]:
    """Return the rooms that may have been offered as well."""
    building, own = view.site.building(ticket.place.building), ticket.place.room
    return [each for each in building.rooms if each.id != own and each.id not in but] if building else []


def _bar(found: Ticket, deadline: Deadline, now: datetime) -> Bar:
    due_at = deadline.in_force_at
    if due_at is None:
        return Bar(name_of(found, deadline), deadline, None)
    whole = (due_at - found.began_at).total_seconds()
    over = ((deadline.met_at or now) - found.began_at).total_seconds()
    used = 100 if whole <= 0 else round(100 * min(1.0, max(0.0, over / whole)))
    return Bar(name_of(found, deadline), deadline, used)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """Return a line of the history with what it carries beside a person's words apart."""
    detail = {name: value for name, value in row.items() if name not in _OF_EVERY_LINE}
    return {name: row.get(name, ()) for name in _OF_EVERY_LINE} | {"detail": detail}


def _linked(view: View, visit: Visit, id: str | None) -> tuple[str, bool] | None:
    """Return another ticket's id, and whether it is one to look at here."""
    if id is None:
        return None
    other = view.world.tickets.get(id)
    return id, other is not None and sees(visit.account, other.place.building)
