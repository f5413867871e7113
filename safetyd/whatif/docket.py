"""The tickets that found episodes would have brought, worked out by the engine in a World of its own.

Rule: whatever is told comes in order of time; what falls due between is carried out by the engine. The World
is thrown away, and what would have been said to anybody with it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from safetyd.core import engine, obligation
from safetyd.core.model import Finding, Observation, Place, Sensor
from safetyd.core.room import Room
from safetyd.core.rules import RemindRule, RuleBook
from safetyd.core.units import JUST_AFTER
from safetyd.core.world import Changes, Facts, World
from safetyd.store.supposing import Doing
from safetyd.whatif.deeds import do_again

_NEVER = RemindRule(at=(), overdue_every=timedelta(days=36_500))  # reminders decide nothing


def quiet(book: RuleBook) -> RuleBook:
    """Return rules that judge the same and remind nobody."""
    return replace(book, versions=tuple(replace(each, remind=_NEVER) for each in book.versions))


def witness_of(building: str) -> Sensor:
    """Return who speaks for a building's mains: its roll-up."""
    return Sensor(Place(building, None), "rollup")


class Docket:
    """Holds the World of some buildings under one side's rules."""

    def __init__(self, facts: Facts, book: RuleBook, doings: Iterable[Doing]) -> None:
        witnesses = {witness_of(each.building).key: () for each in facts.places if each.room is None}
        self.facts = replace(
            facts, book=quiet(book), spans=witnesses, mains_powered=(), bridges={}, behind={}
        )
        self.world = World()
        self._left = deque(doings)

    def pass_time(self, at: datetime) -> None:
        """Let time pass up to before a moment, with what people did till then."""
        while self._left and self._left[0].at < at:
            doing = self._left.popleft()
            engine.elapse(self.world, self.facts, doing.at - JUST_AFTER)
            do_again(self.world, self.facts, doing)
        engine.elapse(self.world, self.facts, at - JUST_AFTER)
        self.world.changes = Changes()

    def find(self, place: Place, room: Room, finding: Finding, now: datetime) -> None:
        """Take up that an episode of a room began or ended."""
        self.pass_time(now)
        self.world.rooms[place] = room
        if finding.ended_at is None:
            obligation.episode_began(self.world, self.facts, place, finding, now)
            obligation.second_limb(self.world, self.facts, place.building, now)
            return
        number = self.world.running.get((place, finding.condition))
        if number is not None:
            obligation.episode_ended(self.world, self.facts, number, finding, now)

    def say(self, building: str, at: datetime, *, is_on: bool) -> None:
        """Take up what is known of a building's mains."""
        self.pass_time(at)
        engine.observe(self.world, self.facts, Observation(witness_of(building), at, at, mains=is_on), at)

    def is_out(self, building: str) -> bool:
        """Return whether an outage is not over yet, as far as the engine knows."""
        standing = self.world.powers.get(Place(building, None))
        return standing is not None and standing.began_at is not None
