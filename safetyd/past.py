"""A place's past while late readings come in: how it stood before them, and all it said since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from safetyd.core import power, room
from safetyd.core.model import IMPORT, Episode, Observation, Place, Sensor
from safetyd.store import places, readings
from safetyd.store.database import Connection


@dataclass(slots=True)
class Past:
    """`base` is how the place stood at `since`; `observations` follow in order of their own time."""

    base: room.Room | power.Power
    since: datetime
    observations: list[Observation]

    def is_over(self, episode: Episode) -> bool:
        """Whether an episode had ended before this past begins; ends are dated back, `base` knows better."""
        if episode.ended_at is None or episode.ended_at >= self.since:
            return False
        if isinstance(self.base, power.Power):
            return self.base.began_at != episode.began_at
        return self.base.watch(episode.condition).began_at != episode.began_at

    def insert(self, late: Observation) -> None:
        """Take in one more observation, behind those of the same moment."""
        self.observations.append(late)
        self.observations.sort(key=lambda spoke: spoke.observed_at)


def load_past(connection: Connection, sensors: Mapping[int, Sensor], place: Place, at: datetime) -> Past:
    """Return a place's past from before a moment on; from its beginning if nothing later was saved."""
    standing = places.before(connection, place, at)
    base: room.Room | power.Power = power.EMPTY if place.room is None else room.EMPTY
    since, after = datetime.min.replace(tzinfo=UTC), 0
    if standing is not None:
        found = standing.power if place.room is None else standing.room
        if found is not None and found.at is not None:
            base, since, after = found, found.at, standing.reading
    return Past(base, since, observations_of(connection, sensors, place, after))


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
