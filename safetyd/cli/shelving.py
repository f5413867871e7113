"""`shelve PLACE` and `unshelve PLACE`: hold back the messages about a place while people work there."""

from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.carrying import carry_out
from safetyd.cli.loading import loaded
from safetyd.cli.looking import place_of, view
from safetyd.cli.words import local, plain_console
from safetyd.configuration import Loaded
from safetyd.core.model import Place, Role
from safetyd.core.shelf import ShelfVerb
from safetyd.objects import shelf_object
from safetyd.site import Site
from safetyd.store import shelves

By = Annotated[str | None, typer.Option(metavar="NAME", help="Who does it.")]
Note = Annotated[str | None, typer.Option(metavar="WHY", help="In your own words.")]
AsRole = Annotated[Role | None, typer.Option(help="Who you are, where the site file does not say.")]


@app.command("shelve")
def shelve_command(
    place: Annotated[
        str | None, typer.Argument(metavar="PLACE", help="building/room, or a building.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="When messages begin again: 7 days at most.")
    ] = None,
    by: By = None,
    note: Note = None,
    role: AsRole = None,
    is_list: Annotated[bool, typer.Option("--list", help="Show what is shelved, and what ever was.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Hold back the messages about a place, until a time and for a reason; again, to give it another end.

    Only messages stop: all is recorded, tickets open, deadlines run. It ends by itself, and then tells what
    is open there; administrator, facilities and safety committee are told of both at once.

    Example: safetyd shelve lincoln/204 --until "2026-12-01 16:00" --by "J. Doe" --note "boiler is swapped"
    """
    configuration = loaded(config, place)
    if is_list:
        if place is not None or until is not None or by is not None or note is not None or role is not None:
            raise typer.BadParameter("--list shows all that is on record: give nothing else")
        return _list(configuration, as_json=as_json)
    if place is None:
        raise typer.BadParameter("PLACE is needed: building/room, or a building; or --list")
    for name, value in (("until", until), ("by", by), ("note", note)):
        if value is None:
            raise typer.BadParameter(f"--{name} is needed: an end, a name and a reason go with each silence")
    where = place_of(place, configuration.site)
    _do(configuration, ShelfVerb.SHELVE, where, until=until, by=by, note=note, role=role)
    return _show(configuration, where, as_json=as_json)


@app.command("unshelve")
def unshelve_command(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="building/room, or a building.")],
    by: By = None,
    note: Note = None,
    role: AsRole = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Let the messages about a place be sent again before their time; what is open there is told at once.

    Example: safetyd unshelve lincoln/204 --by "J. Doe" --note "done sooner"
    """
    configuration = loaded(config, place)
    if by is None:
        raise typer.BadParameter("--by is needed: the name of who ends it")
    where = place_of(place, configuration.site)
    _do(configuration, ShelfVerb.UNSHELVE, where, by=by, note=note, role=role)
    return _show(configuration, where, as_json=as_json)


def _do(configuration: Loaded, verb: ShelfVerb, where: Place, **given: Any) -> None:
    said = {"do": verb.value, "building": where.building, "room": where.room}
    carry_out(said | {key: value for key, value in given.items() if value is not None}, configuration)


def _show(configuration: Loaded, where: Place, *, as_json: bool) -> int:
    """Print the newest shelf of a place."""
    with view(configuration) as seen:
        newest = [each for each in shelves.record(seen.connection) if each.place == where][-1]
        shown = shelf_object(newest, seen.at)
    if as_json:
        print_json(shown)
    else:
        _words([shown], configuration.site)
    return 0


def _list(configuration: Loaded, *, as_json: bool) -> int:
    with view(configuration) as seen:
        shown = [shelf_object(each, seen.at) for each in shelves.record(seen.connection)]
    if as_json:
        print_json({"shelves": shown})
    else:
        _words(shown, configuration.site)
    return 0


def _words(shown: list[dict[str, Any]], site: Site) -> None:
    console = plain_console()
    if not shown:
        console.print("Nothing was ever shelved.")
        return
    table = Table(Column("where", no_wrap=True), "messages", "from", "until", "by", "why", "ended", box=None)
    for each in shown:
        place = Place(each["building"], each["room"])
        is_standing = each["state"] == "standing"
        table.add_row(
            str(place),
            Text("held back", style="bold yellow") if is_standing else "sent again",
            local(each["began_at"], site),
            local(each["until"], site),
            Text(f"{each['by']} ({each['role']})"),
            Text(each["note"]),
            Text("" if is_standing else _ended(each, site)),
        )
    console.print(table)


def _ended(shown: dict[str, Any], site: Site) -> str:
    at = local(shown["ended_at"] or shown["until"], site)
    note = f": {shown['ended_note']}" if shown["ended_note"] else ""
    return f"{at} by {shown['ended_by'] or 'its time'}{note}"
