"""Why a page is not for somebody: in plain words, by what their role does not do.

Rule: it names the role, which is the reason, and no table of ours.
"""

from collections.abc import Mapping

from safetyd.store.accounts import Account
from safetyd.web.access import Right

TITLE = "Not for your account"
_LACKS: Mapping[Right, str] = {
    Right.TICKETS: "does not see tickets",
    Right.WHATIF: "does not ask what would have been",
    Right.TROUBLES: "does not see troubles",
    Right.SENSORS: "does not see sensors",
    Right.PEOPLE: "does not see who is told what",
    Right.ASSIGN: "does not assign sensors",
    Right.TEST_NOTICE: "does not send test notices",
    Right.REPORT: "does not report problems",
    Right.ACKNOWLEDGE: "does not acknowledge tickets",
    Right.RELIEVE: "does not put relief on record",
    Right.NOTE: "does not put notes on record",
    Right.EXTEND: "does not extend deadlines",
    Right.DISPUTE: "does not dispute",
    Right.CLOSE: "does not close tickets",
    Right.REOPEN: "does not reopen tickets",
    Right.TELL_DISTRICT: "does not put on record that the district was told",
    Right.CLOSE_BUILDING: "does not close buildings",
    Right.LIFT: "does not open buildings again",
    Right.CONFIRM_LIFT: "does not open buildings again",
}


def refusal(account: Account, right: Right) -> str:
    """Return the sentence for somebody whose role has not a right."""
    role = account.role.value.replace("_", " ")
    return f"Your account, {role}, {_LACKS.get(right, 'does not see this')}. You are here as {account.name}."
