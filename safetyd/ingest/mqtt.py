"""The way to the broker: a persistent session that is driven from our own loop, and the only door to paho.

Rule: a message is acknowledged when the caller says so, never before. A lost or absent broker is tried again
with growing, jittered pauses; subscriptions are made anew at every connection.
"""

import logging
import random
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from safetyd.core.errors import SafetydError
from safetyd.core.units import JUST_AFTER
from safetyd.ingest.message import Message
from safetyd.ingest.published import PacketError, Published, published
from safetyd.settings import Mqtt

IN_FLIGHT = 1000  # how many unacknowledged messages we ask the broker for
_CAUTIOUS_IN_FLIGHT = 20  # what a broker that does not say is taken to allow
_FOR_EVER = 0xFFFFFFFF
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux
_CHUNK = 1 << 16
_QOS, _QOS_2 = 0x06, 0x04  # in a packet's first byte
_CONNECT_SECONDS = 3
_GOOD_BYE_SECONDS = 2.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0

log = logging.getLogger("safetyd.mqtt")


class Received(NamedTuple):
    """A message and what acknowledges it, on the connection it came by; `mid` 0 needs no acknowledgement."""

    message: Message
    mid: int
    connection: int


class LinkError(SafetydError):
    """The connection cannot be set up as it is configured."""


class _BufferedClient(paho.Client):
    """paho with a buffer at its socket and a short way for messages.

    It reads each packet by three calls of the system, sends each acknowledgement by one, and makes a table of
    all properties for each message of MQTT 5: together most of what a message costs. The two methods by which
    it reaches its socket and the one that takes a message are the seam; all else is its own.
    """

    on_published: Callable[[Published], None]
    _in = b""
    _at = 0
    _out = b""

    def forget(self) -> None:
        """Drop what a lost connection left behind."""
        self._in, self._at, self._out = b"", 0, b""

    @property
    def has_more(self) -> bool:
        """Whether something was read from the socket and not yet from the buffer."""
        return self._at < len(self._in)

    def send_out(self) -> None:
        """Hand everything that waits to the socket, as far as it takes it."""
        self.loop_write()
        self.flush()

    def flush(self) -> None:
        """Hand what is in our buffer to the socket, as far as it takes it."""
        while self._out and self._sock is not None:
            try:
                sent = super()._sock_send(self._out)
            except BlockingIOError:
                return
            except OSError:
                self.forget()  # paho finds the lost connection when it reads next
                return
            self._out = self._out[sent:]

    def want_write(self) -> bool:
        return bool(self._out) or super().want_write()

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at >= len(self._in):
            self._in, self._at = super()._sock_recv(_CHUNK), 0
        piece = self._in[self._at : self._at + bufsize]
        self._at += len(piece)
        return piece

    def _handle_publish(self) -> MQTTErrorCode:
        head = self._in_packet["command"]
        if head & _QOS == _QOS_2:
            return super()._handle_publish()
        try:
            body = bytes(self._in_packet["packet"])
            self.on_published(published(head, body, has_properties=self._protocol == paho.MQTTv5))
        except PacketError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _sock_send(self, buf: bytes | bytearray) -> int:
        self._out += bytes(buf)
        return len(buf)


