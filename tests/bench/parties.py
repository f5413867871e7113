"""Who is compared: how each is started, and what it leaves in its store.

Rule: each hears the same messages of a plant of its own, from a broker of its own with the same settings.
"""

import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nodered import Form, node_red
from stand import Calls, Plant, broker, daemon, sink
from wire import Wire, wire

BARE = "bare paho"


class Party(NamedTuple):
    """One that does the whole job."""

    name: str
    started: Callable[[Plant], AbstractContextManager[subprocess.Popen[str]]]
    rows: int  # in its store, for each message
    distinct: str  # what tells one message from another there


PARTIES = (
    Party("safetyd", daemon, 2, "sensor, observed_at"),
    Party("Node-RED", partial(node_red, form=Form.SINGLE), 1, "topic, at"),
    Party("Node-RED, batched", partial(node_red, form=Form.BATCHED), 1, "topic, at"),
)
HASTY = Party("Node-RED, telling first", partial(node_red, form=Form.HASTY), 1, "topic, at")
BY_HAND = Party("Node-RED, by hand", partial(node_red, form=Form.BY_HAND), 1, "topic, at")


class Stand(NamedTuple):
    """A party with its plant, whoever publishes to it, and what its webhook hears."""

    party: Party
    plant: Plant
    publisher: Wire
    webhook: Calls

    def first_words(self) -> None:
        """Let every room speak once."""
        before = self.plant.stored()
        self.publisher.publish_all(self.plant.readings(self.plant.rooms))
        self.await_messages(before, self.plant.rooms)

    def await_messages(self, before: int, messages: int) -> tuple[float, int]:
        """Return the moment at which so many more are committed, and the number of rows then.

        However slow somebody is, the wait goes on for as long as something is stored.
        """
        rows = before + self.party.rows * messages
        while True:
            so_far = self.plant.stored()
            try:
                return self.plant.await_rows(rows)
            except TimeoutError:
                if self.plant.stored() == so_far:
                    raise

    def distinct(self) -> int:
        """Return how many different messages are stored."""
        asked = f"SELECT count(*) FROM (SELECT DISTINCT {self.party.distinct} FROM reading)"
        with closing(sqlite3.connect(f"file:{self.plant.where}/bench.db?mode=ro", uri=True)) as store:
            return int(store.execute(asked).fetchone()[0])

    def settled(self, seconds: float) -> None:
        """Return once nothing has been stored for so long."""
        rows, since = self.plant.stored(), time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(0.05)
            if (now := self.plant.stored()) != rows:
                rows, since = now, time.monotonic()


@contextmanager
def stand(where: Path, party: Party, rooms: int = 200, extra_buildings: int = 0) -> Iterator[Stand]:
    """Yield a party that is not started yet."""
    with ExitStack() as held:
        port = held.enter_context(broker(where, 1000))
        webhook, webhook_port = held.enter_context(sink())
        publisher = held.enter_context(wire(port, "publisher"))
        place = where / f"{party.name.replace(', ', '-')}-{rooms}"
        plant = Plant(place, port, rooms, webhook=webhook_port, extra_buildings=extra_buildings)
        yield Stand(party, plant, publisher, webhook)


def tree(pid: int) -> list[int]:
    """Return a process and all that it has started and that still runs."""
    found = [pid]
    for each in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in each.read_text().split():
            found += tree(int(child))
    return found
