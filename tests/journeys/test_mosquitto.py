"""The broker as deploy/mosquitto sets it up: who gets in, who may say what, and what outlives a power cut."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.journeys.servers import HANG_UP, LOOPBACK, WITHIN, Broker, Client, House, until
from tests.journeys.shipped import FILES, Shipped, done

pytestmark = pytest.mark.journey

Make = Callable[..., House]
NORTH, SOUTH = "readings/maple/12", "readings/maple/lab/south"
COLD = '{"temperature_f": 57.2}'
FOREIGN = [
    "safetyd/readings/maple/lab/south",
    "safetyd/readings/maple/12/north",
    "safetyd/readings/maple",
    "safetyd/power/maple/12",
    "safetyd/status/safetyd",
    "safetyd/tickets/maple/maple-2026-0001",
    "zigbee2mqtt/Room 12",
    "homeassistant/device/maple/config",
    "$SYS/broker/uptime",
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Shipped]:
    """The gateway's broker, with two sensors of our own kind."""
    made = Shipped(tmp_path / "broker")
    made.add(NORTH)
    made.add(SOUTH)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def client(broker: Shipped) -> Iterator[Client]:
    """Somebody who hears all that safetyd may hear."""
    made = watcher(broker)
    yield made
    made.close()


def watcher(broker: Shipped) -> Client:
    return Client(broker, "#", name="safetyd", password=broker.passwords["safetyd"])


def account(broker: Shipped, password: str = "") -> str:
    kept = broker.folder / "mqtt-password"
    kept.write_text(password or broker.passwords["safetyd"], encoding="utf-8")
    return f'username = "safetyd"\npassword_file = "{kept}"\n'


def through_tls(broker: Shipped, ca_file: Path | None = None) -> tuple[SimpleNamespace, str]:
    """Return where a daemon connects through TLS, and what its settings say of it."""
    return SimpleNamespace(port=broker.tls_port), f'tls = true\nca_file = "{ca_file or broker.ca_file}"\n'


def hears(client: Client, topic: str, payload: str) -> None:
    until(
        f"{topic} is heard",
        lambda: any(each[:2] == (topic, payload.encode()) for each in client.heard),
    )


@pytest.mark.parametrize("way", ["the gateway's own listener", "TLS"])
def test_the_daemon_hears_a_sensor_with_an_account(
    broker: Shipped, client: Client, house: Make, way: str
) -> None:
    where, more = through_tls(broker) if way == "TLS" else (broker, "")
    home = house(where, mqtt=more + account(broker)).start(client)
    broker.says(NORTH, "safetyd/readings/maple/12", COLD)
    home.has("reading", 1)
    broker.says(SOUTH, "safetyd/readings/maple/lab/south", COLD)
    home.has("reading", 2)
    assert home.rows("SELECT room FROM sensor ORDER BY room") == [("12",), ("lab",)]


def test_a_daemon_that_speaks_plainly_here_watches_the_certificate_that_sensors_see(
    broker: Shipped, client: Client, house: Make
) -> None:
    home = house(broker, mqtt=account(broker) + f'[doctor]\ncertificates = ["{broker.certs}/*.pem"]\n')
    found = {each["about"]: each for each in home.run("doctor", "--json").json["findings"]}
    assert found[str(broker.certs / "server.pem")]["state"] == "ok"
    assert found["our rights to write"]["state"] == "ok"
    assert found["our rights to read"]["state"] == "not checked"
    (broker.certs / "server.pem").unlink()
    done(broker.certify("-t", "20", "server", "localhost", LOOPBACK))
    found = {each["about"]: each for each in home.run("doctor", "--json").json["findings"]}
    ending = found[str(broker.certs / "server.pem")]
    assert ending["state"] == "warn" and "19 days are left" in ending["seen"]
    assert "certificates.sh server" in ending["do"]


