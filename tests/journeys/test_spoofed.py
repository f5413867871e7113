"""A broker that knows each sensor by a name of its own lets nobody speak for another."""

from collections.abc import Callable

import pytest

from tests.journeys.servers import Broker, Client, House, until

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
        t12.tell(LAB, COLD, COLD)  # the broker takes it from the wire, and hands it to nobody
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
