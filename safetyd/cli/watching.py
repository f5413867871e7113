"""`watch`: a second safetyd elsewhere, which knows what it means when the one in a building falls silent."""

from typing import Annotated

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.cli.looking import view
from safetyd.cli.serving import refuse, serve
from safetyd.objects import watched_object


@app.command("watch")
def watch_command(
    list_: Annotated[
        bool, typer.Option("--list", help="Say how each building stands, as a watch that runs sees it.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Watch buildings from afar, by what their own safetyds say over MQTT; in the foreground like run.

    A silent building is told as no network, no gateway or no mains within 200 s, and has its ticket (9.14.5)
    after two hours where its own safetyd cannot open it. --list and --json only show how all stand.

    Example: safetyd watch --config config/watch.toml
    """
    configuration = loaded(config)
    if not configuration.site.is_watch:
        refuse("none has a gateway", 'gateway = "CLIENT_ID" in each, or safetyd run')
    if not list_ and not as_json:
        serve(configuration, config)
        return 0
    with view(configuration) as seen:
        shown = [watched_object(seen.world, seen.facts, id, seen.at) for id in seen.facts.watched]
    if as_json:
        print_json({"buildings": shown})
    else:
        from safetyd.cli.mains_words import watched_words

        watched_words(shown, configuration.site)
    return 0
