"""The promise: a sensor's entry says all that its messages leave open, or is told what it lacks."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from safetyd.core.model import Offset, Quantity, Tolerance
from safetyd.faults import Fault
from safetyd.paths import Named
from safetyd.profile import Words
from safetyd.site import SensorBinding, read_site
from safetyd.site_readings import readings

HEAD = """
name = "A District"
timezone = "America/Los_Angeles"
"""
BUILDING = """
[[buildings]]
id = "maple"
rooms = [{ id = "12", name = "Room 12" }, { id = "lab" }]
"""
UPS = 'topic = "nut/ups/status"\nformat = "nut"\n'
ZIGBEE = 'topic = "zigbee2mqtt/Room 12"\nformat = "zigbee2mqtt"\nroom = "12"\n'
PLAIN = 'topic = "own/room12"\nformat = "plain"\nroom = "12"\n'
JSON = 'topic = "own/room12"\nformat = "json"\nroom = "12"\n'
SHELLY = 'topic = "shellies/ht-7/sensor/temperature"\nformat = "shelly1"\nroom = "12"\n'
RADIO = 'topic = "rtl_433/attic/events"\nformat = "rtl_433"\nroom = "12"\n'
SPARKPLUG = 'topic = "spBv1.0/maple/+/edge/lab"\nformat = "sparkplug"\nroom = "lab"\n'
ANY_JSON = JSON + 'values = { temperature = "t" }\nunit = "C"\n'

Read = Callable[..., list[SensorBinding]]
Faults = Callable[..., list[str]]


def sensor(keys: str, id: str = "s") -> str:
    return f'[[buildings.sensors]]\nid = "{id}"\n{keys}\n'


@pytest.fixture
def read_site_file(tmp_path: Path) -> Callable[[str, str], tuple[list[SensorBinding], list[Fault]]]:
    def write_and_read(sensors: str, head: str) -> tuple[list[SensorBinding], list[Fault]]:
        file = tmp_path / "site.toml"
        file.write_text(HEAD + head + BUILDING + sensors, encoding="utf-8")
        found: list[Fault] = []
        site = read_site([file], {}, found)
        return [binding for building in site.buildings for binding in building.sensors] if site else [], found

    return write_and_read


@pytest.fixture
def read(read_site_file) -> Read:
    """Read entries that have no fault."""

    def faultless(*entries: str, head: str = "") -> list[SensorBinding]:
        given = "".join(sensor(keys, f"s{number}") for number, keys in enumerate(entries, 1))
        bindings, found = read_site_file(given, head)
        assert not found, "\n".join(map(str, found))
        return bindings

    return faultless


@pytest.fixture
def faults(read_site_file, tmp_path) -> Faults:
    """Read entries that have some, and return them without the folder and the first sensor's place."""

    def told(*entries: str, head: str = "") -> list[str]:
        given = "".join(sensor(keys, f"s{number}") for number, keys in enumerate(entries, 1))
        _, found = read_site_file(given, head)
        assert found
        cut = "site.toml: buildings[0].sensors[0]."
        return [str(fault).replace(f"{tmp_path}/", "").removeprefix(cut) for fault in found]

    return told


