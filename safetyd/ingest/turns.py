"""Whose turn it is among the brokers, and how long to wait before the next attempt.

Rule: who held us is tried first when the connection is lost, for our session is there. Each attempt that
fails goes to the next; after a full round the pause doubles. A broker that drops us at once has failed.
"""

from collections.abc import Callable, Sequence

from safetyd.setting_mqtt import Broker

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STEADY_S = 5.0  # a connection that lasted less is an attempt that failed


class Turns:
    """The round of brokers; `chance` returns a number from 0 up to 1."""

    def __init__(self, brokers: Sequence[Broker], chance: Callable[[], float]) -> None:
        self._brokers = tuple(brokers)
        self._chance = chance
        self._at = 0
        self._failed = 0  # attempts since one was let in
        self._pause_s = SHORTEST_PAUSE_S

    @property
    def is_round_over(self) -> bool:
        """Whether each has turned us away since one let us in."""
        return self._failed >= len(self._brokers)

    @property
    def broker(self) -> Broker:
        """Who is tried next, or has let us in."""
        return self._brokers[self._at]

    def let_in(self) -> None:
        """Note that the broker has taken us."""
        self._failed, self._pause_s = 0, SHORTEST_PAUSE_S

    def fail(self) -> float:
        """Note that an attempt has failed; return the pause before the next one, in seconds."""
        pause_s = self._jittered()
        self._at = (self._at + 1) % len(self._brokers)
        self._failed += 1
        if self._failed % len(self._brokers) == 0:
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        return pause_s

    def lose(self, lasted_s: float) -> float:
        """Note that a connection was lost after so long; return the pause before the next attempt."""
        if lasted_s < STEADY_S:
            return self.fail()
        return self._jittered()

    def _jittered(self) -> float:
        return self._pause_s * (0.5 + self._chance() / 2)  # so that not all come back at one moment
