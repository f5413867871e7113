"""What is wrong with a sensor: silence, nonsense, a wrong clock, an empty battery, a frozen or odd value.

Rule: a trouble is about the monitoring, never about the room; it opens no ticket and is always visible. It
ends when the sensor itself shows that it is over.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from safetyd.core.clocks import Skew
from safetyd.core.model import Mark, Observation, Sensor, TroubleKind
from safetyd.core.quality import HIGHEST_CELL_V, MOST_HUMID, OR_FIRE, Flaw, Latest, temperature_f
from safetyd.core.room import Room
from safetyd.core.rules import QualityRule
from safetyd.core.units import JUST_AFTER

_NOTHING = (None, None)
STUCK_REPEATS = 11  # ours: with fewer than twelve equal reports it is a slow room, not a frozen chip
PEERS_NOTED = 2  # of equal reports: from then on it is worth knowing what the neighbours do
_MOVED_F = 1.0
LEAST_PATIENCE = timedelta(seconds=200)  # a meter that speaks every few seconds may miss a few words
_FIRE_F = 122.0  # 50 °C: counted, and told to those who can go and look
_SOAKED = 99.0  # percent; for more than an hour it is water on the sensor, or a broken one
_SOAKED_FOR = timedelta(hours=1)
_WORN = 0.8  # a cell down to four fifths of its best voltage is nearly empty


class Health(NamedTuple):
    """What is remembered of a sensor to judge its health; `until` is when it turns silent.

    `pair` is its last temperature and humidity as sent, unchanged since `since` for `repeats` reports; when
    it had begun to repeat itself its neighbours were at `peers_f`. `heard_at` is its last word (None: never),
    `gap_s` how long it usually takes to the next, `skew_s` how far its clock was off when `skew_at` came.
    `best_v` is the most its battery ever had, `soaked_since` when its humidity reached the top and stayed.
    """

    until: datetime
    pair: tuple[float | None, float | None]
    since: datetime
    repeats: int = 0
    heard_at: datetime | None = None
    gap_s: float | None = None
    skew_s: float | None = None
    skew_at: datetime | None = None
    peers_f: float | None = None
    best_v: float | None = None
    soaked_since: datetime | None = None

    @property
    def skew(self) -> Skew | None:
        """How far the sensor's clock was off at its last word."""
        if self.skew_s is None or self.skew_at is None:
            return None
        return Skew(timedelta(seconds=self.skew_s), self.skew_at)


class Sign(NamedTuple):
    """A trouble that shows (`is_on`) or is seen to be over."""

    kind: TroubleKind
    is_on: bool
    at: datetime
    note: str = ""


def patience(sensor: Sensor, gap_s: float | None, quality: QualityRule) -> timedelta:
    """Return how long a sensor may say nothing: three intervals, as configured, else as it turned out.

    A learnt interval only ever makes us wait longer than `stale_after`.
    """
    if sensor.interval is not None:
        return max(LEAST_PATIENCE, 3 * sensor.interval)
    if gap_s is None or 3 * gap_s <= quality.stale_after.total_seconds():
        return quality.stale_after
    return timedelta(seconds=3 * gap_s)


def expected(sensor: Sensor, at: datetime, quality: QualityRule) -> Health:
    """Return the health of a sensor that ought to be heard from `at` on and never was."""
    return Health(at + patience(sensor, None, quality), _NOTHING, at)


def hear(old: Health | None, observation: Observation, quality: QualityRule) -> Health:
    """Return the sensor's health after it spoke."""
    sensor, at, temp_f = observation.sensor, observation.observed_at, observation.temperature_f
    pair = (observation.temperature_c if temp_f is None else temp_f, observation.humidity)
    clock = observation.device_at or observation.gateway_at
    skew_s, skew_at = None, None
    if clock is not None:
        skew_at = observation.received_at
        skew_s = (clock - skew_at).total_seconds()
    if old is None:
        return Health(at + patience(sensor, None, quality), pair, at, 0, at, None, skew_s, skew_at)
    gap_s = old.gap_s if sensor.interval is not None else _learnt(old, at)
    until = max(old.until, at + patience(sensor, gap_s, quality))
    heard_at = at if old.heard_at is None or at > old.heard_at else old.heard_at
    if pair != old.pair or pair == _NOTHING:
        return Health(until, pair, at, 0, heard_at, gap_s, skew_s, skew_at, None, old.best_v)
    return Health(
        until, pair, old.since, old.repeats + 1, heard_at, gap_s, skew_s, skew_at, old.peers_f, old.best_v
    )


def _learnt(old: Health, at: datetime) -> float | None:
    """The longest usual gap: a longer one raises it at most twofold, shorter ones let it sink by and by."""
    if old.heard_at is None or at <= old.heard_at:
        return old.gap_s
    gap_s = (at - old.heard_at).total_seconds()
    if old.gap_s is None:
        return gap_s
    return min(max(gap_s, 0.9 * old.gap_s), 2 * old.gap_s)


