"""Outside they hear that we live only while we do, and why we are not well; nobody learns where they are."""

import errno
import logging
import queue
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from http.client import BadStatusLine
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from safetyd.notify.heartbeat import Beat, Heartbeat, Said, Step, opener, ping, step, what_is_wrong, why_not
from tests.journeys.servers import LOOPBACK, WITHIN, free_port, until

KEY = "k3y-of-riverbend"
AT_ONCE, EVERY, NEVER = timedelta(milliseconds=10), timedelta(seconds=60), timedelta(days=1)
SHORT_S, LONG_S = 0.05, WITHIN
HELD = 0  # an answer that waits for the test, and is a 200 then
DISK = ("store: the disk is full",)


# What to say, and when


@pytest.mark.parametrize(
    ("still_s", "reasons", "wrong"),
    [
        (0, (), ""),
        (29.9, (), ""),
        (30, (), "the loop has stood still for 30 s"),
        (4000.4, (), "the loop has stood still for 4000 s"),
        (29.9, DISK, "store: the disk is full"),
        (30, DISK, "the loop has stood still for 30 s\nstore: the disk is full"),
        (0, (*DISK, "broker: away"), "store: the disk is full\nbroker: away"),
    ],
)
def test_it_is_well_while_the_loop_turns_and_nobody_complains(still_s, reasons, wrong):
    assert what_is_wrong(1000 + still_s, Beat(1000, reasons)) == wrong


def test_a_monitor_is_not_told_more_than_it_keeps():
    assert len(what_is_wrong(0, Beat(0, ("x" * 20_000,)))) == 10_000


WELL, WELL_2ND, WELL_3RD = Said(1000, True), Said(1000, True, 1), Said(1000, True, 2)
ILL, ILL_2ND, ILL_3RD = Said(1000, False), Said(1000, False, 1), Said(1000, False, 2)
STILL = "the loop has stood still for 30 s"


@pytest.mark.parametrize(
    ("after_s", "still_s", "reasons", "said", "expected"),
    [
        # the first
        (0, 0, (), None, Step("")),
        (0, 0, DISK, None, Step(DISK[0])),
        # one turn after another
        (59.5, 0, (), WELL, Step(None, 0.5)),
        (60, 0, (), WELL, Step("")),
        (59.5, 0, DISK, ILL, Step(None, 0.5)),
        (60, 0, DISK, ILL, Step(DISK[0])),
        # news does not wait for its turn, but a little for the next
        (4.5, 0, DISK, WELL, Step(None, 0.5)),
        (5, 0, DISK, WELL, Step(DISK[0])),
        (4.5, 0, (), ILL, Step(None, 0.5)),
        (5, 0, (), ILL, Step("")),
        # a failed ping soon again, after that at the turns
        (4.5, 0, (), WELL_2ND, Step(None, 0.5)),
        (5, 0, (), WELL_2ND, Step("")),
        (5, 0, (), WELL_3RD, Step(None, 30)),
        (59.5, 0, (), WELL_3RD, Step(None, 0.5)),
        (60, 0, (), WELL_3RD, Step("")),
        (5, 0, DISK, ILL_2ND, Step(DISK[0])),
        (5, 0, DISK, ILL_3RD, Step(None, 30)),
        (60, 0, DISK, ILL_3RD, Step(DISK[0])),
        # a loop that stands still is looked for, and told as news
        (10, 0, (), WELL, Step(None, 30)),
        (10, 10, (), WELL, Step(None, 20)),
        (40, 29.5, (), WELL, Step(None, 0.5)),
        (40, 30, (), WELL, Step(STILL)),
        (4, 30, (), WELL, Step(None, 1)),
        (4, 30, (), ILL, Step(None, 56)),
        (60, 30, (), ILL, Step(STILL)),
    ],
)
def test_each_thing_is_said_when_it_is_due(after_s, still_s, reasons, said, expected):
    now_s = 1000 + after_s
    assert step(now_s, Beat(now_s - still_s, reasons), said, 60) == expected


