"""A broker of our own on the loopback, so that a demo needs nothing installed or configured.

Rule: Mosquitto when the machine has it, as a child that ends with us; else amqtt in a thread, which is good
for demonstrations only and says so in its kind. Whoever enters the context finds it accepting connections.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from safetyd.simulate.errors import BrokerError

LOOPBACK = "127.0.0.1"
SYSTEM_PROGRAMS = ("/usr/sbin", "/usr/local/sbin")  # where distributions put Mosquitto, often not on PATH
START_WITHIN_S, STOP_WITHIN_S = 10.0, 5.0
LOOK_AGAIN_S = 0.02


class Kind(StrEnum):
    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt, for demonstration only"

    @property
    def demonstration_only(self) -> bool:
        """Such a broker forgets everything when it ends, and hands on queued messages marked as retained."""
        return self is Kind.AMQTT


@dataclass(frozen=True, slots=True)
class Broker:
    host: str
    port: int
    kind: Kind
    protocol: int
    """The newest it speaks: 4 is MQTT 3.1.1, 5 is MQTT 5."""
    username: str | None = None
    password: str | None = None


@contextmanager
def embedded_broker(port: int = 0, *, folder: Path, kind: Kind | None = None) -> Iterator[Broker]:
    """Run a broker on the loopback for as long as the context lasts.

    Args:
        port: 0 for any free one.
        folder: Exists; configuration, log and what the broker keeps go here.
        kind: None for the best this machine has.

    Raises:
        BrokerError: The port is taken, or the broker did not start.
    """
    kind = kind or (Kind.MOSQUITTO if mosquitto_program() else Kind.AMQTT)
    port = claimable_port(port)
    if kind is Kind.MOSQUITTO:
        with _mosquitto(port, folder):
            yield Broker(LOOPBACK, port, kind, protocol=5)
    else:
        try:
            from safetyd.simulate.amqtt_thread import amqtt_broker  # an extra, and slow to load
        except ModuleNotFoundError as error:
            raise BrokerError(
                "There is no broker on this machine: install Mosquitto, or pip install 'safetyd[demo]'."
            ) from error
        with amqtt_broker(LOOPBACK, port, folder) as (username, password):
            yield Broker(LOOPBACK, port, kind, protocol=4, username=username, password=password)


def mosquitto_program() -> str | None:
    """Return the path of Mosquitto on this machine, or None."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_PROGRAMS])
    return shutil.which("mosquitto", path=search)


def mosquitto_conf(port: int, folder: Path) -> str:
    return f"""\
listener {port} {LOOPBACK}
allow_anonymous true
max_inflight_messages 1000
# no limit on what waits for a client that is away: the default keeps 1,000 and drops the newest
max_queued_messages 0
persistence true
persistence_location {folder}/
autosave_interval 5
# only of effect when started by root: without it the broker becomes a user who cannot write here
user root
log_dest stderr
log_type error
log_type warning
"""


@contextmanager
def _mosquitto(port: int, folder: Path) -> Iterator[None]:
    program = mosquitto_program()
    if program is None:
        raise BrokerError("There is no Mosquitto on this machine; leave the kind open to do without.")
    conf, log = folder.resolve() / "mosquitto.conf", folder / "mosquitto.log"
    conf.write_text(mosquitto_conf(port, folder.resolve()), encoding="utf-8")
    with log.open("wb") as stderr:
        # A session of its own: Ctrl-C ends us first, and we end the broker last.
        child = subprocess.Popen([program, "-c", str(conf)], stderr=stderr, start_new_session=True)  # noqa: S603
    try:
        _wait_for_port(port, still_alive=lambda: child.poll() is None, log=log)
        yield
    finally:
        child.terminate()
        try:
            child.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def claimable_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise BrokerError(
                f"Port {port} on {LOOPBACK} cannot be had: {error.strerror}."
                " Choose another, or 0 for any free one."
            ) from error
        claimed: int = probe.getsockname()[1]
        return claimed


def _wait_for_port(port: int, still_alive: Callable[[], bool], log: Path) -> None:
    give_up_at = time.monotonic() + START_WITHIN_S
    while time.monotonic() < give_up_at and still_alive():
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
            return
        except OSError:
            time.sleep(LOOK_AGAIN_S)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = " ".join(line.partition(": ")[2] for line in lines)  # each begins with a time stamp
    raise BrokerError(f"Mosquitto did not start on port {port}: {said or f'see {log}'}")
