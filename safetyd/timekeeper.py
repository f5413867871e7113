"""Keeps the daemon's time: whether it is known yet, what was missed before, and what the clock did meanwhile.

Rule: nothing is judged before the time is known. What a clock does that it should not is a trouble of the
gateway in each building, with both times.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from safetyd.clock import Clock, SteadyClock
from safetyd.core.model import Place, TroubleKind
from safetyd.core.timekeeping import FORWARD, Doubt, Step, Ticks, Time
from safetyd.core.waking import LEAST, Beat, Cause, Hole, hole, put_on_record, wake
from safetyd.machine import boot
from safetyd.service import Service

GATEWAY = "gateway"

log = logging.getLogger("safetyd")


class Timekeeper:
    """Holds the daemon's clock; `ticks` is what the machine says beside it, without which it is believed.

    `last` is the last sign of life of whoever lived before; `this_boot` names the boot if it is not asked.
    """

    def __init__(
        self, wall: Clock, ticks: Callable[[], Ticks] | None, last: Beat | None, this_boot: str = ""
    ) -> None:
        self._steady = None if ticks is None else SteadyClock(wall, ticks)
        self._ticks = ticks or (lambda: Ticks(this_boot or boot(), timedelta(0), None))
        self.clock: Clock = self._steady or wall
        self.is_dated = ticks is None  # until then the clock shows the time since boot
        self.last = last
        self.began = self._ticks()
        self._booted_at = wall()
        self._doubt: Doubt | None = None
        self._began_behind = False
        self._put_back = ""
        self._said: str | None = None  # of the standing trouble; None before the first look

    @property
    def boot(self) -> str:
        """Which boot of the machine this is."""
        return self.began.boot

    def is_known(self) -> bool:
        """Return whether the time is known, or taken to be from now on."""
        if self._steady is None or self.is_dated:
            return True
        begun = self._steady.try_to_begin(self.last)
        if begun is None:
            return False
        self._doubt, self._began_behind = begun.doubt, self._steady.is_behind
        self._booted_at = begun.now - self._ticks().since_boot
        self.is_dated = True
        if begun.doubt is not None:
            log.warning("the clock %s; it is %s from now on", begun.doubt.words, begun.now.isoformat())
        return True

    def moment(self, since_boot: timedelta) -> datetime:
        """Return when something was, by how long after the boot it was; the time must be known."""
        return self._booted_at + since_boot

    def beginning(self, first_kept: timedelta | None) -> datetime:
        """Return since when somebody listens: this process, or an earlier one of the same boot that kept
        something, and first so long after the boot. The time must be known."""
        if self._steady is None or (self.last is not None and self.last.boot == self.boot):
            return self.clock()
        since_boot = self.began.since_boot
        return self.moment(since_boot if first_kept is None else min(since_boot, first_kept))

    def wake(self, service: Service, now: datetime) -> None:
        """Judge the time since the last sign of life up to `now`, if it was long."""
        found = hole(self.last, now, self.boot, self._ticks().since_boot)
        if found is not None:
            log.warning("nobody watched since %s: %s", found.began_at.isoformat(), found.cause)
            wake(service.world, service.facts, found, now)

    def miss(
        self, service: Service, lost_at: datetime | None, now: datetime, *, has_moved: bool = False
    ) -> None:
        """Note that the broker, or another than before, kept nothing for us since a moment.

        Where none is known it is the last sign of life.
        """
        since = lost_at or (self.last.at if self.last is not None else None)
        if since is not None:
            cause = Cause.MOVED if has_moved else Cause.FORGOTTEN
            log.warning("since %s: %s", since.isoformat(), cause)
            service.world.now = max(now, service.world.now)
            put_on_record(service.world, service.facts, Hole(min(since, now), now, cause), now)

    def beat(self, *, is_last: bool = False) -> Beat:
        """Return a sign of life."""
        now, counted = self.clock(), self._ticks().since_boot if self._steady else None
        return Beat(now, self.boot, is_last, counted, self._doubt is None)

    def tend(self, service: Service) -> None:
        """Take note of what the clock has done since it was last looked at."""
        if self._steady is None:
            return
        now = self.clock()
        steps, self._steady.steps = self._steady.steps, []
        for step, before in steps:
            self._note(service, step, before, now)
        if self._doubt is not None and not self._is_doubtful():
            log.warning("the clock is believed again: it is %s", now.isoformat())
            self._doubt = None
        if not self._steady.is_behind:
            self._put_back = ""
        wrong = self._put_back
        if self._doubt is not None:
            wrong = f"it {self._doubt.words} (at the start it said {_said(self._doubt.wall)})"
        if wrong != self._said:
            self._said = wrong
            self._complain(service, wrong, now)

    def put_on_record(self, service: Service, note: str, now: datetime) -> None:
        """Note what is wrong with the time of each building as a trouble that is over already."""
        self._complain(service, note, now)
        self._complain(service, "", now)
        self._said = None

    def _is_doubtful(self) -> bool:
        assert self._steady is not None
        return self._steady.is_behind if self._began_behind else self._ticks().is_synchronised is False

    def _note(self, service: Service, step: Step, before: Time, now: datetime) -> None:
        way = "back" if step.by < timedelta(0) else "forward"
        words = f"it was put {way} from {_said(step.before)} to {_said(step.after)}"
        log.warning("the clock: %s", words)
        if step.by < timedelta(0):
            self._put_back = f"{words}; time goes on without it until it has caught up"
        elif self._doubt is not None and now - before.now > LEAST:
            # What the clock did not know was how long the machine had been down.
            wake(service.world, service.facts, Hole(before.now, now, Cause.LOST), now)
        elif step.by > FORWARD and not self._put_back:
            self.put_on_record(service, words, now)

    def _complain(self, service: Service, note: str, now: datetime) -> None:
        for building in service.site.buildings:
            place = Place(building.id, None)
            service.complain(f"{building.id}/{GATEWAY}", place, TroubleKind.CLOCK, note, now)


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
