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
    """A room's value under one condition: `level` against the limits, since and until when it counts.

    `is_new` says that the sensor that spoke is itself beyond the limit.
    """

    level: Level
    value: float
    at: datetime
    until: datetime
    is_new: bool = False
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
    sensor = observation.sensor
    key = sensor.id
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
        or sensor.offsets
        or sensor.invalid
        or observation.doubt is not None
    ):
        return None
    is_plain = 1 < humidity <= _PLAIN_HUMIDITY and _PLAIN_F[0] <= temp_f <= _PLAIN_F[1]
    is_calm = abs(temp_f - belief.reference.value) <= AGREE_F and rules.cold.below_f <= temp_f
    if not is_plain or not is_calm or heat_index_f(temp_f, humidity) > rules.heat.above_f:
        return None
    low_c, high_c = rules.quality.range_c
    if not fahrenheit(low_c) <= temp_f <= fahrenheit(high_c) or has_flaw_beside(observation):
        return None
    until = at + window(sensor, rules.quality)
    latest = Latest(temp_f, at, until)
    return Room(at, {key: Belief(latest)}, {key: Source(latest, Latest(humidity, at, until))})


def observe(room: Room, observation: Observation, book: RuleBook) -> Seen:
    """Return the room after one observation, time having passed up to it first."""
    key, at = observation.sensor.id, observation.observed_at
    rules, old = book.in_force(at), room.beliefs.get(key, NOBODY)
    belief, judged = judge(old, observation, rules.quality)
    earliest = at if judged.confirmed is None else judged.confirmed.at
    is_before_suspect = old.suspect is not None and at < old.suspect.at
    if is_before_suspect or (room.at is not None and earliest < room.at):
        return Seen(room, judged, is_late=True)
    findings: tuple[Finding, ...] = ()
    room = room._replace(beliefs={**room.beliefs, key: belief})
    if judged.confirmed is not None:
        borne_out, since = Judged(judged.confirmed.value, None), judged.confirmed.at
        room, findings = _count(room, observation, since, borne_out, book.in_force(since))
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
    if source == old:
        return room._replace(at=at), findings
    sources = {**room.sources, key: source}
    is_measured = judged.temperature_f is not None
    cold, cold_ended = room.cold, None
    if source.temperature is not old.temperature:
        known = _coldest(sources, at, rules, key)
        cold, cold_ended = _judge(room.cold, known, at, _limit(rules.cold, observation), -1, is_measured)
    known = _hottest(sources, at, rules, key)
    is_measured = is_measured or judged.humidity is not None
    heat, heat_ended = _judge(room.heat, known, at, _limit(rules.heat, observation), 1, is_measured)
    more = (
        *_findings(Condition.COLD, room.cold, cold, cold_ended),
        *_findings(Condition.HEAT, room.heat, heat, heat_ended),
    )
    return Room(at, room.beliefs, sources, cold, heat), findings + more


def _newest(
    old: Latest | None, value: float | None, at: datetime, until: datetime, is_rejected: bool
) -> Latest | None:
    if value is not None:
        return Latest(value, at, until)
    return None if is_rejected else old


def _judge(
    watch: Watch, known: Warmth | None, at: datetime, limit: Limit, sign: int, is_measured: bool
) -> tuple[Watch, Ended | None]:
    """Step a watch by a measured value; one that was only rejected leaves what other sensors know."""
    if known is None:
        return silence(watch, at), None
    if not is_measured or (watch is CALM and known.level is not Level.BEYOND):
        return watch, None
    return step(
        watch, Sample(at, known.level, known.value, known.until, known.is_new, known.assumed_dry), limit, sign
    )


def _findings(condition: Condition, old: Watch, new: Watch, ended: Ended | None) -> Iterator[Finding]:
    if ended is not None:
        yield Finding(condition, ended.began_at, ended.ended_at, ended.worst, ended.seen)
    if new.is_breach and not old.is_breach and new.began_at is not None:
        yield Finding(condition, new.began_at, None, new.worst)


def warmth(room: Room, condition: Condition, at: datetime, rules: Rules) -> Warmth | None:
    """Return what is known of the room under `cold` or `heat` at `at`; None where nothing is."""
    weigh = _coldest if condition is Condition.COLD else _hottest
    return weigh(room.sources, at, rules, None)


def _coldest(sources: Mapping[str, Source], at: datetime, rules: Rules, spoke: str | None) -> Warmth | None:
    fresh = {
        key: source.temperature
        for key, source in sources.items()
        if source.temperature is not None and source.temperature.until >= at
    }
    if not fresh:
        return None
    worst = min(fresh.values(), key=lambda each: each.value)
    until = max(each.until for each in fresh.values())
    own = fresh.get(spoke) if spoke is not None else None
    is_new = own is not None and own.at == at and own.value < rules.cold.below_f
    return Warmth(_cold_level(worst.value, rules), worst.value, worst.at, until, is_new)


def _hottest(sources: Mapping[str, Source], at: datetime, rules: Rules, spoke: str | None) -> Warmth | None:
    found: list[Warmth] = []
    is_partly_unknown = False
    for key, source in sources.items():
        temperature = source.temperature
        if temperature is None or temperature.until < at:
            continue
        holder, humidity = _humidity(key, sources, temperature, at, rules)
        known = _heat(temperature, humidity, rules)
        if known is None:
            is_partly_unknown = True
            continue
        is_new = known.level is Level.BEYOND and known.at == at and spoke in (key, holder)
        found.append(known._replace(is_new=is_new))
    if not found:
        return None
    worst = max(found, key=lambda each: each.value)
    if is_partly_unknown and worst.level is not Level.BEYOND:
        return None  # a milder sensor does not vouch for one whose heat is not known
    until, is_new = max(each.until for each in found), any(each.is_new for each in found)
    return worst._replace(until=until, is_new=is_new)


def _humidity(
    key: str, sources: Mapping[str, Source], temperature: Latest, at: datetime, rules: Rules
) -> tuple[str | None, Latest | None]:
    """The sensor's own humidity of that moment, else the newest in the room, and whose it is."""
    near = {
        name: source.humidity
        for name, source in sources.items()
        if source.humidity is not None
        and source.humidity.until >= at
        and abs(source.humidity.at - temperature.at) <= rules.heat.pair_within
    }
    if not near:
        return None, None
    holder = key if key in near else max(near, key=lambda name: near[name].at)
    return holder, near[holder]


def _heat(temperature: Latest, humidity: Latest | None, rules: Rules) -> Warmth | None:
    if humidity is not None:
        value = heat_index_f(temperature.value, humidity.value)
        at, until = max(temperature.at, humidity.at), min(temperature.until, humidity.until)
        return Warmth(_heat_level(value, rules), value, at, until)
    driest, dampest = heat_index_f(temperature.value, 0.0), heat_index_f(temperature.value, 100.0)
    if driest > rules.heat.above_f:
        return Warmth(Level.BEYOND, driest, temperature.at, temperature.until, assumed_dry=True)
    if dampest <= rules.heat.above_f:
        return Warmth(_heat_level(dampest, rules), dampest, temperature.at, temperature.until)
    return None


def _cold_level(value: float, rules: Rules) -> Level:
    if value < rules.cold.below_f:
        return Level.BEYOND
    return Level.BACK if value >= rules.cold.end_f else Level.BETWEEN


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
