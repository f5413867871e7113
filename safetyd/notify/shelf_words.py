"""That the messages about a place stop, or begin again: who, why, until when, and all that is open there.

Rule: whoever reads it must be able to object, and at the end must lack nothing that was not sent meanwhile.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from safetyd.core.model import Condition, Place
from safetyd.core.plan import Reason
from safetyd.core.ticket import Ticket
from safetyd.core.world import Notice
from safetyd.notify.breach_words import briefly
from safetyd.notify.ticket_words import what_is_due
from safetyd.notify.tier_words import TIER_WORDS
from safetyd.notify.tongue import Tongue, msgid
from safetyd.notify.trouble_words import standing
from safetyd.notify.who_and_where import place_name, roles_named, room_name
from safetyd.site import Site

_MEANWHILE = {
    "opened": msgid("- {where}: {what} (opened meanwhile). {due} [{ticket}]"),
    "recurred": msgid("- {where}: {what} (again meanwhile). {due} [{ticket}]"),
    "": msgid("- {where}: {what}. {due} [{ticket}]"),
}
_HELD = {
    Condition.COLD: msgid("- {room}: too cold since {time}, a ticket when work begins"),
    Condition.HEAT: msgid("- {room}: too hot since {time}, a ticket when work begins"),
}


def shelving(notice: Notice, tickets: Mapping[str, Ticket], site: Site, tongue: Tongue) -> tuple[str, str]:
    """Return the title and text of the notice that a silence begins, or is over."""
    where = place_name(_place(notice.about["place"]), site, tongue)
    if notice.reason is Reason.SHELVED:
        title, lines = _begun(notice.about, where, tongue)
    else:
        title, lines = _over(notice.about, where, tongue)
    found = list(_found(notice, tickets, site, tongue))
    open_there = tongue.say("Open there now:") if found else tongue.say("Nothing is open there.")
    return title, "\n".join([*lines, open_there, *found])


def _begun(about: Mapping[str, str], where: str, tongue: Tongue) -> tuple[str, list[str]]:
    until = _time(about["until"], tongue)
    fields = {
        "by": about["by"],
        "roles": roles_named(about["role"].split(", "), tongue),
        "until": until,
        "note": about["note"],
    }
    lines = [tongue.say("{by} ({roles}) has them held back until {until}: {note}", **fields)]
    if "before_by" in about:
        before = _time(about["before_until"], tongue)
        lines.append(tongue.say("Before, {by} had it until {until}.", by=about["before_by"], until=before))
    lines.append(tongue.say("Only messages stop: all is recorded, tickets open, and deadlines run."))
    command = f"safetyd unshelve {about['place']} --by NAME"
    lines.append(tongue.say("To end it at once: {command}", command=command))
    return tongue.say("{where}: messages stop until {until}", where=where, until=until), lines


def _over(about: Mapping[str, str], where: str, tongue: Tongue) -> tuple[str, list[str]]:
    roles = roles_named(about["role"].split(", "), tongue)
    if about["ended_by"] == "safetyd":
        ended = tongue.say("The time that {by} ({roles}) had asked for is over.", by=about["by"], roles=roles)
    elif about["ended_note"]:
        ended = tongue.say("{by} has ended it: {note}", by=about["ended_by"], note=about["ended_note"])
    else:
        ended = tongue.say("{by} has ended it.", by=about["ended_by"])
    since = _time(about["since"], tongue)
    lines = [ended, tongue.say("They were held back since {time}: {note}", time=since, note=about["note"])]
    if "still_by" not in about:
        return tongue.say("{where}: messages are sent again", where=where), lines
    until = _time(about["still_until"], tongue)
    lines.append(tongue.say("{by} holds them back until {until}.", by=about["still_by"], until=until))
    return tongue.say("{where}: messages stay held back", where=where), lines


def _found(notice: Notice, tickets: Mapping[str, Ticket], site: Site, tongue: Tongue) -> Iterator[str]:
    for id in notice.tickets or ():
        ticket = tickets[id]
        yield tongue.say(
            _MEANWHILE[notice.about[id]],
            where=place_name(ticket.place, site, tongue),
            what=briefly(ticket, tongue),
            due=" ".join(_due(ticket, notice.at, tongue)),
            ticket=id,
        )
    for key, said in notice.about.items():
        kind, _, subject = key.partition(" ")
        if kind == "outage":
            yield tongue.say("- no electricity since {time}", time=_time(said, tongue))
        elif kind == "held":
            condition, _, id = subject.partition(" ")
            room = room_name(notice.building, id, site)
            yield tongue.say(_HELD[Condition(condition)], room=room, time=_time(said, tongue))
        elif kind == "trouble":
            trouble = standing(subject, site, tongue)
            yield tongue.say("- {trouble}, since {time}", trouble=trouble, time=_time(said, tongue))


def _due(ticket: Ticket, now: datetime, tongue: Tongue) -> Iterator[str]:
    """What of a ticket is overdue, and what is due next."""
    for deadline in ticket.deadlines:
        if deadline.is_overdue(now) and deadline.in_force_at is not None:
            yield tongue.say(TIER_WORDS[deadline.tier].late, due=tongue.time(deadline.in_force_at))
    yield from filter(None, [what_is_due(ticket, now, tongue)])


def _place(text: str) -> Place:
    building, _, room = text.partition("/")
    return Place(building, room or None)


def _time(text: str, tongue: Tongue) -> str:
    return tongue.time(datetime.fromisoformat(text))