class Link:
    """A connection to the broker, made again whenever it is lost.

    A guest only listens: it leaves no session behind and says nothing of itself.
    """

    def __init__(
        self,
        settings: Mqtt,
        filters: Sequence[str],
        now: Callable[[], datetime],
        client_id: str | None = None,
        *,
        is_guest: bool = False,
    ) -> None:
        self.is_connected = False
        self.is_remembered = True  # whether the broker that took us has kept what came while we were away
        self.lost_at: datetime | None = None  # when we last listened before the connection was lost
        self.in_flight = _CAUTIOUS_IN_FLIGHT
        self.trouble = ""
        self._settings = settings
        self._filters = list(filters)
        self._now = now
        self._is_guest = is_guest
        self._received: list[Received] = []
        self._connection = 0
        self._is_closing = False
        self._last_at: datetime | None = None
        self._read_at = now()
        self._pause = _SHORTEST_PAUSE
        self._retry_at = 0.0
        self._status = f"{settings.root}/status/{client_id or settings.client_id}"
        self._client = self._make_client(client_id or settings.client_id)
        self.on_connected: Callable[[], None] = lambda: None
        self.may_connect: Callable[[], bool] = lambda: True  # two of one client id would drive each other out

    def _make_client(self, client_id: str) -> _BufferedClient:
        settings = self._settings
        is_5 = settings.protocol == 5
        client = _BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if is_5 else self._is_guest,
            protocol=paho.MQTTv5 if is_5 else paho.MQTTv311,
            manual_ack=True,
        )
        if settings.username is not None:
            password = settings.password.get_secret_value() if settings.password else None
            client.username_pw_set(settings.username, password)
        if settings.tls:
            try:
                client.tls_set(
                    ca_certs=str(settings.ca_file) if settings.ca_file else None,
                    certfile=str(settings.cert_file) if settings.cert_file else None,
                    keyfile=str(settings.key_file) if settings.key_file else None,
                )
            except (OSError, ssl.SSLError, ValueError) as error:
                raise LinkError(f"mqtt: its certificate files cannot be used: {error}") from error
        client.connect_timeout = _CONNECT_SECONDS
        if not self._is_guest:
            client.will_set(self._status, b'{"state":"offline"}', qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_published = self._on_published
        client.on_message = self._on_message  # at QoS 2
        # With a writer of its own paho queues acknowledgements instead of sending each at once.
        client.on_socket_register_write = lambda *_: None
        client.on_socket_unregister_write = lambda *_: None
        return client

    def socket(self) -> socket.socket | None:
        """Return what to wait on, None while there is no connection."""
        found = self._client.socket()
        return found if isinstance(found, socket.socket) else None

    @property
    def has_more(self) -> bool:
        """Whether messages wait where no socket tells of them: in our buffer, or in that of TLS."""
        connected = self._client.socket()
        return self._client.has_more or (isinstance(connected, ssl.SSLSocket) and connected.pending() > 0)

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits for the socket to take it."""
        return self._client.want_write()

    def receive(self, at_most: int) -> list[Received]:
        """Return what has arrived, up to about `at_most` messages."""
        client = self._client
        self._read_at = self._now()
        while client.socket() is not None and len(self._received) < at_most:
            if client.loop_read() != paho.MQTT_ERR_SUCCESS or not client.has_more:
                break
        connected = self.socket()
        if connected is not None and _QUICK_ACK is not None:
            # Else the broker's next small message waits up to 40 ms for our kernel's delayed acknowledgement.
            connected.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        taken, self._received = self._received, []
        return taken

    def put_back(self, received: Sequence[Received]) -> None:
        """Keep messages that could not be taken now for the next `receive`."""
        self._received = [*received, *self._received]

    def acknowledge(self, received: Sequence[Received]) -> None:
        """Tell the broker that these are safe with us."""
        for item in received:
            if item.mid and item.connection == self._connection:  # on a new one the broker sends it again
                self._client.ack(item.mid, 1)
        self._client.send_out()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Send a message of our own; while the connection is away it is not sent."""
        if self.is_connected:
            self._client.publish(topic, payload, qos=qos, retain=retain)

    def tend(self) -> None:
        """Keep the connection alive, or make it again when its pause is over."""
        if self._client.socket() is not None:
            if self._client.want_write():
                self._client.send_out()
            self._client.loop_misc()
        elif time.monotonic() >= self._retry_at:
            if self.may_connect():
                self._connect()
            else:
                self._retry_at = time.monotonic() + _SHORTEST_PAUSE

    def seconds_to_retry(self) -> float | None:
        """Return how long until a connection is tried again; None while there is one."""
        return None if self._client.socket() is not None else max(0.0, self._retry_at - time.monotonic())

    def subscribe(self, filters: Sequence[str]) -> None:
        """Listen to these topics from now on."""
        self._filters = list(filters)
        if self.is_connected:
            self._client.subscribe([(each, 1) for each in self._filters])

    def close(self) -> None:
        """Say that we are going, and go; the broker keeps our session."""
        self._is_closing = True
        if self.is_connected and not self._is_guest:
            last = self._client.publish(self._status, b'{"state":"offline"}', qos=1, retain=True)
            self._until_taken(last)
        self._client.disconnect()
        self._client.send_out()

    def _until_taken(self, last: paho.MQTTMessageInfo) -> None:
        """Wait a moment for the broker to have our last words: to close while it speaks takes them back."""
        give_up_at = time.monotonic() + _GOOD_BYE_SECONDS
        while not last.is_published() and (left := give_up_at - time.monotonic()) > 0:
            connected = self._client.socket()
            if connected is None:
                return
            self._client.send_out()
            if not self.has_more:
                with selectors.DefaultSelector() as waiting:
                    waiting.register(connected, selectors.EVENT_READ)
                    waiting.select(left)
            self._client.loop_read()

    def drop(self) -> None:
        """Be gone without a word, as when the power goes."""
        connected = self.socket()
        if connected is not None:
            connected.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        settings = self._settings
        self._client.forget()
        extra: dict[str, Any] = {}
        if settings.protocol == 5:
            properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0 if self._is_guest else _FOR_EVER
            properties.ReceiveMaximum = IN_FLIGHT
            extra = {"clean_start": self._is_guest, "properties": properties}
        try:
            self._client.connect(
                settings.host, settings.port, int(settings.keepalive.total_seconds()), **extra
            )
        except (OSError, ValueError) as error:
            self._lost(f"{settings.host}:{settings.port} cannot be reached: {error}")

    def _lost(self, reason: str) -> None:
        if self.trouble != reason:
            log.warning("broker: %s; trying again", reason)
        self.trouble = reason
        self._retry_at = time.monotonic() + self._pause * random.uniform(0.5, 1.0)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _on_connect(self, _client: paho.Client, _data: Any, flags: Any, code: Any, properties: Any) -> None:
        if code.is_failure:
            self._lost(f"{self._settings.host}:{self._settings.port} refuses us: {code}")
            return
        self.is_connected, self.trouble, self._pause = True, "", _SHORTEST_PAUSE
        self.is_remembered = bool(flags.session_present)
        allowed = getattr(properties, "ReceiveMaximum", None)
        self.in_flight = min(IN_FLIGHT, allowed) if allowed else _CAUTIOUS_IN_FLIGHT
        self._client.subscribe([(each, 1) for each in self._filters])
        if not self._is_guest:
            self._client.publish(self._status, b'{"state":"online"}', qos=1, retain=True)
        log.info("broker: connected to %s:%s", self._settings.host, self._settings.port)
        self.on_connected()

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, code: Any, _properties: Any
    ) -> None:
        if self._is_closing:
            self._client.flush()  # paho closes its socket as soon as it has handed us the last packet
            log.info("broker: said good-bye")
        elif self.is_connected or not self.trouble:
            self._lost(f"connection to {self._settings.host}:{self._settings.port} lost: {code}")
        self.is_connected, self.lost_at = False, self._read_at if self.is_connected else self.lost_at
        self._connection += 1
        self._client.forget()

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._on_published(Published(message._topic, bytes(message.payload), message.retain, 0))
        client.ack(message.mid, message.qos)

    def _on_published(self, told: Published) -> None:
        at = self._read_at
        if self._last_at is not None and at <= self._last_at:
            at = self._last_at + JUST_AFTER  # no two messages share a moment, so no reading hides another
        self._last_at = at
        try:
            topic = told.topic.decode()
        except UnicodeDecodeError:
            topic = "(topic is not UTF-8)"
        arrived = Message(at, topic, told.payload, told.retain)
        self._received.append(Received(arrived, told.mid, self._connection))
