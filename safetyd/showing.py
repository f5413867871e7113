"""`safetyd run --role pages`: the pages and the API of a district that workers watch, from their stores.

Rule: it watches nothing and decides nothing. What people do is left for whoever watches their building, and
what nobody watches is said on every page. Several may run at once, on several machines.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import closing
from functools import partial

from safetyd.certificates import all_files
from safetyd.clock import Clock
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.core.shards import name_of
from safetyd.faults import ConfigurationError, Fault
from safetyd.holding import NEGLECTED_S, clock_off_s, clock_words
from safetyd.sharding import shards_of
from safetyd.site import Site
from safetyd.site_part import cut
from safetyd.store.database import StoreError, open_for_reading
from safetyd.store.district import District, DistrictError, OtherDistrictError, store_url
from safetyd.systemd import Systemd
from safetyd.web.health import Pulse
from safetyd.web.house import House, Shard
from safetyd.web.server import Server

LOOK_EVERY_S = 1.0
_STOP_WITHIN_S = 3.0
_UNKNOWN = "nobody knows who watches at the moment: look at the database"
_NAMED = 5  # buildings that nobody watches
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

log = logging.getLogger("safetyd.pages")


class Showing:
    """Looks each second who watches what; the server has a thread of its own."""

    def __init__(self, whole: Loaded, wall: Clock, reload: Callable[[], Loaded]) -> None:
        """
        Raises:
            ConfigurationError: there is no district, or nowhere to listen.
        """
        settings, shards = whole.settings, shards_of(whole.settings)
        if settings.web.listen is None:
            value, expected = "nothing stands here", 'where people reach the pages, such as "127.0.0.1:8914"'
            raise ConfigurationError([Fault("safetyd.toml", "web.listen", value, expected)])
        self._wall, self._reload, self._shards = wall, reload, shards
        self._urls = [store_url(settings.store.url, shard) for shard in range(shards)]
        self._district = District(settings.store.url, "safetyd pages")
        self._trouble = self._unwatched = self._clock_said = ""
        self._is_listening = False
        self._systemd = Systemd(os.environ)
        self._go_by(whole)
        self.pulse = Pulse(besides=self._besides)
        house = House(
            self._urls[0],
            settings.mqtt.root,
            lambda: self._sites[0],
            self.pulse,
            settings.web.address,
            settings.oidc,
            shards=tuple(Shard(url, partial(self._site_of, shard)) for shard, url in enumerate(self._urls)),
            warning=lambda: "; ".join(self._besides()),
            certificates=partial(all_files, settings),
        )
        self._server = Server(settings.web, settings.web.listen, house)

    def run(self) -> None:
        """Answer until told to stop.

        Raises:
            OtherDistrictError: the database is that of another district.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        while not self._is_told_to_stop():
            self.look()
        self._systemd.end()
        self._server.stop(_STOP_WITHIN_S)
        self._district.close()

    def look(self) -> None:
        """Note who watches, and begin to answer as soon as there is something to be shown.

        Raises:
            OtherDistrictError: the database is that of another district.
        """
        before, has_begun = self._besides(), False
        try:
            has_begun = self._district.has_begun(self._shards)
            self._trouble = "" if has_begun else "no worker has begun the district yet"
            if has_begun:
                self._look_out()
        except OtherDistrictError:
            raise
        except DistrictError as error:
            if self._trouble != _UNKNOWN:
                log.warning("%s", error)
            self._trouble = _UNKNOWN
        if (now := self._besides()) != before:
            log.warning("%s", "; ".join(now) or "all is well again")
        self.pulse.note(self._wall(), self._trouble, has_broker=True)  # the broker is the workers' matter
        if not self._is_listening and has_begun and self._have_stores():
            self._is_listening = True
            self._server.start()
        self._systemd.go_on("; ".join(now), time.monotonic())

    def _look_out(self) -> None:
        self._unwatched = self._words(self._district.neglected(NEGLECTED_S))
        before_s = self._wall().timestamp()
        off_s = clock_off_s(before_s, self._district.time_s(), self._wall().timestamp())
        self._clock_said = clock_words(off_s, "these pages")

    def _is_told_to_stop(self) -> bool:
        told = signal.sigtimedwait(_SIGNALS, LOOK_EVERY_S)
        if told is not None and told.si_signo == signal.SIGHUP:
            self._take_anew()
        return told is not None and told.si_signo != signal.SIGHUP

    def _take_anew(self) -> None:
        try:
            whole = self._reload()
            if shards_of(whole.settings) == self._shards:
                self._go_by(whole)
        except SafetydError as error:
            log.error("the site file was not taken: %s", type(error).__name__)

    def _go_by(self, whole: Loaded) -> None:
        parts = [cut(whole.site, shard, self._shards) for shard in range(self._shards)]
        self._sites = whole.site, parts  # at once: others look at them meanwhile

    def _site_of(self, shard: int) -> Site:
        return self._sites[1][shard]

    def _have_stores(self) -> bool:
        """Return whether every shard has been watched once: whoever watches it makes its store."""
        try:
            for url in self._urls:
                with closing(open_for_reading(url)):
                    pass
        except StoreError as error:
            log.info("%s; waiting for a worker to begin with it", error)
            return False
        return True

    def _besides(self) -> list[str]:
        return list(filter(None, (self._trouble, self._unwatched, self._clock_said)))

    def _words(self, shards: Collection[int]) -> str:
        """Return in words which buildings nobody watches."""
        names = [each.name for shard in shards for each in self._site_of(shard).buildings]
        names += [name_of(shard) for shard in shards if not self._site_of(shard).buildings]
        if not names:
            return ""
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"nobody watches {', '.join(names[:_NAMED])}{more} at the moment: look at the workers"
