"""The way to the broker, or to one of several: a persistent session that is driven from our own loop.

Rule: a message is acknowledged when the caller says so, never before. A lost or absent broker is tried again,
or the next of the list, with growing, jittered pauses; subscriptions are made anew at every connection.
"""

import logging
import random
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from safetyd.core.units import JUST_AFTER
from safetyd.ingest.buffered import Client, client_of
from safetyd.ingest.message import Message
from safetyd.ingest.published import Published
from safetyd.ingest.turns import SHORTEST_PAUSE_S, STEADY_S, Turns
from safetyd.setting_mqtt import LARGEST_WINDOW, Broker, Mqtt

_FOR_EVER = 0xFFFFFFFF
_REFUSED = 0x80  # and above
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux
_ANSWER_SECONDS = 7.0  # a node of a cluster may ask the others first; NATS gives them 5
_GOOD_BYE_SECONDS = 2.0
_TAKEN_OVER = 0x8E  # what MQTT 5 says; 3.1.1 and Mosquitto before 2.0.15 hang up without a word
_CUT_SHORT = 5  # times in a row
_RIVAL_PAUSE_S = 10.0  # else the two drive each other out several times a second
RIVAL_SECONDS = 600.0

log = logging.getLogger("safetyd.mqtt")


class Received(NamedTuple):
    """A message and what acknowledges it, on the connection it came by; `mid` 0 needs no acknowledgement."""

    message: Message
    mid: int
    connection: int


