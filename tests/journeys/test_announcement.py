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


def remembered(broker: Broker, filter: str = "homeassistant/#") -> set[str]:
    """Return the topics that somebody who comes now is given."""
    late = Client(broker, filter, "homeassistant/asked")
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
    calm = {"open_tickets": 0, "mains": "unknown"}.items()
    until("the building has no ticket", lambda: calm <= document(assistant, building).items())
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


def said_of_rooms(broker: Broker) -> set[str]:
    return remembered(broker, "safetyd/rooms/#") | remembered(broker, "safetyd/buildings/#")


def test_what_is_said_of_a_room_that_leaves_the_site_is_cleared(
    broker: Broker, assistant: Client, house: Make
) -> None:
    home = house(broker).start(assistant)
    for room in ("12", "lab"):
        assistant.tell(f"safetyd/readings/maple/{room}", {"temperature_f": 70.0, "humidity": 40})
        until("the room is said", lambda room=room: assistant.last(f"safetyd/rooms/maple/{room}"))
    reload(home, Site(rooms=("12",)))
    until("it is gone", lambda: assistant.last("safetyd/rooms/maple/lab") == b"")
    assistant.tell("safetyd/readings/maple/12", {"temperature_f": 70.5, "humidity": 40})
    until(
        "the others stay",
        lambda: said_of_rooms(broker) == {"safetyd/rooms/maple/12", "safetyd/buildings/maple"},
    )


def test_what_left_the_site_before_a_start_is_cleared_and_nothing_of_anybody_elses(
    broker: Broker, assistant: Client, house: Make
) -> None:
    home = house(broker, mqtt=ANNOUNCED).start(assistant)
    assistant.tell("safetyd/readings/maple/lab", {"temperature_f": 70.0, "humidity": 40})
    until("the room is said", lambda: assistant.last("safetyd/rooms/maple/lab"))
    until("and announced", lambda: assistant.last(LAB))
    home.stop()
    ours = document(assistant, LAB)
    others = {
        "homeassistant/device/lamp/config": {"device": {"identifiers": ["lamp"]}, "components": {}},
        "homeassistant/device/safetyd_other/config": ours | {"availability": [{"topic": "x/status/safetyd"}]},
        "homeassistant/device/safetyd_like/config": ours | {"components": {"a": {"unique_id": "lamp_1"}}},
        "homeassistant/device/safetyd_odd/config": [1, 2],
        "homeassistant/sensor/lamp/config": {"state_topic": "lamp", "unique_id": "lamp_2"},
    }
    for topic, said in others.items():
        assistant.tell(topic, said, retain=True)
    home.write(Site(rooms=("12",)))
    home.start(assistant)
    until("its device is gone", lambda: remembered(broker) == {BUILDING, ROOM_12, *others})
    until("and so is what is said of it", lambda: "safetyd/rooms/maple/lab" not in said_of_rooms(broker))
    assistant.tell("safetyd/readings/maple/99", {"temperature_f": 70.0})
    until("a stray is listed", lambda: home.rows("SELECT 1 FROM unassigned"))
    assert home.rows("SELECT topic FROM unassigned") == [("safetyd/readings/maple/99",)]


def test_what_was_announced_is_withdrawn_when_nothing_is_to_be_any_more(
    broker: Broker, assistant: Client, house: Make
) -> None:
    home = house(broker, mqtt=ANNOUNCED).start(assistant)
    until("all of them are kept", lambda: remembered(broker) == {BUILDING, ROOM_12, LAB})
    home.stop()
    home.config.write_text(home.config.read_text(encoding="utf-8").replace(ANNOUNCED, ""), encoding="utf-8")
    home.start(assistant)
    until("they are gone", lambda: remembered(broker) == set())


def test_nothing_is_announced_unless_asked_for(broker: Broker, assistant: Client, house: Make) -> None:
    home = house(broker).start(assistant)
    until("the building is said", lambda: assistant.last("safetyd/buildings/maple"))
    reload(home, Site(rooms=("12",)))
    assistant.tell(READING, {"temperature_f": 70.0, "humidity": 40})
    until("the room is said", lambda: assistant.last("safetyd/rooms/maple/12"))
    assert not [topic for topic, _, _ in assistant.heard if topic.startswith("homeassistant/")]
