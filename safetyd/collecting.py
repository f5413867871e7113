"""Keeps a copy of each gateway's record at a centre, and takes people's commands down to them: one thread.

Rule: a copy says what it holds whenever it has taken a piece in, and once a minute; nothing else makes a
gateway send. What is acknowledged is committed. A command waits in its copy's inbox, is sent until it is
answered, and its answer stands there like everybody's. What does not fit is told, and its piece kept aside.
"""

import logging
import os
import resource
import selectors
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import TypeVar

import msgspec

from safetyd.clock import Clock
from safetyd.core.afar import Cause
from safetyd.core.errors import SafetydError
from safetyd.core.model import Place, TroubleKind
from safetyd.ingest.message import Message
from safetyd.ingest.mqtt import Link
from safetyd.rolled_copies import RolledCopy
from safetyd.service import Service
from safetyd.setting_centre import Gateway
from safetyd.settings import Settings
from safetyd.site import Site
from safetyd.store import bidden, copy_of, inbox, receiving
from safetyd.store.database import Connection, StoreError, undone_on_failure, writer_lock
from safetyd.store.moments import micros
from safetyd.store.receiving import MisfitError
from safetyd.store.shipment import Bid, Piece, ShipmentError, read_answer, unpacked, written

SUBJECT = "[[gateways]] "
SAY_EVERY_S = 60.0
UNHEARD_S = 600.0  # after which a record that does not come is told
HALTED_S = 600.0  # until rows that did not fit are asked for again
LONGEST_PAUSE_S = 3600.0  # between two times that a command is sent
MOST_BYTES = 1024 * 1024  # of a command: what brokers carry
_LOOK_S, _AT_WORK_S, _AT_ONCE = 0.25, 0.01, 20
_LOOK_ANYWAY_S = 5.0  # the clock of files is coarse
_FILES, _FILES_OF_ONE = 1024, 10  # that may be open: of all else, and of one copy
_TOO_LARGE = "it is too large for the way there (at most 1 MiB); attach the file at the gateway itself"

log = logging.getLogger("safetyd.collecting")
T = TypeVar("T")


class Copy:
    """One gateway's copy while it is open; the thread's own."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self.gateway = gateway
        self.fault = ""
        self.heard_s = time.monotonic()
        self.connection: Connection | None = None
        self._clock = clock
        self._halted_until = 0.0
        self._name, self._content = "", b""
        self._log, self._written, self._look_at_s = f"{gateway.copy}-wal", -1, 0.0
        self._sent: dict[str, tuple[float, float]] = {}

    def open(self) -> Connection:
        """Return the connection, opened at the first time."""
        if self.connection is None:
            self.gateway.copy.parent.mkdir(parents=True, exist_ok=True)
            self.connection = receiving.open_copy_of(self.gateway.name, self.gateway.url)
        return self.connection

    def held(self) -> bytes:
        """Return what the copy holds, as it is said."""
        connection = self.open()
        try:
            file = (self._name, len(self._content)) if self._content else None
            return written(receiving.held(connection, file, is_halted=self._is_halted))
        finally:
            connection.rollback()

    @property
    def _is_halted(self) -> bool:
        return time.monotonic() < self._halted_until

    def take(self, payload: bytes) -> bool:
        """Take a piece in; return whether it fitted, else `fault` says why not."""
        connection = self.open()
        try:
            piece = unpacked(payload)
            self.heard_s = time.monotonic()
            self._note(connection, piece)
            receiving.take(connection, piece)
            self._take_chunk(connection, piece)
        except (MisfitError, ShipmentError) as error:
            self.fault, self._halted_until = str(error), time.monotonic() + HALTED_S
            with suppress(OSError):
                self.gateway.copy.with_name(f"{self.gateway.copy.name}.refused").write_bytes(payload)
            return False
        if not self._is_halted:
            self.fault = ""
        for key, (_, pause_s) in self._sent.items():  # it is there: what it has not answered it did not get
            self._sent[key] = (0.0, pause_s)
        return True

    def bids(self) -> list[bytes]:
        """Return the commands that are to be sent now."""
        connection, now_s = self.open(), time.monotonic()
        if not self._may_have_more(now_s):
            return []
        waiting = bidden.waiting(connection)
        connection.rollback()
        self._sent = {each.key: self._sent.get(each.key, (0.0, SAY_EVERY_S / 2)) for each in waiting}
        made = []
        for each in waiting:
            due_s, pause_s = self._sent[each.key]
            if now_s < due_s:
                continue
            if len(each.body) > MOST_BYTES:
                self._answered(each.number, msgspec.json.encode({"refused": _TOO_LARGE}).decode())
                continue
            self._sent[each.key] = now_s + pause_s, min(pause_s * 2, LONGEST_PAUSE_S)
            made.append(written(Bid(each.key, msgspec.json.decode(each.body))))
        return made

    def _may_have_more(self, now_s: float) -> bool:
        """Return whether a command may have been left, or is to be sent again, without asking the store."""
        try:
            written = os.stat(self._log).st_mtime_ns
        except OSError:
            written = 0
        is_due = any(due_s <= now_s for due_s, _ in self._sent.values())
        if written == self._written and now_s < self._look_at_s and not is_due:
            return False
        self._written, self._look_at_s = written, now_s + _LOOK_ANYWAY_S
        return True

    def take_answer(self, payload: bytes) -> None:
        """Put an answer of the gateway where whoever asked looks for it."""
        said, connection = read_answer(payload), self.open()
        waiting = bidden.waiting(connection)
        connection.rollback()
        for each in waiting:
            if each.key == said.key:
                self._answered(each.number, said.answer)

    def close(self) -> None:
        """Let go of it."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _answered(self, number: int, answer: str) -> None:
        connection = self.open()
        with undone_on_failure(connection):
            inbox.answer(connection, number, answer)
            connection.commit()

    def _note(self, connection: Connection, piece: Piece) -> None:
        heard = {"head": piece.head, "newest": piece.newest, "at": piece.at, "heard": micros(self._clock())}
        with undone_on_failure(connection):
            copy_of.note(connection, heard)
            connection.commit()

    def _take_chunk(self, connection: Connection, piece: Piece) -> None:
        chunk = piece.file
        if chunk is None:
            return
        content = self._content if chunk.sha256 == self._name else b""
        if chunk.offset != len(content):
            return
        self._name, self._content = chunk.sha256, content + chunk.content
        if len(self._content) < chunk.size:
            return
        whole, self._content = self._content, b""
        if sha256(whole).hexdigest() != chunk.sha256:
            raise MisfitError(f"file {chunk.sha256} is not what its note says of it")
        with undone_on_failure(connection):
            receiving.keep_file(connection, chunk.sha256, whole)


