"""What several people ask, worked out one question after the other; what was answered is kept for a while.

Rule: nobody waits here. Who asks is told the answer, or how far it has come, and asks again; who asks
something else has let go of what they asked before, and is told so where they still ask for that.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, Protocol

from safetyd.core.errors import SafetydError
from safetyd.site import Site
from safetyd.whatif.answer import Answer, Question
from safetyd.whatif.apart import Errand, Order, Tell

FRESH_S = 600.0  # so long an answer is given again
_REFUSED_S = 10.0  # what could not be answered may be answered soon
_KEPT = 32  # answers
_FORSAKEN_S = 60.0  # who has not asked again for so long has gone away

log = logging.getLogger("safetyd.whatif")


class Going(NamedTuple):
    """It is being worked out, of which so much is done; or waits for so many others."""

    share: float
    ahead: int = 0


class Refused(NamedTuple):
    """There is no answer; why, in a sentence."""

    words: str


class Dropped(NamedTuple):
    """It was let go, as the same person has asked something else since."""


Told = Answer | Going | Refused | Dropped
Key = tuple[Question, str]  # and the hash of the rules that it was asked under


class Work(Protocol):
    """Something on its way to an answer."""

    def answer(self, tell: Tell) -> Answer:
        """Return it, once it is there."""

    def stop(self) -> None:
        """Let go of it."""


class _Job:
    """A question that waits or is being worked out."""

    def __init__(self, owner: int, key: Key, order: Order, asked_s: float) -> None:
        self.owner, self.key, self.order, self.asked_s = owner, key, order, asked_s
        self.share = 0.0
        self.work: Work | None = None
        self.is_dropped = False

    def tell(self, share: float) -> None:
        self.share = share


class _Kept(NamedTuple):
    said: Answer | Refused
    at_s: float


class Desk:
    """Any thread may ask. `begin` sends an order on its way, and is given to be another in tests."""

    def __init__(
        self, begin: Callable[[Order], Work] = Errand, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._begin, self._clock = begin, clock
        self._lock = threading.Condition()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._waiting: OrderedDict[int, _Job] = OrderedDict()  # by who asks
        self._now: _Job | None = None
        self._dropped: OrderedDict[tuple[int, Key], None] = OrderedDict()
        self._is_closed = False

    def ask(self, owner: int, url: str, question: Question, site: Site, *, is_again: bool = False) -> Told:
        """Return how it stands with a question about a store, which is taken up unless it was; `is_again`: it
        was asked."""
        key = question, site.rulebook.fingerprint
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and self._is_fresh(kept):
                return kept.said
            if is_again and (owner, key) in self._dropped:
                return Dropped()
            self._dropped.pop((owner, key), None)
            if (going := self._going(key)) is None:
                self._take_up(_Job(owner, key, Order(url, site, question), self._clock()))
                going = self._going(key)
            return going or Going(0.0)

    def kept(self, question: Question, site: Site) -> Answer | None:
        """Return an answer that was given, however long ago, as long as it is kept."""
        with self._lock:
            found = self._kept.get((question, site.rulebook.fingerprint))
            return found.said if found is not None and isinstance(found.said, Answer) else None

    def rest(self, within_s: float) -> bool:
        """Wait until nothing is worked out any more; return whether that came in time."""
        with self._lock:
            return self._lock.wait_for(lambda: self._now is None, within_s)

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
            self._let_go(self._now)

    def _is_fresh(self, kept: _Kept) -> bool:
        return self._clock() - kept.at_s < (FRESH_S if isinstance(kept.said, Answer) else _REFUSED_S)

    def _going(self, key: Key) -> Going | None:
        if self._now is not None and self._now.key == key and not self._now.is_dropped:
            return Going(self._now.share)
        for ahead, job in enumerate(self._waiting.values(), 0 if self._now is None else 1):
            if job.key == key:
                job.asked_s = self._clock()
                return Going(0.0, ahead)
        return None

    def _take_up(self, job: _Job) -> None:
        before = self._waiting.pop(job.owner, None)
        if before is not None:
            self._remember_dropped(before)
        if self._now is not None and self._now.owner == job.owner:
            self._remember_dropped(self._now)
            self._let_go(self._now)
        self._waiting[job.owner] = job
        self._go_on()

    def _remember_dropped(self, job: _Job) -> None:
        self._dropped[job.owner, job.key] = None
        if len(self._dropped) > _KEPT:
            self._dropped.popitem(last=False)

    def _let_go(self, job: _Job | None) -> None:
        if job is not None:
            job.is_dropped = True
            if job.work is not None:
                job.work.stop()

    def _go_on(self) -> None:
        """Begin with the next that somebody still waits for, unless one is being worked out."""
        while self._now is None and self._waiting and not self._is_closed:
            _, job = self._waiting.popitem(last=False)
            if self._clock() - job.asked_s < _FORSAKEN_S:
                self._now = job
                threading.Thread(target=self._carry_out, args=(job,), name="whatif", daemon=True).start()

    def _carry_out(self, job: _Job) -> None:
        said = self._worked_out(job)
        with self._lock:
            if said is not None and not job.is_dropped:
                self._kept[job.key] = _Kept(said, self._clock())
                self._kept.move_to_end(job.key)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._now = None
            self._go_on()
            self._lock.notify_all()

    def _worked_out(self, job: _Job) -> Answer | Refused | None:
        try:
            work = self._begin(job.order)
            with self._lock:
                job.work = work
                if job.is_dropped:
                    work.stop()
                    return None
            return work.answer(job.tell)
        except SafetydError as error:
            return Refused(str(error))
        except Exception:
            log.exception("a supposition could not be worked out")
            return Refused("safetyd failed on it; please report this")
