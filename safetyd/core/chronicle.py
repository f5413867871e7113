"""All that a place said from some moment on, in order of its own time, and how its room stood on the way.

Rule: what lies before a late reading is not judged again, and nothing after the moment from which the room
stands as it stood: what comes out is what judging all of it again would give.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from safetyd.core import room
from safetyd.core.model import Episode, Finding, Observation
from safetyd.core.power import Power
from safetyd.core.room import Room
from safetyd.core.rules import RuleBook
from safetyd.core.watch import CALM

_STRIDE = 8  # observations between two stands; fewer cost memory, more are judged again for each late one
_AT, _AFTER = attrgetter("observed_at"), attrgetter("after")


class Stand(NamedTuple):
    """How a room stood once the first `after` observations had been folded in; no value waits in it."""

    after: int
    room: Room


class Again(NamedTuple):
    """What judging again came to: from `base` on, and up to `until` if all is as before from there on.

    `room` is how the room stands at last, None if it stands as before.
    """

    base: Room
    findings: tuple[Finding, ...]
    room: Room | None
    until: datetime | None


@dataclass(slots=True)
class Chronicle:
    """`base` is how the place stood at `since`; `observations` follow. Nothing that was said of a time after
    `whole_since` is missing. `stands` are on the way, in order; `last` is where the last late one went."""

    base: Room | Power
    since: datetime
    observations: list[Observation]
    whole_since: datetime
    last: int
    stands: list[Stand] = field(default_factory=list)
    doubtful: list[Stand] = field(default_factory=list)

    def append(self, spoke: Observation) -> None:
        """Take in an observation that did not come late."""
        if self.observations and spoke.observed_at < self.observations[-1].observed_at:
            self.insert(spoke)
            self.doubtful.clear()
        else:
            self.observations.append(spoke)

    def insert(self, late: Observation) -> None:
        """Take in an observation that came late, behind those of its moment."""
        self.last = bisect_right(self.observations, late.observed_at, key=_AT)
        self.observations.insert(self.last, late)
        kept = bisect_right(self.stands, self.last, key=_AFTER)
        self.doubtful = [Stand(after + 1, stood) for after, stood in self.stands[kept:]]
        del self.stands[kept:]

    def said_at(self, id: str, at: datetime) -> list[Observation]:
        """Return what a sensor said of a moment after `whole_since`."""
        first = bisect_left(self.observations, at, key=_AT)
        last = bisect_right(self.observations, at, key=_AT)
        return [spoke for spoke in self.observations[first:last] if spoke.sensor.id == id]

    def read_again(self, known: Sequence[Episode], book: RuleBook) -> Again:
        """Judge a room's past again as far as what came late may change it; `known` are its episodes."""
        assert isinstance(self.base, Room)
        later = self.doubtful[::-1]
        self.doubtful = []
        begin = here = self.stands[-1] if self.stands else Stand(0, self.base)
        findings: list[Finding] = []
        while here.after < len(self.observations):
            here, found = self._next(here, later[-1].after if later else None, book)
            findings += found
            if not room.is_settled(here.room):  # only the last may be so
                break
            while later and later[-1].after < here.after:
                later.pop()
            if later and later[-1] == here and (at := _rest(here.room, known)) is not None:
                self.stands += reversed(later)
                return Again(begin.room, tuple(findings), None, at)
            if later and later[-1].after == here.after:
                later.pop()
            self.stands.append(here)
        return Again(begin.room, tuple(findings), here.room, None)

    def _next(self, here: Stand, wanted: int | None, book: RuleBook) -> tuple[Stand, tuple[Finding, ...]]:
        """Return the next stand, where `wanted` if that is near, and what was found on the way to it."""
        ahead = _STRIDE if wanted is None or wanted - here.after > 2 * _STRIDE else wanted - here.after
        while True:
            count = min(here.after + ahead, len(self.observations))
            reached, found = room.read_again(here.room, self.observations[here.after : count], book)
            if count == len(self.observations) or room.is_settled(reached):
                return Stand(count, reached), found
            ahead *= 2  # a later value may bear out one that waits

    def shorten(self) -> None:
        """Forget what lies before the last late observation, as far as how it stood there is known."""
        near = bisect_right(self.stands, self.last, key=_AFTER)
        if not near:
            return
        gone, self.base = self.stands[near - 1]
        assert self.base.at is not None
        self.since = self.base.at
        self.whole_since = max(self.whole_since, self.since)
        del self.observations[:gone]
        self.stands = [Stand(after - gone, stood) for after, stood in self.stands[near:]]
        self.last -= gone


def _rest(stood: Room, known: Sequence[Episode]) -> datetime | None:
    """Return the moment of a room if nothing is going on in it then, nor did by what was decided."""
    at = stood.at
    if at is None or stood.cold != CALM or stood.heat != CALM:
        return None
    goes_on = any(each.began_at <= at and (each.ended_at is None or each.ended_at >= at) for each in known)
    return None if goes_on else at


def is_over(base: Room | Power, episode: Episode) -> bool:
    """Whether an episode had ended before how a place stood; ends are dated back, `base` knows better."""
    if episode.ended_at is None or base.at is None or episode.ended_at >= base.at:
        return False
    began_at = base.began_at if isinstance(base, Power) else base.watch(episode.condition).began_at
    return began_at is None or episode.ended_at < began_at