class TestWhatAnEntrySays:
    def test_the_wiring_is_as_written(self, read):
        (binding,) = read(
            JSON + 'measures = ["temperature", "humidity"]\nunit = "@tags[name=unit].value"\nchannel = "L2"\n'
            "values = { temperature = ['data.t', \"['t.now']\"], humidity = { at = \"rh\" }, "
            'mains = { at = "grid", words = { on = ["yes"], off = ["no"] } } }\n'
            'only = { "device.id" = 42, model = ["A", "B"] }\nvalid = "data.ok"\ntime = "at"\n'
            'words = { on = ["1"], off = ["0"] }\ninvalid = [-0.1, 85]\n'
        )
        wiring = binding.wiring
        assert wiring.measures == (Quantity.TEMPERATURE, Quantity.HUMIDITY)
        assert (wiring.unit, wiring.channel, wiring.valid, wiring.time) == (
            "@tags[name=unit].value",
            "L2",
            ("data", "ok"),
            ("at",),
        )
        assert [(value.measures, value.at) for value in wiring.values] == [
            (Quantity.TEMPERATURE, (("data", "t"), ("t.now",))),
            (Quantity.HUMIDITY, (("rh",),)),
            (Quantity.MAINS, (("grid",),)),
        ]
        assert wiring.values[2].words == Words(("yes",), ("no",))
        assert wiring.words == Words(("1",), ("0",))
        assert wiring.only == ((("device", "id"), (42,)), (("model",), ("A", "B")))
        assert binding.invalid == {-0.1, 85.0}

    def test_one_quantity_needs_no_list_and_a_path_may_name_an_object_in_a_list(self, read):
        (binding,) = read(
            JSON + 'measures = "temperature"\nunit = "F"\nvalues.temperature = "tags[name=t].value"'
        )
        assert binding.wiring.measures == (Quantity.TEMPERATURE,)
        assert binding.wiring.values[0].at == (("tags", Named("name", "t"), "value"),)

    def test_a_battery_may_be_sent_in_volts(self, read):
        (binding,) = read(ANY_JSON.replace("{ t", '{ battery = { at = "b", unit = "V" }, t'))
        assert {value.measures: value.unit for value in readings(binding)} == {
            "battery": "V",
            "temperature": "C",
        }

    def test_a_register_counts_kilowatt_hours_unless_its_entry_says_watt_hours(self, read):
        for entry, unit in (('"e"', "kWh"), ('{ at = "e", unit = "Wh" }', "Wh")):
            (binding,) = read(f'topic = "m"\nformat = "json"\npower = true\nvalues = {{ energy = {entry} }}')
            assert [(value.measures, value.unit) for value in readings(binding)] == [("energy", unit)]

    def test_a_date_is_midnight_at_the_site_and_a_time_with_a_zone_is_its_own(self, read):
        first, second, third = read(
            ZIGBEE + "from = 2026-08-25\nuntil = 2026-12-01T08:00:00-05:00",
            ZIGBEE + "from = 2026-12-01T12:00:00\nuntil = 2027-01-01",
            ZIGBEE + 'from = "2027-01-01"\nuntil = "2027-02-01T07:30"',
        )
        assert (first.since, first.until) == (
            datetime(2026, 8, 25, 7, tzinfo=UTC),
            datetime(2026, 12, 1, 13, tzinfo=UTC),
        )
        assert (second.since, second.until) == (
            datetime(2026, 12, 1, 20, tzinfo=UTC),
            datetime(2027, 1, 1, 8, tzinfo=UTC),
        )
        assert (third.since, third.until) == (second.until, datetime(2027, 2, 1, 15, 30, tzinfo=UTC))

    def test_an_offset_in_celsius_is_a_difference(self, read):
        (binding,) = read(
            ZIGBEE
            + "offsets = [{ temperature_c = -0.5, humidity = 2 }, { from = 2026-10-01, temperature_f = 0.3 }]"
        )
        assert binding.offsets == (
            Offset(None, -0.9, 2.0),
            Offset(datetime(2026, 10, 1, 7, tzinfo=UTC), 0.3, 0.0),
        )

    def test_a_tolerance_in_celsius_is_a_difference_and_none_is_not_known(self, read):
        (binding,) = read(ZIGBEE + "tolerance = { temperature_c = 0.5, humidity = 3 }")
        assert binding.tolerance == Tolerance(0.9, 3.0)
        (binding,) = read(ZIGBEE)
        assert binding.tolerance is None

    def test_a_metric_of_sparkplug_is_a_name_and_no_path(self, read):
        (binding,) = read(
            SPARKPLUG + 'values = { temperature = "Lab/Air.Temp[2]", humidity = { at = "Lab/RH" } }'
        )
        assert [value.at for value in binding.wiring.values] == [(("Lab/Air.Temp[2]",),), (("Lab/RH",),)]
        assert binding.profile is None

    @pytest.mark.parametrize(
        ("keys", "told"),
        [
            (ZIGBEE + 'unit = "K"', "unit: no unit is called 'K'; expected C or F"),
            (ZIGBEE + 'unit = "@a..b"', "unit: "),
            (ZIGBEE + 'measures = "heat"', "measures: no quantity is called 'heat'; expected battery,"),
            (ZIGBEE + 'measures = ["temperatur"]', "measures[0]: no quantity is called 'temperatur'"),
            (ZIGBEE + "measures = []", "measures: the list is empty; expected one of battery,"),
            (JSON + "values = 3", "values: 3 is not a table; expected a table"),
            (JSON + 'values = { temperature = "a[" }', "values.temperature: 'a[' is no path from '[' on"),
            (JSON + "values = { temperature = [] }", "values.temperature: the list is empty"),
            (JSON + 'values = { temp = "a" }', "values.temp: nobody knows this key; expected battery,"),
            (JSON + 'values = { mains = { unit = "V", at = "a" } }', "values.mains.unit: 'V' is the unit of"),
            (JSON + "values = { humidity = { words = {} } }", "values.humidity.at: nothing stands here"),
            (ANY_JSON + "only = 3", "only: 3 is no table; expected {"),
            (ANY_JSON + 'valid = ""', "valid: '' is no path; expected one such as"),
            (ANY_JSON + "time = 3", "time: 3 is no path"),
            (ANY_JSON + "words = { yes = [1] }", "words.yes: nobody knows this key; expected off, on or"),
            (ZIGBEE + 'invalid = ["85"]', "invalid[0]: '85' is not a number; expected a number"),
            (ZIGBEE + "invalid = 85", "invalid: 85 is not a list; expected a list of numbers"),
            (ZIGBEE + 'from = "soon"', "from: 'soon' is not a date; expected one such as 2026-08-25"),
            (ZIGBEE + 'until = "25:00"', "until: '25:00' is no time; expected one such as 2026-08-25T12:00"),
            (ZIGBEE + "from = 1066-10-14T00:00:00", "from: 1066-10-14 is too far off"),
            (
                ZIGBEE + "from = 2026-08-25\nuntil = 2026-08-25",
                "until: 2026-08-25 is not after from; expected",
            ),
            (ZIGBEE + "tolerance = { humidity = -1 }", "tolerance.humidity: -1 is out of range; expected a"),
            (ZIGBEE + "tolerance = { temp = 1 }", "tolerance.temp: nobody knows this key"),
            (ZIGBEE + "offsets = [{ from = 2026-08-25 }]", "offsets[0].temperature_f: nothing is added here"),
            (
                ZIGBEE + "offsets = [{ temperature_f = 1, temperature_c = 1 }]",
                "offsets[0].temperature_c: temperature_f stands here too; expected one of the two",
            ),
            (ZIGBEE + "offsets = [{ humidity = 1 }, { humidity = 2 }]", "offsets[1].from: it does not begin"),
            (
                ZIGBEE
                + "offsets = [{ from = 2026-09-01, humidity = 1 }, { from = 2026-08-01, humidity = 2 }]",
                "offsets[1].from: it does not begin after the one before it; expected a later date",
            ),
            (
                ZIGBEE.replace("/Room", "/#/Room"),
                "topic: 'zigbee2mqtt/#/Room 12' has a wildcard within a level",
            ),
            (ZIGBEE.replace("Room 12", "Room+"), "topic: 'zigbee2mqtt/Room+' has a wildcard within a level"),
            (ZIGBEE.replace("zigbee2mqtt/Room 12", ""), "topic: '' is not a topic"),
        ],
    )
    def test_each_mistake_is_told_at_its_key(self, faults, keys, told):
        (line,) = faults(keys)
        assert line.startswith(told)

    def test_every_mistake_comes_at_once(self, faults):
        keys = 'topic = "a/#/b"\nformat = "tasmotta"\nroom = "21"\nunit = "K"\ninvalid = 3\n'
        told = {
            line.split(": ")[0] for line in faults(keys + 'values = { temp = "a" }\nfrom = "x"\ncolour = 1')
        }
        assert told == {"topic", "format", "room", "unit", "invalid", "values.temp", "from", "colour"}


