"""What is said again: frames repeated on the way, and old values that a bridge remembers.

Rule: a frame counts once, however often a network passes it on. What a bridge says in the first moments after
it came back, without a stamp, is of unknown age: it fills the screen and proves nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from safetyd.ingest.message import Decoded, Message
from safetyd.ingest.topics import Bridge, Route
from safetyd.wording import sound

REMEMBERED_FOR = timedelta(hours=1)  # no frame is a repeat of one that came earlier

_FRAMES_KEPT = 16  # of one sensor; repeats come within a few frames
_LAST_WITHIN = REMEMBERED_FOR  # the last frame, once more
_OLDER_WITHIN = timedelta(minutes=5)  # after a new join a counter begins anew, perhaps with equal values
_STAMPED_WITHIN = timedelta(minutes=30)  # less than the hour that comes twice
_CHARACTERS = 64  # of what a device sends; a number that counts stands at the end

_Frame = tuple[str, tuple[float | None, ...]]


def frame_of(said: Decoded, message: Message, route: Route) -> str | None:
    """Return by what a frame is known: its counter, or a stamp of local time, which is of no other use."""
    counter = said.counter
    if route.is_local_time and counter is None and said.stamp is not None:
        counter = str(said.stamp)
    return None if counter is None or message.retain else sound(counter[-_CHARACTERS:])


class Repeats:
    """Remembers the last frames of each sensor, and which bridges have just come back."""

    def __init__(self) -> None:
        self._frames: dict[int, dict[_Frame, datetime]] = {}
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

    def is_repeat(self, number: int, frame: str | None, said: Decoded, received_at: datetime) -> bool:
        """Return whether this frame of a sensor was kept before."""
        if frame is None:
            return False
        frames, key = self._frames.get(number, {}), _key(frame, said.values)
        before = frames.get(key)
        if before is None:
            return False
        is_last = key == next(reversed(frames))
        within = _STAMPED_WITHIN if said.counter is None else _LAST_WITHIN if is_last else _OLDER_WITHIN
        return received_at - before <= within

    def remember(
        self, number: int, frame: str, values: Sequence[float | None], received_at: datetime
    ) -> None:
        """Note a frame of a sensor as its last."""
        frames, key = self._frames.setdefault(number, {}), _key(frame, values)
        frames.pop(key, None)
        frames[key] = received_at
        while len(frames) > _FRAMES_KEPT:
            del frames[next(iter(frames))]


def _key(frame: str, values: Sequence[float | None]) -> _Frame:
    """A frame with its values as they are stored: of a temperature in both units that in °F."""
    in_f, in_c, *rest = values
    return frame, (in_f, in_c if in_f is None else None, *rest)
