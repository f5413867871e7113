"""`tickets` and `ticket ID show`: what the record holds, read without disturbing the daemon."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.clock import now
from safetyd.configuration import Loaded
from safetyd.core.model import Condition, Place
from safetyd.core.ticket import Status
from safetyd.faults import did_you_mean
from safetyd.site import Site
from safetyd.store.database import open_for_reading
from safetyd.view import View
from safetyd.view import view as read_view


@contextmanager
def view(configuration: Loaded) -> Iterator[View]:
    """Yield how everything stands now, read from the store."""
    settings = configuration.settings
    with open_for_reading(settings.store.url) as connection:
        yield read_view(connection, configuration.site, settings.mqtt.root, now())


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
    configuration = loaded(config, building)
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
    configuration = loaded(config, id)
    with view(configuration) as seen:
        shown = seen.whole_ticket(id)
    if as_json:
        print_json(shown)
    else:
        from safetyd.cli.delivery_words import delivery_words
        from safetyd.cli.words import ticket_words

        ticket_words(shown, configuration.site)
        delivery_words(shown["notices"], configuration.site)
    return 0


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
