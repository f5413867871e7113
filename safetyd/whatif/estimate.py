"""A season judged from its roll-ups: five minutes count as one reading, their worst value.

Rule: an hour without a value beyond either side's limits is passed over while its place is in order, as
nothing in it could begin an episode; every other hour is judged by the core's own watch, five minutes by five
minutes. Of five minutes that are partly beyond a limit, that share counts which lies beyond it if the values
are spread evenly between the least and the greatest.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core import watch
from safetyd.core.model import Condition, Finding, Place
from safetyd.core.quality import Latest
from safetyd.core.room import EMPTY, Room, findings_of
from safetyd.core.rules import RuleBook, Rules
from safetyd.core.tally import WIDTH, floor
from safetyd.core.warmth import Source, cold_level, heat_level, hottest
from safetyd.core.watch import CALM, Level, Limit, Sample, Watch
from safetyd.core.world import Facts
from safetyd.store import supposing
from safetyd.store.database import Connection
from safetyd.store.rollups import HOUR
from safetyd.store.supposing import Fine
from safetyd.whatif.deeds import on_record
from safetyd.whatif.docket import Docket
from safetyd.whatif.figures import Ledger, Outcome

_GRAIN = timedelta(microseconds=1)
_ROOM = (Condition.COLD, Condition.HEAT)


class Extremes(NamedTuple):
    """What five minutes say of one condition: the worst value, and the mildest, °F."""

    worst: float
    mildest: float
    assumed_dry: bool = False


class Found(NamedTuple):
    """An episode that began or ended, when that was known, and how its room stood then."""

    now: datetime
    place: Place
    room: Room
    finding: Finding


class Word(NamedTuple):
    """What became known of a building's mains."""

    now: datetime
    place: Place
    is_on: bool


@dataclass(slots=True)
class Side:
    """One side's rules and what they came to so far; `rooms` are those not in order."""

    book: RuleBook
    docket: Docket
    ledger: Ledger
    rooms: dict[int, Room] = field(default_factory=dict)


class Span(NamedTuple):
    """From when up to before when."""

    begin: datetime
    end: datetime


def estimate(
    connection: Connection,
    facts: Facts,
    books: Sequence[RuleBook],
    places: dict[int, Place],
    span: Span,
    progress: Callable[[datetime], object] = lambda _: None,
    *,
    skips: bool = True,
) -> list[Outcome]:
    """Return what each of several rules comes to for some places, by their numbers, over full hours."""
    doings = [
        each
        for each in supposing.doings(connection, *span)
        if each.subject[0].building in {place.building for place in places.values()}
    ]
    sides = [Side(book, Docket(facts, book, doings), Ledger(facts, *span)) for book in books]
    versions = [version for book in books for version in book.versions]
    cold = max(each.cold.below_f for each in versions) if skips else None
    heat = min(each.heat.above_f for each in versions) if skips else None
    season = _Season(connection, sides, places)
    matter = supposing.hours_that_matter(connection, *span, places, cold, heat)
    for hour in _hours(matter, season, span.end):
        season.judge(hour, matter.get(hour, set()) | season.restless)
        progress(hour)
    for side in sides:
        side.docket.pass_time(span.end)
        known = on_record(side.docket.world, supposing.ticketed(connection, *span), span.end)
        side.ledger.add_tickets(side.docket.world.tickets.values(), known)
    return [
        Outcome(side.ledger.rows, side.ledger.known, tuple(side.docket.world.tickets.values()))
        for side in sides
    ]


def _hours(matter: Collection[datetime], season: "_Season", end: datetime) -> Iterator[datetime]:
    """Yield the hours that matter, and after each those in which something is still not in order."""
    passed: datetime | None = None
    for hour in sorted(matter):
        while passed is not None and season.restless and passed < hour:
            yield passed
            passed += HOUR
        yield hour
        passed = hour + HOUR
    while passed is not None and season.restless and passed < end:
        yield passed
        passed += HOUR


