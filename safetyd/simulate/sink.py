"""Where the demo's notices arrive: a small HTTP server on the loopback that takes what apprise posts.

Rule: a notice is written to the file before it is answered for, so what was accepted can be read there. Who
it is for is told by the path it was posted to.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from zoneinfo import ZoneInfo

from safetyd.simulate.broker import LOOPBACK

LONGEST_POST = 64 * 1024  # bytes; a notice has a few hundred
LOOK_AGAIN_S = 0.05

log = logging.getLogger("safetyd.sink")


@dataclass(frozen=True, slots=True)
class Heard:
    """One notice as it arrived for one person."""

    at: datetime
    to: str
    title: str
    text: str


class Server(ThreadingHTTPServer):
    """A thread a notice, none of which keeps us from ending."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Note what went wrong with one notice, such as a sender that left before our answer."""
        log.warning("a notice from %s was not taken", client_address, exc_info=True)


@contextmanager
def sink(
    file: Path,
    names: Mapping[str, str],
    *,
    timezone: ZoneInfo,
    now: Callable[[], datetime],
    hear: Callable[[Heard], None],
) -> Iterator[str]:
    """Take notices for as long as the context lasts; yield the apprise URL to which paths are added.

    Args:
        file: Notices are added to its end, in words.
        names: Whom each path reaches; what is posted to any other is refused.
        hear: Called with each, from another thread but never twice at once.
    """
    one_at_a_time = Lock()

    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # seconds for a client that says nothing

        def do_POST(self) -> None:
            heard = _heard(self, now(), names)
            if heard is not None:
                with one_at_a_time:
                    with file.open("a", encoding="utf-8") as opened:
                        opened.write(words(heard, timezone))
                    hear(heard)
            self.send_response(400 if heard is None else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the screen belongs to the board."""

    file.touch()
    server = Server((LOOPBACK, 0), Handler)
    thread = Thread(target=server.serve_forever, args=(LOOK_AGAIN_S,), name="sink", daemon=True)
    thread.start()
    try:
        yield f"json://{LOOPBACK}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def words(heard: Heard, timezone: ZoneInfo) -> str:
    """Return a notice as the file keeps it: one line of heading, its text indented, an empty line."""
    lines = "".join(f"    {line}\n" for line in heard.text.splitlines())
    return f"{heard.at.astimezone(timezone):%a %d %b %Y %H:%M}  to {heard.to}: {heard.title}\n{lines}\n"


def _heard(request: BaseHTTPRequestHandler, at: datetime, names: Mapping[str, str]) -> Heard | None:
    """Return the notice that was posted, None if it is none."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
        said = json.loads(request.rfile.read(length)) if 0 < length <= LONGEST_POST else None
    except ValueError:
        return None
    to = names.get(request.path.strip("/"))
    if to is None or not isinstance(said, dict):
        return None
    return Heard(at, to, str(said.get("title", "")), str(said.get("message", "")))
