"""The follower of the readings in the daemon's loop: rolls them up, and deletes what was kept long enough.

Rule: it does a little at a time and writes in transactions of its own; whatever fails here never stops the
watch.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from safetyd.core.tally import WIDTH
from safetyd.history import days
from safetyd.history.buckets import edges
from safetyd.history.retention import boundary, needed
from safetyd.history.rolling import Rolling
from safetyd.history.tails import AHEAD
from safetyd.settings import Settings
from safetyd.site import Site
from safetyd.store import chain, digests, readings, replica, retired, rollups, statements
from safetyd.store.database import Connection, StoreError
from safetyd.store.replica import Stream
from safetyd.store.rollups import HOUR, Level, Progress
from safetyd.store.statements import Subject

_SLICE_SECONDS = 0.002  # of the loop that watches, at a time
_BETWEEN = timedelta(milliseconds=10)  # two pieces of one round
_PAUSE_SECONDS = 600.0  # after a fault of ours
_ROWS_AT_ONCE = 300

log = logging.getLogger("safetyd")
Writing = Callable[[], AbstractContextManager[Connection]]


class Rollups:
    """Holds the work under way."""

    def __init__(
        self, reader: Connection, writing: Writing, site: Callable[[], Site], settings: Settings
    ) -> None:
        self._reader = reader
        self._writer = writing
        self._site = site
        self._root = settings.mqtt.root
        self._keep = settings.store
        self._copy = settings.influx.target if settings.influx else ""
        self._zone: ZoneInfo | None = None  # whose days are rolled up
        self._work: Iterator[None] | None = None
        self._failed_at: float | None = None
        self.next_at: datetime | None = None  # when it wants to go on with what is under way
        self._rolling = self._begun_anew()

    def _begun_anew(self) -> Rolling:
        return Rolling(self._reader, self._writing, self._site, self._root)

    @property
    def cursor(self) -> int:
        """The last row that was looked at."""
        return self._rolling.cursor

    def tend(self, now: datetime, *, is_free: bool = True) -> None:
        """Do a small piece of what there is to do if the writer has nothing else, and nothing uncommitted.

        Raises:
            StoreError: it could not be written; it will be worked out again.
        """
        if is_free:
            self._tend(now)
        self.next_at = None if self._work is None else now + _BETWEEN

    def _tend(self, now: datetime) -> None:
        if self._failed_at is not None and time.monotonic() < self._failed_at + _PAUSE_SECONDS:
            return
        if self._work is None:
            if now < self._rolling.next_at:
                return
            self._work = self.round(now)
        give_up_at = time.monotonic() + _SLICE_SECONDS
        try:
            while time.monotonic() < give_up_at:
                next(self._work)
        except StopIteration:
            self._work = None
        except StoreError:
            self._work = None
            self._rolling = self._begun_anew()
            raise
        except Exception:  # a fault of ours must not stop the watch
            log.exception("the readings could not be rolled up; it is tried again later")
            self._work, self._failed_at = None, time.monotonic()
            self._rolling = self._begun_anew()
        finally:
            self._reader.rollback()

    def round(self, now: datetime) -> Iterator[None]:
        """Take in the next readings, roll up what is over, delete what is old; yield between the pieces."""
        zone = self._site().timezone
        if zone != self._zone:
            if not days.are_of(self._reader, zone):
                log.warning("days are rolled up anew: they are those of %s now", zone.key)
                yield from days.remake(self._reader, self._writing, zone)
            self._zone = zone
        mark = max(self._rolling.marks, default=None)
        yield from self._rolling.round(now)
        if max(self._rolling.marks, default=None) != mark:
            yield from self._retire(now)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Yield the writer's connection for one transaction: all of it is written, or nothing."""
        with self._writer() as connection:
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def _retire(self, now: datetime) -> Iterator[None]:
        """Delete what has been kept for long enough, a little at a time."""
        if self._keep.keep_rollups is not None:
            yield from self._retire_rollups(now - self._keep.keep_rollups)
        if self._keep.keep_raw is None:
            return
        rolling = self._rolling
        gone_to = boundary(rolling.marks, rolling.settled_to, now - self._keep.keep_raw)
        if gone_to is None or (rolling.retired_to is not None and gone_to <= rolling.retired_to):
            return
        needs = needed(self._reader, rolling.sensors)
        reached = rollups.progress(self._reader)
        if reached is None:
            return
        rolling.retired_to = gone_to
        with self._writing() as connection:
            rollups.put_progress(connection, reached._replace(retired_to=gone_to))
            rollups.forget_states_before(connection, gone_to)
        before = min(readings.first_id_since(self._reader, gone_to - AHEAD), reached.reading + 1)
        before = min(before, readings.last_id(self._reader))  # without a row their numbers would begin again
        if self._copy:  # what is not copied yet stays
            before = min(before, replica.copied(self._reader, self._copy)[Stream.READING] + 1)
        before = min(before, digests.reached(self._reader) + 1)  # nor what has no digest yet
        if before > 1:
            with self._writing() as connection:
                chain.tell_time(connection, now)
                statements.add(connection, Subject.RETIRED, "", {"before": before}, now)
        after = 0
        while after < before - 1:
            with self._writing() as connection:
                after = retired.delete_some(connection, after, before, needs, _ROWS_AT_ONCE)
            yield
        log.info("readings from before %s were deleted; their roll-ups stay", f"{gone_to:%Y-%m-%d}")

    def _retire_rollups(self, before: datetime) -> Iterator[None]:
        for level in Level:
            while (first := rollups.first_start(self._reader, level)) is not None and first < before:
                with self._writing() as connection:
                    rollups.forget_before(connection, level, min(before, first + HOUR))
                yield


def begin_anew(connection: Connection, site: Site) -> None:
    """Drop every roll-up that readings can give again, in the open transaction."""
    reached = rollups.progress(connection)
    if reached is None or reached.retired_to is None:
        rollups.forget_all(connection)
        return
    since = reached.retired_to
    day, _ = next(edges(Level.DAY, since, since + WIDTH, site.timezone))
    rollups.forget_since(connection, since, day)
    first = readings.first_id_since(connection, since - AHEAD)
    rollups.put_progress(connection, Progress(since, first - 1, since))