def test_who_has_no_account_or_not_its_password_is_refused_on_both_listeners(
    broker: Shipped, client: Client
) -> None:
    topic = "safetyd/readings/maple/12"
    for way in ({}, {"port": broker.port, "cafile": None}):
        for who in ({"pw": "wrong"}, {"username": "nobody"}, {"username": None, "pw": None}):
            said = broker.device(NORTH, topic, "-m", "no", **way, **who)
            assert said.returncode and "ot authori" in said.stderr, (who, said.stderr)
    broker.says(NORTH, topic, "yes")
    hears(client, topic, "yes")
    assert (topic, b"no", False) not in client.heard


def test_without_tls_nobody_gets_in_from_the_network(broker: Shipped, client: Client) -> None:
    topic = "safetyd/readings/maple/12"
    said = broker.device(NORTH, topic, "-m", "no", cafile=None)
    assert said.returncode
    conf = broker.configuration().splitlines()
    assert [line for line in conf if line.startswith("listener")] == [
        f"listener {broker.port} {LOOPBACK}",
        f"listener {broker.tls_port} {LOOPBACK}",  # as shipped: of every address
    ]
    broker.says(NORTH, topic, "yes")
    hears(client, topic, "yes")
    assert (topic, b"no", False) not in client.heard


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("expired", "certificate has expired"),
        ("of another authority", "certificate verify failed"),
        ("of another name", "certificate is not valid for"),
    ],
)
def test_sensors_and_the_daemon_refuse_a_broker_whose_certificate_is(
    broker: Shipped, house: Make, tmp_path: Path, fault: str, words: str
) -> None:
    names = ["elsewhere.example", "192.0.2.7"] if fault == "of another name" else ["localhost", LOOPBACK]
    ca_file = broker.ca_file
    if fault == "of another authority":
        done(broker.certify("-d", str(tmp_path / "other"), "server", *names))
        ca_file = tmp_path / "other" / "ca.pem"
    broker.log_says(" running")  # before that a hang-up would end it
    (broker.certs / "server.pem").unlink()
    done(broker.certify("-t", "-1" if fault == "expired" else "90", "server", *names))
    broker.send_signal(HANG_UP)
    until("the broker shows it", lambda: shown(broker) == (broker.certs / "server.pem").read_text())

    said = broker.device(NORTH, "safetyd/readings/maple/12", "-m", COLD, cafile=ca_file)
    assert said.returncode and "TLS" in said.stderr
    where, more = through_tls(broker, ca_file)
    home = house(where, mqtt=more + account(broker))
    home.spawn()
    home.log_says(words)
    assert "connected to" not in home.log


def shown(broker: Shipped) -> str:
    try:
        return ssl.get_server_certificate((LOOPBACK, broker.tls_port), timeout=WITHIN)
    except OSError:  # it is about to
        return ""


def test_the_daemon_with_a_wrong_password_says_so(broker: Shipped, house: Make) -> None:
    home = house(broker, mqtt=account(broker, "wrong"))
    home.spawn()
    home.log_says("refuses us: Not authorized")


def test_where_certificates_of_clients_are_asked_for_nobody_gets_in_without_a_valid_one(
    broker: Shipped, client: Client
) -> None:
    client.close()
    broker.stop()
    broker.words = {"#   cafile": "cafile", "#   require_certificate": "require_certificate"}
    broker.start()
    done(broker.certify("client", "north"))
    done(broker.certify("-t", "-1", "client", "late"))
    topic = "safetyd/readings/maple/12"

    def holding(name: str) -> dict[str, object]:
        return {"cert": broker.certs / f"{name}.pem", "key": broker.certs / f"{name}.key"}

    assert broker.device(NORTH, topic, "-m", COLD).returncode
    assert broker.device(NORTH, topic, "-m", COLD, **holding("late")).returncode
    assert broker.device(NORTH, topic, "-m", COLD, **holding("north"), pw="wrong").returncode
    assert broker.device(NORTH, topic, "-m", COLD, **holding("north")).returncode == 0


