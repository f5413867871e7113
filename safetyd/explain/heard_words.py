"""What was heard, in sentences: each reading as it was sent, when, and what the check of it said.

Rule: of a long story the readings that decided are told, with those just before and the last of each sensor;
how many were left out is said.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from safetyd.calendar_words import listed
from safetyd.core.model import HAND, SILENCE, Mark, Observation, Quantity
from safetyd.core.quality import offset, relative_humidity, temperature_f
from safetyd.core.rules import Rules
from safetyd.core.testimony import Heard, is_of_the_air
from safetyd.core.units import beside
from safetyd.explain.clock_words import Clock, lasting
from safetyd.explain.explanation import Explanation
from safetyd.store.leftovers import RefusedKind

MOST = 14
_LAST_OF_EACH = 2
_AT_ONCE, _LATE = timedelta(seconds=1), timedelta(seconds=60)
_AS_KEPT = (
    "A reading is kept as its topic, format, values and units as they were sent, when it was measured and"
    " when it was received; the text of a payload that could be read is not kept."
)
_SENT = (
    ("temperature_f", "temperature {:g} °F"),
    ("temperature_c", "temperature {:g} °C"),
    ("humidity", "humidity {:g} %"),
    ("voltage", "{:g} V"),
    ("power_w", "{:g} W"),
    ("energy_kwh", "{:g} kWh counted"),
    ("battery", "battery {:g} %"),
    ("battery_v", "battery {:g} V"),
)


def told(found: Explanation) -> list[Heard]:
    """Return the readings of a room that are told, in order of their own time."""
    if found.air is None:
        return []
    heard = [each for each in found.air.heard if is_of_the_air(each.observation)]
    wanted: set[int] = set()
    left: dict[str, int] = {}
    for number in range(len(heard) - 1, -1, -1):
        key = heard[number].observation.sensor.id
        if left.setdefault(key, _LAST_OF_EACH):
            left[key] -= 1
            wanted.add(number)
    for moment in _deciding(found):
        numbers = [n for n, each in enumerate(heard) if each.observation.observed_at == moment]
        if numbers:
            wanted |= {max(0, numbers[0] - 1), *numbers}
    return [heard[number] for number in sorted(wanted)[-MOST:]]


def _deciding(found: Explanation) -> set[datetime]:
    assert found.air is not None
    moments: set[datetime | None] = set()
    for each in found.air.judgements:
        watch = each.watch
        moments |= {watch.began_at, None if watch.worst is None else watch.worst.at}
        moments.add(None if watch.back is None else watch.back.since)
        moments.add(None if each.known is None else each.known.at)
    for pair in found.air.pairs:
        moments |= {pair.temperature.at, None if pair.humidity is None else pair.humidity.at}
    return {each for each in moments if each is not None}


def heard_words(found: Explanation, clock: Clock) -> Iterator[str]:
    """Yield a sentence for each reading that is told, then for what could not be read."""
    if found.air is not None:
        several = told(found)
        yield from (_AS_KEPT,) if several else ()
        every = [each for each in found.air.heard if is_of_the_air(each.observation)]
        for each in several:
            yield _reading(each, found, clock)
        if len(every) > len(several):
            yield (
                f"{len(every) - len(several)} more of its readings since {clock(found.told_since)} are not"
                " told one by one; they were judged all the same."
            )
    if found.mains is not None:
        yield from _words_on_mains(found, clock)
    for refusal in found.refused:
        payload = refusal.payload.decode("utf-8", "replace")
        what = "a payload" if refusal.kind is RefusedKind.PAYLOAD else "a value"
        yield (
            f"At {clock(refusal.at)} {what} on {refusal.topic} could not be used: {refusal.reason}."
            + (f" It is kept as it came: {payload[:200]}" if payload else "")
        )
    if found.retained is not None:
        id, at = found.retained
        yield (
            f"At {clock(at)} the broker handed out a retained message of {id}: it may be of any age, so it"
            " proves nothing."
        )


def _reading(heard: Heard, found: Explanation, clock: Clock) -> str:
    spoke = heard.observation
    return f"{_who(spoke, found)} said {_sent(spoke)}, {_when(spoke, clock)}. {_check(heard, found.rules)}"


def _who(spoke: Observation, found: Explanation) -> str:
    id = spoke.sensor.id
    if spoke.by_hand:
        return f"A person's instrument ({id.removeprefix(HAND)})"
    if id.startswith(SILENCE):
        return "Devices that live on the mains fell silent together, or spoke again; that"
    source = found.sources.get(id)
    if source is None:
        return f"Sensor {id}"
    return f"Sensor {id} on topic {source.topic} ({source.format})"


def _sent(spoke: Observation) -> str:
    said = [form.format(value) for name, form in _SENT if (value := getattr(spoke, name)) is not None]
    if spoke.mains is not None:
        said.insert(0, f"mains {'on' if spoke.mains else 'off'}")
    return listed(said) if said else "nothing that is measured"


def _when(spoke: Observation, clock: Clock) -> str:
    delay = spoke.received_at - spoke.observed_at
    if abs(delay) < _AT_ONCE:
        return f"measured at {clock(spoke.observed_at)} and received at once"
    if abs(delay) < _LATE:
        return f"measured at {clock(spoke.observed_at)} and received at {clock(spoke.received_at)}"
    came = f"received only at {clock(spoke.received_at)}, {lasting(delay)} later"
    return f"measured at {clock(spoke.observed_at)}, {came}"


def _check(heard: Heard, rules: Rules) -> str:
    spoke, judged = heard.observation, heard.judged
    calibrated = _calibrated(spoke, rules)
    if not judged.flaws:
        return f"It was believed{calibrated}."
    said = []
    for flaw in judged.flaws:
        word = "not believed" if flaw.mark is Mark.REJECTED else "held back"
        said.append(f"its {flaw.quantity} was {word}: {flaw.reason}")
    if heard.is_borne_out:
        said.append("the next reading bore it out, so it counts at its own time")
    believed = _believed(judged.temperature_f, judged.humidity)
    rest = f"; its {believed} was believed{calibrated}" if believed else ""
    sentence = "; ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}{rest}."


def _believed(temp_f: float | None, humidity: float | None) -> str:
    names = ((Quantity.TEMPERATURE, temp_f), (Quantity.HUMIDITY, humidity))
    return listed(name.value for name, value in names if value is not None)


def _calibrated(spoke: Observation, rules: Rules) -> str:
    """What a value comes to in the rule's unit, and as its sensor is calibrated where it is."""
    temp_f, humidity, by = temperature_f(spoke), relative_humidity(spoke), offset(spoke)
    is_warmer, is_damper = temp_f is not None and by.temperature_f, humidity is not None and by.humidity
    said, of = [], []
    if temp_f is not None and (is_warmer or spoke.temperature_f is None):
        said.append(f"{_beside_limits(temp_f, rules)} °F")
    if humidity is not None and is_damper:
        said.append(f"{humidity:g} % humidity")
    if is_warmer:
        of.append(f"{by.temperature_f:+g} °F".replace("-", "−"))
    if is_damper:
        of.append(f"{by.humidity:+g} % humidity".replace("-", "−"))
    if not said:
        return ""
    return f"; calibrated by {listed(of)} that is {listed(said)}" if of else f"; that is {listed(said)}"


