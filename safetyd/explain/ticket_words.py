"""Why a breach has the ticket that it has, or why there is none, in sentences.

Rule: what is told is what the record holds; where the record and what is judged again differ, that is said.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from safetyd.calendar_words import listed
from safetyd.core.model import Condition, Episode, Verdict
from safetyd.core.taken_up import TakenUp, Way, status_at
from safetyd.core.telling import SAFETYD
from safetyd.core.ticket import Status, Ticket
from safetyd.core.world import Row
from safetyd.explain.clock_words import Clock, degrees, lasting
from safetyd.explain.explanation import Explanation
from safetyd.record_words import noted
from safetyd.site_words import span

_EPISODES = 12
_SUBJECTS = {
    Condition.COLD: "cold",
    Condition.HEAT: "heat",
    Condition.OUTAGE: "an outage",
    Condition.HAZARD: "a hazard",
}
_AT_ONCE = timedelta(seconds=60)


def taken_words(
    condition: Condition, taken: TakenUp, verdict: Verdict, found: Explanation, clock: Clock
) -> Iterator[str]:
    """Yield why there is a ticket for a place's breach at that moment, or why none."""
    subject, rules = _SUBJECTS[condition], found.rules
    match taken.way:
        case Way.NO_BREACH if verdict is Verdict.UNKNOWN:
            yield f"No ticket on {subject} was opened then: not to know is no breach, and it ends none."
        case Way.NO_BREACH:
            yield f"No ticket on {subject} was opened then, because there was no breach."
        case Way.UNCONFIRMED:
            yield f"No ticket on {subject} was opened then: an episode opens one, and none had begun."
        case Way.NOT_YET_LONG:
            yield (
                f"No ticket on {subject} was opened then: one is once power has been out for longer than"
                f" {span(rules.outage.longer_than)}, or a room is in breach meanwhile."
            )
        case Way.HELD:
            assert taken.counts_from is not None
            yield (
                f"No ticket on {subject} yet: the rules hold back what begins outside work hours. If the"
                f" episode still runs at {clock(taken.counts_from)}, when work begins, it opens one then."
            )
            known = taken.episode
            if known is not None and known.ended_at is not None and known.ticket is None:
                yield f"It was over at {clock(known.ended_at)}, so none came of it."
        case Way.AT_REST:
            yield _at_rest(taken, clock)
        case Way.ELSEWHERE:
            yield "No ticket of our own: the building's own safetyd has one for the same outage."
        case Way.NOT_ON_RECORD:
            yield _not_on_record(taken, found, clock)
        case _:
            yield from _brought(taken, found, clock)
    others = [id for id in taken.standing if id != taken.ticket]
    if others and taken.way is not Way.AT_REST:
        yield f"{listed(others)} was open all the same: readings close no ticket, only a person does."


def _at_rest(taken: TakenUp, clock: Clock) -> str:
    row = taken.closed
    by = "" if row is None else f" by {row.by} at {clock(row.at)}{f': {row.note}' if row.note else ''}"
    word = "joined to another safetyd's" if row is not None and row.event == "joined" else "closed"
    return (
        f"No ticket was open: {taken.ticket} was {word}{by}. The breach went on, and only the next episode"
        " opens a ticket again."
    )


def _not_on_record(taken: TakenUp, found: Explanation, clock: Clock) -> str:
    known = taken.episode
    if known is not None and known.ticket is None and known.ended_at is not None:
        return f"No ticket: the episode of {clock(known.began_at)} was over before it counted."
    if found.later is not None:
        return "No ticket at that moment by the record: what was known of it changed with what came later."
    return (
        "The record has no ticket for it at that moment: the site file or the readings that are kept may be"
        " others now than they were. The record is what holds."
    )


def _brought(taken: TakenUp, found: Explanation, clock: Clock) -> Iterator[str]:
    row, ticket = taken.row, found.record.tickets.get(taken.ticket or "")
    assert row is not None and ticket is not None
    if taken.way is Way.JOINED:
        yield (
            f"It is in {ticket.id}, which was open already for the same place and condition and was set open"
            f" again at {clock(row.at)}: at most one is open, and later episodes join it."
        )
        return
    yield from opened_words(ticket, found, clock)
    if taken.way is Way.SECOND_LIMB:
        yield f"By the clause's second limb: {noted(row.note, row.by, clock)}."


