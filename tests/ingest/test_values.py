"""A document that no device sends is refused before anybody looks at it twice, and so in words."""

import pytest

from safetyd.ingest.decode import reader
from safetyd.ingest.message import PayloadError
from safetyd.ingest.native import decode
from safetyd.ingest.values import document
from safetyd.profile import shipped_profiles

DEPTHS = (65, 900, *range(960, 1001), 5000)  # near a thousand it depends on who asks


def nested(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("key", [b"humidity", b"last_seen", b"something"])
def test_what_is_nested_too_deeply_is_refused(key: bytes, depth: int) -> None:
    with pytest.raises(PayloadError, match="nested too deeply"):
        reader(shipped_profiles()["zigbee2mqtt"])(
            "z/a", b'{"temperature": 21, "%b": %b}' % (key, nested(depth))
        )


@pytest.mark.parametrize("depth", DEPTHS)
def test_what_is_nested_too_deeply_is_refused_although_its_twin_is_not(depth: int) -> None:
    said = b'{"temperature": %b, "temperature": 21}' % nested(depth)
    with pytest.raises(PayloadError, match=r"nested too deeply|twice"):
        reader(shipped_profiles()["zigbee2mqtt"])("z/a", said)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("key", [b"humidity", b"ts", b"mains"])
def test_a_native_payload_is_no_exception(key: bytes, depth: int) -> None:
    with pytest.raises(PayloadError, match="nested too deeply"):
        decode(b'{"temperature_f": 70, "%b": %b}' % (key, nested(depth)))


def test_what_is_wide_or_a_little_deep_is_read() -> None:
    assert document(b"[" + b",".join([b"[1]"] * 1000) + b"]") == [[1]] * 1000
    assert document(nested(64)) and document(b'"' + b"[" * 1000 + b'"')


def test_a_number_that_is_too_long_is_refused_in_our_own_words() -> None:
    with pytest.raises(PayloadError, match=r"^has a number of more than \d+ digits$"):
        document(b'{"temperature": 1' + b"0" * 5000 + b"}")


def test_half_a_character_in_the_name_of_a_channel_can_be_written_down() -> None:
    said = rb'{"\ud800": {"Temperature": 20}, "B": {"Temperature": 21}, "TempUnit": "C"}'
    heard = reader(shipped_profiles()["tasmota"])("tele/a/SENSOR", said)
    assert {sample.channel for sample in heard.samples} == {"?", "B"}
