"""The promise: a row of a spreadsheet means what an entry of the site file does, and faults name the row."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from safetyd.core.model import Quantity
from safetyd.faults import Fault
from safetyd.site import SensorBinding, Site, read_site

HEADER = "room,measures,system,topic,sensor,unit,expect_every,notes"
SITE = """
name = "A District"
timezone = "America/Los_Angeles"
sensors = "sensors.csv"
[[buildings]]
id = "maple"
name = "Maple School"
rooms = [{ id = "12", name = "Room 12" }, { id = "lab", name = "Science lab" }, { id = "gym", name = "Gym" }]
"""
TWO = SITE + '[[buildings]]\nid = "oak"\nname = "Oak Annex"\nrooms = [{ id = "12" }]\n'

ReadFiles = Callable[..., tuple[Site, list[Fault]]]
Read = Callable[..., list[SensorBinding]]
Faults = Callable[..., list[str]]


@pytest.fixture
def read_files(tmp_path: Path) -> ReadFiles:
    def write_and_read(csv: str | bytes, site: str = SITE) -> tuple[Site, list[Fault]]:
        (tmp_path / "site.toml").write_text(site, encoding="utf-8")
        (tmp_path / "sensors.csv").write_bytes(csv if isinstance(csv, bytes) else csv.encode())
        found: list[Fault] = []
        read = read_site([tmp_path / "site.toml"], {}, found)
        assert read is not None
        return read, found

    return write_and_read


@pytest.fixture
def read(read_files) -> Read:
    """Read rows under the usual header that have no fault."""

    def faultless(*rows: str, header: str = HEADER, site: str = SITE) -> list[SensorBinding]:
        found_site, found = read_files("\n".join([header, *rows]), site)
        assert not found, "\n".join(map(str, found))
        return [binding for building in found_site.buildings for binding in building.sensors]

    return faultless


@pytest.fixture
def faults(read_files, tmp_path) -> Faults:
    """Read rows that have some, and return them without the folder."""

    def told(*rows: str, header: str = HEADER, site: str = SITE) -> list[str]:
        _, found = read_files("\n".join([header, *rows]), site)
        assert found
        return [str(fault).replace(f"{tmp_path}/", "") for fault in found]

    return told


class TestRows:
    def test_a_row_is_an_entry(self, read):
        (binding,) = read(
            "Room 12,temperature+humidity,shelly1,shellies/ht-7/sensor/*,,F,120 min,set to F in its app",
        )
        assert (binding.id, binding.topic, binding.room) == ("12-ht-7", "shellies/ht-7/sensor/+", "12")
        assert (binding.wiring.unit, binding.interval) == ("F", timedelta(hours=2))
        assert binding.wiring.measures == (Quantity.TEMPERATURE, Quantity.HUMIDITY)
        assert not binding.power

    def test_it_means_the_same_as_in_the_site_file(self, read, read_files):
        (row,) = read("lab,temperature,tasmota,tele/rm/SENSOR,AM2301,°c,5 min,")
        entry = (
            '[[buildings.sensors]]\nid = "s"\nroom = "lab"\nmeasures = ["temperature"]\nformat = "tasmota"\n'
            'topic = "tele/rm/SENSOR"\nchannel = "AM2301"\nunit = "C"\ninterval = "5m"\n'
        )
        site, found = read_files("", SITE.replace('sensors = "sensors.csv"', "") + entry)
        assert not found
        assert site.buildings[0].sensors == (replace(row, id="s"),)

    @pytest.mark.parametrize(
        ("room", "id"), [("12", "12"), ("room 12", "12"), ("LAB", "lab"), ("Science Lab", "lab")]
    )
    def test_a_room_is_named_by_id_or_name(self, read, room, id):
        assert read(f"{room},temperature,zigbee2mqtt,zigbee2mqtt/x,,,,")[0].room == id

    @pytest.mark.parametrize(
        ("measures", "topic", "quantity"),
        [
            ("mains", "ups/a/ups/status", Quantity.MAINS),
            ("Mains-Voltage", "ups/a/input/voltage", Quantity.VOLTAGE),
        ],
    )
    def test_what_measures_the_mains_is_a_witness_of_them(self, read, measures, topic, quantity):
        (binding,) = read(f",{measures},NUT,{topic},,V,,")
        assert (binding.power, binding.room, binding.wiring.measures) == (True, None, (quantity,))
        assert binding.wiring.unit is None

    @pytest.mark.parametrize(
        ("every", "interval"),
        [
            ("60 min", timedelta(hours=1)),
            ("2 h", timedelta(hours=2)),
            ("90 s", timedelta(seconds=90)),
            ("90s", timedelta(seconds=90)),
            ("1 Hour", timedelta(hours=1)),
            ("14d", timedelta(days=14)),
            ("", None),
        ],
    )
    def test_how_often_is_written_as_people_do(self, read, every, interval):
        assert read(f"12,temperature,zigbee2mqtt,zigbee2mqtt/x,,,{every},")[0].interval == interval

    @pytest.mark.parametrize(
        ("measures", "system", "sensor", "paths"),
        [
            ("temperature", "chirpstack", "object.TempC_DS", {"temperature": ("object", "TempC_DS")}),
            ("humidity", "chirpstack", "readings[0]", {"humidity": ("readings", 0)}),
            ("humidity", "json", "hum", {"humidity": ("hum",)}),
            (
                "temperature+humidity",
                "chirpstack",
                "temperature=object.t+humidity = object.h",
                {"temperature": ("object", "t"), "humidity": ("object", "h")},
            ),
        ],
    )
    def test_a_sensor_cell_may_hold_paths(self, read, measures, system, sensor, paths):
        (binding,) = read(f"12,{measures},{system},application/*/device/a1/event/up,{sensor},,,")
        assert {value.measures: value.at for value in binding.wiring.values} == {
            quantity: (path,) for quantity, path in paths.items()
        }
        assert binding.wiring.channel == ""

    def test_a_metric_of_sparkplug_is_taken_as_it_is(self, read):
        (binding,) = read("12,temperature,sparkplug,spBv1.0/maple/*/edge,Rooms/12.Air,C,,")
        assert binding.wiring.values[0].at == (("Rooms/12.Air",),)

    def test_more_columns_say_more(self, read):
        (binding,) = read(
            "oak annex,12,temperature,chirpstack,application/*/device/a1/event/up,t-1,"
            '"-0.1, 85",2026-08-25,2026-12-01T12:00',
            header="building,room,measures,system,topic,id,invalid,from,until",
            site=TWO,
        )
        assert (binding.id, binding.invalid) == ("t-1", {-0.1, 85.0})
        assert binding.since == datetime(2026, 8, 25, 7, tzinfo=UTC)
        assert binding.until == datetime(2026, 12, 1, 20, tzinfo=UTC)

    def test_several_files_may_be_named_and_stand_beside_entries(self, read_files, tmp_path):
        (tmp_path / "more.csv").write_text(f"{HEADER}\nlab,temperature,zigbee2mqtt,zigbee2mqtt/b,,,,\n")
        entry = (
            '[[buildings.sensors]]\nid = "s"\ntopic = "zigbee2mqtt/c"\nformat = "zigbee2mqtt"\nroom = "gym"\n'
        )
        site, found = read_files(
            f"{HEADER}\n12,temperature,zigbee2mqtt,zigbee2mqtt/a,,,,\n",
            SITE.replace('"sensors.csv"', '["sensors.csv", "more.csv"]') + entry,
        )
        assert not found
        assert [binding.room for binding in site.buildings[0].sensors] == ["gym", "12", "lab"]


class TestNames:
    @pytest.mark.parametrize(
        ("row", "id"),
        [
            ("12,temperature,zigbee2mqtt,zigbee2mqtt/Wand Tür,,,,", "12-wand-tur"),
            ("gym,temperature,zigbee2mqtt,zigbee2mqtt/Gym,,,,", "gym"),
            ("gym,mains,nut,ups/gym-ups/ups/status,,,,", "gym-ups"),
            (",mains,nut,ups/cellar/ups/status,,,,", "mains-cellar"),
            ("12,humidity,esphome,hall/sensor/air_rh/state,,,,", "12-air-rh"),
            ("12,temperature,tasmota,tele/rm102/SENSOR,,,,", "12-rm102"),
            ("12,temperature,chirpstack,application/*/device/A8F1/event/up,,,,", "12-a8f1"),
            ("12,temperature,json,日本,t,C,,", "12-sensor"),
        ],
    )
    def test_a_name_is_made_of_the_room_and_what_tells_the_topic_from_others(self, read, row, id):
        assert read(row)[0].id == id

    def test_names_that_are_taken_are_numbered(self, read):
        row = "12,humidity,shelly1,shellies/ht-7/sensor/humidity,,,,"
        rows = [row.replace("humidity", quantity) for quantity in ("humidity", "battery")]
        assert [binding.id for binding in read(*rows)] == ["12-ht-7", "12-ht-7-2"]

    def test_a_name_that_was_given_is_never_taken_from_its_owner(self, read):
        rows = ["12,temperature,zigbee2mqtt,zigbee2mqtt/a,", "lab,temperature,zigbee2mqtt,zigbee2mqtt/b,12-a"]
        bindings = read(*rows, header="room,measures,system,topic,id")
        assert [binding.id for binding in bindings] == ["12-a-2", "12-a"]


class TestSpreadsheets:
    ROW = "12,temperature,zigbee2mqtt,zigbee2mqtt/a,,,60 min,by the door"

    @pytest.mark.parametrize(
        "csv",
        [
            f"\ufeff{HEADER}\r\n{ROW}\r\n".encode(),
            f"{HEADER},,\n{ROW},,\n,,,,,,,,,\n\n".encode(),
            f"{HEADER}\n{ROW}\n".replace(",", ";").encode(),
            f"sep=;\r\n{HEADER}\r\n{ROW}\r\n".replace(",", ";").encode(),
            f"{HEADER}\n{ROW}\n".replace(",", "\t").encode(),
            f"\n{HEADER.upper()}\n,,\n{ROW}".encode(),
            f"{HEADER}\n{ROW.replace('by the door', chr(34) + 'by the door, left' + chr(34))}".encode(),
            f"{HEADER}\n12 ,temperature , zigbee2mqtt,zigbee2mqtt/a,,, 60 min".encode(),
        ],
    )
    def test_what_a_spreadsheet_leaves_is_taken_as_it_was_meant(self, read_files, csv):
        site, found = read_files(csv)
        assert not found, "\n".join(map(str, found))
        (binding,) = site.buildings[0].sensors
        assert (binding.id, binding.interval) == ("12-a", timedelta(hours=1))

    def test_a_comma_is_decimal_where_cells_are_parted_by_semicolons(self, read):
        (binding,) = read(
            '12;temperature;chirpstack;application/*/device/a1/event/up;"-0,1 85"',
            header="room;measures;system;topic;invalid",
        )
        assert binding.invalid == {-0.1, 85.0}

    def test_a_row_is_counted_as_a_spreadsheet_counts(self, faults):
        note = '12,temperature,zigbee2mqtt,zigbee2mqtt/a,,,,"two\nlines"'
        (line,) = faults(note, "", "12,temperature,zigbee2mqtt,zigbee2mqtt/b,,F,,")
        assert line == "sensors.csv: row 4, unit: zigbee2mqtt always sends °C; expected C, or no unit here"


class TestFaults:
    @pytest.mark.parametrize(
        ("row", "told"),
        [
            (
                "12,temperature,shelly1,shellies/a/sensor/temperature,,,,",
                "unit: nothing stands here, and shelly1 does not send it; expected C or F, as the device",
            ),
            (
                "12,temperature,shelly1,shellies/a/sensor/temperature,,K,,",
                "unit: no unit is called 'K'; expected",
            ),
            (
                "21,temperature,zigbee2mqtt,zigbee2mqtt/a,,,,",
                "room: no room here has the id '21'; expected 12, gym",
            ),
            (
                ",temperature,zigbee2mqtt,zigbee2mqtt/a,,,,",
                "room: it has neither room nor power; expected a room",
            ),
            ("12,,zigbee2mqtt,zigbee2mqtt/a,,,,", "measures: nothing stands here; expected one of battery,"),
            ("12,temprature,zigbee2mqtt,zigbee2mqtt/a,,,,", "measures: no quantity is called 'temprature'"),
            ("12,temperature,,zigbee2mqtt/a,,,,", "system: nothing stands here; expected the system"),
            ("12,temperature,zigbe,zigbee2mqtt/a,,,,", "system: no format is called 'zigbe'; expected"),
            (
                "12,temperature,zigbee2mqtt,,,,,",
                "topic: nothing stands here; expected the topic it publishes",
            ),
            (
                "12,temperature,zigbee2mqtt,a/#/b,,,,",
                "topic: 'a/#/b' has a wildcard within a level; expected",
            ),
            (
                "12,temperature,nut,ups/a/mood,,,,",
                "topic: nut has no topic that ends so; expected one that ends",
            ),
            ("12,temperature,zigbee2mqtt,zigbee2mqtt/a,,,often,", "expect_every: 'often' is not a duration"),
            (
                "12,temperature,zigbee2mqtt,zigbee2mqtt/a,,,500 ms,",
                "expect_every: '500 ms' is not a duration",
            ),
            ("12,temperature,zigbee2mqtt,zigbee2mqtt/a,,,60,", "expect_every: '60' is not a duration"),
            (
                "12,temperature,json,own/a,,C,,",
                "sensor: json does not say where its values are; expected the path",
            ),
            ("12,temperature,json,own/a,a[,C,,", "sensor.temperature: 'a[' is no path from '['"),
            (
                "12,temperature+humidity,json,own/a,a.b,C,,",
                "sensor: 'a.b' is one path, and 2 things are measured; expected a path for each, such",
            ),
            (
                "12,temperature,json,own/a,temp=a.b,C,,",
                "sensor.temp: nobody knows this key; expected battery,",
            ),
            (
                "12,temperature,rtl_433,rtl_433/a/events,,,,",
                "only: on this topic many devices of rtl_433 speak; expected the paths and values that tell",
            ),
            ("12,mains,zigbee2mqtt,zigbee2mqtt/a,,,,", "measures: no mains comes on this topic; expected"),
            (
                "12,temperature,native,own/a,x,,,",
                "sensor: a native message says all of itself; expected no channel here",
            ),
            (
                "12,temperature,zigbee2mqtt,zigbee2mqtt/a,,,,,,x",
                "column 10: 'x' stands under no heading; expected",
            ),
        ],
    )
    def test_each_names_its_row_and_column_and_the_mend(self, faults, row, told):
        line, *_ = faults(row)
        separator = " " if told.startswith(",") else ", "
        assert line.startswith(f"sensors.csv: row 2{separator}{told}")

    @pytest.mark.parametrize(
        ("columns", "cells", "told"),
        [
            ("id", "T1", "id: 'T1' is not an id; expected a-z, 0-9 and -"),
            ("invalid", "-0.1 none", "invalid: 'none' is not a number"),
            ("from", "8/25/2026", "from: '8/25/2026' is not a date; expected one such as 2026-08-25"),
            (
                "from,until",
                "2026-08-25,2026-08-25",
                "until: '2026-08-25' is not after from; expected the later",
            ),
            (
                "building",
                "mapel",
                "building: no building is called 'mapel'; expected maple; did you mean 'maple'?",
            ),
        ],
    )
    def test_so_do_those_of_the_columns_that_may_be_left_out(self, faults, columns, cells, told):
        row = f"12,temperature,zigbee2mqtt,zigbee2mqtt/a,{cells}"
        (line,) = faults(row, header=f"room,measures,system,topic,{columns}")
        assert line.startswith(f"sensors.csv: row 2, {told}")

    def test_of_several_buildings_one_must_be_named(self, faults):
        (line,) = faults("12,temperature,zigbee2mqtt,zigbee2mqtt/a", header=HEADER[:26], site=TWO)
        assert line == "sensors.csv: row 2, building: nothing stands here; expected maple or oak"

    def test_every_fault_comes_at_once(self, faults):
        rows = [
            "21,temperature,zigbee2mqtt,zigbee2mqtt/a,,F,,",
            "12,temperature,zigbee2mqtt,zigbee2mqtt/b,,,,",
            "lab,temperature,zigbee2mqtt,zigbee2mqtt/b,,,soon,",
        ]
        assert [line.split(": ")[1] for line in faults(*rows)] == [
            "row 2, room",
            "row 2, unit",
            "row 4, expect_every",
            "row 4, topic",
        ]

    def test_a_topic_of_the_site_file_is_taken(self, faults):
        entry = (
            '[[buildings.sensors]]\nid = "s"\ntopic = "zigbee2mqtt/a"\nformat = "zigbee2mqtt"\nroom = "gym"\n'
        )
        (line,) = faults("12,temperature,zigbee2mqtt,zigbee2mqtt/a,,,,", site=SITE + entry)
        assert line.startswith("sensors.csv: row 2, topic: this is the topic of maple/s already; expected")

    @pytest.mark.parametrize(
        ("csv", "told"),
        [
            (b"", "the file: it is empty; expected a first row with room, measures, system, topic"),
            (b"\n,,\n", "the file: it is empty"),
            (b"room,measures,system\n", "row 1, topic: no column is called so; expected a first row with"),
            (
                b"room,room,measures,system,topic\n",
                "row 1, room: two columns are called so; expected one of each",
            ),
            (
                b"room,measures,system,topic,units\n",
                "row 1, units: nobody knows this column; expected building, expect_every, from, id, invalid,",
            ),
            (
                b"room,measures,system,topic\n12,\xb0C,a,b\n",
                "row 2: a character is not UTF-8; expected the table",
            ),
            (
                f'{HEADER}\n12,temperature,zigbee2mqtt,"zigbee2mqtt/a\n'.encode(),
                "row 2: this is not CSV: unexpected end of data; expected cells between delimiters",
            ),
            (
                f'{HEADER}\n12,temperature,"zigbee"2mqtt,a\n'.encode(),
                "row 2: this is not CSV: ',' expected after",
            ),
        ],
    )
    def test_a_file_that_is_no_table_is_told_where(self, read_files, tmp_path, csv, told):
        _, (fault,) = read_files(csv)
        assert str(fault).replace(f"{tmp_path}/", "").startswith(f"sensors.csv: {told}")

    def test_an_unknown_column_brings_the_nearest_to_mind(self, faults):
        (line,) = faults(header=HEADER.replace("unit", "units"))
        assert line.endswith("; did you mean 'unit'?")

    def test_a_file_that_is_not_there_is_a_fault_of_the_site_file(self, read_files, tmp_path):
        _, (fault,) = read_files("", SITE.replace("sensors.csv", "sensor.csv"))
        told = str(fault).replace(f"{tmp_path}/", "")
        assert told.startswith("site.toml: sensors: no file is at 'sensor.csv'; expected a path or a glob")
