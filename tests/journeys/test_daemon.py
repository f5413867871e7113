"""The daemon as a service: how it begins, takes another site file and ends; who may act meanwhile."""

import json
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.journeys.servers import STATUS, Broker, Client, House, Site, until

pytestmark = pytest.mark.journey

TOPIC = "safetyd/readings/maple/12"
COLD = {"temperature_f": 55.0, "humidity": 40}
Make = Callable[..., House]


def in_breach(home: House, client: Client) -> str:
    """Return the id of a ticket of a room that is too cold."""
    client.tell(TOPIC, COLD)
    home.has("ticket", 1)
    (id,) = home.rows("SELECT id FROM ticket")[0]
    return str(id)


def reload(home: House) -> None:
    assert home.daemon is not None
    home.daemon.send_signal(signal.SIGHUP)


def events(home: House, id: str) -> list[str]:
    return [line["event"] for line in home.ticket(id)["history"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_ends_at_once_and_says_so(
    number: signal.Signals, broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    client.tell(TOPIC, {"temperature_f": 70})
    assert home.daemon is not None
    began_at = time.monotonic()
    home.daemon.send_signal(number)
    assert home.daemon.wait(30) == 0
    assert time.monotonic() - began_at < 2
    until("everybody knows", lambda: client.last(STATUS) == b'{"state":"offline"}')
    assert "exception=" not in home.log
    assert "lost" not in home.log and "good-bye" in home.log


def test_a_power_cut_is_said_by_the_broker(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    home.kill()
    until("everybody knows", lambda: client.last(STATUS) == b'{"state":"offline"}')


def test_a_second_daemon_on_the_same_store_is_refused_in_one_sentence(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    second = home.run("run")
    assert second.code == 1 and second.out == ""
    (sentence,) = second.err.splitlines()
    assert str(home.store) in sentence and "another safetyd is running" in sentence
    assert home.is_running


def test_a_store_of_a_newer_safetyd_is_refused_in_one_sentence(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    assert home.stop() == 0
    with closing(sqlite3.connect(home.store)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in (["run"], ["tickets"], ["ticket", "maple-2026-0001", "note", "--by", "A. Reyes"]):
        refused = home.run(*command)
        assert refused.code == 1 and refused.out == "", command
        (sentence,) = refused.err.splitlines()
        assert "newer safetyd" in sentence and "9999" in sentence


def test_a_faulty_site_file_changes_nothing_and_is_a_trouble_until_it_is_mended(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    trouble = "SELECT ended_at FROM trouble WHERE kind = 'configuration'"
    home.write('timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\nroms = []\n')
    reload(home)
    until("the trouble is on record", lambda: home.rows(trouble) == [(None,)])
    assert "roms" in home.log
    in_breach(home, client)  # room 12 is known as before
    home.write(Site(rooms=["12", "lab", "gym"]))
    reload(home)
    until("the trouble is over", lambda: home.rows(trouble)[0][0] is not None)
    client.tell("safetyd/readings/maple/gym", COLD)
    home.has("ticket", 2)
    assert {ticket["room"] for ticket in home.tickets()} == {"12", "gym"}


def test_a_site_file_that_is_gone_changes_nothing(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    (home.folder / "site.toml").unlink()
    home.config.write_text("this is not TOML", encoding="utf-8")
    reload(home)
    home.log_says("was not taken")
    client.tell(TOPIC, COLD)
    home.has("ticket", 1)


def test_a_site_without_buildings_may_be_taken_anew(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker)
    home.write('timezone = "America/Los_Angeles"\n')
    home.start(client)
    home.write(Site())
    reload(home)
    home.log_says("was taken anew")
    client.tell(TOPIC, COLD)
    home.has("ticket", 1)


def test_taking_the_site_file_anew_loses_no_state(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    home.write(Site(rooms=["12", "lab", "gym"]))
    reload(home)
    home.log_says("was taken anew")
    client.tell(TOPIC, COLD | {"temperature_f": 54.5})
    home.has("reading", 4)
    (ticket,) = home.tickets()
    assert ticket["id"] == id and len(ticket["episodes"]) == 1
    assert ticket["worst"]["value"] == 54.5


@pytest.mark.parametrize("is_running", [True, False], ids=["with a daemon", "without a daemon"])
def test_people_act_on_a_ticket(is_running: bool, broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    if not is_running:
        assert home.stop() == 0

    def does(verb: str, *more: str) -> str:
        said = home.run("ticket", id, verb, "--by", "A. Reyes", "--json", *more)
        assert said.code == 0, said.err
        return str(said.json["status"])

    def is_refused(verb: str, *more: str) -> str:
        before = home.ticket(id)
        said = home.run("ticket", id, verb, *more)
        assert said.code in (1, 2) and said.out == "", (verb, more)  # a lacking key is wrong usage
        (sentence,) = said.err.splitlines()
        after = home.ticket(id)
        assert after["history"] == before["history"] and after["status"] == before["status"]
        return sentence

    assert does("acknowledge") == "acknowledged"
    assert "acknowledge" in is_refused("acknowledge", "--by", "A. Reyes")
    assert does("note", "--note", "“half past nine” – é") == "acknowledged"
    assert "by" in is_refused("note", "--note", "without a name")
    assert "tier" in is_refused("relieve", "--by", "A. Reyes")
    assert does("extend", "--tier", "immediate", "--until", "2099-01-01", "--note", "parts") == "acknowledged"
    assert does("dispute", "--note", "thermometer in the sun") == "acknowledged"
    assert home.ticket(id)["disputed"] is True
    assert does("dispute", "--withdraw") == "acknowledged"
    assert home.ticket(id)["disputed"] is False
    assert does("relieve", "--tier", "mitigation", "--kind", "fans_or_heaters") == "relieved"
    assert "breach" in is_refused("close", "--by", "A. Reyes")
    assert does("close", "--note", "the room is given up") == "closed"
    assert does("reopen") == "open"
    assert events(home, id) == [
        "opened", "acknowledged", "note", "extended", "disputed", "dispute_withdrawn", "relieved", "closed",
        "reopened",
    ]  # fmt: skip
    assert home.run("ticket", "maple-1999-0001", "note", "--by", "A. Reyes").code == 1


def test_a_daemon_that_has_nothing_to_do_does_not_hold_the_store(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    home.kill()
    home.start(client)
    until(
        "the open ticket is told anew",
        lambda: client.heard.count(
            (f"safetyd/tickets/maple/{id}", client.last(f"safetyd/tickets/maple/{id}"), False)
        ),
    )
    began_at = time.monotonic()
    said = home.run("ticket", id, "acknowledge", "--by", "A. Reyes")
    assert said.code == 0, said.err
    assert time.monotonic() - began_at < 4


@pytest.mark.parametrize("is_running", [True, False], ids=["with a daemon", "without a daemon"])
def test_several_people_act_at_once_and_each_is_heard(
    is_running: bool, broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    if not is_running:
        assert home.stop() == 0
    names = [f"person {number}" for number in range(6)]
    running = [home.begin("ticket", id, "note", "--by", name, "--note", "here") for name in names]
    for each in running:
        _, err = each.communicate(timeout=60)
        assert each.returncode == 0, err
    by = [line["by"] for line in home.ticket(id)["history"] if line["event"] == "note"]
    assert sorted(by) == names


@pytest.mark.parametrize("is_running", [True, False], ids=["with a daemon", "without a daemon"])
def test_words_that_are_no_text_are_refused_and_end_nothing(
    is_running: bool, broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    if not is_running:
        assert home.stop() == 0
    said = home.run("ticket", id, "note", "--by", "A. Reyes", "--note", "caf\udce9")  # Latin-1 on the line
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) <= 1
    if is_running:
        assert home.is_running, home.log[-2000:]
        assert home.run("ticket", id, "note", "--by", "A. Reyes", "--note", "café").code == 0
    home.ticket(id)


def test_a_command_left_while_the_daemon_ended_is_carried_out_at_its_next_start(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    assert home.stop() == 0
    body = json.dumps({"do": "acknowledge", "ticket": id, "by": "A. Reyes"})
    with closing(sqlite3.connect(home.store)) as connection, connection:
        connection.execute("INSERT INTO inbox (at, body) VALUES (0, ?)", (body,))
    home.start(client)
    until("it is answered", lambda: home.rows("SELECT 1 FROM inbox WHERE answer IS NOT NULL"))
    assert home.ticket(id)["status"] == "acknowledged"


def test_there_is_nothing_to_look_at_before_the_first_run(broker: Broker, house: Make) -> None:
    home = house(broker)
    for command in (
        ["tickets"],
        ["ticket", "maple-2026-0001", "note", "--by", "A"],
        ["readings", "maple/12"],
    ):
        said = home.run(*command)
        assert said.code == 1 and "safetyd run" in said.err and len(said.err.splitlines()) == 1
    assert not home.store.exists()


def test_a_history_can_be_read_while_the_daemon_writes_it(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    began_at = int(time.time()) - 3600
    client.tell(TOPIC, *({"temperature_c": 20 + n / 100, "ts": began_at + 30 * n} for n in range(100)))
    home.has("reading", 100)
    told = home.asked("readings", "maple/12", "--every", "15m")
    assert told["unit"] == "degF" and sum(point[4] for point in told["points"]) == 100
    points = home.asked("readings", "maple/12")["points"]
    assert points[0][1] == pytest.approx(68.0) and len(points) == 100
    assert points == sorted(points)
