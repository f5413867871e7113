"""What is known of a building from afar, by the words of its gateway, and what its silence means.

Rule: CAUSES says of every silence what it means. What was last said of the mains comes first, an orderly
good-bye next, the link to the building last; what nothing explains is a network that is gone, and counts as a
suspected outage from the last sign of life on. Where nobody at all is heard, it is we who do not hear.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from safetyd.core.power import Standing

IN_TIME = timedelta(minutes=2)  # a word that took longer waited somewhere, or its clock is wrong
_SAME_LAG = timedelta(seconds=30)  # what waited comes in a burst; a wrong clock is as wrong the next minute
_LINK_NOTICED = timedelta(seconds=90)  # a broker misses a link after one and a half keepalives of a minute


class Word(StrEnum):
    """What a gateway, or its last will, last said of itself."""

    NONE = "none"
    ONLINE = "online"
    OFFLINE = "offline"
    STOPPED = "stopped"


class Link(StrEnum):
    """Whether the building's broker reaches ours; UNKNOWN where nothing tells."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Said(StrEnum):
    """What was last said of the building's mains; LAST_WORDS by a gateway whose UPS is about to end it."""

    ON = "on"
    OUT = "out"
    LAST_WORDS = "last_words"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """How a building stands from afar; UNHEARD while it is we who hear nobody."""

    WELL = "well"
    STOPPED = "stopped"
    NO_NETWORK = "no network"
    NO_GATEWAY = "no gateway"
    NO_MAINS = "no mains"
    UNHEARD = "unheard"


class Known(NamedTuple):
    """What a building's silence is judged by."""

    said: Said = Said.UNKNOWN
    word: Word = Word.NONE
    link: Link = Link.UNKNOWN
    is_ours: bool = False


class Finding(NamedTuple):
    """What a silence means, and why, in words."""

    cause: Cause
    why: str


_ANY = None
_Row = tuple[Said | None, Word | None, Link | None, bool | None, Cause, str]
CAUSES: tuple[_Row, ...] = (  # said, word, link, whether we hear nobody; the first row that fits counts
    (Said.LAST_WORDS, _ANY, _ANY, _ANY, Cause.NO_MAINS, "its UPS was about to end it when it was last heard"),
    (Said.OUT, _ANY, _ANY, _ANY, Cause.NO_MAINS, "its last word was that power was out"),
    (_ANY, _ANY, _ANY, True, Cause.UNHEARD, "nobody is heard: this may be our own network"),
    (_ANY, Word.STOPPED, _ANY, _ANY, Cause.STOPPED, "safetyd was stopped there in order; nobody watches it"),
    (_ANY, _ANY, Link.UP, _ANY, Cause.NO_GATEWAY, "its network is there, and its safetyd says nothing"),
    (_ANY, _ANY, Link.DOWN, _ANY, Cause.NO_NETWORK, "its link is down; whether it has power is not known"),
    (_ANY, _ANY, _ANY, _ANY, Cause.NO_NETWORK, "nothing is heard from it, and nothing says why"),
)
PRESUMED_OUT = (Cause.NO_NETWORK, Cause.NO_MAINS)  # the clock runs; a false silence is worse than an alarm


def told_apart(known: Known) -> Finding:
    """Return what a building's silence means, by the first row of the table that fits."""
    for *wanted, cause, why in CAUSES:
        if all(each is _ANY or each == has for each, has in zip(wanted, known, strict=True)):
            return Finding(cause, why)
    raise AssertionError("the last row of CAUSES fits everything")


class Span(NamedTuple):
    """From when until when; without an end it goes on."""

    began_at: datetime
    ended_at: datetime | None = None

    def meets(self, other: "Span") -> bool:
        """Return whether both share a moment."""
        return (self.ended_at is None or other.began_at <= self.ended_at) and (
            other.ended_at is None or self.began_at <= other.ended_at
        )


class Afar(NamedTuple):
    """What is remembered of a building that is watched from afar, last heard at `heard_at`, stamped `stamp`.

    Its link was lost at `link_lost_at`, while its gateway was silent already. The last word was `lag_s` old
    when it arrived at `word_at`; by `off_by_s` its clock is known to be behind. It stands as `cause` says,
    since `since` where that is not well. `own` are the outages of the building's own open tickets, by id.
    """

    word: Word = Word.NONE
    link: Link = Link.UNKNOWN
    said: Said = Said.UNKNOWN
    link_lost_at: datetime | None = None
    lag_s: float | None = None
    word_at: datetime | None = None
    off_by_s: float | None = None
    cause: Cause = Cause.WELL
    since: datetime | None = None
    own: Mapping[str, tuple[Span, ...]] = {}
    heard_at: datetime | None = None
    stamp: datetime | None = None