@pytest.mark.parametrize("said", [WELL, WELL_2ND, WELL_3RD, ILL])
def test_somebody_who_wants_it_more_often_gets_it_more_often(said):
    assert step(1001.5, Beat(1001.5), said, 2) == Step(None, 0.5)
    assert step(1002, Beat(1002), said, 2) == Step("")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (URLError(socket.gaierror(-2, f"{KEY} not known")), "its name cannot be looked up"),
        (URLError(ConnectionRefusedError(errno.ECONNREFUSED, KEY)), "Connection refused"),
        (OSError(errno.ENETUNREACH, KEY), "Network is unreachable"),
        (URLError(TimeoutError(KEY)), "no answer within 10 s"),
        (URLError(ssl.SSLError(1, KEY)), "TLS failed: no reason given"),
        (ssl.SSLCertVerificationError(KEY), "its certificate is not accepted: no reason given"),
        (URLError(KEY), "the request failed: URLError"),
        (OSError(f"Tunnel to {KEY} failed"), "the request failed: OSError"),
        (BadStatusLine(KEY), "the request failed: BadStatusLine"),
        (UnicodeError(KEY), "the request failed: UnicodeError"),
    ],
)
def test_an_error_is_told_in_words_of_ours(error, words):
    assert why_not(error, 10) == words


# A real monitor


class Heard(NamedTuple):
    """One request that arrived."""

    method: str
    path: str
    body: str
    authorization: str | None


