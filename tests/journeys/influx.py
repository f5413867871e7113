"""A real InfluxDB of this machine for one test, behind a door that speaks the v2 endpoint and can fail.

Rule: the server is Debian's influxd 1.6, which knows only `/write`; the door maps `/api/v2/write` to it, as
1.8 does itself. Every fault is asked for by a test: a status, a Retry-After, a hang-up before or after the
server has committed, an answer that never comes, a 204 for what was thrown away.
"""

import gzip
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.journeys.servers import LOOPBACK, SYSTEM_PROGRAMS, WITHIN, free_port, until

DATABASE = "safety"
TOKEN = "t0ken-of-the-test"
_PRECISION = {"ns": "n", "us": "u", "ms": "ms", "s": "s"}


def program() -> str:
    """Return the path of influxd; fail naming the package it comes in."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_PROGRAMS])
    found = shutil.which("influxd", path=search)
    assert found, "influxd is not on this machine; it comes with: apt-get install influxdb"
    return found


HANG_UP, HANG = 0, -1
STORED = 204


@dataclass(frozen=True)
class Fault:
    """What happens to one write: a status, HANG_UP or HANG; `after_commit` only once the server has it.

    STORED before it has it is a lie.
    """

    status: int
    words: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after_commit: bool = False


@dataclass(frozen=True)
class Written:
    """One write that came to the door, whatever became of it."""

    lines: tuple[str, ...]
    is_zipped: bool
    authorization: str
    query: Mapping[str, str]


class Influx:
    """The server with its folder, and the door before it; either may be away while the other is not."""

    def __init__(self, folder: Path, tls: ssl.SSLContext | None = None) -> None:
        self.folder = folder
        self._tls = tls
        self.writes: list[Written] = []
        self.token = TOKEN
        self.largest: int | None = None  # bytes of a request, unpacked
        self.refuses: Callable[[str], str] = lambda line: ""  # why a line is refused; nothing: it is not
        self.released = threading.Event()  # who waits for an answer that never comes is hung up on
        self._faults: list[Fault] = []
        self._port = free_port()
        self._child: subprocess.Popen[bytes] | None = None
        self._door = self._open_door()

    @property
    def url(self) -> str:
        """Where the door is."""
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self._door.server_address[1]}"

    def start(self) -> Self:
        """Start the server and make its database."""
        conf = self.folder / "influxdb.conf"
        conf.write_text(
            f"""reporting-disabled = true
bind-address = "{LOOPBACK}:{free_port()}"
[meta]
dir = "{self.folder}/meta"
[data]
dir = "{self.folder}/data"
wal-dir = "{self.folder}/wal"
query-log-enabled = false
[http]
bind-address = "{LOOPBACK}:{self._port}"
log-enabled = false
[monitor]
store-enabled = false
[subscriber]
enabled = false
[continuous_queries]
enabled = false
""",
            encoding="utf-8",
        )
        with (self.folder / "influxd.log").open("ab") as log:
            self._child = subprocess.Popen([program(), "-config", str(conf)], stdout=log, stderr=log)
        until("influxd answers", self._answers)
        self.ask(f'CREATE DATABASE "{DATABASE}"')
        return self

    def _answers(self) -> bool:
        assert self._child is not None and self._child.poll() is None, "influxd has ended"
        try:
            return self._request("GET", "/ping")[0] == 204
        except OSError:
            return False

    def kill(self) -> None:
        """End the server as a power cut would."""
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait(WITHIN)
            self._child = None

    def close(self) -> None:
        """End both."""
        self.kill()
        self.shut()

    def shut(self) -> None:
        """Take the door away: nobody answers."""
        self.released.set()
        self._door.shutdown()
        self._door.server_close()

    def fail(self, *faults: Fault) -> None:
        """Let the next writes fare so."""
        self._faults += faults

    def ask(self, question: str, **more: str) -> list[dict[str, Any]]:
        """Return the rows that a question in InfluxQL finds, each as a dictionary, times in microseconds."""
        asked = urlencode({"db": DATABASE, "q": question, "epoch": "u"} | more)
        status, body, _ = self._request("POST", "/query?" + asked)
        (result,) = json.loads(body)["results"]
        assert status == 200 and "error" not in result, result
        return [
            dict(zip(series["columns"], values, strict=True)) | series.get("tags", {})
            for series in result.get("series", ())
            for values in series["values"]
        ]

    def count(self, measurement: str = "reading", what: str = "value") -> int:
        """Return how many points a measurement has."""
        found = self.ask(f'SELECT count("{what}") AS n FROM "{measurement}"')
        return int(found[0]["n"]) if found else 0

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=WITHIN)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        finally:
            connection.close()

    def _open_door(self) -> ThreadingHTTPServer:
        influx = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer is one packet

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                parts = urlsplit(self.path)
                if parts.path != "/api/v2/write":
                    return self._say(404, b'{"error":"not found"}')
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                is_zipped = self.headers.get("Content-Encoding") == "gzip"
                body = gzip.decompress(sent) if is_zipped else sent
                lines = tuple(body.decode().split("\n"))
                who = self.headers.get("Authorization", "")
                influx.writes.append(Written(lines, is_zipped, who, query))
                fault = influx._faults.pop(0) if influx._faults else None
                if fault and not fault.after_commit:
                    return self._fail(fault)
                if who != f"Token {influx.token}":
                    return self._say(401, b'{"error":"authorization failed"}')
                if influx.largest is not None and len(body) > influx.largest:
                    return self._say(413, b'{"error":"Request Entity Too Large"}')
                why = next(filter(None, map(influx.refuses, lines)), "")
                if why:
                    return self._say(400, json.dumps({"code": "invalid", "message": why}).encode())
                database, _, policy = query["bucket"].partition("/")
                asked = {"db": database, "precision": _PRECISION[query["precision"]]}
                asked |= {"rp": policy} if policy else {}
                self._pass_on("POST", "/write?" + urlencode(asked), body, fault)

            def do_GET(self) -> None:
                if self.headers.get("Authorization", "") != f"Token {influx.token}":
                    return self._say(401, b'{"error":"authorization failed"}')
                self._pass_on("GET", self.path, None, None)

            def _pass_on(self, method: str, path: str, body: bytes | None, fault: Fault | None) -> None:
                try:
                    status, said, kind = influx._request(method, path, body)
                except OSError:
                    return self._hang_up()
                if fault:
                    return self._fail(fault)
                self._say(status, said, {"Content-Type": kind})

            def _fail(self, fault: Fault) -> None:
                if fault.status == HANG:
                    influx.released.wait()
                if fault.status <= HANG_UP:
                    return self._hang_up()
                body = json.dumps({"code": "fault", "message": fault.words or "asked for by a test"}).encode()
                self._say(fault.status, body, fault.headers)

            def _hang_up(self) -> None:
                self.close_connection = True

            def _say(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

            def log_message(self, format: str, *_: Any) -> None:
                pass

        made = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        made.daemon_threads = True
        if self._tls is not None:
            made.socket = self._tls.wrap_socket(made.socket, server_side=True)
        made.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed daemon hangs up
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        return made


@contextmanager
def influx_server(folder: Path, tls: ssl.SSLContext | None = None) -> Iterator[Influx]:
    """Yield an InfluxDB that runs."""
    folder.mkdir()
    made = Influx(folder, tls)
    try:
        yield made.start()
    finally:
        made.close()