def test_a_sensor_says_its_own_topic_and_no_other(broker: Shipped, client: Client, house: Make) -> None:
    home = house(broker, mqtt='also = ["#"]\n' + account(broker)).start(client)
    for topic in FOREIGN:
        for protocol in ("5", "311"):  # the older one says nothing to who is refused
            broker.device(NORTH, topic, "-r", "-V", protocol, "-m", "forged")
    lost = sensor(broker, NORTH, will="safetyd/readings/maple/lab/south")
    lost.socket().shutdown(socket.SHUT_RDWR)
    lost.loop_stop()
    broker.log_says("Client readings/maple/12 closed")
    broker.says(NORTH, "safetyd/readings/maple/12", COLD)
    hears(client, "safetyd/readings/maple/12", COLD)
    home.has("reading", 1)
    assert [each for each in client.heard if each[1] == b"forged"] == []
    assert home.rows("SELECT room FROM sensor") == [("12",)]
    assert home.rows("SELECT topic FROM unassigned WHERE topic NOT LIKE 'safetyd/%'") == []


def test_who_says_a_foreign_topic_stays_connected(broker: Shipped, client: Client) -> None:
    chatty = sensor(broker, NORTH)  # as a device that announces itself where it may not
    for qos in (0, 1):
        chatty.publish("tasmota/discovery/4A", "{}", qos=qos)
        chatty.publish("safetyd/readings/maple/12", COLD, qos=qos)
    until("both readings are heard", lambda: len(client.heard) == 2)
    assert "Bad socket" not in (broker.folder / "mosquitto.log").read_text()
    chatty.disconnect()
    chatty.loop_stop()


def test_a_sensor_hears_nobody(broker: Shipped, client: Client) -> None:
    listening = sensor(broker, NORTH)
    heard: list[str] = []
    listening.on_message = lambda _client, _data, message: heard.append(message.topic)
    listening.subscribe([("#", 1), ("safetyd/#", 1), ("$SYS/#", 1)])
    broker.says(SOUTH, "safetyd/readings/maple/lab/south", COLD)
    hears(client, "safetyd/readings/maple/lab/south", COLD)
    told = listening.publish("safetyd/readings/maple/12", COLD, qos=1)  # its answer comes after all else
    told.wait_for_publish(WITHIN)
    assert told.is_published() and heard == []
    listening.disconnect()
    listening.loop_stop()


def test_a_sensor_that_takes_the_daemons_client_id_does_not_end_its_session(
    broker: Shipped, client: Client, house: Make
) -> None:
    home = house(broker, mqtt=account(broker)).start(client)
    thief = sensor(broker, NORTH, client_id="safetyd")
    told = thief.publish("safetyd/readings/maple/12", COLD, qos=1)
    told.wait_for_publish(WITHIN)
    home.has("reading", 1)
    assert "lost" not in home.log
    thief.disconnect()
    thief.loop_stop()


def sensor(broker: Shipped, name: str, *, client_id: str = "", will: str = "") -> paho.Client:
    """Return a device that stays connected."""
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
    made.tls_set(ca_certs=str(broker.ca_file))
    made.username_pw_set(name, broker.passwords[name])
    if will:
        made.will_set(will, "forged", qos=1, retain=True)
    made.connect(LOOPBACK, broker.tls_port)
    made.loop_start()
    until("the device is connected", made.is_connected)
    return made


def test_a_bridge_says_the_topics_it_was_given_and_no_other(broker: Shipped, client: Client) -> None:
    broker.add("zigbee", "zigbee2mqtt/#", "homeassistant/sensor/+/config")
    broker.add("plug", "tele/Plug 7/SENSOR")
    broker.send_signal(HANG_UP)
    broker.log_says("Reloading config")
    for name, topic in [
        ("zigbee", "tele/Plug 7/SENSOR"),
        ("zigbee", "homeassistant/sensor/a/b/config"),
        ("plug", "tele/Plug 8/SENSOR"),
        ("plug", "zigbee2mqtt/Room 12"),
    ]:
        assert "Not authorized" in broker.device(name, topic, "-m", "forged").stderr
    broker.says("plug", "tele/Plug 7/SENSOR", "on")
    broker.says("zigbee", "zigbee2mqtt/Room 12", "warm")
    broker.says("zigbee", "homeassistant/sensor/a/config", "{}")
    hears(client, "homeassistant/sensor/a/config", "{}")
    assert [payload for _, payload, _ in client.heard] == [b"on", b"warm", b"{}"]