NOTHING = Afar()


class Hello(NamedTuple):
    """A gateway's status word; `is_online` False may be its last will."""

    is_online: bool


class State(StrEnum):
    """What a gateway says of its own life."""

    RUNNING = "running"
    LAST_WORDS = "last_words"
    STOPPED = "stopped"


class Life(NamedTuple):
    """A gateway's word on its own life."""

    state: State


class LinkWord(NamedTuple):
    """The state of the link between a building's broker and ours."""

    is_up: bool


class Mains(NamedTuple):
    """A gateway's word on its building's mains: without power since when; `at` is when it said so."""

    standing: Standing
    since: datetime | None = None
    at: datetime | None = None


class Own(NamedTuple):
    """A building's own ticket about outages; None once it is closed."""

    id: str
    outages: tuple[Span, ...] | None


Heard = Hello | Life | LinkWord | Mains | Own


def after_word(afar: Afar, heard: Hello | Life | LinkWord, now: datetime, *, is_retained: bool) -> Afar:
    """Return what is known after a word on the gateway or its link; what a broker remembers is known too."""
    match heard:
        case Hello(True):
            return afar._replace(word=Word.ONLINE)
        case Hello(False):  # a good-bye is followed by it
            return afar if afar.word is Word.STOPPED else afar._replace(word=Word.OFFLINE)
        case Life(State.STOPPED):
            return afar._replace(word=Word.STOPPED)
        case Life(State.LAST_WORDS):
            return afar._replace(said=Said.LAST_WORDS)
        case Life(State.RUNNING):
            said = Said.OUT if afar.said is Said.LAST_WORDS else afar.said
            return afar._replace(said=said, word=Word.NONE if afar.word is Word.STOPPED else afar.word)
        case LinkWord(True):
            return afar._replace(link=Link.UP, link_lost_at=None)
    lost_at = now - _LINK_NOTICED if afar.link is Link.UP and not is_retained else afar.link_lost_at
    return afar._replace(link=Link.DOWN, link_lost_at=lost_at)


_SAID = {Standing.ON: Said.ON, Standing.OUT: Said.OUT, Standing.SUSPECTED: Said.OUT}


def after_mains(afar: Afar, heard: Mains) -> Afar:
    """Return what is known after a word on the mains; last words stand until power is on again."""
    said = _SAID.get(heard.standing, Said.UNKNOWN)
    if afar.said is Said.LAST_WORDS and said is not Said.ON:
        return afar
    return afar._replace(said=said)


def said_at(afar: Afar, at: datetime | None, now: datetime) -> tuple[datetime, timedelta, Afar]:
    """Return when a word that arrives now was said, how far its clock is off, and what is then known.

    What waited on its way counts from when it was said. A clock that is ahead, or behind by the same a while
    later, has no say.
    """
    if at is None:
        return now, timedelta(0), afar
    lag, before = now - at, afar
    afar = afar._replace(lag_s=lag.total_seconds(), word_at=now, off_by_s=None)
    if -IN_TIME <= lag <= IN_TIME:
        return now, timedelta(0), afar
    is_later = before.word_at is not None and now - before.word_at >= _SAME_LAG
    if lag < timedelta(0) or _is_same(lag, before.off_by_s) or (is_later and _is_same(lag, before.lag_s)):
        return now, lag, afar._replace(off_by_s=lag.total_seconds())
    return at, timedelta(0), afar


def _is_same(lag: timedelta, before_s: float | None) -> bool:
    return before_s is not None and abs(lag.total_seconds() - before_s) < _SAME_LAG.total_seconds()


def carrier(afar: Afar, outages: Iterable[Span]) -> str | None:
    """Return the building's own ticket that is about all these outages, None if there is none."""
    asked = list(outages)
    for id, spans in sorted(afar.own.items()):
        if asked and all(any(span.meets(each) for span in spans) for each in asked):
            return id
    return None
