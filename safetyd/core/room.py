"""Many sensors, one room: what is known of its cold and heat at each moment, and its episodes.

Rule: the worst believed sensor speaks for the room; nothing is averaged. Heat needs temperature and
humidity of the same moment; where humidity is missing, only what holds at any humidity is known.
A sample is folded in order of its own time; one that comes late makes the room's past be read again.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from safetyd.core.heat_index import heat_index_f
from safetyd.core.model import Condition, Finding, Mark, Observation, Quantity, Verdict
from safetyd.core.quality import (
    AGREE_F,
    Belief,
    Judged,
    Latest,
    has_flaw_beside,
    judge,
    temperature_f,
    window,
)
from safetyd.core.rules import ColdRule, HeatRule, RuleBook, Rules
from safetyd.core.units import fahrenheit
from safetyd.core.watch import CALM, Ended, Level, Limit, Sample, State, Watch, due, elapse, silence, step


class Source(NamedTuple):
    """The last accepted values of one sensor; None is not known, or found broken."""

    temperature: Latest | None = None
    humidity: Latest | None = None


class Room(NamedTuple):
    """`at` is the event time up to which the room has been judged."""

    at: datetime | None = None
    beliefs: Mapping[str, Belief] = {}
    sources: Mapping[str, Source] = {}
    cold: Watch = CALM
    heat: Watch = CALM

    def watch(self, condition: Condition) -> Watch:
        """Return the watch of `cold` or `heat`."""
        return self.cold if condition is Condition.COLD else self.heat


class Warmth(NamedTuple):
    """A room's value under one condition: `level` against the limits, and until when it counts."""

    level: Level
    value: float
    at: datetime
    until: datetime
    assumed_dry: bool = False


class Seen(NamedTuple):
    """What an observation did to a room. `is_late`: nothing was folded, the past must be read again."""

    room: Room
    judged: Judged
    findings: tuple[Finding, ...] = ()
    is_late: bool = False


EMPTY = Room()
_PLAIN_F = (32.5, 120.0)  # no error code of any sensor lies within, whatever humidity comes with it
_PLAIN_HUMIDITY = 99.5
NOBODY = Belief()
_UNHEARD = Source()


def calm(room: Room, observation: Observation, rules: Rules) -> Room | None:
    """Return the room after an observation that plainly changes nothing, or None if it must be looked at.

    It is the short way of `observe` for nearly every reading there is, and leads to the same room.
    """
    temp_f, humidity, at = temperature_f(observation), observation.humidity, observation.observed_at
    key = observation.sensor.id
    belief = room.beliefs.get(key)
    if (
        temp_f is None
        or humidity is None
        or belief is None
        or belief.reference is None
        or belief.suspect is not None
        or len(room.sources) != 1
        or key not in room.sources
        or room.at is None
        or at < room.at
        or room.cold.state is not State.NORMAL
        or room.heat.state is not State.NORMAL
    ):
        return None
    is_plain = 1 < humidity <= _PLAIN_HUMIDITY and _PLAIN_F[0] <= temp_f <= _PLAIN_F[1]
    is_calm = abs(temp_f - belief.reference.value) <= AGREE_F and rules.cold.below_f <= temp_f
    if not is_plain or not is_calm or heat_index_f(temp_f, humidity) > rules.heat.above_f:
        return None
    low_c, high_c = rules.quality.range_c
    if not fahrenheit(low_c) <= temp_f <= fahrenheit(high_c) or has_flaw_beside(observation):
        return None
    until = at + window(observation.sensor, rules.quality)
    latest = Latest(temp_f, at, until)
    return Room(at, {key: Belief(latest)}, {key: Source(latest, Latest(humidity, at, until))})


def observe(room: Room, observation: Observation, rules: Rules) -> Seen:
    """Return the room after one observation, time having passed up to it first."""
    key, at = observation.sensor.id, observation.observed_at
    belief, judged = judge(room.beliefs.get(key, NOBODY), observation, rules.quality)
    earliest = at if judged.confirmed is None else judged.confirmed.at
    if room.at is not None and earliest < room.at:
        return Seen(room, judged, is_late=True)
    findings: tuple[Finding, ...] = ()
    room = room._replace(beliefs={**room.beliefs, key: belief})
    if judged.confirmed is not None:
        borne_out = Judged(judged.confirmed.value, None)
        room, findings = _count(room, observation, judged.confirmed.at, borne_out, rules)
    room, more = _count(room, observation, at, judged, rules)
    return Seen(room, judged, findings + more)


