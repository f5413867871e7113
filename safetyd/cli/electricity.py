"""`power`: where each building's electricity stands and who says so; and a person's word on it."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.carrying import carry_out
from safetyd.cli.loading import loaded
from safetyd.cli.looking import view
from safetyd.configuration import Loaded
from safetyd.faults import did_you_mean
from safetyd.objects import building_object


class Says(StrEnum):
    """What a person sees of a building's electricity."""

    ON = "on"
    OFF = "off"


@app.command("power")
def power_command(
    building: Annotated[str | None, typer.Argument(metavar="BUILDING", help="Else all of them.")] = None,
    says: Annotated[Says | None, typer.Argument(help="What you see there: you are a witness.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who says so.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="In your own words.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Where the electricity stands, and who says so; or a person's word on it, which is a witness's.

    Example: safetyd power lincoln off --by "J. Doe" --note "dark since the storm"
    """
    configuration = loaded(config, building)
    ids = [each.id for each in configuration.site.buildings]
    if building is not None and building not in ids:
        raise typer.BadParameter(f"no building is called {building!r}{did_you_mean(building, ids)}")
    if says is None and (by is not None or note is not None):
        raise typer.BadParameter("to say something of a building's power, name it and say on or off")
    if says is not None:
        if by is None:
            raise typer.BadParameter("--by is needed: the name of who says so")
        said = {"do": "report", "building": building, "room": None, "by": by, "mains": says.value}
        carry_out(said | ({"note": note} if note else {}), configuration)
    shown = _buildings(configuration, [building] if building else ids)
    if as_json:
        print_json({"buildings": shown})
    else:
        from safetyd.cli.mains_words import power_words

        power_words(shown, configuration.site)
    return 0


def _buildings(configuration: Loaded, ids: list[str]) -> list[dict[str, Any]]:
    with view(configuration) as seen:
        return [building_object(seen.world, seen.facts, id, seen.at) for id in ids]
