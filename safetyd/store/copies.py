"""A store out to a file and back again: always a whole one under a name, whatever ends us between.

Rule: what is copied is checked before it gets its name, and a store that is replaced is kept.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from glob import escape
from pathlib import Path
from typing import NamedTuple

from safetyd.store.database import StoreError
from safetyd.store.soundness import Holdings, check_all, holdings, holdings_of, is_damage, opened

Progress = Callable[[int, int], None]  # pages done, of how many

_A_STEP = 1024  # pages
_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a store


class Restored(NamedTuple):
    """What is there now, and where that is which was there before, if there was any."""

    holdings: Holdings
    kept: Path | None


def back_up(store: Path, file: Path, progress: Progress, *, force: bool) -> Holdings:
    """Copy a store, as it stands now, into a file; others may go on writing it meanwhile.

    Raises:
        StoreError: there is no store, the file is there already, or the copy is not whole.
    """
    if not store.exists():
        raise StoreError(f"store {store}: there is none yet; it is made by: safetyd run")
    own = {store.with_name(store.name + each).absolute() for each in ("", ".lock", *_BESIDE)}
    if file.absolute() in own or (file.exists() and file.samefile(store)):
        raise StoreError(f"{file}: is the store itself; name another file")
    if file.is_dir():
        raise StoreError(f"{file}: is a folder; name a file in it, such as {file / 'monday.backup'}")
    if file.exists() and not file.is_file():
        raise StoreError(f"{file}: is no ordinary file; name another file")
    if file.exists() and not force:
        raise StoreError(f"{file}: is there already; name another file, or say --force to replace it")
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        for left in file.parent.glob(f"{escape(file.name)}.*.part"):  # by one that was ended
            _forget(left)
        held = _copy(store, part, progress)
        shutil.copymode(store, part)
        _replace(part, file)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{file}: the backup was not made: {_words(error)}") from error
    finally:
        with suppress(OSError):  # where it could not be made, it need not go
            _forget(part)
    return held


def restore(store: Path, file: Path, at: datetime, progress: Progress, *, force: bool) -> Restored:
    """Put a copy in the place of a store, whose writer's lock the caller holds.

    Raises:
        StoreError: the file is no whole store, or the one in place is newer or in use; nothing has changed.
    """
    if file.exists() and store.exists() and file.samefile(store):
        raise StoreError(f"{file}: is the store itself; name a backup")
    offered = holdings(file)
    if store.exists() and not force:
        _refuse_older(store, file, offered)
    part = store.with_name(store.name + ".restoring")
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        _forget(part)
        held = _copy(file, part, progress)
        kept = _keep(store, part, at) if store.exists() else None
        _replace(part, store)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"store {store}: {file} was not restored: {_words(error)}") from error
    finally:
        with suppress(OSError):
            _forget(part)
    return Restored(held, kept)


def _copy(source: Path, part: Path, progress: Progress) -> Holdings:
    """Copy a store into a new file that is one file, whole, and on the disk."""
    with opened(source, "ro") as connection, opened(part, "rwc") as copy:
        copy.execute("PRAGMA synchronous = OFF")  # it has no name yet, and is synchronised before it gets one
        connection.execute("BEGIN")  # one moment of it, or every commit of a daemon would begin the copy anew
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        connection.backup(copy, pages=_A_STEP, progress=lambda _, left, all: progress(all - left, all))
        copy.execute("PRAGMA journal_mode = DELETE")
    with opened(part) as copy:
        if fault := check_all(copy):
            raise StoreError(f"{source}: is damaged ({fault}); nothing was made of it")
        held = holdings_of(copy, part, known_as=source)
    _sync(part)
    return held


def _refuse_older(store: Path, file: Path, offered: Holdings) -> None:
    how = "say --force to replace it all the same (it is kept)"
    try:
        present = holdings(store)
    except StoreError as error:
        raise StoreError(f"{error}; whether it is newer than {file} cannot be told: {how}") from error
    for what, ours, theirs in (
        ("readings", present.last_reading_at, offered.last_reading_at),
        ("history", present.last_history_at, offered.last_history_at),
    ):
        if ours is not None and (theirs is None or ours > theirs):
            until = "none" if theirs is None else f"those up to {theirs:%Y-%m-%d %H:%M:%S} UTC"
            raise StoreError(
                f"store {store}: has {what} up to {ours:%Y-%m-%d %H:%M:%S} UTC and {file} {until}; {how}"
            )


def _keep(store: Path, part: Path, at: datetime) -> Path:
    """Give a store that is replaced a second name, and leave nothing that the next would take for its own."""
    for left in store.parent.glob(f"{escape(store.name)}.replaced-*"):
        if left.samefile(store):  # a restore was ended before it had replaced anything
            left.unlink()
    kept = store.with_name(f"{store.name}.replaced-{at:%Y%m%dT%H%M%S.%fZ}")
    _gather(store, kept)
    old = store.stat()
    part.chmod(old.st_mode & 0o7777)
    with suppress(PermissionError):
        os.chown(part, old.st_uid, old.st_gid)
    try:
        os.link(store, kept)
    except OSError:  # not every file system knows second names
        shutil.copy2(store, kept)
        _sync(kept)
    for each in _BESIDE:
        with suppress(FileNotFoundError):
            store.with_name(store.name + each).replace(kept.with_name(kept.name + each))
    _sync(store.parent)
    return kept


def _gather(store: Path, kept: Path) -> None:
    """Make a store one file, so that it is whole by any name; of a damaged one what is beside it is kept."""
    wal, spare = (path.with_name(path.name + "-wal") for path in (store, kept))
    if wal.exists():
        shutil.copy2(wal, spare)  # SQLite throws it away where it does not know the store for one
    is_damaged = False
    try:
        with opened(store, "rw") as connection:  # it needs that nobody else has it open
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise StoreError(f"store {store}: another program has it open; end that first") from error
        is_damaged = is_damage(error)
        if not is_damaged:
            raise
    finally:
        if not is_damaged:
            spare.unlink(missing_ok=True)


def _replace(part: Path, file: Path) -> None:
    part.replace(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _forget(part: Path) -> None:
    for each in ("", *_BESIDE):
        part.with_name(part.name + each).unlink(missing_ok=True)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
