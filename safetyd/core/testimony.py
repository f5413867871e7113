"""What the readings of a place come to at a moment, with why: heard, judged, paired, held against the limits.

Rule: every verdict here is the engine's own, worked out from what had arrived by that moment, in order of its
own time. Only the reason is added.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from safetyd.core import power, room
from safetyd.core.model import Condition, Mark, Observation, Offset, Quantity, Verdict
from safetyd.core.power import Power
from safetyd.core.quality import Judged, window
from safetyd.core.room import Room
from safetyd.core.rules import RuleBook, Rules
from safetyd.core.votes import Tide, Word, cast
from safetyd.core.warmth import Pair, Warmth, pairs
from safetyd.core.watch import Level, State, Watch

AIR = (Condition.COLD, Condition.HEAT)
_OF_THE_AIR = (Quantity.TEMPERATURE, Quantity.HUMIDITY)


class Why(StrEnum):
    """Why a verdict is what it is; of UNKNOWN, which kind of not knowing."""

    IN_RANGE = "in_range"
    EPISODE = "episode"
    UNHEARD_EPISODE = "unheard_episode"  # in progress, and nothing that counts has been heard for a while
    RETURNING = "returning"  # in progress, back in range, but not for long enough
    UNCONFIRMED = "unconfirmed"  # beyond the limit, but not by as many readings running as are asked for
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    REJECTED = "rejected"
    SUSPECT = "suspect"
    NO_HUMIDITY = "no_humidity"
    NO_VOTE = "no_vote"  # of the mains: no witness has a word that counts


class Heard(NamedTuple):
    """One observation and what was made of it; `borne_out` says that a value which had to wait counts."""

    observation: Observation
    judged: Judged
    is_borne_out: bool = False


class Band(NamedTuple):
    """The verdicts if every reading were off by its sensor's whole tolerance, down or up."""

    lower: Verdict
    upper: Verdict


class Judgement(NamedTuple):
    """A room under one condition at a moment; `band` is None where no sensor's tolerance is known."""

    condition: Condition
    verdict: Verdict
    why: Why
    known: Warmth | None
    watch: Watch
    band: Band | None = None


@dataclass(frozen=True, slots=True)
class Air:
    """What is known of a room: all that was heard, in order of its own time, and what it comes to."""

    heard: tuple[Heard, ...]
    standing: Room
    pairs: tuple[Pair, ...]
    judgements: tuple[Judgement, ...]


class Mains(NamedTuple):
    """What is known of a building's electricity; `votes` are the words that count, by witness."""

    said: tuple[Observation, ...]
    standing: Power
    votes: Mapping[str, Word]
    tide: Tide
    verdict: Verdict
    why: Why


def air(said: Sequence[Observation], book: RuleBook, at: datetime) -> Air:
    """Return what a room's observations come to at `at`; `said` are in order of their own time."""
    rules, (heard, standing) = book.in_force(at), _walked(said, book, at)
    bands = _bands(said, book, at)
    found = tuple(
        Judgement(
            condition,
            room.verdict(standing, condition, at, rules),
            _why(heard, standing, condition, at, rules),
            room.warmth(standing, condition, at, rules),
            standing.watch(condition),
            bands.get(condition),
        )
        for condition in AIR
    )
    return Air(heard, standing, tuple(pairs(standing.sources, at, rules)), found)


def mains(said: Sequence[Observation], book: RuleBook, at: datetime, *, is_breach: bool) -> Mains:
    """Return what the words on a building's mains come to at `at`.

    `is_breach` says that the outage in progress counts already for another reason than its length.
    """
    standing, _ = power.read_again(power.EMPTY, said, book)
    rules = book.in_force(at)
    standing, _ = power.pass_time(standing, at, rules)
    if is_breach and standing.began_at is not None:
        standing = standing._replace(is_breach=True)
    tide, verdict = power.tide(standing, at, rules.outage), power.verdict(standing, at, rules.outage)
    if standing.is_breach:
        why = Why.RETURNING if standing.back_since is not None else Why.EPISODE
    elif standing.began_at is not None:
        why = Why.UNCONFIRMED
    elif verdict is Verdict.OK:
        why = Why.IN_RANGE
    else:
        why = Why.NO_VOTE if said else Why.NEVER_HEARD
    return Mains(tuple(said), standing, cast(standing.words, at), tide, verdict, why)


