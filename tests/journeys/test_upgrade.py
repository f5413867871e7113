"""The daemon of today on a store of the first release: nothing is lost, and the watch goes on."""

from collections.abc import Callable

import pytest

from tests.first_release import SITE, first_store, rows
from tests.journeys.servers import Broker, Client, House, until

pytestmark = pytest.mark.journey


def test_the_daemon_goes_on_with_what_the_first_release_wrote(
    broker: Broker, house: Callable[..., House], client: Client
) -> None:
    home = house(broker, SITE)
    first_store(home.store)
    readings, history = (rows(home.store, table, ["id"]) for table in ("reading", "history"))
    tickets = rows(home.store, "ticket", ["id", "opened_at"])
    home.start(client)
    client.tell("safetyd/readings/alder/studio", {"temperature_f": 56.0, "humidity": 40})
    home.has("reading", len(readings) + 2)
    until("the record is sound", lambda: home.run("audit", "verify").code == 0)
    (episode,) = home.ticket("alder-2026-0001")["episodes"][1:]
    assert episode["worst"] == 56.0, "the ticket of January was open still"
    said = home.run("ticket", "alder-2026-0003", "note", "--by", "Iris Field", "--note", "dry since")
    assert said.code == 0, said.err
    assert home.stop() == 0
    assert set(rows(home.store, "reading", ["id"])) > set(readings)
    assert set(rows(home.store, "history", ["id"])) > set(history)
    assert set(rows(home.store, "ticket", ["id", "opened_at"])) >= set(tickets)
