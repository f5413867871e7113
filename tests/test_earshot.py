"""The promise: what is heard is listed once with whose it is, and nobody can fill the memory."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from safetyd.announcement import announcements
from safetyd.earshot import MOST_TOPICS, Earshot
from safetyd.faults import Fault
from safetyd.ingest.message import Message
from safetyd.site import read_site

NOW = datetime(2026, 12, 1, 18, tzinfo=UTC)
SITE = """
name = "A District"
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
rooms = [{ id = "12" }]
  [[buildings.sensors]]
  id = "air"
  topic = "zigbee2mqtt/air"
  format = "zigbee2mqtt"
  room = "12"
  [[buildings.sensors]]
  id = "attic"
  topic = "rtl_433/attic/events"
  format = "rtl_433"
  room = "12"
  only = { id = 14 }
"""


@pytest.fixture
def earshot(tmp_path: Path) -> Earshot:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    faults: list[Fault] = []
    site = read_site([tmp_path / "site.toml"], {}, faults)
    assert site is not None and not faults
    return Earshot(site, "safetyd", "homeassistant")


def hear(earshot: Earshot, topic: str, said: object, after: float = 0) -> None:
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    earshot.hear(Message(NOW + timedelta(seconds=after), topic, payload))


def holders(earshot: Earshot) -> dict[str, tuple[str, ...]]:
    return {topic: row.holders for (topic, _), row in earshot.rows.items()}


def test_a_topic_of_the_site_file_has_its_sensor_and_no_line(earshot):
    hear(earshot, "zigbee2mqtt/air", {"temperature": 21.5})
    hear(earshot, "zigbee2mqtt/other", {"temperature": 21.5})
    hear(earshot, "zigbee2mqtt/bridge/state", b"online")
    assert holders(earshot) == {
        "zigbee2mqtt/air": ("maple/air",),
        "zigbee2mqtt/other": (),
        "zigbee2mqtt/bridge/state": ("bridge zigbee2mqtt on zigbee2mqtt/bridge/state",),
    }
    assert [entry.topic for entry in earshot.unassigned()] == ["zigbee2mqtt/other"]


def test_of_devices_that_share_a_topic_each_has_its_own_row(earshot):
    for id in (14, 15):
        hear(earshot, "rtl_433/attic/events", {"model": "N-1", "id": id, "temperature_C": 20.5})
    assert [row.holders for row in earshot.rows.values()] == [("maple/attic",), ()]
    assert [entry.only for entry in earshot.unassigned()] == [(("model", "N-1"), ("id", 15))]


def test_only_another_value_is_a_change(earshot):
    hear(earshot, "zigbee2mqtt/air", {"temperature": 21.5})
    hear(earshot, "zigbee2mqtt/air", {"temperature": 21.5}, after=5)
    (row,) = earshot.rows.values()
    assert row.changed_at is None and row.messages == 2
    hear(earshot, "zigbee2mqtt/air", {"temperature": 21.9}, after=9)
    (row,) = earshot.rows.values()
    assert row.changed_at == NOW + timedelta(seconds=9)


def test_what_we_say_ourselves_is_not_listed(earshot):
    hear(earshot, "safetyd/status/safetyd", {"state": "online"})
    hear(earshot, "safetyd/rooms/maple/12", {"temperature_f": 70})
    hear(earshot, "safetyd/buildings/maple", {"mains": "ok", "open_tickets": 0})
    hear(earshot, "safetyd/tickets/maple/maple-2026-0001", {"worst_f": 55})
    assert not earshot.rows and earshot.messages == 4


def test_what_we_declare_ourselves_is_not_proposed(earshot):
    site = earshot._site
    for topic, payload in announcements(site, "safetyd", "homeassistant", "safetyd").items():
        hear(earshot, topic, payload)
    ours = {"stat_t": "safetyd/buildings/maple", "dev_cla": "power", "val_tpl": "{{ value_json.mains }}"}
    hear(earshot, "homeassistant/binary_sensor/by_hand/config", ours)
    assert not earshot.rows and not earshot.proposals and not earshot.unassigned()


def test_a_withdrawn_declaration_is_gone(earshot):
    config = "homeassistant/sensor/attic/config"
    hear(earshot, config, {"stat_t": "attic/out", "dev_cla": "temperature", "val_tpl": "{{ value_json.t }}"})
    assert [entry.topic for entry in earshot.unassigned()] == ["attic/out"]
    hear(earshot, config, b"")
    assert not earshot.proposals and not earshot.unassigned()


def test_numbers_that_nobody_knows_come_after_the_rest(earshot):
    hear(earshot, "a/number", b"21.5")
    hear(earshot, "z/ups/status", b"OL")
    assert [entry.topic for entry in earshot.unassigned()] == ["z/ups/status", "a/number"]


def test_topics_beyond_the_most_are_counted(earshot):
    for number in range(MOST_TOPICS + 30):
        hear(earshot, f"flood/{number}", b"1")
    hear(earshot, "x" * 60_000, b"1")
    assert len(earshot.rows) == MOST_TOPICS and earshot.unlisted == 31


def test_declarations_beyond_the_most_are_forgotten(earshot):
    for number in range(MOST_TOPICS + 30):
        hear(earshot, f"homeassistant/sensor/{number}/config", {"stat_t": f"out/{number}"})
    assert len(earshot.proposals) == MOST_TOPICS
