"""One gateway's copy at a centre while it is open: what it holds and takes in, what is asked and answered.

Rule: what does not fit is told and kept aside, and the rest of that record is not asked for until some time
later. A command is sent until it is answered, at growing distances.
"""

import os
import time
from contextlib import suppress
from hashlib import sha256

import msgspec

from safetyd.clock import Clock
from safetyd.setting_centre import Gateway
from safetyd.store import bidden, copy_of, inbox, receiving
from safetyd.store.database import Connection, undone_on_failure
from safetyd.store.moments import micros
from safetyd.store.receiving import MisfitError
from safetyd.store.shipment import Bid, Piece, ShipmentError, read_answer, unpacked, written

SAY_EVERY_S = 60.0
HALTED_S = 600.0  # until rows that did not fit are asked for again
LONGEST_PAUSE_S = 3600.0  # between two times that a command is sent
MOST_BYTES = 1024 * 1024  # of a command: what brokers carry
_LOOK_ANYWAY_S = 5.0  # the clock of files is coarse
_TOO_LARGE = "it is too large for the way there (at most 1 MiB); attach the file at the gateway itself"


class Copy:
    """One gateway's copy while it is open; the thread's own."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self.gateway = gateway
        self.fault = ""
        self.heard_s = time.monotonic()
        self.connection: Connection | None = None
        self._clock = clock
        self._halted_until = 0.0
        self._name, self._content = "", b""
        self._log, self._written, self._look_at_s = f"{gateway.copy}-wal", -1, 0.0
        self._sent: dict[str, tuple[float, float]] = {}

    def open(self) -> Connection:
        """Return the connection, opened at the first time."""
        if self.connection is None:
            self.gateway.copy.parent.mkdir(parents=True, exist_ok=True)
            self.connection = receiving.open_copy_of(self.gateway.name, self.gateway.url)
        return self.connection

    def held(self) -> bytes:
        """Return what the copy holds, as it is said."""
        connection = self.open()
        try:
            file = (self._name, len(self._content)) if self._content else None
            return written(receiving.held(connection, file, is_halted=self._is_halted))
        finally:
            connection.rollback()

    @property
    def _is_halted(self) -> bool:
        return time.monotonic() < self._halted_until

    def take(self, payload: bytes) -> bool:
        """Take a piece in; return whether it fitted, else `fault` says why not."""
        connection = self.open()
        try:
            piece = unpacked(payload)
            self.heard_s = time.monotonic()
            self._note(connection, piece)
            receiving.take(connection, piece)
            self._take_chunk(connection, piece)
        except (MisfitError, ShipmentError) as error:
            self.fault, self._halted_until = str(error), time.monotonic() + HALTED_S
            with suppress(OSError):
                self.gateway.copy.with_name(f"{self.gateway.copy.name}.refused").write_bytes(payload)
            return False
        if not self._is_halted:
            self.fault = ""
        for key, (_, pause_s) in self._sent.items():  # it is there: what it has not answered it did not get
            self._sent[key] = (0.0, pause_s)
        return True

    def bids(self) -> list[bytes]:
        """Return the commands that are to be sent now."""
        connection, now_s = self.open(), time.monotonic()
        if not self._may_have_more(now_s):
            return []
        waiting = bidden.waiting(connection)
        connection.rollback()
        self._sent = {each.key: self._sent.get(each.key, (0.0, SAY_EVERY_S / 2)) for each in waiting}
        made = []
        for each in waiting:
            due_s, pause_s = self._sent[each.key]
            if now_s < due_s:
                continue
            if len(each.body) > MOST_BYTES:
                self._answered(each.number, msgspec.json.encode({"refused": _TOO_LARGE}).decode())
                continue
            self._sent[each.key] = now_s + pause_s, min(pause_s * 2, LONGEST_PAUSE_S)
            made.append(written(Bid(each.key, msgspec.json.decode(each.body))))
        return made

    def _may_have_more(self, now_s: float) -> bool:
        """Return whether a command may have been left, or is to be sent again, without asking the store."""
        try:
            written = os.stat(self._log).st_mtime_ns
        except OSError:
            written = 0
        is_due = any(due_s <= now_s for due_s, _ in self._sent.values())
        if written == self._written and now_s < self._look_at_s and not is_due:
            return False
        self._written, self._look_at_s = written, now_s + _LOOK_ANYWAY_S
        return True

    def take_answer(self, payload: bytes) -> None:
        """Put an answer of the gateway where whoever asked looks for it."""
        said, connection = read_answer(payload), self.open()
        waiting = bidden.waiting(connection)
        connection.rollback()
        for each in waiting:
            if each.key == said.key:
                self._answered(each.number, said.answer)

    def close(self) -> None:
        """Let go of it."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _answered(self, number: int, answer: str) -> None:
        connection = self.open()
        with undone_on_failure(connection):
            inbox.answer(connection, number, answer)
            connection.commit()

    def _note(self, connection: Connection, piece: Piece) -> None:
        heard = {"head": piece.head, "newest": piece.newest, "at": piece.at, "heard": micros(self._clock())}
        with undone_on_failure(connection):
            copy_of.note(connection, heard)
            connection.commit()

    def _take_chunk(self, connection: Connection, piece: Piece) -> None:
        chunk = piece.file
        if chunk is None:
            return
        content = self._content if chunk.sha256 == self._name else b""
        if chunk.offset != len(content):
            return
        self._name, self._content = chunk.sha256, content + chunk.content
        if len(self._content) < chunk.size:
            return
        whole, self._content = self._content, b""
        if sha256(whole).hexdigest() != chunk.sha256:
            raise MisfitError(f"file {chunk.sha256} is not what its note says of it")
        with undone_on_failure(connection):
            receiving.keep_file(connection, chunk.sha256, whole)
