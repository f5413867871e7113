"""How long a room was in order, in breach, or unknown: every second of a span, by the reading it rests on.

Rule: a second is `breach` when what it rests on is beyond a limit (or, within an episode, not yet back at the
end value), else `unknown` while any condition has nothing to rest on, else `ok`. Unlike a verdict this does
not lag while an episode is ending.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from safetyd.core.model import Condition, Observation, Verdict
from safetyd.core.room import EMPTY, Room, walk, warmth
from safetyd.core.rules import RuleBook
from safetyd.core.units import JUST_AFTER
from safetyd.core.watch import Level

_CONDITIONS = (Condition.COLD, Condition.HEAT)


def shares(
    observations: Iterable[Observation], book: RuleBook, begin: datetime, end: datetime
) -> dict[Verdict, timedelta]:
    """Return how long each verdict held from `begin` to `end`; observations in order of their own time."""
    spent = dict.fromkeys(Verdict, timedelta(0))
    room, at = EMPTY, begin
    for after, _ in walk(EMPTY, observations, book):
        if after.at is not None and after.at > at:
            _spend(spent, room, book, at, min(after.at, end))
            at = max(at, min(after.at, end))
        room = after
    _spend(spent, room, book, at, end)
    return spent


def _spend(
    spent: dict[Verdict, timedelta], room: Room, book: RuleBook, begin: datetime, end: datetime
) -> None:
    moments = sorted({begin, end, *(at for at in _changes(room) if begin < at < end)})
    for start, stop in pairwise(moments):
        spent[_holds(room, book, start)] += stop - start


def _changes(room: Room) -> Iterator[datetime]:
    """The moments at which what is known of a room lapses."""
    for source in room.sources.values():
        for latest in source:
            if latest is not None:
                yield latest.until + JUST_AFTER


def _holds(room: Room, book: RuleBook, at: datetime) -> Verdict:
    rules = book.in_force(at)
    known = [(warmth(room, condition, at, rules), room.watch(condition)) for condition in _CONDITIONS]
    for value, watch in known:
        if value is not None and (
            value.level is Level.BEYOND or (watch.is_breach and value.level is Level.BETWEEN)
        ):
            return Verdict.BREACH
    return Verdict.UNKNOWN if any(value is None for value, _ in known) else Verdict.OK


def whole_seconds(spent: dict[Verdict, timedelta]) -> dict[Verdict, int]:
    """Return the spans in whole seconds that add up to the whole."""
    total = round(sum(spent.values(), timedelta(0)).total_seconds())
    ok = round(spent[Verdict.OK].total_seconds())
    breach = min(round(spent[Verdict.BREACH].total_seconds()), total - ok)
    return {Verdict.OK: ok, Verdict.BREACH: breach, Verdict.UNKNOWN: total - ok - breach}
