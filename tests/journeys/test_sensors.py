"""What a person who looks after the sensors sees of them while the daemon runs."""

from collections.abc import Callable

import pytest

from tests.journeys.servers import Broker, Client, House

pytestmark = pytest.mark.journey

ROOM, NOBODYS = "safetyd/readings/maple/12", "safetyd/readings/maple/attic"


def test_broken_good_and_nobodys_messages_are_all_to_be_seen(
    broker: Broker, client: Client, house: Callable[..., House]
) -> None:
    home = house(broker).start(client)
    client.tell(ROOM, b'{"temperature_f": 7', {"temperature_c": 21, "humidity": 38})
    client.tell(NOBODYS, {"temperature_f": 70})
    home.has("reading", 2)
    home.has("unassigned", 1)

    told = home.asked("sensors")
    (sensor,) = told["sensors"]
    assert (sensor["sensor"], sensor["state"], sensor["mark"]) == ("12", "ok", "accepted")
    assert {quantity: value for quantity, (_, value) in sensor["last"].items()} == {
        "temperature": 69.8,
        "humidity": 38.0,
    }
    assert told["unassigned"] == [NOBODYS]

    one = home.run("sensors", "maple/12")
    assert one.code == 0, one.err
    assert '{"temperature_f": 7' in one.out and "69.8 °F" in one.out
    assert "unreadable" in one.out
    assert NOBODYS not in one.out
