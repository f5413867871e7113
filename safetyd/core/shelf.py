"""Messages about a place that are held back while people work there: by whom, why, and until when.

Rule: a shelf stops messages and nothing else. It has an end from its beginning, and is over at that very
moment whether or not anybody looks; at most one stands for a place, and none is ever forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from safetyd.core.errors import ActionError, TransitionError
from safetyd.core.model import Place, Role, TroubleKind

LONGEST = timedelta(days=7)  # ours: a week's work; whoever needs more must say so again, and is told of again
MAY_SHELVE = (Role.FACILITIES, Role.ADMINISTRATOR, Role.DISTRICT)  # ours

_OF_OURSELVES = (TroubleKind.GAP, TroubleKind.UNDELIVERABLE, TroubleKind.CONFIGURATION)


class ShelfVerb(StrEnum):
    """What a person may do about the messages of a place."""

    SHELVE = "shelve"
    UNSHELVE = "unshelve"


@dataclass(frozen=True, slots=True)
class ShelfAction:
    """What a person did: the same keys in a recording, on the command line and in the API."""

    verb: ShelfVerb
    place: Place
    by: str
    note: str = ""
    until: datetime | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """One stretch of silence about a place. `since` is when that silence began: before `began_at` where this
    one took the place of another. `ended_at` is when it was over, by its own end or before that."""

    place: Place
    by: str
    role: str
    note: str
    began_at: datetime
    until: datetime
    since: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_note: str = ""

    def holds(self, at: datetime) -> bool:
        """Return whether messages are held back at a moment; at its end they are not."""
        return self.ended_at is None and at < self.until


def begin(standing: Shelf | None, action: ShelfAction, role: str, now: datetime) -> Shelf:
    """Return the shelf that a person begins, in the place of the one that stands, if any.

    Args:
        standing: The place's own that holds now.
        role: Who the person is to the building.

    Raises:
        ActionError: it has no reason, no end or one that cannot be, or the wrong person does it.
    """
    _check_person(action, role)
    if not action.note.strip():
        raise ActionError(f"shelve for {action.place} needs note: why its messages are to stop")
    if action.until is None:
        raise ActionError(f"shelve for {action.place} needs until: when they begin again")
    latest = now + LONGEST
    if not now < action.until <= latest:
        raise ActionError(
            f"until is {action.until:%Y-%m-%d %H:%M} UTC; expected later than {now:%Y-%m-%d %H:%M} UTC"
            f" and by {latest:%Y-%m-%d %H:%M} UTC, which is {LONGEST.days} days"
        )
    since = now if standing is None else standing.since
    return Shelf(action.place, action.by, role, action.note, now, action.until, since)


def end(standing: Shelf | None, action: ShelfAction, role: str, now: datetime) -> Shelf:
    """Return the shelf that a person ends.

    Args:
        standing: The place's own that holds now.
        role: Who the person is to the building.

    Raises:
        ActionError: the wrong person does it.
        TransitionError: nothing is shelved there.
    """
    _check_person(action, role)
    if standing is None:
        raise TransitionError(f"{action.place} is not shelved; see: safetyd shelve --list")
    return over(standing, now, action.by, action.note)


def over(standing: Shelf, at: datetime, by: str, note: str = "") -> Shelf:
    """Return a shelf that has ended."""
    return replace(standing, ended_at=at, ended_by=by, ended_note=note)


def _check_person(action: ShelfAction, role: str) -> None:
    allowed = f"{', '.join(MAY_SHELVE[:-1])} or {MAY_SHELVE[-1]}"
    if not action.by.strip():
        raise ActionError(f"{action.verb} for {action.place} needs by: the name of who does it")
    if not role:
        raise ActionError(
            f"the site file does not know {action.by} at {action.place.building}: give role, {allowed}"
        )
    if not any(word in MAY_SHELVE for word in role.split(", ")):
        raise ActionError(
            f"{action.by} is {role} at {action.place.building}: to {action.verb} is for {allowed}"
        )


def is_within(place: Place, other: Place) -> bool:
    """Return whether a place is another, or a room of it."""
    return place.building == other.building and other.room in (None, place.room)


def covering(shelves: Mapping[Place, Shelf], place: Place, at: datetime) -> Shelf | None:
    """Return what holds back the messages about a place, its own or its building's: the one that lasts."""
    found = [
        shelf
        for where in dict.fromkeys((place, Place(place.building, None)))
        if (shelf := shelves.get(where)) is not None and shelf.holds(at)
    ]
    return max(found, key=lambda shelf: shelf.until, default=None)


def may_hide(kind: TroubleKind, place: Place) -> bool:
    """Return whether a trouble is of a place's sensors: what is wrong with ourselves is never held back."""
    may_be_our_clock = kind is TroubleKind.CLOCK and place.room is None
    return kind not in _OF_OURSELVES and not may_be_our_clock
