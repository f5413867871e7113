"""A season judged from its roll-ups: five minutes count as one reading, their worst value.

Rule: an hour without a value beyond a side's limits is passed over while its place is in order there, as
nothing in it could begin an episode; one in which each value says the same is taken whole. Every other hour
is judged by the core's own watch, five minutes by five minutes, but for values that leave an episode in
progress as it is: of them only the time is counted. Of five minutes that are partly beyond a
limit, that share counts which lies beyond it if values are spread evenly from the least to the greatest.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.model import Condition, Finding, Place
from safetyd.core.room import EMPTY, Room
from safetyd.core.rules import RuleBook, Rules
from safetyd.core.tally import WIDTH
from safetyd.core.watch import CALM, State
from safetyd.core.watch import Level as Says
from safetyd.core.world import Facts
from safetyd.store.rollups import HOUR, Level
from safetyd.store.supposing import Kept
from safetyd.whatif.deeds import on_record
from safetyd.whatif.docket import Docket
from safetyd.whatif.figures import Ledger, Outcome
from safetyd.whatif.fives import Extremes, fold, heat_of, level, passed, share
from safetyd.whatif.record import Record

_GRAIN = timedelta(microseconds=1)
_NOTHING = Kept()


class Said(NamedTuple):
    """What five minutes say of a condition, whether that is of now, and how much of them is known."""

    value: Extremes
    is_new: bool
    known: int


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
    record: Record,
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
        for each in record.doings(*span)
        if each.subject[0].building in {place.building for place in places.values()}
    ]
    sides = [Side(book, Docket(facts, book, doings), Ledger(facts, *span)) for book in books]
    versions = [version for book in books for version in book.versions]
    cold = max(each.cold.below_f for each in versions) if skips else None
    heat = min(each.heat.above_f for each in versions) if skips else None
    season = _Season(record, sides, places, skips)
    matter = record.hours_that_matter(*span, places, cold, heat)
    for hour in _hours(matter, season, span.end):
        season.judge(hour, matter.get(hour, set()) | season.restless)
        progress(hour)
    for side in sides:
        side.docket.pass_time(span.end)
        side.ledger.close()
        known = on_record(side.docket.world, record.ticketed(*span), span.end)
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

    def __init__(self, record: Record, sides: Sequence[Side], places: dict[int, Place], skips: bool) -> None:
        self._skips = skips
        self._record = record
        self._sides = sides
        self._places = places
        self._last: dict[
            int, tuple[Extremes | None, Extremes | None]
        ] = {}  # cold and heat, of places whose values may still stand
        self._out: set[int] = set()  # buildings whose power was out in their last five minutes
        self.restless: set[int] = set()  # places that are not in order on some side

    def judge(self, hour: datetime, numbers: Collection[int]) -> None:
        """Judge an hour of some places; of the others nothing could begin."""
        self._last = {number: last for number, last in self._last.items() if number in self.restless}
        whole = self._record.kept(hour, numbers, Level.HOUR)
        numbers = [number for number in numbers if not self._is_of_one_kind(hour, number, whole)]
        fine = self._record.kept(hour, numbers, Level.FIVE_MINUTES)
        found: list[list[Found | Word]] = [[] for _ in self._sides]
        for number in sorted(numbers):
            if self._places[number].room is not None:
                self._judge_room(hour, number, whole.get((number, hour), _NOTHING), fine, found)
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

    def _is_of_one_kind(self, hour: datetime, number: int, whole: dict[tuple[int, datetime], Kept]) -> bool:
        """Whether each of an hour's five minutes says the same, and changes nothing; then it is taken whole.

        So it is with an episode in progress while no value is back at the end value, and with a room in
        order while no value is beyond the limit.
        """
        kept, place = whole.get((number, hour), _NOTHING), self._places[number]
        is_known = min(kept.cold_known, kept.heat_known) == HOUR // _GRAIN
        if (
            not self._skips
            or place.room is None
            or not is_known
            or kept.temperature is None
            or kept.heat_index is None
        ):
            return False
        (coldest, warmest), (mildest, hottest_) = kept.temperature, kept.heat_index
        running: list[Side] = []
        for side in self._sides:
            rules, room = side.book.in_force(hour), side.rooms.get(number, EMPTY)
            is_running = False
            for condition, worst, best in (
                (Condition.COLD, coldest, warmest),
                (Condition.HEAT, hottest_, mildest),
            ):
                watching = room.watch(condition)
                if watching is CALM and level(condition, worst, rules) is not Says.BEYOND:
                    continue
                if watching.state is not State.ACTIVE or level(condition, best, rules) is Says.BACK:
                    return False
                is_running = True
            if is_running:
                running.append(side)
        for side in running:
            side.ledger.add_breach(place.building, hour, hour + HOUR)
        self._last[number] = Extremes(coldest, warmest), Extremes(hottest_, mildest)
        return True

    def _judge_room(
        self,
        hour: datetime,
        number: int,
        whole: Kept,
        fine: dict[tuple[int, datetime], Kept],
        found: list[list[Found | Word]],
    ) -> None:
        rules = [side.book.in_force(hour) for side in self._sides]
        cold, heat = self._last.get(number, (None, None))
        stirring = [
            (side, rule, these, of)
            for side, rule, these in zip(self._sides, rules, found, strict=True)
            if (of := _stirring(side.rooms.get(number, EMPTY), whole, (cold, heat), rule))
        ]
        said: list[tuple[datetime, dict[Condition, Said]]] = []
        for at in _fives(hour):
            kept = fine.get((number, at), _NOTHING)
            is_new = kept.temperature is not None, kept.temperature is not None or kept.heat_index is not None
            if kept.temperature is not None:
                cold = Extremes(*kept.temperature)
            if is_new[1]:
                heat = heat_of(kept, at, rules[0]) or heat
            of_both: dict[Condition, Said] = {}
            if cold is not None and kept.cold_known:
                of_both[Condition.COLD] = Said(cold, is_new[0], kept.cold_known)
            if heat is not None and kept.heat_known:
                of_both[Condition.HEAT] = Said(heat, is_new[1], kept.heat_known)
            said.append((at, of_both))
        for side, rule, these, of in stirring:
            self._judge(side, number, said, of, rule, these)
        self._last[number] = cold, heat

    def _judge(
        self,
        side: Side,
        number: int,
        said: Sequence[tuple[datetime, dict[Condition, Said]]],
        conditions: Sequence[Condition],
        rules: Rules,
        found: list[Found | Word],
    ) -> None:
        """Judge an hour of a room on one side; while it is in order only a breach matters."""
        room, place = side.rooms.get(number, EMPTY), self._places[number]
        below_f, above_f = rules.cold.below_f, rules.heat.above_f
        for at, of_both in said:
            breach = 0
            for condition in conditions:
                if condition not in of_both:
                    continue
                value, is_new, known = of_both[condition]
                watching = room.cold if condition is Condition.COLD else room.heat
                is_beyond = value.worst < below_f if condition is Condition.COLD else value.worst > above_f
                if not is_beyond and watching is CALM:
                    continue
                breach += round(known * share(watching, condition, value, rules))
                if watching.state is State.ACTIVE and level(condition, value.worst, rules) is not Says.BACK:
                    continue
                room, learned = fold(room, condition, value, at, rules, is_new=is_new)
                found += [Found(now, place, room, finding) for now, finding in learned]
            if room.cold.back or room.heat.back:
                room, learned = passed(room, at + WIDTH)
                found += [Found(now, place, room, finding) for now, finding in learned]
            if breach:
                side.ledger.add_part(place.building, at, WIDTH, min(breach, WIDTH // _GRAIN))
        _keep(side, number, room)

    def _hear_power(self, hour: datetime, number: int, fine: dict[tuple[int, datetime], Kept]) -> list[Word]:
        place, words = self._places[number], list[Word]()
        for at in _fives(hour):
            kept = fine.get((number, at), _NOTHING)
            out = timedelta(microseconds=kept.out)
            if kept.out and number not in self._out:
                words.append(Word(at + WIDTH - out, place, is_on=False))
                self._out.add(number)
            elif kept.mains_known and out < WIDTH:
                words.append(Word(at + out, place, is_on=True))
                self._out.discard(number)
        return words


def _stirring(
    room: Room, whole: Kept, last: tuple[Extremes | None, Extremes | None], rules: Rules
) -> list[Condition]:
    """Return the conditions of a room that an hour may change: that are not in order, or have values beyond.

    A heat index at no humidity is at most the temperature, which stands for it where humidity is not known.
    """
    colds = [] if whole.temperature is None else [whole.temperature[0]]
    heats = [each[1] for each in (whole.temperature, whole.heat_index) if each is not None]
    cold, heat = last
    colds += [] if cold is None else [cold.worst]
    heats += [] if heat is None else [heat.worst]
    found = []
    if room.cold is not CALM or min(colds, default=rules.cold.below_f) < rules.cold.below_f:
        found.append(Condition.COLD)
    if room.heat is not CALM or max(heats, default=rules.heat.above_f) > rules.heat.above_f:
        found.append(Condition.HEAT)
    return found


def _fives(hour: datetime) -> Iterator[datetime]:
    return (hour + number * WIDTH for number in range(HOUR // WIDTH))


def _keep(side: Side, number: int, room: Room) -> None:
    if room.cold is CALM and room.heat is CALM:
        side.rooms.pop(number, None)
    else:
        side.rooms[number] = room
