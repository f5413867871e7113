"""`safetyd doctor` at a gateway's real servers: what it finds and says to do, and that nobody notices."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.journeys.influx import DATABASE, TOKEN, Influx
from tests.journeys.nut import Nut
from tests.journeys.servers import (
    LOOPBACK,
    ROOT,
    WITHIN,
    Broker,
    Client,
    House,
    Said,
    Sink,
    Site,
    free_port,
    program,
    until,
)

pytestmark = pytest.mark.journey

Make = Callable[..., House]
Finding = dict[str, Any]


def asked(home: House) -> tuple[Said, dict[tuple[str, str], Finding]]:
    """Return what doctor said, and its findings by area and name."""
    said = home.run("doctor", "--json")
    assert said.err == "" and said.code in (0, 1)
    assert [each for each in said.json["findings"] if each["state"] != "ok" and not each["do"]] == []
    return said, {(each["area"], each["about"]): each for each in said.json["findings"]}


def listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def mosquitto(folder: Path, text: str) -> Iterator[Any]:
    """Yield a Mosquitto with exactly this configuration; PORT in it is a free one."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    (folder / "mosquitto.conf").write_text(text.replace("PORT", str(port)))
    command = [program("mosquitto"), "-c", str(folder / "mosquitto.conf")]
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as child,
    ):
        try:
            until("the broker listens", lambda: listens(port))
            yield SimpleNamespace(port=port, folder=folder)
        finally:
            child.terminate()
            child.wait(WITHIN)


def shipped(folder: Path) -> str:
    """Return the configuration that is shipped, on a port of the test and with its data in a folder."""
    text = (ROOT / "deploy" / "mosquitto.conf").read_text("utf-8")
    assert "listener 1883 127.0.0.1\n" in text
    return text.replace("listener 1883 127.0.0.1\n", "listener PORT 127.0.0.1\nuser root\n") + (
        f"\npersistence_location {folder}/\n"
    )


def test_the_broker_as_it_is_shipped_is_well(tmp_path: Path, house: Make) -> None:
    with mosquitto(tmp_path / "broker", shipped(tmp_path / "broker")) as broker:
        _, found = asked(house(broker))
    of_broker = {about: each["state"] for (area, about), each in found.items() if area == "broker"}
    assert of_broker.pop("restart") == "not checked"
    assert set(of_broker.values()) == {"ok"}, of_broker
    assert found["broker", "queue"]["seen"].startswith("it kept all of 1,100 messages")
    assert found["broker", "window"]["seen"] == "1,000 messages"
    assert found["broker", "version"]["seen"].startswith("mosquitto version 2")


def test_a_broker_as_it_is_by_default_drops_what_comes_while_we_are_away_and_doctor_says_the_mend(
    tmp_path: Path, house: Make
) -> None:
    with mosquitto(tmp_path / "broker", "listener PORT 0.0.0.0\nallow_anonymous true\n") as broker:
        home = house(broker)
        said, found = asked(home)
        table = home.run("doctor")
    assert said.code == 1 and said.json["sound"] is False
    queue, window = found["broker", "queue"], found["broker", "window"]
    assert queue["state"] == "bad" and "of 1,100 messages it kept 1,000" in queue["seen"]
    assert "max_queued_messages 10000000" in queue["do"] and "deploy/mosquitto.conf" in queue["do"]
    assert window["state"] == "warn" and window["seen"].startswith("20 messages")
    assert "max_inflight_messages 1000" in window["do"]
    strangers = found["broker", "who gives no name"]
    assert strangers["state"] == "warn" and "from any machine" in strangers["seen"]
    assert found["broker", "encryption"]["state"] == "warn"
    assert table.code == 1 and "→ max_queued_messages 10000000" in table.out


