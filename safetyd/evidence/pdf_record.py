"""What people and safetyd did about a ticket: duties, timeline, notices and their deliveries.

Rule: nothing is left out; where nothing is on record, one sentence says so.
"""

from collections.abc import Iterator

from safetyd.evidence.case import Attempt, Case, Delivery, Line, Notice
from safetyd.evidence.pdf_words import Moment, details, duty_state, event, named, plain, size
from safetyd.paper.blocks import Block, Facts, Heading, Row, Table, Text
from safetyd.record_words import noted

_DELIVERIES = {
    "accepted": "handed over",
    "given_up": "given up",
    "overtaken": "not sent",
    "withdrawn": "withdrawn",
    "waiting": "waiting",
}


def timeline(case: Case, moment: Moment) -> list[Block]:
    """Return the history, as it was written down."""
    heading = Heading("Timeline")
    if not case.timeline:
        return [heading, Text("The history of this ticket is empty.")]
    rows = tuple(
        (moment(each.at), event(each.event), each.by, _words(each, moment)) for each in case.timeline
    )
    return [heading, Table(("When", "What", "By", "In which words"), rows, (2.5, 1.7, 1.7, 4.1))]


def duties(case: Case, moment: Moment) -> list[Block]:
    """Return what the clauses ask for, and who did it when."""
    heading = Heading("Duties by clause")
    found = case.ticket.duties
    if not found:
        return [heading, Text("No clause asks anything of people here.")]
    rows: list[Row] = []
    for duty in found:
        first = (duty.clause, duty.duty, duty_state(duty, case.ticket))
        if not duty.proofs:
            rows.append((*first, f"due {moment(duty.due_at)}" if duty.due_at else "", ""))
        for n, proof in enumerate(duty.proofs):
            done = f"{moment(proof.at)}\n{proof.by}"
            rows.append((*(first if n == 0 else ("", "", "")), done, proof.words))
    heads = ("Clause", "Duty", "State", "When and by whom", "In which words")
    return [
        heading,
        Table(heads, tuple(rows), (0.9, 2.1, 1.4, 2.9, 2.7)),
        Text("A duty is on record when a person wrote that it was done; no notice of safetyd stands for it."),
        *_closure(case, moment),
    ]


def _closure(case: Case, moment: Moment) -> list[Block]:
    if not case.ticket.closure:
        return []
    return [Heading("Closing of the building", 2), Facts(named(case.ticket.closure, moment))]


def notices(case: Case, moment: Moment) -> list[Block]:
    """Return what was told to whom, and how far it came."""
    heading = Heading("Notices and deliveries")
    if not case.notices:
        return [heading, Text("No notice about this ticket is on record.")]
    told = tuple((moment(each.at), plain(each.reason), _to(each), _said(each)) for each in case.notices)
    blocks: list[Block] = [heading, Table(("When", "Reason", "To", "Title"), told, (2.5, 1.5, 2.5, 3.5))]
    handed = tuple(row for each in case.notices for row in _handed(each, moment))
    if not handed:
        return [*blocks, Text("No delivery of these notices is on record.")]
    return [
        *blocks,
        Heading("Deliveries", 2),
        Table(("Notice of", "Person", "State", "Attempts and answers"), handed, (2.5, 2.2, 2.5, 2.8)),
        Text(
            "Handed over means that the next server took it; whether a person read it is not known. "
            "The texts of the notices are in ticket.json."
        ),
    ]


def _words(line: Line, moment: Moment) -> str:
    files = "; ".join(f"file {each.name}, {size(each.size)}" for each in line.files)
    return "\n".join(
        each for each in (noted(line.note, line.by, moment), details(line.detail, moment), files) if each
    )


def _to(notice: Notice) -> str:
    return ", ".join((*map(plain, notice.roles), *notice.to)) or "nobody"


def _said(notice: Notice) -> str:
    if notice.shelved is None:
        return notice.title
    return f"{notice.title}\nheld back by {notice.shelved.get('by', 'somebody')}"


def _handed(notice: Notice, moment: Moment) -> Iterator[Row]:
    for each in notice.deliveries:
        yield (
            moment(notice.at),
            _person(each),
            "\n".join(filter(None, (_DELIVERIES.get(each.state, plain(each.state)), moment(each.done_at)))),
            "\n".join(_tried(attempt, moment) for attempt in each.tried) or each.answer or "not tried yet",
        )


def _person(delivery: Delivery) -> str:
    instead = f", instead of {delivery.instead_of}" if delivery.instead_of else ""
    went = f", went to {', '.join(delivery.went_to)}" if delivery.went_to else ""
    return f"{delivery.person} ({delivery.kind or 'an address that is gone'}){instead}{went}"


def _tried(attempt: Attempt, moment: Moment) -> str:
    answer = f": {attempt.answer}" if attempt.answer else ""
    return f"{moment(attempt.at)}, {plain(attempt.outcome)}{answer}"
