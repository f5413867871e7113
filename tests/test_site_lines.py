"""The promise: what is printed to be pasted is accepted once each `?` is filled in, and asks for no more."""

import csv
import json
import re
import tomllib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from safetyd.core.model import Quantity
from safetyd.faults import Fault
from safetyd.ingest.guess import Guess, guess, merged
from safetyd.ingest.proposals import HOME_ASSISTANT, ZIGBEE2MQTT, Proposal
from safetyd.profile import shipped_profiles
from safetyd.site import SensorBinding, read_site
from safetyd.site_lines import Entry, csv_rows, entries, one_line, toml

MESSAGES = Path(__file__).parent / "ingest" / "messages"
SITE = """
name = "A District"
timezone = "America/Los_Angeles"
sensors = "sensors.csv"
[[buildings]]
id = "maple"
rooms = [{ id = "12" }]
"""
PROFILES = shipped_profiles()


def guessed(topic: str, *said: Any) -> Guess:
    found: Guess | None = None
    for each in said:
        new = guess(topic, (each if isinstance(each, str) else json.dumps(each)).encode(), PROFILES)
        found = new if found is None else merged(found, new)
    assert found is not None
    return found


def lines(topic: str, *said: Any, declared: list[Proposal] | None = None) -> str:
    return toml(entries(topic, guessed(topic, *said), declared or []), PROFILES)


def ha(topic: str, quantity: Quantity, at: str | None, unit: str = "") -> Proposal:
    return Proposal(HOME_ASSISTANT, "", topic, quantity, at, unit)


def everything() -> list[Entry]:
    """What could be pasted if all the messages of the test data came from one broker."""
    heard: dict[Any, Guess] = {}
    for path in sorted(MESSAGES.glob("*.jsonl")):
        for line in map(json.loads, path.read_text("utf-8").splitlines()):
            new = guessed(line["topic"], line["payload"])
            key = line["topic"], new.only
            heard[key] = merged(heard[key], new) if key in heard else new
    return [entry for (topic, _), found in heard.items() for entry in entries(topic, found)]


def read(folder: Path, site: str, rows: str = "") -> list[SensorBinding]:
    (folder / "site.toml").write_text(site, encoding="utf-8")
    (folder / "sensors.csv").write_text(rows or "room,measures,system,topic\n", encoding="utf-8")
    faults: list[Fault] = []
    found = read_site([folder / "site.toml"], {}, faults)
    assert found is not None and not faults, "\n".join(map(str, faults))
    return list(found.buildings[0].sensors)


def filled(text: str) -> str:
    """Fill in each gap as a person would who knows the building."""
    answers = {"room": "12", "unit": "C", "measures": "temperature", "temperature": "t", "humidity": "h"}
    return re.sub(r'(\w+) = "\?"', lambda gap: f'{gap[1]} = "{answers[gap[1]]}"', text)


def filled_rows(text: str) -> str:
    answers = {"room": "12", "unit": "C", "measures": "temperature", "sensor": "temperature=t"}
    rows = list(csv.DictReader(StringIO(text)))
    out = StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows({k: answers[k] if v == "?" else v for k, v in row.items()} for row in rows)
    return out.getvalue()


def test_all_that_is_printed_is_accepted_once_it_is_filled_in(tmp_path: Path) -> None:
    found = everything()
    bindings = read(tmp_path, SITE + filled(toml(found, PROFILES)))
    assert [each.topic for each in bindings] == [entry.topic for entry in found]
    assert {entry.format for entry in found} >= set(PROFILES) - {"apc"}


def test_the_rows_of_the_spreadsheet_are_accepted_too(tmp_path: Path) -> None:
    found = everything()
    bindings = read(tmp_path, SITE, filled_rows(csv_rows(found)))
    assert [each.topic for each in bindings] == [entry.topic for entry in found if not entry.only]


def test_a_row_and_a_table_mean_the_same(tmp_path: Path) -> None:
    found = entries("zigbee2mqtt/desk", guessed("zigbee2mqtt/desk", {"temperature": 21.5, "humidity": 40}))
    (table,) = read(tmp_path, SITE + filled(toml(found, PROFILES)))
    (row,) = read(tmp_path, SITE, filled_rows(csv_rows(found)))
    assert (table.topic, table.format, table.room) == (row.topic, row.format, row.room)


def test_only_the_room_is_asked_for_where_the_messages_say_the_rest() -> None:
    text = lines("zigbee2mqtt/desk", {"temperature": 21.5, "humidity": 40})
    assert re.findall(r'(\w+) = "\?"', text) == ["room"]
    assert "# temperature 21.5 °C, humidity 40 %" in text


def test_a_unit_that_is_not_said_is_asked_for_in_words() -> None:
    assert 'unit = "?"  # C or F: the messages do not say' in lines("shellies/x/sensor/temperature", "70.2")


