"""Notices in words that a principal understands at 7 am on a phone: what, where, since when, due when.

Rule: pure text from facts; times in the building's zone with the date; names of places and people are shown
as they are written in the site file.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from safetyd.core.model import CLAUSE, Condition, Episode, Role
from safetyd.core.notice import Reason
from safetyd.core.ticket import Deadline, Due, Ticket
from safetyd.core.world import Notice
from safetyd.notify.shelf_words import shelving
from safetyd.notify.trouble_words import trouble
from safetyd.site import Site
from safetyd.times import short

_TIERS = {
    "mitigation": "relief from the temperature",
    "immediate": "immediate relief",
    "midterm": "midterm relief",
    "long_term": "the long-term resolution",
}
_WHAT = {
    Condition.COLD: "colder than allowed",
    Condition.HEAT: "hotter than allowed",
    Condition.OUTAGE: "no electricity",
}
_MUST_CLOSE = "The building must be closed until this is resolved (9.14.5)."
_ASKED = (
    "This is presumed. Please find out, and confirm or deny it by a note on the ticket, or: safetyd power"
)
_SILENT = {
    "yes": "The devices that live on the mains fell silent together",
    "gateway": "Nothing is heard from the building since then",
}
_CALLS = (Reason.OPENED, Reason.RECURRED, Reason.REMINDER, Reason.OVERDUE)  # those that ask to do something
_ACT = (Role.ADMINISTRATOR, Role.FACILITIES)
_MOST_NAMES = 4
_SHORT = {Condition.COLD: "too cold", Condition.HEAT: "too hot", Condition.OUTAGE: "no electricity"}


def render(
    notice: Notice, tickets: Mapping[str, Ticket], episodes: Mapping[str, Episode], site: Site
) -> tuple[str, str]:
    """Return the title and text of a notice.

    Args:
        notice: What is owed.
        tickets: The tickets it is about, by id.
        episodes: The newest episode of each of them that has one, by ticket id.
        site: Names and time zone.
    """
    match notice.reason:
        case Reason.DIGEST:
            return _digest(notice, tickets, site)
        case Reason.TROUBLE | Reason.TROUBLE_OVER:
            return trouble(notice, site)
        case Reason.OUTAGE_BEGAN | Reason.OUTAGE_WARNING | Reason.OUTAGE_OVER:
            return _outage(notice, site)
        case Reason.HELD:
            return _held(notice, site)
        case Reason.SHELVED | Reason.UNSHELVED:
            return shelving(
                notice, {id: _open(tickets[id], notice.at, site) for id in notice.tickets or ()}, site
            )
    assert notice.ticket is not None
    return _about_ticket(notice, tickets[notice.ticket], episodes.get(notice.ticket), site)


def _about_ticket(notice: Notice, ticket: Ticket, episode: Episode | None, site: Site) -> tuple[str, str]:
    where, what = _where(ticket, site), _what(ticket)
    about = notice.about
    by = about.get("by", "")
    tier = _TIERS.get(about.get("tier", ""), about.get("tier", ""))
    deadline = next((d for d in ticket.deadlines if d.tier == about.get("tier")), None)
    due = _due(deadline, notice.at, site) if deadline else ""
    title, lines = {
        Reason.OPENED: (
            f"{where}: {what}",
            [
                _breach(ticket, episode, site),
                _learned(ticket, episode, site),
                _closure(ticket),
                *_owed(ticket, notice.at, site),
            ],
        ),
        Reason.RECURRED: (
            f"{where}: {what} again",
            [
                _breach(ticket, episode, site),
                "The deadlines of the ticket stay.",
                *_owed(ticket, notice.at, site),
            ],
        ),
        Reason.ENDED: (
            f"{where}: back in range",
            [
                _ended(episode, site),
                "The ticket stays open until a person closes it.",
                *_owed(ticket, notice.at, site),
            ],
        ),
        Reason.REMINDER: (
            f"{where}: {tier} is due {due}",
            [_breach(ticket, episode, site), _ended(episode, site), _next_step(tier)],
        ),
        Reason.OVERDUE: (
            f"{where}: {tier} is OVERDUE",
            [f"It was due {due}{_late(deadline, notice.at)}.", _ended(episode, site), _next_step(tier)],
        ),
        Reason.RELIEVED: (f"{where}: relief on record", [f"{by} recorded {tier}{_kind(about)}."]),
        Reason.CLOSED: (f"{where}: ticket closed", [f"{by} closed the ticket."]),
        Reason.EXTENDED: (f"{where}: {tier} extended", [f"{by} extended it; now due {due}."]),
        Reason.DISPUTED: (f"{where}: {_disputed(about)}", [f"By {by}. The deadlines run on."]),
        Reason.ACKNOWLEDGED: (f"{where}: acknowledged", [f"{by} has taken it up."]),
    }[notice.reason]
    if about.get("note"):
        lines.append(f"Note: {about['note']}")
    if notice.reason in _CALLS:
        lines.append(_by_whom(notice.building, site))
    clause = f"Ticket {ticket.id}, clause {CLAUSE[ticket.condition]}."
    return title, "\n".join([*(line for line in lines if line), clause])


def _digest(notice: Notice, tickets: Mapping[str, Ticket], site: Site) -> tuple[str, str]:
    listed = [tickets[id] for id in notice.tickets or ()]
    lines = []
    for ticket in listed:
        news = {"opened": "", "recurred": " (again)", "ended": " (back in range)"}[
            notice.about.get(ticket.id, "opened")
        ]
        owed = _owed(ticket, notice.at, site)
        lines.append(
            f"- {_where(ticket, site)}: {_what(ticket)}{news}. {owed[0] if owed else ''} [{ticket.id}]"
        )
    is_all_new = all(notice.about.get(ticket.id) == "opened" for ticket in listed)
    count = "one ticket" if len(listed) == 1 else f"{len(listed)} tickets"
    title = f"{site.name_of(notice.building)}: {'new: ' if is_all_new else 'news of '}{count}"
    return title, "\n".join(lines)


def _open(ticket: Ticket, now: datetime, site: Site) -> tuple[str, str]:
    """What a ticket is about, and what of it is overdue and due next."""
    owed = [d for d in ticket.deadlines if d.is_owed and d.in_force_at is not None]
    late = [f"{_TIERS[d.tier]} is OVERDUE since {_due(d, now, site)}" for d in owed if d.is_overdue(now)]
    coming = [f"{_TIERS[d.tier]} due {_due(d, now, site)}" for d in owed if not d.is_overdue(now)]
    return f"{_where(ticket, site)}: {_what(ticket)}", "; ".join([*late, *coming[:1]])


def _last_words(notice: Notice, site: Site) -> tuple[str, str]:
    """What people must know before the watch goes dark: since when, until when, and whom to tell."""
    where = site.name_of(notice.building)
    title = f"{where}: safetyd is about to go dark"
    lines = ["The battery it runs on is nearly empty. From now on nobody watches until power is back."]
    if "began_at" not in notice.about:
        if notice.about["ups"] != notice.building:
            lines[0] = f"The battery it runs on, in {site.name_of(notice.about['ups'])}, is nearly empty. "
            lines[0] += "From now on nobody watches this building until power is back there."
        lines.append("This building was not known to be without electricity.")
        if_dark, limit = "If its power goes, note when: ", "beyond two hours it must close (9.14.5)."
        return title, "\n".join([*lines, if_dark + limit, _whom_to_tell(notice, site)])
    began_at = datetime.fromisoformat(notice.about["began_at"])
    limit_at = began_at + site.rulebook.in_force(began_at).outage.longer_than
    lines.append(f"No electricity since {_time(began_at, site)}, for {_span(notice.at - began_at)} now.")
    if notice.at > limit_at:
        lines.append(_MUST_CLOSE)
    else:
        lines.append(
            f"If it lasts beyond {_time(limit_at, site)}, the building must close (9.14.5): "
            "somebody there must keep the time."
        )
    return title, "\n".join([*lines, _whom_to_tell(notice, site)])


def _whom_to_tell(notice: Notice, site: Site) -> str:
    names = [person.name for person in site.people_for(notice.building, (Role.DISTRICT,))]
    return f"Tell the district{': ' if names else ''}{', '.join(names)}, and write down who was told when."


def _outage(notice: Notice, site: Site) -> tuple[str, str]:
    if "last_words" in notice.about:
        return _last_words(notice, site)
    where = site.name_of(notice.building)
    began_at = datetime.fromisoformat(notice.about["began_at"])
    since = f"Since {_time(began_at, site)}."
    if notice.reason is Reason.OUTAGE_BEGAN and "presumed" in notice.about:
        return (
            f"{where}: power may be out",
            f"{since}\n{_SILENT[notice.about['presumed']]}, and no witness says more. "
            f"Please look, and say so: safetyd power {notice.building} off --by NAME (or on). "
            "The two hours are counted meanwhile.",
        )
    if notice.reason is Reason.OUTAGE_BEGAN:
        limit = began_at + site.rulebook.in_force(began_at).outage.longer_than
        must = f"If it lasts beyond {_time(limit, site)}, the building must close (9.14.5)."
        must = _MUST_CLOSE if notice.at > limit else must
        return f"{where}: power is out", f"{since}\n{must}\n{_by_whom(notice.building, site)}"
    if notice.reason is Reason.OUTAGE_WARNING:
        limit = began_at + site.rulebook.in_force(began_at).outage.longer_than
        minutes = notice.about["minutes"]
        if "presumed" in notice.about:
            return (
                f"{where}: power may be out for {minutes} minutes",
                f"{since}\nStill nobody knows: safetyd power {notice.building} off --by NAME (or on).",
            )
        return (
            f"{where}: no electricity for {minutes} minutes",
            f"{since}\nThe building must close if it lasts beyond {_time(limit, site)} (9.14.5).\n"
            + _by_whom(notice.building, site),
        )
    ended_at = datetime.fromisoformat(notice.about["ended_at"])
    text = f"It was out from {_time(began_at, site)} to {_time(ended_at, site)}."
    if notice.ticket:
        text += f"\nTicket {notice.ticket} stays open until a person closes it."
    return f"{where}: electricity is back", text


def _held(notice: Notice, site: Site) -> tuple[str, str]:
    """The rooms that would begin the day in breach: what is wrong there, since when, and how bad it got."""
    building = site.building(notice.building)
    begins = _time(datetime.fromisoformat(notice.about["begins_at"]), site)
    lines = []
    for key, value in notice.about.items():
        condition, _, id = key.partition(" ")
        if not id:
            continue
        since, _, worst = value.partition(" ")
        room = building.room(id) if building else None
        measure = "heat index " if condition == Condition.HEAT else ""
        bad = f", {measure}{worst} °F" if worst else ""
        what = f"{_SHORT[Condition(condition)]} since {_time(datetime.fromisoformat(since), site)}"
        lines.append(f"{room.name if room else id}: {what}{bad}.")
    rooms = "one room" if len(lines) == 1 else f"{len(lines)} rooms"
    title = f"{site.name_of(notice.building)}: {rooms} would begin the work day in breach"
    advice = f"Work begins {begins}; what is still so then becomes a ticket."
    return title, "\n".join([*lines, advice])


def _where(ticket: Ticket, site: Site) -> str:
    building = site.building(ticket.place.building)
    if ticket.place.room is None:
        return site.name_of(ticket.place.building)
    room = building.room(ticket.place.room) if building else None
    return f"{site.name_of(ticket.place.building)}, {room.name if room else ticket.place.room}"


def _closure(ticket: Ticket) -> str:
    if ticket.condition is not Condition.OUTAGE:
        return ""
    step = f"{_MUST_CLOSE} Put the closure on record: safetyd ticket {ticket.id} close-building --by NAME"
    if ticket.is_presumed:
        return f"{_ASKED} {ticket.place.building} on (or off) --by NAME. If it was out: {step}"
    return step


def _late(deadline: Deadline | None, now: datetime) -> str:
    due_at = deadline.in_force_at if deadline else None
    return f", {_span(now - due_at)} ago" if due_at is not None and now > due_at else ""


def _what(ticket: Ticket) -> str:
    if ticket.hazard is not None:
        return f"hazard: {ticket.hazard.replace('_', ' ')}"
    return f"perhaps {_SHORT[ticket.condition]}" if ticket.is_presumed else _SHORT[ticket.condition]


def _breach(ticket: Ticket, episode: Episode | None, site: Site) -> str:
    if ticket.hazard is not None:
        return f"Reported {_time(ticket.began_at, site)}."
    began_at = episode.began_at if episode else ticket.began_at
    value = ""
    if episode is not None and episode.worst is not None:
        measure = "heat index " if ticket.condition is Condition.HEAT else ""
        dry = " (humidity unknown, 0 % assumed)" if episode.worst.assumed_dry else ""
        value = f", {measure}{episode.worst.value:.1f} °F{dry}"
    what = f"perhaps {_WHAT[ticket.condition]}" if ticket.is_presumed else _WHAT[ticket.condition]
    return f"{what.capitalize()} since {_time(began_at, site)}{value}."


def _learned(ticket: Ticket, episode: Episode | None, site: Site) -> str:
    """When a breach of the past was learned of; an outage's ticket always comes later than the outage."""
    is_late = episode is not None and ticket.opened_at - episode.began_at > timedelta(minutes=1)
    if not is_late or ticket.condition is Condition.OUTAGE:
        return ""
    return f"Learned {_time(ticket.opened_at, site)}."


