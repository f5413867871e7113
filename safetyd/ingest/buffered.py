"""paho as the daemon wants it: a buffer at its socket, a short way for messages, and who we are to a broker.

Rule: what paho hands on is never acknowledged here.
"""

import ssl
from collections.abc import Callable

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from safetyd.core.errors import SafetydError
from safetyd.ingest.published import PacketError, Published, published
from safetyd.setting_mqtt import Mqtt

_CHUNK = 1 << 16
_QOS, _QOS_2 = 0x06, 0x04  # in a packet's first byte
_CONNECT_S = 3  # each for the connection and for TLS


class LinkError(SafetydError):
    """The connection cannot be set up as it is configured."""


class Client(paho.Client):
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


def client_of(settings: Mqtt, client_id: str, *, is_guest: bool) -> Client:
    """Return a client that is not connected yet; a guest leaves no session behind.

    Raises:
        LinkError: its certificates cannot be used.
    """
    is_5 = settings.protocol == 5
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if is_5 else is_guest,
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
    client.connect_timeout = _CONNECT_S
    # With a writer of its own paho queues acknowledgements instead of sending each at once.
    client.on_socket_register_write = lambda *_: None
    client.on_socket_unregister_write = lambda *_: None
    return client
