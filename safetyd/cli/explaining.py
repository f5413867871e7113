"""`explain`: from the values as they were sent to verdict and ticket, in sentences."""

from contextlib import closing
from typing import Annotated

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.cli.looking import place_of
from safetyd.clock import now
from safetyd.store.database import open_for_reading, told_on_failure
from safetyd.times import read_time


@app.command("explain")
def explain_command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="TICKET|ROOM@TIME", help="lincoln-2026-0007, or lincoln/204@2026-12-01T08:05."
        ),
    ],
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Why a room or a building was judged as it was at a moment, and why there was a ticket or none.

    ROOM is building/room, or building for its electricity; a TIME without a zone is of the site's.

    Example: safetyd explain lincoln/204@2026-12-01T08:05
    """
    from safetyd.explain.asking import ground, of_place, of_ticket

    configuration = loaded(config, what.partition("@")[0])
    site, settings = configuration.site, configuration.settings
    where, is_moment, text = what.partition("@")
    url = settings.store.url
    with told_on_failure(url), closing(open_for_reading(url)) as connection:
        on = ground(connection, site, settings.mqtt.root, now())
        if is_moment:
            place = place_of(where, site)
            try:
                at = read_time(text, site.timezone)
            except ValueError as error:
                raise typer.BadParameter(str(error)) from error
            found = of_place(on, place, at)
        elif "/" in what or site.building(what) is not None:
            raise typer.BadParameter(
                f"{what!r} lacks a time; expected ROOM@TIME such as {what}@2026-12-01T08:05"
            )
        else:
            found = of_ticket(on, what)
    if as_json:
        from safetyd.explain.document import explanation_object

        print_json(explanation_object(found))
    else:
        from safetyd.cli.explaining_words import explanation_words

        explanation_words(found)
    return 0
