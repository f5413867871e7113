"""Has the record followed, by InfluxDB and by web hooks: starts who does, and saves how far that is.

Rule: nothing here waits for anybody. What the follower has come to is written with whatever is committed
anyway, with every sign of life; losing it means that lines are sent twice, which are stored once.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from safetyd.calling import Calling
from safetyd.clock import Clock
from safetyd.collecting import Collecting
from safetyd.core.model import Place, TroubleKind
from safetyd.history.influx.follower import Follower
from safetyd.history.tails import sensors_of
from safetyd.ingest.message import Message
from safetyd.ingest.mqtt import Link
from safetyd.service import Service
from safetyd.settings import Settings
from safetyd.site import Site
from safetyd.store import replica
from safetyd.store.database import Connection
from safetyd.store.replica import Stream
from safetyd.uplink import Uplink

SUBJECT = "[influx]"
SAVE_EVERY_S = 10.0  # as often as the daemon's sign of life: a memory card has enough to do
_BURST_S = 0.1  # commits so close together: a broker hands over what it has kept
_BUSY_FOR_S = 0.5


class Following:
    """The followers that are asked for; they start after the first commit."""

    def __init__(
        self,
        settings: Settings,
        service: Service,
        reader: Connection,
        clock: Clock,
        ring: Callable[[], None],
        link: Link,
        sites: Mapping[str, Site],
    ) -> None:
        """`ring` wakes the loop; `reader` looks with; `sites` are of a centre's gateways."""
        influx = settings.influx
        self._link = link
        self._uplink = Uplink(settings, reader, link.publish)
        self._collecting = Collecting(settings, service, clock, sites)
        self._calling = Calling(settings, service, reader, clock, ring)
        self._service = service
        self._target = influx.target if influx else ""
        self._site = service.site
        self._follower: Follower | None = None
        if influx is not None:
            url, root = settings.store.url, settings.mqtt.root
            self._follower = Follower(
                influx, url, clock, lambda connection: sensors_of(connection, service.site, root)
            )
        self._is_started = False
        self._written: dict[Stream, int] | None = None
        self._written_at = self._committed_at = 0.0
        self._fault: str | None = None

    def write(self, connection: Connection, now: datetime) -> None:
        """Write how far the followers are into the transaction that is about to be committed."""
        self._calling.write(connection, now)
        self._uplink.write(connection, now)
        self._collecting.complain(now)
        if self._follower is None:
            if self._fault is None:
                self._complain("", now)
            return
        if not self._is_started:
            self._is_started = True
            self._follower.start()
            return
        if self._service.site is not self._site:
            self._site = self._service.site
            self._follower.take_site()
        progress, now_s = self._follower.progress, time.monotonic()
        if now_s - self._committed_at < _BURST_S:
            self._follower.busy_until_s = now_s + _BUSY_FOR_S
        self._committed_at = now_s
        is_news = any(progress.rows.values()) and progress.rows != self._written
        if progress.refused or (is_news and now_s - self._written_at >= SAVE_EVERY_S):
            replica.mark_copied(connection, self._target, progress.rows, progress.refused, now)
            self._written, self._written_at = progress.rows, now_s
        if progress.fault is not None and progress.fault != self._fault:
            self._complain(progress.fault, now)

    def tend(self, now: datetime) -> None:
        """Answer what a follower asks."""
        self._calling.tend(now)
        self._uplink.tend(now, is_free=self._link.is_connected and not self._link.has_more)

    def hear(self, message: Message) -> bool:
        """Take what a centre says; return whether a message is that."""
        return self._uplink.hear(message)

    def stop(self) -> None:
        """Copy nothing any more."""
        self._calling.stop()
        self._collecting.stop()
        if self._follower is not None:
            self._follower.stop()

    def _complain(self, fault: str, now: datetime) -> None:
        """Note what is to be mended, once however its words change, or that it is over."""
        place = Place(next((each.id for each in self._service.site.buildings), ""), None)
        self._service.complain(SUBJECT, place, TroubleKind.CONFIGURATION, fault, now)
        self._fault = fault
