"""`tickets`, `ticket ID show` and `readings`: what the record holds, read without disturbing the daemon."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import typer

from safetyd import objects
from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.clock import now
from safetyd.configuration import Loaded
from safetyd.core.errors import ActionError
from safetyd.core.model import Condition, Place, Quantity
from safetyd.core.spaces import spaces
from safetyd.core.ticket import Status
from safetyd.core.units import fahrenheit
from safetyd.core.world import Facts, World
from safetyd.faults import did_you_mean
from safetyd.hearing import Hearing
from safetyd.notify.letters import fingerprint
from safetyd.recovery import facts_of, recover
from safetyd.site import Site
from safetyd.store import attempts, ledger, outbox, readings
from safetyd.store.database import Connection, open_for_reading
from safetyd.store.readings import Kept, Point
from safetyd.times import read_time, rfc3339, rfc3339_or_none

_UNITS = {
    Quantity.TEMPERATURE: "degF",
    Quantity.HUMIDITY: "%",
    Quantity.MAINS: "on",
    Quantity.VOLTAGE: "V",
    Quantity.POWER: "W",
    Quantity.BATTERY: "%",
    Quantity.ENERGY: "kWh",
}


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


class Span(NamedTuple):
    """One line of a history by spans: begin, least, mean, greatest, how many."""

    at: datetime
    low: float
    mean: float
    high: float
    n: int


@app.command("readings")
def readings_command(
    place: Annotated[str, typer.Argument(help="building/room, or building for its mains.")],
    quantity: Annotated[
        Quantity | None,
        typer.Option(help="What was measured; else temperature of a room, mains of a building."),
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="TIME")] = None,
    to: Annotated[str | None, typer.Option(metavar="TIME")] = None,
    every: Annotated[
        str | None, typer.Option(metavar="D", help="One line a span of 15m, 1h, 1d: min, mean, max, n.")
    ] = None,
    csv_: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a CSV file.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """The history of a room, or of a building's mains.

    Example: safetyd readings lincoln/204 --quantity humidity --from 2026-12-01 --every 1h
    """
    configuration = loaded(config)
    where = place_of(place, configuration.site)
    usual = Quantity.MAINS if where.room is None else Quantity.TEMPERATURE
    wanted = quantity or usual
    zone = configuration.site.timezone
    begin, end = (_time(text, zone) for text in (from_, to))
    width = None if every is None else _span(every)
    connection = open_for_reading(configuration.settings.store.url)
    with connection:
        found = readings.points(connection, where, wanted, begin, end)
    points: list[tuple[datetime, float]] = [(point.observed_at, _value(point)) for point in found]
    spans = None if width is None else _spans(points, width)
    if csv_ is not None:
        _write_csv(csv_, points, spans)
    if as_json:
        lines = (
            [[rfc3339(at), value] for at, value in points]
            if spans is None
            else [[rfc3339(s.at), s.low, s.mean, s.high, s.n] for s in spans]
        )
        unit = _UNITS[wanted]
        head = {"building": where.building, "room": where.room, "quantity": wanted.value, "unit": unit}
        print_json(head | {"points": lines})
    elif csv_ is None:
        from safetyd.cli.words import readings_words

        readings_words(where, wanted, _UNITS[wanted], points, spans, configuration.site)
    return 0


def _value(point: Point) -> float:
    return fahrenheit(point.value) if point.kept is Kept.TEMPERATURE_C else point.value


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


def _time(text: str | None, zone: ZoneInfo) -> datetime | None:
    try:
        return None if text is None else read_time(text, zone)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _span(text: str) -> timedelta:
    from safetyd.faults import Misfit
    from safetyd.shapes import positive_duration

    try:
        return positive_duration(text)
    except Misfit as misfit:
        raise typer.BadParameter(f"--every: {misfit.value}; expected {misfit.expected}") from misfit


def _spans(points: list[tuple[datetime, float]], every: timedelta) -> list[Span]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    parts: dict[int, list[float]] = {}
    for at, value in points:
        parts.setdefault((at - epoch) // every, []).append(value)
    return [
        Span(epoch + number * every, min(values), sum(values) / len(values), max(values), len(values))
        for number, values in sorted(parts.items())
    ]


def _write_csv(file: Path, points: list[tuple[datetime, float]], spans: list[Span] | None) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        if spans is None:
            writer.writerow(["observed_at", "value"])
            writer.writerows([rfc3339(at), value] for at, value in points)
        else:
            writer.writerow(["from", "min", "mean", "max", "n"])
            writer.writerows([rfc3339(s.at), s.low, s.mean, s.high, s.n] for s in spans)
