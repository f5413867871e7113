"""Asks NUT's upsd for a UPS that hangs on this machine, and says over its words as messages of ours.

Rule: only a plain `OL` or `OB` is a word on the mains; whatever else comes, or does not come, is a fault and
no message, so that an old `on` goes stale by itself. Nothing here waits, and nothing that upsd says raises.

NUT's few lines of text are spoken here because aionut, its one kept client, runs only under asyncio, and we
have a single selector loop.
"""

import json
import logging
import re
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from safetyd.clock import Clock
from safetyd.ingest.message import Message
from safetyd.ingest.values import number, shown

ANSWER_WITHIN = timedelta(seconds=2)  # the connection included
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)
TELL_EVERY = timedelta(seconds=60)  # while the mains do not change
LONGEST_ANSWER = 1 << 16  # bytes; a talkative UPS says 8000
_NOT_KNOWN = frozenset({"OFF", "WAIT", "COMMLOST", "NOCOMM"})
_ON_PURPOSE = frozenset({"CAL", "TEST"})  # on battery because it tries its battery
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NAMED = 8  # UPSes in a fault

log = logging.getLogger("safetyd.upsd")


class _Nonsense(Exception):
    """What no upsd says."""


class Upsd:
    """A connection to upsd, made again whenever it is lost, and what it last said of one UPS.

    A host name is looked up until that succeeds, which may wait for a name server; an address is not.
    `is_dying`: the UPS was about to order a shutdown when it was last heard. `fault` says why nothing is
    known now; it is empty while all is well.
    """

    def __init__(
        self,
        host: str,
        port: int,
        name: str,
        every: timedelta,
        clock: Clock,
        *,
        topic: str,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.is_dying = False
        self.fault = ""
        self._where = host, port
        self._name = name
        self._every = every
        self._clock = clock
        self._topic = topic
        self._greeting = [
            f"{word} {_quoted(value)}"
            for word, value in (("USERNAME", username), ("PASSWORD", password))
            if value is not None
        ]
        self._addresses: Sequence[tuple[Any, ...]] = ()
        self._untried: list[tuple[Any, ...]] = []
        self._socket: socket.socket | None = None
        self._out, self._in, self._taken = b"", b"", 0
        self._asked: deque[str] = deque()
        self._answer: list[str] = []
        self._since, self._wait = (
            clock(),
            timedelta(0),
        )  # until an answer is overdue, or the next question due
        self._pause = SHORTEST_PAUSE
        self._mains: bool | None = None
        self._told_at = self._since

    def socket(self) -> socket.socket | None:
        """Return what to wait on, None while there is no connection."""
        return self._socket

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits for the socket to take it, or for a connection."""
        return bool(self._out)

    @property
    def next_at(self) -> datetime:
        """When `tend` has something to do even if nothing arrives."""
        return self._since + self._wait

    def tend(self, now: datetime) -> list[Message]:
        """Ask, listen, connect anew, whatever is due; return what the UPS has said."""
        try:
            if _is_over(self._since, self._wait, now):
                if self._asked:
                    raise TimeoutError
                self._ask(now)
            self._send()
            return self._receive(now)
        except _Nonsense as error:
            self._lost(f"What answers at {self._place} is no upsd: it says {error}", now)
        except (OSError, UnicodeError, OverflowError):  # the latter two: a host or port that cannot be
            self._lost(
                f"upsd does not answer at {self._place}; does it run, and LISTEN there in its upsd.conf?", now
            )
        return []

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._out, self._in = b"", b""
        self._asked.clear()
        self._answer.clear()

    @property
    def _place(self) -> str:
        host, port = self._where
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _ask(self, now: datetime) -> None:
        self._since, self._wait, self._taken = now, ANSWER_WITHIN, 0
        if self._socket is None:
            self._connect()
            for line in self._greeting:
                self._say(line)
        self._say(f"LIST VAR {self._name}")

    def _say(self, command: str) -> None:
        self._asked.append(command)
        self._out += command.encode() + b"\n"

    def _connect(self) -> None:
        if not self._untried:
            # In an outage the name server may be the first to go: what was found once is kept.
            self._addresses = self._addresses or socket.getaddrinfo(*self._where, type=socket.SOCK_STREAM)
            self._untried = list(self._addresses)
        family, kind, protocol, _, address = self._untried.pop(0)
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        try:
            self._socket.connect(address)
        except BlockingIOError:
            pass

    def _send(self) -> None:
        if self._socket is None or not self._out:
            return
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:  # so it is while the connection is being made, too
            return
        self._out = self._out[sent:]

    def _receive(self, now: datetime) -> list[Message]:
        if self._socket is None or self._out:
            return []
        try:
            received = self._socket.recv(LONGEST_ANSWER)
        except BlockingIOError:
            return []
        if not received:
            if self._asked:
                raise ConnectionError
            self.close()  # upsd hangs up on who is long silent; the next question connects again
            return []
        self._taken += len(received)
        if self._taken > LONGEST_ANSWER:
            raise _Nonsense(f"more than {LONGEST_ANSWER} bytes at once")
        self._untried.clear()
        *lines, self._in = (self._in + received).split(b"\n")
        told = []
        for line in lines:
            told += self._hear(line.decode("utf-8", "replace"), now)
        if self._in and not self._asked:
            raise _Nonsense(shown(self._in.decode("utf-8", "replace")))
        return told

    def _hear(self, line: str, now: datetime) -> list[Message]:
        if not self._asked:
            raise _Nonsense(shown(line))
        self._answer.append(line)
        if not _is_last(line, self._asked[0], is_first=len(self._answer) == 1):
            return []
        command, answer = self._asked.popleft(), self._answer
        self._answer = []
        told = []
        if command == "LIST UPS":
            names = [" ".join(each.split()[1:2]) for each in answer[1:-1]]
            self._unknown(self._stranger(names))
        elif command.startswith("LIST VAR"):
            self._pause = SHORTEST_PAUSE
            if answer[0].split()[:2] == ["ERR", "UNKNOWN-UPS"]:
                self._say("LIST UPS")
            elif answer[0].startswith("ERR "):
                self._unknown(self._refusal(answer[0].removeprefix("ERR ")))
            else:
                told = self._judge(_variables(answer[1:-1]), now)
        if not self._asked:
            self._wait = self._every
        return told

    def _judge(self, variables: Mapping[str, str], now: datetime) -> list[Message]:
        status = variables.get("ups.status", "")
        words = frozenset(status.split())
        self.is_dying = "FSD" in words or ({"OB", "LB"} <= words and not words & _ON_PURPOSE)
        mains = mains_of(words)
        if mains is None:
            self._unknown(f"UPS {self._name} says {shown(status)}, which is no word on the mains")
            return []
        if self.fault:
            log.info("UPS %s is heard again", self._name)
        self.fault = ""
        if mains is self._mains and not _is_over(self._told_at, TELL_EVERY, now):
            return []
        self._mains, self._told_at = mains, now
        payload = json.dumps(readings_of(mains, variables)).encode()
        return [Message(self._clock(), self._topic, payload)]

    def _lost(self, fault: str, now: datetime) -> None:
        self.close()
        self._since = now
        if self._untried:  # `localhost` has two addresses
            self._wait = timedelta(0)
            return
        self._wait, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        self._unknown(fault)

    def _unknown(self, fault: str) -> None:
        self._mains = None  # the next word is news, whatever it is
        if self.fault != fault:
            log.warning("%s", fault)
        self.fault = fault

    def _stranger(self, names: Sequence[str]) -> str:
        known = ", ".join(shown(each).strip('"') for each in names[:_NAMED]) or "none"
        more = ", …" if len(names) > _NAMED else ""
        return f"UPS {self._name} is unknown to upsd; known: {known}{more}"

    def _refusal(self, error: str) -> str:
        match error.split()[:1]:
            case ["DRIVER-NOT-CONNECTED"]:
                return f"Driver not connected: upsd waits for the driver of UPS {self._name}; does it run?"
            case ["DATA-STALE"]:
                return f"Data stale: the driver of UPS {self._name} no longer hears it; is its cable in?"
            case ["ACCESS-DENIED"]:
                return f"upsd at {self._place} denies us access to UPS {self._name}; see its upsd.users"
        return f"upsd at {self._place} refuses to speak of UPS {self._name}: {shown(error)}"


def mains_of(words: frozenset[str]) -> bool | None:
    """Return whether a UPS in this status has mains; None where that is not plainly said."""
    if words & _NOT_KNOWN or ("OL" in words) == ("OB" in words):
        return None
    if "OB" in words and words & _ON_PURPOSE:
        return None
    return "OL" in words


def readings_of(mains: bool, variables: Mapping[str, str]) -> dict[str, bool | float]:
    """Return a native payload: the mains and what was measured; the UPS's own output never counts."""
    found: dict[str, bool | float] = {"mains": mains}
    for key, variable in (
        ("voltage", "input.voltage"),
        ("battery", "battery.charge"),
        ("power_w", "ups.realpower"),
    ):
        value = number(variables.get(variable))
        if value is not None:
            found[key] = value
    if mains and found.get("voltage") == 0:  # some say OL one poll before their voltmeter has noticed
        del found["voltage"]
    return found


def _variables(lines: Sequence[str]) -> dict[str, str]:
    """Return the variables of a list; a line that cannot be read leaves the others standing."""
    found = {}
    for line in lines:
        _, _, name, *value = line.split(" ", 3)
        quoted = _QUOTED.fullmatch(value[0]) if value else None
        if quoted:
            found[name] = re.sub(r"\\(.)", r"\1", quoted[1])
    return found


def _is_last(line: str, command: str, *, is_first: bool) -> bool:
    """Return whether a line ends the answer to a command.

    Raises:
        _Nonsense: it has no place in that answer.
    """
    is_list = command.startswith("LIST ")
    if is_first:
        if line.startswith("ERR ") or (line.startswith("OK") and not is_list):
            return True
        if is_list and line == f"BEGIN {command}":
            return False
    elif line == f"END {command}":
        return True
    elif line.startswith(command.removeprefix("LIST ") + " "):
        return False
    raise _Nonsense(shown(line))


def _quoted(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _is_over(since: datetime, span: timedelta, now: datetime) -> bool:
    """Whether a span has passed, or the clock was put back and nobody knows."""
    return not since <= now < since + span
