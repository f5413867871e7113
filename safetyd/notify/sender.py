"""Hands notices to the people's addresses, and the only door to apprise.

Rule: each address has a thread of its own while it has work, so that a dead or slow one holds up no other.
What became of an attempt is reported to whoever keeps the record; nothing is decided here.
"""

import logging
import queue
import threading
from collections.abc import Callable
from typing import NamedTuple

from safetyd.store.outbox import Delivery

_IDLE_SECONDS = 30.0
_TIMEOUT_SECONDS = 60
_ANSWER_CHARACTERS = 300

log = logging.getLogger("safetyd.notify")


class Outcome(NamedTuple):
    """What became of one attempt."""

    delivery: Delivery
    accepted: bool
    answer: str


class Sender:
    """Threads that send, one an address."""

    def __init__(self, report: Callable[[Outcome], None]) -> None:
        self._report = report
        self._queues: dict[str, queue.SimpleQueue[tuple[Delivery, str]]] = {}
        self._lock = threading.Lock()

    def send(self, delivery: Delivery, address: str) -> None:
        """Take an attempt; its outcome is reported from another thread."""
        with self._lock:
            waiting = self._queues.get(address)
            if waiting is None:
                waiting = self._queues[address] = queue.SimpleQueue()
                threading.Thread(
                    target=self._work, args=(address, waiting), name="sender", daemon=True
                ).start()
            waiting.put((delivery, address))

    def _work(self, address: str, waiting: "queue.SimpleQueue[tuple[Delivery, str]]") -> None:
        while True:
            try:
                delivery, url = waiting.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if waiting.empty():
                        del self._queues[address]
                        return
                continue
            accepted, answer = attempt(url, delivery.title, delivery.text)
            self._report(Outcome(delivery, accepted, answer))


def attempt(url: str, title: str, text: str) -> tuple[bool, str]:
    """Send one message to one address; return whether the next hop accepted it, and what it said."""
    import apprise

    try:
        one = apprise.Apprise()
        if not one.add(url):
            return False, "the address is not understood by apprise"
        for service in one:
            service.request_rate_per_sec = 0  # it would sleep between messages; pauses are our business
        result = one.notify(body=text, title=title, timeout=_TIMEOUT_SECONDS)
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
    if result:
        return True, "accepted"
    said = [entry.message for entry in result.logs()]
    return False, (said[-1] if said else "not accepted")[:_ANSWER_CHARACTERS]


def warm_up() -> None:
    """Load what the first notice needs, aside."""

    def load() -> None:
        import apprise

        log.debug("apprise %s is ready", apprise.__version__)

    threading.Thread(target=load, name="warm-up", daemon=True).start()
