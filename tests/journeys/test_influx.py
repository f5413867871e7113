"""The daemon and its copy in a real InfluxDB: nothing is lost or doubled, and the watch goes on without."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.influx import DATABASE, HANG, TOKEN, Fault, Influx, influx_server
from tests.journeys.servers import Broker, Client, House, Site, ago, until, utc

pytestmark = pytest.mark.journey

ROOMS = [f"r{number}" for number in range(20)]
A_ROOM = 1000  # readings
Make = Callable[..., House]


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    with influx_server(tmp_path / "influx") as made:
        yield made


def section(influx: Influx, folder: Path, token: str = TOKEN) -> str:
    """Return what safetyd.toml says of the copy."""
    file = folder / "influx-token"
    file.write_text(token + "\n", encoding="utf-8")
    return f'[influx]\nurl = "{influx.url}"\nbucket = "{DATABASE}"\ntoken_file = "{file}"'


def tell(client: Client, stop: threading.Event) -> None:
    """Let every room speak A_ROOM times."""
    first_at = int(ago(hours=4).timestamp())
    for number in range(A_ROOM):
        said = [
            client.say(
                f"safetyd/readings/maple/{room}",
                {"temperature_f": 70 + number % 7 / 10, "ts": first_at + 12 * number},
            )
            for room in ROOMS
        ]
        if number % 10 == 0:
            client.delivered(said)
    client.delivered(said)
    stop.set()


def stored(home: House) -> set[tuple[str, int, float]]:
    return set(home.rows("SELECT room, observed_at, value FROM reading JOIN sensor ON sensor.id = sensor"))


def there(influx: Influx) -> list[tuple[str, int, float]]:
    found = influx.ask('SELECT "room", "value" FROM "reading"')
    return [(row["room"], row["time"], float(row["value"])) for row in found]


def everything_is_there(influx: Influx, home: House) -> None:
    """Every row once, and each what it is in the store."""
    everything = A_ROOM * len(ROOMS)
    home.has("reading", everything)
    until("everything is copied", lambda: influx.count() >= everything, within=60)
    copied = there(influx)
    assert len(copied) == everything
    assert set(copied) == stored(home)


def test_twenty_thousand_readings_arrive_once_while_the_server_is_killed_three_times(
    broker: Broker, client: Client, house: Make, influx: Influx, tmp_path: Path
) -> None:
    home = house(broker, Site(rooms=ROOMS), mqtt=section(influx, tmp_path)).start(client)
    is_told = threading.Event()
    teller = threading.Thread(target=tell, args=(client, is_told))
    teller.start()
    for share in (1, 2, 3):
        until("some more is copied", lambda share=share: influx.count() >= share * 2000)  # type: ignore[misc]
        influx.kill()
        influx.start()
    teller.join()
    everything_is_there(influx, home)
    assert TOKEN not in home.log
    assert home.stop() == 0


def test_the_daemon_is_killed_three_times_and_its_copy_goes_on(
    broker: Broker, client: Client, house: Make, influx: Influx, tmp_path: Path
) -> None:
    home = house(broker, Site(rooms=ROOMS), mqtt=section(influx, tmp_path)).start(client)
    is_told = threading.Event()
    teller = threading.Thread(target=tell, args=(client, is_told))
    teller.start()
    for share in (1, 2, 3):
        until("some more is copied", lambda share=share: influx.count() >= share * 2000)  # type: ignore[misc]
        home.kill()
        home.spawn()
    teller.join()
    everything_is_there(influx, home)


def test_the_watch_goes_on_while_an_answer_never_comes(
    broker: Broker, client: Client, house: Make, influx: Influx, tmp_path: Path
) -> None:
    """Readings are stored, a ticket opens and is told of; then the copy is whole, also after a stop."""
    influx.fail(Fault(HANG), Fault(HANG))
    home = house(broker, mqtt=section(influx, tmp_path)).start(client)
    topic = "safetyd/readings/maple/12"
    client.tell(topic, {"temperature_f": 70})
    until("it waits for an answer", lambda: len(influx.writes) == 1)
    client.tell(topic, *({"temperature_f": 57 + number / 100} for number in range(100)))
    home.has("reading", 101)
    home.has("ticket", 1)
    until("the ticket is published", lambda: client.last("safetyd/tickets/maple/maple-2026-0001"))
    assert home.stop() == 0, "it ends in order while it waits"
    home.start(client)
    until("it waits again", lambda: len(influx.writes) == 2)
    client.tell(topic, {"temperature_f": 58})
    home.has("reading", 102)
    assert influx.count() == 0
    influx.released.set()
    until("everything is copied", lambda: influx.count() >= 102)
    assert set(there(influx)) == stored(home) and len(there(influx)) == 102
    assert home.stop() == 0


def test_an_episode_and_its_ticket_are_copied_and_a_beginning_that_moves_leaves_none_current(
    broker: Broker, client: Client, house: Make, influx: Influx, tmp_path: Path
) -> None:
    home = house(broker, mqtt=section(influx, tmp_path)).start(client)
    began, earlier = ago(minutes=10), ago(minutes=12)
    topic = "safetyd/readings/maple/12"
    client.tell(topic, {"temperature_f": 57.2, "ts": began.timestamp()})
    until("the episode is copied", lambda: influx.ask('SELECT * FROM "episode"'))
    client.tell(topic, {"temperature_f": 56.1, "ts": earlier.timestamp()})

    def moved() -> list[tuple[int, float]]:
        found = influx.ask('SELECT * FROM "episode"')
        return [(row["time"], row["current"]) for row in found] if len(found) > 1 else []

    until("both beginnings are told apart", moved)
    micros = [int(at.timestamp()) * 1_000_000 for at in (earlier, began)]
    until("only the earlier is current", lambda: moved() == [(micros[0], 1), (micros[1], 0)])
    (ticket,) = home.tickets()
    said = home.run("ticket", ticket["id"], "note", "--by", "Robin", "--note", 'a "warm" = \\ word\nor two')
    assert said.code == 0, said.err
    history = home.ticket(ticket["id"])["history"]
    until(
        "every row of history is copied",
        lambda: influx.count("ticket_event", "events") == len(history),
    )
    found = influx.ask('SELECT * FROM "ticket_event"')
    assert [(row["event"], row["hash"]) for row in found] == [(row["event"], row["hash"]) for row in history]
    assert {(row["building"], row["room"], row["condition"]) for row in found} == {("maple", "12", "cold")}
    assert found[-1]["by"] == "Robin"


def test_without_an_influx_the_watch_goes_on_and_what_it_missed_comes_later(
    broker: Broker, client: Client, house: Make, influx: Influx, tmp_path: Path
) -> None:
    influx.kill()
    home = house(broker, mqtt=section(influx, tmp_path)).start(client)
    client.tell("safetyd/readings/maple/12", {"temperature_f": 57.2, "ts": utc(ago(minutes=3))})
    home.has("ticket", 1)
    home.log_says("influx: nothing is taken (no answer: ")
    influx.start()
    until("the reading is copied", lambda: influx.count() == 1)
    home.log_says("influx: it takes what is sent again")


def test_a_wrong_token_is_a_trouble_that_says_what_to_mend_and_is_over_after_it(
    broker: Broker, client: Client, house: Make, influx: Influx, tmp_path: Path
) -> None:
    home = house(broker, mqtt=section(influx, tmp_path, "a-wr0ng-one")).start(client)
    client.tell("safetyd/readings/maple/12", {"temperature_f": 70})
    client.tell("safetyd/readings/maple/lab", {"temperature_f": 70})

    def troubles() -> list[tuple[str, str, bool]]:
        return home.rows("SELECT kind, note, ended_at IS NULL FROM trouble WHERE sensor = '[influx]'")

    ((kind, note, stands),) = until("it is a trouble", troubles, within=60)
    assert (kind, stands) == ("configuration", 1)
    assert "401: authorization failed" in note and "token_file" in note and "a-wr0ng-one" not in note
    assert "a-wr0ng-one" not in home.log
    home.stop()
    section(influx, tmp_path)
    home.start(client)
    until("it is over", lambda: not troubles()[0][2], within=60)
    until("everything is copied", lambda: influx.count() == 2)
