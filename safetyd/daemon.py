"""Opens everything and runs the loop: the broker, the inbox, the due times, and nothing in between.

Rule: one thread decides and writes. It sleeps until a message, a command, an outcome or a due time; readings
wait a little for company, decisions do not, and only what is committed is acknowledged.
"""

import gc
import json
import logging
import os
import selectors
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from safetyd.bulletin import Bulletin, remembered
from safetyd.clock import Clock
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.core.model import Place, TroubleKind
from safetyd.dispatch import Dispatch
from safetyd.ingest.mqtt import Link, Received
from safetyd.ingest.topics import subscriptions
from safetyd.service import Service
from safetyd.settings import Mqtt
from safetyd.site import Site
from safetyd.store import inbox
from safetyd.store.database import StoreError, open_for_reading, open_for_writing
from safetyd.vitals import Vitals

LOOK_EVERY = 0.25  # seconds: how soon a command of another process is seen
_BATCH = 1000
_GARBAGE_THRESHOLD = 20_000  # readings make no cycles: looking for them ten times as often only costs
_SWITCH_SECONDS = 0.0005  # a sender that waits for the interpreter is a notice that waits
_STORE_PAUSE = 1.0  # seconds between attempts to write what could not be written

log = logging.getLogger("safetyd")


class Daemon:
    """Everything that is open while safetyd runs. The caller holds the writer's lock."""

    def __init__(
        self, loaded: Loaded, clock: Clock, on_commit: Callable[[Service], None] | None = None
    ) -> None:
        settings = loaded.settings
        self.clock = clock
        self.service = Service(open_for_writing(settings.store.url), loaded.site, settings.mqtt.root, clock())
        self.link = Link(settings.mqtt, _filters(loaded.site, settings.mqtt), clock)
        self._settings = settings
        self._on_commit = on_commit or (lambda _: None)
        self._commit_every = settings.store.commit_every.total_seconds()
        self._unacknowledged: list[Received] = []
        self._waiting_since: float | None = None
        self._store_retry_at = 0.0
        self._store_trouble = ""
        self._reader = open_for_reading(settings.store.url)
        self._data_version = 0
        self._looked_at = 0.0
        self._answers: dict[int, str] = {}
        self._stopping = False
        self._reload: Callable[[], Loaded] | None = None
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Any, int] = {}
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_out, False)
        os.set_blocking(self._wake_in, False)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self.dispatch = Dispatch(self.service, self._wake, settings.web.public_url, settings.last_resort)
        self.dispatch.look(clock())
        self._bulletin = Bulletin(self.service, self.link, settings.mqtt, clock)
        self.link.on_connected = self._bulletin.everything
        self.vitals = Vitals(self.service, settings, clock)

    def stop(self) -> None:
        """End the loop soon; may be called from a signal or another thread."""
        self._stopping = True
        self._wake()

    def reload(self, load: Callable[[], Loaded]) -> None:
        """Read the site anew at the next turn of the loop."""
        self._reload = load
        self._wake()

    def run(self) -> None:
        """Run until stopped, then leave everything as the next start wants it."""
        gc.freeze()  # what is loaded by now lives as long as we do
        gc.set_threshold(_GARBAGE_THRESHOLD)
        sys.setswitchinterval(_SWITCH_SECONDS)
        self.vitals.wake()
        while not self._stopping:
            self.turn()
        with suppress(StoreError):
            self.vitals.beat(is_last=True)
            self.service.save_all(self.clock())
            self.link.acknowledge(self._unacknowledged)
        self.link.close()
        self.close()
        self.vitals.close()

    def close(self) -> None:
        """Let go of everything that is open."""
        self._reader.close()
        self.service.connection.close()
        self._selector.close()
        os.close(self._wake_out)
        os.close(self._wake_in)

    def turn(self) -> None:
        """Wait for something to happen, and do what it calls for."""
        self.link.tend()
        self._watch_sockets()
        for key, _ in self._selector.select(self._pause()):
            if key.fd == self._wake_out:
                with suppress(BlockingIOError):
                    os.read(self._wake_out, 4096)
        try:
            self._work()
        except StoreError as error:
            self._store_failed(error)
        self.vitals.tell_outside(self._store_trouble, has_broker=self.link.socket() is not None)

    def _work(self) -> None:
        if self._store_trouble:  # the same transaction first, after a while
            if time.monotonic() < self._store_retry_at:
                return
            self._commit()
        self._take_messages()
        self.vitals.tend()
        self._take_commands()
        if self._reload is not None:
            self._take_site()
        self.service.elapse(self.clock())
        if self.dispatch.take_outcomes(self.clock()) or self._must_commit():
            self._commit()
        self._bulletin.tend()
        if not self.service.is_waiting:
            self.dispatch.send_due(self.clock())

    def _pause(self) -> float:
        if self._store_trouble:
            return LOOK_EVERY
        if self.link.has_more:
            return 0.0
        now = self.clock()
        waits = [LOOK_EVERY, *self.vitals.seconds_to_next(now)]
        for at in (self.service.next_due(), self.dispatch.next_at):
            if at is not None:
                waits.append((at - now).total_seconds())
        if self._waiting_since is not None:
            waits.append(self._waiting_since + self._commit_every - time.monotonic())
        retry = self.link.seconds_to_retry()
        if retry is not None:
            waits.append(retry)
        return max(0.0, min(waits))

    def _watch_sockets(self) -> None:
        """Wait on the connections there are now, for writing only while something waits to be written.

        While the store is away nothing is read, so nothing is waited for: it would only wake us. What is gone
        is let go first: a new connection may have the number of an old one.
        """
        wanted: dict[Any, int] = {}
        for peer in () if self._store_trouble else (self.link, self.vitals.upsd):
            socket = None if peer is None else peer.socket()
            if peer is not None and socket is not None:
                write = selectors.EVENT_WRITE if peer.wants_to_write else 0
                wanted[socket] = selectors.EVENT_READ | write
        for socket in [each for each in self._watched if each not in wanted]:
            with suppress(KeyError, ValueError):
                self._selector.unregister(socket)
        for socket, events in wanted.items():
            if socket not in self._watched:
                self._selector.register(socket, events)
            elif self._watched[socket] != events:
                self._selector.modify(socket, events)
        self._watched = wanted

    def _take_messages(self) -> None:
        received = self.link.receive(_BATCH)
        for position, item in enumerate(received):
            if self._bulletin.is_ours(item.message):
                if item.mid:
                    self._unacknowledged.append(item)
                continue
            try:
                self.service.take(item.message)
            except StoreError:
                self.link.put_back(received[position:])
                raise
            except Exception:  # a fault of ours must not make one message stop the watch for ever
                log.exception("a message on %s could not be judged; it is kept", item.message.topic)
                self.service.set_aside(item.message)
            self._unacknowledged.append(item)

    def _must_commit(self) -> bool:
        if self.service.has_decision:
            return True
        if self.vitals.must_beat:
            return True
        if not self.service.is_waiting and not self._unacknowledged:
            return False
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
        if len(self._unacknowledged) >= self.link.in_flight:
            return True
        return time.monotonic() - self._waiting_since >= self._commit_every

    def _commit(self) -> None:
        """Make it durable, then acknowledge; what cannot be written is kept and tried again."""
        now, changes, touched = self.clock(), self.service.world.changes, set(self.service.touched)
        with self.service.writing() as connection:
            for number, text in self._answers.items():
                inbox.answer(connection, number, text)
        self.vitals.beat()
        self.service.commit(now)
        self._answers.clear()
        if self._store_trouble:
            log.warning("store: can be written again")
            self._store_trouble = ""
        self.link.acknowledge(self._unacknowledged)
        self._unacknowledged.clear()
        self._waiting_since = None
        if changes.notices:
            self.dispatch.look(now)
            self.dispatch.send_due(now)  # people first
        self._bulletin.tickets(changes.ticket_ids())
        self._bulletin.places(touched)
        self._on_commit(self.service)

    def _store_failed(self, error: StoreError) -> None:
        self._store_retry_at = time.monotonic() + _STORE_PAUSE
        if self._store_trouble != str(error):
            log.error("%s; nothing is acknowledged until it can be", error)
        self._store_trouble = str(error)
        self.dispatch.look(self.clock())

    def _take_commands(self) -> None:
        """Carry out what other processes left in the inbox, each in a transaction with its answer."""
        if time.monotonic() - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = time.monotonic()
        version = self._reader.exec_driver_sql("PRAGMA data_version").scalar() or 0
        found = inbox.unanswered(self._reader) if version != self._data_version else []
        self._reader.rollback()
        for number, body in found:
            if number not in self._answers:
                self._answer(number, json.loads(body))
        self._data_version = version

    def _answer(self, number: int, said: dict[str, Any]) -> None:
        now = self.clock()
        try:
            ticket = self.service.command(said, now)
            answer: dict[str, Any] = {"ticket": ticket.id if ticket else None}
        except SafetydError as error:
            answer = {"refused": str(error)}
        except Exception:  # a fault of ours must not make one command stop the watch for ever
            log.exception("a command could not be carried out: %s", said)
            answer = {"refused": "safetyd failed on it; please report this"}
        self._answers[number] = json.dumps(answer)
        self._commit()

    def _take_site(self) -> None:
        load, self._reload = self._reload, None
        assert load is not None
        now = self.clock()
        subject, place = "site file", Place(next((b.id for b in self.service.site.buildings), ""), None)
        try:
            site = load().site
        except SafetydError as error:
            log.error("the site file was not taken:\n%s", error)
            self.service.complain(subject, place, TroubleKind.CONFIGURATION, str(error), now)
            return
        self.service.complain(subject, place, TroubleKind.CONFIGURATION, "", now)
        self.service.take_site(site, now)
        self.dispatch.take_site(site)
        self.link.subscribe(_filters(site, self._settings.mqtt))
        self._bulletin.announce()
        log.info("the site file was taken anew")

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._wake_in, b"!")


def _filters(site: Site, settings: Mqtt) -> list[str]:
    """Every reading of a site, and what the broker remembers of us."""
    return [*subscriptions(site, settings.root), *remembered(settings)]