class Link:
    """A connection to a broker, made again whenever it is lost, there or at the next of the list.

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
        self.has_moved = False  # whether it is another broker than the one we were lost by
        self.in_flight = settings.in_flight
        self.unheard: tuple[str, ...] | None = None  # which filters it refused; None before it has answered
        self._settings = settings
        self._filters = list(filters)
        self._now = now
        self._is_guest = is_guest
        self._turns = Turns(settings.places, random.random)
        self._held_by = self._turns.broker
        self._reasons: dict[Broker, str] = {}  # why each that was tried has not let us in, or has lost us
        self._received: list[Received] = []
        self._open: set[int] = set()  # what came by this connection and is not acknowledged
        self._asked: dict[int, list[str]] = {}  # filters whose subscription is not answered yet
        self._connection = 0
        self._is_closing = False
        self._last_at: datetime | None = None
        self._read_at = now()
        self._retry_at = self._tried_at = self._let_in_at = 0.0
        self._rival: tuple[float, str] | None = None
        self._cut_short = 0  # how often in a row the broker let us in and hung up at once
        self._status = f"{settings.root}/status/{client_id or settings.client_id}"
        self.client_id = client_id or settings.client_id
        self._client = self._make_client(self.client_id)
        self.on_connected: Callable[[], None] = lambda: None
        self.may_connect: Callable[[], bool] = lambda: True  # two of one client id would drive each other out

    def _make_client(self, client_id: str) -> Client:
        client = client_of(self._settings, client_id, is_guest=self._is_guest)
        if not self._is_guest:
            client.will_set(self._status, b'{"state":"offline"}', qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_published = self._on_published
        client.on_message = self._on_message  # at QoS 2
        return client

    @property
    def trouble(self) -> str:
        """Why there is no connection, by each broker that was tried; nothing while there is one."""
        return "; ".join(self._reasons.values())

    @property
    def is_turned_away(self) -> bool:
        """Whether each broker was tried, and none has let us in."""
        return self._turns.is_round_over

    @property
    def rival(self) -> str:
        """Why we take it that another program goes by our client id; nothing if it was not of late."""
        at_s, words = self._rival or (0.0, "")
        return words if words and time.monotonic() - at_s < RIVAL_SECONDS else ""

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
                self._open.discard(item.mid)
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
            if not self.is_connected and time.monotonic() - self._tried_at > _ANSWER_SECONDS:
                self.drop()  # it has taken the connection, and is frozen or no broker
        elif time.monotonic() >= self._retry_at:
            if self.may_connect():
                self._connect()
            else:
                self._retry_at = time.monotonic() + SHORTEST_PAUSE_S

    def seconds_to_retry(self) -> float | None:
        """Return how long until a connection is tried again; None while there is one."""
        return None if self._client.socket() is not None else max(0.0, self._retry_at - time.monotonic())

    def subscribe(self, filters: Sequence[str]) -> None:
        """Listen to these topics from now on."""
        self._filters = list(filters)
        if self.is_connected:
            self._subscribe()

    def _subscribe(self) -> None:
        _, mid = self._client.subscribe([(each, 1) for each in self._filters])
        if mid is not None:
            self._asked = {mid: self._filters}

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
            with suppress(OSError):  # the other end was quicker
                connected.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        settings, broker = self._settings, self._turns.broker
        self._client.forget()
        extra: dict[str, Any] = {}
        if settings.protocol == 5:
            properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0 if self._is_guest else _FOR_EVER
            properties.ReceiveMaximum = LARGEST_WINDOW
            extra = {"clean_start": self._is_guest, "properties": properties}
        self._tried_at = time.monotonic()
        try:
            self._client.connect(broker.host, broker.port, int(settings.keepalive.total_seconds()), **extra)
        except (OSError, ValueError) as error:
            self._failed(broker, f"{broker} cannot be reached: {error}")

    def _failed(self, broker: Broker, reason: str) -> None:
        self._cut_short = 0
        self._wait(broker, reason, self._turns.fail())

    def _wait(self, broker: Broker, reason: str, pause_s: float) -> None:
        following = self._turns.broker
        if self._reasons.get(broker) != reason:
            log.warning(
                "broker: %s; trying %s", reason, "again" if following == broker else f"{following} next"
            )
        self._reasons[broker] = reason
        self._retry_at = time.monotonic() + pause_s

    def _on_connect(self, _client: paho.Client, _data: Any, flags: Any, code: Any, properties: Any) -> None:
        broker = self._turns.broker
        if code.is_failure:
            is_too_new = self._settings.protocol == 5 and "protocol version" in str(code)
            mend = " (for MQTT 3.1.1, as NATS speaks it: protocol = 4 under [mqtt])" if is_too_new else ""
            self._failed(broker, f"{broker} refuses us: {code}{mend}")
            return
        self.is_connected = True
        self._reasons.clear()
        self._turns.let_in()
        self._let_in_at = time.monotonic()
        self.is_remembered = bool(flags.session_present)
        self.has_moved, self._held_by = broker != self._held_by, broker
        allowed = getattr(properties, "ReceiveMaximum", None)
        self.in_flight = min(LARGEST_WINDOW, allowed) if allowed else self._settings.in_flight
        self._subscribe()
        if not self._is_guest:
            self._client.publish(self._status, b'{"state":"online"}', qos=1, retain=True)
        log.info("broker: connected to %s", broker)
        self.on_connected()

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, code: Any, _properties: Any
    ) -> None:
        broker = self._turns.broker
        if self._is_closing:
            self._client.flush()  # paho closes its socket as soon as it has handed us the last packet
            log.info("broker: said good-bye")
        elif self.is_connected:
            lasted_s = time.monotonic() - self._let_in_at
            pause_s, why = self._turns.lose(lasted_s), f"lost: {code}"
            self._cut_short = self._cut_short + 1 if lasted_s < STEADY_S else 0
            if code.value == _TAKEN_OVER:
                pause_s, why = _RIVAL_PAUSE_S * random.uniform(0.5, 1), "taken over by another program"
                self._rival = time.monotonic(), f"another program uses the client id {self.client_id}"
            elif self._cut_short >= _CUT_SHORT:
                words = "the broker lets us in and hangs up at once: another program may use the client id "
                self._rival = time.monotonic(), words + self.client_id
            self._wait(broker, f"connection to {broker} {why}", pause_s)
        elif self._tried_at > self._retry_at:  # it was not refused: that has had its turn
            is_mute = time.monotonic() - self._tried_at > _ANSWER_SECONDS
            words = "does not answer" if is_mute else "hung up before it answered"
            self._failed(broker, f"{broker} {words}")
        self.is_connected, self.lost_at = False, self._read_at if self.is_connected else self.lost_at
        self._connection += 1
        self._open.clear()
        self._client.forget()

    def _on_subscribe(self, _client: paho.Client, _data: Any, mid: int, codes: Any, _properties: Any) -> None:
        filters = self._asked.pop(mid, None)
        if filters is None:
            return
        refused = tuple(
            each for each, code in zip(filters, codes, strict=False) if int(code.value) >= _REFUSED
        )
        if refused:
            log.warning("broker: %s refuses %d of %d topics", self._turns.broker, len(refused), len(filters))
        else:
            log.info("broker: %s lets us hear all %d topics", self._turns.broker, len(filters))
        self.unheard = refused

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._on_published(Published(message._topic, bytes(message.payload), message.retain, 0))
        client.ack(message.mid, message.qos)

    def _on_published(self, told: Published) -> None:
        if told.mid:
            if told.mid in self._open:  # 3.1.1 lets a broker say again what we still hold
                return
            self._open.add(told.mid)
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
