"""Posts what happens to tickets to a program of somebody's, as Standard Webhooks has it: one thread a hook.

Rule: it reads the committed rows of history after the one it has come to, posts one, and goes on once that is
accepted, so that a hook hears everything in order and what was not accepted again after growing pauses. How
far it is saved by whoever writes the store, later: what comes twice has the same id. No redirect is followed;
no log and no text has anything of the address but the host.
"""

import hmac
import json
import logging
import random
import threading
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from safetyd.notify.patience import is_lasting, pause
from safetyd.notify.request import Said, opener, post
from safetyd.setting_hooks import Webhook
from safetyd.store import replica
from safetyd.store.attempts import Answer, Result
from safetyd.store.database import Connection, open_for_reading
from safetyd.store.moments import moment
from safetyd.store.replica import Stream, TicketEvent
from safetyd.times import rfc3339, seconds_wished

TIMEOUT_S = 20.0
LONGEST_PAUSE_S, LONGEST_RETRY_AFTER_S = 600.0, 3600.0  # ours: what comes in order waits for what came first
TROUBLE_AFTER = timedelta(days=1)
_AT_ONCE = 100  # rows that are read
_EVERY_S = 1.0  # how often is looked for what is new
_AGAIN_S = 60.0  # after a fault of ours
_GONE = 410
_DIGITS = 32

log = logging.getLogger("safetyd.notify")
Ticket = Callable[[str], dict[str, Any] | None]


def target(hook: Webhook) -> str:
    """Return the name under which it is kept how far a hook is: another address is another hook."""
    return "webhook " + sha256(hook.url.get_secret_value().encode()).hexdigest()[:_DIGITS]


def message(event: TicketEvent, ticket: dict[str, Any]) -> str:
    """Return what is posted: a row of history, and its ticket as it is now."""
    row = next((each for each in ticket["history"] if each["hash"] == event.hash), None)
    said = {"type": f"ticket.{event.event}", "timestamp": rfc3339(moment(event.at))}
    return json.dumps({**said, "data": {"row": row, "ticket": ticket}}, separators=(",", ":"))


def headers(hook: Webhook, event: TicketEvent, body: str, at: datetime) -> dict[str, str]:
    """Return by what a message is known and believed; the id is the same whenever it is sent."""
    id = "evt_" + sha256(f"{target(hook)} {event.row} {event.hash}".encode()).hexdigest()[:_DIGITS]
    sent_at = f"{at.timestamp():.0f}"
    signature = hmac.digest(hook.key, f"{id}.{sent_at}.{body}".encode(), "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": sent_at,
        "webhook-signature": f"v1,{b64encode(signature).decode()}",
    }


def pause_s(failures: int) -> float:
    """Return how long to wait after a failed attempt, when so many were before it."""
    return min(LONGEST_PAUSE_S, pause(failures, random.random()).total_seconds())


def wait_s(said: Said, pause_s: float, now: datetime) -> float | None:
    """Return how long to wait for what was not accepted: the pause, or longer if asked to; None for ever."""
    if said.status == _GONE:
        return None
    return max(pause_s, min(LONGEST_RETRY_AFTER_S, seconds_wished(said.retry_after, now)))


class Caller:
    """The thread of a hook.

    Any other may read `reached`, the row up to which all is told, None while nobody knows; and `fault`, what
    a person is to mend, None while nobody knows, "" if nothing.
    """

    def __init__(
        self,
        hook: Webhook,
        store_url: str,
        now: Callable[[], datetime],
        ticket: Ticket,
        pauses: Callable[[int], float] = pause_s,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`ticket` returns one as the outside sees it, None if there is none; it may take its time."""
        self.reached: int | None = None
        self.fault: str | None = None
        self.hook = hook
        self._store_url = store_url
        self._now = now
        self._ticket = ticket
        self._pauses = pauses
        self._timeout_s = timeout_s
        self._opener = opener(follows=False)
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"webhook {hook.name}", daemon=True)

    def start(self) -> None:
        """Begin to post, unless that has begun."""
        if not self._thread.is_alive() and not self._is_ended.is_set():
            self._thread.start()

    def stop(self, within_s: float = 0.0) -> None:
        """End soon; what is being sent may arrive, and is sent again by the next start."""
        self._is_ended.set()
        if within_s and self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._is_ended.is_set():
            try:
                with closing(open_for_reading(self._store_url)) as connection:
                    self._follow(connection)
            except Exception:  # a fault of ours must not end it for ever
                log.exception("web hook %s: failed; again in a while", self.hook.name)
                self._is_ended.wait(_AGAIN_S)

    def _follow(self, connection: Connection) -> None:
        while not self._is_ended.is_set():
            if self.reached is None:
                self.reached = replica.begun(connection, target(self.hook), Stream.TICKET_EVENT)
            found = []
            if self.reached is not None:
                found = replica.ticket_events(connection, self.reached, _AT_ONCE)
            connection.rollback()  # what is read for long keeps the store's log from being folded in
            for event in found:
                if not self._tell(event):
                    return
                self.reached = event.row
            if not found:
                self._is_ended.wait(_EVERY_S)

    def _tell(self, event: TicketEvent) -> bool:
        """Post an event until it is accepted, if the hook wants it; return False if we end before that."""
        hook = self.hook
        if hook.buildings and event.building not in hook.buildings:
            return True
        if hook.events and event.event not in hook.events:
            return True
        ticket = self._ticket(event.ticket)
        if self._is_ended.is_set():
            return False
        return ticket is None or self._post(event, message(event, ticket))

    def _post(self, event: TicketEvent, body: str) -> bool:
        failures = 0
        while not self._is_ended.is_set():
            now = self._now()
            given = headers(self.hook, event, body, now)
            said = post(self._opener, self.hook.url.get_secret_value(), body, given, self._timeout_s)
            if said.is_accepted:
                if failures:
                    log.warning("web hook %s: takes what is sent again", self.hook.name)
                self.fault = ""
                return True
            if not failures:
                log.warning("web hook %s: %s; trying again", self.hook.name, said.words)
            self.fault = _fault(said, failures, now - moment(event.at)) or self.fault
            self._is_ended.wait(wait_s(said, self._pauses(failures), now))
            failures += 1
        return False


def _fault(said: Said, failures: int, waited: timedelta) -> str:
    if said.status == _GONE:
        return (
            "it wants to hear no more (410); take it out of safetyd.toml, or start safetyd anew once it does:"
            " what it has not heard is kept"
        )
    is_refused = is_lasting(Answer(Result.FAILED, said.words, said.status), failures)
    if waited < TROUBLE_AFTER and not is_refused:
        return ""
    return f"it takes nothing: {said.words}; look at it and at its url and secret; all is kept until then"
