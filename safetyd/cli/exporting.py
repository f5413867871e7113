"""`history export`: the past as Parquet files, by building and month."""

import sys
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from safetyd.cli.application import Config
from safetyd.cli.history import history
from safetyd.cli.loading import loaded, with_assignments
from safetyd.cli.supposing import building_of, progress_bar, time_of
from safetyd.store.database import open_for_reading, told_on_failure


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
    from safetyd.lake.exporting import export, partitions, rolled_up, unsettled
    from safetyd.lake.minutes import minute_by_minute

    configuration = loaded(config)
    site, url = with_assignments(configuration), configuration.settings.store.url
    begin = None if from_ is None else time_of("--from", from_, site.timezone)
    where = [each.id for each in site.buildings] if building is None else [building_of(building, site)]
    folder = folder.absolute()
    with (
        told_on_failure(url),
        closing(open_for_reading(url)) as connection,
        opened(folder) as duck,
        progress_bar("exporting") as bar,
    ):
        if every is Every.MINUTE:
            source = minute_by_minute(connection, site, configuration.settings.mqtt.root)
        else:
            source = rolled_up(connection, site)
        wanted = partitions(source, where, begin)
        if new:
            wanted = unsettled(wanted, folder, site)
        count = 0
        for number, partition in enumerate(wanted):
            bar(number, len(wanted))
            count += export(duck, source, folder, partition)
    print(f"{folder}: {len(wanted)} building-months, {count:,} buckets", file=sys.stderr)
    return 0
