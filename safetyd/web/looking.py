"""The connections that the web reads with, and the inboxes that it acts through: one thing at a time on each.

Rule: nothing that reads or writes the store runs in the loop that listens. Where several stores keep a
district, what is about one building is asked of that one's.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from anyio import CapacityLimiter, to_thread

from safetyd.core.shards import shard_of
from safetyd.naming import names_of_places
from safetyd.site import Site
from safetyd.store import accounts
from safetyd.store.accounts import Account
from safetyd.store.database import Connection, StoreError, open_for_writing
from safetyd.store.failure import LostError
from safetyd.store.once import Key
from safetyd.view import View
from safetyd.web.access import Right, may
from safetyd.web.acts import Done, Inbox, holders
from safetyd.web.house import House, Shard
from safetyd.web.joined import Joining
from safetyd.web.naming import hidden
from safetyd.web.problems import misused
from safetyd.web.record import Record
from safetyd.whatif.desk import Desk

T = TypeVar("T")
_PATIENCE_S = 1.0  # with one store of several


class Archive(NamedTuple):
    """Where the past of some buildings is read from."""

    connection: Connection
    url: str


class Past(NamedTuple):
    """What there is to be asked of the past, at `now`; what takes long is left at the `desk`.

    `reach` leads to where a building's is kept, whose number is its `home`.
    """

    site: Site
    root: str
    now: datetime
    desk: Desk
    reach: Callable[[str], Archive]
    home: Callable[[str], int] = lambda _: 0

    def of(self, *buildings: str) -> Archive:
        """Return where the past of buildings is kept.

        Raises:
            Problem: that is not one store.
        """
        if self.is_apart(*buildings):
            words = "building: these are kept in several places; choose one building"
            raise misused("building", f"{words}, or ask at the command line", 413)
        return self.reach(buildings[0])

    def is_apart(self, *buildings: str) -> bool:
        """Return whether the past of buildings is kept in several stores."""
        return len({self.home(each) for each in buildings}) > 1


def building_in(ticket: str) -> str:
    """Return the building whose ticket this is, by its id."""
    return ticket.rsplit("-", 2)[0]


class Looking:
    """What everything that is answered rests on."""

    def __init__(self, house: House, people: "Looking | None" = None) -> None:
        """`people` is where it is known who may log in, where that is elsewhere."""
        self.house = house
        self.people = people or (Looking(house._replace(shards=())) if house.shards else self)
        stores = house.shards or (Shard(house.store_url, house.site),)
        self.records = [
            Record(
                each.store_url,
                house.root,
                each.site,
                house.pulse,
                house.loaded,
                house.way.give,
                is_anothers=bool(house.shards),
            )
            for each in stores
        ]
        self._looking, self._searching, self._writing = (CapacityLimiter(1) for _ in range(3))
        self._joining = Joining()
        self.desk = Desk()
        self._whole: tuple[list[Site], Site] | None = None  # of which sites, and what they are together

    def site(self) -> Site:
        """Return every building, as it is now."""
        file = self.house.site()
        if not self.house.shards:
            return file
        found = [file, *(each.site() for each in self.records)]
        if self._whole is None or any(a is not b for a, b in zip(found, self._whole[0], strict=True)):
            there = {each.id: each for site in found[1:] for each in site.buildings}
            whole = replace(file, buildings=tuple(there.get(each.id, each) for each in file.buildings))
            self._whole = found, whole
        return self._whole[1]

    def prepare(self) -> None:
        """Look once before anybody does; whoever looks first need not wait for it.

        Raises:
            StoreError: the store cannot be read now.
        """
        with self._view():
            pass

    async def view(self, read: Callable[[View], T]) -> T:
        """Return what is made of how everything stands."""

        def look() -> T:
            with self._view() as view:
                return read(view)

        return await to_thread.run_sync(look, limiter=self._looking)

    @contextmanager
    def _view(self) -> Iterator[View]:
        self.house.way.give()
        with ExitStack() as stack:
            if not self.house.shards:
                yield stack.enter_context(self.records[0].outlook.view())
                return
            found = [self._opened(stack, each) for each in self.records]
            yield self._joining.view(found, self.site())

    @staticmethod
    def _opened(stack: ExitStack, record: Record) -> View | None:
        """Return the view of one store of several, None if it cannot be read while others may be.

        Raises:
            StoreError: the server of all has gone, or keeps everybody waiting.
        """
        began_s, record.fault = time.monotonic(), ""
        try:
            record.look_for_assignments()
            return stack.enter_context(record.outlook.view())
        except LostError:
            raise
        except StoreError as error:
            if time.monotonic() - began_s > _PATIENCE_S:
                raise
            record.fault = str(error)
            return None

    def warning(self) -> str:
        """Return what is amiss with what is shown."""
        faults = (f"not all is shown: {each.fault}" for each in self.records if each.fault)
        return "; ".join(filter(None, (self.house.warning(), *faults)))

    async def ask(self, read: Callable[[Connection], T]) -> T:
        """Return what is quickly read from the store, where there are several from the first."""

        def look() -> T:
            with self.records[0].outlook.connected() as connection:
                return read(connection)

        return await to_thread.run_sync(look, limiter=self._looking)

    async def hidden_from(self, account: Account) -> frozenset[str]:
        """Return the names of people who reported that are not for somebody."""
        if may(account, Right.NAMES):
            return frozenset()

        def look() -> frozenset[str]:
            with ExitStack() as stack:
                return self.hidden_in([self._connected(stack, each) for each in self.records], account)

        return await to_thread.run_sync(look, limiter=self._looking)

    def _connected(self, stack: ExitStack, record: Record) -> Connection | None:
        """Return a connection to one store, None where it is one of several and cannot be read."""
        try:
            return stack.enter_context(record.outlook.connected())
        except LostError:
            raise
        except StoreError:
            if not self.house.shards:
                raise
            return None

    def hidden_in(self, connections: Sequence[Connection | None], account: Account) -> frozenset[str]:
        """Return the same, for whoever looks already: at every store, None where one cannot be read."""
        if may(account, Right.NAMES):
            return frozenset()
        of_stores = zip(self.records, connections, strict=True)
        reporters = set().union(*(record.reporters(connection) for record, connection in of_stores))
        first = connections[0]
        known = [] if first is None else [each for each, _ in accounts.everybody(first)]
        site = self.site()
        return hidden(account, reporters, known, site.people, names_of_places(site))

    async def search(self, read: Callable[[Past], T]) -> T:
        """Return what is read from the past, which may take longer and holds up nobody else."""

        def look() -> T:
            with self._past() as past:
                return read(past)

        return await to_thread.run_sync(look, limiter=self._searching)

    @contextmanager
    def _past(self) -> Iterator[Past]:
        with ExitStack() as stack:
            opened: dict[int, Archive] = {}

            def reach(building: str) -> Archive:
                shard = self._shard_of(building)
                if shard not in opened:
                    record = self.records[shard]
                    opened[shard] = Archive(stack.enter_context(record.archive.connected()), record.url)
                return opened[shard]

            yield Past(self.site(), self.house.root, self.house.pulse.now(), self.desk, reach, self._shard_of)

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
        """Have a command carried out by its writer, once under its key.

        Raises:
            Problem: it is refused, or could not be left.
        """

        async def understood() -> dict[str, Any]:
            return said

        done = await (await self.inbox_for(said, key)).carry_out(understood, key)
        self.look_anew()
        return done

    async def inbox_for(self, said: Mapping[str, Any], key: Key | None) -> Inbox:
        """Return where a command is left: where one was under its key, else by what it is about."""
        if key is not None and self.house.shards:
            for each in self.records:
                if await each.inbox.knows(key):
                    return each.inbox
        return self.inbox_of(await self._about(said) if self.house.shards else "")

    async def _about(self, said: Mapping[str, Any]) -> str:
        """Return the building that a command is about, nothing if it is about none."""
        if tickets := said.get("ticket"):
            return building_in(tickets if isinstance(tickets, str) else tickets[0])
        if building := said.get("building"):
            return str(building)
        if topic := said.get("topic"):
            return next(iter(await self.view(lambda view: holders(view, topic))), "")
        site, name = self.site(), said.get("person")
        theirs = [each for each in site.people if each.name == name]
        return next(
            (each.id for each in site.buildings if any(one.belongs_to(each.id) for one in theirs)), ""
        )

    def look_anew(self) -> None:
        """Have the next who looks see what was assigned just now."""
        for each in self.records:
            each.look_anew()

    def inbox_of(self, building: str) -> Inbox:
        """Return where commands about a building are left."""
        return self._record_of(building).inbox

    def apart(self, command: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return a command on several tickets as one for each store."""
        tickets = command.get("ticket")
        if not self.house.shards or not isinstance(tickets, list):
            return [command]
        of_stores: dict[int, list[str]] = {}
        for each in tickets:
            of_stores.setdefault(self._shard_of(building_in(each)), []).append(each)
        return [{**command, "ticket": found} for found in of_stores.values()]

    def _shard_of(self, building: str) -> int:
        """Return whose a building is; what is of none is the first's."""
        return shard_of(building, len(self.records)) if building else 0

    def _record_of(self, building: str) -> Record:
        return self.records[self._shard_of(building)]

    def close(self) -> None:
        """Let go of everything."""
        self.desk.close()
        for each in self.records:
            each.close()
        if self.house.shards:
            self.people.close()
