"""A building now: how it is in a sentence, what falls due next, its electricity, and every room.

Rule: unknown looks unlike ok; what a person may not see is not hinted at, nor said not to be there.
"""

from typing import NamedTuple

from safetyd.core.ticket import Ticket
from safetyd.objects import building_object, watched_object
from safetyd.view import View
from safetyd.web import answers
from safetyd.web.access import Right, may
from safetyd.web.pages.due import next_due, open_tickets, what
from safetyd.web.pages.page import Answer, Sheet, Visit
from safetyd.web.pages.rooms import Rank, cards, phrases, place_name
from safetyd.web.pages.trend import trends

NOT_OK = "not-ok"  # the value of `only` that leaves out what is ok
_DUES = 3


class _Heads(NamedTuple):
    """What stands above the rooms, and where there is none."""

    wrong: str
    only: str
    none: str
    fine: str


_OF_ALL = _Heads("Not ok", "Show only what is not ok", "Every room is ok.", "Ok")
_OF_SENSORS = _Heads(  # whoever is not told of hazards is not told either that there are none
    "Too cold, too hot or not known",
    "Show only those",
    "No room is too cold or too hot.",
    "Neither too cold nor too hot",
)


def now(view: View, visit: Visit) -> Answer:
    """Return the page of a building."""
    return Sheet("now.html", _shown(view, visit))


def now_rooms(view: View, visit: Visit) -> Answer:
    """Return the part of it that changes."""
    return Sheet("now_rooms.html", _shown(view, visit))


def _shown(view: View, visit: Visit) -> dict[str, object]:
    building = answers.building_of(view.site, visit.account, visit.path["building"])
    view = view.of(building.id)
    may_read = may(visit.account, Right.TICKETS)
    tickets = [each for each in open_tickets(view.world) if each.place.building == building.id]
    shown_tickets: list[Ticket] = tickets if may_read else []
    found = cards(view, building, shown_tickets)
    is_from_afar = building.id in view.facts.watched
    look = watched_object if is_from_afar else building_object
    dues = next_due(shown_tickets)
    wrong = [each for each in found if each.rank is not Rank.OK]
    is_short = visit.query.get("only") == NOT_OK
    return {
        "building": building,
        "phrases": phrases(found),
        "mains": look(view.world, view.facts, building.id, view.at),
        "is_from_afar": is_from_afar,
        "wrong": wrong,
        "fine": [] if is_short else [each for each in found if each.rank is Rank.OK],
        "count": len(found),
        "heads": _OF_ALL if may_read else _OF_SENSORS,
        "is_short": is_short,
        "trends": trends(view, building.id),
        "tickets": shown_tickets,
        "of_building": [each for each in shown_tickets if each.place.room is None],
        "dues": [(each, place_name(view.site, each.ticket.place)) for each in dues[:_DUES]],
        "late": sum(each.at < view.at for each in dues),
        "what": what,
    }
