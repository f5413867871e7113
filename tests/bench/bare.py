"""The yardstick: paho's own network thread with a callback that does nothing, acknowledging by itself.

Rule: run as a program of its own, with the port, a number of messages and 4 or 5 for the protocol; it
prints `ready`, and after each so many messages the monotonic moment.
"""

import sys
import threading
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

IN_FLIGHT = 1000  # what safetyd asks for too


def main(port: int, says_every: int, protocol: int) -> None:
    """Listen until killed."""
    heard = 0

    def on_message(_client: Any, _data: Any, _message: Any) -> None:
        nonlocal heard
        heard += 1
        if heard % says_every == 0:
            print(time.monotonic(), flush=True)

    version = MQTTProtocolVersion(protocol)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bare", protocol=version)
    client.on_message = on_message
    client.on_subscribe = lambda *_: print("ready", flush=True)
    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = IN_FLIGHT
    if protocol == paho.MQTTv5:
        client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    else:
        client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe("safetyd/readings/#", qos=1)
    threading.Event().wait()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
