"""How readings became a verdict, in sentences: pairs, rule, limit, tolerance, and what time did.

Rule: a verdict is named as the engine gave it, with its own numbers. What it would be at the ends of a
sensor's tolerance is said, and nothing is concluded from it.
"""

from collections.abc import Iterator

from safetyd.calendar_words import listed
from safetyd.core.heat_index import heat_index_f
from safetyd.core.model import HAND, Condition, Tolerance, Verdict
from safetyd.core.testimony import Air, Judgement, Why
from safetyd.core.warmth import Pair
from safetyd.core.watch import Level, Watch, seen
from safetyd.explain.clock_words import Clock, degrees, lasting
from safetyd.explain.explanation import Explanation
from safetyd.site_words import span

NOUNS = {Condition.COLD: "cold", Condition.HEAT: "heat"}
VERDICTS = {Verdict.OK: "ok", Verdict.BREACH: "in breach", Verdict.UNKNOWN: "unknown"}


def rule_words(found: Explanation, clock: Clock) -> Iterator[str]:
    """Yield by which version of the rules, and at which values, was judged."""
    rules = found.rules
    since = f"in force since {rules.effective}" if rules.effective else "in force from the beginning"
    name = f"Judged by the rules of version {rules.short_name} ({rules.fingerprint}), {since}"
    if found.mains is not None:
        outage = rules.outage
        yield (
            f"{name}: an outage of more than {span(outage.longer_than)} is a breach (9.14.5); the quorum of"
            f" witnesses is {outage.quorum}; a voltage below two thirds of {outage.nominal_v:g} V twice"
            f" running is off; power that is back must hold for {span(outage.restored_after)}."
        )
    else:
        cold, heat = rules.cold, rules.heat
        yield (
            f"{name}: a temperature below {cold.below_f:g} °F is cold, a heat index above"
            f" {heat.above_f:g} °F is heat (9.14.3); a value counts until the next one, at most"
            f" {span(rules.quality.stale_after)} or three of its sensor's intervals."
        )
    ticket = found.asked
    if ticket is not None and ticket.rules != rules.fingerprint:
        began = found.site.rulebook.in_force(ticket.began_at).fingerprint
        if ticket.rules != began:
            yield (
                f"{ticket.id} names version {ticket.rules.removeprefix('sha256:')[:8]}, which the site file"
                " does not hold any more: what is judged again here is judged by another."
            )
        else:
            yield f"{ticket.id} began under version {ticket.rules.removeprefix('sha256:')[:8]}."


def air_words(found: Explanation, clock: Clock) -> Iterator[tuple[Condition, list[str]]]:
    """Yield for cold and for heat what leads to the verdict."""
    assert found.air is not None
    for each in found.air.judgements:
        lines = list(_pair_words(found, found.air, clock)) if each.condition is Condition.HEAT else []
        lines += _judged(each, found, clock)
        lines += _band_words(each, found)
        yield each.condition, lines


def _pair_words(found: Explanation, air: Air, clock: Clock) -> Iterator[str]:
    heat = found.rules.heat
    for pair in air.pairs:
        temp = f"{pair.temperature.value:.1f} °F of {pair.sensor} at {clock(pair.temperature.at)}"
        if pair.humidity is None:
            without = f"No humidity was heard within {span(heat.pair_within)} of the {temp}"
            yield f"{without}. {_alone(pair, heat.above_f)}"
            continue
        whose = "its own" if pair.holder == pair.sensor else f"{pair.holder}'s"
        apart = abs(pair.humidity.at - pair.temperature.at)
        how = "of the same moment" if not apart else f"{lasting(apart)} apart"
        value = heat_index_f(pair.temperature.value, pair.humidity.value)
        yield (
            f"The {temp} pairs with {whose} humidity of {pair.humidity.value:.0f} %, {how} (at most"
            f" {span(heat.pair_within)} is allowed): a heat index of {degrees(value, heat.above_f)}."
        )


def _alone(pair: Pair, above_f: float) -> str:
    if pair.heat is None:
        dry, damp = (heat_index_f(pair.temperature.value, each) for each in (0.0, 100.0))
        return (
            f"The heat index would be {degrees(dry, above_f)} at 0 % and {degrees(damp, above_f)} at 100 %,"
            " one on each side of the limit: so it is not known."
        )
    at = "0 %, the least it can be," if pair.heat.assumed_dry else "100 %, the most it can be,"
    side = "above" if pair.heat.assumed_dry else "not above"
    value = degrees(pair.heat.value, above_f)
    return f"The heat index at {at} is {value}, {side} the limit: so none was needed."


def _limit(condition: Condition, found: Explanation) -> tuple[float, str, str, float]:
    """The limit, how it is passed, how it is not, and the value at which an episode ends."""
    if condition is Condition.COLD:
        return found.rules.cold.below_f, "below", "not below", found.rules.cold.end_f
    return found.rules.heat.above_f, "above", "not above", found.rules.heat.end_f


