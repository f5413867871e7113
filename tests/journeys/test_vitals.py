"""The daemon's own life: its heartbeat outside, what it makes of the time nobody watched, and its UPS."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.journeys.gateway import Gateway
from tests.journeys.nut import Nut
from tests.journeys.served import Served
from tests.journeys.servers import (
    HANG_UP,
    LOOPBACK,
    Broker,
    Client,
    House,
    Json,
    Site,
    free_port,
    until,
)
from tests.listening import Ear

pytestmark = pytest.mark.journey

Make = Callable[..., House]
SECRET = "c0ffee-5e5a-me"
HOUR_S, MICROS = 3600, 1_000_000
TWO_BUILDINGS = Site(
    more='[[buildings]]\nid = "cedar"\nname = "Cedar School"\n[[buildings.rooms]]\nid = "7"\nname = "Room 7"'
)
IN_A_MOMENT = 'outage = { restored_after = "1s" }'


class Monitor:
    """A dead-man's switch: it notes who was pinged how, and answers as a test chooses."""

    def __init__(self) -> None:
        self.pings: list[tuple[str, str]] = []  # path and text
        self.code = 200
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                monitor.pings.append((self.path, text))
                self.send_response(monitor.code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_HEAD = _answer

            def log_message(self, format: str, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def settings(self) -> str:
        port = self._server.server_address[1]
        return f'[heartbeat]\nurl = "http://{LOOPBACK}:{port}/ping/{SECRET}"\nevery = "1s"'

    def has(self, path: str, times: int = 1, since: int = 0) -> list[tuple[str, str]]:
        """Wait until a path was pinged so often after the first `since` pings, and return those pings."""

        def look() -> list[tuple[str, str]]:
            found = [ping for ping in self.pings[since:] if ping[0] == path]
            return found if len(found) >= times else []

        return until(f"{path} is pinged {times} times", look)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    made = Monitor()
    yield made
    made.close()


# systemd


def test_systemd_hears_that_it_watches_goes_on_and_ends(
    broker: Broker, client: Client, house: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear, lines = Ear(f"@safetyd-vitals-{os.getpid()}"), list[str]()
    monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
    monkeypatch.setenv("WATCHDOG_USEC", "400000")

    def hears(line: str, times: int = 1) -> None:
        until(f"systemd hears {line!r}", lambda: lines.extend(ear.heard()) or lines.count(line) >= times)

    with closing(ear):
        home = house(broker).start(client)
        hears("READY=1")
        hears("WATCHDOG=1", 5)
        with home.locked():
            client.tell("safetyd/readings/maple/12", {"temperature_f": 55, "humidity": 40})
            until("systemd hears of the store", lambda: lines.extend(ear.heard()) or "store" in lines[-1])
            hears("WATCHDOG=1", lines.count("WATCHDOG=1") + 3)
        hears("STATUS=watching", 2)
        assert home.stop() == 0
        hears("STOPPING=1")
        assert lines.count("READY=1") == 1


def test_systemd_hears_that_the_broker_is_away_and_why(broker: Broker, client: Client, house: Make) -> None:
    ear, lines = Ear(f"@safetyd-away-{os.getpid()}"), list[str]()
    home = house(broker)
    home.variables |= {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "400000"}

    def statuses() -> list[str]:
        lines.extend(ear.heard())
        return [line.removeprefix("STATUS=") for line in lines if line.startswith("STATUS=")]

    with closing(ear):
        home.start(client)
        until("it watches", lambda: statuses()[-1:] == ["watching"])
        broker.stop()
        there = f"{LOOPBACK}:{broker.port}"
        lost = f"no connection to the broker ({there} cannot be reached: "
        until("it says what is wrong", lambda: statuses()[-1].startswith(lost))
        fed = lines.count("WATCHDOG=1")
        until("it lives all the same", lambda: statuses() and lines.count("WATCHDOG=1") > fed + 3)
        broker.start()
        until("it watches again", lambda: statuses()[-1] == "watching")
        assert lines.count("READY=1") == 1
        assert home.stop() == 0


def test_a_loop_that_hangs_feeds_no_watchdog_though_all_else_of_the_process_lives(
    broker: Broker, client: Client, house: Make
) -> None:
    """The loop waits for a file that says nothing (a pipe in its place); the pages are still answered."""
    ear, lines, port = Ear(f"@safetyd-hangs-{os.getpid()}"), list[str](), free_port()
    site = Site(more='[[people]]\nname = "Bo"\nroles = ["facilities"]\nnotify = [{ file = "bo" }]')
    home = house(broker, site, mqtt=f'[web]\nlisten = "{LOOPBACK}:{port}"')
    home.variables |= {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "400000"}
    address = home.folder / "bo"
    address.write_text(f"json://{LOOPBACK}:9/bo\n", encoding="utf-8")

    def fed() -> int:
        lines.extend(ear.heard())
        return lines.count("WATCHDOG=1")

    def answers() -> bool:
        return Served(home, port).ask("/login").status == 200

    with closing(ear):
        home.start(client)
        Served(home, port).is_answering()
        until("it is fed", lambda: fed() > 5)
        assert home.daemon is not None
        whole = address.rename(home.folder / "whole")
        os.mkfifo(address)
        home.daemon.send_signal(HANG_UP)
        quiet_at, count = time.monotonic(), fed()

        def is_quiet() -> bool:
            """Whether systemd would have ended it five times over."""
            nonlocal quiet_at, count
            assert answers()
            if fed() != count:
                quiet_at, count = time.monotonic(), fed()
            return time.monotonic() - quiet_at > 5 * 0.4

        until("the feed has ended", is_quiet)
        text = whole.read_bytes()
        with address.open("wb") as pipe:  # the loop has it open
            whole.rename(address)
            pipe.write(text)
        until("it is fed again", lambda: fed() > count + 3)
        client.tell("safetyd/readings/maple/12", {"temperature_f": 55})
        home.has("ticket", 1)
        assert home.stop() == 0


# The heartbeat

WELL, UNWELL = f"/ping/{SECRET}", f"/ping/{SECRET}/fail"


def test_while_all_is_well_somebody_outside_is_told_so_again_and_again(
    broker: Broker, client: Client, house: Make, monitor: Monitor
) -> None:
    home = house(broker, mqtt=monitor.settings()).start(client)
    assert {text for _, text in monitor.has(WELL, 3)} == {""}
    assert home.stop() == 0
    assert {path for path, _ in monitor.pings} == {WELL}
    assert SECRET not in home.log


def test_a_daemon_that_is_gone_says_nothing(
    broker: Broker, client: Client, house: Make, monitor: Monitor
) -> None:
    home = house(broker, mqtt=monitor.settings()).start(client)
    monitor.has(WELL)
    home.kill()
    before = len(monitor.pings)
    home.start(client)
    monitor.has(WELL, since=before)
    assert {path for path, _ in monitor.pings} == {WELL}


def test_a_store_that_cannot_be_written_is_told_outside_and_so_is_its_mend(
    broker: Broker, client: Client, house: Make, monitor: Monitor
) -> None:
    home = house(broker, mqtt=monitor.settings()).start(client)
    monitor.has(WELL)
    with home.locked():
        client.tell("safetyd/readings/maple/12", {"temperature_f": 55, "humidity": 40})
        (_, text), *_ = monitor.has(UNWELL)
    assert "store" in text
    monitor.has(WELL, since=len(monitor.pings))
    assert SECRET not in home.log and SECRET not in text


def test_a_monitor_that_refuses_is_a_trouble_until_it_listens_and_the_url_stays_secret(
    broker: Broker, client: Client, house: Make, monitor: Monitor
) -> None:
    monitor.code = 404
    home = house(broker, mqtt=monitor.settings()).start(client)
    trouble = "SELECT note, ended_at FROM trouble WHERE kind = 'undeliverable' AND sensor = 'heartbeat'"
    until("the trouble is on record", lambda: home.rows(trouble))
    ((note, ended_at),) = home.rows(trouble)
    assert "404" in note and SECRET not in note and ended_at is None
    monitor.code = 200
    until("the trouble is over", lambda: home.rows(trouble)[0][1] is not None)
    assert SECRET not in home.log and "404" in home.log


def test_a_clock_that_is_not_believed_yet_is_told_outside(
    broker: Broker, client: Client, house: Make, monitor: Monitor
) -> None:
    home = house(broker, mqtt=monitor.settings())
    gateway = Gateway(home, datetime(1970, 1, 1, tzinfo=UTC))
    gateway.boots(gateway.wall, is_synchronised=False)
    home.start(client)
    (_, text), *_ = monitor.has(UNWELL)
    assert "the clock is not synchronised yet" in text
    gateway.is_put(datetime(2026, 12, 1, tzinfo=UTC))
    monitor.has(WELL)


def test_no_command_shows_the_url(broker: Broker, client: Client, house: Make, monitor: Monitor) -> None:
    home = house(broker, mqtt=monitor.settings()).start(client)
    for command in ("check", "power", "tickets", "sensors"):
        said = home.run(command)
        assert said.code == 0, said.err
        assert SECRET not in said.out + said.err


# The time that nobody watched


def last_sign_was(home: House, seconds_ago: float, **columns: object) -> None:
    """Put the last sign of life of a daemon that is gone back in time; `boot`, `is_last` as given."""
    at = (int(time.time()) - round(seconds_ago)) * MICROS
    with closing(sqlite3.connect(home.store)) as connection, connection:
        changed = connection.execute("UPDATE beat SET at = ?", (at,)).rowcount
        assert changed == 1, "no sign of life was written"
        for name, value in columns.items():
            connection.execute(f"UPDATE beat SET {name} = ?", (value,))


def gone(home: House, client: Client, *, in_order: bool = False) -> House:
    """Let a daemon live until its first sign of life is on disk."""
    home.start(client)
    until("a sign of life is on disk", lambda: home.rows("SELECT at FROM beat"))
    if in_order:
        assert home.stop() == 0
    else:
        home.kill()
    return home


def gaps(home: House) -> list[tuple[str, str]]:
    """Return the building and note of each gap on record, all of which must be over."""
    rows = home.rows("SELECT building, note, ended_at FROM trouble WHERE kind = 'gap' ORDER BY building")
    assert all(ended_at is not None for *_, ended_at in rows)
    return [(building, note) for building, note, _ in rows]


def woken(home: House, client: Client) -> list[Json]:
    """Start it again and return its tickets, once it has given its next sign of life."""
    (before,) = home.rows("SELECT at FROM beat")
    home.start(client)
    until("a new sign of life is on disk", lambda: home.rows("SELECT at FROM beat") != [before])
    return home.tickets()


@pytest.mark.parametrize("in_order", [False, True], ids=["killed", "shut down"])
def test_a_machine_that_was_down_for_three_hours_asks_about_an_outage(
    in_order: bool, broker: Broker, client: Client, house: Make
) -> None:
    home = gone(house(broker), client, in_order=in_order)
    last_sign_was(home, 3 * HOUR_S, boot="another")
    (ticket,) = woken(home, client)
    assert (ticket["building"], ticket["room"], ticket["condition"]) == ("maple", None, "outage")
    assert (ticket["clause"], ticket["status"]) == ("9.14.5", "open")
    assert "confirm" in ticket["history"][0]["note"]
    assert ticket["verdict"] != "ok"
    assert [building for building, _ in gaps(home)] == ["maple"]
    told(home, "opened")


def test_each_building_is_asked_about(broker: Broker, client: Client, house: Make) -> None:
    home = gone(house(broker, TWO_BUILDINGS), client)
    last_sign_was(home, 3 * HOUR_S, boot="another")
    tickets = woken(home, client)
    assert sorted(ticket["building"] for ticket in tickets) == ["cedar", "maple"]
    assert [building for building, _ in gaps(home)] == ["cedar", "maple"]


def test_it_is_asked_once(broker: Broker, client: Client, house: Make) -> None:
    home = gone(house(broker), client)
    last_sign_was(home, 3 * HOUR_S, boot="another")
    assert len(woken(home, client)) == 1
    assert home.stop() == 0
    assert len(woken(home, client)) == 1
    assert len(gaps(home)) == 1


def test_what_it_asks_is_said_to_people_as_a_question(broker: Broker, client: Client, house: Make) -> None:
    home = gone(house(broker, Site(people={"Ada": [f"json://{LOOPBACK}:9/ada"]})), client)
    last_sign_was(home, 3 * HOUR_S, boot="another")
    woken(home, client)
    wanted = "SELECT title || ' ' || text FROM notice WHERE reason = 'opened'"
    until("people are told", lambda: home.rows(wanted))
    ((said,),) = home.rows(wanted)
    assert any(word in said.lower() for word in ("confirm", "may have", "possible")), said


@pytest.mark.parametrize(("minutes", "tickets"), [(119, 0), (121, 1)])
def test_two_hours_are_the_limit_here_too(
    minutes: int, tickets: int, broker: Broker, client: Client, house: Make
) -> None:
    home = gone(house(broker), client)
    last_sign_was(home, minutes * 60, boot="another")
    assert len(woken(home, client)) == tickets
    assert [building for building, _ in gaps(home)] == ["maple"]


def test_a_machine_that_ran_on_had_power(broker: Broker, client: Client, house: Make) -> None:
    home = gone(house(broker, TWO_BUILDINGS), client)
    last_sign_was(home, 3 * HOUR_S)
    assert woken(home, client) == []
    assert gaps(home) == [("cedar", "safetyd had crashed"), ("maple", "safetyd had crashed")]


def test_a_daemon_that_was_stopped_for_hours_was_stopped(broker: Broker, client: Client, house: Make) -> None:
    home = gone(house(broker), client, in_order=True)
    last_sign_was(home, 3 * HOUR_S)
    assert woken(home, client) == []
    assert gaps(home) == [("maple", "safetyd was stopped")]


@pytest.mark.parametrize("in_order", [False, True], ids=["killed", "stopped"])
def test_back_within_a_minute_nothing_was_missed(
    in_order: bool, broker: Broker, client: Client, house: Make
) -> None:
    home = gone(house(broker), client, in_order=in_order)
    assert woken(home, client) == []
    assert home.rows("SELECT * FROM trouble") == [] and home.rows("SELECT * FROM notice") == []


# The UPS it lives on


def on_a_ups(nut: Nut, broker: Broker, house: Make, client: Client, rules: str = "") -> House:
    """Return a house whose daemon has heard from its UPS that there is power."""
    settings = f'[ups]\nname = "closet"\nbuilding = "maple"\nhost = "{LOOPBACK}"\nport = {nut.port}\n'
    home = house(broker, Site(rules=rules), settings).start(client)
    stands(home, "on")
    return home


def electricity(home: House) -> Json:
    said = home.run("power", "maple", "--json")
    assert said.code == 0, said.err
    (building,) = said.json["buildings"]
    return dict(building)


def stands(home: House, word: str) -> Json:
    """Wait until a building's electricity stands so, and return all that is said of it."""

    def look() -> Json | None:
        building = electricity(home)
        return building if building["electricity"] == word else None

    found = until(f"the electricity is {word}", look)
    assert found is not None
    return found


def told(home: House, reason: str) -> None:
    until(f"{reason} is told", lambda: home.rows("SELECT 1 FROM notice WHERE reason = ?", reason))


def test_a_ups_on_battery_is_an_outage_and_on_line_its_end(
    nut: Nut, broker: Broker, client: Client, house: Make
) -> None:
    home = on_a_ups(nut, broker, house, client, IN_A_MOMENT)
    nut.says("OB DISCHRG", input_voltage="0.0", battery_charge="90")
    told(home, "outage_began")
    building = stands(home, "out")
    assert building["since"] is not None and building["last_on_at"] is not None
    (witness,) = building["witnesses"]
    assert ("closet" in witness["witness"], witness["says"], witness["counts"]) == (True, "off", True)
    nut.says("OL CHRG", input_voltage="119.0", battery_charge="90")
    told(home, "outage_over")
    assert stands(home, "on")["since"] is None
    assert home.tickets() == []


def test_a_power_cut_to_the_daemon_forgets_no_outage(
    nut: Nut, broker: Broker, client: Client, house: Make
) -> None:
    home = on_a_ups(nut, broker, house, client)
    nut.says("OB", input_voltage="0.0")
    told(home, "outage_began")
    since = stands(home, "out")["since"]
    home.kill()
    home.start(client)
    assert stands(home, "out")["since"] == since
    assert home.rows("SELECT count(*) FROM notice WHERE reason = 'outage_began'") == [(1,)]


def test_a_upsd_that_is_gone_is_a_trouble_until_it_is_back(
    nut: Nut, broker: Broker, client: Client, house: Make
) -> None:
    home = on_a_ups(nut, broker, house, client)
    trouble = "SELECT sensor, building, note, ended_at FROM trouble WHERE kind = 'silent'"
    nut.kill_upsd()
    until("the trouble is on record", lambda: home.rows(trouble))
    ((sensor, building, note, ended_at),) = home.rows(trouble)
    assert "closet" in sensor and building == "maple" and ended_at is None
    assert "upsd" in note and str(nut.port) in note
    assert home.rows("SELECT 1 FROM notice WHERE reason = 'outage_began'") == []
    nut.start_upsd()
    until("the trouble is over", lambda: home.rows(trouble)[0][3] is not None)
    assert home.tickets() == []


def test_without_any_upsd_the_daemon_watches_all_the_same(
    broker: Broker, client: Client, house: Make, nut: Nut
) -> None:
    nut.stop()
    settings = f'[ups]\nname = "closet"\nbuilding = "maple"\nhost = "{LOOPBACK}"\nport = {nut.port}\n'
    home = house(broker, Site(), settings).start(client)
    client.tell("safetyd/readings/maple/12", {"temperature_f": 55, "humidity": 40})
    home.has("ticket", 1)
    until("the trouble is on record", lambda: home.rows("SELECT 1 FROM trouble WHERE kind = 'silent'"))
    assert electricity(home)["electricity"] == "unknown"


# A person is a witness


def test_a_persons_word_is_a_witness_of_a_running_daemon(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker, Site(rules=IN_A_MOMENT)).start(client)
    said = home.run("power", "maple", "off", "--by", "A. Reyes", "--note", "dark since noon", "--json")
    assert said.code == 0, said.err
    assert said.json["buildings"][0]["electricity"] == "out"
    told(home, "outage_began")
    (witness,) = stands(home, "out")["witnesses"]
    assert ("A. Reyes" in witness["witness"], witness["says"]) == (True, "off")
    assert home.run("power", "maple", "on", "--by", "A. Reyes").code == 0
    told(home, "outage_over")
    assert stands(home, "on")["witnesses"][0]["says"] == "on"


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["maple", "off"], "--by"), (["mapel", "off", "--by", "A. Reyes"], "maple"), (["maple", "dim"], "dim")],
)
def test_a_word_that_lacks_something_is_refused(
    words: list[str], hint: str, broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    said = home.run("power", *words)
    assert (said.code, said.out) == (2, "") and hint in said.err
    assert electricity(home)["witnesses"] == []


def test_what_its_ups_is_about_to_do_is_its_last_word_on_the_wire(
    nut: Nut, broker: Broker, client: Client, house: Make
) -> None:
    heard = Client(broker, "safetyd/gateways/#", "safetyd/buildings/#")

    def state_is(word: str) -> bool:
        last = heard.last("safetyd/gateways/safetyd")
        return last is not None and json.loads(last)["state"] == word

    try:
        home = on_a_ups(nut, broker, house, client)
        until("it says that it runs", lambda: state_is("running"))
        nut.says("OB LB", input_voltage="0.0")
        until("it says its last words", lambda: state_is("last_words"))
        assert home.stop() == 0  # as the UPS orders
        told = [json.loads(payload)["state"] for topic, payload, _ in heard.heard if "gateways" in topic]
        assert told[-1] == "last_words" and "stopped" not in told
        building = json.loads(heard.last("safetyd/buildings/maple") or b"{}")
        assert (building["electricity"], building["gateway"]) == ("out", "safetyd") and building["at"]
    finally:
        heard.close()