def test_a_running_daemon_notices_nothing_and_nothing_is_left_behind(
    broker: Broker, client: Client, house: Make, sink: Sink
) -> None:
    home = house(broker, Site(people={"Robin Vale": [sink.address("robin")]})).start(client)
    client.tell("safetyd/readings/maple/12", {"temperature_f": 70})
    home.has("reading", 1)
    before, log = len(client.heard), home.log
    rows = {name: home.count(name) for name in ("reading", "stray", "refused", "trouble", "inbox")}
    _, found = asked(home)
    assert found["store", "daemon"]["state"] == found["broker", "our status"]["state"] == "ok"
    assert found["broker", "our rights to write"]["state"] == "ok"
    assert found["addresses", "Robin Vale: address 1 (json)"]["state"] == "ok"
    assert sink.asked == []
    client.tell("safetyd/readings/maple/12", {"temperature_f": 70.2})
    home.has("reading", 2)
    heard = {(topic, payload) for topic, payload, _ in client.heard[before:]}
    assert {topic for topic, _ in heard} <= {"safetyd/rooms/maple/12"}
    assert {name: home.count(name) for name in rows} == rows | {"reading": 2}
    assert home.log == log
    assert home.stop() == 0


def test_no_session_of_the_doctor_outlives_it(tmp_path: Path, house: Make) -> None:
    folder = tmp_path / "broker"
    with mosquitto(folder, shipped(folder)) as broker:
        asked(house(broker))
    kept = (folder / "mosquitto.db").read_bytes()  # the broker has written all that it remembers
    assert b"doctor" not in kept


def test_an_account_that_may_not_write_what_it_must_is_found(tmp_path: Path, house: Make) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    passwords = folder / "passwords"
    command = [program("mosquitto_passwd"), "-c", "-b", str(passwords), "gateway", "0pen"]
    subprocess.run(command, check=True, capture_output=True)
    access = folder / "access"
    access.write_text(
        "user gateway\ntopic read $SYS/broker/version\ntopic read safetyd/readings/#\n"
        "topic readwrite safetyd/doctor/#\ntopic write safetyd/tickets/#\n"
    )
    access.chmod(0o600)
    text = f"listener PORT 127.0.0.1\nuser root\npassword_file {passwords}\nacl_file {access}\n"
    (tmp_path / "secret").write_text("0pen")
    login = f'username = "gateway"\npassword_file = "{tmp_path}/secret"\nannounce = true\n'
    login += "[centre]\nrecord = true"
    with mosquitto(folder, text + "allow_anonymous false\n") as broker:
        said, found = asked(house(broker, mqtt=login))
        (tmp_path / "secret").write_text("wr0ng")
        wrong, refused = asked(house(broker, mqtt=login))
    rights = found["broker", "our rights to write"]
    assert said.code == 1 and rights["state"] == "bad"
    assert rights["seen"] == (
        "refused: safetyd/status/safetyd, safetyd/gateways/safetyd, safetyd/buildings/maple, "
        "safetyd/rooms/maple/12, homeassistant/device/safetyd_maple/config, "
        "safetyd/record/safetyd, safetyd/answer/safetyd"
    )
    assert found["broker", "our rights to read"]["state"] == "not checked"
    assert found["broker", "who gives no name"]["seen"] == "is not let in"
    assert wrong.code == 1 and "Not authorized" in refused["broker", "connection"]["seen"]
    assert "0pen" not in said.out and "wr0ng" not in wrong.out


def test_a_broker_that_hangs_up_on_foreign_topics_does_so_on_what_is_foreign_alone(
    tmp_path: Path, house: Make
) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    passwords, access = folder / "passwords", folder / "access"
    command = [program("mosquitto_passwd"), "-c", "-b", str(passwords), "safetyd", "0pen"]
    subprocess.run(command, check=True, capture_output=True)
    shut = "user safetyd\ntopic read #\ntopic read $SYS/#\ntopic readwrite safetyd/#\n"
    access.write_text(shut + "topic readwrite homeassistant/device/#\n")
    access.chmod(0o600)
    (tmp_path / "secret").write_text("0pen")
    login = f'username = "safetyd"\npassword_file = "{tmp_path}/secret"\nannounce = true\n'
    text = f"listener PORT 127.0.0.1\nuser root\npassword_file {passwords}\nacl_file {access}\n"
    text += "allow_anonymous false\nmax_queued_messages 0\nmax_inflight_messages 1000\n"
    with mosquitto(folder, text) as broker:
        _, well = asked(house(broker, mqtt=login))
    access.write_text(shut)
    with mosquitto(folder, text) as broker:
        _, ill = asked(house(broker, mqtt=login))
    assert well["broker", "our rights to write"]["state"] == "ok"
    assert ill["broker", "our rights to write"]["seen"] == (
        "refused: homeassistant/device/safetyd_maple/config"
    )
    for found in (well, ill):
        assert found["broker", "our rights to read"]["state"] == "not checked"
        assert found["broker", "queue"]["state"] == found["broker", "session"]["state"] == "ok"


