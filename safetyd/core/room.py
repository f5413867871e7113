"""Many sensors, one room: what is known of its cold and heat at each moment, and its episodes.

Rule: a sample is folded in order of its own time; one that comes late makes the room's past be read again.
What the sensors say together is `warmth`'s business.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from safetyd.core.heat_index import heat_index_f
from safetyd.core.model import Condition, Finding, Mark, Observation, Quantity, Verdict
from safetyd.core.quality import (
    AGREE_F,
    NEAR_HUMIDITY,
    SOAKED,
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
from safetyd.core.warmth import Source, Warmth, coldest, hottest
from safetyd.core.watch import CALM, Ended, Level, Limit, Sample, State, Watch, due, elapse, silence, step


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


class Step(NamedTuple):
    """The room once something was folded in at `at`: what was judged of an observation, at its own time or,
    borne out by a later one, at that of the value that had to wait."""

    room: Room
    findings: tuple[Finding, ...]
    at: datetime
    observation: Observation
    judged: Judged


class Seen(NamedTuple):
    """What an observation did to a room. `is_late`: nothing was folded, the past must be read again."""

    room: Room
    judged: Judged
    findings: tuple[Finding, ...] = ()
    is_late: bool = False


EMPTY = Room()
_PLAIN_F = (32.5, 120.0)  # no error code of any sensor lies within, whatever humidity comes with it
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
    is_plain = 1 < humidity < SOAKED and _PLAIN_F[0] <= temp_f <= _PLAIN_F[1]
    is_calm = abs(temp_f - belief.reference.value) <= AGREE_F and rules.cold.below_f <= temp_f
    if not is_plain or not is_calm or heat_index_f(temp_f, humidity) > rules.heat.above_f:
        return None
    damp = belief.humidity
    if damp is None or belief.damp is not None or abs(humidity - damp.value) > NEAR_HUMIDITY:
        return None
    low_c, high_c = rules.quality.range_c
    if not fahrenheit(low_c) <= temp_f <= fahrenheit(high_c) or has_flaw_beside(observation):
        return None
    until = at + window(sensor, rules.quality)
    latest = Latest(temp_f, at, until)
    damp = Latest(humidity, at, until)
    return Room(at, {key: Belief(latest, None, damp)}, {key: Source(latest, damp)})


def observe(room: Room, observation: Observation, book: RuleBook) -> Seen:
    """Return the room after one observation, time having passed up to it first."""
    key, at = observation.sensor.id, observation.observed_at
    rules, old = book.in_force(at), room.beliefs.get(key, NOBODY)
    is_past = any(each is not None and at < each.at for each in (old.reference, old.humidity))
    # What came after it says nothing of it; the past is read again, with what was before it.
    belief, judged = judge(NOBODY if is_past else old, observation, rules.quality)
    borne_out = judged.borne_out
    earliest = borne_out[0][0] if borne_out else at
    is_before_suspect = any(each is not None and at < each.at for each in (old.suspect, old.damp))
    if is_before_suspect or (room.at is not None and earliest < room.at):
        return Seen(room, judged, is_late=True)
    findings: tuple[Finding, ...] = ()
    room = room._replace(beliefs={**room.beliefs, key: belief})
    for since, earlier in borne_out:
        room, found = _count(room, observation, since, earlier, book.in_force(since))
        findings += found
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
    for after in walk(base, observations, book):
        room = after.room
        findings.extend(after.findings)
    return room, tuple(findings)


def walk(base: Room, observations: Iterable[Observation], book: RuleBook) -> Iterator[Step]:
    """Yield the room and its findings after each thing that counts, as `read_again` reads them."""
    beliefs = dict(base.beliefs)
    counted: list[tuple[datetime, Observation, Judged]] = []
    for observation in observations:
        rules = book.in_force(observation.observed_at)
        key = observation.sensor.id
        beliefs[key], judged = judge(beliefs.get(key, NOBODY), observation, rules.quality)
        counted.extend((since, observation, earlier) for since, earlier in judged.borne_out)
        counted.append((observation.observed_at, observation, judged))
    counted.sort(key=lambda item: item[0])
    room = base._replace(beliefs=beliefs)
    for at, observation, judged in counted:
        room, found = _count(room, observation, at, judged, book.in_force(at))
        yield Step(room, found, at, observation, judged)


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
    spoke = None if _is_echo(old, observation, judged, at) else key
    cold, cold_ended = room.cold, None
    if source.temperature is not old.temperature:
        known = coldest(sources, at, rules, spoke)
        cold, cold_ended = _judge(room.cold, known, at, _limit(rules.cold, observation), -1, is_measured)
    known = hottest(sources, at, rules, spoke)
    is_measured = is_measured or judged.humidity is not None
    heat, heat_ended = _judge(room.heat, known, at, _limit(rules.heat, observation), 1, is_measured)
    more = (
        *findings_of(Condition.COLD, room.cold, cold, cold_ended),
        *findings_of(Condition.HEAT, room.heat, heat, heat_ended),
    )
    return Room(at, room.beliefs, sources, cold, heat), findings + more


def _is_echo(old: Source, observation: Observation, judged: Judged, at: datetime) -> bool:
    """Whether a sensor says the same again before half its interval: that bears out nothing."""
    interval = observation.sensor.interval
    if interval is None or old.temperature is None or judged.temperature_f != old.temperature.value:
        return False
    is_same = judged.humidity is None or (old.humidity is not None and judged.humidity == old.humidity.value)
    return is_same and at - old.temperature.at < interval / 2


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


def findings_of(condition: Condition, old: Watch, new: Watch, ended: Ended | None) -> Iterator[Finding]:
    """Yield the episode that ended as a watch went from `old` to `new`, and the one that began."""
    if ended is not None:
        yield Finding(condition, ended.began_at, ended.ended_at, ended.worst, ended.seen)
    if new.is_breach and not old.is_breach and new.began_at is not None:
        yield Finding(condition, new.began_at, None, new.worst)


def warmth(room: Room, condition: Condition, at: datetime, rules: Rules) -> Warmth | None:
    """Return what is known of the room under `cold` or `heat` at `at`; None where nothing is."""
    weigh = coldest if condition is Condition.COLD else hottest
    return weigh(room.sources, at, rules, None)


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


def is_settled(room: Room) -> bool:
    """Return whether no value waits that a later one may bear out: the past before it is what it is."""
    return not any(belief.suspect or belief.damp for belief in room.beliefs.values())


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
        *findings_of(Condition.COLD, room.cold, cold, cold_ended),
        *findings_of(Condition.HEAT, room.heat, heat, heat_ended),
    )
    return room._replace(at=reached, cold=cold, heat=heat), findings
