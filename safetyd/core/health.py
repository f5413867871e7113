"""What is remembered of a sensor to judge whether it is well.

Rule: only a word that is newer than all before it changes what is remembered; one that comes late has nothing
to say of how the sensor is now. A quantity that a word leaves out leaves its own memory as it was.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.clocks import AHEAD, Skew
from safetyd.core.model import Observation, Quantity, Sensor
from safetyd.core.rules import QualityRule
from safetyd.core.units import JUST_AFTER

LEAST_PATIENCE = timedelta(seconds=200)  # a meter that speaks every few seconds may miss a few words
_FIRST_GAP_S = 3600.0  # nobody's usual gap is learnt from one long pause
_OFTEN_S = 60.0  # three of these are short of any stale_after worth having
MOST_A_MINUTE = 6_000  # words; no thermometer has so much to say, and a queue of days has fewer
_A_MINUTE = timedelta(minutes=1)
_MOVED = 1.0  # degrees as sent; less is noise


class Still(NamedTuple):
    """One quantity that has not changed since `since`, said again `repeats` times, the last time at `at`."""

    value: float
    since: datetime
    at: datetime
    repeats: int = 0


class Residual(NamedTuple):
    """How far a sensor is off from the middle of its building, °F: summed over `hours` since `since`.

    `last_f` is the mean of the week before, `accepted_f` that at which a person's instrument agreed with it.
    """

    since: datetime
    hours: int = 0
    total_f: float = 0.0
    last_f: float | None = None
    accepted_f: float = 0.0


class Health(NamedTuple):
    """`until` is when the sensor turns silent, `heard_at` its last word (None: never was one).

    `gap_s` is how long it usually takes to the next. Its clock has been off by `skew_s` since `skew_since`.
    Its temperature last moved by a degree at `moved_at`, to `level`. `odd` are the quantities of which its
    last value was rejected, `best_v` the most its battery ever had, `soaked_since` when its humidity reached
    the top; `residual` is how far it is off from the others. It has spoken `words` times in the minute that
    is over at `counted_to`.
    """

    until: datetime
    heard_at: datetime | None = None
    gap_s: float | None = None
    skew_s: float | None = None
    skew_since: datetime | None = None
    temperature: Still | None = None
    humidity: Still | None = None
    level: float | None = None
    moved_at: datetime | None = None
    odd: tuple[Quantity, ...] = ()
    best_v: float | None = None
    soaked_since: datetime | None = None
    residual: Residual | None = None
    words: int = 0
    counted_to: datetime | None = None

    @property
    def skew(self) -> Skew | None:
        """How far the sensor's clock has been off, and since when."""
        if self.skew_s is None or self.skew_since is None:
            return None
        return Skew(timedelta(seconds=self.skew_s), self.skew_since)


def patience(sensor: Sensor, gap_s: float | None, quality: QualityRule) -> timedelta:
    """Return how long a sensor may say nothing: three intervals, as configured, else as it turned out.

    A learnt interval only ever makes us wait longer than `stale_after`.
    """
    if sensor.lapse is not None:
        return sensor.lapse
    if sensor.interval is not None:
        return max(LEAST_PATIENCE, 3 * sensor.interval)
    if gap_s is None or gap_s < _OFTEN_S:
        return quality.stale_after
    return max(quality.stale_after, timedelta(seconds=3 * gap_s))


def expected(sensor: Sensor, at: datetime, quality: QualityRule) -> Health:
    """Return the health of a sensor that ought to be heard from `at` on and never was."""
    return Health(at + patience(sensor, None, quality))


def is_late(old: Health | None, observation: Observation) -> bool:
    """Return whether a sensor has said something newer already."""
    return old is not None and old.heard_at is not None and observation.observed_at < old.heard_at


def hear(old: Health | None, observation: Observation, quality: QualityRule) -> Health:
    """Return the sensor's health after it spoke."""
    sensor, at = observation.sensor, observation.observed_at
    if old is None:
        old = Health(at)
    if is_late(old, observation):
        return old._replace(until=max(old.until, at + patience(sensor, old.gap_s, quality)))
    gap_s = old.gap_s if sensor.interval is not None else _learnt(old, at)
    skew_s, skew_since = old.skew_s, old.skew_since
    if observation.device_at is not None or observation.gateway_at is not None:
        skew_s, skew_since = _skew(old, observation)
    sent = observation.temperature_c if observation.temperature_f is None else observation.temperature_f
    level, moved_at = old.level, old.moved_at
    if sent is not None and level is None:
        level = sent  # a first word moves nothing
    elif sent is not None and level is not None and not -_MOVED <= sent - level <= _MOVED:
        level, moved_at = sent, at
    words, counted_to = old.words + 1, old.counted_to
    if counted_to is None or at >= counted_to:
        words, counted_to = 1, at + _A_MINUTE
    until = at + patience(sensor, gap_s, quality)
    return Health(  # of every reading, and so by position: by name it takes twice the time
        until if until > old.until else old.until,
        at,
        gap_s,
        skew_s,
        skew_since,
        _still(old.temperature, sent, at),
        _still(old.humidity, observation.humidity, at),
        level,
        moved_at,
        old.odd,
        old.best_v,
        old.soaked_since,
        old.residual,
        words,
        counted_to,
    )


def _learnt(old: Health, at: datetime) -> float | None:
    """The longest usual gap: a longer one raises it at most twofold, shorter ones let it sink by and by."""
    if old.heard_at is None or at <= old.heard_at:
        return old.gap_s
    gap_s = (at - old.heard_at).total_seconds()
    if old.gap_s is None:
        return min(gap_s, _FIRST_GAP_S)
    return min(max(gap_s, 0.9 * old.gap_s), 2 * old.gap_s)


def _skew(old: Health, observation: Observation) -> tuple[float | None, datetime | None]:
    clock, received_at = observation.device_at or observation.gateway_at, observation.received_at
    if clock is None:
        return old.skew_s, old.skew_since
    skew_s = (clock - received_at).total_seconds()
    if old.skew_s is not None and abs(skew_s - old.skew_s) <= AHEAD.total_seconds():
        return old.skew_s, old.skew_since
    return skew_s, received_at


def _still(old: Still | None, value: float | None, at: datetime) -> Still | None:
    if value is None:
        return old
    if old is None or value != old.value:
        return Still(value, at, at)
    return Still(value, old.since, at, old.repeats + 1)


def frozen(health: Health, at: datetime, within: timedelta) -> tuple[datetime, int] | None:
    """Return since when a sensor has said the same of all it lately measured, and how often; else None."""
    lately = [each for each in (health.temperature, health.humidity) if each and at - each.at <= within]
    if not lately:
        return None
    return max(each.since for each in lately), min(each.repeats for each in lately)


def have_moved(neighbours: Sequence[Health], since: datetime, at: datetime) -> bool:
    """Return whether at least half of a sensor's neighbours have moved by a degree meanwhile."""
    moved = sum(each.moved_at is not None and since < each.moved_at <= at for each in neighbours)
    return 2 * moved >= len(neighbours) > 0


def next_silence(health: Health) -> datetime:
    """Return the first moment at which the sensor is silent."""
    return health.until + JUST_AFTER
