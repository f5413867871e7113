"""A message is read from its packet as the library reads it, and a broken packet is no message."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from safetyd.ingest.published import PacketError, Published, published


def packet(topic: bytes, payload: bytes, mid: int, properties: bytes) -> bytes:
    number = mid.to_bytes(2, "big") if mid else b""
    return len(topic).to_bytes(2, "big") + topic + number + properties + payload


def some_properties(text: str) -> bytes:
    told = Properties(PacketTypes.PUBLISH)
    told.ContentType = text
    told.UserProperty = [("a", text)] * 10
    return bytes(told.pack())


@given(
    st.binary(max_size=300),
    st.binary(max_size=300),
    st.integers(0, 65535),
    st.booleans(),
    st.text(max_size=40),
)
@settings(derandomize=True)
def test_what_was_packed_is_read(topic: bytes, payload: bytes, mid: int, retain: bool, text: str) -> None:
    head = 0x30 | (0x02 if mid else 0) | int(retain)
    expected = Published(topic, payload, retain, mid)
    assert published(head, packet(topic, payload, mid, b""), has_properties=False) == expected
    try:
        properties = some_properties(text)
    except Exception:  # the library refuses some characters
        properties = b"\x00"
    assert published(head, packet(topic, payload, mid, properties), has_properties=True) == expected


@given(st.integers(0, 255), st.binary(max_size=30), st.booleans())
@settings(derandomize=True)
def test_any_bytes_are_a_message_or_a_packet_error(head: int, body: bytes, has_properties: bool) -> None:
    try:
        told = published(head, body, has_properties=has_properties)
    except PacketError:
        return
    assert len(told.topic) + len(told.payload) <= len(body)


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"\x00\x05ab", b"\x00\x01a\x00\x00", b"\x00\x01a\x00\x01\xff\xff\xff\xff"]
)
def test_a_packet_that_is_cut_is_refused(body: bytes) -> None:
    with pytest.raises(PacketError):
        published(0x32, body, has_properties=True)
