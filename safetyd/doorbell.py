"""Waits for several things at once: connections that bring something, and a bell that any thread may ring.

Rule: whoever rings waits for nobody. A ring that is not heard yet is as good as a second one.
"""

import os
import selectors
from collections.abc import Iterable
from contextlib import suppress
from socket import socket
from threading import RLock
from typing import Any, Protocol


class Peer(Protocol):
    """Somebody at the other end of a connection."""

    def socket(self) -> socket | None:
        """Return what to wait on, None while there is no connection."""

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits for the socket to take it."""


class Doorbell:
    """The selector, and the pipe that rings it."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Any, int] = {}
        self._out, self._in = os.pipe()
        self._is_gone = False
        self._turn = RLock()  # a signal may ring while its own thread does
        os.set_blocking(self._out, False)
        os.set_blocking(self._in, False)
        self._selector.register(self._out, selectors.EVENT_READ)

    def ring(self) -> None:
        """Let whoever waits look again; where nobody waits any more, nothing is done."""
        with self._turn, suppress(BlockingIOError):
            if not self._is_gone:
                os.write(self._in, b"!")

    def wait(self, peers: Iterable[Peer | None], pause_s: float) -> None:
        """Wait until one of the peers has something, somebody rings, or the pause is over."""
        self._watch(peers)
        for key, _ in self._selector.select(pause_s):
            if key.fd == self._out:
                with suppress(BlockingIOError):
                    os.read(self._out, 4096)

    def close(self) -> None:
        """Let go of it; who rings later writes nowhere, whatever has the pipe's number by then."""
        with self._turn:
            self._is_gone = True
            self._selector.close()
            os.close(self._out)
            os.close(self._in)

    def _watch(self, peers: Iterable[Peer | None]) -> None:
        """Wait on the connections there are now, for writing only while something waits to be written.

        What is gone is let go first: a new connection may have the number of an old one.
        """
        wanted: dict[Any, int] = {}
        for peer in peers:
            connected = None if peer is None else peer.socket()
            if peer is not None and connected is not None:
                write = selectors.EVENT_WRITE if peer.wants_to_write else 0
                wanted[connected] = selectors.EVENT_READ | write
        for gone in [each for each in self._watched if each not in wanted]:
            with suppress(KeyError, ValueError):
                self._selector.unregister(gone)
        for connected, events in wanted.items():
            if connected not in self._watched:
                self._selector.register(connected, events)
            elif self._watched[connected] != events:
                self._selector.modify(connected, events)
        self._watched = wanted