def test_an_account_that_is_taken_away_is_thrown_out_at_once(broker: Shipped) -> None:
    connected = sensor(broker, NORTH)
    done(broker.account("remove", NORTH))
    broker.send_signal(HANG_UP)
    until("it is thrown out", lambda: not connected.is_connected())
    connected.loop_stop()
    assert broker.device(NORTH, "safetyd/readings/maple/12", "-m", COLD).returncode


def test_who_sends_too_much_at_once_is_disconnected_and_others_are_not(
    broker: Shipped, client: Client, tmp_path: Path
) -> None:
    topic = "safetyd/readings/maple/12"
    (tmp_path / "long").write_bytes(b"x" * 2_000_000)
    (tmp_path / "too long").write_bytes(b"x" * 2_100_000)
    assert broker.device(NORTH, topic, "-f", tmp_path / "too long", "-V", "311").returncode
    assert broker.device(NORTH, topic, "-f", tmp_path / "long").returncode == 0
    until("the long one is heard", lambda: client.heard)
    assert [len(payload) for _, payload, _ in client.heard] == [2_000_000]


def test_what_the_broker_holds_of_us_outlives_a_power_cut(
    broker: Shipped, client: Client, house: Make
) -> None:
    home = house(broker, mqtt=account(broker)).start(client)
    home.kill()
    hears(client, "safetyd/status/safetyd", '{"state":"offline"}')
    client.close()
    until("it is written", lambda: broker.wrote(b'{"state":"offline"}'))
    broker.kill()
    broker.start()
    later = watcher(broker)
    until("it is told at once", lambda: later.last("safetyd/status/safetyd"))
    assert ("safetyd/status/safetyd", b'{"state":"offline"}', True) in later.heard
    later.close()


def test_readings_wait_for_the_daemon_through_a_power_cut(
    broker: Shipped, client: Client, house: Make
) -> None:
    home = house(broker, mqtt=account(broker)).start(client)
    client.close()
    home.stop()
    broker.says(NORTH, "safetyd/readings/maple/12", *(reading(number) for number in range(1500)))
    broker.says(SOUTH, "safetyd/readings/maple/lab/south", '{"temperature_f": 66.125}')
    until("they are written", lambda: broker.wrote(reading(1499).encode()) and broker.wrote(b"66.125"))
    broker.kill()
    broker.start()
    home.spawn()
    home.has("reading", 1501)
    stored = home.rows("SELECT value FROM reading")
    assert sorted(value for (value,) in stored) == [66.125, *(68 + number / 1000 for number in range(1500))]


def reading(number: int) -> str:
    return json.dumps({"temperature_f": round(68 + number / 1000, 3)})


DISTRICT = """
name = "North District"
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
gateway = "maple-gw"
link = "safetyd/links/maple"
"""
MAY = [
    "safetyd/links/maple",
    "safetyd/status/maple-gw",
    "safetyd/gateways/maple-gw",
    "safetyd/buildings/maple",
    "safetyd/tickets/maple/+",
]


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Shipped]:
    """The district's broker, by the same file, at which the building has an account."""
    made = Shipped(tmp_path / "district")
    made.add("maple-bridge", *MAY, "safetyd/readings/maple/#")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def bridged(broker: Shipped, district: Shipped) -> Shipped:
    """The building's broker with its bridge, which passes on readings too."""
    broker.stop()
    broker.bridge_to(district, "maple-bridge", {"# topic readings": "topic readings"})
    return broker.start()


def test_the_account_that_the_bridge_is_told_to_ask_for_is_enough() -> None:
    told = (FILES / "district.conf").read_text("utf-8").replace("\\\n#", "").replace("'", "")
    (line,) = [line for line in told.splitlines() if "add maple-bridge" in line]
    assert line.split("maple-bridge ")[1].split() == MAY


