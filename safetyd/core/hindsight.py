"""What readings that nobody had at the time say of it: judged as they would have been, told late if asked.

Rule: they are the past and change nothing of how a place stands now. An episode that is on record already, in
part or whole, is not told again.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from safetyd.core import obligation, room
from safetyd.core.model import Condition, Episode, Finding, Observation, Place
from safetyd.core.room import Room, Step
from safetyd.core.rules import RuleBook
from safetyd.core.world import Facts, World

_AT_ONCE = 1_000


def steps(observations: Iterable[Observation], book: RuleBook) -> Iterator[Step]:
    """Yield what `room.walk` yields of a place's whole past, holding but a piece of it at a time.

    `observations` are in order of their own time. A piece ends where no value waits for a later one.
    """
    base, held, enough = room.EMPTY, list[Observation](), _AT_ONCE
    for observation in observations:
        held.append(observation)
        if len(held) < enough:
            continue
        walked = list(room.walk(base, held, book))
        if room.is_settled(walked[-1].room):
            yield from walked
            base, held, enough = walked[-1].room, [], _AT_ONCE
        else:
            enough = len(held) + max(1, len(held) // 4)
    yield from room.walk(base, held, book)


def episodes(findings: Iterable[Finding], last: Room, now: datetime) -> list[Finding]:
    """Return each episode as one Finding, in order of beginning; without an end it ran when all ended.

    `last` is the room after the last of what was said, `now` up to when time has passed since.
    """
    ended, more = room.pass_time(last, now)
    found = [each for each in (*findings, *more) if each.ended_at is not None]
    for condition in (Condition.COLD, Condition.HEAT):
        watch = ended.watch(condition)
        if watch.is_breach and watch.began_at is not None:
            found.append(Finding(condition, watch.began_at, None, watch.worst, watch.seen))
    return sorted(found, key=lambda each: each.began_at)


def learn(world: World, facts: Facts, place: Place, found: Sequence[Finding], now: datetime) -> int:
    """Take up a place's past episodes, each with its end, as late readings would; return how many."""
    known = [episode for episode in world.episodes.values() if episode.place == place]
    world.now = max(now, world.now)
    count = 0
    for finding in found:
        if finding.ended_at is None or any(_is_on_record(episode, finding) for episode in known):
            continue
        number = world.next_episode
        obligation.episode_began(world, facts, place, finding, now)
        obligation.episode_ended(world, facts, number, finding, now)
        count += 1
    return count


def _is_on_record(episode: Episode, finding: Finding) -> bool:
    if episode.condition is not finding.condition or finding.ended_at is None:
        return False
    is_over = episode.ended_at is not None and episode.ended_at < finding.began_at
    return not is_over and episode.began_at <= finding.ended_at
