"""The daemon's own life: its signs of life on disk and outside the building, and the UPS it lives on.

Rule: nothing here waits. A sign of life is written with whatever else is committed, at least every ten
seconds; the UPS is one more witness; whoever watches from outside is told why we are not well.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from safetyd.core.model import Place, TroubleKind
from safetyd.core.telling import last_words
from safetyd.ingest.message import Message
from safetyd.ingest.upsd import Upsd
from safetyd.notify.heartbeat import Heartbeat
from safetyd.service import Service
from safetyd.settings import Settings
from safetyd.store import beats
from safetyd.systemd import Systemd
from safetyd.timekeeper import Timekeeper

BEAT_SECONDS = 10.0
_AWAY_SECONDS = 60.0  # a broker that is back sooner is nobody's business
_FAULT_FOR = timedelta(seconds=10)  # a restarted upsd is back sooner
ANSWERS_SECONDS = 1.0  # at an end in order: what nobody knows the answer of comes twice
LAST_WORDS_SECONDS = 5.0  # for each way of saying them: nobody knows how long the battery lasts

log = logging.getLogger("safetyd")


class Vitals:
    """Holds the connection to the UPS and the thread that beats outside.

    `is_dying`: the UPS orders a shutdown. `heard` is what it said and nobody has taken in yet.
    """

    def __init__(self, settings: Settings, time: Timekeeper) -> None:
        self._service: Service | None = None
        self._time = time
        self._clock = time.clock
        self._beat_at = 0.0
        self._away_since: float | None = None
        self._fault_since: datetime | None = None
        self._fault = ""
        self._has_said_last_words = False
        self.is_dying = False
        self.heard: deque[Message] = deque()
        ups, heart = settings.ups, settings.heartbeat
        self._ups_place = Place(ups.building, None) if ups else None
        self._ups_key = f"{ups.building}/ups-{ups.name}" if ups else ""
        topic = f"{settings.mqtt.root}/power/{self._ups_key}"
        self.upsd = Upsd(ups.host, ups.port, ups.name, ups.every, self._clock, topic=topic) if ups else None
        self.heartbeat = Heartbeat(heart.url, heart.every) if heart else None
        self.besides: Callable[[], str] = lambda: ""  # what else whoever watches from outside is told
        self._systemd = Systemd(os.environ)

    def serve(self, service: Service) -> None:
        """Tell a service what happens from now on."""
        self._service = service

    @property
    def must_beat(self) -> bool:
        """Whether a sign of life is due on disk."""
        return time.monotonic() - self._beat_at >= BEAT_SECONDS

    def beat(self, service: Service, *, is_last: bool = False) -> None:
        """Write a sign of life into the transaction that is about to be committed, if one is due."""
        if is_last or self.must_beat:
            with service.writing() as connection:
                beats.give(connection, self._time.beat(is_last=is_last))
            self._beat_at = time.monotonic()

    def listen(self) -> None:
        """Hear what the UPS says, without taking it in."""
        if self.upsd is None:
            return
        self.heard.extend(self.upsd.tend(self._clock()))
        if self.upsd.is_dying and not self.is_dying:
            log.error("the UPS %s is about to order a shutdown", self._ups_key)
        self.is_dying = self.upsd.is_dying

    def tend(self, service: Service) -> None:
        """Take in what the UPS says."""
        self.listen()
        if self.upsd is None or self._ups_place is None:
            return
        while self.heard:
            service.take(self.heard[0])
            self.heard.popleft()
        now, fault = self._clock(), self.upsd.fault
        if self.is_dying and not self._has_said_last_words:
            buildings = [building.id for building in service.site.buildings]
            witness = self._ups_key.rpartition("/")[2]
            last_words(service.world, service.facts, buildings, self._ups_place, witness, now)
        self._has_said_last_words = self.is_dying
        if not fault:
            self._fault_since = None
        elif self._fault_since is None:
            self._fault_since = now
        elif now - self._fault_since >= _FAULT_FOR:
            service.complain(self._ups_key, self._ups_place, TroubleKind.SILENT, fault, now)

    def tell_outside(self, trouble: str, *, has_broker: bool, why: str = "") -> None:
        """Say that we live, or why we are not well; `why` there is no broker, where that is known."""
        if trouble:
            self._beat_at = float("-inf")  # the sign of life may be undone with all that was to be written
        deaf = "" if has_broker else "no connection to the broker" + (f" ({why})" if why else "")
        self._systemd.go_on("; ".join(filter(None, (trouble, deaf))), time.monotonic())
        if has_broker:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = time.monotonic()
        if self.heartbeat is None:
            return
        is_away = self._away_since is not None and time.monotonic() - self._away_since > _AWAY_SECONDS
        dying = "the UPS is nearly empty: safetyd will be gone at any moment" if self.is_dying else ""
        self.heartbeat.beat([trouble, "the broker is away" if is_away else "", dying, self.besides()])
        service = self._service
        # What is noted while the store is away could be taken for part of a commit that took place after all.
        if service is not None and not trouble and self.heartbeat.fault != self._fault:
            self._fault = self.heartbeat.fault
            place = Place(next((each.id for each in service.site.buildings), ""), None)
            service.complain("heartbeat", place, TroubleKind.UNDELIVERABLE, self._fault, self._clock())

    def seconds_to_next(self, now: datetime) -> Sequence[float]:
        """Return in how many seconds something is to be done here."""
        waits = [] if self._service is None else [self._beat_at + BEAT_SECONDS - time.monotonic()]
        if self.upsd is not None:
            waits.append((self.upsd.next_at - now).total_seconds())
        return waits

    def close(self) -> None:
        """Say good-bye; under an order of the UPS in so many words."""
        self._systemd.end()
        if self.upsd is not None:
            self.upsd.close()
        if self.heartbeat is None:
            return
        if self.is_dying:
            self.heartbeat.last_words("the UPS ordered a shutdown", LAST_WORDS_SECONDS)
        else:
            self.heartbeat.stop()
