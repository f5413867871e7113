"""A watch elsewhere and a gateway in a building, through real brokers and the bridge between them."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from safetyd.configuration import load
from safetyd.core.afar import Afar
from safetyd.daemon import Daemon
from safetyd.objects import ticket_object, watched_object
from safetyd.store import ledger
from tests.journeys.servers import Broker, Client, House, Site, bridged, until

pytestmark = pytest.mark.journey

Make = Callable[..., House]
BRIDGED = ("status", "gateways", "buildings", "tickets")
DISTRICT = """
name = "North District"
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
gateway = "maple-gw"
link = "safetyd/links/maple"
[[people]]
name = "Dora"
roles = ["district"]
"""


class Clock:
    """The time of the world, and as much more as a test has let pass."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Here:
    """A daemon in this process, whose clock the test moves; all that it is told is news to it."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.clock = clock
        self.daemon = Daemon(load(house.config, {}), clock)
        self.turns_until("it listens", lambda: self.daemon.link.unheard is not None)

    def turns_until(self, promise: str, look: Callable[[], Any], *others: "Here") -> None:
        def turn() -> Any:
            for each in (self, *others):
                each.daemon.turn()
            return look()

        until(promise, turn)

    def passes(self, span: timedelta, *others: "Here") -> None:
        """Let time pass in steps in which nobody would seem to have slept."""
        end = self.clock.ahead + span
        while self.clock.ahead < end:
            self.clock.ahead = min(end, self.clock.ahead + timedelta(seconds=60))
            for each in (self, *others):
                each.daemon.turn()

    @property
    def state(self) -> str:
        service = self.daemon.service
        return str(watched_object(service.world, service.facts, "maple", self.clock())["state"])

    @property
    def afar(self) -> Afar:
        return self.daemon.service.world.afar["maple"]

    def is_out(self) -> bool:
        service = self.daemon.service
        return any(power.began_at is not None for power in service.world.powers.values())

    def tickets(self) -> list[dict[str, Any]]:
        service = self.daemon.service
        return [
            ticket_object(
                service.world, service.facts, each, ledger.history(service.connection, each.id), self.clock()
            )
            for each in service.world.tickets.values()
        ]

    def close(self) -> None:
        self.daemon.stop()
        self.daemon.run()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def there(tmp_path: Path, broker: Broker) -> Iterator[Broker]:
    """The building's own broker, with a bridge to the district's."""
    with bridged(tmp_path / "there", broker, *(f"{each}/# out" for each in BRIDGED)) as made:
        yield made


def district(house: Make, broker: Broker) -> House:
    home = house(broker, mqtt='client_id = "district"')
    home.write(DISTRICT)
    return home


def heard_on(broker: Broker) -> Client:
    return Client(broker, "safetyd/#")


def says(client: Client, topic: str, key: str, value: object) -> Callable[[], bool]:
    def look() -> bool:
        last = client.last(topic)
        return last is not None and json.loads(last or b"{}").get(key) == value

    return look


def test_a_killed_gateway_is_no_gateway_and_a_dead_broker_no_network_and_a_ticket_after_two_hours(
    broker: Broker, there: Broker, house: Make, clock: Clock
) -> None:
    client, home = heard_on(broker), house(there, mqtt='client_id = "maple-gw"')
    watch = Here(district(house, broker), clock)
    try:
        home.spawn()
        watch.turns_until("the gateway is heard over the bridge", lambda: watch.state == "well")
        until("so is who it is", says(client, "safetyd/buildings/maple", "gateway", "maple-gw"))
        until("and that it runs", says(client, "safetyd/gateways/maple-gw", "state", "running"))
        home.kill()
        watch.turns_until(
            "its last will is heard", says(client, "safetyd/status/maple-gw", "state", "offline")
        )
        watch.passes(timedelta(seconds=200))
        assert watch.state == "no gateway" and not watch.is_out()
        there.stop()
        watch.turns_until("the link is down", lambda: watch.state == "no network")
        watch.turns_until("it may be an outage", watch.is_out)
        watch.passes(timedelta(hours=2, minutes=5))
        (ticket,) = watch.tickets()
        assert ticket["id"].startswith("maple-watch-") and ticket["presumed"]
        topic = f"safetyd/watch/tickets/maple/{ticket['id']}"
        watch.turns_until("the ticket is told", lambda: client.last(topic))
    finally:
        watch.close()
        client.close()


def test_a_gateway_that_stops_in_order_says_so(
    broker: Broker, there: Broker, house: Make, clock: Clock
) -> None:
    home, watch = house(there, mqtt='client_id = "maple-gw"'), Here(district(house, broker), clock)
    try:
        home.spawn()
        watch.turns_until("the gateway is heard", lambda: watch.state == "well")
        assert home.stop() == 0
        watch.turns_until("its good-bye is heard", lambda: watch.afar.word == "stopped")
        watch.passes(timedelta(seconds=200))
        assert watch.state == "stopped" and not watch.is_out()
    finally:
        watch.close()


def test_back_with_its_own_ticket_the_two_are_joined(
    broker: Broker, client: Client, house: Make, clock: Clock
) -> None:
    home = house(broker, Site(), 'client_id = "maple-gw"')
    text = DISTRICT.replace('link = "safetyd/links/maple"\n', "")
    elsewhere = district(house, broker)
    elsewhere.write(text)
    watch, gateway = Here(elsewhere, clock), Here(home, clock)
    try:
        watch.turns_until("the gateway is heard", lambda: watch.state == "well", gateway)
        client.tell("safetyd/power/maple/ups", {"mains": "off"})
        watch.turns_until("both know of the outage", lambda: watch.is_out() and gateway.is_out(), gateway)
        gateway.daemon.lose_power()
        watch.turns_until("its last will is heard", lambda: watch.afar.word == "offline")
        watch.passes(timedelta(minutes=125))
        assert watch.state == "no mains"
        (ours,) = watch.tickets()
        assert (ours["status"], ours["presumed"]) == ("open", False)
        gateway = Here(home, clock)  # as after a reboot: it finds that the two hours are over
        watch.turns_until("its own ticket is there", gateway.tickets, gateway)
        watch.turns_until("ours is joined to it", lambda: watch.tickets()[0]["joined"], gateway)
        (own,) = gateway.tickets()
        assert watch.tickets()[0]["joined"] == own["id"] and own["status"] == "open"
        assert watch.tickets()[0]["status"] == "joined"
        watch.turns_until("it is well again", lambda: watch.state == "well", gateway)
    finally:
        watch.close()
        gateway.close()


def test_the_command_runs_shows_and_survives_a_kill(broker: Broker, house: Make) -> None:
    client, elsewhere = heard_on(broker), district(house, broker)
    home = house(broker, mqtt='client_id = "maple-gw"')

    def start() -> None:
        since = len(client.heard)
        elsewhere.daemon = elsewhere.begin("watch")  # type: ignore[assignment]
        online = ("safetyd/status/district", b'{"state":"online"}', False)
        until("the watch listens", lambda: online in client.heard[since:])

    def shown() -> dict[str, Any]:
        (building,) = elsewhere.asked("watch")["buildings"]
        return dict(building)

    try:
        start()
        home.spawn()
        until("the gateway is well", lambda: shown()["state"] == "well")
        heard_at = shown()["heard_at"]
        elsewhere.kill()
        start()
        assert shown()["state"] == "well" and shown()["heard_at"] >= heard_at
        words = elsewhere.run("watch", "--list")
        assert words.code == 0 and "Maple School" in words.out and "well" in words.out
        assert elsewhere.stop() == 0
        until("it says good-bye", says(client, "safetyd/gateways/district", "state", "stopped"))
    finally:
        client.close()
