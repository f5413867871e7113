"""A secret has one name, whether systemd hands it to the daemon or root's command reads its file."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from safetyd.configuration import Loaded, load
from safetyd.credentials import located
from safetyd.faults import ConfigurationError

SITE = """
name = "Riverbend"
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
[[people]]
name = "Robin Vale"
roles = ["facilities"]
notify = [{ file = "secrets/robin" }]
"""
HOW = """
site = ["site.toml"]
[mqtt]
username = "safetyd"
password_file = "secrets/mqtt"
[[webhook]]
url = "https://desk.example/hook"
secret_file = "secrets/desk"
"""
DESK = "whsec_" + "QUFB" * 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "etc"
    (made / "secrets").mkdir(parents=True)
    (made / "safetyd.toml").write_text(HOW, encoding="utf-8")
    (made / "site.toml").write_text(SITE, encoding="utf-8")
    return made


def fill(folder: Path, prefix: str, password: str) -> None:
    for name, content in (("mqtt", password), ("desk", DESK), ("robin", "ntfy://own-topic")):
        (folder / f"{prefix}{name}").write_text(content, encoding="utf-8")


def secrets(loaded: Loaded) -> tuple[str, str, str]:
    password = loaded.settings.mqtt.password
    assert password is not None
    ((address,),) = [each.notify for each in loaded.site.people]
    return password.get_secret_value(), loaded.settings.webhook[0].secret.get_secret_value(), address


def test_a_command_reads_the_files_beside_the_configuration(folder: Path) -> None:
    fill(folder / "secrets", "", "of the file")
    assert secrets(load(folder / "safetyd.toml", {})) == ("of the file", DESK, "ntfy://own-topic")


def test_the_daemon_reads_what_systemd_hands_it_under_the_same_names(folder: Path, tmp_path: Path) -> None:
    fill(tmp_path, "secrets_", "of systemd")
    (folder / "secrets").rmdir()
    loaded = load(folder / "safetyd.toml", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert secrets(loaded) == ("of systemd", DESK, "ntfy://own-topic")


def test_what_is_handed_over_counts_before_the_file(folder: Path, tmp_path: Path) -> None:
    fill(folder / "secrets", "", "of the file")
    fill(tmp_path, "secrets_", "of systemd")
    assert secrets(load(folder / "safetyd.toml", {"CREDENTIALS_DIRECTORY": str(tmp_path)}))[0] == "of systemd"


def test_what_is_not_handed_over_is_the_file(folder: Path, tmp_path: Path) -> None:
    fill(folder / "secrets", "", "of the file")
    for environ in ({}, {"CREDENTIALS_DIRECTORY": ""}, {"CREDENTIALS_DIRECTORY": str(tmp_path)}):
        assert located(folder, "secrets/mqtt", environ) == folder / "secrets" / "mqtt"


def test_an_absolute_path_is_itself(tmp_path: Path) -> None:
    assert located(Path("anywhere"), str(tmp_path / "pw"), {}) == tmp_path / "pw"


def test_what_is_nowhere_is_a_fault_that_names_the_file_as_it_was_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(folder / "safetyd.toml", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    told = str(caught.value)
    for name in ("mqtt", "desk", "robin"):
        assert f"'secrets/{name}'" in told


@pytest.fixture
def shut() -> Iterator[Path]:
    """A configuration whose folder of secrets nobody but root may look into."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "secrets").mkdir()
        (folder / "safetyd.toml").write_text(HOW, encoding="utf-8")
        (folder / "site.toml").write_text(SITE, encoding="utf-8")
        fill(folder / "secrets", "", "of the file")
        folder.chmod(0o755)
        (folder / "secrets").chmod(0)
        yield folder
        (folder / "secrets").chmod(0o700)


@pytest.fixture
def as_nobody(shut: Path) -> Iterator[Path]:
    """That configuration, for somebody who is not root: root becomes nobody for as long."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield shut
    os.seteuid(was)


def test_a_folder_that_we_may_not_look_into_is_a_fault_and_no_crash(as_nobody: Path) -> None:
    with pytest.raises(ConfigurationError, match="no file is at 'secrets/mqtt'"):
        load(as_nobody / "safetyd.toml", {})
