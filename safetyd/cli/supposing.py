"""`whatif`: a season under proposed numbers against those in force."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded, with_assignments
from safetyd.clock import now
from safetyd.configuration import find_config
from safetyd.faults import did_you_mean
from safetyd.site import Site
from safetyd.store.database import open_for_reading, told_on_failure
from safetyd.times import read_time


@app.command("whatif")
def whatif_command(
    from_: Annotated[str, typer.Option("--from", metavar="TIME", help="When the season begins.")],
    to: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends; else now.")] = None,
    building: Annotated[str | None, typer.Option(metavar="ID", help="Only of this building.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A proposed number: rules.heat.above_f=80."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Judge every stored reading again, not 5-minute values.")
    ] = False,
    over: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Ask the Parquet files of `history export`, not the store."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Judge on the Dask cluster of this scheduler: --exact, --over."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """What a season would have been under other rules; nothing is stored or sent.

    Example: safetyd whatif --from 2026-09-01 --set rules.heat.above_f=80 --set rules.cold.below_f=62
    """
    from safetyd.whatif.answer import Question, answer_object, buildings_meant, estimated
    from safetyd.whatif.parallel import exactly

    configuration = loaded(config)
    site, url = with_assignments(configuration), configuration.settings.store.url
    begin, end = time_of("--from", from_, site.timezone), now()
    if to is not None:
        end = min(end, time_of("--to", to, site.timezone))
    if begin >= end:
        until = "now" if to is None or end < time_of("--to", to, site.timezone) else f"--to {to}"
        raise typer.BadParameter(f"--from {from_} is not before {until}")
    where = buildings_meant(site, buildings_asked(building, site))
    question = Question(begin, end, tuple(set_ or ()), where)
    if cluster is not None and over is None and not exact:
        raise typer.BadParameter("--cluster judges what --exact or --over names; the roll-ups are quick here")
    if exact and (configuration.copy_of or site.part is not None):
        raise typer.BadParameter(
            "--exact reads the store of safetyd.toml; leave it out for a copy or a shard"
        )
    if over is not None:
        from safetyd.lake.asking import over as asked_over

        if exact:
            raise typer.BadParameter(
                "--exact judges single readings, which --over does not have; leave one out"
            )
        with progress_bar("judging again") as bar:
            where_from = find_config(config, os.environ).absolute()
            answer = asked_over(over, where_from, question, bar, cluster=cluster or "")
    else:
        with (
            told_on_failure(url),
            closing(open_for_reading(url)) as connection,
            progress_bar("judging again") as bar,
        ):
            if exact:
                where_from = find_config(config, os.environ).absolute()
                answer = exactly(where_from, site, connection, question, bar, cluster=cluster or "")
            else:
                whole = int((end - begin).total_seconds())
                answer = estimated(
                    connection, site, question, lambda at: bar(int((at - begin).total_seconds()), whole)
                )
    if as_json:
        print_json(answer_object(answer))
    else:
        from safetyd.cli.supposing_words import answer_words

        answer_words(answer, site)
    return 0


def time_of(option: str, text: str, zone: ZoneInfo) -> datetime:
    """Return the moment that an option says."""
    try:
        return read_time(text, zone)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from error


def buildings_asked(id: str | None, site: Site) -> list[str]:
    """Return the building that an option names, else all that are looked at."""
    ids = [each.id for each in site.buildings]
    if id in ids or (id is None and ids):
        return ids if id is None else [id]
    if site.part is not None and (id is None or id in site.part.elsewhere):
        said = "keeps no building" if id is None else f"does not keep {id!r}"
        raise typer.BadParameter(f"shard {site.part.shard} {said}; leave SAFETYD_DISTRICT__SHARD out")
    raise typer.BadParameter(f"no building is called {id!r}{did_you_mean(id or '', ids)}")


@contextmanager
def progress_bar(doing: str) -> Iterator[Any]:
    """Yield what shows how far it has come: a bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
