"""Topics and filters as a site file names them: how they end, and which of them meet.

Rule: a filter's `+` and `#` may stand for anything, so what they could mean counts as meant.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from safetyd.profile import Profile, Shape

T = TypeVar("T")
ONE, REST = "+", "#"


def is_filter(given: str) -> bool:
    """Return whether this stands for several topics."""
    return ONE in given or REST in given


def matches(given: Sequence[str], levels: Sequence[str]) -> bool:
    """Return whether a filter, or a topic, stands for a topic; both are given level by level."""
    if given[-1] == REST:
        given = given[:-1]
        levels = levels[: len(given)]
    return len(given) == len(levels) and all(
        w in (ONE, level) for w, level in zip(given, levels, strict=True)
    )


def kinds(profile: Profile, given: str) -> tuple[Shape, ...]:
    """Return the kinds of message that can come on a topic or filter."""
    levels = given.split("/")
    found = []
    for shape in profile.shapes:
        meetings = [_meeting(levels, ending) for ending in shape.topics or ((),)]
        if any(each.is_possible for each in meetings):
            found.append(shape)
        if any(each.is_certain for each in meetings):
            break  # the first that takes a message is the one
    return tuple(found)


def own_levels(profile: Profile, given: str) -> list[str]:
    """Return the levels of a topic by which its profile does not know it: those that tell devices apart."""
    levels = given.split("/")
    endings = [ending for shape in kinds(profile, given) for ending in shape.topics]
    known = {
        place
        for ending in endings
        if levels[-1] != REST and _meeting(levels, ending).is_possible
        for place, name in enumerate(ending, len(levels) - len(ending))
        if name != ONE
    }
    return [level for place, level in enumerate(levels) if place not in known]


class _Meeting(NamedTuple):
    is_possible: bool
    is_certain: bool


def _meeting(levels: Sequence[str], ending: Sequence[str]) -> _Meeting:
    if not ending:
        return _Meeting(True, True)
    if levels[-1] == REST:
        return _Meeting(True, False)
    if len(levels) < len(ending):
        return _Meeting(False, False)
    pairs = list(zip(levels[-len(ending) :], ending, strict=True))
    is_certain = all(_is_of(level, known) for level, known in pairs)
    return _Meeting(all(level == ONE or _is_of(level, known) for level, known in pairs), is_certain)


def _is_of(level: str, known: str) -> bool:
    if "{}" in known:
        return re.fullmatch(re.escape(known).replace(r"\{\}", r"\d+"), level, re.ASCII) is not None
    return known in (ONE, level)


class Topics(Generic[T]):
    """What is held under topics and filters, found by what meets them."""

    __slots__ = ("_below", "_held")

    def __init__(self) -> None:
        self._below: dict[str, Topics[T]] = {}
        self._held: list[T] = []

    def add(self, given: str, item: T) -> None:
        """Hold an item under a topic or filter."""
        node = self
        for level in given.split("/"):
            node = node._below.setdefault(level, Topics())
        node._held.append(item)

    def meeting(self, given: str) -> Iterator[T]:
        """Yield what is held under any topic or filter that shares a topic with this one."""
        yield from self._meeting(given.split("/"))

    def _meeting(self, levels: Sequence[str]) -> Iterator[T]:
        if REST in self._below:
            yield from self._below[REST]._held
        if not levels:
            yield from self._held
            return
        first, rest = levels[0], levels[1:]
        if first == REST:
            yield from self._all()
            return
        for level in self._below if first == ONE else {first, ONE} & self._below.keys():
            if level != REST:
                yield from self._below[level]._meeting(rest)

    def _all(self) -> Iterator[T]:
        yield from self._held
        for level, below in self._below.items():
            if level != REST:
                yield from below._all()
