"""deploy/mosquitto/certificates.sh: an authority of one's own that is never lost by running it again."""

import shutil
import ssl
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.shipped import done, script

pytestmark = pytest.mark.journey

NAMES = ("gateway.maple.example", "10.20.0.5", "fd00::5")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "certs"


def made(folder: Path, *arguments: str, days: str = "") -> str:
    more = ["-t", days] if days else []
    return done(script("certificates.sh", "-d", folder, *more, *arguments))


def refused(folder: Path, *arguments: str) -> str:
    said = script("certificates.sh", "-d", folder, *arguments)
    assert said.returncode == 1 and said.stdout == ""
    return said.stderr


def openssl(*arguments: object) -> str:
    assert shutil.which("openssl"), "openssl is missing; on Debian: apt-get install openssl"
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def days_of(certificate: Path) -> int:
    ends = openssl("x509", "-in", certificate, "-noout", "-enddate").strip().removeprefix("notAfter=")
    left = ssl.cert_time_to_seconds(ends) - datetime.now(UTC).timestamp()
    return round(left / timedelta(days=1).total_seconds())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_first_run_makes_all_that_a_broker_needs_and_keys_are_for_their_owner(folder: Path) -> None:
    made(folder, "server", *NAMES)
    assert set(contents(folder)) == {"ca.pem", "ca.key", "server.pem", "server.key"}
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    for name in ("ca.pem", "server.pem"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o644
    openssl(
        "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", folder / "ca.pem", folder / "server.pem"
    )
    for option, name in [("-verify_hostname", NAMES[0]), ("-verify_ip", NAMES[1]), ("-verify_ip", NAMES[2])]:
        openssl("verify", option, name, "-CAfile", folder / "ca.pem", folder / "server.pem")
    assert (days_of(folder / "ca.pem"), days_of(folder / "server.pem")) == (7300, 397)


def test_a_nodes_is_good_for_devices_and_for_the_other_nodes(folder: Path) -> None:
    made(folder, "node", *NAMES)
    for purpose in ("sslserver", "sslclient"):
        pem = folder / "server.pem"
        openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", folder / "ca.pem", pem)


def test_a_second_run_changes_nothing(folder: Path) -> None:
    made(folder, "server", *NAMES[:2])
    before = contents(folder)
    assert "Nothing to do" in made(folder, "server", *NAMES[:2])
    assert "Nothing to do" in made(folder, "server")
    assert contents(folder) == before


@pytest.mark.parametrize(("days", "is_renewed"), [("59", True), ("61", False)])
def test_the_servers_is_renewed_with_the_same_names_and_key_sixty_days_before_its_end(
    folder: Path, days: str, is_renewed: bool
) -> None:
    made(folder, "server", *NAMES, days=days)
    before = contents(folder)
    made(folder, "server")
    after = contents(folder)
    assert (after["server.pem"] != before["server.pem"]) is is_renewed
    assert after | {"server.pem": b""} == before | {"server.pem": b""}
    assert days_of(folder / "server.pem") == (397 if is_renewed else 61)
    openssl("verify", "-verify_ip", NAMES[2], "-CAfile", folder / "ca.pem", folder / "server.pem")


def test_other_names_make_another_certificate(folder: Path) -> None:
    made(folder, "server", NAMES[0])
    made(folder, "server", NAMES[0], "gw")
    openssl("verify", "-verify_hostname", "gw", "-CAfile", folder / "ca.pem", folder / "server.pem")


def test_a_client_has_one_until_it_is_moved_away(folder: Path) -> None:
    made(folder, "client", "north")
    openssl("verify", "-purpose", "sslclient", "-CAfile", folder / "ca.pem", folder / "north.pem")
    assert stat.S_IMODE((folder / "north.key").stat().st_mode) == 0o600
    before = contents(folder)
    assert "is there, good until" in refused(folder, "client", "north")
    assert contents(folder) == before


@pytest.mark.parametrize("name", ["ca", "server", "../up", "", "a b"])
def test_no_client_is_called_so(folder: Path, name: str) -> None:
    made(folder, "server", NAMES[0])
    before = contents(folder)
    assert "cannot be a client's name" in refused(folder, "client", name)
    assert contents(folder) == before


def test_what_cannot_be_made_is_said_in_a_sentence(folder: Path) -> None:
    assert "say how clients call the broker" in refused(folder, "server")
    assert (
        "neither a name nor an address"
        in script("certificates.sh", "-d", folder, "server", "a,IP:1.2.3.4").stderr
    )
    made(folder, "server", NAMES[0])
    (folder / "ca.key").rename(folder.parent / "offline.key")
    assert "only where the authority's key is" in refused(folder, "client", "north")
    assert "ca.key" not in contents(folder)
    assert script("certificates.sh").returncode == 2


def test_an_authority_near_its_end_is_told_of(folder: Path) -> None:
    made(folder, "server", NAMES[0])
    key, pem = folder / "ca.key", folder / "ca.pem"
    openssl("req", "-new", "-x509", "-key", key, "-subj", "/CN=Old", "-days", "700", "-out", pem)
    assert "make another" in script("certificates.sh", "-d", folder, "server", NAMES[0]).stderr
