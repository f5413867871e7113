"""`import FILE`: a logger's old readings into history, looked at first and done when somebody says so."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.carrying import answered
from safetyd.cli.loading import loaded
from safetyd.clock import now
from safetyd.configuration import Loaded
from safetyd.core.errors import SafetydError
from safetyd.faults import ConfigurationError, Misfit
from safetyd.imports.layout import Layout, Wishes, layout_of, read_map
from safetyd.imports.sheet import SheetError, records
from safetyd.imports.taking import IMPORT
from safetyd.imports.weighing import Source, Weighed, weigh
from safetyd.shapes import positive_duration
from safetyd.store import imports
from safetyd.store.database import open_for_reading
from safetyd.store.staged import Staged
from safetyd.store.staged import beside as beside_store
from safetyd.wording import sound

_PATIENCE_SECONDS = 600.0
_NOT_IN_A_NAME = re.compile(r"[^\w .-]+")
_LONGEST_NAME = 60

Column = Annotated[str | None, typer.Option(metavar="COLUMN")]


class NotImportedError(SafetydError):
    """A file that is not imported, with why."""


@app.command("import")
def import_command(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A CSV file with headings.")] = None,
    map_: Annotated[
        Path | None, typer.Option("--map", metavar="map.toml", help="The options below, as keys of a file.")
    ] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="Where the time stands.")] = None,
    date: Annotated[str | None, typer.Option(metavar="COLUMN", help="… and the date, if apart.")] = None,
    dates: Annotated[str | None, typer.Option(metavar="ORDER", help="iso, mdy or dmy.")] = None,
    zone: Annotated[
        str | None, typer.Option(help="Of times without one, such as -07:00; else the site's.")
    ] = None,
    temperature: Column = None,
    unit: Annotated[str | None, typer.Option(help="Of the temperature: F or C.")] = None,
    humidity: Column = None,
    room: Annotated[str | None, typer.Option(metavar="COLUMN", help="Where the room stands.")] = None,
    building: Column = None,
    place: Annotated[
        str | None, typer.Option(metavar="building/room", help="The room of the whole file.")
    ] = None,
    sensor: Annotated[str | None, typer.Option(metavar="NAME", help="Else made of the file's name.")] = None,
    every: Annotated[
        str | None, typer.Option(metavar="D", help="How often it measured; else as the file shows.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Else found out.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Else by its mark, else UTF-8.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who does it.")] = None,
    tickets: Annotated[
        bool, typer.Option("--tickets", help="Open tickets for its breaches, as learned late.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    is_list: Annotated[bool, typer.Option("--list", help="Show what was ever imported.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Take a logger's old file into history: judged by the rules of its time, marked as imported for ever.

    It is all of the file or nothing, and never twice. It changes nothing of how a room stands now, and opens
    no ticket unless --tickets says so.

    Example: safetyd import hobo-204.csv --place lincoln/204 --unit F --by "J. Doe" --dry-run
    """
    configuration = loaded(config)
    if is_list:
        return _list(configuration, as_json=as_json)
    if file is None:
        raise typer.BadParameter("FILE is needed: a CSV file; or --list")
    if not dry_run and by is None:
        raise typer.BadParameter("--by is needed: the name of who imports it; or look first with --dry-run")
    if not file.is_file():
        raise typer.BadParameter(f"{file}: there is no such file")
    wishes = Wishes(
        time,
        date,
        dates,
        temperature,
        humidity,
        unit,
        room,
        building,
        place,
        sensor,
        zone,
        every,
        delimiter,
        encoding,
    ).over(_mapped(map_))
    run = _Run(file, wishes, configuration)
    try:
        with _prepared(run, dry_run=dry_run, is_quiet=as_json) as (told, staged):
            return _decide(
                run, told, staged, by or "", tickets=tickets, dry_run=dry_run, yes=yes, as_json=as_json
            )
    except SheetError as error:
        raise NotImportedError(f"{file}: {error}; nothing was imported") from error


