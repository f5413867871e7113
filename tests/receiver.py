"""A program that is told of ticket events, and checks them as such programs do: it can stumble and hang."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from standardwebhooks import Webhook as Verified

from tests.journeys.servers import LOOPBACK, WITHIN

SECRET = "whsec_" + "aGVyb25zIHN0YW5kIGluIHRoZSByaXZlciBhdCBkYXdu"
HANG_UP, HANG = 0, -1


class Post(NamedTuple):
    """One request that is signed as it ought to be; `said` is what was answered."""

    path: str
    id: str
    type: str
    data: Any
    said: int
    body: bytes = b""
    headers: Any = None


class Receiver:
    """The server: what was posted to it, and what it answers next; 204 if nothing is said."""

    def __init__(self, secret: str = SECRET) -> None:
        self.posts: list[Post] = []
        self.answers: list[int] = []
        self.always = 204
        self.headers: dict[str, str] = {}
        self.released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                id, sent_at = self.headers["webhook-id"], int(self.headers["webhook-timestamp"])
                signed = Verified(secret).sign(id, datetime.fromtimestamp(sent_at, UTC), body.decode())
                assert self.headers["webhook-signature"] == signed
                assert self.headers["Content-Type"] == "application/json"
                told = json.loads(body)
                assert told["timestamp"].endswith("Z")
                code = receiver.answers.pop(0) if receiver.answers else receiver.always
                post = Post(self.path, id, told["type"], told["data"], code, body, dict(self.headers))
                receiver.posts.append(post)
                if code == HANG:
                    receiver.released.wait(WITHIN)
                if code > 0:
                    self.send_response(code)
                    for name, value in receiver.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def do_GET(self) -> None:
                receiver.posts.append(Post(self.path, "", "GET", None, 200))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who asked may be gone
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/told/by-nobody-else"

    @property
    def accepted(self) -> list[Post]:
        """What was accepted, each once however often it came."""
        return list({each.id: each for each in list(self.posts) if 200 <= each.said < 300}.values())

    @property
    def types(self) -> list[str]:
        return [each.type.removeprefix("ticket.") for each in self.accepted]

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
