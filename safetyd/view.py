"""How everything stands at one moment, read from the store without disturbing whoever writes it.

Rule: what is shown here is what the command line and the web show; neither shapes a record of its own.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from safetyd import objects
from safetyd.assigned import composed
from safetyd.core.errors import ActionError
from safetyd.core.shards import shard_of
from safetyd.core.spaces import spaces
from safetyd.core.ticket import Status
from safetyd.core.world import Facts, World
from safetyd.faults import did_you_mean
from safetyd.hearing import Hearing
from safetyd.ingest.topics import native_route, routes
from safetyd.recovery import facts_of, recover
from safetyd.sensor_objects import Watched, sensor_object, stray_object, watched
from safetyd.site import Site
from safetyd.site_people import fingerprint
from safetyd.store import attempts, latest, ledger, leftovers, outbox, readings
from safetyd.store.database import Connection, StoreError
from safetyd.store.leftovers import Stray
from safetyd.times import rfc3339_or_none


class Version(NamedTuple):
    """By what somebody who looks on and on knows that there is something new: counts that only grow."""

    decisions: int = 0
    readings: int = 0


class View(NamedTuple):
    """How everything stands at `at`; `root` is the first level of our own topics.

    Where several stores keep a district, `parts` are the views of each by the number of its shard, None of
    one that cannot be read; the connection is the first one's, and numbers of episodes mean nothing.
    """

    connection: Connection
    world: World
    facts: Facts
    site: Site
    root: str
    at: datetime
    version: Version = Version()
    parts: "tuple[View | None, ...]" = ()

    @property
    def each(self) -> "Sequence[View]":
        """Return a view for each store that can be read."""
        return [each for each in self.parts if each is not None] or (self,)

    def of(self, building: str) -> "View":
        """Return the view of the store that keeps a building.

        Raises:
            StoreError: it cannot be read now.
        """
        found = self.parts[shard_of(building, len(self.parts))] if self.parts else self
        if found is None:
            raise StoreError(f"what is on record of {self.site.name_of(building)} cannot be read now")
        return found

    def ticket(self, id: str) -> dict[str, Any]:
        """Return a ticket as the outside sees it.

        Raises:
            ActionError: there is none of this id.
        """
        found = self.world.tickets.get(id)
        if found is None:
            raise ActionError(f"there is no ticket {id!r}{did_you_mean(id, self.world.tickets)}")
        there = self.of(found.place.building)
        history = ledger.history(there.connection, id)
        return objects.ticket_object(there.world, there.facts, found, history, self.at)

    def whole_ticket(self, id: str, newest: int | None = None) -> dict[str, Any]:
        """Return a ticket with the rooms that could take its class in, and with who was told: by all notices
        or so many of the newest.

        Raises:
            ActionError: there is none of this id.
        """
        shown = self.ticket(id) | {"alternative_spaces": self._spaces(id)}
        connection = self.of(self.world.tickets[id].place.building).connection
        return shown | {"notices": told_of(connection, id, self.site, newest)}

    def _spaces(self, id: str) -> list[dict[str, Any]]:
        ticket = self.world.tickets[id]
        if ticket.place.room is None or ticket.status is Status.CLOSED:
            return []
        building = self.site.building(ticket.place.building)
        names = {each.id: each.name for each in building.rooms} if building else {}
        there = self.of(ticket.place.building)
        found = spaces(there.world, there.facts, ticket.place.building, self.at)
        return [objects.space_object(each, names.get(each.place.room or "", "")) for each in found]

    def sensors(self) -> list[Watched]:
        """Return every sensor that was heard or is waited for."""
        if self.parts:
            found = [each for part in self.each for each in part.sensors()]
            order = {each.id: number for number, each in enumerate(self.site.buildings)}
            return sorted(found, key=lambda each: order.get(each.sensor.place.building, len(order)))
        known = readings.sensors(self.connection)
        return watched(self.world, self.facts, self.site, known, self.at)

    def sensor_objects(self, found: Iterable[Watched]) -> list[dict[str, Any]]:
        """Return sensors as the outside sees them."""
        if self.parts:
            return self._objects_of_parts(list(found))
        of_store = [(each, each.number) for each in found]
        heard_at = {n: each.heard_at for each, n in of_store if n is not None and each.heard_at is not None}
        said = latest.latest(self.connection, heard_at, self.at)
        return [sensor_object(each, {} if n is None else said.get(n, {}), self.at) for each, n in of_store]

    def _objects_of_parts(self, found: Sequence[Watched]) -> list[dict[str, Any]]:
        shown: dict[int, dict[str, Any]] = {}
        for part in self.each:
            here = [n for n, each in enumerate(found) if self.of(each.sensor.place.building) is part]
            shown.update(zip(here, part.sensor_objects(found[n] for n in here), strict=True))
        return [shown[n] for n in range(len(found))]

    def strays(self) -> list[dict[str, Any]]:
        """Return the topics that were heard and are nobody's, as the site file now is."""
        bound = routes(self.site)

        def is_assigned(topic: str, stray: Stray) -> bool:
            named = bound.of(topic)
            if named or topic in bound.bridges:
                holds = (route.holds(at) for route in named for at in (stray.last_at, self.at))
                return topic in bound.bridges or any(holds)
            return native_route(topic, self.site, self.root) is not None

        found = {
            topic: stray for each in self.each for topic, stray in leftovers.strays(each.connection).items()
        }
        return [stray_object(topic, stray) for topic, stray in found.items() if not is_assigned(topic, stray)]


def view(connection: Connection, site: Site, root: str, at: datetime) -> View:
    """Return how everything stands, read from the store."""
    site = composed(connection, site, root).site
    hearing = Hearing(site, root, readings.sensors(connection))
    facts = facts_of(site, hearing.routes, hearing.known)
    world = recover(connection, facts, hearing.sensors).world
    return View(connection, world, facts, site, root, at)


def told_of(
    connection: Connection, ticket: str, site: Site, newest: int | None = None
) -> list[dict[str, Any]]:
    """Return the notices about a ticket, all or so many, each with how far it has come at each address."""
    kinds = {
        (person.name, fingerprint(url)): url.partition(":")[0]
        for person in site.people
        for url in person.notify
    }
    told = []
    for notice in outbox.notices(connection, ticket)[-newest if newest else None :]:
        found = attempts.deliveries(connection, notice["id"])
        deliveries = [
            objects.delivery_object(each, kinds.get((each["person"], each["address"]))) for each in found
        ]
        at = rfc3339_or_none(notice["last_resort_at"])
        told.append(objects.notice_object(notice) | {"last_resort_at": at, "deliveries": deliveries})
    return told
