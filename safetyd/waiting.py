"""What the next commit will write beside the World's changes."""

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from safetyd.core.assignment import Assignment
from safetyd.core.model import Observation, Place
from safetyd.ingest.message import Message
from safetyd.store import assignments, leftovers, strays
from safetyd.store.database import Connection
from safetyd.store.leftovers import KEPT_TOPICS, Refusal, RefusedKind, Stray
from safetyd.store.readings import ReadingRow
from safetyd.store.strays import KEPT_IN_ALL, KeptStray
from safetyd.wording import sound

log = logging.getLogger("safetyd.sensors")


@dataclass(slots=True)
class Waiting:
    """`flushed` of the rows are in the open transaction already; `late` are readings whose place's past must
    be read again, `unjudged` messages of topics that were assigned since, and when; `revised` are the places
    whose past was read again, and since when; `touched` those that have said something since they were last
    saved, `spoken` since the last commit, `unclaimed` the messages of nobody's topics."""

    rows: list[ReadingRow] = field(default_factory=list)
    late: list[Observation] = field(default_factory=list)
    unjudged: deque[tuple[Message, datetime]] = field(default_factory=deque)
    flushed: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    strays: dict[str, Stray] = field(default_factory=dict)
    unclaimed: list[KeptStray] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    revised: dict[Place, datetime] = field(default_factory=dict)
    touched: set[Place] = field(default_factory=set)
    spoken: set[Place] = field(default_factory=set)

    def touch(self, place: Place) -> None:
        """Note that a place has said something."""
        self.touched.add(place)
        self.spoken.add(place)

    def revise(self, place: Place, since: datetime) -> None:
        """Note that a place's past was read again from a moment on."""
        self.revised[place] = min(since, self.revised.get(place, since))

    def take_back(self) -> None:
        """Note that the open transaction is undone, and the rows in it with it: the next has them all."""
        self.flushed = 0

    @property
    def is_anything(self) -> bool:
        """Whether something was said, refused, or of nobody."""
        return bool(self.rows or self.refusals or self.strays)

    def refuse(self, message: Message, kind: RefusedKind, reason: str) -> None:
        """Note a message that cannot be used, or a value of it."""
        log.info("what came cannot be used: %s", kind.value, extra={"topic": message.topic})
        self.refusals.append(Refusal(message.received_at, kind, message.topic, reason, message.payload))

    def set_aside(self, message: Message, reason: str = "safetyd failed on it; please report this") -> None:
        """Keep a message that could not be judged for a reason of ours."""
        self.refuse(message, RefusedKind.PAYLOAD, reason)

    def write(self, connection: Connection, *, bounded: bool) -> None:
        """Write what was refused, nobody's, or assigned, in the open transaction."""
        leftovers.refuse(connection, self.refusals, bounded=bounded)
        leftovers.stray(connection, self.strays)
        strays.keep(connection, self.unclaimed)
        assignments.append(connection, self.assignments)

    def refuse_command(self, said: Mapping[str, Any], reason: str, at: datetime) -> None:
        """Note a refused action, by its ticket or topic."""
        asked = said.get("ticket") or said.get("topic") or ""
        about = sound(", ".join(map(str, asked)) if isinstance(asked, list) else str(asked))
        self.refusals.append(Refusal(at, RefusedKind.ACTION, about, sound(reason)))

    def keep_earliest(self) -> None:
        """Let go of all late readings but the earliest of each place."""
        earliest: dict[Place, Observation] = {}
        for each in sorted(self.late, key=lambda spoke: spoke.observed_at):
            earliest.setdefault(each.sensor.place, each)
        self.late = list(earliest.values())

    def stray(self, message: Message) -> None:
        """Note a message of no known place; of too many topics at once only the first."""
        at = message.received_at
        if message.topic in self.strays or len(self.strays) < KEPT_TOPICS:
            before = self.strays.get(message.topic, Stray(at, at, 0, b""))
            self.strays[message.topic] = before.again(at, message.payload)
            if not message.retain and len(self.unclaimed) < KEPT_IN_ALL:
                self.unclaimed.append(KeptStray(message.topic, at, message.payload))
