"""What is promised of the containers, as far as it can be seen without an engine to run them.

`make lint` has hadolint read the Dockerfile, and holds compose.yaml to the schema of its kind.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from safetyd.configuration import load
from tests.journeys.servers import LOOPBACK, ROOT, Broker, Client, free_port, program, until
from tests.journeys.shipped import replaced

HERE = ROOT / "deploy" / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (HERE / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
SECRET = re.compile("PASSWORD|TOKEN|SECRET|KEY")


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name}\s+(.*)$", DOCKERFILE, re.M)


def environment() -> dict[str, str]:
    """What safetyd finds in its environment: the image's, and compose.yaml's over it."""
    image = dict(re.findall(r"\b(\w+)=(\S+)", " ".join(instructions("ENV"))))
    return image | SERVICES["safetyd"]["environment"]


def of_this_machine() -> Iterator[Path]:
    for service in SERVICES.values():
        for each in service.get("volumes", ()):
            source = each.split(":")[0]
            if source.startswith("."):
                yield HERE / source
            else:
                assert source in COMPOSE["volumes"], source
    build = SERVICES["safetyd"]["build"]
    context = HERE / build["context"]
    yield context / build["dockerfile"]
    for source in instructions("COPY"):
        if not source.startswith("--from"):
            yield from (context / word for word in source.split()[:-1])


def test_everything_that_is_named_is_there_and_let_through() -> None:
    named = list(of_this_machine())
    assert len(named) > 8
    assert [each for each in named if not each.exists()] == []
    through = {line[1:] for line in (HERE / "Dockerfile.dockerignore").read_text().split() if line[0] == "!"}
    wanted = {
        word.split("/")[0]
        for source in instructions("COPY")
        if "--from" not in source
        for word in source.split()[:-1]
    }
    assert wanted == through


def test_nobody_is_root() -> None:
    *_, user = instructions("USER")
    assert int(user) == 8914
    for name, service in SERVICES.items():
        if "build" not in service:
            assert int(service["user"].split(":")[0]) > 0, name


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_writes_only_where_it_keeps_things(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]


def test_the_health_is_that_of_the_daemon() -> None:
    (check,) = instructions("HEALTHCHECK")
    assert "http://127.0.0.1:8914/healthz" in check
    assert environment()["SAFETYD_WEB__LISTEN"].endswith(":8914")


def test_no_password_is_shipped() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key):
                assert key.endswith("_FILE") or value == f"${{{key}:-}}", f"{name}: {key}"
    assert not SECRET.search(" ".join(instructions("ARG")))
    head = (HERE / "compose.yaml").read_text(encoding="utf-8").split("\nname:")[0]
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"] == f"secrets/{name}" and name in head, name
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "deploy/docker/secrets/mqtt"], cwd=ROOT, check=False
    )
    assert ignored.returncode in (0, 128), "128: not in a repository"


def test_only_the_broker_is_heard_from_elsewhere() -> None:
    open_to_all = [
        port
        for service in SERVICES.values()
        for port in service.get("ports", ())
        if not port.startswith("127.0.0.1:")
    ]
    assert open_to_all == ["1883:1884"], "the listener whose clients are called as their accounts"


def test_safetyd_takes_this_configuration_and_its_secrets(tmp_path: Path) -> None:
    for each in SERVICES["safetyd"]["secrets"]:
        (tmp_path / each["target"]).write_text(f"of {each['source']}\n", encoding="utf-8")
    handed = environment()
    assert handed.pop("CREDENTIALS_DIRECTORY") == "/run/secrets"
    settings = load(ROOT / "config/safetyd.toml", handed | {"CREDENTIALS_DIRECTORY": str(tmp_path)}).settings
    assert settings.mqtt.password is not None and settings.mqtt.password.get_secret_value() == "of mqtt"
    assert settings.influx is not None and settings.influx.token is not None
    assert settings.influx.token.get_secret_value() == "of influx_token"
    assert settings.mqtt.host in SERVICES
    assert settings.store.path == Path("/var/lib/safetyd/safetyd.db")
    mounted = [each.split(":")[1] for each in SERVICES["safetyd"]["volumes"]]
    assert mounted == ["/etc/safetyd", "/var/lib/safetyd"]


class Composed(Broker):
    """Mosquitto by the files that compose.yaml mounts, on ports of the test."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port, self.sensors_port = free_port(), free_port()

    def configuration(self) -> str:
        words = {
            "listener 1883\n": f"listener {self.port} {LOOPBACK}\nuser root\n",
            "listener 1884\n": f"listener {self.sensors_port} {LOOPBACK}\n",
            "/run/secrets/mosquitto_passwords": str(self.password_file),
            "/mosquitto/config/mosquitto.acl": str(HERE / "mosquitto.acl"),
            "/mosquitto/data/": f"{self.folder}/",
        }
        return replaced((HERE / "mosquitto.conf").read_text(encoding="utf-8"), words)

    def says(self, name: str, topic: str, payload: str, *more: str) -> int:
        """Let a device say something on the port that is published; return how it ended."""
        command = [program("mosquitto_pub"), "-h", LOOPBACK, "-p", str(self.sensors_port), "-q", "1"]
        command += ["-u", name, "-P", SAID[name], "-t", topic, "-m", payload, *more]
        return subprocess.run(command, check=False, capture_output=True, timeout=20).returncode


