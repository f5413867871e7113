"""Everything that leads from what was heard of a place to its verdict and its ticket at one moment.

Rule: only values. What they are made of is `asking`'s business, what they are called that of the words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from safetyd.core.model import Condition, Place, Trouble
from safetyd.core.rules import Rules
from safetyd.core.shelf import Shelf
from safetyd.core.taken_up import Record, TakenUp
from safetyd.core.testimony import Air, Mains
from safetyd.core.ticket import Ticket
from safetyd.site import Site
from safetyd.store.imports import Import
from safetyd.store.leftovers import Refusal
from safetyd.store.testimony import Later


class Silence(StrEnum):
    """Why nothing at all is told of a place at a moment."""

    FUTURE = "future"
    NO_SENSOR = "no_sensor"
    NOT_YET_HEARD = "not_yet_heard"
    DELETED = "deleted"
    NEVER_HEARD = "never_heard"


class Source(NamedTuple):
    """On which topic a sensor speaks, and how it is read."""

    topic: str
    format: str


class Hours(NamedTuple):
    """What the calendar says of a moment; nothing is said where every hour counts."""

    is_work: bool
    is_student: bool
    has_every_hour: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a place stood at `at`, by what had arrived by then, and why; `now` is when it is asked.

    `asked` is the ticket that is asked about, if one is. Of a room there is `air`, of a building `mains`.
    `told_since` is from when on its readings are told here, `sources` who speaks for it, by sensor.
    `refused` are payloads that could not be read, or values in them, of the last hours before `at`; `later`
    is what came only after it. `learned_at` is when it was learned, where that was later: then all this is by
    what was known at that moment, and of the time up to `at`.
    """

    site: Site
    place: Place
    at: datetime
    now: datetime
    asked: Ticket | None
    silence: Silence | None
    rules: Rules
    hours: Hours
    sources: Mapping[str, Source]
    told_since: datetime
    air: Air | None
    mains: Mains | None
    taken: Mapping[Condition, TakenUp]
    record: Record
    refused: tuple[Refusal, ...] = ()
    retained: tuple[str, datetime] | None = None
    later: Later | None = None
    first_at: datetime | None = None
    kept_since: datetime | None = None
    troubles: tuple[Trouble, ...] = ()
    shelf: Shelf | None = None
    imports: tuple[Import, ...] = ()
    strays: int = 0
    learned_at: datetime | None = None

    @property
    def known_at(self) -> datetime:
        """By what was known at which moment this is told."""
        return self.at if self.learned_at is None else self.learned_at
