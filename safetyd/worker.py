"""`safetyd run --role worker`: one of several on several machines, each with its share of the shards.

Rule: it watches nothing itself. It says that it lives, takes what is free, has each shard watched by a
process of its own, and gives back what is above its share. What it cannot look at it does not take.
"""

import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple
from uuid import uuid4

from safetyd.clock import Clock
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.core.shards import Lease, Standing, name_of, to_give, to_take
from safetyd.core.timekeeping import Ticks
from safetyd.holding import clock_off_s, clock_words, steady_s
from safetyd.reaching import Deaf, Reach
from safetyd.shard import REPLACED, How, end_with, watch
from safetyd.sharding import shards_of
from safetyd.store.district import LEASE_S, District, DistrictError, Look
from safetyd.systemd import Systemd

LOOK_EVERY_S = 0.25
FIRST_LOOKS_S = 1.0  # before it takes anything, for workers that start together
UNFIT_S = 30.0  # after a process has failed: others may have more luck
AGAIN_S = 5.0  # until a shard that could not be watched is tried again
STOP_WITHIN_S = 20.0
_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

log = logging.getLogger("safetyd.worker")


class Child(NamedTuple):
    """A process that watches a shard."""

    pid: int
    lease: Lease


class Worker:
    """Holds the connection to what the workers share, and the processes."""

    def __init__(
        self, whole: Loaded, wall: Clock, ticks: Callable[[], Ticks], reload: Callable[[], Loaded]
    ) -> None:
        self._whole, self._wall, self._ticks, self._reload = whole, wall, ticks, reload
        self._shards = shards_of(whole.settings)
        self._deaf = Deaf(self._shards)
        self._reach = Reach([(each.host, each.port) for each in whole.settings.mqtt.places], steady_s)
        self._id = uuid4().hex  # of this process: two of one name are two workers
        self._name = f"{socket.gethostname()} {os.getpid()}"
        self._district = District(whole.settings.store.url)
        self._children: dict[int, Child] = {}  # by shard
        self._ending: set[int] = set()  # pids that were told to end
        self._seen_since_s: float | None = None
        self._failed_at_s = float("-inf")
        self._not_before_s: dict[int, float] = {}  # by shard that could not be watched here
        self._trouble = ""
        self._clock_said = ""
        self._systemd = Systemd(os.environ)
        os.environ.pop("NOTIFY_SOCKET", None)  # ours alone

    def run(self) -> None:
        """Work until told to stop; then every shard is given back.

        Raises:
            DistrictError: the database is not that of this district.
        """
        self._district.prepare(self._shards)
        log.info("worker %s: %d shards in the district", self._name, self._shards)
        gc.freeze()  # what is loaded is shared with the processes that are forked
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        while not self._is_told_to_stop():
            self.look()
        self._stop()

    def _is_told_to_stop(self) -> bool:
        told = signal.sigtimedwait(_SIGNALS, LOOK_EVERY_S)
        if told is None:
            return False
        if told.si_signo == signal.SIGHUP:
            self._take_anew()
        return told.si_signo in (signal.SIGTERM, signal.SIGINT)

    def look(self) -> None:
        """Say that we live, and do what the state of the district calls for."""
        now_s = steady_s()
        try:
            self._reap()
            seen = self._see()
            self._end_replaced(seen)
            standings = [each.standing for each in seen.shards]
            if self._seen_since_s is None:
                self._seen_since_s = now_s
            if now_s - self._seen_since_s >= (LEASE_S if self._trouble else FIRST_LOOKS_S):
                self._trouble = ""
                patient = [self._patient(each, now_s) for each in standings]
                free = to_take(patient, seen.peers, self._id)
                self._take([each for each in free if now_s >= self._not_before_s.get(each, 0.0)])
            given = to_give(standings, seen.peers, self._id)
            if given in self._children and not self._ending:
                self._tell_to_end(self._children[given])
        except DistrictError as error:
            if not self._trouble:
                log.warning("%s; nothing is taken until it answers", error)
            self._trouble, self._seen_since_s = str(error), None
        self._systemd.go_on(self._trouble, time.monotonic())

    def _see(self) -> Look:
        self._look_out()
        has_failed = steady_s() - self._failed_at_s <= UNFIT_S
        is_fit = not (self._clock_said or has_failed or self._reach.is_lost)
        before_s = self._wall().timestamp()
        at_s = self._district.announce(self._id, self._name, is_fit=is_fit)
        said = clock_words(clock_off_s(before_s, at_s, self._wall().timestamp()))
        if bool(said) != bool(self._clock_said):
            log.warning("%s", said or "the clock of the worker is right again")
        self._clock_said = said
        return self._district.look()

    def _look_out(self) -> None:
        was_lost = self._reach.is_lost
        self._reach.look(is_deaf=any(self._deaf[shard] for shard in self._children))
        if self._reach.is_lost != was_lost:
            lost = "is not reached from here; whoever reaches it has our shards"
            log.warning("the broker %s", "is reached again" if was_lost else lost)

    def _patient(self, standing: Standing, now_s: float) -> Standing:
        """Count from when we could look: of what was before nobody was able to take care."""
        assert self._seen_since_s is not None
        if standing.worker is not None:
            return standing
        return standing._replace(since_s=min(standing.since_s, now_s - self._seen_since_s - FIRST_LOOKS_S))

    def _take(self, shards: Sequence[int]) -> None:
        """Take what nobody was faster to take, and begin to watch it."""
        taken: list[tuple[Lease, float]] = []
        try:
            for shard in shards:
                if shard in self._children:  # frozen, or slow to end: it has no lease any more
                    self._kill(self._children[shard])
                at_s = steady_s()
                lease = self._district.take(shard, self._id, self._name)
                if lease is not None:
                    taken.append((lease, at_s))
        finally:
            if taken:
                self._district.close()  # a connection has one process
            for lease, at_s in taken:
                self._begin(lease, at_s)

    def _begin(self, lease: Lease, taken_at_s: float) -> None:
        log.info("%s: taken, fence %d", name_of(lease.shard), lease.fence)
        self._deaf.note(lease.shard, is_deaf=False)
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # the machine has no room for it; the other shards go on
            log.error("%s: cannot be watched from here: %s", name_of(lease.shard), error)
            self._failed_at_s = steady_s()
            self._not_before_s[lease.shard] = self._failed_at_s + AGAIN_S
            self._district.give_back(lease)
            return
        if pid == 0:
            self._become(lease, taken_at_s, parent)
        self._children[lease.shard] = Child(pid, lease)

    def _become(self, lease: Lease, taken_at_s: float, parent: int) -> None:
        """Be the process that watches a shard, and end with it."""
        try:
            end_with(parent)
            mark_lines(lease.shard)
            how = How(self._wall, self._ticks, self._reload, partial(self._deaf.note, lease.shard))
            watch(self._whole, lease, taken_at_s, how)
        except BaseException:
            log.exception("%s: has failed", name_of(lease.shard))
        finally:
            os._exit(1)

    def _end_replaced(self, seen: Look) -> None:
        """End processes of ours whose shard somebody has taken: they may be frozen and not know."""
        fences = {each.standing.shard: each.fence for each in seen.shards}
        for child in list(self._children.values()):
            if fences[child.lease.shard] != child.lease.fence:
                log.warning("%s: another worker has it; our process is ended", name_of(child.lease.shard))
                self._kill(child)

    def _kill(self, child: Child) -> None:
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        self._is_gone(child)

    def _tell_to_end(self, child: Child) -> None:
        log.info("%s: is given back", name_of(child.lease.shard))
        self._ending.add(child.pid)
        os.kill(child.pid, signal.SIGTERM)

    def _reap(self) -> None:
        """Take note of the processes that have ended; what they held is free at once."""
        for child in list(self._children.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if not pid:
                continue
            code = os.waitstatus_to_exitcode(status)
            self._is_gone(child)
            if code == REPLACED:
                continue
            if code > 0:
                self._failed_at_s = steady_s()
                self._not_before_s[child.lease.shard] = self._failed_at_s + AGAIN_S
            if code:
                log.error("%s: its process has ended with %d", name_of(child.lease.shard), code)
            self._district.give_back(child.lease)

    def _is_gone(self, child: Child) -> None:
        self._children.pop(child.lease.shard, None)
        self._ending.discard(child.pid)

    def _take_anew(self) -> None:
        """Have everybody go by what the files say now."""
        try:
            whole = self._reload()
            if shards_of(whole.settings) == self._shards:
                self._whole = whole
        except SafetydError as error:
            log.error("the site file was not taken: %s", type(error).__name__)
        for child in self._children.values():
            os.kill(child.pid, signal.SIGHUP)

    def _stop(self) -> None:
        """End every process in order, and leave."""
        self._systemd.end()
        for child in self._children.values():
            self._tell_to_end(child)
        give_up_at_s = steady_s() + STOP_WITHIN_S
        while self._children and steady_s() < give_up_at_s:
            signal.sigtimedwait({signal.SIGCHLD}, LOOK_EVERY_S)
            try:
                self._reap()
            except DistrictError as error:
                log.warning("%s; the leases are over by themselves", error)
        for child in list(self._children.values()):
            self._kill(child)
        try:
            self._district.leave(self._id)
        except DistrictError as error:
            log.warning("%s", error)
        self._district.close()


def mark_lines(shard: int) -> None:
    """Have each line of the log say of which shard it is."""

    def mark(record: logging.LogRecord) -> bool:
        record.shard = shard
        return True

    for handler in logging.getLogger().handlers:
        handler.addFilter(mark)
