"""Many witnesses, one building: whether it has electricity, and since when it has none (9.14.5).

Rule: a witness votes with its last word. An `on` counts for a while, an `off` until the same witness says
`on`; silence is no vote. An outage begins at the earliest `off` of those that carry the quorum and ends at
the first `on` of those that held; a shorter return of power is a flicker, and the clock runs on.
Devices that live on the mains and fall silent together are heard only where no witness votes: the outage is
then presumed, its clock runs all the same, and a person's word or a witness's settles it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from safetyd.core.model import HAND, SILENCE, Observation, Verdict
from safetyd.core.quality import window
from safetyd.core.register import Question, Register, read
from safetyd.core.rules import OutageRule, RuleBook, Rules
from safetyd.core.units import JUST_AFTER
from safetyd.core.votes import Tide, Word, cast, count, earliest_off, hear, is_presumption, last_on

_NO_TIME = timedelta(0)


class State(StrEnum):
    """Where a building's electricity stands."""

    NORMAL = "normal"
    OUT = "out"
    RETURNING = "returning"


TABLE: dict[tuple[State, Tide], State] = {
    (State.NORMAL, Tide.OFF): State.OUT,
    (State.OUT, Tide.ON): State.RETURNING,
    (State.RETURNING, Tide.OFF): State.OUT,
}


class Power(NamedTuple):
    """`at` is the event time up to which it was judged; `warned` how many warnings were due already.

    `is_breach` says that the outage is one by the contract, by its length or by a room's temperature;
    `flickers` counts returns of power too short to end it; `over_at` is when the last outage ended. Of the
    outage, `seen` rests on words heard up to `heard_at`; the last of them counts up to `heard_until`.
    `is_presumed` while no witness has said so; power was on for certain at `last_on_at`.
    `registers` are what meters have counted, `question` the time about which a ticket asks them.
    """

    at: datetime | None = None
    words: Mapping[str, Word] = {}
    state: State = State.NORMAL
    began_at: datetime | None = None
    back_since: datetime | None = None
    warned: int = 0
    is_breach: bool = False
    flickers: int = 0
    over_at: datetime | None = None
    seen: timedelta = _NO_TIME
    heard_at: datetime | None = None
    heard_until: datetime | None = None
    is_presumed: bool = False
    last_on_at: datetime | None = None
    registers: Mapping[str, Register] = {}
    question: Question | None = None

    @property
    def is_out(self) -> bool:
        """Whether power is out at this moment, a flicker of it not counted as out."""
        return self.state is State.OUT


class Stage(StrEnum):
    """What an outage goes through."""

    BEGAN = "began"
    CONFIRMED = "confirmed"
    WARNING = "warning"
    LONG = "long"
    OVER = "over"


class Step(NamedTuple):
    """One stage of an outage, reached at `at`; `lasted` is the warning's own span.

    Power was on for certain at `last_on_at`, the other bound of when it began.
    """

    stage: Stage
    at: datetime
    began_at: datetime
    ended_at: datetime | None = None
    lasted: timedelta = _NO_TIME
    seen: timedelta = _NO_TIME
    was_breach: bool = False
    is_presumed: bool = False
    last_on_at: datetime | None = None
    flickers: int = 0


EMPTY = Power()


def observe(power: Power, observation: Observation, rules: Rules) -> tuple[Power, tuple[Step, ...]] | None:
    """Return the building's power after one witness spoke; None when it speaks of the past.

    Time is passed up to the observation first.
    """
    at = observation.observed_at
    if power.at is not None and at < power.at:
        return None
    power, before = pass_time(power, at - JUST_AFTER, rules)
    power = power._replace(registers=read(power.registers, observation))
    old = power.words.get(observation.sensor.id, Word())
    word = hear(old, observation, rules)
    if word is old:
        return power, before
    heard_until = at + window(observation.sensor, rules.quality)
    power = power._replace(at=at, words={**power.words, observation.sensor.id: word}, seen=seen(power, at))
    power, after = _settle(power, at, rules.outage)
    return power._replace(heard_at=at, heard_until=heard_until), before + after


def read_again(
    base: Power, observations: Iterable[Observation], book: RuleBook
) -> tuple[Power, tuple[Step, ...]]:
    """Return the power, and all it went through, from `base` on; observations in order of their own time."""
    power = base
    steps: list[Step] = []
    for observation in observations:
        told = observe(power, observation, book.in_force(observation.observed_at))
        if told is not None:
            power, more = told
            steps.extend(more)
    return power, tuple(steps)


def tide(power: Power, at: datetime, rule: OutageRule) -> Tide:
    """Return what the votes that count at `at` say together."""
    return count(cast(power.words, at), rule)


def verdict(power: Power, at: datetime, rule: OutageRule) -> Verdict:
    """Return BREACH for an outage longer than the contract allows, else what is known of the mains."""
    if power.is_breach:
        return Verdict.BREACH
    return Verdict.OK if tide(power, at, rule) is Tide.ON else Verdict.UNKNOWN


class Standing(StrEnum):
    """Where a building's electricity stands, in a word for people."""

    ON = "on"
    OUT = "out"
    SUSPECTED = "suspected"
    UNKNOWN = "unknown"


def standing(power: Power, at: datetime, rule: OutageRule) -> Standing:
    """Return where a building's electricity stands; a flicker of power during an outage is still out."""
    if power.began_at is not None:
        return Standing.SUSPECTED if power.is_presumed else Standing.OUT
    return Standing.ON if tide(power, at, rule) is Tide.ON else Standing.UNKNOWN


