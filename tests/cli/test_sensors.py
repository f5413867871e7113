"""`sensors`: how each stands, what it said last and whether that is believed, and what nobody owns."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from safetyd.cli import main
from safetyd.configuration import load
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.store.database import open_for_writing
from safetyd.times import rfc3339

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
[[buildings.rooms]]
id = "12"
name = "Room 12"
[[buildings.rooms]]
id = "lab"
[[buildings]]
id = "cedar"
[[buildings.rooms]]
id = "12"
"""
BOUND = """
[[buildings.sensors]]
id = "{id}"
topic = "{topic}"
format = "zigbee2mqtt"
unit = "C"
room = "12"
"""
NATIVE_12 = "safetyd/readings/maple/12"


@dataclass
class House:
    """A configuration and a store that a daemon has filled."""

    folder: Path
    out: Callable[[], Any]
    said: list[Message] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def config(self) -> Path:
        return self.folder / "safetyd.toml"

    def site(self, more: str = "") -> "House":
        (self.folder / "site.toml").write_text(SITE + more, encoding="utf-8")
        return self

    def hear(self, ago: timedelta, topic: str, payload: object, *, retain: bool = False) -> "House":
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.said.append(Message(self.now - ago, topic, body, retain))
        return self

    @contextmanager
    def daemon(self, at: datetime) -> Iterator[Service]:
        settings = load(self.config, {})
        with closing(open_for_writing(settings.settings.store.url)) as connection:
            yield Service(connection, settings.site, "safetyd", at)

    def live(self) -> "House":
        """Let the daemon hear all that was said, and end."""
        self.said.sort(key=lambda message: message.received_at)
        with self.daemon(self.said[0].received_at - MINUTE if self.said else self.now) as service:
            for message in self.said:
                service.take(message)
                service.commit(message.received_at)
            service.elapse(self.now)
            service.save_all(self.now)
        self.said.clear()
        return self

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main(["sensors", *arguments, "--config", str(self.config)])
        said = self.out()
        return code, said.out, said.err

    def words(self, *arguments: str) -> str:
        code, out, err = self.run(*arguments)
        assert (code, err) == (0, "")
        return out

    def asked(self, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.words(*arguments, "--json")))

    def sensor(self, id: str, building: str = "maple") -> dict[str, Any]:
        (found,) = [
            each for each in self.asked()["sensors"] if (each["sensor"], each["building"]) == (id, building)
        ]
        return dict(found)


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> House:
    (tmp_path / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
    return House(tmp_path, capsys.readouterr).site()


# the list


def test_a_sensor_that_speaks_is_ok_and_its_last_values_are_in_our_units(house: House) -> None:
    house.hear(2 * MINUTE, NATIVE_12, {"temperature_c": 20, "humidity": 41, "battery": 80}).live()
    (sensor,) = house.asked()["sensors"]
    at = rfc3339(house.now - 2 * MINUTE)
    assert sensor["last"] == {"temperature": [at, 68.0], "humidity": [at, 41.0], "battery": [at, 80.0]}
    assert sensor["units"] == {"temperature": "degF", "humidity": "%", "battery": "%"}
    known = {"building": "maple", "room": "12", "sensor": "12", "topic": NATIVE_12, "format": "native"}
    assert known.items() <= sensor.items()
    assert (sensor["state"], sensor["troubles"], sensor["mark"], sensor["reason"]) == (
        "ok",
        [],
        "accepted",
        None,
    )
    assert sensor["silent_at"] == rfc3339(house.now + 13 * MINUTE)


def test_mains_are_on_or_off_and_of_no_room(house: House) -> None:
    house.hear(MINUTE, "safetyd/power/maple", {"mains": "on", "voltage": 121.5}).live()
    mains = house.sensor("mains")
    assert mains["room"] is None
    assert {quantity: value for quantity, (_, value) in mains["last"].items()} == {
        "mains": True,
        "voltage": 121.5,
    }


def test_a_rejected_value_shows_with_its_reason(house: House) -> None:
    house.hear(MINUTE, NATIVE_12, {"temperature_c": 85, "humidity": 40}).live()
    sensor = house.sensor("12")
    assert (sensor["state"], sensor["mark"], sensor["troubles"]) == (
        "implausible",
        "rejected",
        ["implausible"],
    )
    assert "85 °C" in sensor["reason"] and sensor["reason"] in house.words()


def test_silence_shows_since_when(house: House) -> None:
    house.hear(3 * DAY, NATIVE_12, {"temperature_f": 70}).live()
    sensor = house.sensor("12")
    assert sensor["state"] == "silent"
    assert sensor["silent_at"] == rfc3339(house.now - 3 * DAY + 15 * MINUTE)
    assert sensor["last"]["temperature"] == [rfc3339(house.now - 3 * DAY), 70.0]
    assert "3 d ago" in house.words()


def test_a_sensor_of_the_site_file_that_was_never_heard_is_there(house: House) -> None:
    house.site(BOUND.format(id="t1", topic="zigbee2mqtt/t1")).live()
    sensor = house.sensor("t1", "cedar")
    assert (sensor["state"], sensor["last"], sensor["mark"]) == ("never heard", {}, None)
    assert (sensor["format"], sensor["topic"]) == ("zigbee2mqtt", "zigbee2mqtt/t1")


def test_what_cannot_be_read_is_unreadable_and_not_never_heard(house: House) -> None:
    house.hear(MINUTE, NATIVE_12, b"{broken").live()
    assert house.sensor("12")["state"] == "unreadable"


def test_a_retained_message_shows_as_such(house: House) -> None:
    house.hear(MINUTE, NATIVE_12, {"temperature_f": 70}, retain=True).live()
    assert (house.sensor("12")["state"], house.sensor("12")["mark"]) == ("never heard", "retained")


def test_a_sensor_whose_binding_has_ended_is_retired(house: House) -> None:
    house.site(BOUND.format(id="t1", topic="zigbee2mqtt/t1"))
    house.hear(3 * DAY, "zigbee2mqtt/t1", {"temperature": 20}).live()
    house.site()
    assert house.sensor("t1", "cedar")["state"] == "retired"
    assert house.sensor("t1", "cedar")["silent_at"] is None


def test_several_troubles_come_worst_first(house: House) -> None:
    house.hear(MINUTE, NATIVE_12, {"temperature_c": 85, "battery": 3}).live()
    assert house.sensor("12")["states"] == ["implausible", "low battery"]
    assert "implausible, low battery" in house.words()


def test_a_clock_that_is_off_shows_by_how_much(house: House) -> None:
    house.hear(MINUTE, NATIVE_12, {"temperature_f": 70, "ts": rfc3339(house.now + 2 * HOUR - MINUTE)}).live()
    assert house.sensor("12")["skew_s"] == 7200.0
    assert house.sensor("12")["state"] == "clock"
    assert "2 h ahead" in house.words("12")


def test_the_usual_gap_is_learnt(house: House) -> None:
    house.hear(11 * MINUTE, NATIVE_12, {"temperature_f": 70}).hear(
        MINUTE, NATIVE_12, {"temperature_f": 71}
    ).live()
    assert house.sensor("12")["interval_s"] == 600.0


def test_sensors_come_by_building_and_room(house: House) -> None:
    for place in ("cedar/12", "maple/lab", "maple/12"):
        house.hear(MINUTE, f"safetyd/readings/{place}", {"temperature_f": 70})
    house.live()
    assert [(s["building"], s["room"]) for s in house.asked()["sensors"]] == [
        ("maple", "12"),
        ("maple", "lab"),
        ("cedar", "12"),
    ]
    assert [s["building"] for s in house.asked("--building", "cedar")["sensors"]] == ["cedar"]


def test_in_a_pipe_a_sensor_is_a_line(house: House) -> None:
    house.hear(MINUTE, NATIVE_12, {"temperature_c": 85}).hear(MINUTE, "safetyd/readings/maple/lab", {}).live()
    lines = house.words().splitlines()
    assert [line.split()[0] for line in lines] == ["where", "maple/12", "maple/lab"]


def test_before_anything_is_known_that_is_said(house: House) -> None:
    assert "No sensor" in house.live().words()
    told = house.words("--unassigned")
    assert "belongs to a room" in told and "below safetyd/" in told and "safetyd listen" in told
    assert house.asked() == {"sensors": [], "unassigned": [], "strays": []}


def test_what_a_device_calls_itself_can_do_nothing_to_a_terminal(house: House) -> None:
    house.hear(MINUTE, f"{NATIVE_12}/\x1b[2J", {"temperature_f": 70}).hear(MINUTE, "\x1b[1m", {}).live()
    told = house.words() + house.words("\x1b[2J")
    assert "\x1b" not in told and r"\x1b[2J" in told and r"\x1b[1m" in told


# what is nobody's


def test_what_is_nobodys_is_listed_with_how_often_and_when(house: House) -> None:
    nobodys = "safetyd/readings/maple/99"
    house.hear(2 * HOUR, nobodys, {}).hear(MINUTE, nobodys, {}).live()
    asked = house.asked("--unassigned")
    assert (asked["sensors"], asked["unassigned"]) == ([], [nobodys])
    assert asked["strays"][0]["heard"] == 2
    told = house.words("--unassigned")
    assert nobodys in told and "safetyd listen" in told and "where" not in told


def test_what_has_become_somebodys_is_no_longer_listed(house: House) -> None:
    house.hear(MINUTE, "zigbee2mqtt/t1", {"temperature": 20}).live()
    assert house.asked()["unassigned"] == ["zigbee2mqtt/t1"]
    house.site(BOUND.format(id="t1", topic="zigbee2mqtt/t1"))
    assert house.asked()["unassigned"] == []
    assert "belongs to a room" in house.words("--unassigned")


# one sensor


def test_one_sensor_shows_its_last_twenty_readings_with_their_clocks(house: House) -> None:
    for minutes in range(30, 0, -1):
        at = house.now - minutes * MINUTE
        house.hear(
            minutes * MINUTE, NATIVE_12, {"temperature_f": 70, "ts": rfc3339(at - timedelta(seconds=5))}
        )
    house.live()
    readings = house.asked("12")["readings"]
    assert len(readings) == 20
    assert readings[0]["received_at"] == rfc3339(house.now - MINUTE)
    said_at = rfc3339(house.now - MINUTE - timedelta(seconds=5))
    assert readings[0]["device_at"] == readings[0]["observed_at"] == said_at
    assert (readings[0]["skew_s"], readings[0]["mark"]) == (-5.0, "accepted")
    assert "5 s behind" in house.words("12")


def test_its_broken_payloads_are_shown_sound_and_bounded(house: House) -> None:
    house.hear(3 * MINUTE, NATIVE_12, b"\xff\x00\x1b[2J not JSON").hear(2 * MINUTE, NATIVE_12, b"x" * 5000)
    house.hear(MINUTE, "safetyd/readings/maple/lab", b"of another").live()
    newest, oldest = house.asked("12")["refused"]
    assert newest["payload"] == "x" * 300
    assert oldest["payload"] == r"\xff\x00\x1b[2J not JSON"
    told = house.words("12")
    assert "\x1b" not in told and r"\x1b[2J" in told and "of another" not in told


def test_its_troubles_past_and_present_are_shown(house: House) -> None:
    house.hear(3 * HOUR, NATIVE_12, {"temperature_f": 70}).hear(
        MINUTE, NATIVE_12, {"temperature_c": 85}
    ).live()
    now, past = house.asked("12")["history"]
    assert (now["kind"], now["ended_at"]) == ("implausible", None)
    assert past["kind"] == "silent" and past["ended_at"] is not None


def test_its_bindings_and_corrections_are_shown(house: House) -> None:
    day = (house.now - 30 * DAY).date()
    more = BOUND.format(id="t1", topic="zigbee2mqtt/t1") + f"until = {day}\n"
    more += BOUND.format(id="t1", topic="zigbee2mqtt/new") + f"from = {day}\n"
    more += "[[buildings.sensors.offsets]]\ntemperature_f = -1.5\n"
    house.site(more).hear(MINUTE, "zigbee2mqtt/new", {"temperature": 20}).live()
    sensor = house.asked("t1")
    assert sensor["topic"] == "zigbee2mqtt/new"
    assert [(each["topic"], each["until"] is None) for each in sensor["bindings"]] == [
        ("zigbee2mqtt/t1", False),
        ("zigbee2mqtt/new", True),
    ]
    assert sensor["bindings"][1]["offsets"][0]["temperature_f"] == -1.5
    assert sensor["last"]["temperature"][1] == 68.0
    told = house.words("t1")
    assert "zigbee2mqtt on zigbee2mqtt/t1, until" in told and "-1.5 °F" in told


@pytest.mark.parametrize("name", ["lab", "maple/lab", "maple/lab/lab"])
def test_a_sensor_may_be_named_as_short_as_it_is_clear(name: str, house: House) -> None:
    house.hear(MINUTE, "safetyd/readings/maple/lab", {"temperature_f": 70}).live()
    assert house.asked(name)["sensor"] == "lab"


def test_a_name_of_a_sensor_that_was_moved_says_how_to_name_it(house: House) -> None:
    day = (house.now - 30 * DAY).date()
    more = BOUND.format(id="t1", topic="zigbee2mqtt/t1").replace('"12"', '"lab"') + f"until = {day}\n"
    more += BOUND.format(id="t1", topic="zigbee2mqtt/t1") + f"from = {day}\n"
    house.folder.joinpath("site.toml").write_text(
        SITE.replace('id = "cedar"', 'id = "cedar"\n[[buildings.rooms]]\nid = "lab"') + more, encoding="utf-8"
    )
    code, _, err = house.live().run("t1")
    assert code == 2 and "cedar/12/t1" in err and "cedar/lab/t1" in err
    name = err.split("safetyd sensors ")[-1].split()[0]
    assert house.asked(name)["sensor"] == "t1"


def test_what_was_refused_of_a_moved_sensor_is_shown_where_it_was(house: House) -> None:
    moved = (house.now - 2 * DAY).date()
    there = BOUND.format(id="t1", topic="zigbee2mqtt/t1").replace('"12"', '"lab"') + f"until = {moved}\n"
    here = BOUND.format(id="t1", topic="zigbee2mqtt/t1") + f"from = {moved}\n"
    house.folder.joinpath("site.toml").write_text(
        SITE.replace('id = "cedar"', 'id = "cedar"\n[[buildings.rooms]]\nid = "lab"') + there + here,
        encoding="utf-8",
    )
    house.hear(5 * DAY, "zigbee2mqtt/t1", b"broken then").hear(MINUTE, "zigbee2mqtt/t1", b"broken now").live()
    assert [each["payload"] for each in house.asked("cedar/lab/t1")["refused"]] == ["broken then"]
    assert [each["payload"] for each in house.asked("cedar/12/t1")["refused"]] == ["broken now"]


def test_a_name_of_several_names_them_all(house: House) -> None:
    for building in ("maple", "cedar"):
        house.hear(MINUTE, f"safetyd/readings/{building}/12", {"temperature_f": 70})
    code, out, err = house.live().run("12")
    assert (code, out) == (2, "")
    assert "maple/12/12" in err and "cedar/12/12" in err
    assert house.asked("cedar/12")["building"] == "cedar"
    assert house.asked("12", "--building", "cedar")["building"] == "cedar"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["labb"], "did you mean 'lab'?"),
        (["--building", "mapel"], "did you mean 'maple'?"),
        (["lab", "--unassigned"], "not both"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_sentence(arguments: list[str], words: str, house: House) -> None:
    house.hear(MINUTE, "safetyd/readings/maple/lab", {"temperature_f": 70}).live()
    code, out, err = house.run(*arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert words in err
