"""The first page of the document: the facts of a ticket on one page.

Rule: it is one page, whatever people wrote; what is cut here stands whole on the pages after it.
"""

from collections.abc import Iterator

from safetyd.evidence.case import Case, Deadline, Ticket
from safetyd.evidence.pdf_words import (
    CLAUSES,
    CONDITIONS,
    DEADLINES,
    Moment,
    duty_state,
    length,
    number,
    plain,
    share,
    tier,
    unit,
)
from safetyd.paper.blocks import Block, Brief, Facts, Heading, PageBreak, Row, Table, Text, Title, Tone
from safetyd.record_words import noted

_LIMITS = {
    "cold": (("cold.below_f", "below {}, dry bulb"),),
    "heat": (("heat.above_f", "heat index above {}"),),
    "outage": (("outage.longer_than", "without electricity for longer than {}"),),
    "hazard": (),
}


def facts_page(case: Case, moment: Moment) -> list[Block]:
    """Return what is on the first page, and the break after it."""
    return [
        Brief((Title(f"Evidence for ticket {case.ticket.id}"),), 1),
        Brief((Text(f"{what(case.ticket)}, {place(case)}", Tone.STRONG), Facts(_facts(case, moment)))),
        Heading("Deadlines", 2),
        Brief((_deadlines(case.ticket, moment),)),
        Heading("Duties by clause", 2),
        Brief((_duties(case.ticket, moment),)),
        Text(_scope(case), Tone.SMALL),
        PageBreak(),
    ]


def what(ticket: Ticket) -> str:
    """Return what a ticket is about, in words."""
    said = CONDITIONS.get(ticket.condition, plain(ticket.condition))
    return f"{said}: {plain(ticket.hazard)}" if ticket.hazard else said


def place(case: Case) -> str:
    """Return where it is: the room, and the building."""
    if case.ticket.room is None:
        return f"{case.building_name} (whole building)"
    return f"{case.room_name or case.ticket.room}, {case.building_name}"


def _facts(case: Case, moment: Moment) -> tuple[tuple[str, str], ...]:
    ticket = case.ticket
    return (
        ("Place", f"{place(case)} ({'/'.join(filter(None, (ticket.building, ticket.room)))}), {case.site}"),
        ("Clause", CLAUSES.get(ticket.clause, ticket.clause)),
        ("Limit", limit(case)),
        ("Worst value", worst(ticket, moment)),
        *((("Reported", _reported(case, moment)),) if ticket.condition == "hazard" else ()),
        ("Began", f"{moment(ticket.began_at)}, {_in_student_day(ticket)}"),
        ("Ticket opened", moment(ticket.opened_at)),
        ("Episodes", _episodes(case)),
        ("Status", _status(case, moment)),
        ("Sensors", _sensors(case)),
        ("Coverage", coverage(case)),
        *_of_time(case, moment),
        ("Rules in force", f"{ticket.rules}, {_since(case)}"),
        ("Record", _record(case, moment)),
    )


def limit(case: Case) -> str:
    """Return the number that was crossed, as the rules in force have it."""
    numbers = dict(case.rules.numbers)
    said = [
        words.format(number(key, numbers[key]))
        for key, words in _LIMITS.get(case.ticket.condition, ())
        if key in numbers
    ]
    return "; ".join(said) or "none: what people reported is the ticket"


def worst(ticket: Ticket, moment: Moment) -> str:
    """Return the most extreme value and when it was."""
    if ticket.worst is None:
        return (
            "none: an outage has no value" if ticket.condition == "outage" else "none: no value was measured"
        )
    found = ticket.worst
    assumed = f" (humidity {found.humidity})" if found.humidity else ""
    return f"{found.value:.1f} {unit(found.unit)} at {moment(found.at)}{assumed}"


def coverage(case: Case) -> str:
    """Return how much of the packet's time is known, and how."""
    known, whole = case.coverage, case.coverage.ok_s + case.coverage.breach_s + case.coverage.unknown_s
    if not whole:
        return "nothing was to be measured"
    parts = ("in breach", known.breach_s), ("in order", known.ok_s), ("unknown", known.unknown_s)
    said = ", ".join(f"{name} {length(seconds)}" for name, seconds in parts)
    return f"{share(known.ok_s + known.breach_s, whole)} of {length(whole)} known: {said}"


