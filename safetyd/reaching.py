"""Whether a worker's machine reaches the broker at all, which is asked only while one of its shards does not.

Rule: a broker that is away for everybody is no reason to move a shard; one that is away from here alone is.
"""

import socket
from collections.abc import Callable, Sequence
from mmap import mmap

_EVERY_S = 2.0
_WITHIN_S = 0.5  # the look of the worker waits for it
_SURE = 2  # so often in a row without an answer


class Deaf:
    """Which shards do not hear the broker: a byte for each, that its process writes and the worker reads."""

    def __init__(self, shards: int) -> None:
        self._bytes = mmap(-1, shards)  # shared with whatever is forked

    def note(self, shard: int, *, is_deaf: bool) -> None:
        """Note how a shard is."""
        self._bytes[shard] = is_deaf

    def __getitem__(self, shard: int) -> bool:
        return bool(self._bytes[shard])


class Reach:
    """Looks whether the broker answers; `is_lost` from the second time on that it does not."""

    def __init__(self, addresses: Sequence[tuple[str, int]], steady: Callable[[], float]) -> None:
        self._addresses, self._steady = addresses, steady
        self._missed = 0
        self._next_s = float("-inf")

    @property
    def is_lost(self) -> bool:
        """Whether nothing of the broker is reached from here."""
        return self._missed >= _SURE

    def look(self, *, is_deaf: bool) -> None:
        """Look again, if somebody here does not hear the broker, or did not reach it before."""
        now_s = self._steady()
        if not (is_deaf or self._missed) or now_s < self._next_s:
            return
        self._next_s = now_s + _EVERY_S
        self._missed = 0 if any(_answers(each) for each in self._addresses) else self._missed + 1


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=_WITHIN_S).close()
    except OSError:
        return False
    return True
