"""That the messages about a place stop, or begin again: who, why, until when, and all that is open there.

Rule: whoever reads it must be able to object, and at the end must lack nothing that was not sent meanwhile.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from safetyd.core.notice import Reason
from safetyd.core.world import Notice
from safetyd.notify.trouble_words import sentence
from safetyd.site import Site
from safetyd.times import short

_MEANWHILE = {"opened": ", opened meanwhile", "recurred": ", again meanwhile", "": ""}
_SHORT = {"cold": "too cold", "heat": "too hot"}


def shelving(notice: Notice, tickets: Mapping[str, tuple[str, str]], site: Site) -> tuple[str, str]:
    """Return the title and text of the notice that a silence begins, or is over.

    Args:
        notice: What is owed.
        tickets: Of each ticket that is open there what it is about, and what is due of it.
        site: Names and time zone.
    """
    about = notice.about
    where, until = _place(about["place"], site), _time(about["until"], site)
    who = f"{about['by']} ({about['role']})"
    if notice.reason is Reason.SHELVED:
        title = f"{where}: messages stop until {until}"
        lines = [f"{who} has them held back until {until}: {about['note']}"]
        if "before_by" in about:
            lines.append(f"Before, {about['before_by']} had it until {_time(about['before_until'], site)}.")
        lines.append("Only messages stop: all is recorded, tickets open, and deadlines run.")
        lines.append(f"To end it at once: safetyd unshelve {about['place']} --by NAME")
    else:
        title = f"{where}: messages are sent again"
        if about["ended_by"] == "safetyd":
            lines = [f"The time that {who} had asked for is over."]
        else:
            lines = [f"{about['ended_by']} has ended it" + _said(about["ended_note"])]
        lines.append(f"They were held back since {_time(about['since'], site)}: {about['note']}")
        if "still_by" in about:
            title = f"{where}: messages stay held back"
            lines.append(f"{about['still_by']} holds them back until {_time(about['still_until'], site)}.")
    found = list(_found(notice, tickets, site))
    return title, "\n".join([*lines, *(["Open there now:", *found] if found else ["Nothing is open there."])])


def _found(notice: Notice, tickets: Mapping[str, tuple[str, str]], site: Site) -> Iterator[str]:
    for id, (what, due) in tickets.items():
        yield f"- {what}{_MEANWHILE[notice.about[id]]}{f'; {due}' if due else ''} [{id}]"
    for key, said in notice.about.items():
        kind, _, subject = key.partition(" ")
        if kind == "outage":
            yield f"- no electricity since {_time(said, site)}"
        elif kind == "held":
            condition, _, room = subject.partition(" ")
            where = _place(f"{notice.building}/{room}", site)
            yield f"- {where}: {_SHORT[condition]} since {_time(said, site)}, a ticket when work begins"
        elif kind == "trouble":
            yield f"- {sentence(subject, site)}, since {_time(said, site)}"


def _said(note: str) -> str:
    return f": {note}" if note else "."


def _place(text: str, site: Site) -> str:
    building_id, _, room_id = text.partition("/")
    building = site.building(building_id)
    room = building.room(room_id) if building and room_id else None
    names = [site.name_of(building_id), *([room.name if room else room_id] if room_id else [])]
    return ", ".join(names)


def _time(text: str, site: Site) -> str:
    return short(datetime.fromisoformat(text), site.timezone)