class _Run:
    """One file, and how it is read."""

    def __init__(self, file: Path, wishes: Wishes, configuration: Loaded) -> None:
        self.file = file
        self.configuration = configuration
        self.site = configuration.site
        try:
            self.layout: Layout = layout_of(file, wishes, self.site)
        except SheetError as error:
            raise NotImportedError(f"{file}: {error}") from error
        with file.open("rb") as opened:
            digest = file_digest(opened, "sha256").hexdigest()
        stem = _NOT_IN_A_NAME.sub("-", sound(wishes.sensor or file.stem)).strip("- ")
        self.source = Source(sound(file.name), digest, stem[:_LONGEST_NAME] or "logger", _span(wishes.every))
        self.changed_at = file.stat().st_mtime_ns


def _mapped(file: Path | None) -> Wishes:
    if file is None:
        return Wishes()
    faults: list[Any] = []
    wishes = read_map(file, faults)
    if faults:
        raise ConfigurationError(faults)
    return wishes


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return positive_duration(text)
    except Misfit as misfit:
        raise typer.BadParameter(f"--every: {misfit.value}; expected {misfit.expected}") from misfit


@contextmanager
def _prepared(run: _Run, *, dry_run: bool, is_quiet: bool) -> Iterator[tuple[Weighed, Path]]:
    """Yield what would be done, and the file in which it is prepared."""
    url = run.configuration.settings.store.url
    beside = None if dry_run else beside_store(url)
    with (
        closing(open_for_reading(url)) as connection,
        TemporaryDirectory(dir=None if dry_run else beside, prefix=".import-") as folder,
    ):
        path = Path(folder, "staged")
        path.parent.chmod(0o755)  # the daemon may be another user
        layout = run.layout
        with closing(Staged(path)) as staged, _bar(is_quiet) as progress:
            rows = records(run.file, layout.encoding, layout.delimiter)
            told = weigh(run.source, layout, rows, run.site, connection, staged, now(), progress)
        if run.file.stat().st_mtime_ns != run.changed_at:
            raise SheetError("it changed while it was read")
        yield told, path


def _decide(
    run: _Run,
    told: Weighed,
    staged: Path,
    by: str,
    *,
    tickets: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    from safetyd.cli.import_words import summary_object, summary_words

    has_work = bool(told.values) or (tickets and any(share.episodes for share in told.shares))
    may = not dry_run and not told.refusals and has_work
    if not as_json:
        summary_words(run.source, run.layout, told, run.site, tickets=tickets)
    done, taken_up = False, 0
    if may and (yes or _is_agreed()):
        said = {
            "do": IMPORT,
            "by": by,
            "staged": str(Path(staged.parent.name, staged.name)),
            "tickets": tickets,
        }
        taken_up = answered(said, run.configuration, _PATIENCE_SECONDS)["taken_up"]
        done = True
    if as_json:
        print_json(summary_object(run.source, run.layout, told) | {"imported": done, "taken_up": taken_up})
    elif done:
        late = f" {taken_up:,} breaches were not on record yet: safetyd tickets" if tickets else ""
        print(f"Imported: {told.values:,} new values, as {run.source.sensor}.{late}")
    if told.refusals and not dry_run:
        raise NotImportedError(f"{run.file}: {told.refused[0]}; nothing was imported")
    if not dry_run and not done and not as_json:
        print("Nothing was imported." if has_work else "Nothing is new: nothing was imported.")
    return 0 if done or dry_run or not has_work else 1


def _is_agreed() -> bool:
    if not sys.stdin.isatty():
        raise typer.BadParameter("--yes is needed where nobody can be asked")
    return typer.confirm("Import it?", err=True)


@contextmanager
def _bar(is_quiet: bool) -> Iterator[Callable[[int], object]]:
    """A progress bar on a terminal, nothing in a pipe."""
    if is_quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading and judging", total=None)
        yield lambda count: bar.advance(task, count)


def _list(configuration: Loaded, *, as_json: bool) -> int:
    from safetyd.cli.import_words import imports_words
    from safetyd.history.document import import_object

    with closing(open_for_reading(configuration.settings.store.url)) as connection:
        found = imports.record(connection)
    if as_json:
        print_json({"imports": [import_object(each) for each in found]})
    else:
        imports_words(found, configuration.site)
    return 0
