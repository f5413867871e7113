"""Rolls up the readings of a gateway's copy at a centre: roll-ups are not sent, for readings give them again.

Rule: a copy's time is the one up to which it has everything, so that what has not come yet is not taken for
silence. Nothing of a copy is deleted here.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from safetyd.history.rollups import Rollups
from safetyd.setting_centre import Gateway
from safetyd.settings import Settings, Store
from safetyd.site import Site
from safetyd.store import copy_of, readings
from safetyd.store.database import Connection, open_for_reading, undone_on_failure
from safetyd.store.moments import moment

_LOOK_S = 5.0
_REST_S = 60.0  # after a fault


class RolledCopy:
    """The follower of one copy's readings, and its own connection to look with."""

    def __init__(self, gateway: Gateway, site: Site, settings: Settings, connection: Connection) -> None:
        """`connection` is the copy's writer."""
        only = settings.model_copy(update={"store": Store(url=gateway.url), "influx": None})
        self._connection = connection
        self._reader = open_for_reading(gateway.url)
        self._rollups = Rollups(self._reader, self._writing, lambda: site, only)
        self._look_at_s = 0.0
        self._rest_until_s = 0.0
        self._at: datetime | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether it wants to go on soon."""
        return self._rollups.next_at is not None and time.monotonic() >= self._rest_until_s

    def tend(self) -> None:
        """Do a small piece of what there is to do.

        Raises:
            StoreError: it could not be written.
        """
        if not self.is_at_work:
            if time.monotonic() < max(self._look_at_s, self._rest_until_s):
                return
            self._look_at_s = time.monotonic() + _LOOK_S
        try:
            if self._rollups.next_at is None:
                self._at = self._whole_up_to()
            if self._at is not None:
                self._rollups.tend(self._at)
        except Exception:
            self._rest_until_s = time.monotonic() + _REST_S
            raise

    def close(self) -> None:
        """Let go of it."""
        self._reader.close()

    def _whole_up_to(self) -> datetime | None:
        """Return until when the copy has all readings: until the gateway last spoke, or its last reading."""
        last, heard = readings.last_id(self._reader), copy_of.noted(self._reader)
        is_whole = heard.get("newest", 0) <= last
        at = None if not last else moment(heard["at"]) if is_whole else readings.arrival(self._reader, last)
        self._reader.rollback()
        return at

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with undone_on_failure(self._connection):
            yield self._connection