def _beside_limits(temp_f: float, rules: Rules) -> str:
    """A temperature, on its side of both limits."""
    shown = (beside(temp_f, limit, 2) for limit in (rules.cold.below_f, rules.heat.above_f))
    return max(shown, key=len)


def _words_on_mains(found: Explanation, clock: Clock) -> Iterator[str]:
    assert found.mains is not None
    said: Sequence[Observation] = found.mains.said
    last = {each.sensor.id: number for number, each in enumerate(said)}
    wanted = sorted({*last.values(), *_turns(said)})[-MOST:]
    yield from (_AS_KEPT,) if wanted else ()
    for number in wanted:
        spoke = said[number]
        yield f"{_who(spoke, found)} said {_sent(spoke)}, {_when(spoke, clock)}."
    if len(said) > len(wanted):
        yield (
            f"{len(said) - len(wanted)} more words on the mains since {clock(found.told_since)} repeat what"
            " is told here, or are of other things."
        )


def _turns(said: Sequence[Observation]) -> list[int]:
    """Which words say another thing of the mains than the same witness did before, the last few of them."""
    found, standing = [], dict[str, bool]()
    for number, spoke in enumerate(said):
        if spoke.mains is not None and standing.get(spoke.sensor.id) is not spoke.mains:
            standing[spoke.sensor.id] = spoke.mains
            found.append(number)
    return found[-MOST:]
