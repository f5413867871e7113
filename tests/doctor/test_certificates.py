"""Until when certificates hold: both sides of each limit, and who makes the next one."""

import datetime as dt
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from safetyd.certificates import Certificate, Use, all_files, named, of_file
from safetyd.configuration import load
from safetyd.doctor.certificates import certificate_finding, certificate_findings
from safetyd.doctor.finding import Finding, State
from safetyd.faults import ConfigurationError
from safetyd.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy/mosquitto/certificates.sh"
SITE = 'timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\n'

Read = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return what a safetyd.toml with these lines sets."""

    def read_lines(lines: str = "", **environ: str) -> Settings:
        (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
        (tmp_path / "safetyd.toml").write_text(f'site = "site.toml"\n{lines}', encoding="utf-8")
        return load(tmp_path / "safetyd.toml", environ).settings

    return read_lines


def findings(settings: Settings, now: datetime = NOW) -> dict[str, Finding]:
    return {Path(each.about).name: each for each in certificate_findings(settings, {}, now)}


@pytest.mark.parametrize(
    ("begins", "ends", "state"),
    [
        (-1, 31, State.OK),
        (-1, 30, State.OK),
        (-1, 29.9, State.WARN),
        (-1, 0, State.WARN),
        (-2, -0.01, State.BAD),
        (0.01, 90, State.BAD),
    ],
)
def test_a_certificate_by_its_days(begins: float, ends: float, state: State) -> None:
    found = Certificate("ours", NOW + timedelta(days=begins), NOW + timedelta(days=ends))
    assert certificate_finding(found, NOW).state is state


def pem(days: int) -> bytes:
    """Return a certificate that holds from yesterday for so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def test_of_a_chain_the_first_counts_and_of_authorities_the_one_that_holds_longest(tmp_path: Path) -> None:
    file = tmp_path / "c.pem"
    file.write_bytes(pem(5) + pem(400))
    assert of_file("[web] cert_file", file).ends_at == NOW + timedelta(days=5)
    assert of_file("[mqtt] ca_file", file, are_authorities=True).ends_at == NOW + timedelta(days=400)


def test_what_is_no_certificate_is_bad_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("no")
    for name, word in (("c.pem", "no certificate"), ("gone.pem", "No such file")):
        found = certificate_finding(of_file("[web] cert_file", tmp_path / name), NOW)
        assert found.state is State.BAD and word in found.seen and found.do


@pytest.mark.parametrize(
    ("use", "left", "state"),
    [
        (Use.SERVER, 30, State.OK),
        (Use.SERVER, 29.9, State.WARN),
        (Use.AUTHORITY, 730, State.OK),
        (Use.AUTHORITY, 729.9, State.WARN),
    ],
)
def test_an_authority_of_ones_own_is_warned_of_two_years_before(use: Use, left: float, state: State) -> None:
    found = Certificate("ours", NOW - timedelta(days=1), NOW + timedelta(days=left), use=use)
    assert certificate_finding(found, NOW).state is state


def test_those_that_sensors_depend_on_are_found_by_a_glob_with_what_makes_the_next(
    tmp_path: Path, read: Read
) -> None:
    certs = tmp_path / "certs"
    for words in (("server", "localhost"), ("client", "robin")):
        subprocess.run([SCRIPT, "-d", certs, "-t", "100", *words], check=True, capture_output=True)
    (certs / "bought.pem").write_bytes(pem(50))
    settings = read('[doctor]\ncertificates = ["certs/*.pem"]')  # relative to safetyd.toml
    made_at = datetime.now(UTC)
    early = findings(settings, made_at + timedelta(days=69))
    assert {name: each.state for name, each in early.items() if name != "bought.pem"} == dict.fromkeys(
        ("ca.pem", "robin.pem", "server.pem"), State.OK
    )
    late = findings(settings, made_at + timedelta(days=71))
    assert (late["server.pem"].state, late["robin.pem"].state) == (State.WARN, State.WARN)
    assert "certificates.sh server" in late["server.pem"].do and ".timer" in late["server.pem"].do
    assert "certificates.sh client" in late["robin.pem"].do
    assert late["ca.pem"].state is State.OK
    assert findings(settings, made_at + timedelta(days=101))["server.pem"].state is State.BAD
    aged = findings(settings, made_at + timedelta(days=7300 - 700))["ca.pem"]
    assert aged.state is State.WARN and "every device" in aged.do
    assert findings(settings, NOW + timedelta(days=40))["bought.pem"].do == (
        "renew it, and put the new one in its place"
    )


def test_what_is_named_and_cannot_be_read_is_bad_and_what_is_not_there_yet_is_not_checked(
    tmp_path: Path, read: Read
) -> None:
    (tmp_path / "folder.pem").mkdir()
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    text = '[doctor]\ncertificates = ["folder.pem", "gone.pem", "file/*.crt", "none/*.pem"]'
    found = findings(read(text))
    for name, words in (
        ("folder.pem", "Is a directory"),
        ("gone.pem", "No such file"),
        ("*.crt", "Not a directory"),
    ):
        assert found[name].state is State.BAD and words in found[name].seen and "chmod" in found[name].do
    assert found["*.pem"].state is State.UNCHECKED and "certificates.sh server" in found["*.pem"].do


def test_where_nobody_names_them_it_is_said_how(read: Read) -> None:
    (only,) = findings(read()).values()
    assert only.state is State.UNCHECKED and "[doctor] certificates" in only.do


def test_they_may_be_named_by_the_environment_and_nothing_is_no_list(read: Read) -> None:
    settings = read(SAFETYD_DOCTOR__CERTIFICATES="/a/*.pem,/b/c.pem")
    assert settings.doctor.certificates == ("/a/*.pem", "/b/c.pem")
    with pytest.raises(ConfigurationError, match=r"doctor\.certificates.*paths of certificates"):
        read("[doctor]\ncertificates = []")


def test_as_shipped_the_files_of_the_gateways_broker_are_watched() -> None:
    shipped = load(ROOT / "config/safetyd.toml", {}).settings.doctor.certificates
    broker = (ROOT / "deploy/mosquitto/gateway.conf").read_text("utf-8")
    assert shipped == ("/etc/mosquitto/certs/*.pem",)
    assert "\ncertfile /etc/mosquitto/certs/server.pem\n" in broker


def test_all_files_are_those_in_use_and_those_that_are_named(tmp_path: Path, read: Read) -> None:
    for name in ("ca", "a", "b"):
        (tmp_path / f"{name}.pem").write_bytes(pem(5))
    lines = '[mqtt]\ntls = true\nca_file = "ca.pem"\n[doctor]\ncertificates = ["[ab].pem"]'
    assert [Path(each.file).name for each in all_files(read(lines))] == ["ca.pem", "a.pem", "b.pem"]
    assert [each.whose for each in named(f"{tmp_path}/[ab].pem")] == [f"{tmp_path}/{x}.pem" for x in "ab"]
