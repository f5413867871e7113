"""`sensors`: every device that was heard or is waited for, how it stands, and what is heard of nobody's."""

from collections.abc import Sequence
from typing import Annotated

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.cli.looking import view
from safetyd.faults import did_you_mean
from safetyd.sensor_objects import Watched, printable
from safetyd.sensor_sheet import sensor_sheet
from safetyd.view import View


@app.command("sensors")
def sensors_command(
    sensor: Annotated[
        str | None,
        typer.Argument(metavar="[SENSOR]", help="Only this one, in detail: id, or building/room/id."),
    ] = None,
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Only what is heard and belongs to no room yet.")
    ] = False,
    building: Annotated[str | None, typer.Option(metavar="ID", help="Only of this building.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """How each sensor stands, what it said last, and whether that is believed.

    Example: safetyd sensors --building lincoln
    """
    if sensor is not None and unassigned:
        raise typer.BadParameter("name a sensor or ask for --unassigned, not both")
    configuration = loaded(config, building or sensor)
    if building is not None and configuration.site.building(building) is None:
        ids = [each.id for each in configuration.site.buildings]
        raise typer.BadParameter(f"no building is called {building!r}{did_you_mean(building, ids)}")
    with view(configuration) as seen:
        found = [each for each in seen.sensors() if building in (None, each.sensor.place.building)]
        if sensor is not None:
            return _show_one(seen, _asked(sensor, found), as_json=as_json)
        shown = [] if unassigned else seen.sensor_objects(found)
        strays = seen.strays()
    if as_json:
        print_json(
            {
                "sensors": shown,
                "unassigned": [each["topic"] for each in strays],
                "strays": strays,
            }
        )
    else:
        from safetyd.cli.sensor_words import sensors_words, strays_words

        if not unassigned:
            sensors_words(shown, seen.site, seen.at)
        if unassigned or strays:
            strays_words(strays, seen.site, configuration.settings.mqtt.root, seen.at)
    return 0


def _asked(name: str, found: Sequence[Watched]) -> Watched:
    """Return the one sensor that is meant."""
    by_key = {each.sensor.key: each for each in found}
    if name in by_key:
        return by_key[name]
    meant = [
        each for each in found if name in (each.sensor.id, f"{each.sensor.place.building}/{each.sensor.id}")
    ]
    if len(meant) == 1:
        return meant[0]
    if meant:
        names = ", ".join(printable(each.sensor.key) for each in meant)
        raise typer.BadParameter(
            f"several sensors are called {name!r}: {names};"
            f" say which, as in: safetyd sensors {printable(meant[0].sensor.key)}"
        )
    ids = dict.fromkeys(printable(id) for id in [*(each.sensor.id for each in found), *by_key])
    raise typer.BadParameter(f"no sensor is called {name!r}{did_you_mean(name, ids)}")


def _show_one(seen: View, each: Watched, *, as_json: bool) -> int:
    detail = sensor_sheet(seen, each)
    if as_json:
        print_json(detail)
    else:
        from safetyd.cli.sensor_words import sensor_words

        sensor_words(detail, seen.site, seen.at)
    return 0
