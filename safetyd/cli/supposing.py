"""`whatif`: a season under proposed numbers against those in force."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import each_store, loaded, reading
from safetyd.clock import now
from safetyd.configuration import find_config
from safetyd.faults import did_you_mean
from safetyd.site import Site
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
    from safetyd.whatif.answer import Question, answer_object, buildings_meant

    configuration = loaded(config, building)
    site = configuration.site
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
    if exact and configuration.copy_of:
        raise typer.BadParameter("--exact reads the store of safetyd.toml; leave it out for a copy")
    if over is not None:
        from safetyd.lake.asking import over as asked_over

        if exact:
            raise typer.BadParameter(
                "--exact judges single readings, which --over does not have; leave one out"
            )
        with progress_bar("judging again") as bar:
            answer = asked_over(over, _file(config), question, bar, cluster=cluster or "")
    elif exact:
        from safetyd.whatif.parallel import exactly

        urls = [each.settings.store.url for each in each_store(configuration)]
        with progress_bar("judging again") as bar:
            answer = exactly(_file(config), site, urls, question, bar, cluster=cluster or "")
    else:
        from safetyd.whatif.rolled import estimated_of

        stores = [partial(reading, each) for each in each_store(configuration)]
        with progress_bar("judging again") as bar:
            answer = estimated_of(stores, site, question, lambda share: bar(share, 1))
    if as_json:
        print_json(answer_object(answer))
    else:
        from safetyd.cli.supposing_words import answer_words

        answer_words(answer, site)
    return 0


def _file(config: str | None) -> Path:
    """Return the path of safetyd.toml, which other processes read too."""
    return find_config(config, os.environ).absolute()


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
