"""Who sees and does what: one table, from role to rights.

Rule: what stands in no row is not allowed. Buildings limit what is seen and done beside that; committees and
the association see all that is on record of theirs, and dispute instead of editing. The name of an educator
who reported is for those who answer for it or stand by them, not for everybody who works on it.
"""

from collections.abc import Mapping
from enum import StrEnum

from safetyd.core.model import Role
from safetyd.store.accounts import Account


class Right(StrEnum):
    """One thing that may be seen or done; those that act on a ticket are called as the action."""

    ROOMS = "rooms"
    READINGS = "readings"
    TICKETS = "tickets"
    WHATIF = "whatif"
    TROUBLES = "troubles"
    SENSORS = "sensors"
    METRICS = "metrics"
    NAMES = "names"  # of educators who reported
    PEOPLE = "people"
    ADDRESSES = "addresses"
    ACCOUNTS = "accounts"
    CALENDAR = "calendar"
    RULES = "rules"
    REPORT = "report"
    ASSIGN = "assign"
    TEST_NOTICE = "test_notice"
    ACKNOWLEDGE = "acknowledge"
    RELIEVE = "relieve"
    NOTE = "note"
    EXTEND = "extend"
    DISPUTE = "dispute"
    CLOSE = "close"
    REOPEN = "reopen"
    TELL_DISTRICT = "tell_district"
    CLOSE_BUILDING = "close_building"
    LIFT = "lift"
    CONFIRM_LIFT = "confirm_lift"


_ROOMS = frozenset({Right.ROOMS, Right.READINGS, Right.CALENDAR, Right.RULES})
_RECORD = _ROOMS | {
    Right.TICKETS,
    Right.WHATIF,  # it tells of tickets and of readings
    Right.TROUBLES,
    Right.SENSORS,
    Right.METRICS,
    Right.PEOPLE,
}
_KEEP = frozenset({Right.ASSIGN, Right.ADDRESSES, Right.TEST_NOTICE})
_WORK = frozenset(
    {Right.ACKNOWLEDGE, Right.RELIEVE, Right.NOTE, Right.CLOSE, Right.REOPEN, Right.TELL_DISTRICT}
)
_ALL = frozenset(Right)

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.FACILITIES: _RECORD | _WORK | _KEEP | {Right.REPORT},
    Role.ADMINISTRATOR: _ALL,
    Role.DISTRICT: _ALL,
    Role.SAFETY_COMMITTEE: _RECORD | {Right.REPORT, Right.DISPUTE},
    Role.ASSOCIATION: _RECORD | {Right.REPORT, Right.DISPUTE, Right.NAMES},
    Role.EDUCATOR: _ROOMS | {Right.REPORT},
}


def may(account: Account, right: Right) -> bool:
    """Return whether somebody's role has a right."""
    return right in RIGHTS.get(account.role, frozenset())


def sees(account: Account, building: str | None) -> bool:
    """Return whether somebody sees what is of a building; what is of none (None) is for who sees all."""
    return not account.buildings or building in account.buildings
