"""How many messages each address has had in the last hour, and so when it may have the next.

Rule: what was sent before a restart counts; what waits for nobody is sent at once, and counts too.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from safetyd.core.sparing import MESSAGES_AN_HOUR, next_message_at
from safetyd.site import Site

AN_HOUR = timedelta(hours=1)

Who = tuple[str, str]  # a person, and an address of theirs by its fingerprint


class Allowance:
    """What each address has had, against what its person asked for."""

    def __init__(self) -> None:
        self._budgets: dict[str, int] = {}
        self._had: dict[Who, list[datetime]] = {}  # in the last hour

    def take_site(self, site: Site) -> None:
        """Go by another site file from now on."""
        self._budgets = {person.name: person.budget for person in site.people}

    def remember(self, messages: Iterable[tuple[str, str, datetime]]) -> None:
        """Count messages of before, and no others: person, fingerprint, when."""
        self._had.clear()
        for person, address, at in messages:
            self._had.setdefault((person, address), []).append(at)

    def count(self, who: Who, at: datetime, now: datetime) -> None:
        """Count a message that arrived, or may have, once."""
        hour_ago = now - AN_HOUR
        self._had[who] = [*(each for each in self._had.get(who, ()) if each > hour_ago and each != at), at]

    def next_at(self, who: Who, now: datetime, *, is_urgent: bool) -> datetime:
        """Return when the next message may go there; now or before: at once."""
        budget = self._budgets.get(who[0], MESSAGES_AN_HOUR)
        return next_message_at(self._had.get(who, ()), budget, now, is_urgent=is_urgent)
