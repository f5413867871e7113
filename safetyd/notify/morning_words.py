"""The warning an hour before work: which rooms would begin the day in breach."""

from datetime import datetime

from safetyd.core.model import Condition
from safetyd.core.world import Notice
from safetyd.notify.breach_words import of_room
from safetyd.notify.tongue import Tongue
from safetyd.notify.who_and_where import room_name
from safetyd.site import Site


def held(notice: Notice, site: Site, tongue: Tongue) -> tuple[str, str]:
    """Return the title and text: what is wrong in each room, since when, and how bad it got."""
    lines = []
    for key, value in notice.about.items():
        condition, _, id = key.partition(" ")
        if id:
            since, _, worst = value.partition(" ")
            room = room_name(notice.building, id, site)
            lines.append(of_room(room, Condition(condition), datetime.fromisoformat(since), worst, tongue))
    title = tongue.plural(
        "{where}: one room would begin the work day in breach",
        "{where}: {count} rooms would begin the work day in breach",
        len(lines),
        where=site.name_of(notice.building),
    )
    begins = tongue.time(datetime.fromisoformat(notice.about["begins_at"]))
    lines.append(tongue.say("Work begins {time}; what is still so then becomes a ticket.", time=begins))
    return title, "\n".join(lines)
