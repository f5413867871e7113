"""What the extremes of five minutes say of a room, as one reading would.

Rule: the worst value speaks; what it says, and what follows from it, are the core's `warmth` and `watch`.
"""

from datetime import datetime
from typing import NamedTuple

from safetyd.core import watch
from safetyd.core.model import Condition, Finding
from safetyd.core.quality import Latest
from safetyd.core.room import Room, findings_of
from safetyd.core.rules import Rules
from safetyd.core.tally import WIDTH
from safetyd.core.warmth import Source, cold_level, heat_level, hottest
from safetyd.core.watch import CALM, Level, Limit, Sample, Watch
from safetyd.store.supposing import Kept

_ROOM = (Condition.COLD, Condition.HEAT)


class Extremes(NamedTuple):
    """What five minutes say of one condition: the worst value, and the mildest, °F."""

    worst: float
    mildest: float
    assumed_dry: bool = False


def heat_of(kept: Kept, at: datetime, rules: Rules) -> Extremes | None:
    """Return what five minutes say of heat; without humidity what holds at any, as the core has it."""
    if kept.heat_index is not None:
        low, high = kept.heat_index
        return Extremes(high, low)
    if kept.temperature is None:
        return None
    known = hottest({"": Source(Latest(kept.temperature[1], at, at + WIDTH))}, at, rules, None)
    return None if known is None else Extremes(known.value, known.value, known.assumed_dry)


def share(before: Watch, condition: Condition, value: Extremes, rules: Rules) -> float:
    """Return how much of five minutes lies beyond the limit; within an episode, beyond the end value."""
    if condition is Condition.COLD:
        limit = rules.cold.end_f if before.is_breach else rules.cold.below_f
        beyond, spread = limit - value.worst, value.mildest - value.worst
        is_beyond = value.worst < limit
    else:
        limit = rules.heat.end_f if before.is_breach else rules.heat.above_f
        beyond, spread = value.worst - limit, value.worst - value.mildest
        is_beyond = value.worst > limit
    if not is_beyond:
        return 0.0
    return 1.0 if beyond >= spread else beyond / spread


def level(condition: Condition, value: float, rules: Rules) -> Level:
    """Return what a value says of a condition."""
    return cold_level(value, rules) if condition is Condition.COLD else heat_level(value, rules)


def fold(
    room: Room, condition: Condition, value: Extremes, at: datetime, rules: Rules, *, is_new: bool
) -> tuple[Room, list[tuple[datetime, Finding]]]:
    """Return the room after five minutes' worst value, and what that showed."""
    room, learned = passed(room, at) if room.cold.back or room.heat.back else (room, [])
    rule, sign = (rules.cold, -1) if condition is Condition.COLD else (rules.heat, 1)
    says, limit = level(condition, value.worst, rules), Limit(rule.confirm, rule.end_after)
    old = room.watch(condition)
    if old is CALM and says is not Level.BEYOND:
        return room, learned
    until = at + WIDTH + rules.quality.stale_after
    is_beyond = is_new and says is Level.BEYOND
    sample = Sample(at, says, value.worst, until, is_beyond, value.assumed_dry)
    new, ended = watch.step(old, sample, limit, sign)
    room = _with(room, condition, new)
    return room, learned + [(at, each) for each in findings_of(condition, old, new, ended)]


def passed(room: Room, now: datetime) -> tuple[Room, list[tuple[datetime, Finding]]]:
    """Return the room once time has passed up to a moment, and which episodes that ended."""
    learned: list[tuple[datetime, Finding]] = []
    for condition in _ROOM:
        old = room.watch(condition)
        due = watch.due(old)
        if due is None or due > now:
            continue
        new, ended = watch.elapse(old, now)
        room = _with(room, condition, new)
        learned += [(due, each) for each in findings_of(condition, old, new, ended)]
    return room, learned


def _with(room: Room, condition: Condition, changed: Watch) -> Room:
    return room._replace(cold=changed) if condition is Condition.COLD else room._replace(heat=changed)
