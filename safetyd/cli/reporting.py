"""`tell PLACE`: what a person saw, measured or wrote, that no sensor sees."""

from typing import Annotated

import typer

from safetyd.cli.application import Config, Json, app
from safetyd.cli.carrying import carry_out
from safetyd.cli.loading import loaded
from safetyd.cli.looking import place_of, show_ticket
from safetyd.core.model import Condition, Hazard, Role


@app.command("tell")
def tell_command(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="building/room, or a building.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who tells it.")],
    hazard: Annotated[Hazard | None, typer.Option(help="What is wrong there (9.9.2.C).")] = None,
    temperature_f: Annotated[float | None, typer.Option(help="Measured by hand, °F …")] = None,
    temperature_c: Annotated[float | None, typer.Option(help="… or °C; with --humidity.")] = None,
    humidity: Annotated[float | None, typer.Option(help="Measured beside it, percent.")] = None,
    heat_index_f: Annotated[float | None, typer.Option(help="As the instrument shows it, °F.")] = None,
    instrument: Annotated[str | None, typer.Option(metavar="TEXT", help="What it was measured with.")] = None,
    notice: Annotated[Condition | None, typer.Option(help="An educator's written notice of this.")] = None,
    location: Annotated[
        str | None, typer.Option(metavar="TEXT", help="An educator's new work location.")
    ] = None,
    role: Annotated[Role | None, typer.Option(help="Who you are, where the site file does not say.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="In your own words.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Put a hazard, a hand-held reading, a written notice or a new work location on record.

    A hazard opens a ticket; so does a reading beyond a limit, by itself.

    Example: safetyd tell lincoln/204 --temperature-f 58.5 --humidity 40 --instrument "sling psychrometer"
    --by "Ann Lee"
    """
    configuration = loaded(config, place)
    where = place_of(place, configuration.site)
    given = {
        "by": by,
        "hazard": hazard,
        "temperature_f": temperature_f,
        "temperature_c": temperature_c,
        "humidity": humidity,
        "heat_index_f": heat_index_f,
        "instrument": instrument,
        "notice": notice,
        "location": location,
        "role": role,
        "note": note,
    }
    said = {"do": "report", "building": where.building, "room": where.room}
    ticket = carry_out(
        said | {key: value for key, value in given.items() if value is not None}, configuration
    )
    if ticket is not None:
        return show_ticket(ticket, config, as_json=as_json)
    if not as_json:
        print(f"{place}: on record; it opened no ticket")
    return 0
