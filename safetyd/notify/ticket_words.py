"""Notices about tickets: what is wrong, what is due when and by whom, what a person did; and the digest.

Rule: a command line stands in every language as it is typed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from safetyd.core.model import CLAUSE, Condition, Episode
from safetyd.core.plan import Reason
from safetyd.core.ticket import Deadline, Due, Relief, Status, Ticket
from safetyd.core.world import Notice
from safetyd.notify.breach_words import breach, briefly
from safetyd.notify.tier_words import TIER_WORDS
from safetyd.notify.tongue import Tongue, msgid
from safetyd.notify.who_and_where import by_whom, place_name
from safetyd.site import Site

_CALLS = (  # those that ask to do something
    Reason.OPENED,
    Reason.RECURRED,
    Reason.REMINDER,
    Reason.OVERDUE,
    Reason.ESCALATED,
)
_KINDS: dict[str, str] = {
    # Translators: kinds of relief; they stand in parentheses behind what was recorded.
    Relief.RESTORED: msgid("restored"),
    Relief.ALTERNATIVE_SPACE: msgid("alternative space"),
    Relief.FANS_OR_HEATERS: msgid("fans or heaters"),
    Relief.EARLY_RELEASE: msgid("early release"),
    Relief.CLOSURE: msgid("closure"),
    Relief.OTHER: msgid("other"),
}


def about_ticket(
    notice: Notice, ticket: Ticket, episode: Episode | None, site: Site, tongue: Tongue
) -> tuple[str, str]:
    """Return the title and text of a notice about one ticket, with its newest episode if it has one."""
    where = place_name(ticket.place, site, tongue)
    title, lines = _news(notice, ticket, episode, where, site, tongue)
    if notice.about.get("note"):
        lines.append(tongue.say("Note: {note}", note=notice.about["note"]))
    if notice.reason in _CALLS:
        lines.append(by_whom(notice.building, site, tongue))
    lines.append(which_ticket(ticket.id, CLAUSE[ticket.condition], tongue))
    return title, "\n".join(line for line in lines if line)


def which_ticket(id: str, clause: str, tongue: Tongue) -> str:
    """Return the line that names a ticket."""
    return tongue.say("Ticket {ticket}, clause {clause}.", ticket=id, clause=clause)


def _news(
    notice: Notice, ticket: Ticket, episode: Episode | None, where: str, site: Site, tongue: Tongue
) -> tuple[str, list[str]]:
    about, now = notice.about, notice.at
    what, by = briefly(ticket, tongue), about.get("by", "")
    match notice.reason:
        case Reason.OPENED:
            return tongue.say("{where}: {what}", where=where, what=what), [
                breach(ticket, episode, site, tongue),
                _learned(ticket, episode, tongue),
                _closure(ticket, tongue),
                _owed(ticket, now, tongue),
            ]
        case Reason.RECURRED if about.get("event") == "reopened":
            return tongue.say("{where}: ticket open again", where=where), [
                tongue.say("{by} reopened the ticket.", by=by),
                _ended(episode, tongue),
                tongue.say("The deadlines of the ticket stay."),
                _owed(ticket, now, tongue),
            ]
        case Reason.RECURRED:
            return tongue.say("{where}: {what} again", where=where, what=what), [
                breach(ticket, episode, site, tongue),
                tongue.say("The deadlines of the ticket stay."),
                _owed(ticket, now, tongue),
            ]
        case Reason.ENDED:
            return tongue.say("{where}: back in range", where=where), [
                _ended(episode, tongue),
                tongue.say("The ticket stays open until a person closes it."),
                _owed(ticket, now, tongue),
            ]
        case Reason.ESCALATED:
            is_open = ticket.status is Status.OPEN
            nobody = msgid("{where}: still {what}, and nobody has taken it up")
            no_relief = msgid("{where}: still {what}, and no relief is on record")
            return tongue.say(nobody if is_open else no_relief, where=where, what=what), [
                breach(ticket, episode, site, tongue),
                _ended(episode, tongue),
                tongue.say("The ticket opened {span} ago.", span=tongue.span(now - ticket.opened_at)),
                _owed(ticket, now, tongue),
            ]
        case Reason.CLOSED:
            return tongue.say("{where}: ticket closed", where=where), [
                tongue.say("{by} closed the ticket.", by=by)
            ]
        case Reason.DISPUTED:
            is_withdrawn = about.get("event") == "dispute_withdrawn"
            title = msgid("{where}: dispute withdrawn") if is_withdrawn else msgid("{where}: disputed")
            return tongue.say(title, where=where), [tongue.say("By {by}. The deadlines run on.", by=by)]
        case Reason.ACKNOWLEDGED:
            return tongue.say("{where}: acknowledged", where=where), [
                tongue.say("{by} has taken it up.", by=by)
            ]
    return _of_tier(notice, ticket, episode, where, site, tongue)


def _of_tier(
    notice: Notice, ticket: Ticket, episode: Episode | None, where: str, site: Site, tongue: Tongue
) -> tuple[str, list[str]]:
    about, by = notice.about, notice.about.get("by", "")
    words = TIER_WORDS[about["tier"]]
    deadline = next((each for each in ticket.deadlines if each.tier == about["tier"]), None)
    due = _due(deadline, notice.at, tongue)
    match notice.reason:
        case Reason.REMINDER:
            return tongue.say(words.is_due, where=where, due=due), [
                breach(ticket, episode, site, tongue),
                _ended(episode, tongue),
                tongue.say(words.next_step),
            ]
        case Reason.OVERDUE:
            return tongue.say(words.is_overdue, where=where), [
                _was_due(deadline, due, notice.at, tongue),
                _ended(episode, tongue),
                tongue.say(words.next_step),
            ]
        case Reason.EXTENDED:
            return tongue.say(words.extended, where=where), [
                tongue.say("{by} extended it; now due {due}.", by=by, due=due),
                _agreed(about.get("agreed_by", ""), tongue),
            ]
    kind = about.get("kind", "")
    recorded = words.recorded_with_kind if kind else words.recorded
    said = tongue.say(_KINDS[kind]) if kind else ""
    return tongue.say("{where}: relief on record", where=where), [tongue.say(recorded, by=by, kind=said)]


def digest(
    notice: Notice,
    tickets: Mapping[str, Ticket],
    episodes: Mapping[str, Episode],
    site: Site,
    tongue: Tongue,
) -> tuple[str, str]:
    """Return the title and text of a notice that lists several tickets of a building."""
    listed = [tickets[id] for id in notice.tickets or ()]
    lines = []
    for ticket in listed:
        line = {
            "opened": msgid("- {where}: {what}. {since} {owed} [{ticket}]"),
            "recurred": msgid("- {where}: {what} (again). {since} {owed} [{ticket}]"),
            "ended": msgid("- {where}: {what} (back in range). {since} {owed} [{ticket}]"),
        }[news := notice.about.get(ticket.id, "opened")]
        episode = episodes.get(ticket.id)
        said = tongue.say(
            line,
            where=place_name(ticket.place, site, tongue),
            what=briefly(ticket, tongue),
            since=_ended(episode, tongue) if news == "ended" else breach(ticket, episode, site, tongue),
            owed=_owed(ticket, notice.at, tongue),
            ticket=ticket.id,
        )
        lines.append(" ".join(said.split()))
    where, count = site.name_of(notice.building), len(listed)
    if all(notice.about.get(ticket.id) == "opened" for ticket in listed):
        title = tongue.plural("{where}: new: one ticket", "{where}: new: {count} tickets", count, where=where)
    else:
        title = tongue.plural(
            "{where}: news of one ticket", "{where}: news of {count} tickets", count, where=where
        )
    if any(notice.about.get(ticket.id) != "ended" for ticket in listed):
        lines.append(by_whom(notice.building, site, tongue))
    return title, "\n".join(lines)


def _agreed(names: str, tongue: Tongue) -> str:
    """Who agreed to an extension, as far as the record says."""
    if names:
        return tongue.say("Agreed by {names}.", names=names)
    return tongue.say("Nobody's agreement is on record.")


def _closure(ticket: Ticket, tongue: Tongue) -> str:
    if ticket.condition is not Condition.OUTAGE:
        return ""
    closing = f"safetyd ticket {ticket.id} close-building --by NAME"
    if ticket.is_presumed:
        return tongue.say(
            "This is presumed. Please find out, and confirm or deny it by a note on the ticket, or: {command}"
            " (or off) --by NAME. If it was out: The building must be closed until this is resolved (9.14.5)."
            " Put the closure on record: {closing}",
            command=f"safetyd power {ticket.place.building} on",
            closing=closing,
        )
    return tongue.say(
        "The building must be closed until this is resolved (9.14.5). Put the closure on record: {closing}",
        closing=closing,
    )


def _was_due(deadline: Deadline | None, due: str, now: datetime, tongue: Tongue) -> str:
    due_at = deadline.in_force_at if deadline else None
    if due_at is None or now <= due_at:
        return tongue.say("It was due {due}.", due=due)
    return tongue.say("It was due {due}, {span} ago.", due=due, span=tongue.span(now - due_at))


def _learned(ticket: Ticket, episode: Episode | None, tongue: Tongue) -> str:
    """When a breach of the past was learned of; an outage's ticket always comes later than the outage."""
    is_late = episode is not None and ticket.opened_at - episode.began_at > timedelta(minutes=1)
    if not is_late or ticket.condition is Condition.OUTAGE:
        return ""
    return tongue.say("Learned {time}.", time=tongue.time(ticket.opened_at))