def test_a_watch_hears_the_building_over_the_bridge_and_no_other_in_its_name(
    bridged: Shipped, district: Shipped, house: Make
) -> None:
    there = watcher(district)
    elsewhere = house(district, mqtt='client_id = "district"\n' + account(district))
    elsewhere.write(DISTRICT)
    elsewhere.daemon = elsewhere.begin("watch")  # type: ignore[assignment]
    hears(there, "safetyd/links/maple", "1")
    hears(there, "safetyd/status/district", '{"state":"online"}')

    def state() -> object:
        (building,) = elsewhere.asked("watch")["buildings"]
        return building["state"]

    home = house(bridged, mqtt='client_id = "maple-gw"\n' + account(bridged))
    home.spawn()
    until("the building is well", lambda: state() == "well")
    here = watcher(bridged)
    here.tell("safetyd/status/oak-gw", {"state": "offline"})
    here.tell("safetyd/tickets/maple/maple-2026-0999", {"condition": "cold"})
    hears(there, "safetyd/tickets/maple/maple-2026-0999", '{"condition": "cold"}')
    forged = "safetyd/status/oak-gw", "safetyd/tickets/oak/oak-2026-0001", "safetyd/status/district"
    for topic in forged:
        assert "Not authorized" in district.device("maple-bridge", topic, "-m", "forged").stderr
    assert [heard for heard in there.heard if "oak" in heard[0] or heard[1] == b"forged"] == []
    until("the bridge is back", lambda: there.last("safetyd/links/maple") == b"1")
    bridged.kill()
    until("the link is down", lambda: there.last("safetyd/links/maple") == b"0")
    here.close()
    there.close()


def test_what_is_said_while_the_district_is_away_waits_and_outlives_power_cuts(
    bridged: Shipped, district: Shipped, client: Client
) -> None:
    there = watcher(district)
    hears(there, "safetyd/links/maple", "1")
    there.close()
    district.kill()
    bridged.says(NORTH, "safetyd/readings/maple/12", *(reading(number) for number in range(500)))
    until("they are written", lambda: bridged.wrote(reading(499).encode()))
    bridged.kill()
    bridged.start()
    bridged.says(NORTH, "safetyd/readings/maple/12", reading(500))
    district.start()
    there = watcher(district)
    told = [reading(number).encode() for number in range(501)]
    seen: list[bytes] = []

    def all_heard() -> bool:
        seen[:] = [payload for topic, payload, _ in there.heard if topic == "safetyd/readings/maple/12"]
        return set(told) <= set(seen)

    until("the district has all", all_heard)
    assert list(dict.fromkeys(seen)) == told
    there.close()


def test_a_bridge_that_the_district_does_not_know_says_nothing_there(
    bridged: Shipped, district: Shipped
) -> None:
    bridged.stop()
    district.stop()
    (district.certs / "server.pem").unlink()
    done(district.certify("-t", "-1", "server", LOOPBACK))
    district.start()
    there = watcher(district)
    bridged.start()
    bridged.log_says("certificate verify failed")
    assert [each for each in there.heard if each[0] == "safetyd/links/maple" and each[1] == b"1"] == []
    there.close()


def test_the_loopback_file_and_this_one_keep_as_much() -> None:
    def limits(path: Path) -> set[str]:
        kept = ("max_inflight", "max_queued_bytes", "persistence", "autosave", "queue_qos0")
        return {line for line in path.read_text("utf-8").splitlines() if line.startswith(kept)}

    assert limits(FILES / "gateway.conf") == limits(FILES.parent / "mosquitto.conf") != set()


def test_the_loopback_file_runs_as_it_is_shipped_and_keeps_all_that_waits(
    tmp_path: Path, house: Make
) -> None:
    class Loopback(Broker):
        def configuration(self) -> str:
            text = (FILES.parent / "mosquitto.conf").read_text("utf-8")
            return f"user root\npersistence_location {self.folder}/\n" + text.replace(
                "listener 1883 ", f"listener {self.port} "
            )

    (tmp_path / "loopback").mkdir()
    open_to_all = Loopback(tmp_path / "loopback").start()
    try:
        first = Client(open_to_all, "safetyd/status/#")
        home = house(open_to_all).start(first)
        first.tell("safetyd/readings/maple/12", {"temperature_f": 68})
        home.has("reading", 1)
        first.close()
    finally:
        open_to_all.stop()
