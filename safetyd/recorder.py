"""Writes what the broker carries as a recording, beside a daemon and without taking anything from it.

Rule: it listens by a session of its own, and a message is acknowledged once its line is in the file.
"""

import base64
import json
import os
import select
import threading
from pathlib import Path

from safetyd.clock import Clock
from safetyd.configuration import Loaded
from safetyd.ingest.message import Message
from safetyd.ingest.mqtt import Link
from safetyd.ingest.topics import subscriptions
from safetyd.times import rfc3339

_LOOK_SECONDS = 0.25
_BATCH = 1000


def record(out: Path, loaded: Loaded, clock: Clock, stop: threading.Event) -> int:
    """Add a line to `out` for each message until `stop` is set; return how many were written."""
    mqtt = loaded.settings.mqtt
    client_id = f"{mqtt.client_id}-record-{os.getpid()}"
    link = Link(mqtt, subscriptions(loaded.site, mqtt.root, mqtt.also), clock, client_id, is_guest=True)
    count = 0
    with out.open("a", encoding="utf-8") as file:
        while not stop.is_set():
            link.tend()
            socket = link.socket()
            if socket is None:
                stop.wait(_LOOK_SECONDS)
                continue
            select.select([socket], [], [], _LOOK_SECONDS)
            received = link.receive(_BATCH)
            for item in received:
                file.write(line(item.message) + "\n")
            file.flush()
            link.acknowledge(received)
            count += len(received)
    link.close()
    return count


def line(message: Message) -> str:
    """Return a message as a line of a recording."""
    said: dict[str, object] = {"at": rfc3339(message.received_at), "topic": message.topic}
    try:
        said["payload"] = message.payload.decode("utf-8")
    except UnicodeDecodeError:
        said["payload"] = base64.b64encode(message.payload).decode()
        said["encoding"] = "base64"
    return json.dumps(said | {"retain": message.retain}, ensure_ascii=False)