def _of_time(case: Case, moment: Moment) -> Iterator[tuple[str, str]]:
    """Yield of which time the coverage is, and how much of that was before the ticket's."""
    if not case.coverage.ok_s + case.coverage.breach_s + case.coverage.unknown_s:
        return
    began = min([case.ticket.began_at, *(each.began_at for each in case.ticket.episodes)])
    before = (began - case.span.begin).total_seconds()
    early = f", the first {length(before)} before it began" if before > 0 else ""
    yield "Coverage of", f"{moment(case.span.begin)} to {moment(case.span.end)}{early}"


def _in_student_day(ticket: Ticket) -> str:
    return "in the student day" if ticket.student_day else "outside the student day"


def _episodes(case: Case) -> str:
    found = case.ticket.episodes
    if not found:
        return "none: a person reported it"
    lasting = sum(((each.ended_at or case.as_of) - each.began_at).total_seconds() for each in found)
    running = ", the last goes on" if any(each.ended_at is None for each in found) else ""
    return f"{len(found)}, together {length(lasting)}{running}"


def _status(case: Case, moment: Moment) -> str:
    ticket = case.ticket
    verdicts = _REPORTED if ticket.condition == "hazard" else _VERDICTS
    said = [f"{ticket.status}; {verdicts.get(ticket.verdict, ticket.verdict)}"]
    if ticket.disputed:
        said.append("disputed")
    if ticket.follows:
        said.append(f"follows {ticket.follows}")
    return f"{'; '.join(said)} (as of {moment(case.as_of)})"


_VERDICTS = {
    "ok": "the place is in range",
    "breach": "the place is in breach",
    "unknown": "the state of the place is not known",
}


_REPORTED = {  # nothing measures a hazard
    "breach": "reported, with no relief on record",
    "unknown": "relief is on record; the state of the place is not known",
}


def _reported(case: Case, moment: Moment) -> str:
    """Return in whose words it was reported: the first line of the history that opened the ticket."""
    first = next((each for each in case.timeline if each.event == "opened"), None)
    if first is None:
        return "–"
    return f"by {first.by}: {noted(first.note, first.by, moment)}" if first.note else f"by {first.by}"


def _sensors(case: Case) -> str:
    if not case.sensors:
        return "none at this place"
    return f"{len(case.sensors)}: {', '.join(each.id for each in case.sensors)}"


def _since(case: Case) -> str:
    return f"in force from {case.rules.effective}" if case.rules.effective else "in force from the beginning"


def _record(case: Case, moment: Moment) -> str:
    if case.head is None:
        return "no chain of hashes"
    return f"chain up to row {case.head.number:,} of {moment(case.head.at)}: {case.head.hash}"


def _deadlines(ticket: Ticket, moment: Moment) -> Block:
    if not ticket.deadlines:
        return Text("No deadline is on record.")
    rows = tuple(
        (
            tier(each.tier),
            _due(each, moment),
            DEADLINES.get(each.state, each.state),
            moment(each.met_at),
            each.by or "",
        )
        for each in ticket.deadlines
    )
    late = frozenset(n for n, each in enumerate(ticket.deadlines) if each.state in ("missed", "met_late"))
    return Table(("Step", "Due", "State", "Met at", "By"), rows, (2.3, 2.5, 1.1, 2.4, 1.7), strong=late)


def _due(deadline: Deadline, moment: Moment) -> str:
    if deadline.due_at is None:
        return "–"
    extended = f"; extended to {moment(deadline.extended_to)}" if deadline.extended_to else ""
    amended = f"; by the newer calendar {moment(deadline.amended_to)}" if deadline.amended_to else ""
    return f"{moment(deadline.due_at)}{extended}{amended}"


def _duties(ticket: Ticket, moment: Moment) -> Block:
    """Return each duty with the first line of the record that does it."""
    if not ticket.duties:
        return Text("No clause asks anything of people here.")
    rows: list[Row] = []
    for each in ticket.duties:
        first = each.proofs[0] if each.proofs else None
        when, by = (moment(first.at), first.by) if first else ("", "")
        rows.append((each.clause, each.duty, duty_state(each, ticket), when, by))
    return Table(("Clause", "Duty", "State", "First", "By"), tuple(rows), (0.9, 3.2, 1.6, 2.5, 1.8))


def _scope(case: Case) -> str:
    names = "Names of educators who reported are withheld. " if case.withheld else ""
    return (
        "This document states what is on record and draws no conclusion of law. "
        f"Times are those of {case.timezone}. {names}Made by {case.made_by}."
    )
