"""What listens: it answers at once, goes where it is told, and ends when it is told."""

import socket
from http.client import HTTPConnection

import pytest

from safetyd.web.house import House
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
    server = Server(
        f"{LOOPBACK}:{port}", House(at_school.url, "safetyd", lambda: at_school.site, at_school.pulse)
    )
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
        server = Server(listen, House(at_school.url, "safetyd", lambda: at_school.site, at_school.pulse))
        server.start()
        until("it says so", lambda: server.fault)
        assert server.fault == f"{listen} is taken by another program; name another host:port in [web] listen"
        server.stop(30)
