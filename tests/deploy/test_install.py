"""A technician installs safetyd on a plain Debian 12, brings it up to date, steps back, and takes it away.

A real Debian from debootstrap, booted with systemd in a namespace of its own; a real Mosquitto that asks for
a password; the unit as it is shipped. Nobody types anything that the README does not say.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import first_release
from tests.deploy.debian import Debian
from tests.journeys.servers import ROOT, STATUS, Broker, Client, Sink, Site, free_port, until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
SOURCE = "/opt/source"
PATIENT = 180.0  # seconds: a machine within a machine that may be busy
INSTALL = f"{SOURCE}/deploy/install.sh"
PASSWORD = "linden-tram-41"
SHIPPED = ("pyproject.toml", "README.md", "LICENSE", "safetyd", "requirements", "config", "deploy")


class Gateway:
    """The technician's machine: safetyd installed from its source, its broker, and a sensor."""

    def __init__(self, debian: Debian, broker: Broker, sink: Sink) -> None:
        self.debian = debian
        self.broker = broker
        self.sink = sink
        self.did = debian.did

    @property
    def release(self) -> str:
        return os.readlink(self.debian.path("opt/safetyd/current")).rsplit("/", 1)[1]

    @property
    def tickets(self) -> list[dict[str, Any]]:
        return list(json.loads(self.did("safetyd", "tickets", "--json"))["tickets"])

    def watches(self, release: str) -> None:
        """Wait until this release does; begun is not yet connected."""
        assert self.release == release
        status = ("systemctl", "show", "-P", "StatusText", "safetyd")
        until("it watches", lambda: "watching" in self.did(*status), PATIENT)

    @property
    def store(self) -> Path:
        return self.debian.path("var/lib/private/safetyd/safetyd.db")

    def hears(self, room: str, air_temp_f: float) -> None:
        sensor = Client(self.broker, STATUS, name="sensor", password=PASSWORD)
        try:
            until("the daemon listens", lambda: sensor.last(STATUS) == b'{"state":"online"}', PATIENT)
        except AssertionError as error:
            raise AssertionError(self.did("journalctl", "--no-pager", "-u", "safetyd")) from error
        sensor.tell(f"safetyd/readings/maple/{room}", {"temperature_f": air_temp_f})
        sensor.close()

    def has_tickets(self, number: int) -> None:
        until(f"there are {number} tickets", lambda: len(self.tickets) == number, PATIENT)

    def text(self, inside: str) -> str:
        return self.debian.path(inside).read_text(encoding="utf-8")


