"""From readings to roll-ups: five minutes, hours and days of each place, in rounds of small pieces.

Rule: only what is committed is read. How far it has come is kept at full hours; whoever begins again goes on
from the last of them and writes the same once more.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from safetyd.core.model import Place, Sensor
from safetyd.core.tally import EPOCH, WIDTH, Bucket, Known, floor, tally, together
from safetyd.history.buckets import edges
from safetyd.history.tails import Heard, Tail, beginning, heard, said_of, sensors_of
from safetyd.site import Site
from safetyd.store import readings, rollups
from safetyd.store.database import Connection
from safetyd.store.rollups import HOUR, Level, Progress, RolledPlace, Span, State

GRACE = timedelta(minutes=1)  # what comes so late is waited for
_ROWS_AT_ONCE = 300
_ROWS_OF_ONE_PLACE_AT_ONCE = 20_000  # most are other places', which is seen without reading them
_ROWS_A_ROUND = 20_000
_SAID_AT_ONCE = 100
_AT_ONCE = 6 * HOUR  # of a place that says little
_BUCKETS_A_WRITE = 60
_HOUR_WEIGHS = 3  # as much as so many buckets of five minutes
_EMPTY_WEIGHS_LESS = 5  # what is made anew is looked for even where nothing is
_A_DAY = timedelta(days=1)
_LONGEST_WAIT = _A_DAY  # after it roll-ups go on although a value waits to be borne out

log = logging.getLogger("safetyd")
Writing = Callable[[], AbstractContextManager[Connection]]


class Rolling:
    """Holds the end of each place's roll-ups, and the rows that are not written yet."""

    def __init__(self, reader: Connection, writing: Writing, site: Callable[[], Site], root: str) -> None:
        self._reader = reader
        self._writing = writing
        self._site_now = site
        self._site = site()
        self._root = root
        self.sensors: Mapping[int, Sensor] = {}
        self._heard_of = -1  # how many sensors
        self._is_begun = False
        self.cursor = 0  # the last row that was looked at
        self.settled_to = self.next_at = self._arrived_at = EPOCH
        self.retired_to: datetime | None = None
        self.marks: list[datetime] = []
        self._tails: dict[Place, Tail] = {}
        self._late: dict[Place, datetime] = {}  # from when on a place is read again
        self._unread: list[int] = []  # rows before what was late, but of a time that was never rolled up
        self._fresh: dict[int, RolledPlace] = {}
        self._rows: list[tuple[Tail, datetime, datetime, Mapping[datetime, Bucket]]] = []
        self._weight = 0  # of these rows
        self._states: dict[datetime, dict[int, State]] = {}
        self._anew: dict[int, datetime] = {}

    def round(self, now: datetime) -> Iterator[None]:
        """Take in the next readings and roll up what is over; yield between the pieces of it."""
        self._take_site()
        if not self._is_begun:
            yield from self._begin(now)
        last = readings.last_id(self._reader)
        yield from self._hear(last)
        is_all = self.cursor >= last
        self.next_at = self.settled_to + WIDTH + GRACE if is_all else now
        heard_to = now if is_all else min(self._arrived_at, now)
        horizon = floor(heard_to - GRACE)
        is_back = is_all and any(tail.since < self.settled_to for tail in self._tails.values())
        if horizon < self.settled_to or (horizon == self.settled_to and not is_back):
            return
        mark, before = floor(horizon, HOUR), self.settled_to
        if mark > before:
            self.marks += self._marks_between(before, mark)
        beyond = self._first_beyond(mark)
        for tail in list(self._tails.values()):
            yield from self._settle(tail, horizon)
        self._unread.clear()
        self._write()
        if mark > before:
            self._keep_place(mark, beyond, now)
        self.settled_to = horizon
        self.next_at = horizon + WIDTH + GRACE if is_all else now

    def _marks_between(self, before: datetime, mark: datetime) -> Iterator[datetime]:
        """Yield a mark, and before it each midnight (UTC) of a longer time that is caught up with."""
        first = min((tail.since for tail in self._tails.values()), default=mark)
        midnight = floor(max(before, first), _A_DAY) + _A_DAY
        while midnight < mark:
            yield midnight
            midnight += _A_DAY
        yield mark

    def _take_site(self) -> None:
        site = self._site_now()
        heard_of = len(readings.sensors(self._reader))
        if site is not self._site or heard_of != self._heard_of:
            zone, self._site, self._heard_of = self._site.timezone, site, heard_of
            self.sensors = sensors_of(self._reader, site, self._root)
            if site.timezone != zone:  # where the day that is running ends at another moment
                for tail in self._tails.values():
                    tail.stale_to = max(tail.stale_to, self._day_after(tail.since))

    def _begin(self, now: datetime) -> Iterator[None]:
        reached = rollups.progress(self._reader)
        if reached is not None:
            self.settled_to, self.cursor, self.retired_to = reached
        self._arrived_at = self.next_at = self.settled_to
        self.marks = rollups.marks(self._reader, self.retired_to or EPOCH)
        self._is_begun = True
        for rolled in rollups.places(self._reader):
            state = rollups.newest_state(self._reader, rolled.number, self.settled_to)
            known = Known() if state is None else state.known
            tail = Tail(rolled, known, max(self.settled_to, rolled.since), saved=known)
            tail.saved_at = None if state is None else state.at
            self._tails[rolled.place] = tail
            if state is not None and not state.is_readable:
                log.error("%s: what its roll-ups go on from cannot be read; worked out anew", rolled.place)
            if state is not None and not state.is_settled:
                yield from self._reload(tail, self.settled_to)
            tail.stale_to = max(floor(now) + WIDTH, self._day_after(self.settled_to))
            yield

    def _hear(self, last: int) -> Iterator[None]:
        """Take in rows up to a number, but not too many in one round."""
        enough = self.cursor + _ROWS_A_ROUND
        for reached, found in heard(self._reader, self.sensors, self.cursor, last, _ROWS_AT_ONCE):
            self.cursor = reached
            for each in found:
                self._take(each)
            yield
            if reached >= enough:
                break

    def _take(self, each: Heard) -> None:
        at, place = each.observation.observed_at, each.observation.sensor.place
        self._arrived_at = each.observation.received_at
        if self.retired_to is not None and at < self.retired_to:
            return
        tail = self._tails.get(place)
        if tail is None:
            number = max((known.rolled.number for known in self._tails.values()), default=0) + 1
            rolled = RolledPlace(number, place, floor(at))
            tail = self._tails[place] = Tail(rolled, Known(), rolled.since)
            self._fresh[number] = rolled
        if at < tail.since:
            self._late[place] = min(at, self._late.get(place, at))
            if at >= self.settled_to:
                self._unread.append(each.after)
        else:
            tail.take(each)

    def _reload(self, tail: Tail, at: datetime) -> Iterator[None]:
        """Go back to before a moment of a place's past."""
        number, place = tail.rolled.number, tail.rolled.place
        known, since = beginning(self._reader, tail.rolled, at, self.retired_to)
        tail.stale_to = max(tail.stale_to, self._day_after(tail.since))
        tail.known, tail.since, tail.saved = known, since, None
        tail.pending = []
        if since < tail.rolled.since:
            tail.rolled = self._fresh[number] = tail.rolled._replace(since=since)
        for states in self._states.values():
            states.pop(number, None)
        self._anew[number] = min(since, self._anew.get(number, since))
        args = (self._reader, self.sensors, place, since, self.cursor, _ROWS_OF_ONE_PLACE_AT_ONCE)
        for found in said_of(*args):
            tail.take(*found)
            yield

    def _settle(self, tail: Tail, horizon: datetime) -> Iterator[None]:
        """Roll a place up to a moment; where a value still waits, what it may change is done again later."""
        if tail.rolled.place in self._late:
            yield from self._reload(tail, self._late.pop(tail.rolled.place))
        done = tail.since
        while done < horizon:
            if done == tail.since and tail.is_mute():
                done = self._pass_over(tail, horizon)
                if done >= horizon:
                    break
            target, said = self._target(tail, done, horizon)
            spoken = [each.observation for each in tail.pending[:said]]
            book, is_building = self._site.rulebook, tail.rolled.place.room is None
            told = tally(tail.known, spoken, book, tail.since, target, is_building=is_building)
            back_to = told.reached_back_to
            if back_to is not None and (self.retired_to is None or back_to >= self.retired_to):
                yield from self._reload(tail, back_to)
                tail.is_patient, done = True, tail.since
                continue
            self._rows.append((tail, tail.since, target, told.buckets))
            self._remember(tail, target, told.known)
            has_waited = target - tail.since > _LONGEST_WAIT and not tail.is_patient
            if told.known.is_settled or has_waited:
                tail.known, tail.since = told.known, target
                del tail.pending[:said]
            done = target
            self._weight += len(told.buckets) * (1 if target.minute else _HOUR_WEIGHS)
            self._weight += (target - self._rows[-1][1]) // WIDTH // _EMPTY_WEIGHS_LESS
            if self._weight >= _BUCKETS_A_WRITE:
                self._write()
            yield
            if done > tail.stale_to:
                tail.stale_to = self._day_after(done)
        tail.is_patient = False

    def _pass_over(self, tail: Tail, horizon: datetime) -> datetime:
        """Go on to where a place that fell silent spoke again; return when that was."""
        tail.said_before(horizon)
        spoke_at = tail.pending[0].observation.observed_at if tail.pending else horizon
        begin, end = tail.since, min(floor(spoke_at), horizon)
        if end > begin:
            if begin < tail.stale_to:
                self._rows.append((tail, begin, min(end, tail.stale_to), {}))
            passed = [mark for mark in self.marks if begin < mark <= end]
            if passed:
                self._remember(tail, passed[0], tail.known)
            tail.since = end
        return tail.since

    def _day_after(self, at: datetime) -> datetime:
        zone = self._site.timezone
        return next(edges(Level.DAY, at, at + WIDTH, zone))[1]

    def _remember(self, tail: Tail, at: datetime, known: Known) -> None:
        """Keep what is known at a mark, if it is not what was known at the last one."""
        if at not in self.marks or known == tail.saved:
            return
        self._states.setdefault(at, {})[tail.rolled.number] = State(at, known.is_settled, known)
        tail.saved = known
        if known.is_settled:
            tail.saved_at = at

    def _target(self, tail: Tail, done: datetime, horizon: datetime) -> tuple[datetime, int]:
        """Return how far to go at once, no further than the next mark, and how much was said by then."""
        target = min([horizon, floor(done, HOUR) + _AT_ONCE, *(mark for mark in self.marks if mark > done)])
        said = tail.said_before(target)
        enough = tail.said_before(done) + _SAID_AT_ONCE
        if said > enough:
            last = floor(tail.pending[enough].observation.observed_at)
            target = min(target, max(last, done + WIDTH))
            said = tail.said_before(target)
        return target, said

    def _write(self) -> None:
        """Make durable what has been worked out so far."""
        if not (self._rows or self._states or self._fresh or self._anew):
            return
        zone = self._site.timezone
        with self._writing() as connection:
            for rolled in self._fresh.values():
                rollups.put_place(connection, rolled)
            for number, since in self._anew.items():
                rollups.forget_states(connection, number, since)
            for tail, begin, end, buckets in self._rows:
                number = tail.rolled.number
                starts = [start for start, _ in edges(Level.FIVE_MINUTES, begin, end, zone)]
                fine = [Span(start, start + WIDTH, bucket) for start, bucket in buckets.items()]
                rollups.replace(connection, Level.FIVE_MINUTES, number, starts, fine)
                self._write_longer(connection, number, begin, end)
            for at, states in self._states.items():
                rollups.put_states(connection, at, states)
        self._rows, self._states, self._fresh, self._anew = [], {}, {}, {}
        self._weight = 0

    def _write_longer(self, connection: Connection, number: int, begin: datetime, end: datetime) -> None:
        """Make the hours and days anew that share time with a span and are over with it."""
        zone = self._site.timezone
        for level in (Level.HOUR, Level.DAY):
            over = [each for each in edges(level, begin, end, zone) if each[1] <= end]
            made = []
            for finer in (Level.FIVE_MINUTES, Level.HOUR):
                spans = [span for span in over if _finer(level, *span) is finer]
                whole = {part: span for span in spans for part in edges(finer, *span, zone)}
                found: dict[tuple[datetime, datetime], list[Bucket]] = {}
                for start, stop, bucket in rollups.buckets(connection, finer, number, list(whole)):
                    found.setdefault(whole[start, stop], []).append(bucket)
                made += [Span(*span, together(buckets)) for span, buckets in found.items()]
            rollups.replace(connection, level, number, [start for start, _ in over], made)

    def _first_beyond(self, mark: datetime) -> int:
        """Return a row after which everything lies that was said of the time from a mark on."""
        waiting = (
            each.after
            for tail in self._tails.values()
            for each in tail.pending
            if each.observation.observed_at >= mark
        )
        return min([*waiting, *self._unread], default=self.cursor)

    def _keep_place(self, mark: datetime, reading: int, now: datetime) -> None:
        """Note from where to go on: at the mark, with the readings that were not rolled up by then."""
        is_old = [
            at
            for at in self.marks
            if (at < now - _A_DAY and (at - EPOCH) % (6 * HOUR))
            or (at < now - 8 * _A_DAY and (at - EPOCH) % _A_DAY)
        ]
        keep = {
            tail.rolled.number: tail.saved_at for tail in self._tails.values() if tail.saved_at is not None
        }
        with self._writing() as connection:
            rollups.put_progress(connection, Progress(mark, reading, self.retired_to))
            rollups.thin_states(connection, is_old, keep)
        kept = set(keep.values())
        self.marks = [at for at in self.marks if at not in is_old or at in kept]


def _finer(level: Level, start: datetime, stop: datetime) -> Level:
    """Return of what an hour or a day is made: where a day does not begin with an hour, of five minutes."""
    return Level.HOUR if level is Level.DAY and not (start.minute or stop.minute) else Level.FIVE_MINUTES
