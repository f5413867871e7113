"""How places that only spoke are saved: all of them every so often, a few with each commit.

Rule: a round is over once every place that had spoken when it began is saved; from then on no reading from
before it is read again. Places about which something is decided are saved with that.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.model import Place, Sensor
from safetyd.core.world import World
from safetyd.recovery import standings
from safetyd.store import places, readings
from safetyd.store.database import Connection

SAVE_PLACES_EVERY = timedelta(minutes=2)  # about how much of the past is read again after a crash
AT_ONCE = 500  # of a district's: to save 20,000 takes a second, in which nobody else is heard


class Round(NamedTuple):
    """One round: when it began, what of it is left, the newest reading of that time, and how many places go
    with one commit; None: all."""

    began_at: datetime
    left: tuple[Place, ...] = ()
    reading: int = 0
    is_over: bool = True
    most: int | None = AT_ONCE

    def going_on(self, touched: Collection[Place], reading: int, now: datetime) -> "Round":
        """Return the round that is under way, or the next one if it is time for that."""
        if not self.is_over or now - self.began_at < SAVE_PLACES_EVERY:
            return self
        return Round(now, tuple(touched), reading, is_over=False, most=self.most)

    def after(self) -> "Round":
        """Return what is left of it after one commit more."""
        left = () if self.most is None else self.left[self.most :]
        return self._replace(left=left) if left else Round(self.began_at)


def keep(
    connection: Connection,
    world: World,
    sensors: Mapping[int, Sensor],
    decided: Collection[Place],
    under_way: Round,
    now: datetime,
) -> set[Place]:
    """Save how places stand, in the open transaction, and return which: those about which something was
    decided, and the next of a round."""
    saved = {*decided, *under_way.left[: under_way.most]}
    if saved:
        places.save(connection, standings(world, sensors, saved, readings.last_id(connection)))
    if not under_way.is_over and under_way.after().is_over:
        places.mark_saved(connection, under_way.reading)
        places.forget_old(connection, now)
    return saved