def read_again(
    base: Room, observations: Iterable[Observation], book: RuleBook
) -> tuple[Room, tuple[Finding, ...]]:
    """Return the room, and all it went through, from `base` on, with every observation at its own time.

    `observations` are in order of their own time and not before `base.at`; `base` has no suspect waiting.
    """
    room = base
    findings: list[Finding] = []
    for room, found in walk(base, observations, book):  # noqa: B007 - the last room is the answer
        findings.extend(found)
    return room, tuple(findings)


def walk(
    base: Room, observations: Iterable[Observation], book: RuleBook
) -> Iterator[tuple[Room, tuple[Finding, ...]]]:
    """Yield the room and its findings after each thing that counts, as `read_again` reads them."""
    beliefs = dict(base.beliefs)
    counted: list[tuple[datetime, Observation, Judged]] = []
    for observation in observations:
        rules = book.in_force(observation.observed_at)
        key = observation.sensor.id
        beliefs[key], judged = judge(beliefs.get(key, NOBODY), observation, rules.quality)
        if judged.confirmed is not None:
            counted.append((judged.confirmed.at, observation, Judged(judged.confirmed.value, None)))
        counted.append((observation.observed_at, observation, judged))
    counted.sort(key=lambda item: item[0])
    room = base._replace(beliefs=beliefs)
    for at, observation, judged in counted:
        room, found = _count(room, observation, at, judged, book.in_force(at))
        yield room, found


def _count(
    room: Room, observation: Observation, at: datetime, judged: Judged, rules: Rules
) -> tuple[Room, tuple[Finding, ...]]:
    room, findings = pass_time(room, at) if room.cold.back or room.heat.back else (room, ())
    key = observation.sensor.id
    until = at + window(observation.sensor, rules.quality)
    old = room.sources.get(key, _UNHEARD)
    rejected = {flaw.quantity for flaw in judged.flaws if flaw.mark is Mark.REJECTED} if judged.flaws else ()
    source = Source(
        _newest(old.temperature, judged.temperature_f, at, until, Quantity.TEMPERATURE in rejected),
        _newest(old.humidity, judged.humidity, at, until, Quantity.HUMIDITY in rejected),
    )
    if source is old or source == old:
        return room, findings
    sources = {**room.sources, key: source}
    cold, heat, ends = room.cold, room.heat, []
    if source.temperature is not old.temperature:
        cold, ended = _judge(cold, _coldest(sources, at, rules), at, _limit(rules.cold, observation), -1)
        ends.append((Condition.COLD, room.cold, cold, ended))
    heat, ended = _judge(heat, _hottest(sources, at, rules), at, _limit(rules.heat, observation), 1)
    ends.append((Condition.HEAT, room.heat, heat, ended))
    more = tuple(finding for end in ends for finding in _findings(*end))
    return Room(at, room.beliefs, sources, cold, heat), findings + more


def _newest(
    old: Latest | None, value: float | None, at: datetime, until: datetime, is_rejected: bool
) -> Latest | None:
    if value is not None:
        return Latest(value, at, until)
    return None if is_rejected else old


def _judge(
    watch: Watch, warmth: Warmth | None, at: datetime, limit: Limit, sign: int
) -> tuple[Watch, Ended | None]:
    if warmth is None:
        return silence(watch, at), None
    if watch is CALM and warmth.level is not Level.BEYOND:
        return watch, None
    is_new = warmth.level is Level.BEYOND and warmth.at == at
    sample = Sample(at, warmth.level, warmth.value, warmth.until, is_new, warmth.assumed_dry)
    return step(watch, sample, limit, sign)


def _findings(condition: Condition, old: Watch, new: Watch, ended: Ended | None) -> Iterator[Finding]:
    if ended is not None:
        yield Finding(condition, ended.began_at, ended.ended_at, ended.worst, ended.seen)
    if new.is_breach and not old.is_breach and new.began_at is not None:
        yield Finding(condition, new.began_at, None, new.worst)


