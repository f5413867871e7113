"""How everything stands, kept between two requests, as far as the store has not changed since.

Rule: readings that came meanwhile are folded in; after a decision everything is read anew, but not so often
that the watch would feel it, and beside those who look, who see meanwhile how it stood a moment ago: unless
who asks has just acted. One thread at a time may look.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from typing import NamedTuple

from safetyd.core.world import Facts
from safetyd.hearing import Hearing
from safetyd.recovery import Before, Recovered, facts_of, follow, recover
from safetyd.site import Site
from safetyd.store import ledger, places, readings
from safetyd.store.database import Connection, open_for_reading
from safetyd.view import Version, View
from safetyd.web.problems import Problem

_SHARE = 0.25  # of one processor, for reading everything anew
_A_MOMENT_S = 2.0  # what was so then may be shown while everything is read anew; who comes later waits for it
_FAR_BEHIND = 5000  # readings


class _Kept(NamedTuple):
    """What was read, up to which reading, and by what it is known that no more was decided."""

    site: Site
    hearing: Hearing
    facts: Facts
    recovered: Recovered
    signature: tuple[object, ...]
    last: int
    took_s: float
    version: Version = Version()


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
        self._was_so_s = 0.0  # when what is kept was last known to be how it stands
        self._reader: ThreadPoolExecutor | None = None
        self._coming: Future[_Kept] | None = None

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
        if self._reader is not None:
            self._reader.shutdown()
        if self._connection is not None:
            self._connection.close()
        self._connection = self._kept = self._reader = self._coming = None

    def _look(self, connection: Connection, site: Site, *, must_be_fresh: bool) -> _Kept:
        kept = self._kept
        version = connection.exec_driver_sql("PRAGMA data_version").scalar() or 0
        if kept is not None and kept.site is not site:
            kept = self._coming = None
        if kept is not None and version == self._version:
            self._was_so_s = time.monotonic()
            return kept
        signature = _signature(connection)
        if kept is not None and kept.signature != signature and not must_be_fresh:
            coming = self._take(self._behind(site))
            if coming is None:
                return kept
            connection.rollback()  # it may be of later than what is read here
            kept, signature = coming, _signature(connection)
            if kept.signature != signature:
                return kept
        if kept is not None and kept.signature == signature:
            kept = self._go_on(connection, kept)
            self._kept = kept or self._anew(self._read(connection, site))
        else:
            self._kept = self._anew(self._read(connection, site, _before(kept)))
        self._version, self._was_so_s = version, time.monotonic()
        return self._kept

    def _behind(self, site: Site) -> Future[_Kept] | None:
        """Return what is read beside those who look; None while it is too early for that."""
        if self._coming is None and time.monotonic() >= self._not_before_s:
            self._reader = self._reader or ThreadPoolExecutor(1, "outlook")
            self._coming = self._reader.submit(self._read_apart, site, _before(self._kept))
        return self._coming

    def _take(self, coming: Future[_Kept] | None) -> _Kept | None:
        """Return what has been read, or has to be waited for."""
        is_late = time.monotonic() - self._was_so_s > _A_MOMENT_S
        if coming is None or not (coming.done() or is_late):
            return None
        self._kept = kept = self._anew(coming.result())
        return kept

    def _go_on(self, connection: Connection, kept: _Kept) -> _Kept | None:
        """Fold in what was said since; None if everything must be read anew."""
        sensors, recovered = kept.hearing.sensors, kept.recovered
        if places.saved_up_to(connection) > kept.last + _FAR_BEHIND:
            return None  # most of it was saved since
        last = follow(connection, recovered, kept.facts, sensors, kept.last)
        if last is None:
            return None
        heard = kept.version.readings + (last != kept.last)
        return kept._replace(last=last, version=kept.version._replace(readings=heard))

    def _anew(self, kept: _Kept) -> _Kept:
        """Go on from what was read anew."""
        self._coming = None
        self._not_before_s = time.monotonic() + kept.took_s * (1 / _SHARE - 1)
        self._decisions += 1
        return kept._replace(version=Version(self._decisions))

    def _read_apart(self, site: Site, before: Before | None) -> _Kept:
        with closing(open_for_reading(self._url)) as connection:
            return self._read(connection, site, before)

    def _read(self, connection: Connection, site: Site, before: Before | None = None) -> _Kept:
        began_s = time.thread_time()
        signature = _signature(connection)
        hearing = Hearing(site, self._root, readings.sensors(connection))
        facts, last = facts_of(site, hearing.routes, hearing.known), readings.last_id(connection)
        recovered = recover(connection, facts, hearing.sensors, self._now(), before)
        return _Kept(site, hearing, facts, recovered, signature, last, time.thread_time() - began_s)


def _before(kept: _Kept | None) -> Before | None:
    return None if kept is None else Before(kept.recovered, kept.last)


def _signature(connection: Connection) -> tuple[object, ...]:
    """Return what is another once a decision was saved, or a sensor heard for the first time."""
    return *ledger.signature(connection), len(readings.sensors(connection))
