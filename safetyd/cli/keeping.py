"""`backup` and `restore`: the whole record into a file while the daemon runs, and back again."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from safetyd.cli.application import Config, app
from safetyd.cli.loading import loaded
from safetyd.clock import now
from safetyd.settings import Store
from safetyd.store.copies import Progress, back_up, restore
from safetyd.store.database import StoreError, writer_lock
from safetyd.store.soundness import BACKUPS, Holdings, damage, newest_good


@app.command("backup")
def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as var/monday.backup.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    config: Config = None,
) -> int:
    """Copy the whole store into one file, also while safetyd runs, and check the copy.

    Example: safetyd backup var/monday.backup
    """
    store = _file(loaded(config).settings.store, "copied by: pg_dump --format=custom")
    with bar("copying") as progress:
        held = back_up(store, file, progress, force=force)
    print(f"{file}: {_words(held)}")
    return 0


@app.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As backup has made it.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also over a store that is newer, or cannot be read.")
    ] = False,
    config: Config = None,
) -> int:
    """Put a copy in the place of the store; what is there is kept beside it. safetyd must not run meanwhile.

    Example: safetyd restore var/monday.backup
    """
    settings = loaded(config).settings
    store = _file(settings.store, "brought back by: pg_restore --clean, while no safetyd runs on it")
    with writer_lock(settings.store.url) as is_ours:
        if not is_ours:
            raise StoreError(f"store {settings.store.place}: safetyd is running on it; stop it first")
        with bar("restoring") as progress:
            done = restore(store, file, now(), progress, force=force)
    print(f"{store}: {_words(done.holdings)}")
    if done.kept is not None:
        print(f"what was there before is {done.kept}")
    return 0


def _file(store: Store, how: str) -> Path:
    """Return the file of a store.

    Raises:
        StoreError: it is in a server, which has its own ways.
    """
    if store.path is None:
        raise StoreError(f"store {store.place}: PostgreSQL keeps it, and it is {how}")
    return store.path


def require_whole(store: Path | None, config: str | None, *, thorough: bool = False) -> None:
    """Look whether a store can be worked with; `thorough` reads all of it.

    Raises:
        StoreError: it is damaged; the sentence says what to restore, and how.
    """
    found = "" if store is None else damage(store, thorough=thorough)
    if store is None or not found:
        return  # a server looks after its own files
    good = newest_good(store.parent)
    which = f"no good backup ({BACKUPS}) is beside it" if good is None else f"newest good backup: {good}"
    how = ["safetyd", "restore", "FILE" if good is None else str(good), "--force"]
    how += [] if config is None else ["--config", config]
    raise StoreError(f"store {store}: is damaged ({found}); {which}; restore one with: {shlex.join(how)}")


def _words(held: Holdings) -> str:
    last = "none" if held.last_reading_at is None else _moment(held.last_reading_at)
    counts = f"tickets {held.tickets:,}, readings {held.readings:,}"
    return f"{counts}, last reading {last}, {held.bytes / 1e6:,.1f} MB, checked"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def bar(what: str) -> Iterator[Progress]:
    """Yield what shows how far something is: a progress bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda done, all: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, all: int) -> None:
            is_copied = done == all
            words = "checking" if is_copied else what
            bar.update(task, description=words, completed=done, total=None if is_copied else all)

        yield advance