class Monitor:
    """Somebody outside who listens; what it answers a test may choose."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self.answers: list[int] = []  # to the next requests; later ones get a 200
        self.location = ""
        self.body = b"OK"
        self.holds = False  # answers nothing
        self.drips = False  # answers a little, again and again
        self.released = threading.Event()
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with suppress(OSError):  # who waits no longer hangs up
                    monitor._receive(self)

            do_POST = do_GET

            def log_message(self, format: str, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused certificate
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _receive(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"] or 0)).decode()
        code = self.answers.pop(0) if self.answers else 200
        self.heard.put(Heard(request.command, request.path, body, request.headers["Authorization"]))
        if self.holds or code == HELD:
            self.released.wait(WITHIN)
        if self.drips:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Slow: ")
            while not self.released.wait(SHORT_S / 10):
                request.wfile.write(b".")
            request.wfile.write(b"\r\n\r\n")
            return
        request.send_response(code or 200)
        request.send_header("Content-Length", str(len(self.body)))
        if self.location:
            request.send_header("Location", self.location)
        request.end_headers()
        request.wfile.write(self.body)

    def url(self, path: str = f"/{KEY}", scheme: str = "http", host: str = LOOPBACK) -> SecretStr:
        return SecretStr(f"{scheme}://{host}:{self.port}{path}")

    def next(self) -> tuple[str, str, str]:
        """Wait for a request; return its method, path and body."""
        return self.heard.get(timeout=WITHIN)[:3]

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    made = Monitor()
    yield made
    made.close()


@pytest.fixture
def heartbeat() -> Iterator[Callable[..., Heartbeat]]:
    made: list[Heartbeat] = []

    def make(url: SecretStr, every: timedelta, timeout_s: float = LONG_S) -> Heartbeat:
        made.append(Heartbeat(url, every, timeout_s))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def say(url: SecretStr, text: str = "", timeout_s: float = LONG_S) -> str:
    return ping(opener(), url, text, timeout_s)


SUCCESS = ("GET", f"/{KEY}", "")


def failure(body: str) -> tuple[str, str, str]:
    return ("POST", f"/{KEY}/fail", body)


def test_the_first_turn_of_the_loop_is_heard_at_once(monitor, heartbeat):
    heartbeat(monitor.url(), NEVER).beat([])
    assert monitor.next() == SUCCESS


def test_before_the_loop_turns_nothing_is_said(monitor, heartbeat):
    beating = heartbeat(monitor.url(), AT_ONCE)
    assert beating.last_words("the site file is at fault", LONG_S)
    assert monitor.next() == failure("the site file is at fault")
    assert monitor.heard.empty()


def test_it_is_heard_at_every_turn(monitor, heartbeat):
    heartbeat(monitor.url(), AT_ONCE).beat([])
    assert [monitor.next() for _ in range(3)] == [SUCCESS] * 3


def test_reasons_are_heard_and_then_that_they_are_over(monitor, heartbeat):
    beating = heartbeat(monitor.url(), AT_ONCE)
    beating.beat(["store: the disk is full", "", "broker: away, 14 °C"])
    assert monitor.next() == failure("store: the disk is full\nbroker: away, 14 °C")
    beating.beat([""])
    until("that all is well again is heard", lambda: monitor.next() == SUCCESS)


@pytest.mark.parametrize("answer", [500, 404, 204])
def test_only_a_kind_answer_counts(monitor, answer):
    monitor.answers, monitor.body = [answer], b""
    words = {500: "it answered 500 Internal Server Error", 404: "it answered 404 Not Found", 204: ""}
    assert say(monitor.url()) == words[answer]


def test_a_monitor_that_knows_no_such_check_has_not_heard_us_though_it_says_ok(monitor):
    monitor.body = b"OK (not found)"
    assert say(monitor.url()) == "it answered that it knows no such check"


@pytest.mark.parametrize("text", ["", "the loop has stood still for 31 s"])
def test_one_that_does_not_answer_is_not_waited_for(monitor, text):
    monitor.holds = True
    assert say(monitor.url(), text, SHORT_S) == "no answer within 0.05 s"


def test_one_that_is_not_there_is_named_so():
    assert say(SecretStr(f"http://{LOOPBACK}:{free_port()}/{KEY}")) == "Connection refused"


@pytest.mark.parametrize(
    ("path", "success", "fail"),
    [
        ("", "/", "/fail"),
        ("/ping/a/", "/ping/a/", "/ping/a/fail"),
        ("/ping/a?create=1#top", "/ping/a?create=1", "/ping/a/fail?create=1"),
        ("/ping/Lewis Hall/é%2F", "/ping/Lewis%20Hall/%C3%A9%2F", "/ping/Lewis%20Hall/%C3%A9%2F/fail"),
    ],
)
def test_fail_goes_to_the_end_of_the_path(monitor, path, success, fail):
    assert say(monitor.url(path)) + say(monitor.url(path), "broker: away") == ""
    assert [monitor.next()[1], monitor.next()[1]] == [success, fail]


def test_a_name_and_password_in_the_url_go_where_they_belong(monitor):
    url = SecretStr(f"http://ann:p%40ss@{LOOPBACK}:{monitor.port}/{KEY}")
    assert say(url) == ""
    assert monitor.heard.get(timeout=WITHIN) == Heard(*SUCCESS, "Basic YW5uOnBAc3M=")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_with_the_same_request(monitor, code):
    monitor.answers, monitor.location = [code], "/elsewhere"
    assert say(monitor.url(), "broker: away") == ""
    assert [monitor.next(), monitor.next()] == [
        failure("broker: away"),
        ("POST", "/elsewhere", "broker: away"),
    ]


@pytest.mark.parametrize("scheme", ["https", "ftp", "file"])
def test_a_redirect_to_another_scheme_is_not_followed(monitor, scheme):
    monitor.answers, monitor.location = [302], f"{scheme}://{LOOPBACK}:{monitor.port}/{KEY}/login"
    assert say(monitor.url()) == "it answered 302 Found, a redirect that is not followed"
    assert monitor.next() == SUCCESS
    assert monitor.heard.empty()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of our own for the loopback address and no name, with its key."""
    assert shutil.which("openssl"), "openssl is missing; on Debian: apt-get install openssl"
    file = tmp_path / "monitor.pem"
    made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=monitor -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(["openssl", *made.split(), "-keyout", file, "-out", f"{file}.crt"], check=True)
    with file.open("ab") as both:
        both.write(Path(f"{file}.crt").read_bytes())
    return file


