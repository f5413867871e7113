"""An explanation as JSON: the same facts and the same sentences, for programs.

Rule: names and shapes here are a promise; times are RFC 3339 in UTC with Z; values are unrounded.
"""

from collections.abc import Iterator
from typing import Any

from safetyd.core.quality import temperature_f
from safetyd.core.taken_up import TakenUp
from safetyd.core.testimony import Heard, Judgement
from safetyd.explain.explanation import Explanation
from safetyd.explain.heard_words import told
from safetyd.explain.words import headline, sections
from safetyd.times import rfc3339, rfc3339_or_none


def explanation_object(found: Explanation) -> dict[str, Any]:
    """Return an explanation as the outside sees it."""
    return {
        "building": found.place.building,
        "room": found.place.room,
        "at": rfc3339(found.at),
        "learned_at": rfc3339_or_none(found.learned_at),
        "ticket": None if found.asked is None else found.asked.id,
        "nothing_because": None if found.silence is None else found.silence.value,
        "rules": found.rules.fingerprint,
        "work_hours": found.hours.is_work,
        "student_day": found.hours.is_student,
        "conditions": list(_conditions(found)),
        "readings": [_reading(each, found) for each in told(found)],
        "headline": headline(found),
        "sections": [{"title": each.title, "sentences": list(each.sentences)} for each in sections(found)],
    }


def _conditions(found: Explanation) -> Iterator[dict[str, Any]]:
    judged = {} if found.air is None else {each.condition: each for each in found.air.judgements}
    for condition, taken in found.taken.items():
        each = judged.get(condition) or found.mains
        assert each is not None
        head = {"condition": condition.value, "verdict": each.verdict.value, "why": each.why.value}
        yield head | _condition(judged.get(condition), taken)


def _condition(judged: Judgement | None, taken: TakenUp) -> dict[str, Any]:
    known = None if judged is None else judged.known
    band = None if judged is None else judged.band
    episode = taken.episode
    return {
        "value": None if known is None else known.value,
        "observed_at": None if known is None else rfc3339(known.at),
        "counts_until": None if known is None else rfc3339(known.until),
        "began_at": rfc3339_or_none(judged.watch.began_at if judged and judged.watch.is_breach else None),
        "tolerance": None if band is None else {"lower": band.lower.value, "upper": band.upper.value},
        "way": taken.way.value,
        "ticket": taken.ticket,
        "open_tickets": list(taken.standing),
        "counts_from": rfc3339_or_none(taken.counts_from),
        "episode_on_record": None
        if episode is None
        else {"began_at": rfc3339(episode.began_at), "ended_at": rfc3339_or_none(episode.ended_at)},
    }


def _reading(heard: Heard, found: Explanation) -> dict[str, Any]:
    spoke, judged = heard.observation, heard.judged
    source = found.sources.get(spoke.sensor.id)
    sent = ("temperature_f", "temperature_c", "humidity", "battery", "battery_v")
    return {
        "sensor": spoke.sensor.id,
        "topic": None if source is None else source.topic,
        "format": None if source is None else source.format,
        "observed_at": rfc3339(spoke.observed_at),
        "received_at": rfc3339(spoke.received_at),
        "sent": {name: value for name in sent if (value := getattr(spoke, name)) is not None},
        "temperature_f": temperature_f(spoke),
        "believed": {"temperature_f": judged.temperature_f, "humidity": judged.humidity},
        "flaws": [
            {"quantity": flaw.quantity.value, "mark": flaw.mark.value, "reason": flaw.reason}
            for flaw in judged.flaws
        ],
        "borne_out": heard.is_borne_out,
    }
