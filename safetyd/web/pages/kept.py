"""Parts of pages that many people look at, kept as long as nothing has changed: they all ask at one moment.

Rule: what is kept is found by what is shown, the rights of who sees it, the version of the view and the time
to a few seconds; whoever makes it knows nothing else of who asks. One thread at a time may look.
"""

from collections.abc import Callable
from typing import NamedTuple

from safetyd.store.accounts import Account
from safetyd.view import View
from safetyd.web.pages.page import Page, Visit

_LASTS_S = (
    15  # what time alone changes is seen so late: a value that no longer counts, a deadline that passes
)
_MOST_BYTES = 4 * 1024 * 1024


class Key(NamedTuple):
    """What is shown to whom: people of the same role and buildings are shown the same."""

    page: str
    path: tuple[tuple[str, str], ...]
    query: tuple[str, ...]
    role: str
    buildings: tuple[str, ...]


class Kept:
    """The parts that were made of one version."""

    def __init__(self) -> None:
        self._stamp: object = None
        self._parts: dict[Key, bytes] = {}
        self._bytes = 0

    def part(self, key: Key, view: View, make: Callable[[], bytes]) -> bytes:
        """Return a part as it was made of this version, or make it."""
        stamp = view.version, view.at.timestamp() // _LASTS_S
        if stamp != self._stamp or self._bytes > _MOST_BYTES:
            self._stamp, self._bytes = stamp, 0
            self._parts.clear()
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = make()
            self._bytes += len(found)
        return found


def key(page: Page, visit: Visit) -> Key:
    """Return by what a page is kept for who visits it."""
    account = visit.account
    query = tuple(visit.query.get(name, "") for name in page.shared or ())
    return Key(page.name, tuple(sorted(visit.path.items())), query, account.role.value, account.buildings)


def anybody(account: Account) -> Account:
    """Return somebody with the rights of an account, and nothing else of it."""
    return account._replace(number=0, name="")
