"""The promise: a list of brokers is read whole or not at all, and each of its faults is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safetyd.configuration import load
from safetyd.faults import ConfigurationError
from safetyd.setting_mqtt import Mqtt, mqtt_words

SITE = 'name = "A District"\ntimezone = "America/Los_Angeles"\n[[buildings]]\nid = "lincoln"\n'
LIST = '["a.example:1883", "b.example:1883"]'

Read = Callable[..., Mqtt]
Faults = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write an `[mqtt]` of these lines, and read it."""

    def write_and_read(*lines: str, **environ: str) -> Mqtt:
        (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
        text = "\n".join(['site = "site.toml"', "[mqtt]", *lines])
        (tmp_path / "safetyd.toml").write_text(text, encoding="utf-8")
        return load(tmp_path / "safetyd.toml", environ).settings.mqtt

    return write_and_read


@pytest.fixture
def faults(read: Read, tmp_path: Path) -> Faults:
    """Read what is faulty, and return its faults without the folder."""

    def told(*lines: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            read(*lines, **environ)
        return [line.replace(f"{tmp_path}/", "") for line in str(caught.value).splitlines()]

    return told


def places(mqtt: Mqtt) -> list[str]:
    return [str(each) for each in mqtt.places]


def test_host_and_port_are_a_list_of_one(read: Read) -> None:
    assert places(read()) == ["127.0.0.1:1883"]
    assert places(read('host = "a.example"', "port = 8883")) == ["a.example:8883"]


def test_a_list_is_tried_in_its_order_and_the_port_is_for_who_names_none(read: Read) -> None:
    assert places(read(f"brokers = {LIST}")) == ["a.example:1883", "b.example:1883"]
    named = read('brokers = ["b.example", "[fd00::5]:9", "[fd00::6]"]', "port = 8883")
    assert places(named) == ["b.example:8883", "[fd00::5]:9", "[fd00::6]:8883"]
    assert named.places[1].host == "fd00::5"


@pytest.mark.parametrize("text", ["a.example:1883,b.example:1883", "a.example:1883, b.example:1883", LIST])
def test_the_environment_gives_it_with_commas_or_as_json(read: Read, text: str) -> None:
    assert places(read(SAFETYD_MQTT__BROKERS=text)) == ["a.example:1883", "b.example:1883"]


def test_an_address_of_ipv6_first_in_the_environment_is_no_json(read: Read) -> None:
    assert places(read(SAFETYD_MQTT__BROKERS="[fd00::5]:1883,b.example")) == [
        "[fd00::5]:1883",
        "b.example:1883",
    ]


def test_each_alone_is_as_if_it_were_the_only_one(read: Read) -> None:
    mqtt = read(f"brokers = {LIST}", 'username = "u"')
    assert [places(each) for each in mqtt.alone()] == [["a.example:1883"], ["b.example:1883"]]
    assert {each.username for each in mqtt.alone()} == {"u"}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["brokers = []"], "mqtt.brokers: no list of anything stands here; expected a list, such as"),
        (["brokers = 5"], "mqtt.brokers: no list of anything stands here; expected a list, such as"),
        (['brokers = ["a b"]'], "mqtt.brokers: 'a b' is no broker; expected each once as"),
        (['brokers = ["a:0"]'], "mqtt.brokers: 'a:0' has no port from 1 to 65535; expected each once"),
        (['brokers = ["a", 7, "b:70000"]'], "mqtt.brokers: 7 is no broker; 'b:70000' has no port from 1 to"),
        (['brokers = ["a:1", "b:1", "a:1"]'], "mqtt.brokers: 'a:1' is there twice; expected each once"),
        (['brokers = ["a:1883", "a"]'], "mqtt.brokers: one is there twice, by its port and by that of port"),
        (['brokers = ["fd00::5"]'], "mqtt.brokers: 'fd00::5' is no broker; expected each once"),
        (
            [f"brokers = {[f'h{n}' for n in range(17)]}"],
            "mqtt.brokers: 17 are too many, 16 at most; expected",
        ),
        ([f"brokers = {LIST}", 'host = "c"'], "mqtt.host: brokers names them already; expected host, or"),
        ([f"brokers = {LIST}", "embedded = true"], "mqtt.brokers: embedded = true runs one of our own; exp"),
        (["in_flight = 0"], "mqtt.in_flight: 0 is out of range; expected a whole number from 1 to 1000"),
    ],
)
def test_each_fault_is_told_with_what_was_expected(faults: Faults, lines: list[str], told: str) -> None:
    (line,) = faults(*lines)
    assert line.startswith(f"safetyd.toml: {told}")


def test_faults_of_the_list_come_together_with_all_others(faults: Faults) -> None:
    told = faults('brokers = ["a b", "mqtt://u:hunter2@h"]', "port = 0", SAFETYD_MQTT__TLS="maybe")
    keys = sorted(line.split(":")[1].strip() for line in told)
    assert keys == ["SAFETYD_MQTT__TLS", "mqtt.brokers", "mqtt.port"]
    assert "hunter2" not in "".join(told)


def test_a_fault_from_the_environment_names_the_variable(faults: Faults) -> None:
    (line,) = faults(SAFETYD_MQTT__BROKERS="a b")
    assert line.startswith("environment: SAFETYD_MQTT__BROKERS: 'a b' is no broker")


def test_in_words_all_of_them_are_named(read: Read) -> None:
    assert mqtt_words(read()) == "the broker at 127.0.0.1:1883"
    said = mqtt_words(read(f"brokers = {LIST}", "tls = true", 'username = "u"'))
    assert "one of the brokers" in said and said.endswith(" a.example:1883, b.example:1883, encrypted, as u")