def _judged(each: Judgement, found: Explanation, clock: Clock) -> Iterator[str]:
    rule = found.rules.cold if each.condition is Condition.COLD else found.rules.heat
    limit, beyond, within, end_f = _limit(each.condition, found)
    noun, watch, known = NOUNS[each.condition], each.watch, each.known
    verdict = f"The verdict on {noun} is {VERDICTS[each.verdict]}"
    what = "lowest temperature" if each.condition is Condition.COLD else "highest heat index"
    value = ""
    if known is not None:
        value = f"the {what} that counted, {degrees(known.value, limit)} of {clock(known.at)}"
    match each.why:
        case Why.IN_RANGE:
            yield f"{verdict}: {value}, is {within} {limit:g} °F."
        case Why.EPISODE if known is not None and known.level is Level.BEYOND:
            yield f"{verdict}: {value}, is {beyond} {limit:g} °F."
        case Why.EPISODE:
            yield f"{verdict}: {value}, is {within} {limit:g} °F, but an episode ends only at {end_f:g} °F."
        case Why.UNHEARD_EPISODE:
            yield f"{verdict}: an episode was in progress, and silence ends none."
        case Why.RETURNING:
            assert watch.back is not None
            yield (
                f"{verdict} still: since {clock(watch.back.since)} it was back at {end_f:g} °F or better,"
                f" which must hold for {span(rule.end_after)}, until {clock(watch.back.held_at)}."
            )
        case Why.UNCONFIRMED:
            yield (
                f"{verdict}: {value}, is {beyond} {limit:g} °F. The rule asks for {rule.confirm} such"
                f" readings running and there had been {watch.readings}, so no episode had begun."
            )
        case _:
            yield f"{verdict}: {_unknown(each, found, clock)}"
    if watch.is_breach:
        yield from _episode(each, watch, found, clock)


def _episode(each: Judgement, watch: Watch, found: Explanation, clock: Clock) -> Iterator[str]:
    rule = found.rules.cold if each.condition is Condition.COLD else found.rules.heat
    limit = _limit(each.condition, found)[0]
    assert watch.began_at is not None
    confirmed = (
        "with the first reading beyond the limit, which is enough"
        if rule.confirm == 1
        else f"with the first of {rule.confirm} readings running beyond the limit"
    )
    worst = ""
    if watch.worst is not None:
        dry = ", with humidity unknown and 0 % taken" if watch.worst.assumed_dry else ""
        worst = f" Its worst so far was {degrees(watch.worst.value, limit)} at {clock(watch.worst.at)}{dry}."
    lasted, known = found.at - watch.began_at, seen(watch, found.at)
    yield f"The episode began at {clock(watch.began_at)}, {confirmed}.{worst}"
    if lasted.total_seconds() >= 1:
        yield f"Of the {lasting(lasted)} since, {lasting(known)} rest on readings."


def _unknown(each: Judgement, found: Explanation, clock: Clock) -> str:
    assert found.air is not None
    standing = found.air.standing
    match each.why:
        case Why.NO_HUMIDITY:
            return "a temperature counted, but no humidity with it, and at this temperature that decides."
        case Why.SUSPECT:
            waits = [(id, b.suspect) for id, b in standing.beliefs.items() if b.suspect is not None]
            said = listed(f"{one.value:.1f} °F of {id} at {clock(one.at)}" for id, one in waits)
            return f"{said} moved faster than air does, so it waits for the sensor's next reading."
        case Why.REJECTED:
            return "what its sensor said last was not believed, and no other sensor vouches for the room."
        case Why.NEVER_HEARD:
            return "no temperature and no humidity had been heard of it."
    until = [(b.reference.until, id) for id, b in standing.beliefs.items() if b.reference is not None]
    if not until:
        return "no reading counted at that moment."
    last, id = max(until)
    return (
        f"nothing counted any more. The last believed temperature was of {id}, and vouched for the room until"
        f" {clock(last)}, {lasting(found.at - last)} before; silence is unknown, never ok."
    )


def _band_words(each: Judgement, found: Explanation) -> Iterator[str]:
    assert found.air is not None
    if each.known is None:
        return
    sensors = {heard.observation.sensor.id: heard.observation.sensor for heard in found.air.heard}
    counted = {key: sensors[key] for key in found.air.standing.sources if key in sensors}
    given = {key: one.tolerance for key, one in counted.items() if one.tolerance is not None}
    bare = [key.removeprefix(HAND) for key in counted if key not in given]
    if each.band is not None and given:
        by = listed(f"{_tolerance(tolerance)} of {key}" for key, tolerance in given.items())
        lower, upper = (VERDICTS[verdict] for verdict in each.band)
        said = (
            f"{lower} at either end"
            if lower == upper
            else f"{lower} if every reading were that much lower, and {upper} if that much higher"
        )
        yield f"The site file gives a tolerance of {by}: the verdict would be {said}."
    if bare:
        yield (
            f"The site file gives no tolerance of {listed(bare)}, so nothing is said of how far"
            f" {'its values' if len(bare) == 1 else 'their values'} may be off."
        )


def _tolerance(tolerance: Tolerance) -> str:
    spans = [(tolerance.temperature_f, " °F"), (tolerance.humidity, " % humidity")]
    return listed(f"±{value:g}{unit}" for value, unit in spans if value)
