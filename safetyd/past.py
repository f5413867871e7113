"""The pasts of the places that late readings come from, kept at hand while they come.

Rule: a past at hand holds all that its place has said since, stored or not; it may be dropped at any time and
is read from the store again. What is at hand has a limit, whatever comes.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from safetyd.core import power, room
from safetyd.core.chronicle import Chronicle
from safetyd.core.model import IMPORT, Episode, Observation, Place, Quantity, Sensor
from safetyd.core.world import World
from safetyd.store import places, readings
from safetyd.store.database import Connection
from safetyd.store.heard import said_in

KEPT_FOR = timedelta(minutes=10)  # after the last late reading; a backlog is over by then
MOST_KEPT = 20_000  # observations at hand, some 10 MB
_AHEAD = timedelta(minutes=3)  # a reading may arrive a little before the time it claims


@dataclass(slots=True)
class Past:
    """A place's chronicle, when it was last asked for, and the numbers of its episodes below `numbered`."""

    place: Place
    chronicle: Chronicle
    used_at: datetime
    numbers: list[int] = field(default_factory=list)
    numbered: int = 0

    def episodes(self, world: World) -> list[tuple[int, Episode]]:
        """Return the place's episodes with their numbers."""
        if not self.numbered:
            self.numbers = [n for n, episode in world.episodes.items() if episode.place == self.place]
        self.numbers += range(self.numbered or world.next_episode, world.next_episode)
        self.numbered = world.next_episode
        found = [(n, world.episodes[n]) for n in self.numbers if n in world.episodes]
        mine = [(n, episode) for n, episode in found if episode.place == self.place]
        self.numbers = [n for n, _ in mine]
        return mine


class Pasts:
    """Holds the pasts that are at hand, the one that was asked for last as the last."""

    def __init__(self) -> None:
        self._kept: dict[Place, Past] = {}

    def reaching(self, spoke: Observation) -> Past | None:
        """Return the past of a place if it is at hand and begins before an observation."""
        past = self._kept.get(spoke.sensor.place)
        return None if past is None or spoke.observed_at <= past.chronicle.since else past

    def take(self, late: Observation) -> Past | None:
        """Return the past of a place with what came late, no more at hand; None if it was not."""
        past = self.reaching(late)
        self._kept.pop(late.sensor.place, None)
        if past is not None:
            past.used_at = late.received_at
            past.chronicle.insert(late)
        return past

    def keep(self, past: Past) -> None:
        """Keep a past at hand."""
        self._kept.pop(past.place, None)
        self._kept[past.place] = past

    def note(self, spoke: Observation) -> None:
        """Take in what was said and is not late."""
        past = self._kept.get(spoke.sensor.place)
        if past is not None:
            past.chronicle.append(spoke)

    def heard(self, spoke: Observation) -> set[Quantity] | None:
        """Return what its sensor has told of the same moment before; None if that is not at hand."""
        past = self._kept.get(spoke.sensor.place)
        if past is None or spoke.observed_at <= past.chronicle.whole_since:
            return None
        return said_in(past.chronicle.said_at(spoke.sensor.id, spoke.observed_at))

    def tidy(self, now: datetime) -> None:
        """Forget what is not used any more, and what is too much."""
        for place in [place for place, past in self._kept.items() if now - past.used_at > KEPT_FOR]:
            del self._kept[place]
        total = sum(len(past.chronicle.observations) for past in self._kept.values())
        if total > MOST_KEPT:
            for past in self._kept.values():
                past.chronicle.shorten()
            total = sum(len(past.chronicle.observations) for past in self._kept.values())
        while total > MOST_KEPT:
            place, past = next(iter(self._kept.items()))
            total -= len(past.chronicle.observations)
            del self._kept[place]

    def clear(self) -> None:
        """Forget all: sensors or rules are others now."""
        self._kept.clear()


def load_past(connection: Connection, sensors: Mapping[int, Sensor], spoke: Observation) -> Past:
    """Return a place's past from before an observation on; from its beginning if nothing later was saved."""
    place, at = spoke.sensor.place, spoke.observed_at
    standing = places.before(connection, place, at)
    base: room.Room | power.Power = power.EMPTY if place.room is None else room.EMPTY
    since, after = datetime.min.replace(tzinfo=UTC), 0
    if standing is not None:
        found = standing.power if place.room is None else standing.room
        if found is not None and found.at is not None:
            base, since, after = found, found.at, standing.reading
    whole_since = since
    if after and place.room is None:  # a word that changed nothing may be later than how the place stood
        whole_since = max(since, readings.arrival(connection, after) + _AHEAD)
    said = observations_of(connection, sensors, place, after)
    last = bisect_right(said, at, key=attrgetter("observed_at"))
    return Past(place, Chronicle(base, since, said, whole_since, last), spoke.received_at)


def observations_of(
    connection: Connection, sensors: Mapping[int, Sensor], place: Place, after: int = 0
) -> list[Observation]:
    """Return what was said of a place since row `after`, in order of its own time; not what was imported."""
    here = {
        number: sensor
        for number, sensor in sensors.items()
        if sensor.place == place and not sensor.id.startswith(IMPORT)
    }
    return readings.chronological(readings.observations(connection, here, after))
