"""One store as the web uses it: what looks at it and into its past, and where its writer is left commands.

Rule: each connection is used by one thing at a time; whoever asks sees to that. Of a store that another
process writes the web sees for itself what people have assigned beside the site file.
"""

import time
from collections.abc import Callable

from safetyd.assigned import compose
from safetyd.core.assignment import Assignment, standing
from safetyd.site import Site
from safetyd.store import assignments
from safetyd.store.database import Connection
from safetyd.store.ledger import Loaded
from safetyd.store.reporters import Reporter, reporters
from safetyd.web.acts import Inbox
from safetyd.web.health import Pulse
from safetyd.web.outlook import Outlook

_ASSIGNED_S = 2.0  # how far what was assigned elsewhere may be behind


class Record:
    """Opens what it needs when it is first asked."""

    def __init__(
        self,
        url: str,
        root: str,
        site: Callable[[], Site],
        pulse: Pulse,
        loaded: Loaded | None = None,
        aside: Callable[[], None] | None = None,
        *,
        is_anothers: bool = False,
    ) -> None:
        """`site` is that of the writer; where that is another process, what stands in the file."""
        self.url = url
        self.fault = ""  # why it could not be read lately
        self._root, self._given, self._is_anothers = root, site, is_anothers
        self._composed: tuple[Site, list[Assignment], Site] | None = None  # of which file, with what, as what
        self._looked_s = float("-inf")
        self.outlook = Outlook(url, root, self.site, pulse.now, loaded, aside)
        self.archive = Outlook(url, root, self.site, pulse.now, None, aside)  # for what takes longer
        self.inbox = Inbox(url, pulse)
        self._reporters: set[Reporter] = set()
        self._reports_seen = 0

    def site(self) -> Site:
        """Return the buildings of this store, as they are now."""
        return self._given() if self._composed is None else self._composed[2]

    def look_for_assignments(self) -> None:
        """Take in what people have assigned since, if it is time to look."""
        file, now_s = self._given(), time.monotonic()
        is_same = self._composed is not None and self._composed[0] is file
        if not self._is_anothers or (is_same and now_s < self._looked_s + _ASSIGNED_S):
            return
        self._looked_s = now_s
        with self.outlook.connected() as connection:
            found = assignments.record(connection)
        if self._composed is None or not is_same or found != self._composed[1]:
            self._composed = file, found, compose(file, standing(found), self._root).site

    def look_anew(self) -> None:
        """Look for assignments at the next time, however soon that is."""
        self._looked_s = float("-inf")

    def reporters(self, connection: Connection | None) -> set[Reporter]:
        """Return who has reported anything, read on from where they were read before, if it can be."""
        if connection is not None:
            found, self._reports_seen = reporters(connection, self._reports_seen)
            self._reporters |= found
        return self._reporters

    def close(self) -> None:
        """Let go of everything."""
        for each in (self.outlook, self.archive, self.inbox):
            each.close()