def _ended(episode: Episode | None, site: Site) -> str:
    if episode is None or episode.ended_at is None:
        return ""
    return f"In range since {_time(episode.ended_at, site)}."


def _owed(ticket: Ticket, now: datetime, site: Site) -> list[str]:
    owed = [d for d in ticket.deadlines if d.is_owed and d.in_force_at is not None]
    return [f"{_TIERS[d.tier].capitalize()} due {_due(d, now, site)}." for d in owed[:1]]


def _due(deadline: Deadline, now: datetime, site: Site) -> str:
    at = deadline.in_force_at
    if at is None:
        return "on a date still to be set"
    left = at - now
    if left <= timedelta(0) or deadline.state is Due.MISSED:
        return _time(at, site)
    return f"{_time(at, site)} ({_span(left)} left)"


def _span(left: timedelta) -> str:
    hours = left / timedelta(hours=1)
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours <= 48 else f"{hours / 24:.0f} days"


def _time(at: datetime, site: Site) -> str:
    return short(at, site.timezone)


def _by_whom(building: str, site: Site) -> str:
    """Who acts: by name, as far as the site file says."""
    people = site.people_for(building, _ACT)
    if not people:
        return f"To be done by {' and '.join(_ACT)}: the site file names nobody."
    named = [
        f"{person.name} ({', '.join(role for role in person.roles if role in _ACT)})"
        for person in people[:_MOST_NAMES]
    ]
    more = f" and {len(people) - _MOST_NAMES} more" if len(people) > _MOST_NAMES else ""
    return f"To be done by {', '.join(named)}{more}."


def _next_step(tier: str) -> str:
    return f"Record {tier} when it is given: what was done, and by whom."


def _kind(about: Mapping[str, str]) -> str:
    return f" ({about['kind'].replace('_', ' ')})" if about.get("kind") else ""


def _disputed(about: Mapping[str, str]) -> str:
    return "dispute withdrawn" if about.get("event") == "dispute_withdrawn" else "disputed"
