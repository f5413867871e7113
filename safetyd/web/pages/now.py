"""A building now: its rooms as they stand, what is open, what is due next.

Rule: unknown looks unlike ok.
"""

from safetyd.objects import building_object
from safetyd.view import View
from safetyd.web import answers
from safetyd.web.answers import Asked
from safetyd.web.pages.page import Answer, Sheet, Visit


def now(view: View, visit: Visit) -> Answer:
    """Return the page of a building."""
    building = answers.building_of(view.site, visit.account, visit.path["building"])
    rooms = answers.rooms(view, Asked(visit.account, {"building": building.id}))["rooms"]
    mains = building_object(view.world, view.facts, building.id, view.at)
    return Sheet("now.html", {"building": building, "rooms": rooms, "mains": mains})


def now_rooms(view: View, visit: Visit) -> Answer:
    """Return the part of it that changes."""
    return Sheet("now_rooms.html", now(view, visit).shown)  # type: ignore[union-attr]
