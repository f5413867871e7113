"""Each ecosystem speaks in its own way; only what its profile names is read of it, as the data beside says.

Rule: a line of `messages/` is one message; `site` is what the site file says of it, `expect` all that comes
out, `reason` a part of why something does not, and `why` what the line is for.
"""

import json
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.model import Quantity
from safetyd.faults import Fault
from safetyd.ingest.decode import reader
from safetyd.ingest.message import Heard, PayloadError, Reader, Sample
from safetyd.paths import read_path
from safetyd.profile import (
    Value,
    Wiring,
    Words,
    read_conditions,
    read_paths,
    read_profile,
    shipped_profiles,
)

MESSAGES = Path(__file__).parent / "messages"
PROFILES = Path(__file__).parents[2] / "safetyd" / "ingest" / "profiles"
LINES = {
    f"{path.stem}:{number}": json.loads(text)
    for path in sorted(MESSAGES.glob("*.jsonl"))
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
}
WORDS = {  # how an answer that is no number is written in the data
    Quantity.MAINS: {True: "on", False: "off"},
    Quantity.BATTERY: {True: "good", False: "low"},
}
ENDINGS = ("SENSOR", "state", "status", "up", "temperature", "online", "events/rpc", "sensor/1/state", "")


def speaks(format: str, **site: Any) -> Reader:
    return reader(shipped_profiles()[format], wiring(**site))


def wiring(**site: Any) -> Wiring:
    return Wiring(
        unit=site.get("unit"),
        measures=tuple(map(Quantity, site.get("measures", ()))),
        values=tuple(map(value, site.get("values", ()))),
        words=words(site.get("words", {})),
        only=read_conditions(site.get("only", {})),
        valid=read_path(site["valid"]) if "valid" in site else None,
    )


def value(said: dict[str, Any]) -> Value:
    quantity, at = Quantity(said["measures"]), read_paths(said["at"])
    return Value(quantity, at, said.get("unit", ""), words=words(said.get("words", {})))


def words(said: dict[str, Any]) -> Words:
    return Words(**{kind: tuple(each) for kind, each in said.items()})


def payload_of(said: object) -> bytes:
    return (said if isinstance(said, str) else json.dumps(said, separators=(",", ":"))).encode()


def in_words(heard: Heard) -> list[str]:
    found = [sample_in_words(sample) for sample in heard.samples]
    if heard.presence is not None:
        found.append(f"{'bridge' if heard.is_bridge else 'device'} {'here' if heard.presence else 'gone'}")
    return sorted(found)


def sample_in_words(sample: Sample) -> str:
    if isinstance(sample.value, bool):
        said = WORDS[sample.quantity][sample.value]
    else:
        said = f"{sample.value:.10g} {sample.unit}"
    return f"{sample.quantity} {said} {sample.channel}".rstrip()


def zigbee(said: object) -> Heard:
    return speaks("zigbee2mqtt")("zigbee2mqtt/room 9", payload_of(said))


@pytest.mark.parametrize("name", LINES)
def test_a_message_says_what_it_says_and_no_more(name: str) -> None:
    line = LINES[name]
    read = partial(speaks(line["format"], **line.get("site", {})), line["topic"])
    try:
        heard = read(payload_of(line["payload"]))
        reasons = " | ".join((*heard.refusals, heard.reason))
    except PayloadError as error:
        heard, reasons = Heard(), str(error)
    assert in_words(heard) == sorted(line["expect"]), line["why"]
    assert line["expect"] or line["reason"], "what yields nothing has a reason"
    assert line.get("reason", "") in reasons, line["why"]


def test_every_profile_has_messages_of_its_own() -> None:
    assert {line["format"] for line in LINES.values()} == set(shipped_profiles())


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_profile_is_sound_and_begins_with_what_bites(path: Path) -> None:
    faults: list[Fault] = []
    assert read_profile(path, faults) is not None and not faults
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    assert 1 <= comment <= 3 and tomllib.loads("\n".join(lines))["title"]


def test_a_message_is_read_alike_whichever_way_its_topic_begins() -> None:
    said = payload_of({"SHT4X": {"Temperature": 20.5}, "TempUnit": "C"})
    topics = ("tele/a/SENSOR", "/tele/a/SENSOR", "building/2/a/tele/SENSOR")
    assert len({speaks("tasmota")(topic, said).samples for topic in topics}) == 1