def warmth(room: Room, condition: Condition, at: datetime, rules: Rules) -> Warmth | None:
    """Return what is known of the room under `cold` or `heat` at `at`; None where nothing is."""
    weigh = _coldest if condition is Condition.COLD else _hottest
    return weigh(room.sources, at, rules)


def _coldest(sources: Mapping[str, Source], at: datetime, rules: Rules) -> Warmth | None:
    worst: Latest | None = None
    until = at
    for source in sources.values():
        latest = source.temperature
        if latest is None or latest.until < at:
            continue
        until = max(until, latest.until)
        if worst is None or latest.value < worst.value:
            worst = latest
    if worst is None:
        return None
    rule = rules.cold
    if worst.value < rule.below_f:
        level = Level.BEYOND
    else:
        level = Level.BACK if worst.value >= rule.end_f else Level.BETWEEN
    return Warmth(level, worst.value, worst.at, until)


def _hottest(sources: Mapping[str, Source], at: datetime, rules: Rules) -> Warmth | None:
    worst: Warmth | None = None
    for source in sources.values():
        temperature = source.temperature
        if temperature is None or temperature.until < at:
            continue
        known = _heat(temperature, _humidity(source, sources, temperature, at, rules), rules)
        if known is not None and (worst is None or known.value > worst.value):
            worst = known if worst is None else known._replace(until=max(known.until, worst.until))
    return worst


def _humidity(
    own: Source, sources: Mapping[str, Source], temperature: Latest, at: datetime, rules: Rules
) -> Latest | None:
    """The sensor's own humidity of that moment, else the newest in the room."""
    near = rules.heat.pair_within
    if (
        own.humidity is not None
        and own.humidity.until >= at
        and abs(own.humidity.at - temperature.at) <= near
    ):
        return own.humidity
    others = [
        source.humidity
        for source in sources.values()
        if source.humidity is not None
        and source.humidity.until >= at
        and abs(source.humidity.at - temperature.at) <= near
    ]
    return max(others, key=lambda latest: latest.at, default=None)


def _heat(temperature: Latest, humidity: Latest | None, rules: Rules) -> Warmth | None:
    rule = rules.heat
    if humidity is not None:
        value = heat_index_f(temperature.value, humidity.value)
        at, until = max(temperature.at, humidity.at), min(temperature.until, humidity.until)
        return Warmth(_heat_level(value, rules), value, at, until)
    driest, dampest = heat_index_f(temperature.value, 0.0), heat_index_f(temperature.value, 100.0)
    if driest > rule.above_f:
        return Warmth(Level.BEYOND, driest, temperature.at, temperature.until, assumed_dry=True)
    if dampest <= rule.above_f:
        return Warmth(_heat_level(dampest, rules), dampest, temperature.at, temperature.until)
    return None


def _heat_level(value: float, rules: Rules) -> Level:
    if value > rules.heat.above_f:
        return Level.BEYOND
    return Level.BACK if value <= rules.heat.end_f else Level.BETWEEN


def verdict(room: Room, condition: Condition, at: datetime, rules: Rules) -> Verdict:
    """Return what is known of the room at `at`; an episode in progress is a breach, whatever the silence."""
    if room.watch(condition).is_breach:
        return Verdict.BREACH
    known = warmth(room, condition, at, rules)
    if known is None:
        return Verdict.UNKNOWN
    return Verdict.BREACH if known.level is Level.BEYOND else Verdict.OK


def _limit(rule: ColdRule | HeatRule, observation: Observation) -> Limit:
    return Limit(1 if observation.by_hand else rule.confirm, rule.end_after)


def next_due(room: Room) -> datetime | None:
    """Return the first moment at which time alone changes this room."""
    return min((at for at in (due(room.cold), due(room.heat)) if at is not None), default=None)


def pass_time(room: Room, now: datetime) -> tuple[Room, tuple[Finding, ...]]:
    """Return the room once time has passed up to `now`."""
    cold, cold_ended = elapse(room.cold, now)
    heat, heat_ended = elapse(room.heat, now)
    if cold_ended is None and heat_ended is None:
        return room, ()
    reached = max(at for at in (room.at, due(room.cold), due(room.heat)) if at is not None and at <= now)
    findings = (
        *_findings(Condition.COLD, room.cold, cold, cold_ended),
        *_findings(Condition.HEAT, room.heat, heat, heat_ended),
    )
    return room._replace(at=reached, cold=cold, heat=heat), findings
