"""To whom a notice goes when somebody cannot be told of it: who knows it anyway, else the next roles up.

Rule: nobody is asked twice about one notice, so that this comes to an end. A role is covered while one who
holds it has the notice or may still get it; only where nobody does, others are asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from safetyd.core.model import Role


class Holder(NamedTuple):
    """Somebody of a building who can be asked: an address is known of them that is not refused for good."""

    name: str
    roles: tuple[Role, ...]


class Next(NamedTuple):
    """Who is asked now, and all who are or may be told instead, those who are asked now among them."""

    asked: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


def instead(
    name: str,
    roles: Iterable[Role],
    holders: Iterable[Holder],
    has_hope: Mapping[str, bool],
    above: Mapping[Role, Role],
) -> Next:
    """Return who is told instead of somebody who has just refused a notice for good.

    Args:
        name: Who refused it.
        roles: What they are to be told as; each is covered by itself.
        holders: Who else can be asked, in the order in which they are.
        has_hope: Of everybody who was asked about this notice, whether they have it or may still get it.
        above: Which role stands in for which, by the plan.
    """
    if has_hope.get(name):
        return Next()  # at another address of theirs
    asked: dict[str, None] = {}
    told: dict[str, None] = {}
    others = [holder for holder in holders if holder.name != name]
    for role in roles:
        covered, fresh = _cover(role, others, has_hope, above)
        told.update(dict.fromkeys(covered or fresh))
        asked.update(dict.fromkeys(fresh))
    return Next(tuple(asked), tuple(told))


def _cover(
    role: Role | None, others: Iterable[Holder], has_hope: Mapping[str, bool], above: Mapping[Role, Role]
) -> tuple[list[str], list[str]]:
    """Return who covers a role or the next one up that anybody covers, and else who is asked to."""
    while role is not None:
        there = [each.name for each in others if role in each.roles]
        covered = [name for name in there if has_hope.get(name)]
        fresh = [name for name in there if name not in has_hope]
        if covered:
            return covered, []
        if fresh:
            return [], fresh
        role = above.get(role)
    return [], []


def in_place_of(role: Role, holders: Sequence[Holder], above: Mapping[Role, Role]) -> tuple[str, ...]:
    """Return who is told in place of a role that nobody holds who can be asked; nobody if somebody does."""
    asked: list[str] = []
    if not any(role in each.roles for each in holders):
        _, asked = _cover(above.get(role), holders, {}, above)
    return tuple(asked)
