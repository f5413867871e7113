"""What the witnesses of a building's mains say together, each with its last word.

Rule: an `on` counts for a while, an `off` until the same witness says `on`; silence is no vote. Devices that
live on the mains and fall silent together are heard only where no witness has a vote.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from safetyd.core.model import GATEWAY, HAND, SILENCE, Observation
from safetyd.core.quality import is_voltage, window
from safetyd.core.rules import OutageRule, Rules

_LOW_SHARE = 2 / 3  # ours: of the nominal voltage; below it nothing in a classroom works
_PARTIAL = timedelta(minutes=5)  # ours: witnesses of one outage speak within a few polls of each other


class Word(NamedTuple):
    """A witness's last word: `since` when it says so, last said at `at`, an `on` counting up to `until`.

    `low_at` is a first low voltage that waits for a second, `on_at` when it last said that power was on.
    """

    is_on: bool | None = None
    since: datetime | None = None
    at: datetime | None = None
    until: datetime | None = None
    low_at: datetime | None = None
    on_at: datetime | None = None


class Tide(StrEnum):
    """What the votes say together."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


def hear(old: Word, observation: Observation, rules: Rules) -> Word:
    """Return a witness's last word after it spoke; the old one itself if it said nothing of the mains."""
    at = observation.observed_at
    until = at + window(observation.sensor, rules.quality)
    if observation.by_hand:  # a person's word must last until power is taken for back
        until = max(until, at + rules.outage.restored_after)
    if observation.mains is not None:
        is_dated = observation.sensor.id.startswith((SILENCE, GATEWAY))
        since = (observation.device_at if is_dated else None) or at
        if is_dated and not observation.mains and old.on_at is not None:
            old = old._replace(on_at=min(old.on_at, since))  # its `on` of meanwhile was not yet better known
        return _said(old, observation.mains, since, at, until)
    if observation.voltage is None or not is_voltage(observation.voltage):
        return old
    if observation.voltage >= _LOW_SHARE * rules.outage.nominal_v:
        return _said(old, True, at, at, until)
    if old.low_at is None:
        return old._replace(low_at=at)
    return _said(old, False, old.low_at, at, until)._replace(low_at=old.low_at)


def _said(old: Word, is_on: bool, since: datetime, at: datetime, until: datetime) -> Word:
    if old.is_on is is_on and old.since is not None:
        since = old.since
    return Word(is_on, since, at, until, on_at=at if is_on else old.on_at)


def cast(words: Mapping[str, Word], at: datetime) -> dict[str, Word]:
    """Return the words that count at `at`, by witness: of people the newest, of silent devices only where no
    witness has a vote."""
    counting = {
        name: word
        for name, word in words.items()
        if word.is_on is False or (word.is_on and word.until is not None and word.until >= at)
    }
    people = [name for name in counting if name.startswith(HAND)]
    newest = max(people, key=lambda name: counting[name].at or at, default=None)
    witnesses = {
        name: word
        for name, word in counting.items()
        if not name.startswith(SILENCE) and (name not in people or name == newest)
    }
    return witnesses or counting


def count(votes: Mapping[str, Word], rule: OutageRule) -> Tide:
    """Return what the votes say together."""
    on = sum(word.is_on is True for word in votes.values())
    off, total = len(votes) - on, len(votes)
    if not total:
        return Tide.UNKNOWN
    needed = {"majority": total // 2 + 1, "all": total, "any": 1}
    enough = rule.quorum if isinstance(rule.quorum, int) else needed[rule.quorum]
    return Tide.OFF if off >= enough else Tide.ON if on else Tide.UNKNOWN


class Split(NamedTuple):
    """Some witnesses say that power is out, others have it; from `asks_at` on that is worth a question."""

    asks_at: datetime
    words: str


def split(words: Mapping[str, Word], at: datetime, rule: OutageRule) -> Split | None:
    """Return who says that power is out although the votes say that it is on; None where nobody does."""
    votes = cast(words, at)
    off = {name: word.since for name, word in votes.items() if word.is_on is False and word.since is not None}
    if not off or count(votes, rule) is not Tide.ON:
        return None
    without = ", ".join(f"{name} since {since:%H:%M} UTC" for name, since in sorted(off.items()))
    others = ", ".join(sorted(name for name in votes if name not in off))
    said = f"no power at {without}, but at {others}: is a part of the building without?"
    return Split(min(off.values()) + _PARTIAL, said)


def earliest_off(words: Mapping[str, Word], votes: Mapping[str, Word], over_at: datetime | None) -> datetime:
    """Return since when those who say so say that power is out.

    An `off` from before the last outage ended is of that outage. What silence says cannot be older than a
    witness's last word that power was on.
    """
    since = min(word.since for word in votes.values() if word.is_on is False and word.since is not None)
    floors = [over_at, last_on(words) if is_presumption(votes) else None]
    return max([since, *(floor for floor in floors if floor is not None)])


def is_presumption(votes: Mapping[str, Word]) -> bool:
    """Return whether nobody but silent devices has a vote."""
    return bool(votes) and all(name.startswith(SILENCE) for name in votes)


def last_on(words: Mapping[str, Word]) -> datetime | None:
    """Return when power was on for certain, by these words."""
    return max((word.on_at for word in words.values() if word.on_at is not None), default=None)
