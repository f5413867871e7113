"""`gateways`: how far a centre has the record of each of its gateways, and what people want done there."""

from contextlib import closing
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.faults import one_of
from safetyd.held_copies import Pending, begin_anew, copy_object, pending
from safetyd.setting_centre import Gateway
from safetyd.store.database import StoreError, open_for_reading, writer_lock


@app.command("gateways")
def gateways_command(
    anew: Annotated[
        str | None,
        typer.Option("--anew", metavar="NAME", help="Set its copy aside, and begin another from row 1."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """At a centre: how far the copy of each gateway's record is, and which commands wait for an answer.

    A copy that a gateway's record no longer follows, as after that was restored from a backup, is kept beside
    the new one that --anew begins; end `safetyd watch` before.

    Example: safetyd gateways --json
    """
    configuration = loaded(config)
    if anew is not None:
        _begin_anew(anew, configuration)
        return 0
    shown = [_shown(each, configuration) for each in configuration.settings.gateways]
    if as_json:
        print_json({"gateways": shown})
    else:
        from safetyd.cli.gateway_words import gateways_words

        gateways_words(shown)
    return 0


def _shown(gateway: Gateway, configuration: Loaded) -> dict[str, Any]:
    """Return how a copy stands, and of which buildings it is, where the site files are named."""
    site = configuration.sites.get(gateway.name)
    buildings = [each.id for each in site.buildings] if site is not None else []
    try:
        with closing(open_for_reading(gateway.url)) as connection:
            return copy_object(gateway.name, connection) | {"buildings": buildings}
    except StoreError:
        return copy_object(gateway.name, None) | {"buildings": buildings}


def _begin_anew(name: str, configuration: Loaded) -> None:
    found = {each.name: each for each in configuration.settings.gateways}
    if name not in found:
        raise typer.BadParameter(f"no gateway is called {name!r}: {one_of(found)}")
    with writer_lock(found[name].url) as is_ours:
        if not is_ours:
            raise SafetydError(f"safetyd watch writes the copy of {name}; end it, and try again")
        left = _pending(found[name])
        print(f"The old copy is kept as {begin_anew(found[name]).name}; the gateway sends its record anew.")
    for each in left:
        print(f"{name} had not answered: {each.words}, by {each.by}; it stays there, so ask for it again")


def _pending(gateway: Gateway) -> list[Pending]:
    """Return what waits for an answer of the gateway; nothing of a copy that cannot be read."""
    try:
        with closing(open_for_reading(gateway.url)) as connection:
            return pending(connection)
    except StoreError:
        return []
