"""Before a shutdown by the UPS people are told that nobody will watch, and so is whoever asks the broker."""

import json
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.journeys.nut import Nut
from tests.journeys.servers import LOOPBACK, WITHIN, Broker, Client, House, Letter, Sink, Site, until

pytestmark = pytest.mark.journey

Make = Callable[..., House]
CEDAR = '[[buildings]]\nid = "cedar"\nname = "Cedar School"\n[[buildings.rooms]]\nid = "7"\nname = "Room 7"'
DISTRICT = '[[people]]\nname = "Dora Vance"\nroles = ["district"]\nbuildings = ["*"]\nnotify = ["{}"]'
DARK = "about to go dark"
STATUS, GATEWAY = "safetyd/status/safetyd", "safetyd/gateways/safetyd"


@pytest.fixture
def watcher(broker: Broker) -> Iterator[Client]:
    """Somebody in the district, who hears what becomes of the gateway."""
    made = Client(broker, "safetyd/status/#", "safetyd/gateways/#")
    yield made
    made.close()


@pytest.fixture
def home(nut: Nut, broker: Broker, sink: Sink, watcher: Client, house: Make) -> House:
    """A daemon on a UPS, which has said that power is out."""
    site = Site(
        people={"Ada": [sink.address("ada")]},
        more=f"{CEDAR}\n{DISTRICT.format(sink.address('dora'))}",
        rules='outage = { restored_after = "1s" }',
    )
    ups = f'[ups]\nname = "closet"\nbuilding = "maple"\nhost = "{LOOPBACK}"\nport = {nut.port}\n'
    made = house(broker, site, ups).start(watcher)
    until("the gateway runs", lambda: states(watcher) == ["running"])
    nut.says("OB DISCHRG", input_voltage="0.0", battery_charge="90")
    until("the outage is told", lambda: sink.of("ada"))
    return made


def states(watcher: Client) -> list[str]:
    """Return what the gateway has said of itself, in order, as it came."""
    return [json.loads(body)["state"] for topic, body, _ in watcher.heard if topic == GATEWAY]


def dark(sink: Sink, name: str) -> list[Letter]:
    return [letter for letter in sink.of(name) if DARK in letter.title]


def dies(nut: Nut) -> None:
    nut.says("OB DISCHRG LB", input_voltage="0.0", battery_charge="7")


def deliveries(home: House, person: str) -> list[str]:
    """Return how the last words of one building to a person stand."""
    rows = home.rows(
        "SELECT state FROM delivery JOIN notice ON notice.id = notice"
        " WHERE person = ? AND title LIKE ? AND building = 'maple'",
        person,
        f"%{DARK}%",
    )
    return [state for (state,) in rows]


def test_people_are_told_once_that_the_watch_goes_dark_and_what_to_do(
    home: House, nut: Nut, sink: Sink, watcher: Client
) -> None:
    dies(nut)
    until("both are told", lambda: dark(sink, "ada") and dark(sink, "dora"))
    (told,) = dark(sink, "ada")
    assert told.title == f"Maple School: safetyd is {DARK} (and one more)"
    maple, cedar = told.text.split("\n\n")
    assert "nobody watches until power is back" in maple and "No electricity since " in maple
    assert "the building must close (9.14.5)" in maple and "Dora Vance" in maple
    assert cedar.startswith(f"Cedar School: safetyd is {DARK}\n")
    assert "in Maple School" in cedar and "not known to be without electricity" in cedar
    until("whoever asks the broker is told", lambda: states(watcher) == ["running", "last_words"])
    assert watcher.last(STATUS) == b'{"state":"online"}'
    nut.says("OB DISCHRG", input_voltage="0.0", battery_charge="11")
    until("it lives a little longer", lambda: states(watcher)[-1] == "running")
    dies(nut)
    until("it dies again", lambda: states(watcher)[-1] == "last_words")
    nut.says("OL CHRG", input_voltage="119.0", battery_charge="8")
    until("power is back", lambda: any("back" in letter.title for letter in sink.of("ada")))
    until(
        "it lives", lambda: states(watcher) == ["running", "last_words", "running", "last_words", "running"]
    )
    assert len(dark(sink, "ada")) == len(dark(sink, "dora")) == 1
    assert home.stop() == 0
    until("it is told that it was stopped", lambda: states(watcher)[-1] == "stopped")


def test_an_end_that_the_ups_has_ordered_waits_for_what_is_being_sent(
    home: House, nut: Nut, sink: Sink, watcher: Client
) -> None:
    with sink.hold("ada"):
        dies(nut)
        until("her last words are on their way", lambda: any(DARK in a.title for a in sink.asked_of("ada")))
        assert home.daemon is not None
        home.daemon.send_signal(signal.SIGTERM)
        until("it is about to end", lambda: home.rows("SELECT is_last FROM beat") == [(1,)])
    assert home.daemon.wait(WITHIN) == 0
    assert deliveries(home, "Ada") == ["accepted"]
    assert states(watcher)[-1] == "last_words"  # why nobody watches


def test_what_cannot_be_said_any_more_is_said_after_the_return(
    home: House, nut: Nut, sink: Sink, watcher: Client
) -> None:
    with sink.hold("ada"):
        dies(nut)
        until("her last words are on their way", lambda: any(DARK in a.title for a in sink.asked_of("ada")))
        assert home.stop() == 0  # within WITHIN, although nobody answers
        assert deliveries(home, "Ada") == ["waiting"]
        before = len(dark(sink, "ada"))
    nut.says("OL CHRG", input_voltage="119.0", battery_charge="9")
    home.start(watcher)
    until("she hears it after all", lambda: len(dark(sink, "ada")) > before)
    until("it is on record", lambda: deliveries(home, "Ada") == ["accepted"])
    until("the gateway runs again", lambda: states(watcher)[-1] == "running")
