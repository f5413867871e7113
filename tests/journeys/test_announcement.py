"""Home Assistant on the same broker: what it finds there, what changes, and what goes when a room goes."""

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.journeys.servers import Broker, Client, House, Site, until

pytestmark = pytest.mark.journey

ANNOUNCED = "announce = true"
BUILDING = "homeassistant/device/safetyd_maple/config"
ROOM_12 = "homeassistant/device/safetyd_maple_12/config"
LAB = "homeassistant/device/safetyd_maple_lab/config"
READING = "safetyd/readings/maple/12"
Make = Callable[..., House]


@pytest.fixture
def assistant(broker: Broker) -> Iterator[Client]:
    """Somebody who hears what Home Assistant would hear."""
    made = Client(broker, "homeassistant/#", "safetyd/status/#", "safetyd/rooms/#", "safetyd/buildings/#")
    yield made
    made.close()


def document(client: Client, topic: str) -> dict[str, Any]:
    """Return the newest document of a topic, nothing while there is none."""
    return dict(json.loads(client.last(topic) or b"{}"))


def reload(home: House, site: Site) -> None:
    assert home.daemon is not None
    home.write(site)
    home.daemon.send_signal(signal.SIGHUP)
    home.log_says("was taken anew")


def remembered(broker: Broker) -> set[str]:
    """Return the topics that somebody who comes now is given."""
    late = Client(broker, "homeassistant/#")
    late.tell("homeassistant/asked", b"after what is kept")
    until("all that is kept has come", lambda: late.last("homeassistant/asked"))
    late.close()
    return {topic for topic, _, is_retained in late.heard if is_retained}


def test_whoever_comes_later_finds_every_device(broker: Broker, assistant: Client, house: Make) -> None:
    house(broker, mqtt=ANNOUNCED).start(assistant)
    until("all of them are kept", lambda: remembered(broker) == {BUILDING, ROOM_12, LAB})


def test_a_reading_changes_what_the_entities_read(broker: Broker, assistant: Client, house: Make) -> None:
    house(broker, mqtt=ANNOUNCED).start(assistant)
    until("the room is announced", lambda: assistant.last(ROOM_12))
    room, building = (document(assistant, each)["state_topic"] for each in (ROOM_12, BUILDING))
    calm = {"open_tickets": 0, "mains": "unknown"}
    until("the building has no ticket", lambda: document(assistant, building) == calm)
    assistant.tell(READING, {"temperature_f": 55.0, "humidity": 40})

    def is_cold() -> bool:
        said = document(assistant, room)
        return bool(said) and said["verdicts"]["cold"] == "breach" and said["values"]["temperature_f"] == 55.0

    until("the room is too cold", is_cold)
    until("the building has a ticket", lambda: document(assistant, building)["open_tickets"] == 1)


def test_electricity_that_is_there_is_said(broker: Broker, assistant: Client, house: Make) -> None:
    house(broker, mqtt=ANNOUNCED).start(assistant)
    assistant.tell("safetyd/power/maple", {"mains": True})
    until("it is there", lambda: document(assistant, "safetyd/buildings/maple").get("mains") == "ok")


def test_a_room_that_leaves_the_site_is_withdrawn(broker: Broker, assistant: Client, house: Make) -> None:
    home = house(broker, mqtt=ANNOUNCED).start(assistant)
    until("the last room is announced", lambda: assistant.last(LAB))
    reload(home, Site(rooms=("12", "office")))
    until("it is gone", lambda: assistant.last(LAB) == b"")
    until("another has come", lambda: assistant.last("homeassistant/device/safetyd_maple_office/config"))
    assert assistant.last(ROOM_12) and assistant.last(BUILDING)


def test_a_room_that_left_while_the_broker_was_away_is_withdrawn_when_it_is_back(
    broker: Broker, assistant: Client, house: Make
) -> None:
    home = house(broker, mqtt=ANNOUNCED).start(assistant)
    until("the last room is announced", lambda: assistant.last(LAB))
    broker.stop()
    home.log_says("lost")
    reload(home, Site(rooms=("12",)))
    broker.start()
    until("it is gone", lambda: remembered(broker) == {BUILDING, ROOM_12})


def test_nothing_is_announced_unless_asked_for(broker: Broker, assistant: Client, house: Make) -> None:
    home = house(broker).start(assistant)
    until("the building is said", lambda: assistant.last("safetyd/buildings/maple"))
    reload(home, Site(rooms=("12",)))
    assistant.tell(READING, {"temperature_f": 70.0, "humidity": 40})
    until("the room is said", lambda: assistant.last("safetyd/rooms/maple/12"))
    assert not [topic for topic, _, _ in assistant.heard if topic.startswith("homeassistant/")]
