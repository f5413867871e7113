"""What listens: it answers at once, goes where it is told, and ends when it is told."""

import shutil
import socket
import ssl
import subprocess
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from safetyd.setting_web import Web
from safetyd.web import connection
from safetyd.web.connection import Connection
from safetyd.web.pages.entry import first_link
from safetyd.web.server import Server, _listener
from tests.journeys.servers import LOOPBACK, free_port, until
from tests.web.school import School


def test_it_waits_for_no_company_before_it_sends() -> None:
    with _listener(f"{LOOPBACK}:{free_port()}") as listener:
        assert listener.proto == socket.IPPROTO_TCP  # by this asyncio knows that it may send at once


@pytest.mark.parametrize("host", [LOOPBACK, "localhost"])
def test_it_listens_where_it_is_told(host: str) -> None:
    port = free_port()
    with _listener(f"{host}:{port}") as listener:
        assert listener.getsockname()[1] == port


@pytest.mark.journey
def test_it_answers_over_the_network_until_it_is_stopped(at_school: School) -> None:
    port = free_port()
    server = Server(Web(), f"{LOOPBACK}:{port}", at_school.house)
    server.start()
    until("it listens", lambda: server.fault == "")
    connection = HTTPConnection(LOOPBACK, port, timeout=30)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b'{"status":"ok"}'
    connection.close()
    server.stop(30)
    with pytest.raises(OSError):
        socket.create_connection((LOOPBACK, port), timeout=1)


@pytest.mark.journey
def test_a_port_that_is_taken_is_its_fault_in_words(at_school: School) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        listen = f"{LOOPBACK}:{other.getsockname()[1]}"
        server = Server(Web(), listen, at_school.house)
        server.start()
        until("it says so", lambda: server.fault)
        assert server.fault == f"{listen} is taken by another program; name another host:port in [web] listen"
        server.stop(30)


@pytest.mark.journey
def test_it_speaks_tls_with_a_certificate_and_its_cookie_is_for_tls_only(
    at_school: School, tmp_path: Path
) -> None:
    certificate, key = certificate_for(tmp_path)
    port = free_port()
    server = Server(Web(cert_file=str(certificate), key_file=str(key)), f"{LOOPBACK}:{port}", at_school.house)
    server.start()
    until("it listens", lambda: server.fault == "")
    trust = ssl.create_default_context(cafile=certificate)
    connection = HTTPSConnection("localhost", port, timeout=30, context=trust)
    link = first_link(at_school.house)
    assert link is not None
    said = {
        "key": link.partition("key=")[2],
        "name": "Di Ray",
        "password": "0123456789",
        "again": "0123456789",
    }
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/first", urlencode(said), kind)
    answer = connection.getresponse()
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-safetyd=") and "; Secure" in cookie and "; HttpOnly" in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    connection.close()
    server.stop(30)


@pytest.mark.journey
@pytest.mark.parametrize(
    ("proxies", "is_believed"), [((LOOPBACK,), True), (("127.0.0.0/8",), True), ((), False)]
)
def test_a_proxy_is_believed_for_whom_it_asks_if_it_is_named(
    at_school: School, proxies: tuple[str, ...], is_believed: bool
) -> None:
    port = free_port()
    server = Server(Web(proxies=list(proxies)), f"{LOOPBACK}:{port}", at_school.house)
    server.start()
    until("it listens", lambda: server.fault == "")
    connection = HTTPConnection(LOOPBACK, port, timeout=30)
    said = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    connection.request("GET", "/login", headers=said)
    answer = connection.getresponse()
    assert answer.status == 200
    assert ("Strict-Transport-Security" in answer.headers) is is_believed
    connection.close()
    server.stop(30)


@pytest.mark.journey
def test_who_says_nothing_makes_room_for_others(at_school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "head_within_s", 0.2)
    port = free_port()
    server = Server(Web(), f"{LOOPBACK}:{port}", at_school.house)
    server.start()
    until("it listens", lambda: server.fault == "")
    silent = socket.create_connection((LOOPBACK, port), timeout=30)
    half = socket.create_connection((LOOPBACK, port), timeout=30)
    half.sendall(b"GET /login HTTP/1.1\r\nHost: x\r\n")
    again = HTTPConnection(LOOPBACK, port, timeout=30)
    again.request("GET", "/healthz")
    assert again.getresponse().read() == b'{"status":"ok"}'
    again.sock.sendall(b"GET /healthz HTTP/1.1\r\nHo")
    for each in (silent, half, again.sock):
        with suppress(ConnectionResetError):
            assert each.recv(1) == b""
        each.close()
    server.stop(30)


@pytest.mark.journey
def test_who_never_reads_makes_room_for_others(at_school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "read_within_s", 0.2)
    port = free_port()
    server = Server(Web(), f"{LOOPBACK}:{port}", at_school.house)
    server.start()
    until("it listens", lambda: server.fault == "")
    with socket.create_connection((LOOPBACK, port), timeout=30) as deaf:
        deaf.setblocking(False)
        asked = b"GET /static/safetyd.css HTTP/1.1\r\nHost: x\r\n\r\n" * 100

        def is_shut_out() -> bool:
            try:
                deaf.send(asked)
            except BlockingIOError:
                return False  # neither side reads
            except OSError:
                return True
            return False

        until("nobody waits for it any more", is_shut_out)
    again = HTTPConnection(LOOPBACK, port, timeout=30)
    again.request("GET", "/healthz")
    assert again.getresponse().read() == b'{"status":"ok"}'
    again.close()
    server.stop(30)


@pytest.mark.journey
@pytest.mark.parametrize("is_proxy", [True, False])
def test_one_address_holds_its_part_of_the_connections_and_a_proxy_more(
    at_school: School, monkeypatch: pytest.MonkeyPatch, is_proxy: bool
) -> None:
    monkeypatch.setattr(connection, "OF_ONE", 3)
    monkeypatch.setattr(connection, "is_loopback", lambda host: False)  # a test has no other address
    port = free_port()
    proxies = [LOOPBACK] if is_proxy else []
    server = Server(Web(proxies=proxies), f"{LOOPBACK}:{port}", at_school.house)
    server.start()
    until("it listens", lambda: server.fault == "")
    held = [socket.create_connection((LOOPBACK, port), timeout=30) for _ in range(3)]
    one_more = socket.create_connection((LOOPBACK, port), timeout=30)
    one_more.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        answer = one_more.recv(12)
    except ConnectionResetError:
        answer = b""
    assert answer == (b"HTTP/1.1 200" if is_proxy else b"")
    for each in (*held, one_more):
        each.close()
    server.stop(30)


def certificate_for(folder: Path) -> tuple[Path, Path]:
    """Return a certificate of this machine, and its key."""
    assert shutil.which("openssl"), "openssl is missing; on Debian: apt-get install openssl"
    certificate, key = folder / "web.crt", folder / "web.private"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    named = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *made.split(), *named], check=True, capture_output=True)
    return certificate, key