class TestWhatIsLeftOpen:
    @pytest.mark.parametrize(
        ("keys", "told"),
        [
            (
                SHELLY,
                "unit: nothing stands here, and shelly1 does not send it; expected C or F, as the device",
            ),
            (ANY_JSON.replace('unit = "C"', ""), "unit: nothing stands here, and json does not send it"),
            (PLAIN + 'measures = "temperature"', "unit: nothing stands here, and plain does not send it"),
            (ZIGBEE + 'unit = "F"', "unit: zigbee2mqtt always sends °C; expected C, or no unit here"),
            (ZIGBEE + 'unit = "@unit"', "unit: zigbee2mqtt always sends °C; expected C, or no unit here"),
            (
                SHELLY.replace("sensor/temperature", "ext_temperature/0") + 'unit = "F"',
                "unit: on this topic shelly1 always sends °C; expected C, or no unit here",
            ),
            (
                PLAIN + 'unit = "C"',
                "measures: plain does not say what the value on this topic is; expected one",
            ),
            (
                PLAIN + 'unit = "C"\nmeasures = ["temperature", "humidity"]',
                "measures: plain does not say what",
            ),
            (JSON, "values: json does not say where its values are; expected the path of each, such as"),
            (
                RADIO,
                "only: on this topic many devices of rtl_433 speak; expected the paths and values that tell",
            ),
            (RADIO + "only = {}", "only: on this topic many devices of rtl_433 speak"),
            (
                UPS.replace("ups/status", "mood") + "power = true",
                "topic: nut has no topic that ends so; expected",
            ),
            (
                UPS.replace("ups/status", "bridge/state") + "power = true",
                "topic: nut sends no values on this",
            ),
            (
                SHELLY + 'measures = "humidity"',
                "measures: no humidity comes on this topic; expected temperature",
            ),
            (
                ZIGBEE + 'power = true\nmeasures = ["temperature", "battery"]',
                "measures: a witness of the mains that reads temperature and battery alone; expected",
            ),
            (
                UPS.replace("ups/status", "battery/charge") + "power = true",
                "power: this topic says nothing about the mains, only battery; expected a topic",
            ),
            (
                UPS.replace("ups/status", "input/voltage") + 'room = "12"',
                "room: this topic says nothing about a room, only voltage; expected power = true",
            ),
            (SPARKPLUG, "values: nothing stands here; expected the metric of each value, such as"),
            (
                SPARKPLUG.replace("maple/+/edge/lab", "maple/#") + 'values.temperature = "T"',
                "topic: this is no node and no device of Sparkplug; expected spBv1.0/GROUP/+/NODE",
            ),
            (
                SPARKPLUG + 'values.temperature = "T"\nmeasures = "humidity"',
                "measures: no humidity comes on this topic; expected temperature",
            ),
            (
                'topic = "a"\nformat = "native"\nroom = "12"\nunit = "F"',
                "unit: a native message says all of itself; expected no unit here",
            ),
            (
                'topic = "a"\nformat = "native"\nroom = "12"\nvalues.humidity = "h"',
                "values: a native message says all of itself; expected no values here",
            ),
        ],
    )
    def test_what_nobody_says_is_a_fault(self, faults, keys, told):
        (line,) = faults(keys)
        assert line.startswith(told)

    @pytest.mark.parametrize(
        "keys",
        [
            SHELLY + 'unit = "F"',
            SHELLY.replace("sensor/temperature", "sensor/humidity"),
            SHELLY.replace("sensor/temperature", "ext_temperature/0"),
            SHELLY.replace("sensor/temperature", "sensor/+") + 'unit = "C"',
            SHELLY.replace("sensor/temperature", "sensor/+") + 'measures = ["humidity", "battery"]',
            SHELLY.replace("ht-7/sensor/temperature", "#") + 'unit = "F"',
            ZIGBEE + 'unit = "C"',
            ZIGBEE + "power = true",
            PLAIN + 'measures = "temperature"\nunit = "F"',
            PLAIN + 'measures = "humidity"',
            PLAIN.replace('room = "12"', "power = true") + 'measures = "mains"',
            PLAIN.replace('room = "12"', "power = true") + 'measures = "energy"',
            ANY_JSON,
            ANY_JSON.replace("json", "neuron"),
            JSON + 'values = { temperature = { at = "t", unit = "F" } }',
            JSON + 'values = { temperature = { at = "t", unit = "@u" } }',
            JSON + 'values = { humidity = "h" }',
            RADIO + "only = { id = 42 }",
            RADIO.replace("events", "devices/Acurite/42/temperature_C"),
            UPS + "power = true",
            UPS.replace("ups/status", "bridge/state") + 'power = true\nvalues.mains = "$"',
            SPARKPLUG + 'values.temperature = "T"',
            'topic = "a"\nformat = "native"\nroom = "12"',
            'topic = "tele/rm12/SENSOR"\nformat = "tasmota"\nroom = "12"',
            'topic = "application/+/device/a1/event/up"\nformat = "chirpstack"\nroom = "12"',
        ],
    )
    def test_what_somebody_says_is_none(self, read, keys):
        assert len(read(keys)) == 1

    def test_a_format_nobody_knows_brings_the_nearest_to_mind(self, faults):
        (line,) = faults(ZIGBEE.replace('"zigbee2mqtt"', '"zigbe2mqtt"'))
        assert line.startswith("format: no format is called 'zigbe2mqtt'; expected airgradient, apc, ")
        assert line.endswith("; did you mean 'zigbee2mqtt'?")

    def test_an_unknown_ending_is_told_with_the_known_ones(self, faults):
        (line,) = faults('topic = "application/1/device/a/event/join"\nformat = "chirpstack"\nroom = "12"')
        assert line.endswith("expected one that ends in event/status or event/up")