def test_a_unit_that_is_said_is_not_asked_for() -> None:
    assert 'unit = "F"  # as the messages say' in lines("openhab/out/Air/state", "70.2 °F")


def test_a_witness_of_the_mains_needs_no_room() -> None:
    text = lines("closet/ups/status", "OL")
    assert "power = true" in text and "room" not in text


def test_probes_of_one_device_are_a_table_each() -> None:
    said = {"A": {"Temperature": 20.5}, "B": {"Temperature": 21.5, "Humidity": 40}, "TempUnit": "C"}
    tables = tomllib.loads(lines("tele/r9/SENSOR", said))["buildings"]["sensors"]
    assert [(each["id"], each["channel"]) for each in tables] == [("r9-a", "A"), ("r9-b", "B")]


def test_devices_of_one_topic_are_told_apart() -> None:
    text = lines("rtl_433/roof/events", {"model": "N-1", "id": 14, "temperature_C": 20.5})
    assert 'only = { model = "N-1", id = 14 }' in text


@pytest.mark.parametrize(
    "topic, said",
    [
        ("x/LWT", "Online"),
        ("shellies/ht/sensor/battery", "80"),
        ("shellies/plug/relay/0/power", "12"),
        ("zigbee2mqtt/bulb", {"state": "ON", "brightness": 7}),
        ("door/state", "open"),
        ("safetyd/readings/oak/9", {"temperature_f": 70}),
        ("say/\u202enothing", "21"),
    ],
)
def test_what_nobody_judges_or_can_name_has_no_line(topic: str, said: Any) -> None:
    assert not lines(topic, said)


def test_a_declared_path_and_unit_are_filled_in_with_who_says_so(tmp_path: Path) -> None:
    declared = [
        ha("attic/out", Quantity.TEMPERATURE, "air.t", "°C"),
        ha("attic/out", Quantity.HUMIDITY, "air.h", "%"),
    ]
    text = lines("attic/out", {"air": {"t": 21.5, "h": 40, "set": 20}}, declared=declared)
    who = "declared by Home Assistant discovery as °C; check it, declarations can be wrong"
    assert f'unit = "C"  # {who}' in text
    assert 'values = { temperature = "air.t", humidity = "air.h" }' in text
    (binding,) = read(tmp_path, SITE + filled(text))
    assert len(binding.wiring.values) == 2


def test_a_declared_unit_answers_what_a_known_format_leaves_open() -> None:
    topic = "shellies/x/sensor/temperature"
    text = lines(topic, "70.2", declared=[ha(topic, Quantity.TEMPERATURE, "$", "°F")])
    assert 'format = "shelly1"' in text and 'unit = "F"  # declared by' in text


def test_declared_units_that_differ_answer_nothing() -> None:
    topic = "shellies/x/sensor/temperature"
    both = [ha(topic, Quantity.TEMPERATURE, "$", unit) for unit in ("°C", "°F")]
    assert 'unit = "?"' in lines(topic, "70.2", declared=both)


def test_a_template_that_is_no_path_makes_no_line() -> None:
    assert "declared" not in lines(
        "attic/out", {"t": 1}, declared=[ha("attic/out", Quantity.TEMPERATURE, None)]
    )


def test_a_device_that_was_only_declared_is_proposed_as_not_heard(tmp_path: Path) -> None:
    plug = Proposal(ZIGBEE2MQTT, "plug", "mesh/plug", Quantity.VOLTAGE, "voltage", "V", "zigbee2mqtt")
    text = toml(entries("mesh/plug", guess("mesh/plug", b"", PROFILES), [plug]), PROFILES)
    assert "not heard yet; Zigbee2MQTT declares voltage in V" in text
    (binding,) = read(tmp_path, SITE + filled(text))
    assert binding.power and binding.format == "zigbee2mqtt"


def test_ids_are_new() -> None:
    found = entries("tele/r9/SENSOR", guessed("tele/r9/SENSOR", {"A": {"Humidity": 40}}))
    ids = [table["id"] for table in tomllib.loads(toml(found * 3, PROFILES, {"r9"}))["buildings"]["sensors"]]
    assert len({*ids, "r9"}) == 4


@pytest.mark.parametrize("topic", ['quo"te/\\out', "=A1/out", "say/ünï/out", " space ", "a/*/b"])
def test_odd_topics_are_quoted_or_left_out_of_the_spreadsheet(topic: str, tmp_path: Path) -> None:
    found = entries(topic, guessed(topic, {"t": 21.5}))
    (binding,) = read(tmp_path, SITE + filled(toml(found, PROFILES)))
    assert binding.topic == topic
    rows = list(csv.DictReader(StringIO(csv_rows(found))))
    assert [row["topic"] for row in rows] == ([topic] if topic[0] in "qs" else [])


def test_hostile_text_stays_on_its_line() -> None:
    assert one_line("a\x1b[2J\nb\ud800\u202e") == "a�[2J�b��"
    assert len(one_line("x" * 9000)) < 300
