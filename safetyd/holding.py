"""Holds the lease of a shard while its loop turns, and lets go of everything once somebody else has it.

Rule: the lease is renewed on the evidence of the loop alone. While it starts, it is given a minute; later a
turn may last as long as a backlog takes to judge. Whether the lease is ours is known here without asking
anybody: it counts from before it was asked for, by a clock that runs on while the machine sleeps.
"""

import logging
import threading
import time
from collections.abc import Callable

from safetyd.clock import Clock
from safetyd.core.shards import Lease
from safetyd.store.district import LEASE_S, District, DistrictError

RENEW_EVERY_S = 0.5
STARTING_S = 60.0
LONGEST_TURN_S = 30.0
NEGLECTED_S = 10.0
CLOCK_OFF_S = 5.0  # ours: what a worker's clock may be off by without a word

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux: it counts suspension too

log = logging.getLogger("safetyd.worker")


def steady_s() -> float:
    """Return seconds of a clock that never goes back."""
    return time.clock_gettime(_STEADY)


def clock_off_s(before_s: float, database_s: float, after_s: float) -> float:
    """Return how far our clock, read before and after the database's, is surely ahead of it; < 0: behind."""
    if database_s < before_s:
        return before_s - database_s
    return min(0.0, after_s - database_s)


def clock_words(off_s: float, whose: str = "the worker") -> str:
    """Return what is wrong with a clock, nothing if it is right enough."""
    if abs(off_s) <= CLOCK_OFF_S:
        return ""
    way = "ahead of" if off_s > 0 else "behind"
    return f"the clock of {whose} is {abs(off_s):.0f} s {way} the database's"


class Keeper:
    """Renews a lease in a thread of its own; `lost` is called once, when somebody else has it or we hang."""

    def __init__(
        self,
        url: str,
        lease: Lease,
        taken_at_s: float,
        wall: Clock,
        lost: Callable[[str], None],
        steady: Callable[[], float] = steady_s,
    ) -> None:
        """`taken_at_s` is from before the lease was asked for, by the steady clock."""
        self.lease = lease
        self.trouble = ""  # why the lease cannot be renewed, or which shards nobody holds
        self.clock_off_s = 0.0
        self._is_cut_off = False
        self._district = District(url, f"safetyd lease of shard {lease.shard}")
        self._wall, self._lost, self._steady = wall, lost, steady
        self._until_s = taken_at_s + LEASE_S
        self._turned_at_s = steady()
        self._may_last_s = STARTING_S
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have the lease."""
        return self._steady() < self._until_s

    def turned(self) -> None:
        """Note that the loop has turned."""
        self._turned_at_s, self._may_last_s = self._steady(), LONGEST_TURN_S

    def start(self) -> None:
        """Renew from now on."""
        self._thread.start()

    def give_back(self) -> None:
        """Renew no more, and let anybody have the shard."""
        self._is_over.set()
        if self._thread.ident is not None:
            self._thread.join()
        try:
            self._district.give_back(self.lease)
        except DistrictError as error:
            log.warning("%s; the lease is over by itself", error)
        self._until_s = float("-inf")
        self._district.close()

    def renew(self) -> None:
        """Renew once, if the loop turns."""
        still_s = self._steady() - self._turned_at_s
        if still_s > self._may_last_s:
            self._lost(f"the loop has stood still for {still_s:.0f} s")
            return
        before_s, wall_before_s = self._steady(), self._wall().timestamp()
        neglected: list[int] = []
        try:
            database_s = self._district.renew(self.lease)
            if self.lease.shard == 0:  # which speaks for the district
                neglected = self._district.neglected(NEGLECTED_S)
        except DistrictError as error:
            if not self._is_cut_off:
                log.warning("%s; the lease cannot be renewed", error)
            self.trouble, self._is_cut_off = str(error), True
            return
        if database_s is None:
            self._until_s = float("-inf")
            self._lost("another worker holds the shard")
            return
        self._until_s, self._is_cut_off = before_s + LEASE_S, False
        self.trouble = f"nobody watches the shards {neglected}" if neglected else ""
        self.clock_off_s = clock_off_s(wall_before_s, database_s, self._wall().timestamp())

    def _run(self) -> None:
        while not self._is_over.is_set():
            self.renew()
            self._is_over.wait(RENEW_EVERY_S)