class TestWhoMayShare:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (ZIGBEE + 'channel = "a"', ZIGBEE + 'channel = "b"'),
            (RADIO + "only = { id = 1 }", RADIO + "only = { id = 2 }"),
            (ZIGBEE + 'measures = "temperature"', ZIGBEE + 'measures = ["humidity", "battery"]'),
            (ZIGBEE, ZIGBEE.replace('room = "12"', "power = true") + 'measures = "voltage"'),
            (ZIGBEE + "until = 2026-12-01", ZIGBEE + "from = 2026-12-01"),
            (ANY_JSON, ANY_JSON.replace('"t"', '"u"')),
            (SHELLY + 'unit = "C"', SHELLY.replace("ht-7", "ht-8") + 'unit = "F"'),
            (RADIO.replace("events", "+/1/#") + "unit = 'C'\nonly = { id = 1 }", RADIO + "only = { id = 2 }"),
        ],
    )
    def test_a_topic_has_several_sensors_that_something_tells_apart(self, read, one, other):
        assert len(read(one, other)) == 2

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (ZIGBEE, ZIGBEE),
            (ZIGBEE + 'measures = "temperature"', ZIGBEE),
            (ZIGBEE + 'measures = "temperature"', ZIGBEE + 'measures = ["temperature", "humidity"]'),
            (ZIGBEE, ZIGBEE.replace("Room 12", "+")),
            (ZIGBEE, ZIGBEE.replace("Room 12", "#")),
            (ZIGBEE.replace("Room 12", "#"), ZIGBEE),
            (ZIGBEE.replace("Room 12", "+"), ZIGBEE.replace("zigbee2mqtt/", "+/", 1)),
            (ZIGBEE + "until = 2026-12-02", ZIGBEE + "from = 2026-12-01"),
            (ANY_JSON, ANY_JSON.replace("{ t", '{ humidity = "h", t')),
        ],
    )
    def test_a_value_of_a_message_belongs_to_one_sensor(self, faults, one, other):
        (line,) = faults(one, other)
        assert line.startswith(
            "site.toml: buildings[0].sensors[1].topic: this is the topic of maple/s1 already"
        )
        assert line.endswith("or channel, only, values or measures that tell the two apart")

    def test_a_device_that_moved_keeps_its_id(self, read_site_file):
        text = sensor(ZIGBEE + "until = 2026-12-01") + sensor(
            ZIGBEE.replace('"12"', '"lab"') + "from = 2026-12-01"
        )
        bindings, found = read_site_file(text, "")
        assert not found
        assert [(binding.id, binding.room) for binding in bindings] == [("s", "12"), ("s", "lab")]

    def test_an_id_stands_once_at_a_time(self, read_site_file):
        text = sensor(ZIGBEE + "until = 2026-12-01") + sensor(ZIGBEE + "from = 2026-11-30")
        _, (fault,) = read_site_file(text, "")
        assert (fault.key, fault.value) == ("buildings[0].sensors[1].id", "'s' is taken")
        assert "an end (until) before" in fault.expected


