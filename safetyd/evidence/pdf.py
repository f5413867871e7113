"""The packet's document: the facts on one page, what they stand on, and annexes.

Rule: it is drawn of a Case and of nothing else, so that the same case is the same bytes; it states facts and
draws no conclusion of law.
"""

from zoneinfo import ZoneInfo

from safetyd.evidence.case import Case
from safetyd.evidence.pdf_chart import course
from safetyd.evidence.pdf_facts import facts_page, place
from safetyd.evidence.pdf_ground import annexes, known, rules, sensors
from safetyd.evidence.pdf_record import duties, notices, timeline
from safetyd.evidence.pdf_words import moments


def pdf_of(case: Case) -> bytes:
    """Return the document of a ticket."""
    from safetyd.paper.press import pdf  # 7 MB that a gateway nobody prints at need not hold

    zone = ZoneInfo(case.timezone)
    moment = moments(zone)
    blocks = [
        *facts_page(case, moment),
        *course(case, zone, moment),
        *timeline(case, moment),
        *duties(case, moment),
        *known(case, moment),
        *notices(case, moment),
        *sensors(case, moment),
        *rules(case),
        *annexes(case, zone, moment),
    ]
    return pdf(blocks, title=f"Evidence for ticket {case.ticket.id}, {place(case)}", foot=_foot(case))


def _foot(case: Case) -> str:
    if case.head is None:
        return "no chain of hashes"
    return f"Head of the record: row {case.head.number}, {case.head.hash}"
