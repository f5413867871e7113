"""How long a room was in order, in breach, or unknown: every second of a span, by the reading it rests on.

Rule: a second is `breach` when what it rests on is beyond a limit (or, within an episode, not yet back at the
end value), else `unknown` while any condition has nothing to rest on, else `ok`. Unlike a verdict this does
not lag while an episode is ending.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from safetyd.core import power
from safetyd.core.model import Condition, Observation, Verdict
from safetyd.core.power import Power
from safetyd.core.room import EMPTY, Room, walk, warmth
from safetyd.core.rules import RuleBook, Rules
from safetyd.core.units import JUST_AFTER
from safetyd.core.votes import Tide
from safetyd.core.watch import Level

_TOLD = {Tide.ON: Verdict.OK, Tide.OFF: Verdict.BREACH, Tide.UNKNOWN: Verdict.UNKNOWN}


class Stretch(NamedTuple):
    """A span of a room's time through which what is known of it is the same."""

    begin: datetime
    end: datetime
    cold: Verdict
    heat: Verdict

    @property
    def room(self) -> Verdict:
        """What held of cold and heat together."""
        both = self.cold, self.heat
        if Verdict.BREACH in both:
            return Verdict.BREACH
        return Verdict.UNKNOWN if Verdict.UNKNOWN in both else Verdict.OK


def shares(
    observations: Iterable[Observation], book: RuleBook, begin: datetime, end: datetime
) -> dict[Verdict, timedelta]:
    """Return how long each verdict held from `begin` to `end`; observations in order of their own time."""
    spent = dict.fromkeys(Verdict, timedelta(0))
    room, at = EMPTY, begin
    for step in walk(EMPTY, observations, book):
        until = min(step.at, end)
        for stretch in stretches(room, book, at, until):
            spent[stretch.room] += stretch.end - stretch.begin
        room, at = step.room, max(at, until)
    for stretch in stretches(room, book, at, end):
        spent[stretch.room] += stretch.end - stretch.begin
    return spent


def stretches(room: Room, book: RuleBook, begin: datetime, end: datetime) -> Iterator[Stretch]:
    """Yield what holds of a room from `begin` to `end` if nothing more is heard of it."""
    if begin >= end:
        return
    between = [at for at in (*_lapses(room), *book.starts) if begin < at < end]
    for start, stop in pairwise(sorted({begin, end, *between})):
        rules = book.in_force(start)
        cold, heat = (_holds(room, each, start, rules) for each in (Condition.COLD, Condition.HEAT))
        yield Stretch(start, stop, cold, heat)


def _lapses(room: Room) -> Iterator[datetime]:
    """The moments at which what is known of a room lapses."""
    for source in room.sources.values():
        for latest in source:
            if latest is not None:
                yield latest.until + JUST_AFTER


def _holds(room: Room, condition: Condition, at: datetime, rules: Rules) -> Verdict:
    value = warmth(room, condition, at, rules)
    if value is None:
        return Verdict.UNKNOWN
    is_back = value.level is Level.BACK or not room.watch(condition).is_breach
    return Verdict.OK if value.level is not Level.BEYOND and is_back else Verdict.BREACH


class Supply(NamedTuple):
    """A span of a building's time through which its witnesses say the same: `breach` is without power."""

    begin: datetime
    end: datetime
    verdict: Verdict
    power: Power


def supplies(power_: Power, book: RuleBook, begin: datetime, end: datetime) -> Iterator[Supply]:
    """Yield what the witnesses' words say from `begin` to `end` if nothing more is heard of them.

    Each second without power counts; from when on that is a breach of contract is the ticket's business.
    """
    at = begin
    while at < end:
        rules = book.in_force(at)
        power_, _ = power.pass_time(power_, at, rules)
        changes = [power.next_due(power_, rules), *(start for start in book.starts if start > at)]
        stop = min([end, *(each for each in changes if each is not None)])
        yield Supply(at, stop, _TOLD[power.tide(power_, at, rules.outage)], power_)
        at = stop


def whole_seconds(spent: dict[Verdict, timedelta]) -> dict[Verdict, int]:
    """Return the spans in whole seconds that add up to the whole."""
    total = round(sum(spent.values(), timedelta(0)).total_seconds())
    ok = round(spent[Verdict.OK].total_seconds())
    breach = min(round(spent[Verdict.BREACH].total_seconds()), total - ok)
    return {Verdict.OK: ok, Verdict.BREACH: breach, Verdict.UNKNOWN: total - ok - breach}
