"""How a district's buildings are grouped, and which worker watches which group.

Rule: the shard of a building is a function of its id and of how many shards there are, and of nothing else.
A worker takes what is free up to its fair share; what nobody takes for long anybody takes. It gives back what
is above its share only while a peer that is fit has less than its own: better a crowded worker than a
building that nobody watches.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import NamedTuple, Self

NEGLECTED_S = 3.0  # ours: whoever ought to take a free shard has had several looks by then
LEAST_HELD_S = 10.0  # ours: a shard does not go round faster
_SESSION = re.compile(r"safetyd shard-(\d+) fence (\d+)")


class Peer(NamedTuple):
    """A worker that lives; it is fit if its clock is right and nothing that it began has failed lately."""

    id: str
    is_fit: bool = True


class Standing(NamedTuple):
    """A shard: the worker that holds it and for how long, or None and for how long it is free."""

    shard: int
    worker: str | None
    since_s: float


class Lease(NamedTuple):
    """The right to write a shard, for as long as nobody has a higher fence."""

    shard: int
    fence: int

    @property
    def session(self) -> str:
        """What its sessions are called at the database."""
        return f"safetyd {name_of(self.shard)} fence {self.fence}"

    @classmethod
    def of_session(cls, name: str) -> Self | None:
        """Return the lease of a session that is called so, None if it is no lease's."""
        found = _SESSION.fullmatch(name)
        return cls(*map(int, found.groups())) if found else None


def shard_of(building: str, shards: int) -> int:
    """Return the shard of a building, from 0."""
    return int.from_bytes(sha256(building.encode()).digest()[:8], "big") % shards


def name_of(shard: int) -> str:
    """Return what a shard is called wherever it has a name of its own."""
    return f"shard-{shard:02d}"


def share(found: Sequence[Standing], peers: Collection[Peer], me: str) -> int:
    """Return how many shards a worker is to hold: none while it is not fit and somebody else is.

    Where they do not come out even, who has more already keeps one more.
    """
    fit = {each.id for each in peers if each.is_fit} or {each.id for each in peers}
    if me not in fit:
        return 0
    held = Counter(each.worker for each in found)
    least, more = divmod(len(found), len(fit))
    return least + (sorted(fit, key=lambda id: (-held[id], id)).index(me) < more)


def to_take(found: Sequence[Standing], peers: Collection[Peer], me: str) -> list[int]:
    """Return the free shards that a worker is to take now, what is neglected first.

    Each worker begins elsewhere in the row, so that two seldom reach for the same one.
    """
    free = [each for each in found if each.worker is None]
    neglected = [each.shard for each in free if each.since_s >= NEGLECTED_S]
    fresh = [each.shard for each in free if each.since_s < NEGLECTED_S]
    first = shard_of(me, len(fresh)) if fresh else 0
    mine = sum(each.worker == me for each in found)
    room = max(0, share(found, peers, me) - mine - len(neglected))
    return neglected + (fresh[first:] + fresh[:first])[:room]


def to_give(found: Sequence[Standing], peers: Collection[Peer], me: str) -> int | None:
    """Return the shard that a worker is to give back now, the one that it has held longest; None if none."""
    mine = [each for each in found if each.worker == me]
    if len(mine) <= share(found, peers, me):
        return None
    waits = any(
        sum(each.worker == peer.id for each in found) < share(found, peers, peer.id) for peer in peers
    )
    longest = max(mine, key=lambda each: each.since_s)
    return longest.shard if waits and longest.since_s >= LEAST_HELD_S else None
