"""`test-notice NAME`: whether messages reach one person, by the way that every notice goes."""

from typing import Annotated

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.carrying import answered
from safetyd.cli.loading import loaded
from safetyd.commands import TEST_NOTICE, read_trial
from safetyd.core.model import Role
from safetyd.sensor_objects import printable


@app.command("test-notice")
def test_notice_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom to try, as the site file has it.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who asks for it.")],
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="In your own words.")] = None,
    role: Annotated[Role | None, typer.Option(help="Who you are, where the site file does not say.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Send one person a test notice, through the outbox and on record; the page People shows what came of it.

    Example: safetyd test-notice "Ann Lee" --by "J. Doe"
    """
    configuration = loaded(config)
    given = {"do": TEST_NOTICE, "person": name, "by": by, "note": note, "role": role}
    said = {key: value for key, value in given.items() if value is not None}
    read_trial(said)
    told = answered(said, configuration)
    if as_json:
        print_json(told)
    else:
        print(f"{printable(told['says'])}.")
    return 0
