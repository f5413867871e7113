"""One place under one limit: a table of four states, fed with samples, that finds episodes of breach.

Rule: physics has no wrong inputs; a pair that is not in TABLE changes nothing. An episode begins at the
contract's limit and ends at the first of the samples at or beyond the end value that held for `end_after`
with no gap; silence neither begins nor ends one.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from safetyd.core.model import Worst
from safetyd.core.units import JUST_AFTER

_NO_TIME = timedelta(0)


class State(StrEnum):
    """Where a watch stands."""

    NORMAL = "normal"
    PENDING = "pending"
    ACTIVE = "active"
    CLEARING = "clearing"


class Level(StrEnum):
    """What a sample says: beyond the contract's limit, back at the end value, or between the two."""

    BEYOND = "beyond"
    BETWEEN = "between"
    BACK = "back"


class Input(StrEnum):
    """What moves the watch."""

    BEYOND = "beyond"
    CONFIRMED = "confirmed"
    BETWEEN = "between"
    BACK = "back"
    HELD = "held"


TABLE: dict[tuple[State, Input], State] = {
    (State.NORMAL, Input.BEYOND): State.PENDING,
    (State.NORMAL, Input.CONFIRMED): State.ACTIVE,
    (State.PENDING, Input.CONFIRMED): State.ACTIVE,
    (State.PENDING, Input.BETWEEN): State.NORMAL,
    (State.PENDING, Input.BACK): State.NORMAL,
    (State.ACTIVE, Input.BACK): State.CLEARING,
    (State.ACTIVE, Input.HELD): State.NORMAL,
    (State.CLEARING, Input.BEYOND): State.ACTIVE,
    (State.CLEARING, Input.CONFIRMED): State.ACTIVE,
    (State.CLEARING, Input.BETWEEN): State.ACTIVE,
    (State.CLEARING, Input.HELD): State.NORMAL,
}


class Limit(NamedTuple):
    """The part of a rule that the watch needs."""

    confirm: int
    end_after: timedelta


class Sample(NamedTuple):
    """The worst that is known of a place at `at`, and until when that knowledge counts.

    `is_new` says that the reading that made this sample is itself beyond the limit; another sensor's older
    reading confirms nothing twice.
    """

    at: datetime
    level: Level
    value: float
    until: datetime
    is_new: bool
    assumed_dry: bool = False


class Back(NamedTuple):
    """Since when the place has been back at the end value, what was seen of the episode till then, and when
    it will have held long enough."""

    since: datetime
    seen: timedelta
    held_at: datetime


class Watch(NamedTuple):
    """`began_at`, `worst` and `seen` are of the episode; `reach` is how far the last sample vouches.

    `until` is `reach`, cut short when a sensor was found broken.
    """

    state: State = State.NORMAL
    began_at: datetime | None = None
    readings: int = 0
    worst: Worst | None = None
    back: Back | None = None
    at: datetime | None = None
    reach: datetime | None = None
    until: datetime | None = None
    seen: timedelta = _NO_TIME

    @property
    def is_breach(self) -> bool:
        """Whether an episode is in progress."""
        return self.state is State.ACTIVE or self.state is State.CLEARING


class Ended(NamedTuple):
    """An episode that has just been found to be over."""

    began_at: datetime
    ended_at: datetime
    worst: Worst | None
    seen: timedelta


CALM = Watch()


def step(watch: Watch, sample: Sample, limit: Limit, sign: int) -> tuple[Watch, Ended | None]:
    """Return the watch after a sample, and the episode that ended with it.

    `sign` is +1 where higher is worse, -1 where lower is. Time must have been passed up to the sample.
    """
    if watch.state is State.NORMAL and sample.level is not Level.BEYOND:
        return watch, None
    is_gap = watch.reach is not None and sample.at > watch.reach
    if watch.state is State.PENDING and is_gap:
        watch = CALM
    known = seen(watch, sample.at)
    since, known_back = (sample.at, known) if watch.back is None or is_gap else watch.back[:2]
    back = Back(since, known_back, since + limit.end_after)
    count = watch.readings + 1 if sample.is_new else watch.readings
    state = TABLE.get((watch.state, _input(watch, sample, limit.confirm, count, back)), watch.state)
    if state is State.NORMAL:
        return CALM, _ended(watch, back) if watch.is_breach else None
    return (
        Watch(
            state=state,
            began_at=watch.began_at or sample.at,
            readings=count,
            worst=_worst(watch.worst, sample, sign),
            back=back if state is State.CLEARING else None,
            at=sample.at,
            reach=sample.until,
            until=sample.until,
            seen=known,
        ),
        None,
    )


def _input(watch: Watch, sample: Sample, confirm: int, count: int, back: Back) -> Input:
    if sample.level is Level.BEYOND:
        if watch.is_breach or (sample.is_new and count >= confirm):
            return Input.CONFIRMED
        return Input.BEYOND if sample.is_new or watch.state is State.PENDING else Input.BETWEEN
    if sample.level is Level.BETWEEN:
        return Input.BETWEEN
    if watch.is_breach and sample.at >= back.held_at:
        return Input.HELD
    return Input.BACK


def _ended(watch: Watch, back: Back) -> Ended:
    assert watch.began_at is not None
    return Ended(watch.began_at, back.since, watch.worst, back.seen)


def _worst(worst: Worst | None, sample: Sample, sign: int) -> Worst | None:
    if sample.level is not Level.BEYOND or (worst is not None and sign * sample.value <= sign * worst.value):
        return worst
    return Worst(sample.value, sample.at, sample.assumed_dry)


def seen(watch: Watch, at: datetime) -> timedelta:
    """Return how much of the episode in progress rests on readings, up to `at`."""
    if watch.at is None or watch.until is None:
        return watch.seen
    return watch.seen + max(_NO_TIME, min(at, watch.until) - watch.at)


def silence(watch: Watch, at: datetime) -> Watch:
    """Return the watch once its last sensor was found broken at `at`: what was known ends there."""
    if watch.until is None or watch.until <= at:
        return watch
    return watch._replace(until=at)


def due(watch: Watch) -> datetime | None:
    """Return the first moment at which passing time alone ends the episode."""
    if watch.back is None or watch.until is None or watch.back.held_at > watch.until:
        return None
    return watch.back.held_at + JUST_AFTER


def elapse(watch: Watch, now: datetime) -> tuple[Watch, Ended | None]:
    """Return the watch once time has passed up to `now`, and the episode that ended by it."""
    at = due(watch)
    if at is None or at > now or watch.back is None:
        return watch, None
    return CALM, _ended(watch, watch.back)
