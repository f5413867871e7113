"""A daemon whose store is a PostgreSQL: it works as on a file, and outlives the server of its store."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.served import Served
from tests.journeys.servers import Broker, Client, House, Sink, Site, ago, free_port, until
from tests.postgres import Postgres, postgres

pytestmark = pytest.mark.journey

TOPIC = "safetyd/readings/maple/12"
ROOMS = [f"r{number}" for number in range(10)]
COLD_ROOMS = ROOMS[:3]
A_ROOM = 600  # readings
Make = Callable[..., House]


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres(is_durable=True) as made:
        yield made


def temperature_f(room: str, number: int) -> float:
    """Return what a room's sensor says: the cold ones are too cold for a while."""
    usual = 70.0 + number % 7 / 10
    return usual - 14 if room in COLD_ROOMS and 200 <= number < 400 else usual


def home_of(folder: Path, broker: Broker, site: Site, server: Postgres, web: int = 0) -> House:
    listen = f'[web]\nlisten = "127.0.0.1:{web}"\n' if web else ""
    folder.mkdir()
    return House(folder, broker.port, site, listen, url=server.url())


def test_from_a_breach_to_a_notice_through_a_restart_and_a_power_cut(
    broker: Broker, client: Client, sink: Sink, server: Postgres, tmp_path: Path
) -> None:
    port = free_port()
    home = home_of(tmp_path / "house", broker, Site(people={"Ada": [sink.address("ada")]}), server, web=port)
    try:
        home.start(client)
        client.tell(TOPIC, {"temperature_f": 55.0, "humidity": 40})
        until("Ada is told", lambda: sink.of("ada"))
        (ticket,) = home.tickets()
        assert ticket["id"].startswith("maple-") and home.run("run").code == 1  # one writer

        served = Served(home, port).is_answering()
        token = served.token("A. Reyes", "facilities")
        (shown,) = served.ask("/api/v1/tickets?status=open", token).json["tickets"]
        assert shown["id"] == ticket["id"]
        done = served.ask(f"/api/v1/tickets/{ticket['id']}/acknowledge", token, {"note": "on my way"})
        assert (done.status, done.json["status"]) == (200, "acknowledged")
        said = home.run("ticket", ticket["id"], "note", "--note", "a fan is on", "--by", "A. Reyes")
        assert said.code == 0, said.err
        found = home.run("doctor")
        assert "PostgreSQL" in found.out and "safetyd runs on this store" in found.out, found.out + found.err
        assert home.run("backup", str(tmp_path / "b")).err.endswith("pg_dump --format=custom\n")

        assert home.stop() == 0
        home.start(client)
        home.kill()
        home.start(client)
        assert [each["id"] for each in home.tickets()] == [ticket["id"]]
        events = [line["event"] for line in home.ticket(ticket["id"])["history"]]
        assert events.count("opened") == 1 and "acknowledged" in events
        told = [(each.title, each.text) for each in sink.of("ada")]
        assert len(told) == len(set(told)) and sum("too cold" in title for title, _ in told) == 1, told
        assert home.run("audit", "verify").code == 0
        assert "exception=" not in home.log
    finally:
        home.close()


def test_a_server_killed_again_and_again_stores_every_reading_once_and_opens_every_ticket_once(
    broker: Broker, client: Client, sink: Sink, server: Postgres, tmp_path: Path
) -> None:
    chance = random.Random(20261201)
    site = Site(rooms=ROOMS, people={"Ada": [sink.address("ada")]})
    home = home_of(tmp_path / "house", broker, site, server)
    try:
        home.start(client)
        first_at = int(ago(hours=3).timestamp())
        is_told = threading.Event()

        def tell() -> None:
            for number in range(A_ROOM):
                said = [
                    client.say(
                        f"safetyd/readings/maple/{room}",
                        {"temperature_f": temperature_f(room, number), "ts": first_at + 12 * number},
                    )
                    for room in ROOMS
                ]
                if number % 10 == 0:
                    client.delivered(said)
                    time.sleep(0.05)
            client.delivered(said)
            is_told.set()

        teller = threading.Thread(target=tell)
        teller.start()
        kills = 0
        while not is_told.wait(chance.uniform(0.2, 1.5)) or kills < 4:
            server.kill()
            kills += 1
            server.start()
        teller.join()
        everything = A_ROOM * len(ROOMS)
        home.has("reading", everything)
        until(
            "every notice has arrived",
            lambda: home.count("notice") and not home.rows("SELECT 1 FROM delivery WHERE state = 'waiting'"),
        )
        client.tell(TOPIC, {"temperature_f": 70})  # of no room of ours: what was to come came before it
        until("the later message is stored", lambda: home.count("unassigned"))
        stored = home.rows("SELECT room, observed_at, value FROM reading JOIN sensor ON sensor.id = sensor")
        told = {
            (room, (first_at + 12 * number) * 1_000_000): temperature_f(room, number)
            for room in ROOMS
            for number in range(A_ROOM)
        }
        assert len(stored) == everything
        assert {(room, at): value for room, at, value in stored} == told
        letters = [(each.title, each.text) for each in sink.of("ada")]
        assert len(letters) == len(set(letters))
        assert len(home.tickets()) == len(COLD_ROOMS)
        assert home.rows("SELECT count(*) FROM history WHERE event = 'opened'") == [(len(COLD_ROOMS),)]
        assert home.run("audit", "verify").code == 0
        assert home.is_running and "exception=" not in home.log
    finally:
        home.close()
