"""What a journey needs: servers that begin with the test and end with it, whatever happens between."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.nut import Nut
from tests.journeys.servers import Broker, Client, House, Sink, Site


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto that runs."""
    folder = tmp_path / "broker"
    folder.mkdir()
    made = Broker(folder)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def nut(tmp_path: Path) -> Iterator[Nut]:
    """A upsd with a UPS that is on line."""
    folder = tmp_path / "nut"
    folder.mkdir(mode=0o700)
    made = Nut(folder)
    made.says("OL CHRG", input_voltage="118.6", battery_charge="91")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A place where notices arrive."""
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes the folder of a daemon that is not started yet: `house(broker)`, `house(broker, Site(...))`."""
    made: list[House] = []

    def make(broker: Broker, site: Site | None = None, mqtt: str = "", url: str = "") -> House:
        folder = tmp_path / f"house{len(made)}"
        folder.mkdir()
        made.append(House(folder, broker.port, site or Site(), mqtt, url))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(broker: Broker) -> Iterator[Client]:
    """Somebody on the broker who hears everything that safetyd says."""
    made = Client(broker, "safetyd/status/#", "safetyd/tickets/#", "safetyd/rooms/#")
    yield made
    made.close()