def test_nobody_at_the_broker_is_one_finding_and_the_rest_is_looked_at_all_the_same(house: Make) -> None:
    said, found = asked(house(SimpleNamespace(port=free_port())))
    assert said.code == 1
    assert [about for area, about in found if area == "broker"] == ["connection"]
    assert {area for area, _ in found} >= {"store", "clock", "UPS", "InfluxDB", "addresses", "versions"}


def test_a_broker_whose_certificate_ends_soon_is_warned_of(tmp_path: Path, house: Make) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 -subj /CN=localhost"
    more = "-addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.pem"
    subprocess.run(["openssl", *made.split(), *more.split()], cwd=folder, check=True, capture_output=True)
    text = (
        f"listener PORT 127.0.0.1\nuser root\nallow_anonymous true\n"
        f"certfile {folder}/server.pem\nkeyfile {folder}/server.key\n"
    )
    with mosquitto(folder, text) as broker:
        trusting = f'tls = true\nca_file = "{folder}/server.pem"'
        _, found = asked(house(broker, mqtt=trusting))
        _, distrusting = asked(house(broker, mqtt="tls = true"))
    assert found["broker", "encryption"]["seen"] == "TLS"
    for whose in ("the broker's own", "[mqtt] ca_file"):
        each = found["certificates", whose]
        assert each["state"] == "warn" and "9 days are left" in each["seen"] and each["do"]
    assert "self" in distrusting["broker", "connection"]["seen"]


def test_ups_and_copy_are_asked_as_the_daemon_asks_them(
    broker: Broker, house: Make, nut: Nut, tmp_path: Path
) -> None:
    folder = tmp_path / "influx"
    folder.mkdir()
    influx = Influx(folder).start()
    try:
        (tmp_path / "token").write_text(TOKEN)
        sections = (
            f'[ups]\nname = "closet"\nbuilding = "maple"\nport = {nut.port}\n'
            f'[influx]\nurl = "{influx.url}"\nbucket = "{DATABASE}"\ntoken_file = "{tmp_path}/token"'
        )
        home = house(broker, mqtt=sections)
        _, well = asked(home)
        nut.says("OB DISCHRG", battery_charge="40")
        until("the driver has heard it", lambda: asked(home)[1]["UPS", "closet"]["state"] == "warn")
        nut.kill_upsd()
        influx.kill()
        said, ill = asked(home)
    finally:
        influx.close()
    assert well["UPS", "closet"]["seen"] == "on mains, battery 91 %"
    assert well["InfluxDB", DATABASE]["state"] == "ok"
    assert ill["UPS", "closet"]["state"] == "bad" and "upsd does not answer" in ill["UPS", "closet"]["seen"]
    assert any(each["state"] == "bad" for (area, _), each in ill.items() if area == "InfluxDB")
    assert TOKEN not in said.out


def test_a_store_of_a_newer_safetyd_or_none_at_all_is_told(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker)
    assert asked(home)[1]["disk", "folder"]["state"] == "warn"
    home.start(client)
    assert home.stop() == 0
    _, found = asked(home)
    assert found["store", "version"]["state"] == "ok" and found["store", "daemon"]["state"] == "warn"
    with home.locked("UPDATE alembic_version SET version_num = '9999'"):
        pass
    said, newer = asked(home)
    assert said.code == 1 and newer["store", "version"]["state"] == "bad"
    home.store.write_bytes(b"no store" * 1000)
    _, damaged = asked(home)
    assert damaged["store", "file"]["state"] == "bad" and "restore" in damaged["store", "file"]["do"]


def test_json_is_one_document_and_a_faulty_configuration_ends_it_with_two(
    broker: Broker, house: Make
) -> None:
    home = house(broker)
    assert set(json.loads(home.run("doctor", "--json").out)) == {"sound", "findings"}
    home.config.write_text('site = ["site.toml"]\n[mqtt]\nhots = "x"\n')
    assert home.run("doctor").code == 2
