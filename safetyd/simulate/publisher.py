"""Publishes a scenario's messages over real MQTT, each when the demo's clock reaches it.

Rule: simulated time comes from `now`, never from here, and all waiting for it is `stop.wait`, so a stop is
heard at once. While the broker is away nothing is handed over; what fell due meanwhile follows in order.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Event, Semaphore

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from safetyd.simulate.sensors import Message

CLIENT_ID = "simulated-school"
LONGEST_WAIT_S = 1.0  # `now` may be set forward, so look again at least this often
LOOK_AGAIN_S = 0.05


def publish(
    messages: Iterable[Message],
    *,
    host: str,
    port: int,
    speed: float,
    now: Callable[[], datetime],
    stop: Event,
    protocol: int = 5,
    username: str | None = None,
    password: str | None = None,
) -> int:
    """Publish each message when `now()` reaches its `at`, and return how many were handed over.

    Returns when all are published and acknowledged, or soon after `stop` is set.

    Args:
        speed: How many seconds of `now` pass in one second of the wall.
        protocol: 4 for MQTT 3.1.1, 5 for MQTT 5.
    """
    client = Client(CallbackAPIVersion.VERSION2, CLIENT_ID, protocol=MQTTProtocolVersion(protocol))
    client.username_pw_set(username, password)
    client.reconnect_delay_set(min_delay=1, max_delay=2)
    acknowledged = Semaphore(0)
    client.on_publish = lambda *_: acknowledged.release()
    client.connect_async(host, port)
    client.loop_start()
    published = 0
    try:
        for message in messages:
            if not _due(message.at, client, speed, now, stop):
                break
            client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            published += 1
        for _ in range(published):
            while not stop.is_set() and not acknowledged.acquire(timeout=LOOK_AGAIN_S):
                pass
    finally:
        client.disconnect()
        client.loop_stop()
    return published


def _due(at: datetime, client: Client, speed: float, now: Callable[[], datetime], stop: Event) -> bool:
    """Wait for the moment and for a broker; True once both are there, False if told to stop before."""
    while not stop.is_set():
        left_s = (at - now()).total_seconds() / speed
        if left_s <= 0 and client.is_connected():
            return True
        stop.wait(min(left_s, LONGEST_WAIT_S) if left_s > 0 else LOOK_AGAIN_S)
    return False
