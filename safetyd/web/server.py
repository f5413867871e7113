"""Listens in a thread of its own, and answers by the application.

Rule: what is needed for it is loaded in that thread, and nothing there ends the watch: a port that is taken
is tried again, and what fails begins anew after a while.
"""

import errno
import gc
import logging
import socket
import threading
from typing import TYPE_CHECKING

from safetyd.frugal import unopened
from safetyd.setting_web import Web
from safetyd.web.house import House

if TYPE_CHECKING:
    from uvicorn.server import Server as Uvicorn

_AGAIN_S = 15.0
_BACKLOG = 128
_CONNECTIONS = 400  # at once; who comes beyond them is told to come back
_HEAD_BYTES = 32 * 1024  # of a request's first line and headers
_GRACE_S = 1
_KEEP_UP_S = 2  # how far what is shown may be behind while nobody looks

log = logging.getLogger("safetyd.web")


class Server:
    """The thread. Any other may read `fault`: why nobody is answered, None while nobody knows yet."""

    def __init__(self, settings: Web, listen: str, house: House) -> None:
        self.fault: str | None = None
        self._listen = listen
        self._settings = settings
        self._house = house
        self._is_ended = threading.Event()
        self._uvicorn: Uvicorn | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self, within_s: float = 0.0) -> None:
        """End soon."""
        self._is_ended.set()
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True
        if within_s and self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._is_ended.is_set():
            try:
                with _listener(self._listen) as listener:
                    self._serve(listener)
            except OSError as error:
                self._fail(f"{self._listen} {_why(error)}")
            except Exception:  # a fault of ours must not end it for ever
                log.exception("the web has failed; again in a while")
                self._fail("it has failed; the log says how")
            self._is_ended.wait(_AGAIN_S)

    def _serve(self, listener: socket.socket) -> None:
        unopened("uvicorn")  # which would bring what belongs to its own command
        from uvicorn.config import Config
        from uvicorn.server import Server as Uvicorn

        from safetyd.web.app import Application
        from safetyd.web.connection import Connection
        from safetyd.web.pages.entry import first_link

        logging.getLogger("uvicorn.error").setLevel(
            logging.ERROR
        )  # what a client gets wrong is its own matter
        application = Application(self._house)
        application.prepare()
        gc.collect()
        gc.freeze()  # nothing of it need be gone through again while somebody waits for a notice
        config = Config(
            application.asgi,
            loop="asyncio",
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=bool(self._settings.proxies),
            forwarded_allow_ips=list(self._settings.proxies),
            ssl_certfile=self._settings.cert_file,
            ssl_keyfile=self._settings.key_file,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_S,
            h11_max_incomplete_event_size=_HEAD_BYTES,
            callback_notify=application.keep_up,
            timeout_notify=_KEEP_UP_S,
        )
        self._uvicorn = Uvicorn(config)
        if self.fault != "":
            log.info("answering at http%s://%s", "s" if config.is_ssl else "", self._listen)
            if (link := first_link(self._house)) is not None:
                log.warning("nobody may log in yet; the first account is made, once, at %s", link)
        self.fault = ""
        try:
            if not self._is_ended.is_set():
                self._uvicorn.run([listener])
        finally:
            self._uvicorn = None
            application.close()

    def _fail(self, words: str) -> None:
        if self.fault != words:
            log.error("web: %s; trying again", words)
        self.fault = words


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is taken by another program; name another host:port in [web] listen"
    return f"cannot be listened on: {error.strerror or error}"


def _listener(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)  # with 0 for TCP, asyncio would leave Nagle's 40 ms in
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
