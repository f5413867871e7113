"""How everything stands, kept between two requests, as far as the store has not changed since.

Rule: what is shown is what the store says. What was decided, saved and said meanwhile is taken in, and the
rest left as it was; one thread at a time may look.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from safetyd.catching_up import Listeners, catch_up
from safetyd.core.world import Facts
from safetyd.hearing import Hearing
from safetyd.recovery import Recovered, facts_of, recover, with_known
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
    listeners: Listeners


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
        aside: Callable[[], None] | None = None,
    ) -> None:
        """`aside` is called before each statement, for who looks gives way."""
        self._url = url
        self._aside = aside
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
            self._connection = open_for_reading(self._url, self._aside)
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
        if kept is None:
            kept = self._read(connection, _know(connection, site, self._root), self._loaded)
        elif kept.known.site is not site:
            kept = self._read(connection, _know(connection, site, self._root), kept.recovered.loaded)
        elif written != self._written:
            kept = self._go_on(connection, kept)
        self._kept, self._written = kept, written
        return kept

    def _go_on(self, connection: Connection, kept: _Kept) -> _Kept:
        """Return how it stands now, of how it stood."""
        known, signature, last = kept.known, _signature(connection), readings.last_id(connection)
        is_decided = signature != kept.signature
        if is_decided and readings.count_sensors(connection) != len(known.hearing.sensors):
            known = _learn(connection, known, self._root)
        is_far_behind = places.saved_up_to(connection) > kept.last + _FAR_BEHIND
        if last < kept.last or is_far_behind:  # another store; or most of how places stood was saved since
            return self._read(connection, known, kept.recovered.loaded)
        caught_up = catch_up(
            connection, kept.recovered, known.facts, known.listeners, kept.last, is_decided=is_decided
        )
        if caught_up is None:
            return self._read(connection, known)
        heard = kept.version._replace(readings=kept.version.readings + caught_up.is_heard)
        version = self._decided() if is_decided else heard
        return _Kept(known, caught_up.recovered, signature, last, version)

    def _decided(self) -> Version:
        """Return the version after another decision."""
        self._decisions += 1
        return Version(self._decisions)

    def _read(self, connection: Connection, known: _Known, loaded: Loaded | None = None) -> _Kept:
        signature, last = _signature(connection), readings.last_id(connection)
        recovered = recover(connection, known.facts, known.hearing.sensors, loaded)
        return _Kept(known, recovered, signature, last, self._decided())


def _know(connection: Connection, site: Site, root: str) -> _Known:
    hearing = Hearing(site, root, readings.sensors(connection))
    facts = facts_of(site, hearing.routes, hearing.known)
    return _Known(site, hearing, facts, Listeners.of(hearing.sensors))


def _learn(connection: Connection, known: _Known, root: str) -> _Known:
    """Return the same once more sensors were heard."""
    fresh = readings.sensors(connection, max(known.hearing.sensors, default=0))
    if len(fresh) + len(known.hearing.sensors) != readings.count_sensors(connection):
        return _know(connection, known.site, root)
    known.hearing.learn(fresh)
    known.listeners.add(each.number for each in fresh)
    return known._replace(facts=with_known(known.facts, fresh))


def _signature(connection: Connection) -> tuple[object, ...]:
    """Return what is another once a decision was saved, or a sensor heard for the first time."""
    return *ledger.signature(connection), readings.count_sensors(connection)
