"""What is not believed, by the real daemon behind a real broker: broken, remembered, gone with its bridge."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.journeys.servers import LOOPBACK, WITHIN, Broker, Client, House, Json, Site, ago, until, utc
from tests.story import device

pytestmark = pytest.mark.journey

Make = Callable[..., House]
ROOMS = ("r1", "r2", "r3")
SITE = Site(rooms=ROOMS, more="".join(device(f"s-{room}", room, f"zigbee2mqtt/{room}") for room in ROOMS))
BRIDGE, ONLINE, OFFLINE = "zigbee2mqtt/bridge/state", b'{"state":"online"}', b'{"state":"offline"}'
COLD = {"temperature": 13.5, "humidity": 41}  # °C
MILD = {"temperature": 21.5, "humidity": 41}
OF_BRIDGE = "SELECT ended_at FROM trouble WHERE kind = 'silent' AND sensor LIKE '%bridge%'"


@contextmanager
def bridge_that_will_die(broker: Broker) -> Iterator[paho.Client]:
    """A bridge on the broker whose last will says that it is gone; it ends without a word."""
    bridge = paho.Client(CallbackAPIVersion.VERSION2)
    bridge.will_set(BRIDGE, OFFLINE, qos=1, retain=True)
    bridge.connect(LOOPBACK, broker.port)
    bridge.loop_start()
    bridge.publish(BRIDGE, ONLINE, qos=1, retain=True).wait_for_publish(WITHIN)
    try:
        yield bridge
    finally:
        wire = bridge.socket()
        assert wire is not None
        bridge.loop_stop()
        wire.shutdown(socket.SHUT_RDWR)


def sensors(home: House) -> dict[str, Json]:
    return {each["sensor"]: each for each in home.asked("sensors")["sensors"]}


def rooms_in_breach(home: House) -> list[str]:
    return sorted(ticket["room"] for ticket in home.tickets())


def test_a_broken_payload_is_a_trouble_of_its_sensor_and_the_day_goes_on(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE).start(client)
    trouble = "SELECT ended_at FROM trouble WHERE kind = 'unreadable'"
    client.tell("zigbee2mqtt/r1", b'{"temperature": 13.5, "humi')
    until("the trouble is on record", lambda: home.rows(trouble) == [(None,)])
    assert home.tickets() == []
    assert sensors(home)["s-r1"]["state"] == "unreadable"
    client.tell("zigbee2mqtt/r1", COLD)
    home.has("ticket", 1)
    until("the trouble is over", lambda: home.rows(trouble)[0][0] is not None)
    assert rooms_in_breach(home) == ["r1"]
    assert sensors(home)["s-r1"]["state"] == "ok"
    assert home.is_running and "exception=" not in home.log


def test_what_a_bridge_remembers_opens_no_ticket_until_it_says_when_that_was(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE).start(client)
    client.tell(BRIDGE, ONLINE, retain=True)
    client.tell("zigbee2mqtt/r1", COLD)
    client.tell("zigbee2mqtt/r2", {**COLD, "last_seen": utc(ago(seconds=2))})
    home.has("ticket", 1)
    assert rooms_in_breach(home) == ["r2"]
    assert sensors(home)["s-r1"]["last"]["temperature"][1] == pytest.approx(56.3)  # to be seen all the same
    client.tell("zigbee2mqtt/r1", {**COLD, "last_seen": utc(ago(seconds=1))})
    home.has("ticket", 2)
    assert rooms_in_breach(home) == ["r1", "r2"]


def test_the_last_will_of_a_bridge_is_one_trouble_that_ends_when_it_is_back(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker, SITE).start(client)
    with bridge_that_will_die(broker):
        for room in ROOMS:
            client.tell(f"zigbee2mqtt/{room}", {**MILD, "last_seen": utc(ago(seconds=1))})
        home.has("reading", 2 * len(ROOMS))
        assert home.rows(OF_BRIDGE) == []
    until("the bridge is a trouble", lambda: home.rows(OF_BRIDGE) == [(None,)])
    assert home.count("trouble") == 1
    assert home.tickets() == []
    assert {each["state"] for each in sensors(home).values()} == {"ok"}  # their last words still count
    client.tell(BRIDGE, ONLINE, retain=True)
    until("the trouble is over", lambda: home.rows(OF_BRIDGE)[0][0] is not None)
    assert home.count("trouble") == 1
