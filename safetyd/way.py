"""The right of way of whoever tells people, over whoever only looks.

Rule: one interpreter is shared by the watch and the pages. While an attempt to tell somebody is on its way,
pages stand aside at their next step, for a moment at most: an address may hang, and a page must come all the
same.
"""

import threading

ASIDE_S = 0.03  # ours: what an attempt takes on a small machine that is busy


class Way:
    """Any thread may ask for it, and any may give it."""

    def __init__(self) -> None:
        self._is_free = threading.Event()
        self._is_free.set()

    @property
    def is_taken(self) -> bool:
        """Whether somebody has it."""
        return not self._is_free.is_set()

    def take(self, told: object = True) -> None:
        """Have those who look stand aside from now on, if there is anything to be told."""
        if told:
            self._is_free.clear()

    def leave(self) -> None:
        """Let them go on."""
        self._is_free.set()

    def give(self) -> None:
        """Stand aside while somebody has it, for so long that nobody who looks would see it."""
        if self.is_taken and not self._is_free.wait(ASIDE_S):
            self._is_free.set()  # whoever is told takes their time
