"""Looks at the broker as a guest: what it allows, and what it keeps for somebody who is away.

Rule: the daemon's client id is never used, nothing that others hear is sent, and no session is left behind.
What an account may write is asked at QoS 2 and never finished: Mosquitto answers, and delivers nothing.
"""

import json
import ssl
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from safetyd.core.errors import SafetydError
from safetyd.doctor.broker_findings import SENT, WINDOW, Seen
from safetyd.doctor.listeners import is_open
from safetyd.setting_mqtt import Mqtt

_FOR_EVER = 0xFFFFFFFF
_AWAY_S = 600  # how long the broker keeps a queue that nobody came back for
_CONNECT_S, _ANSWER_S, _QUEUE_S = 3.0, 3.0, 30.0
_EACH_S = 0.2  # a cluster makes a queue on several machines for each subscription
_QUIET_S = 0.5  # without a message: then the window is full, or nothing is left
_REFUSED = 0x80
_VERSION = "$SYS/broker/version"


class _TurnedAwayError(SafetydError):
    """The broker cannot be reached, or does not let us in."""


class _Client(paho.Client):
    """Notes what the broker answers to a message at QoS 2, and goes no further with it."""

    answers: dict[int, int]

    def _handle_pubrec(self) -> MQTTErrorCode:
        body = bytes(self._in_packet["packet"])
        self.answers[int.from_bytes(body[:2], "big")] = body[2] if len(body) > 2 else 0
        return MQTTErrorCode.MQTT_ERR_SUCCESS


