"""The promise: `safetyd listen` shows what comes, proposes lines for it, and takes nothing from anybody."""

import json
import signal
import tomllib
from collections.abc import Callable

import pytest

from tests.journeys.servers import WITHIN, Broker, Client, House, Site, until

pytestmark = pytest.mark.journey

Make = Callable[..., House]

BOUND = Site(
    more="""[[buildings.sensors]]
id = "air12"
topic = "zigbee2mqtt/air 12"
format = "zigbee2mqtt"
room = "12"
"""
)
DISCOVERY = {
    "stat_t": "shop/out",
    "dev_cla": "temperature",
    "unit_of_meas": "°F",
    "val_tpl": "{{ value_json.is.t | round(1) }}",
}


def say_everything(client: Client) -> None:
    """Say it so that it is kept: whoever listens later hears it too."""
    client.tell("zigbee2mqtt/air 12", {"temperature": 21.5, "humidity": 40}, retain=True)
    client.tell("zigbee2mqtt/air lab", {"temperature": 22.5, "humidity": 41}, retain=True)
    client.tell("tele/plug/SENSOR", {"ENERGY": {"Voltage": 118, "Power": 12}}, retain=True)
    client.tell("shop/out", {"is": {"t": 70.2}, "set": {"t": 68}}, retain=True)
    client.tell("homeassistant/sensor/shop/config", DISCOVERY, retain=True)
    client.tell("homeassistant/sensor/own/config", DISCOVERY | {"uniq_id": "safetyd_x"}, retain=True)
    client.tell("junk/bytes", b"\xff\xfe\x00", retain=True)
    client.tell("junk/words", b"open the door", retain=True)


def test_what_is_heard_is_one_document_with_lines_to_paste(
    broker: Broker, house: Make, client: Client
) -> None:
    say_everything(client)
    heard = house(broker, BOUND).asked("listen", "--for", "3s")
    topics = {each["topic"]: each for each in heard["topics"]}
    assert topics["zigbee2mqtt/air 12"]["sensors"] == ["maple/air12"]
    assert topics["zigbee2mqtt/air lab"]["format"] == "zigbee2mqtt"
    assert topics["zigbee2mqtt/air lab"]["sensors"] == []
    assert topics["tele/plug/SENSOR"]["readings"][0] == {
        "quantity": "voltage",
        "value": 118,
        "unit": "V",
        "channel": None,
    }
    assert topics["shop/out"]["says"] == {"is.t": "70.2", "set.t": "68"}
    assert "UTF-8" in topics["junk/bytes"]["reason"]
    assert [each["topic"] for each in heard["declared"]] == ["shop/out"]
    tables = tomllib.loads(heard["toml"])["buildings"]["sensors"]
    assert {each["topic"] for each in tables} == {"zigbee2mqtt/air lab", "tele/plug/SENSOR", "shop/out"}
    assert '"is.t"' in heard["toml"] and "declared by Home Assistant discovery as °F" in heard["toml"]
    assert "zigbee2mqtt/air lab" in heard["csv"]


def test_in_a_pipe_each_new_topic_is_a_line_until_it_is_interrupted(
    broker: Broker, house: Make, client: Client
) -> None:
    home = house(broker, BOUND)
    listening = home.begin("listen", "--csv", str(home.folder / "new.csv"))
    client.tell("zigbee2mqtt/air lab", {"temperature": 22.5}, retain=True)
    assert listening.stdout is not None
    first = listening.stdout.readline()
    listening.send_signal(signal.SIGINT)
    rest, _ = listening.communicate(timeout=WITHIN)
    assert first == "zigbee2mqtt/air lab: zigbee2mqtt: temperature 22.5 °C: nobody's yet\n"
    assert "1 could be assigned" in rest and listening.returncode == 0
    assert "zigbee2mqtt/air lab" in (home.folder / "new.csv").read_text("utf-8")


def test_beside_a_daemon_nothing_is_taken_away(broker: Broker, house: Make, client: Client) -> None:
    home = house(broker, BOUND).start(client)
    before = len(client.heard)
    listening = home.begin("listen", "--for", "1h", "--json")
    until("the guest has come", lambda: b"safetyd-listen-" in (broker.folder / "mosquitto.log").read_bytes())
    for number in range(20):
        client.tell("safetyd/readings/maple/lab", {"temperature_f": 68 + number / 10}, retain=number == 19)
    home.has("reading", 20)
    listening.terminate()
    out, _ = listening.communicate(timeout=WITHIN)
    (heard,) = (each for each in json.loads(out)["topics"] if each["topic"].endswith("/lab"))
    assert heard["sensors"] == ["maple/lab"]
    assert not [topic for topic, *_ in client.heard[before:] if topic.startswith("safetyd/status/")]
    assert home.is_running and home.count("trouble") == 0


def test_without_a_broker_it_says_so_at_once(broker: Broker, house: Make) -> None:
    home = house(broker)
    broker.stop()
    said = home.run("listen")
    assert said.code == 1 and "cannot be reached" in said.err and not said.out


def test_a_file_that_is_there_is_left_alone(broker: Broker, house: Make) -> None:
    home = house(broker)
    said = home.run("listen", "--toml", str(home.folder / "site.toml"))
    assert said.code == 2 and "is there already" in said.err
