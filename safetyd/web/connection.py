"""A connection that somebody has opened: it says what it wants soon, or makes room for others.

Rule: who only holds connections open keeps nobody else from the pages: neither by silence, nor by opening
more than their part.
"""

from asyncio import TimerHandle, Transport
from ipaddress import ip_network

from uvicorn.protocols.http.h11_impl import H11Protocol

from safetyd.site_reports import is_within
from safetyd.web.door import is_loopback, neighbour

HEAD_WITHIN_S = 15.0
OF_ONE = 200  # of one address; a school may share one


class Connection(H11Protocol):
    """One that ends unless a whole head comes within `HEAD_WITHIN_S`, the first and each after an answer."""

    head_within_s = HEAD_WITHIN_S
    _waits: TimerHandle | None = None

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

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop_waiting()
        self._waits = self.loop.call_later(self.head_within_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()

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