@pytest.mark.parametrize(
    ("is_trusted", "host", "words"),
    [
        (True, LOOPBACK, ""),
        (False, LOOPBACK, "its certificate is not accepted: self-signed certificate"),
        (True, "localhost", "its certificate is not accepted: Hostname mismatch"),
    ],
)
def test_a_monitor_shows_a_certificate_the_machine_trusts(certificate, monkeypatch, is_trusted, host, words):
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    monitor = Monitor(tls)
    try:
        assert say(monitor.url(scheme="https", host=host)).replace("self signed", "self-signed") == words
        assert monitor.heard.empty() == bool(words)
    finally:
        monitor.close()


# Faults


def test_two_failures_in_a_row_are_no_fault(monitor, heartbeat):
    monitor.answers = [500, 500, 200, 500, 500]
    beating = heartbeat(monitor.url(), AT_ONCE)
    beating.beat([])
    for _ in range(7):  # when one comes, the one before it is judged
        monitor.next()
        assert not beating.fault


@pytest.mark.parametrize("reasons", [[], ["broker: away"]])
def test_the_third_is_a_fault_until_the_next_success(monitor, heartbeat, reasons):
    monitor.answers = [500, 500, 500, HELD]
    beating = heartbeat(monitor.url(), AT_ONCE)
    beating.beat(reasons)
    for _ in range(4):
        monitor.next()
    words = "nobody outside hears the heartbeat: it answered 500 Internal Server Error; "
    assert beating.fault == words + "look at the url of [heartbeat]"
    monitor.released.set()
    until("the fault is over", lambda: not beating.fault)


def test_one_that_drips_holds_up_no_more_than_one_ping(monitor, heartbeat):
    monitor.drips = True
    beating = heartbeat(monitor.url(), AT_ONCE, 0.5)
    beating.beat([])
    until("there is a fault", lambda: beating.fault)
    assert "still hangs" in beating.fault
    assert monitor.next() == SUCCESS
    assert monitor.heard.empty()
    monitor.drips = False
    monitor.released.set()
    until("the fault is over", lambda: not beating.fault)


@pytest.mark.parametrize("trouble", ["answers 500", "hangs", "is not there", "redirects", "is no web server"])
def test_the_url_is_in_no_log_and_no_fault(monitor, heartbeat, caplog, trouble):
    caplog.set_level(logging.DEBUG)
    url = monitor.url()
    if trouble == "answers 500":
        monitor.answers = [500] * 1000
    elif trouble == "hangs":
        monitor.holds = True
    elif trouble == "is not there":
        url = SecretStr(f"http://{LOOPBACK}:{free_port()}/{KEY}")
    elif trouble == "redirects":
        monitor.answers, monitor.location = [302] * 1000, f"https://{LOOPBACK}/{KEY}"
    else:
        url = monitor.url(scheme="https")
    beating = heartbeat(url, AT_ONCE, SHORT_S if monitor.holds else LONG_S)
    beating.beat([])
    until("there is a fault", lambda: beating.fault)
    beating.last_words("ends", SHORT_S)
    told = beating.fault + repr(beating) + caplog.text
    assert "the heartbeat was not heard" in caplog.text
    for part in (KEY, LOOPBACK, f":{urlsplit(url.get_secret_value()).port}"):
        assert part not in told


# The end


def test_after_the_last_words_nothing_is_said(monitor, heartbeat):
    beating = heartbeat(monitor.url(), AT_ONCE)
    beating.beat([])
    monitor.next()
    assert beating.last_words("the UPS is nearly empty", LONG_S)
    beating.beat([])
    heard = []
    while not monitor.heard.empty():
        heard.append(monitor.next())
    assert heard[-1] == failure("the UPS is nearly empty")
    assert failure("the UPS is nearly empty") not in heard[:-1]


def test_last_words_wait_no_longer_than_they_may(monitor, heartbeat, caplog):
    monitor.holds = True
    assert not heartbeat(monitor.url(), EVERY).last_words("the UPS is nearly empty", SHORT_S)
    assert "last words were not heard: no answer within" in caplog.text


def test_last_words_without_a_word_are_no_success(monitor, heartbeat):
    assert heartbeat(monitor.url(), EVERY).last_words("", LONG_S)
    assert monitor.next() == failure("safetyd ends")
