"""The promise: of several brokers one is enough. In a cluster no reading is lost with a node; where the next
broker knows nothing of us, a trouble says since when something may be missing.
"""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

import safetyd.ingest.mqtt
from safetyd.doctor.broker import shared
from safetyd.doctor.broker_findings import shared_finding
from safetyd.ingest.mqtt import Link
from safetyd.setting_mqtt import Mqtt
from tests.journeys.servers import LOOPBACK, Broker, Client, House, Site, ago, free_port, until
from tests.nats import PASSWORD, Cluster, Node, cluster

pytestmark = pytest.mark.journey

Make = Callable[..., House]
TOPIC = "safetyd/readings/maple/12"
BEGAN = int(ago(hours=3).timestamp())
GAPS = "SELECT began_at, ended_at, note FROM trouble WHERE kind = 'gap' ORDER BY began_at"


def at(home: House, places: list[str], *more: str) -> House:
    """Have a house hear one of these brokers instead of one alone."""
    head, _, rest = home.config.read_text("utf-8").partition("[mqtt]\n")
    _host, _port, rest = rest.split("\n", 2)
    lines = "\n".join([f"brokers = {json.dumps(places)}", *more])
    home.config.write_text(f"{head}[mqtt]\n{lines}\n{rest}", encoding="utf-8")
    return home


@contextmanager
def two(folder: Path) -> Iterator[tuple[Broker, Broker]]:
    """Yield two Mosquittos that run and know nothing of each other."""
    pair = []
    for name in ("first", "second"):
        (folder / name).mkdir()
        pair.append(Broker(folder / name))
    try:
        yield pair[0].start(), pair[1].start()
    finally:
        for each in pair:
            each.stop()


def place(broker: Broker) -> str:
    return f"{LOOPBACK}:{broker.port}"


def reading(number: int) -> dict[str, float]:
    """Return one of many readings, a second apart, that were true some hours ago."""
    return {"temperature_f": 70 + number % 7 / 10, "ts": BEGAN + number}


def say(broker: Broker, first: int, count: int) -> None:
    """Say so many readings."""
    with closing(Client(broker)) as client:
        client.tell(TOPIC, *map(reading, range(first, first + count)))


def test_a_broker_that_knows_nothing_of_us_is_a_gap_and_the_way_back_is_none(
    tmp_path: Path, house: Make, record_property: Callable[[str, Any], None]
) -> None:
    with two(tmp_path) as (first, second):
        home = at(house(first), [place(first), place(second)])
        home.spawn()
        home.log_says(f"{place(first)} lets us hear all")
        say(first, 0, 100)
        home.has("reading", 100)
        first.stop()
        home.log_says(f"{place(second)} lets us hear all")
        say(second, 100, 100)
        home.has("reading", 200)
        ((began_at, ended_at, note),) = until("the gap is on record", lambda: home.rows(GAPS))
        assert note.startswith("another broker has taken us, which has kept nothing for us")
        assert ended_at is not None and ended_at >= began_at
        record_property("another broker", f"of what may be missing is said: {note!r}")

        first.start()
        say(first, 200, 100)  # it waits there, where our session is
        second.stop()
        home.has("reading", 300)
        home.log_says(f"connection to {place(second)} lost")
        assert home.rows("SELECT count(*), count(DISTINCT observed_at) FROM reading") == [(300, 300)]
        assert len(home.rows(GAPS)) == 1


def test_doctor_looks_at_each_of_them_and_says_that_they_are_not_one(tmp_path: Path, house: Make) -> None:
    with two(tmp_path) as (first, second):
        second.stop()
        home = at(house(first), [place(second), place(first)])
        found = {
            (each["area"], each["about"]): each for each in home.run("doctor", "--json").json["findings"]
        }
        assert found[f"broker {place(second)}", "connection"]["state"] == "bad"
        assert found[f"broker {place(first)}", "queue"]["state"] == "ok"
        assert found["brokers", "sessions"]["state"] == "not checked"
        second.start()
        seen = shared([Mqtt(port=each.port) for each in (first, second)])
        assert seen == {place(second): False}
        assert shared([Mqtt(port=first.port, client_id="x"), Mqtt(port=first.port)]) == {place(first): True}
    assert shared_finding(seen).state == "warn" and place(second) in shared_finding(seen).seen
    assert shared_finding({place(second): True}).state == "ok"