class _Timer(NamedTuple):
    """Something that happens at `due`; a limit of time that must be passed is passed one grain later."""

    fires_at: datetime
    due: datetime


def next_due(power: Power, rules: Rules) -> datetime | None:
    """Return the first moment at which time alone changes what is decided of this building."""
    timer = _next_timer(power, rules.outage)
    return None if timer is None else timer.fires_at


def _next_timer(power: Power, rule: OutageRule) -> _Timer | None:
    if power.at is None:
        return None
    timers, limits = [], []
    for word in power.words.values():  # a vote that lapses may tip the quorum
        if word.is_on and word.until is not None and word.until >= power.at:
            limits.append(word.until)
    if power.began_at is not None and power.state is State.OUT:
        if power.warned < len(rule.warn_at):
            warn_at = power.began_at + rule.warn_at[power.warned]
            timers.append(_Timer(warn_at, warn_at))
        if not power.is_breach:
            limits.append(power.began_at + rule.longer_than)
    if power.back_since is not None:
        limits.append(power.back_since + rule.restored_after)
    timers.extend(_Timer(at + JUST_AFTER, at) for at in limits)
    return min(timers, default=None)


def pass_time(power: Power, now: datetime, rules: Rules) -> tuple[Power, tuple[Step, ...]]:
    """Return the power once time has passed up to `now`, every due moment taken in its turn."""
    steps: tuple[Step, ...] = ()
    while (timer := _next_timer(power, rules.outage)) is not None and timer.fires_at <= now:
        at = timer.fires_at
        power, more = _settle(power._replace(at=max(at, power.at or at)), at, rules.outage)
        steps += tuple(step._replace(at=timer.due) for step in more)
    return power, steps


def _settle(power: Power, at: datetime, rule: OutageRule) -> tuple[Power, tuple[Step, ...]]:
    """Return the power with its votes counted at `at`, and the stages that were reached by it."""
    steps: tuple[Step, ...] = ()
    if _has_held(power, at, rule):
        power, steps = _over(power, at)
    votes = cast(power.words, at)
    now, is_presumed = count(votes, rule), is_presumption(votes)
    state = TABLE.get((power.state, now), power.state)
    if power.state is State.NORMAL and state is State.OUT:
        began_at, last_on_at = (
            earliest_off(power.words, votes, power.over_at),
            last_on(power.words if is_presumed else {n: w for n, w in votes.items() if w.is_on is False}),
        )
        power = power._replace(state=state, began_at=began_at, seen=at - began_at)
        power = power._replace(is_presumed=is_presumed, last_on_at=last_on_at)
        steps += (Step(Stage.BEGAN, at, began_at, is_presumed=is_presumed, last_on_at=last_on_at),)
    elif power.is_presumed and power.began_at is not None and now is Tide.OFF and not is_presumed:
        steps += (Step(Stage.CONFIRMED, at, power.began_at),)
        power = power._replace(is_presumed=False)
    elif power.state is State.RETURNING and state is State.OUT:
        power = power._replace(state=state, back_since=None, flickers=power.flickers + 1)
    elif state is State.RETURNING:
        # When nobody vouches for the power any more, the hold begins again with the next word.
        back_since = None if now is not Tide.ON else power.back_since or at
        power = power._replace(state=state, back_since=back_since)
    if power.state is not State.OUT or power.began_at is None:
        return power, steps
    power, more = _lasting(power, power.began_at, at, rule)
    return power, steps + more


def _has_held(power: Power, at: datetime, rule: OutageRule) -> bool:
    if power.state is not State.RETURNING or power.back_since is None:
        return False
    held_at = power.back_since + rule.restored_after
    return at >= held_at and tide(power, held_at, rule) is Tide.ON


def _over(power: Power, at: datetime) -> tuple[Power, tuple[Step, ...]]:
    assert power.began_at is not None and power.back_since is not None
    known = min(power.seen, power.back_since - power.began_at)
    over = Step(
        Stage.OVER,
        at,
        power.began_at,
        power.back_since,
        seen=known,
        was_breach=power.is_breach,
        is_presumed=power.is_presumed,
        flickers=power.flickers,
    )
    # What silence said was of this outage, and so is a person's `off`; a device says it again if it is so.
    words = {
        name: word
        for name, word in power.words.items()
        if not name.startswith(SILENCE) and (word.is_on or not name.startswith(HAND))
    }
    after = Power(power.at, words, over_at=power.back_since)
    return after._replace(registers=power.registers, question=power.question), (over,)


def _lasting(
    power: Power, began_at: datetime, at: datetime, rule: OutageRule
) -> tuple[Power, tuple[Step, ...]]:
    lasted, warned = at - began_at, power.warned
    while warned < len(rule.warn_at) and lasted >= rule.warn_at[warned]:
        warned += 1
    steps: tuple[Step, ...] = ()
    is_breach = power.is_breach or lasted > rule.longer_than
    if is_breach and not power.is_breach:
        steps = (Step(Stage.LONG, at, began_at, is_presumed=power.is_presumed),)
    elif warned > power.warned and not is_breach:
        lasted = rule.warn_at[warned - 1]
        steps = (Step(Stage.WARNING, at, began_at, lasted=lasted, is_presumed=power.is_presumed),)
    return power._replace(warned=warned, is_breach=is_breach), steps


def seen(power: Power, at: datetime) -> timedelta:
    """Return how much of the outage in progress rests on words of witnesses, up to `at`."""
    if power.began_at is None or power.heard_at is None or power.heard_until is None:
        return power.seen
    return power.seen + max(_NO_TIME, min(at, power.heard_until) - power.heard_at)
