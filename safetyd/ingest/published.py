"""Reads the one MQTT packet that comes by the thousand.

Rule: pure; nothing is read beyond the packet, and what breaks the protocol is an error. The library reads all
others, and this one at QoS 2.
"""

from typing import NamedTuple

_MORE = 0x80


class PacketError(ValueError):
    """The packet breaks the protocol."""


class Published(NamedTuple):
    """A message at QoS 0 or 1; `mid` 0 needs no acknowledgement."""

    topic: bytes
    payload: bytes
    retain: bool
    mid: int


def published(head: int, body: bytes, *, has_properties: bool) -> Published:
    """Return what a PUBLISH carries; the properties of MQTT 5 are passed over.

    Args:
        head: The packet's first byte.
        body: All that follows its length.
        has_properties: Whether the connection speaks MQTT 5.

    Raises:
        PacketError: it is shorter than it says.
    """
    if len(body) < 2:
        raise PacketError("a message without its topic")
    at, mid = 2 + (body[0] << 8 | body[1]), 0
    topic = body[2:at]
    if head & 0x06:
        mid = int.from_bytes(body[at : at + 2], "big")
        at += 2
        if not mid:
            raise PacketError("a message without its number")
    if has_properties:
        length, shift = 0, 0
        while True:
            if at >= len(body) or shift > 21:
                raise PacketError("properties without their length")
            digit = body[at]
            at += 1
            length |= (digit & ~_MORE) << shift
            shift += 7
            if digit < _MORE:
                break
        at += length
    if at > len(body):
        raise PacketError("a message that is shorter than it says")
    return Published(topic, body[at:], bool(head & 0x01), mid)