def test_who_only_listens_goes_to_the_next_too_and_says_of_each_why_not(broker: Broker, house: Make) -> None:
    nobody = f"{LOOPBACK}:{free_port()}"
    with closing(Client(broker)) as client:
        client.tell(TOPIC, reading(0), retain=True)
    home = at(house(broker), [nobody, place(broker)])
    heard = home.asked("listen", "--for", "2s")
    assert [each["topic"] for each in heard["topics"]] == [TOPIC]
    also_nobody = f"{LOOPBACK}:{free_port()}"
    said = at(house(broker), [nobody, also_nobody]).run("listen", "--for", "30s")
    assert said.code == 1
    assert f"{nobody} cannot be reached" in said.err and f"{also_nobody} cannot be reached" in said.err


def test_one_that_takes_the_connection_and_says_nothing_is_left(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safetyd.ingest.mqtt, "_ANSWER_SECONDS", 0.2)
    with socket.create_server((LOOPBACK, 0)) as mute:
        where = f"{LOOPBACK}:{mute.getsockname()[1]}"
        settings = Mqtt.model_validate({"brokers": [where, place(broker)]})
        link = Link(settings, [TOPIC], lambda: datetime.now(UTC), "guest", is_guest=True)
        reasons = set()

        def is_connected() -> bool:
            link.tend()
            link.receive(10)
            reasons.add(link.trouble)
            return link.is_connected

        until("the next has taken us", is_connected)
        link.close()
    assert f"{where} does not answer" in reasons


# A cluster


class Speaker:
    """A device on a node: a reading every 20 ms at QoS 1, said again until the broker has taken it."""

    def __init__(self, nats: Cluster, node: Node, first: int = 0) -> None:
        self._first = first
        self.said = 0
        self._is_done = threading.Event()
        self._paho = paho.Client(CallbackAPIVersion.VERSION2, "device", False, protocol=paho.MQTTv311)
        self._paho.username_pw_set("maple", PASSWORD.format("maple"))
        self._paho.tls_set(str(nats.ca_file))
        self._paho.max_inflight_messages_set(1000)
        self._paho.max_queued_messages_set(0)
        self._taken: set[int] = set()
        self._paho.on_publish = lambda _client, _data, mid, *_: self._taken.add(mid)
        self._paho.connect(node.host, nats.port)
        self._paho.loop_start()
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def _speak(self) -> None:
        while not self._is_done.wait(0.02):
            self._paho.publish(TOPIC, json.dumps(reading(self._first + self.said)), qos=1)
            self.said += 1

    def end(self) -> int:
        """Fall silent, and return how many readings the broker has taken: all of them."""
        self._is_done.set()
        self._thread.join()
        until("the broker has taken all", lambda: len(self._taken) == self.said)
        return self.said

    def close(self) -> None:
        self._is_done.set()
        self._paho.disconnect()
        self._paho.loop_stop()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("nats")) as made:
        yield made


@pytest.fixture
def nats(whole: Cluster) -> Cluster:
    """Three nodes, all there."""
    whole.start()
    return whole


def on_nats(home: House, nats: Cluster, client_id: str) -> House:
    """Have a house hear the cluster as the file of deploy/nats says."""
    (home.folder / "password").write_text(PASSWORD.format("safetyd"), encoding="utf-8")
    lines = ["protocol = 4", "in_flight = 500", 'keepalive = "10s"', "tls = true", 'username = "safetyd"']
    lines += ['password_file = "password"', f'ca_file = "{nats.ca_file}"', f'client_id = "{client_id}"']
    return at(home, nats.places, *lines)


