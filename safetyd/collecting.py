"""Keeps a copy of each gateway's record at a centre, and takes people's commands down to them: one thread.

Rule: a copy says what it holds whenever it has taken a piece in, and once a minute; nothing else makes a
gateway send. What is acknowledged is committed. A command waits in its copy's inbox, is sent until it is
answered, and its answer stands there like everybody's. What does not fit is told, and its piece kept aside.
"""

import logging
import resource
import selectors
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import TypeVar

from safetyd.clock import Clock
from safetyd.core.afar import Cause
from safetyd.core.errors import SafetydError
from safetyd.core.model import Place, TroubleKind
from safetyd.gateway_copy import SAY_EVERY_S, Copy
from safetyd.ingest.message import Message
from safetyd.ingest.mqtt import Link
from safetyd.rolled_copies import RolledCopy
from safetyd.service import Service
from safetyd.setting_centre import Gateway
from safetyd.settings import Settings
from safetyd.site import Site
from safetyd.store.database import StoreError, writer_lock

SUBJECT = "[[gateways]] "
UNHEARD_S = 600.0  # after which a record that does not come is told
_LOOK_S, _AT_WORK_S, _AT_ONCE = 0.25, 0.01, 20
_FILES, _FILES_OF_ONE = 1024, 10  # that may be open: of all else, and of one copy

log = logging.getLogger("safetyd.collecting")
T = TypeVar("T")


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
        self._kept: dict[str, Copy] = {}  # by topic, those whose writer we are
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
        stack.callback(self._kept.clear)
        self._begin_all(stack)
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
                self._say(stack)

    def _begin_all(self, stack: ExitStack) -> None:
        """Begin with the copies that are not ours yet."""
        for topic, copy in self._copies.items():
            if topic not in self._kept:
                self._guarded(copy, partial(self._begin, stack, topic, copy))

    def _begin(self, stack: ExitStack, topic: str, copy: Copy) -> None:
        with ExitStack() as tried:
            tried.callback(copy.close)
            connection = copy.open()
            if not tried.enter_context(writer_lock(copy.gateway.url)):
                raise StoreError(f"{copy.gateway.copy}: another safetyd writes this copy; end that one")
            site = self._sites.get(copy.gateway.name)
            rolled = None if site is None else RolledCopy(copy.gateway, site, self._settings, connection)
            stack.enter_context(tried.pop_all())
        self._kept[topic], copy.fault = copy, ""
        if rolled is not None:
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
        copy = self._kept.get(topic)
        if copy is None or not message.payload:
            return
        if kind == "answer":
            self._guarded(copy, partial(copy.take_answer, message.payload))
        elif self._guarded(copy, partial(copy.take, message.payload)):
            self._say_held(topic, copy)

    def _say(self, stack: ExitStack) -> None:
        """Say what each copy holds, if it is time, and what people want of its gateway."""
        if time.monotonic() < self._look_at_s:
            return
        self._look_at_s = time.monotonic() + _LOOK_S
        is_time = time.monotonic() >= self._say_at_s
        if is_time:
            self._say_at_s = time.monotonic() + SAY_EVERY_S
            self._begin_all(stack)
        for topic, copy in self._kept.items():
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
