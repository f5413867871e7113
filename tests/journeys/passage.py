"""A way to a server that a test can close: who comes by it is cut off, and nobody else."""

import socket
import threading
from contextlib import suppress

from tests.journeys.servers import LOOPBACK


class Passage:
    """A port of its own that leads to another; closed, it refuses who comes and hangs up on who is there."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._server: socket.socket | None = None
        self._within: list[socket.socket] = []
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            self.port = int(probe.getsockname()[1])

    @property
    def is_open(self) -> bool:
        return self._server is not None

    @is_open.setter
    def is_open(self, wanted: bool) -> None:
        if wanted and self._server is None:
            self._server = socket.create_server((LOOPBACK, self.port))
            threading.Thread(target=self._run, args=(self._server,), daemon=True).start()
        elif not wanted and self._server is not None:
            for each in (self._server, *self._within):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._server, self._within = None, []

    def __enter__(self) -> "Passage":
        self.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False

    def _run(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.create_connection((LOOPBACK, self._to))
                self._within += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
