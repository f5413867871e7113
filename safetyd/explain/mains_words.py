"""How the words of witnesses became a verdict on a building's electricity, in sentences.

Rule: each vote is told with when it counts; the verdict is named as the engine gave it.
"""

from collections.abc import Iterator

from safetyd.core.model import HAND, SILENCE, Verdict
from safetyd.core.testimony import Mains, Why
from safetyd.core.votes import Tide, Word
from safetyd.explain.clock_words import Clock, lasting
from safetyd.explain.explanation import Explanation
from safetyd.explain.verdict_words import VERDICTS
from safetyd.site_words import span

_TIDES = {Tide.ON: "power is on", Tide.OFF: "power is out", Tide.UNKNOWN: "nothing is known"}


def mains_words(found: Explanation, clock: Clock) -> Iterator[str]:
    """Yield how the words of the witnesses became a verdict on a building's electricity."""
    assert found.mains is not None
    mains, outage = found.mains, found.rules.outage
    for name, word in sorted(mains.standing.words.items()):
        yield _vote(name, word, mains, clock)
    off = sum(word.is_on is False for word in mains.votes.values())
    votes = f"{off} of {len(mains.votes)} votes that counted said off" if mains.votes else "No vote counted"
    yield f"{votes}; with a quorum of {outage.quorum} that is: {_TIDES[mains.tide]}."
    verdict, standing = f"The verdict is {VERDICTS[mains.verdict]}", mains.standing
    if standing.began_at is None:
        why = "power is on." if mains.verdict is Verdict.OK else "no witness had a word that counted."
        yield f"{verdict}: {why}"
        return
    lasted = found.at - standing.began_at
    presumed = " by the silence of devices alone" if standing.is_presumed else ""
    flickers = f", with {standing.flickers} short returns" if standing.flickers else ""
    yield (
        f"The outage began at {clock(standing.began_at)}{presumed} and had lasted"
        f" {lasting(lasted)}{flickers}."
    )
    limit = span(outage.longer_than)
    if mains.why is Why.RETURNING and standing.back_since is not None:
        yield (
            f"{verdict} still: power was back since {clock(standing.back_since)}, which must hold for"
            f" {span(outage.restored_after)}."
        )
    elif standing.is_breach and lasted <= outage.longer_than:
        yield f"{verdict}: it was not longer than {limit}, but a room was in breach meanwhile."
    else:
        yield f"{verdict}: that is {'' if standing.is_breach else 'not '}longer than {limit}."


def _vote(name: str, word: Word, mains: Mains, clock: Clock) -> str:
    who = f"Witness {name}"
    if name.startswith(HAND):
        who = "A person"
    elif name.startswith(SILENCE):
        who = "The silence of devices"
    if word.is_on is None or word.at is None:
        waits = f": a low voltage at {clock(word.low_at)} waits for a second" if word.low_at else ""
        return f"{who} had no vote{waits}."
    says = "on" if word.is_on else "off"
    since = "" if word.since is None else f" since {clock(word.since)}"
    return f"{who} said {says}{since}, the last time at {clock(word.at)}{_counts(name, word, mains, clock)}."


def _counts(name: str, word: Word, mains: Mains, clock: Clock) -> str:
    if name not in mains.votes:
        return ": too long ago to count" if word.is_on else ": another's word comes before it"
    if word.is_on is False:
        return ", which counts until it says on"
    return "" if word.until is None else f", which counts until {clock(word.until)}"
