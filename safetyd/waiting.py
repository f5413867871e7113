"""What the next commit will write beside the World's changes."""

from dataclasses import dataclass, field
from datetime import datetime

from safetyd.core.model import Observation, Place
from safetyd.ingest.message import Message
from safetyd.store.leftovers import KEPT_TOPICS, Refusal, Stray
from safetyd.store.readings import ReadingRow


@dataclass(slots=True)
class Waiting:
    """`flushed` of the rows are in the open transaction already; `late` are readings whose place's past must
    be read again, `revised` the places whose past was, and since when; `touched` are the places that have
    said something since they were last saved."""

    rows: list[ReadingRow] = field(default_factory=list)
    late: list[Observation] = field(default_factory=list)
    flushed: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    strays: dict[str, Stray] = field(default_factory=dict)
    revised: dict[Place, datetime] = field(default_factory=dict)
    touched: set[Place] = field(default_factory=set)

    def revise(self, place: Place, since: datetime) -> None:
        """Note that a place's past was read again from a moment on."""
        self.revised[place] = min(since, self.revised.get(place, since))

    def stray(self, message: Message) -> None:
        """Note a message of no known place; of too many topics at once only the first."""
        at = message.received_at
        if message.topic in self.strays or len(self.strays) < KEPT_TOPICS:
            before = self.strays.get(message.topic, Stray(at, at, 0, b""))
            self.strays[message.topic] = before.again(at, message.payload)
