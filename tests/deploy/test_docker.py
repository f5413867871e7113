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
    assert open_to_all == ["1883:1883"]


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


@pytest.mark.journey
def test_mosquitto_takes_its_file_and_lets_in_nobody_without_a_password(tmp_path: Path) -> None:
    made = Broker(tmp_path)
    made.admit_only("safetyd", "reed-harbour-5")
    made.port = free_port()
    text = (HERE / "mosquitto.conf").read_text(encoding="utf-8")
    for there, here in (
        ("listener 1883", f"listener {made.port} {LOOPBACK}\nuser root"),
        ("/run/secrets/mosquitto_passwords", str(made.password_file)),
        ("/mosquitto/data/", f"{tmp_path}/"),
    ):
        assert there in text
        text = text.replace(there, here)
    (tmp_path / "compose.conf").write_text(text, encoding="utf-8")
    running = subprocess.Popen([program("mosquitto"), "-c", str(tmp_path / "compose.conf")])
    try:
        until("it lets safetyd in", lambda: running.poll() is not None or enters(made, "reed-harbour-5"))
        assert not enters(made, "wrong")
        assert running.poll() is None
    finally:
        running.terminate()
        running.wait(30)


def enters(broker: Broker, password: str) -> bool:
    try:
        Client(broker, name="safetyd", password=password).close()
    except (OSError, AssertionError):
        return False
    return True
