"""The end of each place's roll-ups, and what it takes to go on from there.

Rule: whatever a reading may still change is worked out again from a moment at which nothing waited, so that
the order in which readings arrive leaves no trace.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.model import Observation, Place, Sensor
from safetyd.core.tally import EPOCH, Known, floor
from safetyd.hearing import Hearing
from safetyd.site import Site
from safetyd.store import readings, rollups
from safetyd.store.database import Connection
from safetyd.store.rollups import RolledPlace

AHEAD = timedelta(minutes=3)  # a reading may arrive a little before the time it claims
_ROWS_OF_ONE = 10  # an observation has at most so many


class Heard(NamedTuple):
    """An observation, the number of its last row, and of the last row of the one before it."""

    after: int
    id: int
    observation: Observation


@dataclass(slots=True)
class Tail:
    """`known` is what is known of a place at `since`, up to where its roll-ups stay as they are; `pending` is
    what was heard since. Buckets up to `stale_to` may hold what no longer counts, or are not
    written yet.
    `saved` is the last that was kept of it to go on from, `saved_at` when it was last settled then."""

    rolled: RolledPlace
    known: Known
    since: datetime
    pending: list[Heard] = field(default_factory=list)
    stale_to: datetime = EPOCH
    is_patient: bool = False
    saved: Known | None = None
    saved_at: datetime | None = None
    is_sorted: bool = True

    @property
    def is_building(self) -> bool:
        """Whether it is a building as a whole."""
        return self.rolled.place.room is None

    def is_mute(self) -> bool:
        """Whether nothing is known of the place any more from `since` on, until somebody speaks."""
        latest = (each for source in self.known.room.sources.values() for each in source)
        if any(each is not None and each.until >= self.since for each in latest):
            return False
        words = self.known.power.words.values()
        return all(word.is_on and word.until is not None and word.until < self.since for word in words)

    def take(self, *heard: Heard) -> None:
        """Take in what was said since."""
        self.pending.extend(heard)
        self.is_sorted = False

    def said_before(self, end: datetime) -> int:
        """Return how many of the pending, in order of their own time, are of the time before a moment."""
        if not self.is_sorted:
            self.pending.sort(key=lambda heard: (heard.observation.observed_at, heard.id))
            self.is_sorted = True
        return bisect_left(self.pending, end, key=lambda heard: heard.observation.observed_at)


def sensors_of(connection: Connection, site: Site, root: str, building: str = "") -> Mapping[int, Sensor]:
    """Return every sensor ever heard, or those of a building, by its number, as the site file knows it."""
    return Hearing(site, root, readings.sensors(connection, building=building)).sensors


def heard(
    connection: Connection, sensors: Mapping[int, Sensor], after: int, up_to: int, at_once: int
) -> Iterator[tuple[int, Sequence[Heard]]]:
    """Yield what some sensors said in the rows after a number, piece by piece, each with the row it reaches.

    No observation is cut in two by the end of a piece. No statement is under way between two pieces.
    """
    while after < up_to:
        target = min(up_to, after + max(at_once, 2 * _ROWS_OF_ONE))
        found: list[Heard] = []
        last = after
        for id, observation in readings.observations(connection, sensors, after, up_to_id=target):
            found.append(Heard(last, id, observation))
            last = id
        if target < up_to and found and found[-1].id == target:
            after = max(found.pop().after, target - _ROWS_OF_ONE)  # the rest of it may follow
        else:
            after = target
        connection.rollback()
        yield after, found


def beginning(
    connection: Connection, rolled: RolledPlace, at: datetime, retired_to: datetime | None
) -> tuple[Known, datetime]:
    """Return what was known of a place at a moment before which nothing changes by what is heard of `at`."""
    state = rollups.newest_state(connection, rolled.number, at, settled=True)
    if state is not None and (retired_to is None or state.at >= retired_to):
        return state.known, state.at
    if retired_to is None:
        return Known(), min(rolled.since, floor(at))
    state = rollups.newest_state(connection, rolled.number, retired_to)
    return (Known() if state is None else _resigned(state.known)), retired_to


def _resigned(known: Known) -> Known:
    """Wait no longer for what a later reading may bear out: its own time is out of reach."""
    beliefs = {key: belief._replace(suspect=None, damp=None) for key, belief in known.room.beliefs.items()}
    return known._replace(room=known.room._replace(beliefs=beliefs))


def said_of(
    connection: Connection,
    sensors: Mapping[int, Sensor],
    place: Place,
    since: datetime,
    up_to: int,
    at_once: int,
) -> Iterator[Sequence[Heard]]:
    """Yield what was said of a place since a moment, in rows up to a number, piece by piece."""
    here = {number: sensor for number, sensor in sensors.items() if sensor.place == place}
    first = readings.first_id_since(connection, since - AHEAD)
    for _, found in heard(connection, here, first - 1, up_to, at_once):
        yield [each for each in found if each.observation.observed_at >= since]
