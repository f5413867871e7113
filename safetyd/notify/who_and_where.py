"""The places of a notice by the names that the site file gives them, and the people who are to act."""

from collections.abc import Iterable

from safetyd.core.model import Place, Role
from safetyd.notify.tongue import Tongue, msgid
from safetyd.site import Site

_ACT = (Role.ADMINISTRATOR, Role.FACILITIES)
_MOST_NAMES = 4
_ROLES = {
    # Translators: what a person is to a school; these stand in parentheses behind the person's name.
    Role.ADMINISTRATOR: msgid("administrator"),
    Role.FACILITIES: msgid("facilities"),
    Role.SAFETY_COMMITTEE: msgid("safety committee"),
    Role.DISTRICT: msgid("district"),
    Role.ASSOCIATION: msgid("association"),
    Role.EDUCATOR: msgid("educator"),
}


def place_name(place: Place, site: Site, tongue: Tongue) -> str:
    """Return a place as people call it; by its ids where it is gone from the site file."""
    building = site.name_of(place.building)
    if place.room is None:
        return building
    room = room_name(place.building, place.room, site)
    return tongue.say("{building}, {room}", building=building, room=room)


def room_name(building_id: str, id: str, site: Site) -> str:
    """Return a room as people call it; by its id where it is gone from the site file."""
    building = site.building(building_id)
    room = building.room(id) if building else None
    return room.name if room else id


def roles_named(roles: Iterable[str], tongue: Tongue) -> str:
    """Return what a person is to a school, in words."""
    return tongue.listed(tongue.say(_ROLES[Role(role)]) for role in roles)


def by_whom(building: str, site: Site, tongue: Tongue) -> str:
    """Return who acts: by name, as far as the site file says."""
    people = site.people_for(building, _ACT)
    if not people:
        return tongue.say("To be done by administrator and facilities: the site file names nobody.")
    names = tongue.listed(
        # Translators: a person, and what that person is to the school.
        tongue.say(
            "{name} ({roles})",
            name=person.name,
            roles=roles_named((role for role in person.roles_in(building) if role in _ACT), tongue),
        )
        for person in people[:_MOST_NAMES]
    )
    more = len(people) - _MOST_NAMES
    if more > 0:
        return tongue.plural(
            "To be done by {names} and {count} more.",
            "To be done by {names} and {count} more.",
            more,
            names=names,
        )
    return tongue.say("To be done by {names}.", names=names)