class Collecting:
    """The thread that listens to gateways, where there are any; the loop tells of what does not fit."""

    def __init__(self, settings: Settings, service: Service, clock: Clock, sites: Mapping[str, Site]) -> None:
        """`sites` are what the site files of the gateways say."""
        self._sites = sites
        self._rolled: list[tuple[Copy, RolledCopy]] = []
        self._service = service
        self._settings = settings
        self._told: dict[str, str] = {}
        self._copies = {f"{each.root}/{{}}/{each.name}": Copy(each, clock) for each in settings.gateways}
        self._by_topic = {
            topic.format(kind): (kind, topic) for topic in self._copies for kind in ("record", "answer")
        }
        self._is_ended = threading.Event()
        self._clock = clock
        self._link: Link | None = None
        self._say_at_s = self._look_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name="collecting", daemon=True)
        if self._copies:
            self._thread.start()

    def complain(self, now: datetime) -> None:
        """Note what does not fit, or that it does again."""
        for copy in self._copies.values():
            fault = copy.fault or self._unheard(copy)
            subject = SUBJECT + copy.gateway.name
            if fault != self._told.get(subject, ""):
                self._told[subject] = fault
                self._service.complain(
                    subject, self._place(copy.gateway), TroubleKind.CONFIGURATION, fault, now
                )

    def _unheard(self, copy: Copy) -> str:
        """Return that nothing of a record comes although its gateway is well; nothing if it does."""
        known = self._service.world.afar.get(self._place(copy.gateway).building)
        if time.monotonic() < copy.heard_s + UNHEARD_S or known is None or known.cause is not Cause.WELL:
            return ""
        return (
            f"{copy.gateway.name} is there, and nothing comes of its record; look at [centre] in its"
            " safetyd.toml and at the topics of its bridge"
        )

    def stop(self) -> None:
        """Listen no more; what is not acknowledged comes again."""
        self._is_ended.set()
        if self._copies:
            self._thread.join(10)

    def _place(self, gateway: Gateway) -> Place:
        buildings = self._service.site.buildings
        theirs = [each.id for each in buildings if each.outpost and each.outpost.gateway == gateway.name]
        return Place(next(iter([*theirs, *(each.id for each in buildings)]), ""), None)

    def _run(self) -> None:
        while not self._is_ended.is_set():
            try:
                with ExitStack() as open_while_running:
                    self._listen(open_while_running)
            except Exception:  # a fault of ours must not make it stop for ever
                log.exception("gateways are not listened to; trying again in a minute")
                self._is_ended.wait(SAY_EVERY_S)

    def _listen(self, stack: ExitStack) -> None:
        _allow_files(len(self._copies) * _FILES_OF_ONE)
        self._rolled.clear()
        for copy in self._copies.values():
            self._guarded(copy, partial(self._begin, stack, copy))
        mqtt = self._settings.mqtt
        self._link = link = Link(mqtt, list(self._by_topic), self._clock, f"{mqtt.client_id}-centre")
        link.on_connected = self._soon
        stack.callback(link.close)
        while not self._is_ended.is_set():
            link.tend()
            self._wait(link)
            received = link.receive(_AT_ONCE)
            for each in received:
                self._take(each.message)
            link.acknowledge(received)
            for copy, rolled in () if received else self._rolled:
                self._guarded(copy, rolled.tend)
            if link.is_connected:
                self._say()

    def _begin(self, stack: ExitStack, copy: Copy) -> None:
        connection = copy.open()
        stack.callback(copy.close)
        if not stack.enter_context(writer_lock(copy.gateway.url)):
            raise StoreError(f"{copy.gateway.copy}: another safetyd writes this copy; end that one")
        site = self._sites.get(copy.gateway.name)
        if site is not None:
            rolled = RolledCopy(copy.gateway, site, self._settings, connection)
            stack.callback(rolled.close)
            self._rolled.append((copy, rolled))

    def _wait(self, link: Link) -> None:
        connected = link.socket()
        pause_s = _AT_WORK_S if any(each.is_at_work for _, each in self._rolled) else _LOOK_S
        if connected is None:
            self._is_ended.wait(pause_s)
        elif not link.has_more:
            with selectors.DefaultSelector() as waiting:
                write = selectors.EVENT_WRITE if link.wants_to_write else 0
                waiting.register(connected, selectors.EVENT_READ | write)
                waiting.select(pause_s)

    def _soon(self) -> None:
        self._say_at_s = 0.0

    def _take(self, message: Message) -> None:
        kind, topic = self._by_topic.get(message.topic, ("", ""))
        copy = self._copies.get(topic)
        if copy is None or not message.payload:
            return
        if kind == "answer":
            self._guarded(copy, partial(copy.take_answer, message.payload))
        elif self._guarded(copy, partial(copy.take, message.payload)):
            self._say_held(topic, copy)

    def _say(self) -> None:
        """Say what each copy holds, if it is time, and what people want of its gateway."""
        if time.monotonic() < self._look_at_s:
            return
        self._look_at_s = time.monotonic() + _LOOK_S
        is_time = time.monotonic() >= self._say_at_s
        if is_time:
            self._say_at_s = time.monotonic() + SAY_EVERY_S
        for topic, copy in self._copies.items():
            if is_time:
                self._say_held(topic, copy)
            for bid in self._guarded(copy, copy.bids) or ():
                self._publish(topic, "command", bid)

    def _say_held(self, topic: str, copy: Copy) -> None:
        held = self._guarded(copy, copy.held)
        if held and self._link is not None:
            # At QoS 0, which no broker keeps for a bridge that is away: the retained one waits for it there.
            self._link.publish(topic.format("have"), held, retain=True, qos=0)

    def _publish(self, topic: str, kind: str, payload: bytes) -> None:
        if self._link is not None:
            self._link.publish(topic.format(kind), payload)

    def _guarded(self, copy: Copy, do: Callable[[], T]) -> T | None:
        """Return what comes of it, None where the copy's own store will not have it."""
        try:
            return do()
        except (SafetydError, OSError) as error:
            copy.fault = str(error)
            log.warning("gateway %s: %s", copy.gateway.name, error)
        except Exception:  # what one gateway sends must not stop the copies of the others
            copy.fault = "what it sent could not be taken; please report this"
            log.exception("gateway %s", copy.gateway.name)
            if copy.connection is not None:
                copy.connection.rollback()
        return None


def _allow_files(more: int) -> None:
    """Let this process open so many files more, as far as the system lets it."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY:
        wanted = max(allowed, _FILES + more)
        wanted = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