def _walked(said: Sequence[Observation], book: RuleBook, at: datetime) -> tuple[tuple[Heard, ...], Room]:
    """Judge what was said in order of its own time, and let time pass up to `at`."""
    standing, judged, borne_out = room.EMPTY, dict[int, Judged](), set[tuple[str, datetime]]()
    for step in room.walk(room.EMPTY, said, book):
        standing = step.room
        if step.at == step.observation.observed_at:
            judged[id(step.observation)] = step.judged
        else:
            borne_out.add((step.observation.sensor.id, step.at))
    standing, _ = room.pass_time(standing, at)
    heard = tuple(
        Heard(each, judged[id(each)], (each.sensor.id, each.observed_at) in borne_out) for each in said
    )
    return heard, standing


def _why(heard: Sequence[Heard], standing: Room, condition: Condition, at: datetime, rules: Rules) -> Why:
    watch, known = standing.watch(condition), room.warmth(standing, condition, at, rules)
    if watch.state is State.CLEARING:
        return Why.RETURNING
    if watch.state is State.ACTIVE:
        return Why.UNHEARD_EPISODE if known is None else Why.EPISODE
    if known is not None:
        return Why.UNCONFIRMED if known.level is Level.BEYOND else Why.IN_RANGE
    of_air = [each for each in heard if is_of_the_air(each.observation)]
    if not of_air:
        return Why.NEVER_HEARD
    if any(True for _ in pairs(standing.sources, at, rules)):
        return Why.NO_HUMIDITY
    waiting = [belief.suspect for belief in standing.beliefs.values() if belief.suspect is not None]
    if any(each.until >= at for each in waiting):
        return Why.SUSPECT
    last = {each.observation.sensor.id: each for each in of_air}
    lately = (each for each in last.values() if _counts_until(each.observation, rules) >= at)
    return Why.REJECTED if any(map(_is_rejected, lately)) else Why.SILENT


def _counts_until(observation: Observation, rules: Rules) -> datetime:
    return observation.observed_at + window(observation.sensor, rules.quality)


def _is_rejected(heard: Heard) -> bool:
    return any(flaw.mark is Mark.REJECTED and flaw.quantity in _OF_THE_AIR for flaw in heard.judged.flaws)


def is_of_the_air(observation: Observation) -> bool:
    """Return whether an observation says something of temperature or humidity."""
    sent = (observation.temperature_f, observation.temperature_c, observation.humidity)
    return any(value is not None for value in sent)


def _bands(said: Sequence[Observation], book: RuleBook, at: datetime) -> dict[Condition, Band]:
    if not any(each.sensor.tolerance for each in said):
        return {}
    rules = book.in_force(at)
    ends = [_walked([_off(each, sign) for each in said], book, at)[1] for sign in (-1, 1)]
    return {condition: Band(*(room.verdict(end, condition, at, rules) for end in ends)) for condition in AIR}


def _off(observation: Observation, sign: int) -> Observation:
    """Return an observation as if its sensor were off by its whole tolerance."""
    sensor = observation.sensor
    if sensor.tolerance is None:
        return observation
    by_f, by_humidity = (sign * value for value in sensor.tolerance)
    offsets: Iterable[Offset] = sensor.offsets
    if not sensor.offsets or sensor.offsets[0].since is not None:
        offsets = (Offset(), *sensor.offsets)
    moved = tuple(Offset(o.since, o.temperature_f + by_f, o.humidity + by_humidity) for o in offsets)
    return observation._replace(sensor=replace(sensor, offsets=moved))
