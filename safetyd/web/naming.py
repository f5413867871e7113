"""Whose names are not for somebody who asks: by their role, and never their own."""

from collections.abc import Iterable

from safetyd.naming import reported
from safetyd.site import Person
from safetyd.store.accounts import Account
from safetyd.store.reporters import Reporter
from safetyd.web.access import Right, may


def hidden(
    account: Account,
    reporters: Iterable[Reporter],
    accounts: Iterable[Account],
    people: Iterable[Person],
    places: Iterable[str] = (),
) -> frozenset[str]:
    """Return the names that are not for somebody: of educators who reported, but for their own."""
    if may(account, Right.NAMES):
        return frozenset()
    return reported(reporters, accounts, people, places, account.name)
