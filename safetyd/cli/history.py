"""`readings` and `history rebuild`: what the past of a room was, and its roll-ups made anew."""

import sys
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.keeping import require_whole
from safetyd.cli.loading import loaded
from safetyd.cli.looking import place_of
from safetyd.cli.serving import AlreadyRunningError
from safetyd.clock import now
from safetyd.core.model import Place
from safetyd.core.tally import Measure
from safetyd.history.document import answer_object
from safetyd.history.files import write_csv, write_parquet, write_xlsx
from safetyd.history.older import ask
from safetyd.history.queries import History, Question
from safetyd.site import Site
from safetyd.store import rollups
from safetyd.store.database import (
    StoreError,
    open_for_reading,
    open_for_writing,
    told_on_failure,
    undone_on_failure,
    writer_lock,
)
from safetyd.times import read_time, rfc3339

history = typer.Typer(
    help="About the roll-ups of the readings.\n\nExample: safetyd history rebuild", no_args_is_help=True
)
app.add_typer(history, name="history")


@app.command("readings")
def readings_command(
    place: Annotated[str, typer.Argument(help="building/room, or building for its mains.")],
    quantity: Annotated[
        Measure | None,
        typer.Option(help="What was measured; else temperature of a room, mains of a building."),
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="TIME")] = None,
    to: Annotated[str | None, typer.Option(metavar="TIME")] = None,
    every: Annotated[
        str | None, typer.Option(metavar="D", help="One line a span of 15m, 1h, 1d: min, mean, max, n.")
    ] = None,
    csv_: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a CSV file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a workbook with a chart.")] = None,
    parquet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a Parquet file.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """The history of a room, or of a building's mains, and how much of it is known.

    Without --every a longer range is shown by 5 minutes, hours or days; --json then still has every value.

    Example: safetyd readings lincoln/204 --quantity humidity --from 2026-12-01 --every 1h
    """
    configuration = loaded(config, place)
    site = configuration.site
    where = _where(place, site, configuration.settings.store.url)
    measure = quantity or (Measure.MAINS if where.room is None else Measure.TEMPERATURE)
    begin, end = (_time(text, site.timezone) for text in (from_, to))
    if begin is not None and begin >= (end or now()):
        until = f"--to {rfc3339(end)}" if end is not None else "now"
        raise typer.BadParameter(f"--from {rfc3339(begin)} is not before {until}")
    question = Question(where, measure, begin, end, None if every is None else _span(every), as_json)
    url = configuration.settings.store.url
    with told_on_failure(url), closing(open_for_reading(url)) as connection:
        kept = History(connection, site, configuration.settings.mqtt.root, now())
        answer = ask(kept, question, configuration.settings.influx)
    written = []
    for file, write in ((csv_, write_csv), (xlsx, write_xlsx), (parquet, write_parquet)):
        if file is not None:
            write(file, answer, site.timezone)
            written.append(file)
    if as_json:
        print_json(answer_object(answer))
    elif written:
        from safetyd.cli.history_words import files_words

        files_words(answer, written)
    else:
        from safetyd.cli.history_words import answer_words

        answer_words(answer, site)
    return 0


def _where(text: str, site: Site, url: str) -> Place:
    """Return the place meant: one of the site file, or one that has left it and was rolled up here."""
    try:
        return place_of(text, site)
    except typer.BadParameter:
        with suppress(StoreError), closing(open_for_reading(url)) as connection:
            for rolled in rollups.places(connection):
                if str(rolled.place) == text:
                    return rolled.place
        raise


def _time(text: str | None, zone: ZoneInfo) -> datetime | None:
    try:
        return None if text is None else read_time(text, zone)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _span(text: str) -> timedelta:
    from safetyd.faults import Misfit
    from safetyd.shapes import positive_duration

    try:
        return positive_duration(text)
    except Misfit as misfit:
        raise typer.BadParameter(f"--every: {misfit.value}; expected {misfit.expected}") from misfit


@history.command("rebuild")
def rebuild_command(config: Config = None) -> int:
    """Make every roll-up anew from the readings; those of deleted readings stay. Not while safetyd runs.

    Example: safetyd history rebuild
    """
    from safetyd.history.rollups import Rollups, begin_anew
    from safetyd.store import readings

    configuration = loaded(config)
    settings, site = configuration.settings, configuration.site
    open_for_reading(settings.store.url).close()  # a store that is not there is not made
    with writer_lock(settings.store.url) as is_ours:
        if not is_ours:
            raise AlreadyRunningError(f"store {settings.store.place}: another safetyd is running on it")
        require_whole(settings.store.path, config, thorough=True)  # what is dropped must come again
        with (
            told_on_failure(settings.store.url),
            closing(open_for_writing(settings.store.url)) as writer,
            closing(open_for_reading(settings.store.url)) as reader,
        ):
            with undone_on_failure(writer):
                begin_anew(writer, site)
                writer.commit()
            follower = Rollups(reader, lambda: undone(writer), lambda: site, settings)
            last = readings.last_id(reader)
            with _progress(last) as advance:
                while True:
                    for _ in follower.round(now()):
                        advance(follower.cursor)
                    if follower.cursor >= last:
                        break
    print(f"Rolled up {last} rows of readings.")
    return 0


@contextmanager
def undone(writer: Any) -> Any:
    """Yield the writer's connection; what fails there is undone."""
    with undone_on_failure(writer):
        yield writer


@contextmanager
def _progress(total: int) -> Any:
    """Yield what shows how far it has come: a bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rolling up", total=total)
        yield lambda done: bar.update(task, completed=done)
