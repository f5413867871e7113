"""The demo's second safetyd: the district's, which hears the school through the broker and nothing else.

Rule: it lives in a thread of its own from its making to its end; what it sees leaves it as words.
"""

from datetime import datetime
from threading import Event, Thread

from safetyd.clock import Clock
from safetyd.configuration import Loaded
from safetyd.core.ticket import Ticket
from safetyd.daemon import Daemon
from safetyd.objects import watched_object
from safetyd.store.database import writer_lock

_END_WITHIN_S = 10.0


class Elsewhere:
    """What goes on at the district; `seen` is how its building stands from there, in a line."""

    def __init__(self, loaded: Loaded, clock: Clock, over: Event) -> None:
        self.seen = ""
        self.failure: Exception | None = None
        self.is_ready = Event()
        self._loaded, self._clock, self._over = loaded, clock, over
        self._thread = Thread(target=self._live, name="district", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until everything is as it stays."""
        self._thread.join(_END_WITHIN_S)

    def _live(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.failure = error
            self._over.set()
        finally:
            self.is_ready.set()

    def _run(self) -> None:
        with writer_lock(self._loaded.settings.store.url):
            daemon = Daemon(self._loaded, self._clock)
            try:
                while not self._over.is_set():
                    daemon.turn()
                    if daemon.link.is_connected and not daemon.link.wants_to_write:
                        self.is_ready.set()
                    self.seen = self._line(daemon)
            finally:
                daemon.stop()
                daemon.run()  # stopped already, it only leaves everything as the next start wants it

    def _line(self, daemon: Daemon) -> str:
        service, zone = daemon.service, self._loaded.site.timezone
        building = self._loaded.site.buildings[0].id
        seen = watched_object(service.world, service.facts, building, self._clock())
        if seen["heard_at"] is None:
            return ""

        def local(text: str) -> str:
            return f"{datetime.fromisoformat(text).astimezone(zone):%H:%M}"

        parts = [seen["state"]]
        if seen["state"] != "well":
            parts.append(f"last heard {local(seen['heard_at'])}")
        if seen["since"] is not None:
            word = {"out": "power out", "suspected": "power presumed out"}[seen["electricity"]]
            parts.append(f"{word} since {local(seen['since'])}")
        parts += [_ticket(ticket) for ticket in service.world.tickets.values()]
        return ", ".join(parts)


def _ticket(ticket: Ticket) -> str:
    return f"{ticket.id} " + (f"joined to {ticket.joined}" if ticket.joined else ticket.status.value)
