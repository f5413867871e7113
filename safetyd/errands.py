"""What people ask of the daemon from other processes: each is carried out once, in order, and answered.

Rule: an answer is written in the transaction that changed something, and a question that cannot be carried
out is answered too.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from safetyd.core.errors import SafetydError, SomeRefusedError
from safetyd.core.units import JUST_AFTER
from safetyd.imports.taking import IMPORT, take
from safetyd.service import Service
from safetyd.store import inbox
from safetyd.store.database import Connection, last_written
from safetyd.trying import carry_out

_SHOWN = 100  # characters
LOOK_EVERY = 0.25  # seconds: how soon a command of another process is seen

log = logging.getLogger("safetyd")


class Errands:
    """The commands in the inbox; `commit` makes durable what one has changed, with its answer."""

    def __init__(self, service: Service, reader: Connection, commit: Callable[[], None]) -> None:
        self._service = service
        self._reader = reader
        self._commit = commit
        self._data_version = 0
        self._looked_at = 0.0
        self._at = datetime.min.replace(tzinfo=UTC)  # of the last one
        self._answers: dict[int, str] = {}

    def tend(self, now: datetime) -> None:
        """Carry out what other processes have left, if it is time to look."""
        if time.monotonic() - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = time.monotonic()
        version = last_written(self._reader)
        found = inbox.unanswered(self._reader) if version != self._data_version else []
        self._reader.rollback()
        for number in found:
            self.carry_out(number, now)
        self._data_version = version

    def carry_out(self, number: int, at: datetime) -> None:
        """Carry out one, as it was asked at a moment, unless that was done."""
        if number in self._answers:
            return
        body = inbox.body(self._reader, number)
        if body is not None:
            self._at = max(at, self._at + JUST_AFTER)  # each has a moment of its own, and so have its notices
            self._carry_out(number, json.loads(body), self._at)

    def write_answers(self, connection: Connection) -> None:
        """Write the answers that are not committed yet, in the open transaction."""
        for number, text in self._answers.items():
            inbox.answer(connection, number, text)

    def are_answered(self) -> None:
        """Note that the answers are committed."""
        self._answers.clear()

    def _carry_out(self, number: int, said: dict[str, Any], at: datetime) -> None:
        if said.get("do") == IMPORT:
            self._commit()  # it has a transaction of its own, after all that came before
        try:
            answer = answer_to(self._service, said, at)
        except Exception:  # a fault of ours must not make one command stop the watch for ever
            log.exception("a command could not be carried out", extra=_named(said))
            answer = json.dumps({"refused": "safetyd failed on it; please report this"})
        self._answers[number] = answer
        self._commit()


def _named(said: Mapping[str, Any]) -> dict[str, Any]:
    """What the log says of a command: what it is and about which ticket, never by whom."""
    told = {"command": said.get("do"), "ticket": said.get("ticket")}
    return {key: str(value)[:_SHOWN] for key, value in told.items() if value}


def answer_to(service: Service, said: dict[str, Any], at: datetime) -> str:
    """Carry out what a person asks, and return the answer: the ticket it is about, or why it is refused."""
    try:
        if said.get("do") == IMPORT:
            return json.dumps({"ticket": None, "taken_up": take(service, said, at)})
        return json.dumps(carry_out(service, said, at))
    except SomeRefusedError as error:
        return json.dumps({"refused": str(error), "each": error.each})
    except SafetydError as error:
        return json.dumps({"refused": str(error)})
