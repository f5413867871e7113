"""A broker that knows each sensor by a name of its own lets nobody speak for another."""

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.journeys.servers import WITHIN, Broker, Client, House, program, until

pytestmark = pytest.mark.journey

ACCESS = """
user safetyd
topic readwrite #
user t12
topic write safetyd/readings/maple/12
user lab
topic write safetyd/readings/maple/lab
"""
COLD, MILD = {"temperature_f": 50.0, "humidity": 40}, {"temperature_f": 70.0, "humidity": 40}
ROOM_12, LAB = "safetyd/readings/maple/12", "safetyd/readings/maple/lab"


@pytest.fixture
def guarded(broker: Broker) -> Broker:
    """A Mosquitto where each sensor may publish on its own topic, and safetyd everything."""
    broker.stop()
    for name in ("safetyd", "t12", "lab"):
        broker.admit_only(name, f"word of {name}")
    broker.access = ACCESS
    return broker.start()


def sensor(broker: Broker, name: str, word: str = "") -> Client:
    return Client(broker, name=name, password=word or f"word of {name}")


def falsely(broker: Broker, name: str, topic: str, payload: dict[str, float]) -> None:
    """Publish with a sensor's own word where it may not; return once the broker answered or hung up."""
    who = ["-p", str(broker.port), "-u", name, "-P", f"word of {name}"]
    said = ["-q", "1", "-t", topic, "-m", json.dumps(payload)]
    subprocess.run([program("mosquitto_pub"), *who, *said], check=False, capture_output=True, timeout=WITHIN)


def test_a_sensor_that_speaks_for_another_room_is_not_heard(
    guarded: Broker, house: Callable[..., House]
) -> None:
    person = Client(
        guarded, "safetyd/status/#", "safetyd/tickets/#", name="safetyd", password="word of safetyd"
    )
    made = house(guarded, mqtt='username = "safetyd"\npassword_file = "password"')
    (made.folder / "password").write_text("word of safetyd", encoding="utf-8")
    made.start(person)
    t12, lab = sensor(guarded, "t12"), sensor(guarded, "lab")
    try:
        lab.tell(LAB, MILD)
        falsely(guarded, "t12", LAB, COLD)
        falsely(guarded, "t12", LAB, COLD)
        t12.tell(ROOM_12, MILD)

        def heard() -> dict[str, float]:
            return {each["room"]: each["last"]["temperature"][1] for each in made.asked("sensors")["sensors"]}

        until("both rooms are heard", lambda: len(heard()) == 2)
        assert heard() == {"12": 70.0, "lab": 70.0}
        assert made.tickets() == []
    finally:
        for each in (t12, lab, person):
            each.close()


@pytest.mark.parametrize(("name", "word"), [("t12", "guessed"), ("nobody", "word of t12")])
def test_who_cannot_show_who_it_is_is_not_let_in(guarded: Broker, name: str, word: str) -> None:
    with pytest.raises(AssertionError, match="not let in: Not authorized"):
        sensor(guarded, name, word)
