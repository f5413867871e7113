"""`tickets` and `ticket ID show`: what the record holds, read without disturbing the daemon."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import typer

from safetyd import objects
from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.clock import now
from safetyd.configuration import Loaded
from safetyd.core.errors import ActionError
from safetyd.core.model import Condition, Place
from safetyd.core.spaces import spaces
from safetyd.core.ticket import Status
from safetyd.core.world import Facts, World
from safetyd.faults import did_you_mean
from safetyd.hearing import Hearing
from safetyd.notify.letters import fingerprint
from safetyd.recovery import facts_of, recover
from safetyd.site import Site
from safetyd.store import attempts, ledger, outbox, readings
from safetyd.store.database import Connection, open_for_reading
from safetyd.times import rfc3339_or_none


class View(NamedTuple):
    """How everything stands at `at`."""

    connection: Connection
    world: World
    facts: Facts
    site: Site
    at: datetime

    def ticket(self, id: str) -> dict[str, Any]:
        """Return a ticket as the outside sees it.

        Raises:
            ActionError: there is none of this id.
        """
        found = self.world.tickets.get(id)
        if found is None:
            raise ActionError(f"there is no ticket {id!r}{did_you_mean(id, self.world.tickets)}")
        history = ledger.history(self.connection, id)
        return objects.ticket_object(self.world, self.facts, found, history, self.at)

    def spaces(self, id: str) -> list[dict[str, Any]]:
        """Return the rooms that could take in the class of a ticket's room."""
        ticket = self.world.tickets[id]
        if ticket.place.room is None or ticket.status is Status.CLOSED:
            return []
        building = self.site.building(ticket.place.building)
        names = {each.id: each.name for each in building.rooms} if building else {}
        found = spaces(self.world, self.facts, ticket.place.building, self.at)
        return [objects.space_object(each, names.get(each.place.room or "", "")) for each in found]


@contextmanager
def view(configuration: Loaded) -> Iterator[View]:
    """Yield how everything stands now, read from the store."""
    connection = open_for_reading(configuration.settings.store.url)
    with connection:
        site, at = configuration.site, now()
        hearing = Hearing(site, configuration.settings.mqtt.root, readings.sensors(connection))
        facts = facts_of(site, hearing.routes, hearing.known)
        world = recover(connection, facts, hearing.sensors, at).world
        yield View(connection, world, facts, site, at)


@app.command("tickets")
def tickets_command(
    status: Annotated[Status | None, typer.Option(help="Only of this status.")] = None,
    building: Annotated[str | None, typer.Option(metavar="ID", help="Only of this building.")] = None,
    condition: Annotated[Condition | None, typer.Option(help="Only of this condition.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """List tickets.

    Example: safetyd tickets --status open --json
    """
    configuration = loaded(config)
    if building is not None and configuration.site.building(building) is None:
        ids = [each.id for each in configuration.site.buildings]
        raise typer.BadParameter(f"no building is called {building!r}{did_you_mean(building, ids)}")
    with view(configuration) as seen:
        shown = [
            seen.ticket(ticket.id)
            for ticket in seen.world.tickets.values()
            if (status is None or ticket.status is status)
            and (building is None or ticket.place.building == building)
            and (condition is None or ticket.condition is condition)
        ]
    if as_json:
        print_json({"tickets": shown})
    else:
        from safetyd.cli.words import tickets_words

        tickets_words(shown, configuration.site)
    return 0


def show_ticket(id: str, config: str | None, *, as_json: bool) -> int:
    """Print one ticket: what is owed, what was done, who was told."""
    configuration = loaded(config)
    with view(configuration) as seen:
        shown = seen.ticket(id) | {"alternative_spaces": seen.spaces(id)}
        shown |= {"notices": told_of(seen.connection, id, configuration.site)}
    if as_json:
        print_json(shown)
    else:
        from safetyd.cli.delivery_words import delivery_words
        from safetyd.cli.words import ticket_words

        ticket_words(shown, configuration.site)
        delivery_words(shown["notices"], configuration.site)
    return 0


def told_of(connection: Connection, ticket: str, site: Site) -> list[dict[str, Any]]:
    """Return the notices about a ticket, each with how far it has come at each address."""
    kinds = {
        (person.name, fingerprint(url)): url.partition(":")[0]
        for person in site.people
        for url in person.notify
    }
    told = []
    for notice in outbox.notices(connection, ticket):
        found = attempts.deliveries(connection, notice["id"])
        deliveries = [
            objects.delivery_object(each, kinds.get((each["person"], each["address"]))) for each in found
        ]
        at = rfc3339_or_none(notice["last_resort_at"])
        told.append(objects.notice_object(notice) | {"last_resort_at": at, "deliveries": deliveries})
    return told


def place_of(text: str, site: Site) -> Place:
    """Return the room or building that a command names."""
    building_id, _, room_id = text.partition("/")
    building = site.building(building_id)
    if building is None:
        ids = [each.id for each in site.buildings]
        raise typer.BadParameter(f"no building is called {building_id!r}{did_you_mean(building_id, ids)}")
    if room_id and building.room(room_id) is None:
        ids = [each.id for each in building.rooms]
        raise typer.BadParameter(
            f"no room of {building.id} is called {room_id!r}{did_you_mean(room_id, ids)}"
        )
    return Place(building.id, room_id or None)
