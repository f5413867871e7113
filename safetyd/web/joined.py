"""How everything stands in several stores, seen as one: each keeps some of the buildings of a district.

Rule: what has a name of its own in the whole district, as places, tickets and sensors have, is looked up
here; what is numbered is numbered in each store, and only the view of one store knows of it.
"""

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from dataclasses import replace
from itertools import chain
from typing import Any, NoReturn, TypeVar

from safetyd.core.world import Facts, World
from safetyd.site import Site
from safetyd.store.database import StoreError
from safetyd.view import Version, View

K = TypeVar("K")
V = TypeVar("V")
_NAMED = (
    *("rooms", "powers", "shown", "health", "awaited", "places", "troubles", "tickets", "open", "last"),
    *("running", "desks", "shelves", "afar"),
)
_NUMBERED = ("episodes", "bound", "held", "numbers", "scheduled")
_OF_A_BUILDING = ("spans", "bridges", "behind", "lifters", "roles", "watched", "calendars")
_NOTHING = object()


class Apart(Mapping[K, V]):
    """Mappings without a key in common, as one; what is in them is not copied."""

    def __init__(self, parts: Sequence[Mapping[K, V]]) -> None:
        self._parts = parts

    def __getitem__(self, key: K) -> V:
        found: Any = self.get(key, _NOTHING)
        if found is _NOTHING:
            raise KeyError(key)
        return found  # type: ignore[no-any-return]

    def get(self, key: Any, default: Any = None) -> Any:
        for each in self._parts:
            found = each.get(key, _NOTHING)
            if found is not _NOTHING:
                return found
        return default

    def __contains__(self, key: object) -> bool:
        return any(key in each for each in self._parts)

    def __iter__(self) -> Iterator[K]:
        return chain.from_iterable(self._parts)

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def values(self) -> ValuesView[V]:
        return _Values(self._parts)

    def items(self) -> ItemsView[K, V]:
        return _Items(self._parts)


class _Values(ValuesView[V]):
    def __init__(self, parts: Sequence[Mapping[Any, V]]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[V]:
        return chain.from_iterable(each.values() for each in self._parts)

    def __len__(self) -> int:
        return sum(map(len, self._parts))


class _Items(ItemsView[K, V]):
    def __init__(self, parts: Sequence[Mapping[K, V]]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return chain.from_iterable(each.items() for each in self._parts)

    def __len__(self) -> int:
        return sum(map(len, self._parts))


class _OfOneStore(Mapping[Any, Any]):
    """What is numbered in each store for itself: to ask for it here is a fault of ours."""

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("numbers are one store's own: ask view.of(building)")

    __getitem__ = __iter__ = __len__ = _refuse


class Joining:
    """Joins views that stand for the same stores again and again."""

    def __init__(self) -> None:
        self._of: tuple[Facts, ...] = ()
        self._facts: Facts | None = None

    def view(self, parts: Sequence[View | None], site: Site) -> View:
        """Return the views of all stores as one, of the whole site; None of one that cannot be read.

        Raises:
            StoreError: none can.
        """
        there = [each for each in parts if each is not None]
        if not there:
            raise StoreError("no store of the district can be read")
        version = Version(
            sum(each.version.decisions for each in there), sum(each.version.readings for each in there)
        )
        return there[0]._replace(
            world=_world([each.world for each in there]),
            facts=self._joined_facts(tuple(each.facts for each in there)),
            site=site,
            version=version,
            parts=tuple(parts),
        )

    def _joined_facts(self, found: tuple[Facts, ...]) -> Facts:
        is_same = len(found) == len(self._of) and all(map(lambda a, b: a is b, found, self._of))
        if self._facts is None or not is_same:
            self._of, self._facts = found, _facts(found)
        return self._facts


def _world(worlds: Sequence[World]) -> World:
    named: dict[str, Any] = {name: Apart([getattr(each, name) for each in worlds]) for name in _NAMED}
    numbered: dict[str, Any] = dict.fromkeys(_NUMBERED, _OfOneStore())
    return World(**named, **numbered, now=max(each.now for each in worlds))


def _facts(found: Sequence[Facts]) -> Facts:
    of_a_building: dict[str, Any] = {
        name: Apart([getattr(each, name) for each in found]) for name in _OF_A_BUILDING
    }
    return replace(
        found[0],
        places=frozenset().union(*(each.places for each in found)),
        mains_powered=frozenset().union(*(each.mains_powered for each in found)),
        **of_a_building,
    )
