"""How everything stands, kept between two requests, as far as the store has not changed since.

Rule: what is shown is what the store says. Readings that came meanwhile are folded in, and after a decision
what was decided is read; one thread at a time may look.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from safetyd.core.world import Facts
from safetyd.hearing import Hearing
from safetyd.recovery import Before, Recovered, facts_of, follow, recover
from safetyd.site import Site
from safetyd.store import ledger, places, readings
from safetyd.store.database import Connection, last_written, open_for_reading
from safetyd.store.ledger import Loaded
from safetyd.view import Version, View
from safetyd.web.problems import Problem

_FAR_BEHIND = 5000  # readings


class _Known(NamedTuple):
    """What the site file says, and of which sensors."""

    site: Site
    hearing: Hearing
    facts: Facts


class _Kept(NamedTuple):
    """What was read, up to which reading, and by what it is known that no more was decided."""

    known: _Known
    recovered: Recovered
    signature: tuple[object, ...]
    last: int
    version: Version


class Outlook:
    """Holds a connection that only reads."""

    def __init__(
        self,
        url: str,
        root: str,
        site: Callable[[], Site],
        now: Callable[[], datetime],
        loaded: Loaded | None = None,
    ) -> None:
        self._url = url
        self._root = root
        self._site = site
        self._now = now
        self._loaded = loaded
        self._connection: Connection | None = None
        self._written = 0  # by the count of the store
        self._kept: _Kept | None = None
        self._decisions = 0

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
    def view(self) -> Iterator[View]:
        """Yield how everything stands."""
        with self.connected() as connection:
            kept = self._look(connection, self._site())
            world, known = kept.recovered.world, kept.known
            yield View(connection, world, known.facts, known.site, self._root, self._now(), kept.version)

    def close(self) -> None:
        """Let go of everything."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._kept = None

    def _look(self, connection: Connection, site: Site) -> _Kept:
        kept, self._kept = self._kept, None  # a fault halfway leaves nothing
        written = last_written(connection)
        if kept is None or kept.known.site is not site:
            kept = self._read(connection, self._know(connection, site), self._decided(), self._loaded)
        elif written != self._written:
            kept = self._go_on(connection, kept)
        self._kept, self._written = kept, written
        return kept

    def _go_on(self, connection: Connection, kept: _Kept) -> _Kept:
        """Return how it stands now, of how it stood."""
        known = kept.known
        if _signature(connection) != kept.signature:
            if readings.count_sensors(connection) != len(known.hearing.sensors):
                known = self._know(connection, known.site)
            return self._read(connection, known, self._decided(), Before(kept.recovered, kept.last))
        if places.saved_up_to(connection) > kept.last + _FAR_BEHIND:
            loaded = kept.recovered.loaded  # most of how places stood was saved since
            return self._read(connection, known, self._decided(), loaded)
        followed = follow(connection, kept.recovered, known.facts, known.hearing.sensors, kept.last)
        if followed.decided:
            return self._read(connection, known, self._decided())
        is_new = followed.reading != kept.last or bool(followed.late)
        heard = kept.version._replace(readings=kept.version.readings + is_new)
        if followed.late:
            before = Before(kept.recovered, followed.reading, followed.late)
            return self._read(connection, known, heard, before)
        return kept._replace(last=followed.reading, version=heard)

    def _decided(self) -> Version:
        """Return the version after another decision."""
        self._decisions += 1
        return Version(self._decisions)

    def _know(self, connection: Connection, site: Site) -> _Known:
        hearing = Hearing(site, self._root, readings.sensors(connection))
        return _Known(site, hearing, facts_of(site, hearing.routes, hearing.known))

    def _read(
        self, connection: Connection, known: _Known, version: Version, before: Before | Loaded | None = None
    ) -> _Kept:
        signature, last = _signature(connection), readings.last_id(connection)
        recovered = recover(connection, known.facts, known.hearing.sensors, before)
        return _Kept(known, recovered, signature, last, version)


def _signature(connection: Connection) -> tuple[object, ...]:
    """Return what is another once a decision was saved, or a sensor heard for the first time."""
    return *ledger.signature(connection), readings.count_sensors(connection)
