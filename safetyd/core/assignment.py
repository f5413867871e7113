"""Who said of which place a topic speaks, from when until when, and who may say so.

Rule: lines are only added. A topic is assigned by one line and let go by a later one; what was said of a
place meanwhile stays said of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from safetyd.core.errors import ActionError
from safetyd.core.model import Place, Role

MAY_ASSIGN = (Role.FACILITIES, Role.ADMINISTRATOR, Role.DISTRICT)  # ours


class AssignVerb(StrEnum):
    """What a person may do about a topic that is nobody's."""

    ASSIGN = "assign"
    UNASSIGN = "unassign"


@dataclass(frozen=True, slots=True)
class AssignAction:
    """What a person asks: the same keys in a recording, on the command line and in the API.

    Without a `moment` it is now, or when the topic was first heard. What is empty is to be found out. Of a
    district another store may have heard it, and knows that it is nobody's.
    """

    verb: AssignVerb
    topic: str
    by: str
    note: str = ""
    role: Role | None = None
    place: Place | None = None
    sensor: str = ""
    format: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    moment: datetime | None = None
    is_from_first: bool = False
    is_heard_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line of the record. `moment` is from when on the topic is its place's, or until when it was.

    `settings` are what a site file would say beside id, topic, format and room.
    """

    verb: AssignVerb
    at: datetime
    by: str
    role: str
    note: str
    topic: str
    place: Place
    sensor: str
    format: str
    settings: tuple[tuple[str, str], ...]
    moment: datetime


class Standing(NamedTuple):
    """An assignment, and until when it holds; None is without end."""

    line: Assignment
    until: datetime | None = None


def standing(lines: Iterable[Assignment]) -> list[Standing]:
    """Return the assignments that lines of the record come to, in their order, those that are over too."""
    found: list[Standing] = []
    for line in lines:
        if line.verb is AssignVerb.ASSIGN:
            found.append(Standing(line))
            continue
        for number, each in enumerate(found):
            if each.until is None and each.line.topic == line.topic:
                found[number] = each._replace(until=line.moment)
    return [each for each in found if each.until is None or each.until > each.line.moment]


def check_person(verb: AssignVerb, by: str, role: str, building: str) -> None:
    """Check that somebody may assign in a building.

    Raises:
        ActionError: they may not, or nobody knows who they are.
    """
    allowed = f"{', '.join(MAY_ASSIGN[:-1])} or {MAY_ASSIGN[-1]}"
    if not role:
        raise ActionError(f"the site file does not know {by} at {building}: give role, {allowed}")
    if not any(word in MAY_ASSIGN for word in role.split(", ")):
        raise ActionError(f"{by} is {role} at {building}: to {verb} is for {allowed}")