class TestProfilesOfTheSite:
    HEAD = 'profiles = ["mine/*.toml"]\n'
    PROFILE = (
        '[[messages]]\ntopics = ["air"]\nvalues = [{ measures = "temperature", at = "t", unit = "C" }]\n'
    )
    ENTRY = 'topic = "own/air"\nformat = "attic"\nroom = "12"\n'

    @pytest.fixture
    def mine(self, tmp_path) -> Callable[[str, str], None]:
        def write(name: str, text: str) -> None:
            (tmp_path / "mine").mkdir(exist_ok=True)
            (tmp_path / "mine" / name).write_text(text, encoding="utf-8")

        return write

    def test_a_profile_of_its_own_is_a_format(self, read, mine):
        mine("attic.toml", self.PROFILE)
        (binding,) = read(self.ENTRY, head=self.HEAD)
        assert binding.profile.name == "attic"
        assert [value.unit for value in readings(binding)] == ["C"]

    def test_a_single_path_needs_no_list(self, read, mine):
        mine("attic.toml", self.PROFILE)
        assert read(self.ENTRY, head='profiles = "mine/attic.toml"\n')

    def test_its_faults_are_told_with_its_file(self, faults, mine):
        mine("attic.toml", self.PROFILE + "colour = 1\n")
        (line,) = faults(self.ENTRY, head=self.HEAD)
        assert line.startswith("mine/attic.toml: messages[0].colour: nobody knows this key")

    def test_a_name_of_this_program_is_taken(self, faults, mine):
        for name in ("tasmota", "native", "sparkplug"):
            mine(f"{name}.toml", self.PROFILE)
        assert [line.split("; ")[0] for line in faults(ZIGBEE, head=self.HEAD)] == [
            f"mine/{name}.toml: the file: a format of this program is called '{name}' already"
            for name in ("native", "sparkplug", "tasmota")
        ]

    def test_two_files_of_one_name_are_a_fault(self, faults, mine, tmp_path):
        mine("attic.toml", self.PROFILE)
        (tmp_path / "attic.toml").write_text(self.PROFILE, encoding="utf-8")
        (line,) = faults(self.ENTRY, head='profiles = ["attic.toml", "mine/attic.toml"]\n')
        assert line.startswith("mine/attic.toml: the file: another file is called 'attic' already; expected")

    def test_a_file_that_is_not_there_is_a_fault(self, faults):
        (line,) = faults(ZIGBEE, head='profiles = ["none/*.toml"]\n')
        assert line.startswith("site.toml: profiles: no file is at 'none/*.toml'; expected a path or a glob")
