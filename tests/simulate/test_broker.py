"""Both brokers are real: they keep what arrives at QoS 1 for a client that is away."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Event

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from safetyd.simulate.broker import (
    Broker,
    BrokerError,
    Kind,
    embedded_broker,
    mosquitto_conf,
    mosquitto_program,
)

pytestmark = pytest.mark.journey  # it starts processes

WITHIN_S = 5.0


@pytest.fixture(autouse=True, scope="module")
def the_broker_is_installed() -> None:
    assert mosquitto_program(), "the broker mosquitto is missing; on Debian: apt-get install mosquitto"


KINDS = [
    pytest.param(Kind.MOSQUITTO),
    pytest.param(Kind.AMQTT),
]
WAYS_TO_SPEAK = [
    pytest.param(Kind.MOSQUITTO, 4),
    pytest.param(Kind.MOSQUITTO, 5),
    pytest.param(Kind.AMQTT, 4),
]


@contextmanager
def connected(
    broker: Broker, client_id: str, protocol: int, subscribe: str | None = None
) -> Iterator[Client]:
    """A client with a persistent session, ready to publish, and subscribed if asked."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        protocol=MQTTProtocolVersion(protocol),
        clean_session=False if protocol == 4 else None,
    )
    client.username_pw_set(broker.username, broker.password)
    ready = Event()
    heard: Queue[bytes] = Queue()

    def on_connect(*_: object) -> None:
        if subscribe:
            client.subscribe(subscribe, qos=1)
        else:
            ready.set()

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: ready.set()
    client.user_data_set(heard)
    client.on_message = lambda _client, _userdata, message: heard.put(bytes(message.payload))
    if protocol == 5:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        client.connect(broker.host, broker.port, clean_start=False, properties=properties)
    else:
        client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        assert ready.wait(WITHIN_S)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def say(broker: Broker, protocol: int, *payloads: bytes) -> None:
    with connected(broker, "speaker", protocol) as speaker:
        for payload in payloads:
            speaker.publish("a/b", payload, qos=1).wait_for_publish(WITHIN_S)


@pytest.mark.parametrize(("kind", "protocol"), WAYS_TO_SPEAK)
def test_a_client_that_was_away_hears_all_it_missed_and_then_goes_on(
    kind: Kind, protocol: int, tmp_path: Path
) -> None:
    with embedded_broker(folder=tmp_path, kind=kind) as broker:
        assert broker.kind is kind
        assert protocol <= broker.protocol
        with connected(broker, "listener", protocol, subscribe="a/#"):
            pass
        say(broker, protocol, b"one", b"two", b"three")
        with connected(broker, "listener", protocol, subscribe="a/#") as listener:
            say(broker, protocol, b"four")
            heard = [listener.user_data_get().get(timeout=WITHIN_S) for _ in range(4)]
    assert heard == [b"one", b"two", b"three", b"four"]


def test_mosquitto_keeps_a_session_over_its_own_restart(tmp_path: Path) -> None:
    with embedded_broker(folder=tmp_path, kind=Kind.MOSQUITTO) as broker:
        with connected(broker, "listener", 5, subscribe="a/#"):
            pass
        say(broker, 5, b"before")
    with (
        embedded_broker(broker.port, folder=tmp_path, kind=Kind.MOSQUITTO) as again,
        connected(again, "listener", 5, subscribe="a/#") as listener,
    ):
        assert listener.user_data_get().get(timeout=WITHIN_S) == b"before"


@pytest.mark.parametrize("kind", KINDS)
def test_when_the_context_ends_nothing_listens_any_more(kind: Kind, tmp_path: Path) -> None:
    with embedded_broker(folder=tmp_path, kind=kind) as broker:
        socket.create_connection((broker.host, broker.port), timeout=WITHIN_S).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((broker.host, broker.port), timeout=WITHIN_S)


@pytest.mark.parametrize("kind", KINDS)
def test_a_busy_port_is_said_in_one_sentence_that_names_it(kind: Kind, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(BrokerError, match=f"Port {port} on 127.0.0.1 cannot be had"),
            embedded_broker(port, folder=tmp_path, kind=kind),
        ):
            pass


def test_the_stand_in_says_that_it_is_one_and_wants_a_password(tmp_path: Path) -> None:
    with embedded_broker(folder=tmp_path, kind=Kind.AMQTT) as broker:
        assert broker.kind.demonstration_only
        assert "demonstration" in broker.kind
        assert broker.username and broker.password
        assert broker.password not in (tmp_path / "amqtt.passwords").read_text()
        assert broker.protocol == 4


def test_without_mosquitto_on_the_machine_the_stand_in_steps_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safetyd.simulate.broker.mosquitto_program", lambda: None)
    with embedded_broker(folder=tmp_path) as broker:
        assert broker.kind is Kind.AMQTT


def test_mosquitto_outside_the_path_is_found_where_distributions_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("safetyd.simulate.broker.SYSTEM_PROGRAMS", (str(tmp_path),))
    assert mosquitto_program() is None
    program = tmp_path / "mosquitto"
    program.touch(mode=0o755)
    assert mosquitto_program() == str(program)


def test_a_mosquitto_that_will_not_start_gives_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safetyd.simulate.broker.mosquitto_conf", lambda port, folder: "no_such_option 1\n")
    with (
        pytest.raises(BrokerError, match=r"Mosquitto did not start on port \d+: .*no_such_option"),
        embedded_broker(folder=tmp_path, kind=Kind.MOSQUITTO),
    ):
        pass


def test_mosquitto_is_told_to_drop_nothing_and_to_stay_on_the_loopback(tmp_path: Path) -> None:
    lines = mosquitto_conf(1883, tmp_path).splitlines()
    assert "listener 1883 127.0.0.1" in lines
    assert "max_inflight_messages 1000" in lines
    assert "max_queued_messages 0" in lines
