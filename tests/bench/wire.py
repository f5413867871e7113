"""MQTT 3.1.1 by hand, just enough to publish faster than any client library and to watch one topic.

Rule: a packet is made before the clock starts; what is measured is never the making of it.
"""

import select
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_CONNECT, _PUBLISH_QOS_1, _SUBSCRIBE = 0x10, 0x32, 0x82
_PUBACK_BYTES = 4
_CHUNK = 1 << 16
_SECONDS = 60.0


def publish_packet(topic: str, payload: bytes, number: int) -> bytes:
    """Return a PUBLISH at QoS 1; `number` becomes its packet identifier."""
    identifier = (number % 65_535 + 1).to_bytes(2, "big")
    return _packet(_PUBLISH_QOS_1, _text(topic) + identifier + payload)


class Wire:
    """One connection to a broker."""

    def __init__(self, port: int, name: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = b"\x02\x00\x00"  # a clean session that is never pinged
        self._socket.sendall(_packet(_CONNECT, _text("MQTT") + b"\x04" + flags + _text(name)))
        self._pending = b""
        self._expect(4)

    def close(self) -> None:
        """Leave without a word; a clean session leaves nothing behind."""
        self._socket.close()

    def publish_all(self, packets: Iterable[bytes]) -> None:
        """Publish and return once the broker has acknowledged every one."""
        made = list(packets)
        data, sent, owed = memoryview(b"".join(made)), 0, len(made) * _PUBACK_BYTES
        self._socket.setblocking(False)
        try:
            while sent < len(data) or owed > 0:
                readable, writable, _ = select.select(
                    [self._socket], [self._socket] if sent < len(data) else [], [], _SECONDS
                )
                if not readable and not writable:
                    raise TimeoutError("the broker acknowledges nothing any more")
                if readable:
                    owed -= len(self._socket.recv(_CHUNK))
                if writable:
                    sent += self._socket.send(data[sent : sent + _CHUNK])
        finally:
            self._socket.settimeout(_SECONDS)

    def publish(self, packet: bytes) -> None:
        """Publish one and do not wait; what came back meanwhile is thrown away."""
        self._socket.sendall(packet)
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(_CHUNK)

    def subscribe(self, topic: str) -> None:
        """Ask for a topic at QoS 0."""
        self._socket.sendall(_packet(_SUBSCRIBE, b"\x00\x01" + _text(topic) + b"\x00"))

    def wait_for(self, text: bytes) -> None:
        """Return as soon as a message that holds `text` comes; retained ones do not count."""
        while True:
            head, body = self._one()
            if head & 0xF1 == 0x30 and text in body:
                return

    def _one(self) -> tuple[int, bytes]:
        head, length, shift = self._expect(1)[0], 0, 0
        while True:
            digit = self._expect(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return head, self._expect(length)

    def _expect(self, size: int) -> bytes:
        while len(self._pending) < size:
            came = self._socket.recv(_CHUNK)
            if not came:
                raise ConnectionError("the broker closed the connection")
            self._pending += came
        taken, self._pending = self._pending[:size], self._pending[size:]
        return taken


@contextmanager
def wire(port: int, name: str) -> Iterator[Wire]:
    """Yield a connection that is closed at the end."""
    opened = Wire(port, name)
    try:
        yield opened
    finally:
        opened.close()


def _text(said: str) -> bytes:
    return len(said.encode()).to_bytes(2, "big") + said.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([kind]) + bytes(digits) + body
