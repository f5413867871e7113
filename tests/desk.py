"""Where notices are sent from in a test: a dispatch over a store in memory, people and their addresses."""

import queue
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

from safetyd.core.model import Role, TroubleKind
from safetyd.core.plan import Reason
from safetyd.core.world import Notice
from safetyd.dispatch import Dispatch
from safetyd.service import Service
from safetyd.setting_outside import LastResort
from safetyd.site import Building, Person, Site
from safetyd.site_calendar import read_calendar
from safetyd.site_rules import read_rulebook
from safetyd.store import attempts
from safetyd.store.database import in_memory
from safetyd.tables import Table
from tests.journeys.servers import LOOPBACK, WITHIN

T0 = datetime(2026, 12, 1, 16, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ZONE = ZoneInfo("America/Los_Angeles")


def person(name: str, *addresses: str, roles: tuple[Role, ...] = (Role.FACILITIES,)) -> Person:
    return Person(name, roles, ("*",), addresses)


def site(*people: Person) -> Site:
    empty = Table("site.toml", "", {}, [])
    rules, calendar = read_rulebook(empty, ZONE), read_calendar(empty, ZONE)
    return Site("Riverbend", ZONE, rules, calendar, (Building("maple", "Maple School"),), people)


class Desk:
    """A dispatch over a store in memory, whose clock is set by the test."""

    def __init__(
        self, where: Site, last_resort: LastResort | None = None, before: "Desk | None" = None
    ) -> None:
        self.now = before.now if before else T0
        connection = before.service.connection if before else in_memory()
        self.service = Service(connection, where, "safetyd", self.now)
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.dispatch = Dispatch(self.service, lambda: self._woken.put(None), None, last_resort)

    def owe(
        self,
        *keys: str,
        roles: tuple[Role, ...] = (Role.FACILITIES,),
        reason: Reason = Reason.OUTAGE_OVER,
    ) -> None:
        """Owe notices of the mains, decided and committed together; nothing is sent yet."""
        self.decide(*keys, roles=roles, reason=reason)
        self.commit()
        self.dispatch.look(self.now)

    def decide(
        self,
        *keys: str,
        roles: tuple[Role, ...] = (Role.FACILITIES,),
        reason: Reason = Reason.OUTAGE_OVER,
    ) -> None:
        """Have notices of the mains decided; nothing is on record yet."""
        about = {"began_at": T0.isoformat(), "ended_at": T0.isoformat()}
        for key in keys or ("k",):
            owed = Notice(key, self.now, "maple", reason, roles, None, None, about | {"minutes": "60"})
            self.service.world.changes.notices.append(owed)

    def commit(self) -> None:
        """As the daemon does it, but for what troubles bring about by themselves."""
        self.service.commit(self.now)

    def turn(self, after: timedelta = timedelta(0)) -> None:
        """Let time pass, send what is due, and wait until every answer is on record."""
        self.now += after
        self.dispatch.send_due(self.now)
        while self.dispatch.in_hand:
            self._woken.get(timeout=WITHIN)
            self.dispatch.take_outcomes(self.now)
        self.commit()

    def hear(self) -> None:
        """Wait until somebody has something to say, and put it on record."""
        self._woken.get(timeout=WITHIN)
        self.dispatch.take_outcomes(self.now)
        self.turn()

    def settle(self) -> None:
        """Turn until nothing more is due now."""
        self.turn()
        while self.dispatch.next_at is not None and self.dispatch.next_at <= self.now:
            self.turn()

    def record(self, number: int = 1) -> dict[str, dict[str, Any]]:
        """The deliveries of a notice, by person; of several addresses the last."""
        return {each["person"]: each for each in self.deliveries(number)}

    def deliveries(self, number: int = 1) -> list[dict[str, Any]]:
        found = attempts.deliveries(self.service.connection, number)
        self.service.connection.rollback()
        return found

    def troubles(self) -> dict[str, str]:
        """Standing troubles of delivery: subject to note."""
        return {
            subject: kinds[TroubleKind.UNDELIVERABLE].note
            for subject, kinds in self.service.world.troubles.items()
            if TroubleKind.UNDELIVERABLE in kinds
        }


class Hook:
    """A plain web hook: what was posted to it, and what it answers next."""

    def __init__(self) -> None:
        self.heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.answers: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.heard.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(hook.answers.pop(0) if hook.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def settings(self) -> LastResort:
        return LastResort(url=f"http://{LOOPBACK}:{self._server.server_address[1]}/hook")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
