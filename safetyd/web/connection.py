"""A connection that somebody has opened: it says what it wants soon and reads the answer, or makes room.

Rule: who only holds connections open keeps nobody else from the pages: neither by silence, nor by leaving
what was asked for unread, nor by opening more than their part.
"""

from asyncio import TimerHandle, Transport
from ipaddress import ip_network

from uvicorn.protocols.http.h11_impl import H11Protocol

from safetyd.site_reports import is_within
from safetyd.web.door import is_loopback, neighbour

HEAD_WITHIN_S = 15.0
READ_WITHIN_S = 60.0
OF_ONE = 200  # of one address; a school may share one


class Connection(H11Protocol):
    """One that ends unless a whole head comes within `HEAD_WITHIN_S`, the first and each after an answer.

    It ends too when nothing of an answer that waits to be sent goes on its way for `READ_WITHIN_S`.
    """

    head_within_s = HEAD_WITHIN_S
    read_within_s = READ_WITHIN_S
    _waits: TimerHandle | None = None
    _stands: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait, or end at once for who has too many."""
        super().connection_made(transport)
        if self._has_too_many():
            transport.abort()
        else:
            self._wait()

    def on_response_complete(self) -> None:
        """Wait for what is asked next."""
        super().on_response_complete()
        self._wait()

    def pause_writing(self) -> None:
        """Wait for what is unread to be read."""
        super().pause_writing()
        self._stands = self.loop.call_later(self.read_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it is read."""
        self._stop_standing()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        self._stop_standing()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop_waiting()
        self._waits = self.loop.call_later(self.head_within_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()

    def _stop_standing(self) -> None:
        if self._stands is not None:
            self._stands.cancel()

    def _give_up(self) -> None:
        if getattr(self.cycle, "response_complete", True):  # or nothing was ever asked
            self.transport.abort()

    def _has_too_many(self) -> bool:
        host = _host(self)
        proxies = [ip_network(each) for each in self.config.forwarded_allow_ips]
        if is_loopback(host) or is_within(proxies, host):
            return False  # they bring many people
        return sum(neighbour(_host(each)) == neighbour(host) for each in self.connections) > OF_ONE


def _host(connection: object) -> str:
    client = getattr(connection, "client", None)
    return str(client[0]) if client else ""