SAID = {"safetyd": "reed-harbour-5", "readings/maple/12": "alder-3", "power/maple/ups": "birch-9"}


@pytest.fixture
def composed(tmp_path: Path) -> Iterator[Composed]:
    made = Composed(tmp_path)
    for name, password in SAID.items():
        made.admit_only(name, password)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.mark.journey
def test_mosquitto_takes_its_file_and_lets_in_nobody_without_a_password(composed: Composed) -> None:
    assert enters(composed, SAID["safetyd"])
    assert not enters(composed, "wrong")


@pytest.mark.journey
def test_an_account_says_its_own_room_and_no_other_and_hears_nobody(composed: Composed) -> None:
    topic = "safetyd/readings/maple/12"
    daemon = Client(composed, "#", name="safetyd", password=SAID["safetyd"])
    listener = Client(composed, "#", name="power/maple/ups", password=SAID["power/maple/ups"])
    foreign = (
        "safetyd/readings/maple/lab",
        "safetyd/power/maple/ups",
        "safetyd/status/safetyd",
        "homeassistant/device/maple/config",
        "zigbee2mqtt/Room 12",
    )
    for each in foreign:
        composed.says("readings/maple/12", each, "foreign")
    assert composed.says("readings/maple/12", topic, "true", "-i", "safetyd") == 0
    assert composed.says("power/maple/ups", "safetyd/power/maple/ups", "on") == 0
    daemon.tell("safetyd/status/safetyd", {"state": "online"})
    until("the last is heard", lambda: daemon.last("safetyd/status/safetyd") == b'{"state": "online"}')
    heard = [(each, payload) for each, payload, _ in daemon.heard]
    assert heard[:2] == [(topic, b"true"), ("safetyd/power/maple/ups", b"on")]
    assert b"foreign" not in [payload for _, payload in heard]
    assert listener.heard == []
    listener.close()
    daemon.close()


def test_the_access_list_is_that_of_a_gateway() -> None:
    def rules(file: Path) -> list[str]:
        return [line for line in file.read_text("utf-8").splitlines() if line and line[0] != "#"]

    assert rules(HERE / "mosquitto.acl") == rules(ROOT / "deploy/mosquitto/accounts.acl")
    mounted = dict(each.split(":")[:2] for each in SERVICES["mosquitto"]["volumes"])
    assert mounted["./mosquitto.acl"] == "/mosquitto/config/mosquitto.acl"


def enters(broker: Broker, password: str) -> bool:
    try:
        Client(broker, name="safetyd", password=password).close()
    except (OSError, AssertionError):
        return False
    return True