def node_of(home: House, nats: Cluster) -> Node | None:
    """Return the node by which a house's daemon hears, by its log; None while there is none."""
    said = [line for line in home.log.splitlines() if "broker: " in line][-1:]
    found = re.search(r"broker: ([0-9.]+):[0-9]+ lets us hear all", said[0]) if said else None
    return next((node for node in nats.nodes if found and node.host == found[1]), None)


def longest_silence_s(home: House, first: int) -> float:
    """Return how long nothing was heard at most, from the first so many readings on."""
    rows = home.rows("SELECT (observed_at + delay) / 1e6 FROM reading ORDER BY 1 LIMIT -1 OFFSET ?", first)
    return float(max(after - before for (before,), (after,) in pairwise(rows)))


@pytest.mark.timeout(300)  # the machine may be busy
def test_a_node_is_killed_and_the_next_and_no_reading_is_lost_or_doubled(
    nats: Cluster, house: Make, record_property: Callable[[str, Any], None]
) -> None:
    home = on_nats(house(Broker(nats.nodes[0].folder)), nats, "killed")
    home.spawn()
    said, gaps_s = 0, []
    for _ in range(2):
        nats.start()
        mine = until("safetyd hears by a node", lambda: node_of(home, nats))
        other = next(node for node in nats.nodes if node is not mine)
        with closing(Speaker(nats, other, said)) as speaker:
            home.has("reading", said + 50)
            mine.kill()
            others = [None, mine]
            until("safetyd hears by another node", lambda of=others: node_of(home, nats) not in of, within=90)
            home.has("reading", home.count("reading") + 100)
            before, said = said, said + speaker.end()
        home.has("reading", said)
        gaps_s.append(longest_silence_s(home, before))
    assert home.rows("SELECT count(*), count(DISTINCT observed_at) FROM reading") == [(said, said)]
    assert home.rows(GAPS) == []
    record_property(
        "a node killed",
        f"twice: {said:,} readings at QoS 1 through another node, none lost, none twice; "
        f"nothing was heard for {gaps_s[0]:.1f} s and {gaps_s[1]:.1f} s",
    )


def test_topics_that_nats_does_not_take_are_a_trouble(nats: Cluster, house: Make) -> None:
    sensor = (
        '[[buildings.sensors]]\nid = "t"\ntopic = "zigbee2mqtt/air 12"\nformat = "zigbee2mqtt"\nroom = "12"'
    )
    home = on_nats(house(Broker(nats.nodes[0].folder), Site(more=sensor)), nats, "refused")
    home.spawn()
    told = "SELECT note FROM trouble WHERE kind = 'configuration' AND ended_at IS NULL"
    ((note,),) = until("the trouble is on record", lambda: home.rows(told))
    assert note.startswith("the broker does not let us hear zigbee2mqtt/air 12: ")


def test_each_node_knows_what_the_others_keep(nats: Cluster) -> None:
    settings = Mqtt.model_validate(
        {
            "brokers": nats.places,
            "protocol": 4,
            "tls": True,
            "ca_file": str(nats.ca_file),
            "username": "safetyd",
            "password": PASSWORD.format("safetyd"),
        }
    )
    _, second, third = nats.places
    assert shared(list(settings.alone())) == {second: True, third: True}


def test_a_node_that_speaks_no_mqtt_5_says_what_to_set(nats: Cluster, house: Make) -> None:
    home = on_nats(house(Broker(nats.nodes[0].folder)), nats, "five")
    home.config.write_text(home.config.read_text("utf-8").replace("protocol = 4\n", ""), encoding="utf-8")
    home.spawn()
    home.log_says("refuses us: Unsupported protocol version (for MQTT 3.1.1, as NATS speaks it: protocol = 4")