def examine(
    old: Health | None, observation: Observation, flaws: tuple[Flaw, ...], quality: QualityRule
) -> tuple[Health, list[Sign]]:
    """Return the sensor's health after it spoke, and every sign for or against a trouble in what it said."""
    at, health = observation.observed_at, hear(old, observation, quality)
    signs = [Sign(TroubleKind.SILENT, False, at)]
    health = health._replace(soaked_since=_soaked_since(old, observation))
    why = _implausible(health, observation, flaws)
    if why or not flaws:
        signs.append(Sign(TroubleKind.IMPLAUSIBLE, bool(why), at, why))
    health, battery = _battery(health, observation, quality)
    signs += [battery] if battery else []
    if health.repeats == 0:
        signs.append(Sign(TroubleKind.STUCK, False, at))
    return health, signs


def silence(health: Health, now: datetime) -> Sign | None:
    """Return the sign of silence, once a sensor has said nothing for as long as its last word counted."""
    if health.until >= now:
        return None
    return Sign(TroubleKind.SILENT, True, health.until, "" if health.heard_at else "never heard")


def next_silence(health: Health) -> datetime:
    """Return the first moment at which the sensor is silent."""
    return health.until + JUST_AFTER


def _implausible(health: Health, observation: Observation, flaws: tuple[Flaw, ...]) -> str:
    """What is wrong with the values themselves, if anything is; not all of it keeps them from counting."""
    for flaw in flaws:
        if flaw.mark is Mark.REJECTED:
            return flaw.reason
    if flaws:
        return ""
    temp_f, soaked_since = temperature_f(observation), health.soaked_since
    if temp_f is not None and temp_f > _FIRE_F:
        return f"{temp_f:.0f} °F: {OR_FIRE}"
    if soaked_since is not None and observation.observed_at - soaked_since > _SOAKED_FOR:
        return f"humidity at the top since {soaked_since:%H:%M} UTC: wet, or broken"
    return ""


def _soaked_since(old: Health | None, observation: Observation) -> datetime | None:
    if observation.humidity is None:
        return None if old is None else old.soaked_since
    if not _SOAKED <= observation.humidity <= MOST_HUMID:
        return None
    return observation.observed_at if old is None or old.soaked_since is None else old.soaked_since


def is_battery_good(old: Health, observation: Observation, quality: QualityRule) -> bool:
    """Return whether what a sensor says of its battery, if anything, is no news to anybody."""
    percent, volts = observation.battery, observation.battery_v
    if percent is not None and percent < quality.battery_below:
        return False
    if volts is not None and (old.best_v is None or not _WORN * old.best_v < volts <= old.best_v):
        return False
    return observation.battery_ok is not False


def _battery(health: Health, observation: Observation, quality: QualityRule) -> tuple[Health, Sign | None]:
    """Of percent, volts, or a word alone; volts are held against the best the battery ever had."""
    at, percent, volts = observation.observed_at, observation.battery, observation.battery_v
    if percent is not None:
        return health, Sign(
            TroubleKind.BATTERY, percent < quality.battery_below, at, f"battery at {percent:g} %"
        )
    if observation.battery_ok is not None:
        return health, Sign(
            TroubleKind.BATTERY, not observation.battery_ok, at, "it says that its battery is low"
        )
    if volts is None or not 0 < volts <= HIGHEST_CELL_V:
        return health, None
    best_v = max(volts, health.best_v or 0.0)
    note = f"battery at {volts:g} V, once {best_v:g} V"
    return health._replace(best_v=best_v), Sign(TroubleKind.BATTERY, volts <= _WORN * best_v, at, note)


def stuck(
    health: Health, at: datetime, peers_f: Sequence[float], quality: QualityRule, *, is_weak: bool = False
) -> Sign | None:
    """Return the sign of a frozen sensor: the same values for long, although its neighbours' moved.

    A sensor without neighbours is judged by time alone, one with a low battery in half the time.
    """
    least = quality.stuck_after / 2 if is_weak else quality.stuck_after
    if health.repeats < STUCK_REPEATS or at - health.since < least:
        return None
    if health.peers_f is not None and peers_f and abs(median(peers_f) - health.peers_f) <= _MOVED_F:
        return None
    return Sign(TroubleKind.STUCK, True, at, f"the same values since {health.since:%Y-%m-%d %H:%M} UTC")


def is_frozen(health: Health | None, observation: Observation) -> bool:
    """Return whether a sensor that is stuck, while its neighbours moved, says the same again."""
    if health is None or health.peers_f is None:
        return False
    temp_f = observation.temperature_f
    return health.pair == (observation.temperature_c if temp_f is None else temp_f, observation.humidity)


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


def hand_held(room: Room, observation: Observation, quality: QualityRule) -> dict[str, Sign]:
    """Return, by their ids, whether the room's sensors agree with a person's instrument."""
    by_hand_f = temperature_f(observation)
    if by_hand_f is None:
        return {}
    at = observation.observed_at
    return {
        id: _beside(source.temperature, by_hand_f, at, quality)
        for id, source in room.sources.items()
        if id != observation.sensor.id and source.temperature is not None and source.temperature.until >= at
    }


def _beside(known: Latest, by_hand_f: float, at: datetime, quality: QualityRule) -> Sign:
    is_off = abs(known.value - by_hand_f) > quality.disagree_f
    note = f"{known.value:.1f} °F where a hand-held instrument says {by_hand_f:.1f} °F"
    return Sign(TroubleKind.DISAGREEMENT, is_off, at, note)


def news(signs: Iterable[Sign], standing: Collection[TroubleKind]) -> list[Sign]:
    """Return the signs that change something, given the troubles that stand."""
    return [sign for sign in signs if sign.is_on != (sign.kind in standing)]
