"""The store while it cannot be used: why, and when it is tried again.

Rule: it is said once that it is away, once that it is back; in between nothing is acknowledged.
"""

import logging
import time

from safetyd.store.database import Connection, StoreError, abandon

_PAUSE_S = 1.0

log = logging.getLogger(__name__)


class Setback:
    """`trouble` is why the store cannot be used, empty while it can."""

    def __init__(self) -> None:
        self.trouble = ""
        self._retry_at_s = 0.0

    def __bool__(self) -> bool:
        return bool(self.trouble)

    @property
    def must_wait(self) -> bool:
        """Whether it is too early to try again."""
        return bool(self) and time.monotonic() < self._retry_at_s

    def begin(self, error: StoreError, *connections: Connection) -> None:
        """Note that it cannot be used; the next use of a connection whose server went away connects anew."""
        for connection in connections:
            abandon(connection)
        self._retry_at_s = time.monotonic() + _PAUSE_S
        if self.trouble != str(error):
            log.error("%s; nothing is acknowledged until it can be", error)
        self.trouble = str(error)

    def end(self) -> None:
        """Note that it can be used."""
        if self.trouble:
            log.warning("store: can be written again")
            self.trouble = ""