def _ended(episode: Episode | None, tongue: Tongue) -> str:
    if episode is None or episode.ended_at is None:
        return ""
    return tongue.say("In range since {time}.", time=tongue.time(episode.ended_at))


def what_is_due(ticket: Ticket, now: datetime, tongue: Tongue) -> str:
    """Return what is due next that is not overdue yet, with the time that is left for it."""
    for deadline in ticket.deadlines:
        if deadline.is_owed and deadline.in_force_at is not None and not deadline.is_overdue(now):
            return _owed_words(deadline, now, tongue)
    return ""


def _owed(ticket: Ticket, now: datetime, tongue: Tongue) -> str:
    """The first that is owed, with the time that is left for it."""
    for deadline in ticket.deadlines:
        if deadline.is_owed and deadline.in_force_at is not None:
            return _owed_words(deadline, now, tongue)
    return ""


def _owed_words(deadline: Deadline, now: datetime, tongue: Tongue) -> str:
    return tongue.say(TIER_WORDS[deadline.tier].owed, due=_due(deadline, now, tongue))


def _due(deadline: Deadline | None, now: datetime, tongue: Tongue) -> str:
    at = deadline.in_force_at if deadline else None
    if deadline is None or at is None:
        return ""
    if at <= now or deadline.state is Due.MISSED:
        return tongue.time(at)
    # Translators: until when, and how long that is from now.
    return tongue.say("{time} ({span} left)", time=tongue.time(at), span=tongue.span(at - now))
