"""A wire to PostgreSQL, cut at a word of the client: before the server hears it, or before it answers.

Rule: it speaks no protocol; what it cuts it cuts for good, and whoever connects anew gets through.
"""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

from tests.journeys.servers import LOOPBACK


class Wire:
    """Listens on a port of its own; `cut_at` is a word that is waited for, once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._port = parts.port or 5432
        self._listener = socket.create_server((LOOPBACK, 0))
        user = f"{parts.username}@" if parts.username else ""
        there = f"{user}{LOOPBACK}:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=there))
        self._word = b""
        self._is_heard = False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, word: bytes, *, is_heard: bool) -> None:
        """Cut when a client says a word; `is_heard`: the server hears it, and nobody its answer."""
        self._is_heard, self._word = is_heard, word

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((LOOPBACK, self._port))
                is_cut = threading.Event()
                for way in (self._ask, self._answer):
                    threading.Thread(target=way, args=(client, server, is_cut), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, is_cut: threading.Event) -> None:
        with suppress(OSError):
            while said := client.recv(65536):
                if self._word and self._word in said:
                    self._word = b""
                    self.cuts += 1
                    is_cut.set()
                    if self._is_heard:
                        server.sendall(said)
                        return  # the answer closes both
                    break
                server.sendall(said)
        _close(client, server)

    def _answer(self, client: socket.socket, server: socket.socket, is_cut: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(65536):
                if is_cut.is_set():
                    break
                client.sendall(said)
        _close(client, server)


def _close(*both: socket.socket) -> None:
    for each in both:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
