"""What energy registers (kWh) say of a time that nobody watched: whether electricity was used meanwhile.

Rule: a register only rises; one that fell has begun anew and says nothing. It is evidence for the person who
judges, and no vote: an idle building uses little, and one that has power again uses some.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from safetyd.core.model import Observation

_NOTHING_KWH = 0.01  # the last digit that most registers show


class Register(NamedTuple):
    """A meter's register when it was last read."""

    kwh: float
    at: datetime


class Question(NamedTuple):
    """A ticket that asks about a time up to `until`, and what each meter's register had said before it."""

    ticket: str
    until: datetime
    registers: Mapping[str, Register]


def read(registers: Mapping[str, Register], observation: Observation) -> Mapping[str, Register]:
    """Return the registers after one witness spoke."""
    kwh = observation.energy_kwh
    if kwh is None or kwh < 0:
        return registers
    return {**registers, observation.sensor.id: Register(kwh, observation.observed_at)}


def answer(question: Question | None, observation: Observation) -> str:
    """Return what a meter's first word after that time says of it; nothing if it says nothing of it."""
    kwh = observation.energy_kwh
    if question is None or kwh is None or kwh < 0 or observation.observed_at < question.until:
        return ""
    before = question.registers.get(observation.sensor.id)
    if before is None:
        return ""
    used_kwh = kwh - before.kwh
    if used_kwh < 0:
        made_of_it = "it began anew, and says nothing"
    elif used_kwh < _NOTHING_KWH:
        made_of_it = "nothing was used in between, as without electricity"
    else:
        made_of_it = f"{used_kwh:.2f} kWh were used: there was electricity for some of the time at least"
    since, at = f"{before.at:%Y-%m-%d %H:%M}", f"{observation.observed_at:%Y-%m-%d %H:%M} UTC"
    return (
        f"the register of {observation.sensor.id}: {before.kwh:g} kWh {since}, {kwh:g} kWh {at}; {made_of_it}"
    )


def answered(question: Question, meter: str) -> Question | None:
    """Return what is still asked once a meter has answered, None when every meter has."""
    left = {name: register for name, register in question.registers.items() if name != meter}
    return question._replace(registers=left) if left else None
