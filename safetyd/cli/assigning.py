"""`assign TOPIC BUILDING ROOM` and `unassign TOPIC`: whose a topic is, without a line in the site file."""

from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.carrying import answered
from safetyd.cli.loading import loaded
from safetyd.commands import read_assignment
from safetyd.core.assignment import AssignVerb
from safetyd.core.model import Role
from safetyd.sensor_objects import printable

Topic = Annotated[str, typer.Argument(metavar="TOPIC", help="As `safetyd sensors --unassigned` shows it.")]
By = Annotated[str, typer.Option(metavar="NAME", help="Who says so.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="In your own words.")]
AsRole = Annotated[Role | None, typer.Option(help="Who you are, where the site file does not say.")]


@app.command("assign")
def assign_command(
    topic: Topic,
    building: Annotated[str, typer.Argument(metavar="BUILDING")],
    room: Annotated[
        str | None, typer.Argument(metavar="[ROOM]", help="Without it: a witness of the building's mains.")
    ] = None,
    by: By = ...,  # type: ignore[assignment]
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="From when on, or `first`: when first heard. Else now."),
    ] = None,
    format: Annotated[str | None, typer.Option(metavar="NAME", help="Which system speaks there.")] = None,
    sensor: Annotated[str | None, typer.Option(metavar="ID", help="Its name; else by its topic.")] = None,
    unit: Annotated[str | None, typer.Option(metavar="C|F", help="Where the device does not say.")] = None,
    measures: Annotated[
        str | None, typer.Option(metavar="QUANTITIES", help="What it is, such as temperature.")
    ] = None,
    values: Annotated[
        str | None, typer.Option(metavar="PATHS", help="Where it stands, such as temperature=air.t")
    ] = None,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="Which of several.")] = None,
    note: Note = None,
    role: AsRole = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Say of which room a sensor is that no site file names; what is kept of its past is judged too.

    Example: safetyd assign "zigbee2mqtt/Room 204" lincoln 204 --from 2026-12-01 --by "J. Doe"
    """
    settings = {"format": format, "sensor": sensor, "unit": unit, "measures": measures, "values": values}
    given = {"by": by, "from": since, **settings, "channel": channel, "note": note, "role": role}
    said = {"do": AssignVerb.ASSIGN.value, "topic": topic, "building": building, "room": room}
    return _do(said, given, config, as_json=as_json)


@app.command("unassign")
def unassign_command(
    topic: Topic,
    by: By = ...,  # type: ignore[assignment]
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Until when it was the room's. Else now.")
    ] = None,
    note: Note = None,
    role: AsRole = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Say that a sensor is no more of the room it was assigned to; what it said there stays on record.

    Example: safetyd unassign "zigbee2mqtt/Room 204" --by "J. Doe"
    """
    said = {"do": AssignVerb.UNASSIGN.value, "topic": topic}
    return _do(said, {"by": by, "until": until, "note": note, "role": role}, config, as_json=as_json)


def _do(said: dict[str, Any], given: dict[str, Any], config: str | None, *, as_json: bool) -> int:
    configuration = loaded(config, said.get("building"))
    whole = said | {key: value for key, value in given.items() if value is not None}
    read_assignment(whole, configuration.site.timezone)
    told = answered(whole, configuration)
    if as_json:
        print_json(told)
    else:
        print(f"{printable(told['says'])}.")
    return 0
