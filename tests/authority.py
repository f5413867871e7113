"""A real time-stamping authority and whoever takes heads, behind one small web server on this machine.

Rule: the authority is `openssl ts`; what it answers is changed only where a test says how it lies.
"""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

_CONFIG = """
[tsa]
default_tsa = ours
[ours]
serial = serial
signer_digest = sha256
default_policy = 1.3.9950.1
digests = {digests}
ess_cert_id_alg = sha256
"""
_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
_LONGEST = 20  # seconds


class Authority:
    """A root of its own, and under it the certificate that signs stamps."""

    def __init__(
        self, folder: Path, name: str = "Root", usage: str = "timeStamping", digests: str = "sha256"
    ) -> None:
        assert shutil.which("openssl"), "openssl is missing; on Debian: apt-get install openssl"
        self.folder = folder
        folder.mkdir()
        self.root = folder / "root.crt"
        (folder / "ts.cnf").write_text(_CONFIG.format(digests=digests))
        (folder / "serial").write_text("01\n")
        (folder / "usage").write_text(f"extendedKeyUsage=critical,{usage}\n")
        self._openssl(f"req -x509 {_KEY} -days 2 -subj /CN={name} -keyout root.key -out root.crt")
        self._openssl(f"req {_KEY} -subj /CN=Stamps -keyout signer.key -out signer.csr")
        signs = "x509 -req -in signer.csr -CA root.crt -CAkey root.key -CAcreateserial -days 2"
        self._openssl(f"{signs} -extfile usage -out signer.crt")

    def stamp(self, question: bytes) -> bytes:
        """Return its answer to a question."""
        (self.folder / "question").write_bytes(question)
        self._openssl(
            "ts -reply -config ts.cnf -queryfile question -signer signer.crt -inkey signer.key -out answer"
        )
        return (self.folder / "answer").read_bytes()

    def agrees(self, stamp: Path, sha256: str) -> bool:
        """Whether OpenSSL, too, says that a file stamps a hash."""
        check = f"ts -verify -digest {sha256} -in {stamp} -CAfile root.crt"
        told = subprocess.run(["openssl", *check.split()], check=False, cwd=self.folder, capture_output=True)
        return told.returncode == 0

    def _openssl(self, arguments: str) -> None:
        made = ["openssl", *arguments.split()]
        subprocess.run(made, cwd=self.folder, check=True, capture_output=True, timeout=_LONGEST)


class Heard(NamedTuple):
    """One request."""

    path: str
    body: bytes
    kind: str
    authorization: str | None


Answer = Callable[[bytes], tuple[int, bytes]]


class Outside:
    """The server: what it heard, and how it answers at each path."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[Heard] = []
        self.answers: dict[str, Answer] = {}
        self._scheme = "http" if tls is None else "https"
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                given = self.headers["Content-Type"], self.headers["Authorization"]
                outside.heard.append(Heard(self.path, body, *given))
                status, said = outside.answers.get(self.path, lambda _: (200, b""))(body)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", said.decode())
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}{path}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def at(self, path: str) -> list[Heard]:
        return [each for each in self.heard if each.path == path]