def copied(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for name in SHIPPED:
        each = source / name
        if each.is_dir():
            shutil.copytree(each, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(each, target / name)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Installed without systemd as into an image, then booted, configured and begun."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "tree").mkdir()
    (folder / "broker").mkdir()
    broker = Broker(folder / "broker")
    for name in ("safetyd", "sensor"):
        broker.admit_only(name, PASSWORD)
    broker.start()
    sink = Sink()
    debian = None
    try:
        debian = Debian(folder / "tree")
        copied(ROOT, debian.path(SOURCE))
        debian.path("etc/mosquitto/conf.d").mkdir(parents=True)  # as its package makes it
        assert "begin: systemctl start safetyd" in debian.did(INSTALL, "--mosquitto")
        debian.boot()
        made = Gateway(debian, broker, sink)
        configure(made)
        debian.did("systemctl", "restart", "safetyd")  # as an image it began with the example
        made.hears("12", 50.0)
        made.has_tickets(1)
        yield made
    finally:
        if debian is not None:
            debian.close()
        broker.stop()
        sink.close()
        shutil.rmtree(folder)


def configure(gateway: Gateway) -> None:
    """Do as the README says: secrets, broker, site."""
    etc = gateway.debian.path("etc/safetyd")
    secret = etc / "secrets/mqtt"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    secret.chmod(0o600)
    how = (etc / "safetyd.toml").read_text(encoding="utf-8")
    how = how.replace("port = 1883", f"port = {gateway.broker.port}").replace(
        "127.0.0.1:8914", f"127.0.0.1:{free_port()}"
    )
    how = how.replace("[mqtt]\n", '[mqtt]\nusername = "safetyd"\npassword_file = "secrets/mqtt"\n', 1)
    (etc / "safetyd.toml").write_text(how, encoding="utf-8")
    people = {"Robin Vale": [gateway.sink.address("robin")]}
    (etc / "site.toml").write_text(Site(people=people).text(), encoding="utf-8")
    gateway.did("safetyd", "check")


@pytest.fixture(scope="module")
def next_release(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The wheel of a release to come, whose record has one table more; its path on the gateway."""
    source = tmp_path_factory.mktemp("next") / "source"
    copied(ROOT, source)
    metadata = source / "pyproject.toml"
    metadata.write_text(
        re.sub(r'^version = ".*"', 'version = "99.0.0"', metadata.read_text(), flags=re.M), encoding="utf-8"
    )
    opened = source / "safetyd/store/database.py"
    found = re.search(r'^HEAD = "(.*?)"', opened.read_text(), re.M)
    assert found
    opened.write_text(opened.read_text().replace(found[0], 'HEAD = "9999"'), encoding="utf-8")
    (source / "safetyd/store/migrations/versions/9999_next.py").write_text(
        f'from alembic import op\nrevision = "9999"\ndown_revision = "{found[1]}"\n'
        "def upgrade():\n    op.execute('CREATE TABLE of_the_next_release (id INTEGER PRIMARY KEY)')\n",
        encoding="utf-8",
    )
    build = [sys.executable, "-m", "build", "--quiet", "--wheel", "--no-isolation", str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (source / "dist").glob("*.whl")
    shutil.copy(wheel, gateway.debian.path("srv"))
    shutil.rmtree(source)
    return f"/srv/{wheel.name}"


def test_it_watches_as_nobody_in_particular_with_the_secret_that_systemd_hands_it(gateway: Gateway) -> None:
    gateway.watches(gateway.release)
    pid = gateway.did("systemctl", "show", "-P", "MainPID", "safetyd").strip()
    (uid,) = re.findall(r"^Uid:\s+(\d+)", gateway.did("cat", f"/proc/{pid}/status"), re.M)
    assert 61184 <= int(uid) <= 65519, "a user that systemd made for it"
    assert gateway.debian.path("etc/safetyd/secrets").stat().st_mode & 0o777 == 0o700
    for shown in ("cmdline", "environ"):
        assert PASSWORD not in gateway.did("cat", f"/proc/{pid}/{shown}")
    journal = gateway.did("journalctl", "--no-pager", "-u", "safetyd")
    assert "broker: connected" in journal and PASSWORD not in journal


def test_a_reload_takes_the_site_file_anew(gateway: Gateway) -> None:
    gateway.did("systemctl", "reload", "safetyd")
    journal = ("journalctl", "--no-pager", "-u", "safetyd")
    until("it is taken anew", lambda: "the site file was taken anew" in gateway.did(*journal))
    assert gateway.did("systemctl", "is-enabled", "safetyd") == "enabled\n", "and it begins with the machine"


def test_what_the_readme_says_next_does_what_it_says(gateway: Gateway) -> None:
    said = gateway.debian.run("safetyd", "doctor", "--json")
    assert said.code in (0, 1), said.err  # the clock and the disk are this machine's
    found = {(each["area"], each["about"]): each for each in said.json["findings"]}
    for each in (
        ("broker", "connection"),
        ("broker", "our rights to write"),
        ("store", "daemon"),
        ("store", "file"),
        ("addresses", "Robin Vale: address 1 (json)"),
    ):
        assert found[each]["state"] == "ok", found[each]
    assert found["certificates", "/etc/mosquitto/certs/*.pem"]["state"] == "not checked"
    heard = json.loads(gateway.did("safetyd", "sensors", "--json"))["sensors"]
    assert [(each["building"], each["room"]) for each in heard] == [("maple", "12")]
    gateway.did("safetyd", "test-notice", "Robin Vale", "--by", "Robin Vale")
    until(
        "it arrives", lambda: any("test" in f"{each}".lower() for each in gateway.sink.of("robin")), PATIENT
    )
    add = 'echo "cedar-wharf-77" | safetyd user add "Robin Vale" --role administrator'
    gateway.did("sh", "-c", add)
    assert "Robin Vale" in gateway.did("safetyd", "user", "list")


def test_a_second_time_changes_nothing(gateway: Gateway) -> None:
    before = gateway.release, gateway.text("etc/safetyd/safetyd.toml"), gateway.text("etc/safetyd/site.toml")
    pid = gateway.did("systemctl", "show", "-P", "MainPID", "safetyd")
    drop_in = gateway.debian.path("etc/mosquitto/conf.d/safetyd.conf")
    assert drop_in.read_bytes() == (ROOT / "deploy/mosquitto.conf").read_bytes()
    drop_in.write_text("# my own\n", encoding="utf-8")
    told = gateway.did(INSTALL, "--mosquitto")
    assert "is installed already" in told and "safetyd.conf is left as it is" in told
    assert drop_in.read_text(encoding="utf-8") == "# my own\n"
    after = gateway.release, gateway.text("etc/safetyd/safetyd.toml"), gateway.text("etc/safetyd/site.toml")
    assert after == before
    assert gateway.did("systemctl", "show", "-P", "MainPID", "safetyd") == pid, "it was not even restarted"


def test_what_cannot_be_done_is_said_and_changes_nothing(gateway: Gateway, next_release: str) -> None:
    site = gateway.debian.path("etc/safetyd/site.toml")
    sound = site.read_text(encoding="utf-8")
    before = gateway.release
    site.write_text(sound.replace("America/Los_Angeles", "America/Atlantis"), encoding="utf-8")
    said = gateway.debian.run(INSTALL, "--wheel", next_release)
    site.write_text(sound, encoding="utf-8")
    assert said.code == 1 and "the configuration is faulty" in said.err and "America/Atlantis" in said.err
    for words, told in (
        (("--wheel", "/srv/none.whl"), "there is no /srv/none.whl"),
        (("--rollback",), "there is no release before this one"),
        (("--purge",), "--purge goes with --uninstall"),
        (("--upgrade",), "--upgrade is nothing it knows"),
    ):
        said = gateway.debian.run(INSTALL, *words)
        assert said.code == 1 and told in said.err, said
    asked = ("setpriv", "--reuid=65534", "--clear-groups", INSTALL)
    assert "only root installs" in gateway.debian.run(*asked).err
    gateway.watches(before)


def test_where_the_record_cannot_be_copied_the_old_release_goes_on(
    gateway: Gateway, next_release: str
) -> None:
    in_the_way = gateway.debian.path("var/lib/private/safetyd/upgrades")
    in_the_way.write_text("a file", encoding="utf-8")
    before = gateway.release
    try:
        said = gateway.debian.run(INSTALL, "--wheel", next_release)
    finally:
        in_the_way.unlink()
    assert said.code == 1 and "could not be copied, so nothing is changed" in said.err
    assert "it runs again" in said.out
    gateway.watches(before)


def test_an_upgrade_keeps_the_record_and_so_does_the_way_back(gateway: Gateway, next_release: str) -> None:
    first, kept = gateway.release, gateway.tickets
    told = gateway.did(INSTALL, "--wheel", next_release)
    assert "the record is copied to" in told and "it runs again" in told
    assert gateway.release.startswith("99.0.0-") and gateway.tickets == kept
    gateway.watches(gateway.release)
    gateway.did("safetyd", "audit", "verify")

    gateway.hears("lab", 50.0)
    gateway.has_tickets(len(kept) + 1)
    said = gateway.debian.run("/opt/safetyd/previous/bin/safetyd", "tickets")
    assert said.code == 1 and "written by a newer safetyd" in said.err

    told = gateway.did(INSTALL, "--rollback")
    assert "the record is that of before the upgrade" in told and f"{first} is back" in told
    assert gateway.tickets == kept
    gateway.watches(first)
    gateway.did("safetyd", "audit", "verify")
    (newer,) = gateway.debian.path("var/lib/private/safetyd").glob("safetyd.db.replaced-*")
    assert newer.stat().st_size

    gateway.did(INSTALL, "--wheel", next_release)
    assert gateway.release.startswith("99.0.0-") and gateway.tickets == kept
    gateway.did(INSTALL, "--rollback")
    assert gateway.release == first


# What a daemon of today, which goes on with the record, leaves as the first release wrote it.
KEPT = {
    "reading": ["id", "sensor", "quantity", "observed_at", "delay", "value", "mark", "reason", "stamp"],
    "sensor": ["id", "building", "room", "name", "topic", "format"],
    "history": ["id", "ticket", "at", "event", "by", "note", "detail", "hash"],
    "ticket": ["id", "building", "room", "condition", "opened_at"],
    "episode": ["id", "building", "room", "condition", "began_at"],
    "notice": ["id", "at", "building", "reason", "title", "text"],
    "delivery": ["id", "notice", "person", "address"],
}


def first_store(store: Path) -> Path:
    """Put the first release's store in the place of one, which is laid aside, for the same user."""
    owner = store.stat()
    for each in store.parent.glob("safetyd.db*"):
        each.rename(each.with_name(f"aside-{each.name}"))
    first_release.first_store(store)
    os.chown(store, owner.st_uid, owner.st_gid)
    return store


def test_the_record_of_the_first_release_outlives_an_upgrade_and_the_way_back(
    gateway: Gateway, next_release: str
) -> None:
    release, site = gateway.release, gateway.debian.path("etc/safetyd/site.toml")
    gateway.did("systemctl", "stop", "safetyd")
    before = first_store(gateway.store)
    rows = {name: set(first_release.rows(before, name, columns)) for name, columns in KEPT.items()}
    ids = {id for (id,) in first_release.rows(before, "ticket", ["id"])}
    assert len(rows["reading"]) > 1500 and len(ids) > 3
    site.write_text(first_release.SITE, encoding="utf-8")

    def has_all() -> None:
        gateway.watches(gateway.release)
        for name, columns in KEPT.items():
            assert set(first_release.rows(gateway.store, name, columns)) >= rows[name], name
        assert {each["id"] for each in gateway.tickets} >= ids
        gateway.did("safetyd", "audit", "verify")

    assert "the record is copied to" in gateway.did(INSTALL, "--wheel", next_release)
    gateway.did("systemctl", "start", "safetyd")
    assert gateway.release.startswith("99.0.0-")
    has_all()
    assert first_release.version(gateway.store) == "9999"
    shown = gateway.did("safetyd", "ticket", "alder-2026-0001", "show")
    assert "Studio" in shown

    told_back = gateway.did(INSTALL, "--rollback")
    assert "the record is that of before the upgrade" in told_back and gateway.release == release
    has_all()
    assert first_release.version(gateway.store) != "9999"


def test_it_goes_and_leaves_what_is_not_its_own_until_it_is_told_to(gateway: Gateway) -> None:
    assert "are left" in gateway.did(INSTALL, "--uninstall")
    assert not any(
        gateway.debian.path(each).exists() or gateway.debian.path(each).is_symlink()
        for each in ("opt/safetyd", "usr/local/bin/safetyd", "etc/systemd/system/safetyd.service")
    )
    assert "inactive" in gateway.debian.run("systemctl", "is-active", "safetyd").out
    assert gateway.text("etc/safetyd/secrets/mqtt") == PASSWORD + "\n"
    store = gateway.store
    assert store.exists()

    gateway.did(INSTALL, "--uninstall", "--purge")
    assert not store.exists() and not gateway.debian.path("etc/safetyd").exists()
    assert gateway.debian.run(INSTALL, "--uninstall").code == 0, "twice is as good as once"
