"""Has web hooks told what happens to tickets: starts who tells each, and saves how far it is.

Rule: nothing here waits for anybody, but for a moment at the end. A hook begins with what is committed
together with its first mention in the store; what its thread has come to is written with whatever is
committed anyway. Only the loop knows how a ticket stands, so that it shapes one when a hook's thread asks.
"""

import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from safetyd.clock import Clock
from safetyd.core.model import Place, TroubleKind
from safetyd.notify.webhook import Caller, target
from safetyd.objects import ticket_object
from safetyd.service import Service
from safetyd.settings import Settings
from safetyd.store import ledger, replica
from safetyd.store.database import Connection, when_undone
from safetyd.store.replica import Stream

SUBJECT = "[[webhook]] "
_LOOK_S = 1.0
_ANSWER_S = 1.0  # for what was just told, at the end

Shown = dict[str, Any] | None


class Calling:
    """Who tells each hook. `ring` wakes the loop; `reader` is the loop's own connection to look with."""

    def __init__(
        self,
        settings: Settings,
        service: Service,
        reader: Connection,
        clock: Clock,
        ring: Callable[[], None],
        caller: Callable[..., Caller] = Caller,
    ) -> None:
        self._service = service
        self._reader = reader
        self._ring = ring
        self._is_ended = threading.Event()
        self._wanted: queue.SimpleQueue[tuple[str, queue.SimpleQueue[Shown]]] = queue.SimpleQueue()
        self._callers = [caller(each, settings.store.url, clock, self._ask) for each in settings.webhook]
        self._written: dict[str, int] = {}
        when_undone(service.connection, lambda _: self._written.clear())
        self._told: dict[str, str] = {}
        self._is_tidy = False

    def write(self, connection: Connection, now: datetime) -> None:
        """Write how far each hook is into the transaction that is about to be committed."""
        if not self._is_tidy:
            self._is_tidy = True
            self._forget_others(now)
        for caller in self._callers:
            name, reached = target(caller.hook), caller.reached
            if reached is None:
                replica.begin(connection, name, Stream.TICKET_EVENT)
                caller.start()
            elif self._written.get(name) != reached:
                replica.mark_copied(connection, name, {Stream.TICKET_EVENT: reached}, (), now)
                self._written[name] = reached
            fault, subject = caller.fault, SUBJECT + caller.hook.name
            if fault is not None and fault != self._told.get(subject):
                self._told[subject] = fault
                self._complain(subject, fault, now)

    def tend(self, now: datetime) -> None:
        """Shape the tickets that are asked for."""
        for _ in self._callers:
            try:
                id, answer = self._wanted.get_nowait()
            except queue.Empty:
                return
            answer.put(self._shown(id, now))

    def stop(self) -> None:
        """Tell nobody any more; what was just told is given a moment to be answered, else it comes again."""
        self._is_ended.set()
        for caller in self._callers:
            caller.stop()
        give_up_at = time.monotonic() + _ANSWER_S
        for caller in self._callers:
            caller.stop(max(0.0, give_up_at - time.monotonic()))

    def _ask(self, id: str) -> Shown:
        """Return a ticket to the thread of a hook, once the loop has shaped it; None if we end before."""
        answer: queue.SimpleQueue[Shown] = queue.SimpleQueue()
        self._wanted.put((id, answer))
        if not self._is_ended.is_set():
            self._ring()
        while not self._is_ended.is_set():
            try:
                return answer.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
        return None

    def _shown(self, id: str, now: datetime) -> Shown:
        service, ticket = self._service, self._service.world.tickets.get(id)
        if ticket is None:
            return None
        history = ledger.history(self._reader, id)
        self._reader.rollback()
        return ticket_object(service.world, service.facts, ticket, history, now)

    def _forget_others(self, now: datetime) -> None:
        """End the troubles of hooks that are no more."""
        ours = {SUBJECT + each.hook.name for each in self._callers}
        for subject in [each for each in self._service.world.troubles if each.startswith(SUBJECT)]:
            if subject not in ours:
                self._complain(subject, "", now)

    def _complain(self, subject: str, fault: str, now: datetime) -> None:
        place = Place(next((each.id for each in self._service.site.buildings), ""), None)
        self._service.complain(subject, place, TroubleKind.CONFIGURATION, fault, now)
