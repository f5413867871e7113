"""The promise: whatever a broker of MQTT 3.1.1 says on one connection, a message counts once and is
acknowledged when the caller says so.

The broker is a socket whose every packet the test chooses: no real one repeats itself when it is asked to.
"""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from safetyd.ingest.mqtt import Link, Received
from safetyd.setting_mqtt import Mqtt
from tests.journeys.servers import LOOPBACK, WITHIN, until

CONNACK, SUBACK, PUBACK = 0x20, 0x90, 0x40
SUBSCRIBE = 0x82


def packet(kind: int, body: bytes) -> bytes:
    return bytes([kind, len(body)]) + body


def publish(mid: int, payload: bytes, *, is_again: bool = False) -> bytes:
    """Return a message at QoS 1 on the topic t."""
    return packet(0x3A if is_again else 0x32, b"\x00\x01t" + mid.to_bytes(2, "big") + payload)


class Scripted:
    """A broker that has taken a link's connection."""

    def __init__(self, listening: socket.socket, link: Link) -> None:
        self._listening = listening
        self._link = link
        self._link_end: socket.socket | None = None

    def takes(self, codes: bytes) -> None:
        """Let the link in, and answer its subscriptions with these codes."""
        link = self._link
        link.tend()
        self._link_end, _ = self._listening.accept()
        self._link_end.settimeout(WITHIN)
        assert self._hears()[0] == 0x10
        self.says(packet(CONNACK, b"\x00\x00"))
        received(link, lambda _: link.is_connected)
        kind, body = self._hears()
        while kind != SUBSCRIBE:
            kind, body = self._hears()
        self.says(packet(SUBACK, body[:2] + codes))
        received(link, lambda _: link.unheard is not None)

    def says(self, packets: bytes) -> None:
        assert self._link_end is not None
        self._link_end.sendall(packets)

    def acknowledged(self) -> int:
        """Return the number of the next message that is acknowledged."""
        kind, body = self._hears()
        while kind != PUBACK:
            kind, body = self._hears()
        return int.from_bytes(body, "big")

    def _hears(self) -> tuple[int, bytes]:
        assert self._link_end is not None
        self._link.tend()  # it sends what it has to say
        kind, length = self._link_end.recv(1)[0], self._link_end.recv(1)[0]
        assert length < 128
        body = b""
        while len(body) < length:
            body += self._link_end.recv(length - len(body))
        return kind, body

    def close(self) -> None:
        if self._link_end is not None:
            self._link_end.close()


def received(link: Link, is_enough: Callable[[list[Received]], bool]) -> list[Received]:
    """Return what a link has received once it is enough."""
    found: list[Received] = []

    def look() -> bool:
        link.tend()
        found.extend(link.receive(100))
        return is_enough(found)

    until("the link has received it", look)
    return found


def receives(link: Link, last: bytes) -> list[bytes]:
    """Return the payloads that a link receives up to one."""
    return payloads(received(link, lambda found: last in payloads(found)))


def payloads(found: list[Received]) -> list[bytes]:
    return [each.message.payload for each in found]


@pytest.fixture
def broker() -> Iterator[tuple[Scripted, Link]]:
    """A broker, and a link that is not connected to it yet; it asks for the topics t and 'u v'."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        settings = Mqtt(port=listening.getsockname()[1], protocol=4, in_flight=500)
        link = Link(settings, ["t", "u v"], lambda: datetime.now(UTC))
        made = Scripted(listening, link)
        yield made, link
        made.close()
        link.drop()


def test_a_message_that_is_said_again_before_it_is_acknowledged_counts_once(
    broker: tuple[Scripted, Link],
) -> None:
    there, link = broker
    there.takes(codes=b"\x01\x01")
    there.says(publish(7, b"first"))
    held = received(link, bool)
    there.says(publish(7, b"first", is_again=True) + publish(8, b"second"))
    assert receives(link, b"second") == [b"second"]
    link.acknowledge(held)
    assert there.acknowledged() == 7
    there.says(publish(7, b"third"))  # the number is free again
    assert receives(link, b"third") == [b"third"]


def test_on_a_new_connection_what_was_not_acknowledged_comes_again(broker: tuple[Scripted, Link]) -> None:
    there, link = broker
    there.takes(codes=b"\x01\x01")
    there.says(publish(7, b"first"))
    held = received(link, bool)
    there.close()
    received(link, lambda _: not link.is_connected)
    until("its pause is over", lambda: link.seconds_to_retry() == 0)
    there.takes(codes=b"\x01\x01")
    link.acknowledge(held)  # of no use there
    there.says(publish(7, b"first", is_again=True))
    again = received(link, bool)
    assert payloads(again) == [b"first"]
    link.acknowledge(again)
    assert there.acknowledged() == 7


def test_a_topic_that_is_refused_is_known_and_the_window_is_as_it_is_set(
    broker: tuple[Scripted, Link],
) -> None:
    there, link = broker
    assert link.unheard is None
    there.takes(codes=b"\x01\x80")
    assert link.unheard == ("u v",)
    assert link.in_flight == 500


def test_a_broker_of_mqtt_5_that_gives_our_session_to_another_is_understood() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        link = Link(Mqtt(port=listening.getsockname()[1]), ["t"], lambda: datetime.now(UTC))
        link.tend()
        there, _ = listening.accept()
        there.sendall(packet(CONNACK, b"\x00\x00\x00"))
        received(link, lambda _: link.is_connected)
        assert not link.rival and not link.trouble
        there.sendall(packet(0xE0, b"\x8e\x00"))
        received(link, lambda _: not link.is_connected)
        there.close()
        assert link.rival == "another program uses the client id safetyd"
        assert link.trouble.endswith("taken over by another program")
        assert (link.seconds_to_retry() or 0) > 4, "else each would drive the other out all the time"
