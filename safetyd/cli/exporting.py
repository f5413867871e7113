"""`history export`: the past as Parquet files, by building and month."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from safetyd.cli.application import Config
from safetyd.cli.history import history
from safetyd.cli.loading import each_store, loaded, reading
from safetyd.cli.supposing import buildings_asked, progress_bar, time_of
from safetyd.configuration import Loaded


class Every(StrEnum):
    """How long a bucket is."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"


@history.command("export")
def export_command(
    folder: Annotated[Path, typer.Argument(help="Where the files go: building=ID/month=YYYY-MM/ in it.")],
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Only months since then, whole ones.")
    ] = None,
    building: Annotated[str | None, typer.Option(metavar="ID", help="Only of this building.")] = None,
    new: Annotated[
        bool,
        typer.Option("--new", help="Only months that are missing, or of which more may have come."),
    ] = False,
    every: Annotated[
        Every, typer.Option(help="How long a bucket is: what is rolled up, or each minute of the readings.")
    ] = Every.FIVE_MINUTES,
    config: Config = None,
) -> int:
    """Write buckets of every room, and what people did, as Parquet files; may run beside safetyd.

    A month that is there is written anew, with --new only until ten days after its end. Names and notes of
    people are left out.

    Example: safetyd history export /srv/lake --from 2026-11-01
    """
    from safetyd.lake.duck import opened
    from safetyd.lake.exporting import Source, export_each, rolled_up
    from safetyd.lake.minutes import minute_by_minute

    @contextmanager
    def source(of: Loaded) -> Iterator[Source]:
        with reading(of) as (connection, site):
            if every is Every.MINUTE:
                yield minute_by_minute(connection, site, of.settings.mqtt.root)
            else:
                yield rolled_up(connection, site)

    configuration = loaded(config, building)
    site = configuration.site
    begin = None if from_ is None else time_of("--from", from_, site.timezone)
    where = buildings_asked(building, site)
    sources, folder = [partial(source, each) for each in each_store(configuration)], folder.absolute()
    with opened(folder) as duck, progress_bar("exporting") as bar:
        months, count = export_each(duck, sources, folder, where, begin, bar, only_unsettled=new)
    print(f"{folder}: {months} building-months, {count:,} buckets", file=sys.stderr)
    return 0
