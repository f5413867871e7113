"""Who reads warmer or colder than the rest of its building, week after week: drift, or a bad place to hang.

Rule: each hour a sensor is held against the middle of its building, each week the mean of that is judged. It
is a task for a person with an instrument: no value is corrected, and no verdict changes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from safetyd.core import telling
from safetyd.core.health import Health, Residual
from safetyd.core.model import HAND, Place, TroubleKind
from safetyd.core.rules import QualityRule
from safetyd.core.trouble import Sign, apart, news
from safetyd.core.world import Facts, World

_HOUR, _WEEK = timedelta(hours=1), timedelta(days=7)
_LEAST_SENSORS = 4  # ours: of fewer nobody can say who is the odd one
_LEAST_HOURS = 84  # half a week


def schedule(world: World, building: str, now: datetime) -> None:
    """Note when the sensors of a building will next be held against each other: at the next full hour."""
    world.schedule("drift", building, now.replace(minute=0, second=0, microsecond=0) + _HOUR)


def compare(world: World, facts: Facts, building: str, at: datetime) -> None:
    """Hold each sensor against the middle of its building, and judge those whose week is over."""
    schedule(world, building, at)
    fresh = list(_fresh(world, building, at))
    if len(fresh) < _LEAST_SENSORS:
        return
    middle_f = median(value_f for _, _, value_f in fresh)
    quality = facts.book.in_force(at).quality
    for place, key, value_f in fresh:
        health = world.health[key]
        residual, sign = take(health.residual, value_f - middle_f, at, quality)
        world.health[key] = health._replace(residual=residual)
        if sign is not None:
            telling.signs(world, key, place, news([sign], world.troubles.get(key, {})), at)


def _fresh(world: World, building: str, at: datetime) -> Iterator[tuple[Place, str, float]]:
    """The sensors of a building with what they say, °F; a room in breach is looked at for that reason."""
    for place, standing in world.rooms.items():
        if place.building != building or standing.cold.is_breach or standing.heat.is_breach:
            continue
        for id, source in standing.sources.items():
            known, key = source.temperature, f"{place}/{id}"
            if known is not None and known.until >= at and not id.startswith(HAND) and key in world.health:
                yield place, key, known.value


def take(
    old: Residual | None, off_f: float, at: datetime, quality: QualityRule
) -> tuple[Residual, Sign | None]:
    """Return how far a sensor is off, with one hour's difference added, and a sign once its week is over."""
    if old is None:
        old = Residual(at)
    if at - old.since < _WEEK:
        return old._replace(hours=old.hours + 1, total_f=old.total_f + off_f), None
    week = Residual(at, 1, off_f, old.last_f, old.accepted_f)
    if old.hours < _LEAST_HOURS:
        return week, None
    mean_f = old.total_f / old.hours
    side = "warmer" if mean_f > 0 else "colder"
    words = f"a week {abs(mean_f):.1f} °F {side} than the middle of its building: measure beside it"
    sign = apart(TroubleKind.DRIFT, abs(mean_f - old.accepted_f), at, quality, words)
    return week._replace(last_f=mean_f), sign


def settle(health: Health) -> Health:
    """Return a sensor's health after a person's instrument agreed with it: its room is as it says."""
    residual = health.residual
    if residual is None or residual.last_f is None:
        return health
    return health._replace(residual=residual._replace(accepted_f=residual.last_f))
