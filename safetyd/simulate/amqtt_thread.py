"""amqtt, a broker in Python, run in a thread with an event loop of its own.

Rule: it gets one user with a random password, because it queues nothing for anonymous sessions. It speaks
MQTT 3.1.1 only, keeps sessions in memory, and sets the retain flag on what it queued for an absent client.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from amqtt.broker import Broker
from amqtt.errors import BrokerError as AmqttError
from argon2 import PasswordHasher

from safetyd.simulate.errors import BrokerError

USERNAME = "demo"
START_WITHIN_S, STOP_WITHIN_S = 10.0, 10.0

for chatty in ("amqtt", "transitions"):  # each connection is worth ten lines to them
    logging.getLogger(chatty).setLevel(logging.ERROR)


@contextmanager
def amqtt_broker(host: str, port: int, folder: Path) -> Iterator[tuple[str, str]]:
    """Run the broker for as long as the context lasts; yield the name and password of its one user."""
    password = secrets.token_urlsafe(16)
    password_file = folder / "amqtt.passwords"
    password_file.write_text(f"{USERNAME}:{PasswordHasher().hash(password)}\n", encoding="utf-8")
    password_file.chmod(0o600)

    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="amqtt", daemon=True)
    thread.start()
    try:
        starting = asyncio.run_coroutine_threadsafe(_started(host, port, password_file), loop)
        broker = starting.result(START_WITHIN_S)
        try:
            yield USERNAME, password
        finally:
            asyncio.run_coroutine_threadsafe(broker.shutdown(), loop).result(STOP_WITHIN_S)
    except AmqttError as error:
        raise BrokerError(f"amqtt did not start on port {port}: {error}") from error
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_WITHIN_S)
        loop.close()


async def _started(host: str, port: int, password_file: Path) -> Broker:
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(password_file)}},
        }
    )
    await broker.start()
    return broker
