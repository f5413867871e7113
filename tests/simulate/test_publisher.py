"""The publisher keeps the demo's time, stops when told, and outlives its broker."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from safetyd.simulate.broker import Broker, Kind, embedded_broker
from safetyd.simulate.publisher import publish
from safetyd.simulate.sensors import Message

pytestmark = pytest.mark.journey  # it starts processes

NINE = datetime(2026, 9, 2, 16, tzinfo=UTC)
WITHIN_S = 10.0


def one_a_minute(count: int) -> list[Message]:
    return [
        Message(NINE + timedelta(minutes=n), "safetyd/readings/lincoln/204", b"%d" % n) for n in range(count)
    ]


class DemoClock:
    """Nine o'clock when it is made, and `speed` times as fast as the wall from there."""

    def __init__(self, speed: float) -> None:
        self.speed, self.started = speed, time.monotonic()

    def now(self) -> datetime:
        return NINE + timedelta(seconds=self.speed * (time.monotonic() - self.started))


@contextmanager
def listening(broker: Broker) -> Iterator[Queue[tuple[float, MQTTMessage]]]:
    heard: Queue[tuple[float, MQTTMessage]] = Queue()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion(broker.protocol))
    client.username_pw_set(broker.username, broker.password)
    ready = Event()

    def on_connect(*_: object) -> None:
        client.subscribe("safetyd/#", qos=1)

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _client, _userdata, message: heard.put((time.monotonic(), message))
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        assert ready.wait(WITHIN_S)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with embedded_broker(folder=tmp_path) as running:
        yield running


@pytest.mark.parametrize("kind", [None, Kind.AMQTT])
def test_all_arrive_in_order_at_quality_of_service_one(kind: Kind | None, tmp_path: Path) -> None:
    with embedded_broker(folder=tmp_path, kind=kind) as broker, listening(broker) as heard:
        clock = DemoClock(speed=60_000)
        published = publish(
            one_a_minute(50),
            host=broker.host,
            port=broker.port,
            speed=clock.speed,
            now=clock.now,
            stop=Event(),
            protocol=broker.protocol,
            username=broker.username,
            password=broker.password,
        )
        assert published == 50
        messages = [heard.get(timeout=WITHIN_S)[1] for _ in range(50)]
    assert [message.payload for message in messages] == [b"%d" % n for n in range(50)]
    assert {(message.qos, message.retain) for message in messages} == {(1, False)}


def test_each_is_published_when_the_clock_reaches_it_and_not_before(broker: Broker) -> None:
    with listening(broker) as heard:
        clock = DemoClock(speed=600)  # a simulated minute is a tenth of a second
        publish(one_a_minute(6), host=broker.host, port=broker.port, speed=600, now=clock.now, stop=Event())
        arrived_s = [heard.get(timeout=WITHIN_S)[0] - clock.started for _ in range(6)]
    for n, at_s in enumerate(arrived_s[1:], start=1):  # the first waits for the connection
        assert 0.1 * n <= at_s < 0.1 * n + 2.0


def test_told_to_stop_it_leaves_at_once_though_the_next_message_is_an_hour_away(broker: Broker) -> None:
    clock, stop = DemoClock(speed=1), Event()
    later = [Message(NINE + timedelta(hours=1), "a", b"")]
    thread = Thread(
        target=publish,
        args=(later,),
        kwargs=dict(host=broker.host, port=broker.port, speed=1, now=clock.now, stop=stop),
    )
    thread.start()
    stop.wait(0.3)
    stopped_at = time.monotonic()
    stop.set()
    thread.join(WITHIN_S)
    assert time.monotonic() - stopped_at < 1.5


def test_told_to_stop_it_leaves_although_there_never_was_a_broker() -> None:
    clock, stop = DemoClock(speed=60_000), Event()
    nobody_listens = dict(host="127.0.0.1", port=9, speed=60_000, now=clock.now, stop=stop)
    thread = Thread(target=publish, args=(one_a_minute(3),), kwargs=nobody_listens)
    thread.start()
    stop.wait(0.3)
    stop.set()
    thread.join(WITHIN_S)
    assert not thread.is_alive()


def test_what_it_published_while_the_broker_was_gone_arrives_when_it_is_back(tmp_path: Path) -> None:
    clock, published = DemoClock(speed=600), Queue[int]()
    with embedded_broker(folder=tmp_path) as broker:
        address = dict(host=broker.host, port=broker.port, speed=600, now=clock.now, stop=Event())
        thread = Thread(target=lambda: published.put(publish(one_a_minute(8), **address)))  # type: ignore[arg-type]
        with listening(broker) as heard:
            thread.start()
            assert heard.get(timeout=WITHIN_S)[1].payload == b"0"
    time.sleep(0.3)
    with embedded_broker(broker.port, folder=tmp_path) as again, listening(again) as heard:
        followed = [heard.get(timeout=WITHIN_S)[1].payload]
        while followed[-1] != b"7":
            followed.append(heard.get(timeout=WITHIN_S)[1].payload)
        assert published.get(timeout=WITHIN_S) == 8
    assert followed[-4:] == [b"4", b"5", b"6", b"7"]
