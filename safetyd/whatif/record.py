"""What an estimate asks of a record, whether that is the store or something that was exported from it.

Rule: places go by numbers, which are the record's own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from safetyd.core.model import Condition, Place
from safetyd.store import supposing
from safetyd.store.database import Connection
from safetyd.store.rollups import Level
from safetyd.store.supposing import Doing, Kept

Spans = Mapping[tuple[Place, Condition], Sequence[tuple[datetime, datetime]]]


class Record(Protocol):
    """Says what is kept of a season: see `store.supposing`."""

    def doings(self, begin: datetime, end: datetime) -> Sequence[Doing]:
        """Return what people did, in order."""

    def ticketed(self, begin: datetime, end: datetime) -> Spans:
        """Return when the episodes that have a ticket on record ran."""

    def hours_that_matter(
        self,
        begin: datetime,
        end: datetime,
        places: Collection[int],
        cold_f: float | None,
        heat_f: float | None,
    ) -> dict[datetime, set[int]]:
        """Return the hours in which something is beyond a limit or power out; without limits every one."""

    def kept(self, hour: datetime, places: Collection[int], level: Level) -> dict[tuple[int, datetime], Kept]:
        """Return what is kept of an hour of some places, as a whole or by five minutes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The record in the store itself."""

    connection: Connection

    def doings(self, begin: datetime, end: datetime) -> Sequence[Doing]:
        return supposing.doings(self.connection, begin, end)

    def ticketed(self, begin: datetime, end: datetime) -> Spans:
        return supposing.ticketed(self.connection, begin, end)

    def hours_that_matter(
        self,
        begin: datetime,
        end: datetime,
        places: Collection[int],
        cold_f: float | None,
        heat_f: float | None,
    ) -> dict[datetime, set[int]]:
        return supposing.hours_that_matter(self.connection, begin, end, places, cold_f, heat_f)

    def kept(self, hour: datetime, places: Collection[int], level: Level) -> dict[tuple[int, datetime], Kept]:
        return supposing.kept(self.connection, hour, places, level)
