"""How everything stands, kept between two requests, as far as the store has not changed since.

Rule: readings that came meanwhile are folded in; after a decision everything is read anew, but not so often
that the watch would feel it, unless who asks has just acted. One thread at a time may look.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from safetyd.core.world import Facts
from safetyd.hearing import Hearing
from safetyd.recovery import Recovered, facts_of, follow, recover
from safetyd.site import Site
from safetyd.store import ledger, readings
from safetyd.store.database import Connection, open_for_reading
from safetyd.view import Version, View
from safetyd.web.problems import Problem

_SHARE = 0.25  # of one processor, for reading everything anew


class _Kept(NamedTuple):
    """What was read, up to which reading, and by what it is known that no more was decided."""

    site: Site
    hearing: Hearing
    facts: Facts
    recovered: Recovered
    signature: tuple[object, ...]
    last: int
    version: Version


class Outlook:
    """Holds a connection that only reads."""

    def __init__(self, url: str, root: str, site: Callable[[], Site], now: Callable[[], datetime]) -> None:
        self._url = url
        self._root = root
        self._site = site
        self._now = now
        self._connection: Connection | None = None
        self._version = 0
        self._decisions = 0
        self._kept: _Kept | None = None
        self._not_before_s = 0.0

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Yield the connection; what was read with it is let go, so that the store's log can be folded in."""
        if self._connection is None:
            self._connection = open_for_reading(self._url)
        try:
            yield self._connection
        except Problem:
            self._connection.rollback()
            raise
        except Exception:  # nobody knows how far it came
            self.close()
            raise
        self._connection.rollback()

    @contextmanager
    def view(self, *, must_be_fresh: bool = False) -> Iterator[View]:
        """Yield how everything stands; unless it must be fresh, at worst as of a moment ago."""
        with self.connected() as connection:
            kept = self._look(connection, self._site(), must_be_fresh=must_be_fresh)
            world = kept.recovered.world
            yield View(connection, world, kept.facts, kept.site, self._root, self._now(), kept.version)

    def close(self) -> None:
        """Let go of everything."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._kept = None

    def _look(self, connection: Connection, site: Site, *, must_be_fresh: bool) -> _Kept:
        kept = self._kept
        version = connection.exec_driver_sql("PRAGMA data_version").scalar() or 0
        is_same_site = kept is not None and kept.site is site
        if kept is not None and is_same_site and version == self._version:
            return kept
        signature = ledger.signature(connection)
        is_decided = kept is None or not is_same_site or kept.signature != signature
        may_wait = is_same_site and is_decided and not must_be_fresh
        if kept is not None and may_wait and time.monotonic() < self._not_before_s:
            return kept
        gone_on = None if is_decided or kept is None else self._go_on(connection, kept)
        self._kept = kept = gone_on or self._read(connection, site, signature)
        self._version = version
        return kept

    def _go_on(self, connection: Connection, kept: _Kept) -> _Kept | None:
        """Fold in what was said since; None if everything must be read anew."""
        sensors, recovered = kept.hearing.sensors, kept.recovered
        last = follow(connection, recovered, kept.facts, sensors, kept.last)
        if last is None:
            return None
        heard = kept.version.readings + (last != kept.last)
        return kept._replace(last=last, version=kept.version._replace(readings=heard))

    def _read(self, connection: Connection, site: Site, signature: tuple[object, ...]) -> _Kept:
        began_s = time.thread_time()
        hearing = Hearing(site, self._root, readings.sensors(connection))
        facts, last = facts_of(site, hearing.routes, hearing.known), readings.last_id(connection)
        recovered = recover(connection, facts, hearing.sensors, self._now())
        self._not_before_s = time.monotonic() + (time.thread_time() - began_s) * (1 / _SHARE - 1)
        self._decisions += 1
        return _Kept(site, hearing, facts, recovered, signature, last, Version(self._decisions))
