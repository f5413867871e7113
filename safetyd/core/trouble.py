"""What is wrong with a sensor: silence, nonsense, a wrong clock, an empty battery, a frozen or odd value.

Rule: a trouble is about the monitoring, never about the room; it opens no ticket and is always visible. It
ends when the sensor itself shows that it is over.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from safetyd.core.model import Mark, Observation, TroubleKind
from safetyd.core.quality import Flaw, window
from safetyd.core.room import Room
from safetyd.core.rules import QualityRule
from safetyd.core.units import JUST_AFTER

_NOTHING = (None, None)
STUCK_REPORTS = 12  # ours: fewer equal reports are a slow room, not a frozen chip


class Health(NamedTuple):
    """What is remembered of a sensor to judge its health; `until` is when it turns silent.

    `pair` is its last temperature and humidity, unchanged since `since` for `repeats` reports.
    """

    until: datetime
    pair: tuple[float | None, float | None]
    since: datetime
    repeats: int = 0


class Sign(NamedTuple):
    """A trouble that shows (`is_on`) or is seen to be over."""

    kind: TroubleKind
    is_on: bool
    at: datetime
    note: str = ""


def hear(old: Health | None, observation: Observation, quality: QualityRule) -> Health:
    """Return the sensor's health after it spoke."""
    at, temp_f = observation.observed_at, observation.temperature_f
    pair = (observation.temperature_c if temp_f is None else temp_f, observation.humidity)
    until = at + window(observation.sensor, quality)
    if old is None or pair != old.pair or pair == _NOTHING:
        return Health(until, pair, at)
    return Health(max(until, old.until), pair, old.since, old.repeats + 1)


def examine(
    old: Health | None, observation: Observation, flaws: tuple[Flaw, ...], quality: QualityRule
) -> tuple[Health, list[Sign]]:
    """Return the sensor's health after it spoke, and every sign for or against a trouble in what it said."""
    at, health = observation.observed_at, hear(old, observation, quality)
    signs = [Sign(TroubleKind.SILENT, False, at)]
    rejected = [flaw for flaw in flaws if flaw.mark is Mark.REJECTED]
    if rejected:
        signs.append(Sign(TroubleKind.IMPLAUSIBLE, True, at, rejected[0].reason))
    elif not flaws:
        signs.append(Sign(TroubleKind.IMPLAUSIBLE, False, at))
    if observation.battery is not None:
        is_low = observation.battery < quality.battery_below
        signs.append(Sign(TroubleKind.BATTERY, is_low, at, f"battery at {observation.battery:g} %"))
    if health.repeats == 0:
        signs.append(Sign(TroubleKind.STUCK, False, at))
    return health, signs


def silence(health: Health, now: datetime) -> Sign | None:
    """Return the sign of silence, once a sensor has said nothing for as long as its last word counted."""
    return Sign(TroubleKind.SILENT, True, health.until) if health.until < now else None


def next_silence(health: Health) -> datetime:
    """Return the first moment at which the sensor is silent."""
    return health.until + JUST_AFTER


def stuck(health: Health, at: datetime, neighbours: Iterable[Health], quality: QualityRule) -> Sign | None:
    """Return the sign of a frozen sensor: the same values for long, although a neighbour's moved.

    A sensor without neighbours is judged by time alone.
    """
    if health.repeats < STUCK_REPORTS or at - health.since < quality.stuck_after:
        return None
    others = [other for other in neighbours if other.pair != _NOTHING]
    if others and all(other.since <= health.since for other in others):
        return None
    return Sign(TroubleKind.STUCK, True, at, f"the same values since {health.since:%Y-%m-%d %H:%M} UTC")


def disagreement(room: Room, at: datetime, quality: QualityRule) -> Sign | None:
    """Return whether the fresh temperatures of one room lie too far apart; None with fewer than two."""
    fresh = [
        source.temperature.value
        for source in room.sources.values()
        if source.temperature is not None and source.temperature.until >= at
    ]
    if len(fresh) < 2:
        return None
    spread_f = max(fresh) - min(fresh)
    return Sign(TroubleKind.DISAGREEMENT, spread_f > quality.disagree_f, at, f"{spread_f:.1f} °F apart")


def news(signs: Iterable[Sign], standing: Collection[TroubleKind]) -> list[Sign]:
    """Return the signs that change something, given the troubles that stand."""
    return [sign for sign in signs if sign.is_on != (sign.kind in standing)]
