"""A form that comes twice is carried out once, and how often one may come from one place.

Rule: who sends the same form again, even at the same moment, gets the first answer; what was refused may
come again. Both are remembered here only, for as long as the program runs.
"""

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")
_REMEMBERED_S = 24 * 3600.0
_MOST = 5000  # answers, or places
_KEY = re.compile("[0-9a-f]{32}")


def new_key() -> str:
    """Return what tells a form from every other."""
    return secrets.token_hex(16)


def is_key(text: str) -> bool:
    """Return whether a text may be one."""
    return _KEY.fullmatch(text) is not None


class Once(Generic[T]):
    """The answers of the last 24 hours."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._begun: OrderedDict[object, tuple[float, anyio.Event]] = OrderedDict()
        self._answers: dict[object, T] = {}

    async def answer(self, key: object, work: Callable[[], Awaitable[T]]) -> T:
        """Return what the work comes to, or came to before under this key."""
        while (begun := self._find(key)) is not None:
            if key in self._answers:
                return self._answers[key]
            await begun.wait()
        is_done = anyio.Event()
        self._begun[key] = self._seconds(), is_done
        if len(self._begun) > _MOST:
            self._forget(next(iter(self._begun)))
        try:
            answer = self._answers[key] = await work()
            return answer
        finally:
            if key not in self._answers:
                self._forget(key)
            is_done.set()

    def known(self, key: object) -> T | None:
        """Return the answer under a key; None if there is none, or not any more."""
        return None if self._find(key) is None else self._answers.get(key)

    def _find(self, key: object) -> anyio.Event | None:
        begun_s, event = self._begun.get(key, (0.0, None))
        if event is None or (key in self._answers and self._seconds() - begun_s >= _REMEMBERED_S):
            self._forget(key)
            return None
        return event

    def _forget(self, key: object) -> None:
        self._begun.pop(key, None)
        self._answers.pop(key, None)


class Pace:
    """So many in a while, of each place."""

    def __init__(self, most: int, within_s: float, seconds: Callable[[], float] = time.monotonic) -> None:
        self.most, self.within_s = most, within_s
        self._seconds = seconds
        self._came: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, place: str) -> float:
        """Return for how many seconds the next of a place has to wait."""
        now_s = self._seconds()
        came = [at_s for at_s in self._came.get(place, ()) if now_s - at_s < self.within_s]
        return self.within_s - (now_s - came[0]) if len(came) >= self.most else 0.0

    def count(self, place: str) -> int:
        """Return how many of a place came lately."""
        now_s = self._seconds()
        return sum(now_s - at_s < self.within_s for at_s in self._came.get(place, ()))

    def note(self, place: str) -> None:
        """Note that one came."""
        self._came[place] = [*self._came.pop(place, ()), self._seconds()][-self.most :]
        if len(self._came) > _MOST:
            self._came.popitem(last=False)