class _Season:
    """Walks through the hours, all sides at once, so that what is kept is read once."""

    def __init__(self, connection: Connection, sides: Sequence[Side], places: dict[int, Place]) -> None:
        self._connection = connection
        self._sides = sides
        self._places = places
        self._last: dict[int, dict[Condition, Extremes]] = {}  # of places whose values may still stand
        self._out: set[int] = set()  # buildings whose power was out in their last five minutes
        self.restless: set[int] = set()  # places that are not in order on some side

    def judge(self, hour: datetime, numbers: Collection[int]) -> None:
        """Judge an hour of some places; of the others nothing could begin."""
        self._last = {number: last for number, last in self._last.items() if number in self.restless}
        fine = supposing.five_minutes(self._connection, hour, numbers)
        found: list[list[Found | Word]] = [[] for _ in self._sides]
        for number in sorted(numbers):
            if self._places[number].room is not None:
                self._judge_room(hour, number, fine, found)
            else:
                words = self._hear_power(hour, number, fine)
                for these in found:
                    these += words
        for side, these in zip(self._sides, found, strict=True):
            for each in sorted(these, key=lambda one: (one.now, str(one.place))):
                if isinstance(each, Found):
                    side.docket.find(each.place, each.room, each.finding, each.now)
                else:
                    side.docket.say(each.place.building, each.now, is_on=each.is_on)
        self.restless = {number for side in self._sides for number in side.rooms} | {
            number
            for number, place in self._places.items()
            if place.room is None
            and (number in self._out or any(side.docket.is_out(place.building) for side in self._sides))
        }

    def _judge_room(
        self,
        hour: datetime,
        number: int,
        fine: dict[tuple[int, datetime], Fine],
        found: list[list[Found | Word]],
    ) -> None:
        place = self._places[number]
        rules = [side.book.in_force(hour) for side in self._sides]
        last = self._last.setdefault(number, {})
        for at in _fives(hour):
            kept = fine.get((number, at), Fine())
            new = _extremes(kept, at, rules[0])
            last |= new
            known = {Condition.COLD: kept.cold_known, Condition.HEAT: kept.heat_known}
            for side, rule, these in zip(self._sides, rules, found, strict=True):
                room, breach = side.rooms.get(number, EMPTY), 0
                for condition in _ROOM:
                    value = last.get(condition) if known[condition] else None
                    if value is None:
                        continue
                    breach += round(known[condition] * _share(room.watch(condition), condition, value, rule))
                    room, learned = _fold(room, condition, value, at, rule, is_new=condition in new)
                    these += [Found(now, place, room, finding) for now, finding in learned]
                room, learned = _pass(room, at + WIDTH)
                these += [Found(now, place, room, finding) for now, finding in learned]
                _keep(side, number, room)
                if breach:
                    micros = min(breach, WIDTH // _GRAIN)
                    side.ledger.add_breach(place.building, at, at + WIDTH, micros)

    def _hear_power(self, hour: datetime, number: int, fine: dict[tuple[int, datetime], Fine]) -> list[Word]:
        place, words = self._places[number], list[Word]()
        for at in _fives(hour):
            kept = fine.get((number, at), Fine())
            out = timedelta(microseconds=kept.out)
            if kept.out and number not in self._out:
                words.append(Word(at + WIDTH - out, place, is_on=False))
                self._out.add(number)
            elif kept.mains_known and out < WIDTH:
                words.append(Word(at + out, place, is_on=True))
                self._out.discard(number)
        return words


def _fives(hour: datetime) -> Iterator[datetime]:
    return (hour + number * WIDTH for number in range(HOUR // WIDTH))


def _extremes(kept: Fine, at: datetime, rules: Rules) -> dict[Condition, Extremes]:
    """Return what five minutes say; without humidity, of heat what holds at any, as the core has it."""
    found: dict[Condition, Extremes] = {}
    if kept.temperature is not None:
        low, high = kept.temperature
        found[Condition.COLD] = Extremes(low, high)
        if kept.heat_index is None:
            only = {"": Source(Latest(high, at, at + WIDTH))}
            known = hottest(only, at, rules, None)
            if known is not None:
                found[Condition.HEAT] = Extremes(known.value, known.value, known.assumed_dry)
    if kept.heat_index is not None:
        low, high = kept.heat_index
        found[Condition.HEAT] = Extremes(high, low)
    return found


def _share(before: Watch, condition: Condition, value: Extremes, rules: Rules) -> float:
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


def _fold(
    room: Room, condition: Condition, value: Extremes, at: datetime, rules: Rules, *, is_new: bool
) -> tuple[Room, list[tuple[datetime, Finding]]]:
    """Return the room after five minutes' worst value, and what that showed."""
    room, learned = _pass(room, at)
    rule, level = rules.cold, cold_level(value.worst, rules)
    sign = -1
    limit = Limit(rule.confirm, rule.end_after)
    if condition is Condition.HEAT:
        level, sign = heat_level(value.worst, rules), 1
        limit = Limit(rules.heat.confirm, rules.heat.end_after)
    old = room.watch(condition)
    if old is CALM and level is not Level.BEYOND:
        return room, learned
    until = at + WIDTH + rules.quality.stale_after
    is_beyond = is_new and level is Level.BEYOND
    sample = Sample(at, level, value.worst, until, is_beyond, value.assumed_dry)
    new, ended = watch.step(old, sample, limit, sign)
    room = _with(room, condition, new)
    return room, learned + [(at, each) for each in findings_of(condition, old, new, ended)]


def _pass(room: Room, now: datetime) -> tuple[Room, list[tuple[datetime, Finding]]]:
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


def _keep(side: Side, number: int, room: Room) -> None:
    if room.cold is CALM and room.heat is CALM:
        side.rooms.pop(number, None)
    else:
        side.rooms[number] = room


def full_hours(begin: datetime, end: datetime) -> Span:
    """Return the full hours that lie in a range: a part of one cannot be told from its roll-up."""
    first, last = floor(begin, HOUR), floor(end, HOUR)
    return Span(first if first == begin else first + HOUR, last)
