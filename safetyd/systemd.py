"""What systemd is told: that we have begun, that we go on, how we are, and that we end.

Rule: only the loop that watches speaks here, so that silence means that it hangs. Nothing waits or fails;
where nobody listens nothing is said.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

_WELL = "watching"
_TIMES = 4  # as often as systemd asks for, so that one late turn is no death


class Systemd:
    """Holds the socket that systemd hears us by, as sd_notify(3) has it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address.startswith(("/", "@")):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        is_watched = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        asked = environment.get("WATCHDOG_USEC", "") if is_watched else ""
        self._every_s = int(asked) / 1e6 / _TIMES if asked.isdecimal() else float("inf")
        self._next_s = float("-inf")
        self._status = ""

    def go_on(self, trouble: str, at_s: float) -> None:
        """Say that a turn of the loop is over, and how we are; `at_s` is by a clock that never goes back."""
        status = trouble or _WELL
        if self._socket is None or (status == self._status and at_s < self._next_s):
            return
        lines = ["WATCHDOG=1"]
        if status != self._status:
            lines += [] if self._status else ["READY=1"]
            lines.append(f"STATUS={' '.join(status.split())}")
        self._status, self._next_s = status, at_s + self._every_s
        self._say(lines)

    def end(self) -> None:
        """Say that we end in order."""
        self._say(["STOPPING=1"])

    def _say(self, lines: list[str]) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it is said again
                self._socket.sendto("\n".join(lines).encode(), self._address)
