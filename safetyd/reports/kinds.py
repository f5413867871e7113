"""The reports by name: what each is, and which time it is about if nobody says.

Rule: a report that stands in no row is not there.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.history.buckets import Edges
from safetyd.reports.checklist import checklist
from safetyd.reports.compliance import compliance
from safetyd.reports.report import Report
from safetyd.reports.rooms import rooms
from safetyd.reports.season import Season
from safetyd.reports.september import september
from safetyd.reports.terms import school_year, twelve_months, until_september


class Kind(StrEnum):
    """What a report may be asked for."""

    SEPTEMBER = "september"
    COMPLIANCE = "compliance"
    ROOMS = "rooms"
    CHECKLIST = "checklist"


class Maker(NamedTuple):
    """How a report is made; `words` is what people call it."""

    words: str
    make: Callable[[Season], Report]
    usual_range: Callable[[datetime, ZoneInfo], Edges]


MAKERS = {
    Kind.SEPTEMBER: Maker("September list", september, until_september),
    Kind.COMPLIANCE: Maker("Deadlines and notices", compliance, school_year),
    Kind.ROOMS: Maker("Hours beyond the limits", rooms, school_year),
    Kind.CHECKLIST: Maker("Inspection checklist", checklist, twelve_months),
}
