"""The connections that the web reads with, and the inbox that it acts through: one thing at a time on each.

Rule: nothing that reads or writes the store runs in the loop that listens.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from safetyd.naming import names_of_places
from safetyd.store import accounts
from safetyd.store.accounts import Account
from safetyd.store.database import Connection, open_for_writing
from safetyd.store.once import Key
from safetyd.store.reporters import Reporter, reporters
from safetyd.view import View
from safetyd.web.access import Right, may
from safetyd.web.acts import Done, Inbox
from safetyd.web.house import House
from safetyd.web.naming import hidden
from safetyd.web.outlook import Outlook
from safetyd.whatif.desk import Desk

T = TypeVar("T")


class Looking:
    """What everything that is answered rests on."""

    def __init__(self, house: House, people: "Looking | None" = None) -> None:
        """`people` is where it is known who may log in, where that is elsewhere."""
        self.house = house
        self.people = people or self
        now = house.pulse.now
        self._outlook = Outlook(house.store_url, house.root, house.site, now, house.loaded)
        self._archive = Outlook(house.store_url, house.root, house.site, now)  # for what takes longer
        self._looking, self._searching, self._writing = (CapacityLimiter(1) for _ in range(3))
        self.inbox = Inbox(house.store_url, house.pulse)
        self.desk = Desk(house.store_url)
        self._reporters: set[Reporter] = set()
        self._reports_seen = 0

    def prepare(self) -> None:
        """Look once before anybody does; whoever looks first need not wait for it.

        Raises:
            StoreError: the store cannot be read now.
        """
        with self._outlook.view():
            pass

    async def view(self, read: Callable[[View], T]) -> T:
        """Return what is made of how everything stands."""

        def look() -> T:
            with self._outlook.view() as view:
                return read(view)

        return await to_thread.run_sync(look, limiter=self._looking)

    async def ask(self, read: Callable[[Connection], T]) -> T:
        """Return what is quickly read from the store."""

        def look() -> T:
            with self._outlook.connected() as connection:
                return read(connection)

        return await to_thread.run_sync(look, limiter=self._looking)

    async def hidden_from(self, account: Account) -> frozenset[str]:
        """Return the names of people who reported that are not for somebody."""
        if may(account, Right.NAMES):
            return frozenset()
        return await self.ask(lambda connection: self.hidden_in(connection, account))

    def hidden_in(self, connection: Connection, account: Account) -> frozenset[str]:
        """Return the same, for whoever looks already."""
        if may(account, Right.NAMES):
            return frozenset()
        found, self._reports_seen = reporters(connection, self._reports_seen)
        self._reporters |= found
        known = [each for each, _ in accounts.everybody(connection)]
        site = self.house.site()
        return hidden(account, self._reporters, known, site.people, names_of_places(site))

    async def search(self, read: Callable[[Connection], T]) -> T:
        """Return what is read from the past, which may take longer and holds up nobody else."""

        def look() -> T:
            with self._archive.connected() as connection:
                return read(connection)

        return await to_thread.run_sync(look, limiter=self._searching)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Return what comes of a short change that no decision rests on: accounts and sessions."""

        def do() -> T:
            with closing(open_for_writing(self.house.store_url)) as connection:
                return change(connection)

        return await to_thread.run_sync(do, limiter=self._writing)

    async def think(self, work: Callable[[], T]) -> T:
        """Return what takes a processor for a while, such as a password."""
        return await to_thread.run_sync(work, limiter=self._writing)

    async def carry_out(self, said: dict[str, Any], key: Key | None = None) -> Done:
        """Have a command carried out by the writer, once under its key.

        Raises:
            Problem: it is refused, or could not be left.
        """

        async def understood() -> dict[str, Any]:
            return said

        return await self.inbox.carry_out(understood, key)

    def close(self) -> None:
        """Let go of everything."""
        for each in (self._outlook, self._archive, self.inbox, self.desk):
            each.close()
