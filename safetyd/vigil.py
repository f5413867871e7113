"""While nobody knows the time: whatever arrives is kept on disk and marked, and nothing is judged.

Rule: a message is acknowledged once it is kept. When the time is known, each is taken in at the moment at
which it came, in order and before anything new. Of a boot whose time was never known nothing can be dated,
and a wrong date could end an outage or begin one: its messages are refused, and stay on record.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from safetyd.clock import UNDATED
from safetyd.ingest.message import Message
from safetyd.store import inbox, undated
from safetyd.store.database import Connection, undone_on_failure
from safetyd.store.undated import Kept
from safetyd.timekeeper import Timekeeper

_A_PIECE = 1000
_NO_TIME = timedelta(0)


class Dated(NamedTuple):
    """Something that was kept, with its moment; `command` is a person's number in the inbox instead.

    `refused` says why it cannot be judged.
    """

    id: int
    message: Message
    command: int | None = None
    refused: str = ""


class Vigil:
    """What was kept; up to `taken` it was taken in, and may be forgotten with the next commit."""

    def __init__(self, connection: Connection, reader: Connection, time: Timekeeper) -> None:
        self.taken = 0
        self.is_over = False
        self._connection = connection
        self._reader = reader
        self._time = time
        self._commands = undated.commands(reader)
        reader.rollback()

    def keep(self, messages: Sequence[Message]) -> None:
        """Keep messages, stamped with the time since boot, and mark the commands that people have left.

        Raises:
            StoreError: nothing was kept.
        """
        asked = set(inbox.unanswered(self._reader)) - self._commands
        self._reader.rollback()
        if not messages and not asked:
            return
        boot, now = self._time.boot, self._time.clock()
        rows = [Kept(boot, each.received_at - UNDATED, *each[1:]) for each in messages]
        rows += [Kept(boot, now - UNDATED, command=number) for number in sorted(asked)]
        with undone_on_failure(self._connection):
            undated.keep(self._connection, rows)
            self._connection.commit()
        self._commands |= asked

    def beginning(self) -> datetime:
        """Return since when somebody listens; the time must be known."""
        first = undated.first(self._reader, self._time.boot)
        self._reader.rollback()
        return self._time.beginning(None if first is None else first.since_boot)

    def piece(self) -> list[Dated]:
        """Return the next of what was kept, in order, each with its moment; nothing when all was taken."""
        found = undated.after(self._reader, self.taken, _A_PIECE)
        dated = list(self._dated(found))
        self._reader.rollback()
        self.is_over = not dated
        return dated

    def _dated(self, found: Sequence[Kept]) -> Iterator[Dated]:
        for each in found:
            moment, refused = self._time.moment(each.since_boot), ""
            if each.boot != self._time.boot:
                # the machine was switched off before it was booted again
                moment -= undated.longest(self._reader, each.boot)
                refused = (
                    f"it came {each.since_boot.total_seconds():.0f} s after a start of the machine that never"
                    f" learned the time, before {self._time.moment(_NO_TIME):%Y-%m-%d %H:%M} UTC"
                )
            message = Message(moment, each.topic, each.payload, each.retain)
            yield Dated(each.id, message, each.command, refused)