def opened_words(ticket: Ticket, found: Explanation, clock: Clock) -> Iterator[str]:
    """Yield when and why a ticket was opened, and what it promised by."""
    rows = found.record.rows[ticket.id]
    opened = next((row for row in rows if row.event == "opened"), None)
    late = ticket.opened_at - ticket.began_at
    by = "" if opened is None or opened.by == SAFETYD else f" by {opened.by}"
    if found.learned_at is not None:
        yield (
            f"That was learned only at {clock(found.learned_at)}, {lasting(found.learned_at - found.at)}"
            " later, when the reading arrived."
        )
    yield (
        f"{ticket.id} was opened{by} at {clock(ticket.opened_at)}, because none was open for the same place"
        " and condition."
    )
    if ticket.condition is not Condition.HAZARD and late >= _AT_ONCE:
        yield f"It counts from {clock(ticket.began_at)}, {lasting(late)} before it was opened."
    began = [each.began_at for each in found.record.episodes if each.ticket == ticket.id]
    if began and min(began) < ticket.began_at:
        yield (
            f"The episode itself began at {clock(min(began))}; the ticket and its deadlines count from"
            f" {clock(ticket.began_at)}."
        )
    if not found.hours.has_every_hour:
        when = "within" if ticket.student_day else "outside"
        yield f"It began {when} the student day."
    if ticket.follows is not None:
        yield f"It follows {ticket.follows}, which was closed while the breach went on."
    if ticket.is_presumed:
        yield "Nobody has confirmed it yet: it is presumed from silence."


def since_words(ticket: Ticket, found: Explanation, clock: Clock) -> Iterator[str]:
    """Yield what became of a ticket since: its episodes and how it stands."""
    episodes = sorted(
        (each for each in found.record.episodes if each.ticket == ticket.id), key=lambda each: each.began_at
    )
    for number, each in enumerate(episodes[:_EPISODES], 1):
        yield _episode(number, each, ticket, found, clock)
    if len(episodes) > _EPISODES:
        yield f"{len(episodes) - _EPISODES} more of its episodes are not told one by one."
    for row in found.record.rows[ticket.id]:
        if row.event in ("began_earlier", "goes_on", "joined", "confirmed"):
            yield f"At {clock(row.at)} the record notes: {noted(row.note, row.by, clock)}."
    status = status_at(found.record.rows[ticket.id], found.now) or ticket.status
    closing = _last(found.record.rows[ticket.id], "closed")
    if status is Status.CLOSED and closing is not None:
        note = f": {closing.note}" if closing.note else ""
        yield f"It was closed by {closing.by} at {clock(closing.at)}{note}."
        return
    yield f"It is {status.value} now; readings close no ticket, only a person does."


def _last(rows: Sequence[Row], event: str) -> Row | None:
    return next((row for row in reversed(rows) if row.event == event), None)


def _episode(number: int, each: Episode, ticket: Ticket, found: Explanation, clock: Clock) -> str:
    worst = ""
    if each.worst is not None and ticket.condition is not Condition.OUTAGE:
        limit = found.site.rulebook.in_force(each.began_at).limit_f(each.condition)
        name = "heat index" if ticket.condition is Condition.HEAT else "temperature"
        worst = f", worst {name} {degrees(each.worst.value, limit)} at {clock(each.worst.at)}"
    if each.ended_at is None:
        return f"Episode {number} began at {clock(each.began_at)} and has no end on record{worst}."
    lasted = lasting(each.ended_at - each.began_at)
    span_of = f"began at {clock(each.began_at)} and ended at {clock(each.ended_at)}, after {lasted}"
    return f"Episode {number} {span_of}{worst}."


def hazard_words(ticket: Ticket, found: Explanation, clock: Clock) -> Iterator[str]:
    """Yield who reported a hazard and why it has this ticket: people open these, not readings."""
    rows = found.record.rows[ticket.id]
    opened = next((row for row in rows if row.event == "opened"), None)
    hazard = ticket.hazard.value.replace("_", " ") if ticket.hazard else "hazard"
    by = "somebody" if opened is None else opened.by
    note = f": {opened.note.rstrip('.')}" if opened is not None and opened.note else ""
    yield f"{by} reported {hazard} at {clock(ticket.opened_at)}{note}."
    yield "No reading opened this ticket, a person did."
    yield (
        f"{ticket.id} was opened because no ticket for {hazard} of this place was open; its verdict is breach"
        " until relief is on record, and unknown from then on (9.14.4)."
    )
    again = [row for row in rows if row.event == "recurred"]
    for row in again[:_EPISODES]:
        yield f"{row.by} reported it again at {clock(row.at)}{f': {row.note}' if row.note else ''}."
