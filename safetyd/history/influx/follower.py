"""Copies committed rows to InfluxDB in a thread of its own, one request after the other.

Rule: it reads what comes after the row it has come to, sends that, and only then goes on; how far it is saved
by whoever writes the store, later, for a line that is sent twice is stored once. What is refused is put aside
only while a line that was taken before still is: else it is not the lines. It holds one piece of rows at a
time, and leaves the processor to the watch for most of the time.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from typing import NamedTuple

from safetyd.history.influx import patience
from safetyd.history.influx.again import Rows, Sensors, as_stored
from safetyd.history.influx.door import Door
from safetyd.history.influx.lines import Line, halves
from safetyd.history.influx.patience import Answer, Meaning, meaning
from safetyd.setting_outside import Influx
from safetyd.store import replica
from safetyd.store.database import Connection, open_for_reading
from safetyd.store.replica import Stream, Uncopied

MOST_LINES, MOST_BYTES = 5_000, 1_000_000  # of one request
_PIECE = 250  # rows that are read and written down without a pause
_EVERY_S = 1.0  # how often is looked for what is new, once everything is copied
_SHARE, _SHARE_IN_BURST = 0.25, 0.02  # of one processor, while there is much to copy
_SAY_EVERY_S = 10.0
_HOPELESS = 100  # lines refused one after the other, in however many requests
_TROUBLE_AFTER_S = 3600.0
_UNSAVED = 200  # refused lines that wait to be put on record
_TAKEN = (Meaning.STORED, Meaning.TOO_OLD)
_REFUSED = (Meaning.UNREADABLE, Meaning.TOO_LARGE)

log = logging.getLogger("safetyd.influx")


class Progress(NamedTuple):
    """How far the copy is, what it refused that may not be on record yet, and what a person is to mend.

    `fault` is None while nobody knows yet.
    """

    rows: dict[Stream, int]
    refused: tuple[Uncopied, ...] = ()
    fault: str | None = None


class Follower:
    """The thread. Any other may read `progress`, and say until when (monotonic) the watch is busy."""

    def __init__(
        self, settings: Influx, store_url: str, now: Callable[[], datetime], sensors: Sensors = as_stored
    ) -> None:
        self.progress = Progress(dict.fromkeys(Stream, 0))
        self.busy_until_s = 0.0
        self._target = settings.target
        self._store_url = store_url
        self._now = now
        self._door = Door(settings)
        self._rows = Rows(sensors)
        self._is_new_site = False
        self._most_lines = MOST_LINES
        self._reached = self.progress.rows  # ahead of what is saved while it is open why lines are refused
        self._doubted: list[Line] = []  # refused, and nobody knows yet whether it is the lines
        self._in_a_row = 0
        self._taken: Line | None = None  # the last line that was
        self._failures = 0
        self._silent_since: float | None = None
        self._sent = 0
        self._behind_since: float | None = None
        self._said_at = 0.0
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="influx", daemon=True)

    def start(self) -> None:
        """Begin to copy."""
        self._thread.start()

    def take_site(self) -> None:
        """Go by another site file from now on: what is copied stays as it is."""
        self._is_new_site = True

    def stop(self, within_s: float = 0.0) -> None:
        """End soon; what is being sent may arrive, and is sent again by the next start."""
        self._is_ended.set()
        if within_s and self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._is_ended.is_set():
            try:
                with closing(open_for_reading(self._store_url)) as connection:
                    self._follow(connection)
            except Exception:  # a fault of ours must not end the copying for ever
                log.exception("copying to InfluxDB failed; again in a while")
                self._is_ended.wait(patience.LONGEST_PAUSE_S)
        self._door.close()

    def _follow(self, connection: Connection) -> None:
        rows = replica.copied(connection, self._target)
        connection.rollback()
        self.progress = self.progress._replace(rows=rows)
        self._go_back()
        while not self._is_ended.is_set():
            self._tell(connection)
            is_more = False
            for stream in Stream:
                lines = self._read(connection, stream)
                if lines and self._send(lines):
                    self._reached = self._reached | {stream: lines[-1].row}
                    if not self._doubted:
                        self.progress = self.progress._replace(rows=self._reached)
                    is_more = is_more or len(lines) >= self._most_lines
            self._forget_saved(connection)
            if not is_more:
                self._is_ended.wait(_EVERY_S)

    def _read(self, connection: Connection, stream: Stream) -> list[Line]:
        """Return the next lines of a stream, at most so many and so long that one request holds them."""
        lines: list[Line] = []
        size, after = 0, self._reached[stream]
        if self._is_new_site:
            self._is_new_site = False
            self._rows.forget()
        while len(lines) < self._most_lines and size < MOST_BYTES and not self._is_ended.is_set():
            began_s = time.thread_time()
            piece = self._rows.after(connection, stream, after, min(_PIECE, self._most_lines - len(lines)))
            connection.rollback()  # what is read for long keeps the store's log from being folded in
            if not piece:
                break
            lines += piece
            size += sum(len(line.text) for line in piece)
            after = piece[-1].row
            if len(piece) >= _PIECE:
                self._give_way(began_s)
        return lines

    def _give_way(self, began_s: float) -> None:
        """Leave the processor to others, in proportion to how long this thread has had it since then."""
        share = _SHARE_IN_BURST if time.monotonic() < self.busy_until_s else _SHARE
        self._is_ended.wait((time.thread_time() - began_s) * (1 / share - 1))

    def _send(self, lines: list[Line]) -> bool:
        """Send lines until each is stored or refused; return False if they are to be sent again."""
        todo = [lines]
        while todo:
            part = todo.pop()
            answer = self._write(part)
            match meaning(answer):
                case Meaning.STORED:
                    self._went_well(part)
                case Meaning.TOO_OLD:
                    log.warning(
                        "influx: of %d lines those too old for it were not taken: %s", len(part), answer.words
                    )
                    self._went_well(part)
                case Meaning.UNREADABLE | Meaning.TOO_LARGE as why if len(part) > 1:
                    if why is Meaning.TOO_LARGE:
                        self._most_lines = max(1, min(self._most_lines, len(part) // 2))
                    todo += reversed([*halves(part)])
                case Meaning.UNREADABLE | Meaning.TOO_LARGE:
                    self._doubted += part
                    self._in_a_row += 1
                    if self._in_a_row >= _HOPELESS and not self._takes_lines(answer):
                        return False
                case _:
                    todo.append(part)
                    if not self._wait(answer):
                        return False
        return self._taken is None or self._settle()

    def _settle(self) -> bool:
        """Send what was refused once more, and put aside what is again; False if nothing is taken now."""
        doubted, refused = self._doubted, list[Uncopied]()
        if not doubted:
            return True
        if not self._takes_lines():
            return False
        for line in doubted:
            answer = self._write([line])
            if meaning(answer) in _REFUSED:
                refused.append(_put_aside(line, answer))
            elif meaning(answer) not in _TAKEN:
                self._wait(answer)
                self._go_back()
                return False
        if refused and not self._takes_lines():
            return False
        self._doubted = []
        self._put_on_record(refused)
        return True

    def _takes_lines(self, answer: Answer | None = None) -> bool:
        """Return whether a line that was taken before is taken now; if not, wait and begin again after that.

        `answer` is what was said to another line, which stands where none was taken yet.
        """
        if self._taken is not None:
            answer = self._write([self._taken])
            if meaning(answer) in _TAKEN:
                self._in_a_row = 0
                return True
        if answer is not None:
            self._wait(answer)
        self._go_back()
        return False

    def _go_back(self) -> None:
        """Read again what came after the row that is saved."""
        self._reached, self._doubted, self._in_a_row = self.progress.rows, [], 0
        self._rows.forget()

    def _write(self, part: Sequence[Line]) -> Answer:
        began_s = time.thread_time()
        answer = self._door.write([line.text for line in part])
        if len(part) >= _PIECE:
            self._give_way(began_s)
        return answer

    def _went_well(self, part: Sequence[Line]) -> None:
        if self._failures:
            log.warning("influx: it takes what is sent again")
        self._failures, self._silent_since = 0, None
        self._sent += len(part)
        self._taken, self._in_a_row = part[-1], 0
        if self.progress.fault != "":
            self.progress = self.progress._replace(fault="")

    def _wait(self, answer: Answer) -> bool:
        """Wait before the same is sent again; return False if we end meanwhile."""
        mend = ""
        if meaning(answer) in _REFUSED:
            mend = "every line is refused: look at url, and give it a bucket of its own"
        elif meaning(answer) is Meaning.MISCONFIGURED:
            mend = patience.mend(answer)
        now_s = time.monotonic()
        if self._silent_since is None:
            self._silent_since = now_s
        said = f"{answer.status or 'no answer'}: {answer.words}".rstrip(": ")
        is_long = now_s - self._silent_since >= _TROUBLE_AFTER_S
        if mend or is_long:
            fault = (
                f"InfluxDB takes nothing ({said}); {mend or 'look whether it runs'}; all is kept until then"
            )
            self.progress = self.progress._replace(fault=fault)
        if not self._failures:
            log.warning("influx: nothing is taken (%s)%s; trying again", said, f"; {mend}" if mend else "")
        pause_s = patience.pause_s(
            self._failures, random.random(), self._now(), answer.retry_after, is_slow=bool(mend)
        )
        self._failures += 1
        return not self._is_ended.wait(pause_s)

    def _put_on_record(self, refused: list[Uncopied]) -> None:
        for each in refused:
            log.warning(
                "influx: %s %d is refused and put aside: %s", each.stream.value, each.row, each.reason
            )
        self.progress = self.progress._replace(refused=(*self.progress.refused, *refused))

    def _forget_saved(self, connection: Connection) -> None:
        """Let go of refused lines that are on record; wait for that if there are many."""
        while self.progress.refused:
            saved = replica.copied(connection, self._target)
            connection.rollback()
            left = tuple(each for each in self.progress.refused if each.row > saved[each.stream])
            self.progress = self.progress._replace(refused=left)
            if len(left) < _UNSAVED or self._is_ended.wait(_EVERY_S):
                return

    def _tell(self, connection: Connection) -> None:
        """Say how a long way goes on, and when it is done."""
        now_s = time.monotonic()
        behind = sum(replica.newest(connection, stream) - row for stream, row in self.progress.rows.items())
        connection.rollback()
        if behind < MOST_LINES:
            if self._behind_since is not None:
                rate = self._sent / (now_s - self._behind_since)
                log.info("influx: caught up: %d rows at %.0f/s", self._sent, rate)
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self._said_at = now_s
            self._sent = 0
            log.info("influx: %d rows are still to be copied", behind)
        elif now_s - self._said_at >= _SAY_EVERY_S:
            self._said_at = now_s
            rate = self._sent / (now_s - self._behind_since)
            left = f", about {behind / rate / 60:.0f} min to go" if rate else ""
            log.info("influx: %d rows are still to be copied, %.0f/s%s", behind, rate, left)


def _put_aside(line: Line, answer: Answer) -> Uncopied:
    return Uncopied(
        line.stream, line.row, line.text.decode(errors="replace"), f"{answer.status}: {answer.words}"
    )
