"""What is wrong with a sensor: silence, nonsense, a wrong clock, an empty battery, a frozen or odd value.

Rule: a trouble is about the monitoring, never about the room; it opens no ticket and is always visible. It
ends when the sensor itself shows that it is over.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.core.health import MOST_A_MINUTE, Health, frozen, have_moved, hear, is_late
from safetyd.core.model import Mark, Observation, Quantity, TroubleKind
from safetyd.core.quality import HIGHEST_CELL_V, MOST_HUMID, OR_FIRE, SOAKED, Flaw, temperature_f
from safetyd.core.room import Room
from safetyd.core.rules import QualityRule

STUCK_REPEATS = 11  # ours: with fewer than twelve equal reports it is a slow room, not a frozen chip
WHILE_OTHERS_MOVED = "while other rooms changed"
_FIRE_F = 122.0  # 50 °C: counted, and told to those who can go and look
_SOAKED_FOR = timedelta(hours=1)
_WORN, _FRESH = 0.8, 0.9  # a cell down to four fifths of its best voltage is nearly empty
_RECOVERED = 5.0  # percent above the limit; a battery at the limit is no news twice a day
_AGREE_SHARE = 2 / 3


class Sign(NamedTuple):
    """A trouble that shows (`is_on`) or is seen to be over."""

    kind: TroubleKind
    is_on: bool
    at: datetime
    note: str = ""


def examine(
    old: Health | None, observation: Observation, flaws: tuple[Flaw, ...], quality: QualityRule, now: datetime
) -> tuple[Health, list[Sign]]:
    """Return the sensor's health after it spoke, and every sign for or against a trouble in what it said.

    What comes late says nothing of how the sensor is now, only perhaps that it is not silent.
    """
    at, health = observation.observed_at, hear(old, observation, quality)
    signs = [Sign(TroubleKind.SILENT, False, at)] if health.until > now else []
    if is_late(old, observation):
        return health, signs
    rejected = {flaw.quantity: flaw.reason for flaw in flaws if flaw.mark is Mark.REJECTED}
    health = health._replace(
        odd=_odd(health, observation, rejected),
        soaked_since=_soaked_since(health, observation),
        best_v=_best_v(health, observation),
    )
    why = next(iter(rejected.values()), "") or _strange(health, observation, flaws)
    if why or (not flaws and not health.odd):
        signs.append(Sign(TroubleKind.IMPLAUSIBLE, bool(why), at, why))
    signs += _battery(health, observation, quality) + _babbling(old, health, at)
    still = frozen(health, at, quality.stuck_after)
    if still is not None and still[1] == 0:
        signs.append(Sign(TroubleKind.STUCK, False, at))
    return health, signs


def silence(health: Health, now: datetime) -> Sign | None:
    """Return the sign of silence, once a sensor has said nothing for as long as its last word counted."""
    if health.until >= now:
        return None
    return Sign(TroubleKind.SILENT, True, health.until, "" if health.heard_at else "never heard")


def _odd(health: Health, observation: Observation, rejected: Collection[Quantity]) -> tuple[Quantity, ...]:
    """The quantities whose last value was rejected: a good humidity says nothing of the temperature."""
    said = {
        Quantity.TEMPERATURE: observation.temperature_f is not None or observation.temperature_c is not None,
        Quantity.HUMIDITY: observation.humidity is not None,
        Quantity.VOLTAGE: observation.voltage is not None,
        Quantity.BATTERY: observation.battery is not None or observation.battery_v is not None,
    }
    if not health.odd and not rejected:
        return ()
    return tuple(q for q, is_said in said.items() if q in rejected or (q in health.odd and not is_said))


def _strange(health: Health, observation: Observation, flaws: tuple[Flaw, ...]) -> str:
    """What is strange about values that count all the same."""
    temp_f, soaked_since = temperature_f(observation), health.soaked_since
    if temp_f is not None and temp_f > _FIRE_F and not flaws:
        return f"{temp_f:.0f} °F: {OR_FIRE}"
    if soaked_since is not None and observation.observed_at - soaked_since > _SOAKED_FOR:
        return f"humidity at the top since {soaked_since:%H:%M} UTC: wet, or broken"
    return ""


def _soaked_since(health: Health, observation: Observation) -> datetime | None:
    if observation.humidity is None:
        return health.soaked_since
    if not SOAKED <= observation.humidity <= MOST_HUMID:
        return None
    return health.soaked_since or observation.observed_at


def _best_v(health: Health, observation: Observation) -> float | None:
    volts = observation.battery_v
    if volts is None or not 0 < volts <= HIGHEST_CELL_V:
        return health.best_v
    return max(volts, health.best_v or 0.0)


def is_battery_good(old: Health, observation: Observation, quality: QualityRule) -> bool:
    """Return whether what a sensor says of its battery, if anything, is no news to anybody."""
    percent, volts = observation.battery, observation.battery_v
    if percent is not None and percent < quality.battery_below:
        return False
    if volts is not None and (old.best_v is None or not _WORN * old.best_v < volts <= old.best_v):
        return False
    return observation.battery_ok is not False


def _battery(health: Health, observation: Observation, quality: QualityRule) -> list[Sign]:
    """Of percent, volts, or a word alone; volts are held against the best the battery ever had."""
    at, percent, volts, best_v = (
        observation.observed_at,
        observation.battery,
        observation.battery_v,
        health.best_v,
    )
    note = "it says that its battery is low"
    if percent is not None:
        note = f"battery at {percent:g} %"
        is_low, is_good = percent < quality.battery_below, percent >= quality.battery_below + _RECOVERED
    elif observation.battery_ok is not None:
        is_low, is_good = not observation.battery_ok, observation.battery_ok
    elif volts is not None and best_v is not None:
        note = f"battery at {volts:g} V, once {best_v:g} V"
        is_low, is_good = volts <= _WORN * best_v, volts > _FRESH * best_v
    else:
        return []
    return [Sign(TroubleKind.BATTERY, is_low, at, note)] if is_low or is_good else []


def _babbling(old: Health | None, health: Health, at: datetime) -> list[Sign]:
    """Of too many words within a minute; it is over when a minute is over that had no more than that."""
    if health.words > MOST_A_MINUTE:
        return [Sign(TroubleKind.BABBLING, True, at, f"more than {MOST_A_MINUTE:,} words within a minute")]
    if old is not None and health.words == 1 and old.words <= MOST_A_MINUTE:
        return [Sign(TroubleKind.BABBLING, False, at)]
    return []


def stuck(
    health: Health,
    at: datetime,
    neighbours: Sequence[Health],
    quality: QualityRule,
    *,
    is_weak: bool = False,
) -> Sign | None:
    """Return the sign of a frozen sensor: the same values for long, although its neighbours' moved.

    A sensor without neighbours is judged by time alone, one with a low battery in half the time.
    """
    since = frozen_since(health, at, quality, is_weak=is_weak)
    if since is None or (neighbours and not have_moved(neighbours, since, at)):
        return None
    note = f"the same values since {since:%Y-%m-%d %H:%M} UTC"
    return Sign(TroubleKind.STUCK, True, at, f"{note}, {WHILE_OTHERS_MOVED}" if neighbours else note)


def frozen_since(
    health: Health, at: datetime, quality: QualityRule, *, is_weak: bool = False
) -> datetime | None:
    """Return since when a sensor has said the same, once that is long enough to look at its neighbours."""
    least = quality.stuck_after / 2 if is_weak else quality.stuck_after
    still = frozen(health, at, quality.stuck_after)
    return still[0] if still and still[1] >= STUCK_REPEATS and at - still[0] >= least else None


def says_the_same(health: Health | None, observation: Observation) -> bool:
    """Return whether a sensor repeats its last temperature and humidity."""
    if health is None:
        return False
    temp = observation.temperature_c if observation.temperature_f is None else observation.temperature_f
    said = ((temp, health.temperature), (observation.humidity, health.humidity))
    return all(value is None or (old is not None and old.value == value) for value, old in said)


def disagreement(room: Room, at: datetime, quality: QualityRule) -> Sign | None:
    """Return whether the fresh temperatures of one room lie too far apart; None with fewer than two."""
    fresh = [
        source.temperature.value
        for source in room.sources.values()
        if source.temperature is not None and source.temperature.until >= at
    ]
    if len(fresh) < 2:
        return None
    apart_f = max(fresh) - min(fresh)
    return apart(TroubleKind.DISAGREEMENT, apart_f, at, quality, f"{apart_f:.1f} °F apart")


def apart(kind: TroubleKind, apart_f: float, at: datetime, quality: QualityRule, words: str) -> Sign | None:
    """Return the sign that values lie too far apart, or well within the limit; in between nothing changes."""
    if apart_f > quality.disagree_f:
        return Sign(kind, True, at, words)
    return Sign(kind, False, at) if apart_f <= _AGREE_SHARE * quality.disagree_f else None


def hand_held(room: Room, observation: Observation, quality: QualityRule) -> dict[str, Sign]:
    """Return, by their ids, whether the room's sensors agree with a person's instrument."""
    by_hand_f = temperature_f(observation)
    if by_hand_f is None:
        return {}
    at, found = observation.observed_at, {}
    for id, source in room.sources.items():
        known = source.temperature
        if id == observation.sensor.id or known is None or known.until < at:
            continue
        words = f"{known.value:.1f} °F where a hand-held instrument says {by_hand_f:.1f} °F"
        sign = apart(TroubleKind.DISAGREEMENT, abs(known.value - by_hand_f), at, quality, words)
        if sign is not None:
            found[id] = sign
    return found


def news(signs: Iterable[Sign], standing: Collection[TroubleKind]) -> list[Sign]:
    """Return the signs that change something, given the troubles that stand."""
    return [sign for sign in signs if sign.is_on != (sign.kind in standing)]