class _Guest:
    """A connection that lasts as long as it is looked at."""

    def __init__(
        self, settings: Mqtt, id: str, *, clean: bool, keep_s: int, is_stranger: bool = False
    ) -> None:
        self.heard: list[tuple[str, bytes, int]] = []
        self.granted: dict[int, list[int]] = {}
        self.taken = 0
        self.is_5 = settings.protocol == 5
        self._code: Any = None
        self.properties: Any = None
        self.has_session = False
        client = self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=id,
            clean_session=None if self.is_5 else clean,
            protocol=paho.MQTTv5 if self.is_5 else paho.MQTTv311,
            manual_ack=True,
        )
        client.answers = {}
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(WINDOW)
        client.max_queued_messages_set(0)
        if settings.username is not None and not is_stranger:
            client.username_pw_set(
                settings.username, settings.password.get_secret_value() if settings.password else None
            )
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = lambda _c, _d, m: self.heard.append((m.topic, bytes(m.payload), m.mid))
        client.on_publish = self._on_publish
        self._connect(settings, clean=clean, keep_s=keep_s, is_stranger=is_stranger)

    def _connect(self, settings: Mqtt, *, clean: bool, keep_s: int, is_stranger: bool) -> None:
        extra: dict[str, Any] = {}
        if self.is_5:
            asked: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            asked.SessionExpiryInterval, asked.ReceiveMaximum = keep_s, WINDOW
            extra = {"clean_start": clean, "properties": asked}
        try:
            if settings.tls:
                own = () if is_stranger else (settings.cert_file, settings.key_file)
                cert, key = (str(each) if each else None for each in (own or (None, None)))
                self._client.tls_set(str(settings.ca_file) if settings.ca_file else None, cert, key)
            self._client.connect(settings.host, settings.port, **extra)
        except (OSError, ValueError) as error:
            said = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
            raise _TurnedAwayError(f"it cannot be reached: {said}") from error
        if not self.wait(lambda: self._code is not None, _ANSWER_S):
            raise _TurnedAwayError("it does not answer as a broker; is this its port?")
        if self._code.is_failure:
            raise _TurnedAwayError(f"it refuses us: {self._code}")

    def _on_connect(self, _client: Any, _data: Any, flags: Any, code: Any, properties: Any) -> None:
        self._code, self.properties, self.has_session = code, properties, flags.session_present

    def _on_subscribe(self, _client: Any, _data: Any, mid: int, codes: Any, _properties: Any) -> None:
        self.granted[mid] = [each.value for each in codes]

    def _on_publish(self, *_: Any) -> None:
        self.taken += 1

    def wait(self, is_done: Callable[[], bool], within_s: float) -> bool:
        """Return whether something came to pass in time."""
        give_up_at = time.monotonic() + within_s
        while not is_done():
            if time.monotonic() >= give_up_at or self._client.loop(0.05) != paho.MQTT_ERR_SUCCESS:
                return is_done()
        return True

    def wait_till_quiet(self, most: int, within_s: float) -> None:
        """Wait until nothing comes any more, or so many messages have."""
        give_up_at = time.monotonic() + within_s
        while len(self.heard) < most and time.monotonic() < give_up_at:
            before = len(self.heard)
            if not self.wait(lambda before=before: len(self.heard) > before, _QUIET_S):  # type: ignore[misc]
                return

    def property(self, name: str) -> int | None:
        """Return what the broker said of itself when it let us in."""
        found = getattr(self.properties, name, None)
        return found if isinstance(found, int) else None

    def certificate(self) -> bytes | None:
        """Return the broker's certificate, None without TLS."""
        connected = self._client.socket()
        return connected.getpeercert(binary_form=True) if isinstance(connected, ssl.SSLSocket) else None

    def subscribe(self, filters: Sequence[str]) -> tuple[str, ...]:
        """Subscribe at QoS 1 and return what was refused."""
        _, mid = self._client.subscribe([(each, 1) for each in filters])
        within_s = _ANSWER_S + _EACH_S * len(filters)
        if mid is None or not self.wait(lambda: mid in self.granted, within_s):
            return tuple(filters)
        return tuple(each for each, code in zip(filters, self.granted[mid], strict=False) if code >= _REFUSED)

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Hear no more of these."""
        self._client.unsubscribe(list(filters))

    def may_write(self, topics: Sequence[str]) -> dict[str, bool]:
        """Return of each topic whether a message would be taken there, none of which is delivered."""
        asked = {topic: self._client.publish(topic, b"{}", qos=2).mid for topic in topics}
        answers = self._client.answers
        self.wait(lambda: all(mid in answers for mid in asked.values()), _ANSWER_S)
        return {topic: answers[mid] < _REFUSED for topic, mid in asked.items() if mid in answers}

    def send(self, topic: str, count: int, within_s: float) -> bool:
        """Send so many small messages at QoS 1; return whether the broker took them all in time."""
        extra: dict[str, Any] = {}
        if self.is_5:
            extra["properties"] = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            extra["properties"].MessageExpiryInterval = _AWAY_S
        wanted = self.taken + count
        for _ in range(count):
            self._client.publish(topic, b"0", qos=1, **extra)
        return self.wait(lambda: self.taken >= wanted, within_s)

    def hears(self, topic: str) -> bool:
        """Return whether what we send to a topic comes back to us."""
        self.subscribe([topic])
        self.send(topic, 1, _ANSWER_S)
        return self.wait(lambda: any(each[0] == topic for each in self.heard), _ANSWER_S)

    def acknowledge(self, begin: int) -> int:
        """Acknowledge what was heard since; return how much was heard in all."""
        for _, _, mid in self.heard[begin:]:
            self._client.ack(mid, 1)
        return len(self.heard)

    def leave(self, keep_s: int = 0) -> None:
        """Go, and have our session kept for so long."""
        extra: dict[str, Any] = {}
        if self.is_5:
            extra["properties"] = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            extra["properties"].SessionExpiryInterval = keep_s
        self._client.disconnect(**extra)
        self._client.loop(0.05)


def look(settings: Mqtt, heard: Sequence[str], said: Sequence[str], places: Collection[str]) -> Seen:
    """Return what the broker is like.

    Args:
        settings: How the daemon reaches it.
        heard: The topic filters that the daemon listens to.
        said: A topic of each kind that it speaks on.
        places: Topics on which sensors send.
    """
    id = f"{settings.client_id}-doctor-{token_hex(4)}"
    seen = Seen(str(settings.places[0]), is_5=settings.protocol == 5, is_encrypted=settings.tls)
    seen = seen._replace(is_open=is_open(settings.host, settings.port))
    try:
        first = _Guest(settings, id, clean=True, keep_s=_FOR_EVER)
    except _TurnedAwayError as error:
        return seen._replace(refused=str(error))
    try:
        seen = _ways(seen._replace(said=tuple(said)), first, settings, heard)
        seen = _queue(seen, first, settings, heard, id)
        if seen.is_5 and seen.version.startswith("mosquitto"):  # others might deliver what is asked
            with suppress(_TurnedAwayError):
                seen = _rights(seen, settings, heard, places, id)
    finally:
        with suppress(_TurnedAwayError):
            _Guest(settings, id, clean=True, keep_s=0).leave()  # whatever waits for us is forgotten
    if settings.username is None and settings.cert_file is None:
        return seen._replace(strangers=True)
    return _stranger(seen, settings, id, places)


def shared(brokers: Sequence[Mqtt]) -> dict[str, bool]:
    """Return of each broker but the first that lets us in whether it knows a session that began there."""
    id = f"{brokers[0].client_id}-doctor-{token_hex(4)}"
    found: dict[str, bool] = {}
    first: _Guest | None = None
    try:
        for each in brokers:
            with suppress(_TurnedAwayError):
                guest = _Guest(each, id, clean=False, keep_s=_AWAY_S)
                if first is None:
                    guest.subscribe([f"{each.root}/doctor/{id}"])
                else:
                    found[str(each.places[0])] = bool(guest.has_session)
                guest.leave(_AWAY_S)
                first = first or guest
    finally:
        for each in brokers:
            with suppress(_TurnedAwayError):
                _Guest(each, id, clean=True, keep_s=0).leave()
    return found


def _ways(seen: Seen, guest: _Guest, settings: Mqtt, heard: Sequence[str]) -> Seen:
    """What it says of itself, and what it lets us subscribe to."""
    own = f"{settings.root}/status/{settings.client_id}"
    guest.subscribe([_VERSION, own])
    guest.wait(lambda: {_VERSION, own} <= {topic for topic, *_ in guest.heard}, 1.0)
    said = {topic: payload for topic, payload, _ in guest.heard}
    version = said.get(_VERSION, b"").decode(errors="replace")
    unheard = guest.subscribe(list(heard))
    guest.unsubscribe([*heard, own])
    expiry_s = guest.property("SessionExpiryInterval")
    return seen._replace(
        version=version,
        largest=guest.property("MaximumPacketSize"),
        forgets_after_s=None if expiry_s == _FOR_EVER else expiry_s,
        promised=guest.property("ReceiveMaximum"),
        status=_state(said.get(own, b"")),
        unheard=unheard,
        certificate=guest.certificate(),
    )


def _rights(seen: Seen, settings: Mqtt, heard: Sequence[str], places: Collection[str], id: str) -> Seen:
    """What our account may do, each asked by a guest of its own: some brokers hang up on a foreign topic."""
    may = _may_write(settings, id, [*seen.said, *places])
    elsewhere = f"{settings.client_id}-doctor/{token_hex(4)}"  # in no access list
    reads_all = False
    if not any(paho.topic_matches_sub(each, elsewhere) for each in heard):
        with suppress(_TurnedAwayError):
            guest = _Guest(settings, f"{id}-e", clean=True, keep_s=0)
            reads_all = guest.may_write([elsewhere]).get(elsewhere, False) and guest.hears(elsewhere)
            guest.leave()
    return seen._replace(
        denied=tuple(topic for topic in seen.said if not may[topic]),
        strangers_write=any(may[topic] for topic in places),
        reads_all=reads_all,
    )


def _may_write(settings: Mqtt, id: str, topics: Sequence[str]) -> dict[str, bool]:
    """Return of each topic whether we may write it; of one at which we are hung up on we may not."""
    may: dict[str, bool] = {}
    for asked in (topics, *([each] for each in topics)):
        left = [topic for topic in asked if topic not in may]
        if left:
            guest = _Guest(settings, f"{id}-w", clean=True, keep_s=0)
            may |= guest.may_write(left)
            guest.leave()
    return {topic: may.get(topic, False) for topic in topics}


def _queue(seen: Seen, guest: _Guest, settings: Mqtt, heard: Sequence[str], id: str) -> Seen:
    """What waits for somebody who is away, tried with messages that nobody else hears."""
    topic = f"{settings.root}/doctor/{id}"
    if any(paho.topic_matches_sub(each, topic) for each in heard):
        guest.leave()
        return seen._replace(unproved=f"safetyd itself would hear what is sent to {topic} ([mqtt] also)")
    if not guest.hears(topic):
        guest.leave()
        return seen._replace(unproved=f"our account may not both write and read {settings.root}/doctor/#")
    guest.acknowledge(0)
    if not guest.is_5:  # 3.1.1 says at the beginning whether it will be back
        guest.leave()
        guest = _Guest(settings, id, clean=False, keep_s=_AWAY_S)
        guest.subscribe([topic])
    guest.leave(_AWAY_S)
    try:
        other = _Guest(settings, f"{id}-w", clean=True, keep_s=0)
        is_sent = other.send(topic, SENT, _QUEUE_S)
        other.leave()
        if not is_sent:
            return seen._replace(unproved=f"it did not take {SENT:,} small messages within {_QUEUE_S:.0f} s")
        back = _Guest(settings, id, clean=False, keep_s=_AWAY_S)
    except _TurnedAwayError as error:
        return seen._replace(unproved=f"the second time {error}")
    back.wait_till_quiet(SENT, _QUEUE_S)
    window = at = len(back.heard)
    back.acknowledge(0)
    while len(back.heard) < SENT:
        back.wait_till_quiet(len(back.heard) + 1, _QUEUE_S)
        if len(back.heard) == at:
            break
        at = back.acknowledge(at)
    back.leave()
    return seen._replace(has_session=back.has_session, kept=len(back.heard), window=window)


def _stranger(seen: Seen, settings: Mqtt, id: str, places: Collection[str]) -> Seen:
    """Whether somebody without a name is let in, and may send readings."""
    try:
        guest = _Guest(settings, f"{id}-s", clean=True, keep_s=0, is_stranger=True)
    except _TurnedAwayError:
        return seen._replace(strangers=False, strangers_write=None)
    may = guest.may_write(list(places)) if seen.strangers_write is not None else {}
    guest.leave()
    return seen._replace(strangers=True, strangers_write=any(may.values()) if may else None)


def _state(payload: bytes) -> str:
    try:
        said = json.loads(payload)
    except ValueError:
        return ""
    return str(said.get("state", "")) if isinstance(said, dict) else ""
