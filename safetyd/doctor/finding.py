"""One thing that was looked at: how it is, what was seen, and what to do about it.

Rule: what is bad or to be warned of says what to do; what was not looked at is never taken for well.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """How something is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNCHECKED = "not checked"


class Finding(NamedTuple):
    """What was looked at, by its area and name; `do` is what would mend it."""

    area: str
    about: str
    state: State
    seen: str
    do: str = ""


def is_sound(findings: Iterable[Finding]) -> bool:
    """Whether nothing is bad."""
    return all(each.state is not State.BAD for each in findings)


def tally(findings: Iterable[Finding]) -> str:
    """Return how many there are of each state, in words; what there is none of is left out."""
    states = [each.state for each in findings]
    return ", ".join(f"{states.count(state)} {state.value}" for state in State if state in states)
