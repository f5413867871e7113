"""Tells a monitor outside the building, again and again, that safetyd lives, or why it is not well.

Rule: what to say and when is a function of values; a thread of its own says it, so that the loop waits for
nobody. It speaks well of us only while the loop turns. The URL is a secret: no log and no text has any of it.
"""

import logging
import queue
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.request import OpenerDirector, Request

from pydantic import SecretStr

from safetyd.notify.request import no_answer, opener, request, why_not

STANDSTILL_S = 30.0  # so long without a turn of the loop is no pause any more
RETRY_S = 5.0
FAULT_AFTER = 3  # failed pings in a row
TIMEOUT_S = 10.0
_BODY_CHARACTERS = 10_000
_ANSWER_BYTES = 100

log = logging.getLogger("safetyd.notify")


class Beat(NamedTuple):
    """The last turn of the loop, and why safetyd was not well then."""

    at_s: float
    reasons: tuple[str, ...] = ()


class Said(NamedTuple):
    """The last ping: when it ended, whether it said that all is well, and how many have failed in a row."""

    at_s: float
    was_well: bool
    failures: int = 0


class Step(NamedTuple):
    """What to do now: ping with this text, "" for success; or with None only look again after the pause."""

    ping: str | None
    pause_s: float = 0.0


def what_is_wrong(now_s: float, beat: Beat) -> str:
    """Return why safetyd is not well, a line each; nothing if it is."""
    still_s = now_s - beat.at_s
    still = [f"the loop has stood still for {still_s:.0f} s"] if still_s >= STANDSTILL_S else []
    return "\n".join([*still, *beat.reasons])[:_BODY_CHARACTERS]


def step(now_s: float, beat: Beat, said: Said | None, every_s: float) -> Step:
    """Return what to do now; all times are of one monotonic clock.

    News (it is well no longer, or again) does not wait for its turn, and comes at most every RETRY_S.
    """
    wrong = what_is_wrong(now_s, beat)
    if said is None:
        return Step(wrong)
    is_news = said.was_well == bool(wrong)
    is_hasty = is_news or said.failures == 1
    due_in_s = said.at_s + (min(RETRY_S, every_s) if is_hasty else every_s) - now_s
    if due_in_s <= 0:
        return Step(wrong)
    still_in_s = STANDSTILL_S - (now_s - beat.at_s)
    return Step(None, min(due_in_s, still_in_s) if still_in_s > 0 else due_in_s)


class Heartbeat:
    """A thread that pings, from the loop's first turn on; `fault` says why nobody hears it, or nothing."""

    def __init__(self, url: SecretStr, every: timedelta, timeout_s: float = TIMEOUT_S) -> None:
        self.fault = ""
        self._url = url
        self._every_s = every.total_seconds()
        self._timeout_s = timeout_s
        self._opener = opener()
        self._beat: Beat | None = None
        self._said: Said | None = None
        self._asking: threading.Thread | None = None
        self._is_ended = False
        self._look = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def beat(self, reasons: Sequence[str]) -> None:
        """Note that the loop turns, and why safetyd is not well; empty reasons are none."""
        before, now_s = self._beat, time.monotonic()
        self._beat = Beat(now_s, tuple(filter(None, reasons)))
        if before is None or bool(what_is_wrong(now_s, before)) != bool(self._beat.reasons):
            self._look.set()

    def last_words(self, text: str, patience_s: float) -> bool:
        """Say why safetyd ends, and nothing after it; return whether that was heard within so long."""
        give_up_at_s = time.monotonic() + patience_s
        self.stop()
        self._thread.join(patience_s / 2)  # what is being said must not arrive after the last words
        why = self._ask(text or "safetyd ends", give_up_at_s - time.monotonic())
        if why:
            log.warning("the heartbeat's last words were not heard: %s", why)
        return not why

    def stop(self) -> None:
        """Say nothing any more; whoever listens outside will miss us."""
        self._is_ended = True
        self._look.set()

    def _run(self) -> None:
        pause_s: float | None = None
        while True:
            self._look.wait(pause_s)
            self._look.clear()
            if self._is_ended:
                return
            if self._beat is None:
                continue
            now = step(time.monotonic(), self._beat, self._said, self._every_s)
            pause_s = now.pause_s
            if now.ping is not None:
                # while one still hangs, another could be overtaken by it
                is_free = self._asking is None or not self._asking.is_alive()
                why = self._ask(now.ping, self._timeout_s) if is_free else "an earlier ping still hangs"
                self._note(was_well=not now.ping, why=why)

    def _note(self, *, was_well: bool, why: str) -> None:
        failures = self._said.failures if self._said else 0
        if why:
            failures += 1
            if failures == 1:
                log.warning("the heartbeat was not heard (%s); trying again", why)
            if failures >= FAULT_AFTER:
                self.fault = f"nobody outside hears the heartbeat: {why}; look at the url of [heartbeat]"
        else:
            if failures:
                log.warning("the heartbeat is heard again")
            failures, self.fault = 0, ""
        self._said = Said(time.monotonic(), was_well, failures)

    def _ask(self, text: str, within_s: float) -> str:
        """Ping from another thread: looking up a name knows no time-out, and an answer may come in drips."""
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        within_s = max(0.01, within_s)

        def ask() -> None:
            answers.put(ping(self._opener, self._url, text, within_s))

        self._asking = threading.Thread(target=ask, name="heartbeat-ping", daemon=True)
        try:
            self._asking.start()
            return answers.get(timeout=within_s)
        except queue.Empty:
            return no_answer(within_s)
        except RuntimeError:
            self._asking = None
            return "no thread can be started"


def ping(opener: OpenerDirector, url: SecretStr, text: str, timeout_s: float) -> str:
    """Tell the monitor, "" for success; return why it was not heard, or nothing. It raises nothing."""
    try:
        with opener.open(_request(url.get_secret_value(), text), timeout=timeout_s) as answer:
            is_known = b"(not found)" not in answer.read(_ANSWER_BYTES)  # Healthchecks says so with a 200
        return "" if is_known else "it answered that it knows no such check"
    except Exception as error:
        return why_not(error, timeout_s)


def _request(url: str, text: str) -> Request:
    return request(url, text, "/fail" if text else None)
