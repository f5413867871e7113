"""One shard, watched by the ordinary daemon in a process of its own for as long as its lease is held.

Rule: nothing is acknowledged and no broker is connected to without the lease. Whoever lost it ends at once,
and leaves everything to whoever has it.
"""

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import NamedTuple, NoReturn, Protocol

from safetyd.clock import Clock
from safetyd.configuration import Loaded
from safetyd.core.model import Place, TroubleKind
from safetyd.core.shards import Lease, name_of
from safetyd.core.timekeeping import Ticks
from safetyd.daemon import Daemon
from safetyd.holding import Keeper, clock_words
from safetyd.ingest.message import Message
from safetyd.sharding import DistrictTicks, Elsewhere, of_shard, shards_of
from safetyd.store.database import writer_lock
from safetyd.store.district import District, DistrictError, shard_url
from safetyd.store.fence import FencedError

REPLACED = 75  # the exit code of whoever lost the lease
_PR_SET_PDEATHSIG = 1
_TRIES, _PAUSE_S = 40, 0.05

log = logging.getLogger("safetyd.worker")


class Note(Protocol):
    """Takes note of whether the broker is not heard."""

    def __call__(self, *, is_deaf: bool) -> None: ...


class How(NamedTuple):
    """What a worker hands to the process of a shard: its clocks, its files, and where it looks."""

    wall: Clock
    ticks: Callable[[], Ticks]
    reload: Callable[[], Loaded]
    note: Note


class ShardDaemon(Daemon):
    """The daemon of a shard: it shows that it lives to the keeper of its lease."""

    def __init__(self, whole: Loaded, keeper: Keeper, how: How) -> None:
        loaded = of_shard(whole, keeper.lease)
        self._keeper, self._note = keeper, how.note
        self._said_of_clock: str | None = None
        self.go_by(whole)
        super().__init__(loaded, how.wall, ticks=DistrictTicks(how.wall, how.ticks))
        self.link.may_connect = lambda: keeper.is_held
        self.vitals.besides = lambda: keeper.trouble

    def go_by(self, whole: Loaded) -> Loaded:
        """Take note of what is watched elsewhere; return what is watched here."""
        lease, settings = self._keeper.lease, whole.settings
        self._elsewhere = Elsewhere(whole.site, lease.shard, shards_of(settings), settings.mqtt.root)
        return of_shard(whole, lease)

    def turn(self) -> None:
        super().turn()
        self._keeper.turned()
        self._note(is_deaf=not self.link.is_connected)

    def _look_out(self) -> None:
        super()._look_out()
        said = clock_words(self._keeper.clock_off_s)
        if bool(said) != bool(self._said_of_clock) or self._said_of_clock is None:
            self._said_of_clock = said
            self._complain_of_clock(said, self.clock())

    def _complain_of_clock(self, said: str, now: datetime) -> None:
        for building in self.service.site.buildings:
            place = Place(building.id, None)
            self.service.complain(f"{building.id}/worker", place, TroubleKind.CLOCK, said, now)

    def _take(self, message: Message) -> bool:
        return self._elsewhere.takes(message.topic) or super()._take(message)


def end_with(parent: int) -> None:
    """Have this process told to end when its parent does, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)


def watch(
    whole: Loaded,
    lease: Lease,
    taken_at_s: float,
    how: How,
) -> NoReturn:
    """Watch a shard until told to end, or until the lease is lost; this process ends with it.

    Signals are blocked until it is ready to note them.
    """

    def leave(code: int, why: str = "") -> NoReturn:
        if why:
            log.error("%s: %s; this process ends, and what it had not stored is the next one's", name, why)
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)

    name = name_of(lease.shard)
    url = whole.settings.store.url
    keeper = Keeper(url, lease, taken_at_s, how.wall, lambda why: leave(REPLACED, why))
    keeper.start()
    heard: list[int] = []
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, lambda number, _: heard.append(number))
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # what came since the fork is heard now
    try:
        _watch(whole, keeper, how, heard)
    except FencedError as error:
        leave(REPLACED, str(error))
    except Exception:
        log.exception("%s: cannot be watched", name)
        keeper.give_back()
        leave(1)
    keeper.give_back()
    leave(0)


def _watch(whole: Loaded, keeper: Keeper, how: How, heard: list[int]) -> None:
    """`heard` are the signals that came before there was anything that could go by them."""
    lease = keeper.lease
    with ExitStack() as stack:
        if not _is_alone(whole, lease, stack):
            raise DistrictError(f"{name_of(lease.shard)}: a safetyd without a lease is running on its store")
        daemon = ShardDaemon(whole, keeper, how)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: daemon.stop())

        def reload() -> None:
            daemon.reload(lambda: daemon.go_by(how.reload()))

        signal.signal(signal.SIGHUP, lambda *_: reload())
        if signal.SIGHUP in heard:
            reload()
        if signal.SIGTERM in heard or signal.SIGINT in heard:
            daemon.stop()
        log.info("%s: watched from here, fence %d", name_of(lease.shard), lease.fence)
        daemon.run()


def _is_alone(whole: Loaded, lease: Lease, stack: ExitStack) -> bool:
    """End what a former holder left open, and lock the store for as long as the stack lasts."""
    url, ended = whole.settings.store.url, 0
    district = District(url, lease.session)
    try:
        for _ in range(_TRIES):
            ended += district.end_former(lease)
            with ExitStack() as tried:
                if tried.enter_context(writer_lock(shard_url(url, lease))):
                    stack.enter_context(tried.pop_all())
                    return True
            time.sleep(_PAUSE_S)  # its locks go a moment after it
    finally:
        if ended:
            log.info("%s: ended what its former holder had open (%d)", name_of(lease.shard), ended)
        district.close()
    return False
