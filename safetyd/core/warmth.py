"""What several sensors say of one room's cold and heat at one moment.

Rule: the worst believed sensor speaks for the room; nothing is averaged. Heat needs temperature and
humidity of the same moment; where humidity is missing, only what holds at any humidity is known.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from safetyd.core.heat_index import heat_index_f
from safetyd.core.quality import Latest
from safetyd.core.rules import Rules
from safetyd.core.watch import Level


class Source(NamedTuple):
    """The last accepted values of one sensor; None is not known, or found broken."""

    temperature: Latest | None = None
    humidity: Latest | None = None


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


class Pair(NamedTuple):
    """A sensor's temperature, the humidity of that moment and whose it is, and what they say of heat.

    `heat` is None where the humidity is missing and decides.
    """

    sensor: str
    temperature: Latest
    holder: str | None
    humidity: Latest | None
    heat: Warmth | None


def pairs(sources: Mapping[str, Source], at: datetime, rules: Rules) -> Iterator[Pair]:
    """Yield each temperature that counts at `at`, as it is judged for heat."""
    for key, source in sources.items():
        temperature = source.temperature
        if temperature is not None and temperature.until >= at:
            holder, humidity = _humidity(key, sources, temperature, at, rules)
            yield Pair(key, temperature, holder, humidity, _heat(temperature, humidity, rules))


def coldest(sources: Mapping[str, Source], at: datetime, rules: Rules, spoke: str | None) -> Warmth | None:
    """Return a room's lowest temperature, °F; None where nothing counts. `spoke`: who just did."""
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
    return Warmth(cold_level(worst.value, rules), worst.value, worst.at, until, is_new)


def hottest(sources: Mapping[str, Source], at: datetime, rules: Rules, spoke: str | None) -> Warmth | None:
    """Return a room's highest heat index, °F; None where not known. `spoke`: who just did."""
    found: list[Warmth] = []
    is_partly_unknown = False
    for key, _, holder, _, known in pairs(sources, at, rules):
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


def heat_indexes(sources: Mapping[str, Source], spoke: str, at: datetime, rules: Rules) -> Iterator[float]:
    """Yield the heat index, °F, of each pair of temperature and humidity that `spoke` completed at `at`."""
    for key, source in sources.items():
        temperature = source.temperature
        if temperature is None or temperature.until < at:
            continue
        holder, humidity = _humidity(key, sources, temperature, at, rules)
        is_new = humidity is not None and at == max(temperature.at, humidity.at)
        if humidity is not None and is_new and spoke in (key, holder):
            yield heat_index_f(temperature.value, humidity.value)


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
        return Warmth(heat_level(value, rules), value, at, until)
    driest, dampest = heat_index_f(temperature.value, 0.0), heat_index_f(temperature.value, 100.0)
    if driest > rules.heat.above_f:
        return Warmth(Level.BEYOND, driest, temperature.at, temperature.until, assumed_dry=True)
    if dampest <= rules.heat.above_f:
        return Warmth(heat_level(dampest, rules), dampest, temperature.at, temperature.until)
    return None


def cold_level(value: float, rules: Rules) -> Level:
    """Return what a temperature, °F, says of cold."""
    if value < rules.cold.below_f:
        return Level.BEYOND
    return Level.BACK if value >= rules.cold.end_f else Level.BETWEEN


def heat_level(value: float, rules: Rules) -> Level:
    """Return what a heat index, °F, says of heat."""
    if value > rules.heat.above_f:
        return Level.BEYOND
    return Level.BACK if value <= rules.heat.end_f else Level.BETWEEN
