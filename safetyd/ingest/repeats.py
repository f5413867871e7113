"""What is said again: frames repeated on the way, and old values that a bridge remembers.

Rule: a frame counts once, however often a network passes it on. What a bridge says in the first moments after
it came back, without a stamp, is of unknown age: it fills the screen and proves nothing.
"""

from datetime import datetime, timedelta

from safetyd.ingest.message import Decoded, Message
from safetyd.ingest.topics import Bridge, Route

_FRAMES_KEPT = 16  # of one sensor; repeats come within a few frames
_LAST_WITHIN = timedelta(hours=1)  # the last frame, once more
_OLDER_WITHIN = timedelta(minutes=5)  # after a new join a counter begins anew, perhaps with equal values
_STAMPED_WITHIN = timedelta(minutes=30)  # less than the hour that comes twice

Frame = tuple[str, tuple[float | None, ...]]


class Repeats:
    """Remembers the last frames of each sensor, and which bridges have just come back."""

    def __init__(self) -> None:
        self._frames: dict[int, dict[Frame, datetime]] = {}
        self._cached_until: dict[str, datetime] = {}

    def bridge_spoke(self, bridge: Bridge, is_there: bool, now: datetime) -> None:
        """Note that a bridge came back, or went."""
        self._cached_until.pop(bridge.topic, None)
        if is_there and bridge.cached_for is not None:
            self._cached_until[bridge.topic] = now + bridge.cached_for

    def is_cached(self, route: Route, message: Message, *, is_dated: bool) -> bool:
        """Return whether a value may be old although it comes as new; a believed stamp speaks for itself."""
        if is_dated or not self._cached_until:
            return False
        return any(
            message.received_at <= until
            for topic in route.bridges
            if (until := self._cached_until.get(topic)) is not None
        )

    def is_repeat(self, number: int, said: Decoded, message: Message, route: Route) -> bool:
        """Return whether this frame of a sensor was heard before; else remember it.

        A frame is known by its counter, or by a stamp of local time, which is of no other use.
        """
        counter = said.counter
        if route.is_local_time and counter is None and said.stamp is not None:
            counter = str(said.stamp)
        if counter is None or message.retain:
            return False
        frames, frame = self._frames.setdefault(number, {}), (counter, said.values)
        before = frames.get(frame)
        if before is not None:
            is_last = frame == next(reversed(frames))
            within = _STAMPED_WITHIN if said.counter is None else _LAST_WITHIN if is_last else _OLDER_WITHIN
            if message.received_at - before <= within:
                return True
            del frames[frame]
        frames[frame] = message.received_at
        while len(frames) > _FRAMES_KEPT:
            del frames[next(iter(frames))]
        return False