@pytest.mark.parametrize("stamp", ["2026-12-01T16:05:00Z", 1796141100000, 1796141100.5])
def test_the_time_it_was_last_seen_is_its_bridge_s_stamp(stamp: object) -> None:
    heard = zigbee({"temperature": 21, "last_seen": stamp})
    assert heard.gateway_stamp == stamp and heard.device_stamp is None


def test_a_stamp_of_another_kind_is_kept_in_words() -> None:
    assert isinstance(zigbee({"temperature": 21, "last_seen": [1]}).gateway_stamp, str)


@pytest.mark.parametrize(
    "format, said, device_stamp, gateway_stamp",
    [
        ("tasmota", {"Time": "2026-12-01T10:00:00", "A": {"Humidity": 40}}, "2026-12-01T10:00:00", None),
        ("shelly2", {"params": {"ts": 1796141100.5, "humidity:0": {"rh": 40}}}, 1796141100.5, None),
        (
            "chirpstack",
            {"time": "2026-12-01T16:00:00Z", "object": {"humidity": 40}},
            None,
            "2026-12-01T16:00:00Z",
        ),
        ("rtl_433", {"time": "1796141100", "humidity": 40}, None, "1796141100"),
        ("ruuvi", {"ts": 1796141100, "gwts": 1796141101, "humidity": 40}, None, 1796141100),
    ],
)
def test_a_stamp_is_known_by_whose_clock_it_is(
    format: str, said: object, device_stamp: object, gateway_stamp: object
) -> None:
    endings = {"tasmota": "SENSOR", "shelly2": "events/rpc", "chirpstack": "event/up", "rtl_433": "events"}
    heard = speaks(format)(f"a/b/{endings.get(format, 'c')}", payload_of(said))
    assert (heard.device_stamp, heard.gateway_stamp) == (device_stamp, gateway_stamp)


def test_a_frame_that_a_second_gateway_repeats_has_the_same_number() -> None:
    frame = {"devAddr": "01ab", "fCnt": 7, "object": {"humidity": 40}}
    topic = "application/1/device/2/event/up"
    read = partial(speaks("chirpstack"), topic)
    first, again = read(payload_of(frame)), read(payload_of({**frame, "time": "2026-12-01T16:00:00Z"}))
    rejoined = read(payload_of({**frame, "devAddr": "01ac"}))
    assert first.counter == again.counter != rejoined.counter


def test_only_old_values_of_a_bridge_that_came_back_are_doubted() -> None:
    assert {name for name, profile in shipped_profiles().items() if profile.cached_for} == {"zigbee2mqtt"}


def test_times_without_a_zone_are_the_building_s_where_the_ecosystem_says_so() -> None:
    local = {name for name, profile in shipped_profiles().items() if profile.is_local_time}
    assert local == {"tasmota", "rtl_433"}


def test_where_strangers_speak_too_the_site_file_must_say_who_is_meant() -> None:
    shared = {
        name
        for name, profile in shipped_profiles().items()
        if any(shape.is_shared for shape in profile.shapes)
    }
    assert shared == {"rtl_433"}


@given(
    st.binary(),
    st.sampled_from(sorted(shipped_profiles())),
    st.sampled_from(ENDINGS),
    st.sampled_from(Quantity),
)
def test_arbitrary_bytes_are_read_or_refused(
    payload: bytes, format: str, ending: str, quantity: Quantity
) -> None:
    try:
        speaks(format, unit="C", measures=[quantity])(f"a/b/{ending}", payload)
    except PayloadError as error:
        str(error).encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda some: (
            st.lists(some)
            | st.dictionaries(st.sampled_from(["value", "temperature", "object", "params"]), some)
        ),
    ),
    st.sampled_from(sorted(shipped_profiles())),
    st.sampled_from(ENDINGS),
)
def test_an_arbitrary_document_is_read_or_refused(said: object, format: str, ending: str) -> None:
    try:
        heard = speaks(format, unit="C")(f"a/b/{ending}", json.dumps(said).encode())
    except PayloadError as error:
        str(error).encode()
    else:
        for text in (*heard.refusals, heard.reason):
            text.encode()


def test_half_a_character_can_be_stored_however_it_is_told() -> None:
    said = rb'{"temperature": "\ud800", "humidity": 40, "last_seen": "\ud800"}'
    try:
        heard = speaks("zigbee2mqtt")("zigbee2mqtt/room 9", said)
    except PayloadError as error:
        str(error).encode()
    else:
        for text in (*heard.refusals, str(heard.gateway_stamp)):
            text.encode()
