"""A disk below one daemon that can lose its power, be full, be read-only, or take its time.

Rule: the C library's own calls are watched (`disk.c`), so SQLite writes and syncs as it always does. A power
cut leaves every file as it was at its last sync, with any of the sectors that were written since.
"""

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.journeys.servers import House

SECTOR = 512
WRITTEN, CUT_OFF, MADE = 1, 2, 3
_HEAD = struct.Struct("<5Q")


class Note(NamedTuple):
    """One change of a file that was not synced."""

    kind: int
    offset: int
    size_before: int
    old: bytes
    new: bytes


class Disk:
    """The disk under a house's store; `compiled` is the library that its daemon is started with."""

    def __init__(self, home: House, compiled: Path) -> None:
        self.under = home.store.parent
        self.notes = home.folder / "disk"
        self.notes.mkdir()
        under, notes = f"DISK_UNDER={self.under}", f"DISK_NOTES={self.notes}"
        home.command = ["env", f"LD_PRELOAD={compiled}", under, notes, *home.command]

    def is_now(self, mode: str) -> None:
        """Be `full`, `readonly`, `slow SECONDS`, or with an empty word as ever."""
        fresh = self.notes / "mode.next"
        fresh.write_text(mode, encoding="ascii")
        fresh.replace(self.notes / "mode")

    def lose_power(self, chance: random.Random) -> int:
        """Take back what was not synced but for some sectors, and return how many writes that were.

        The process that wrote must be gone, and nobody may look into the store before this is done.
        """
        found = 0
        survives = chance.choice((0.0, 0.5, 0.9))
        for noted in sorted(self.notes.glob("*.notes")):
            changed = list(_read(noted.read_bytes()))
            found += len(changed)
            path = self.under / noted.name.removesuffix(".notes")
            if path.exists():
                _take_back(path, changed, survives, chance)
            noted.unlink()
        for shared in self.under.glob("*-shm"):
            shared.unlink()
        return found


def _read(raw: bytes) -> Iterator[Note]:
    """Yield the notes on a file; one that is not whole is of a write that was not made."""
    at = 0
    while at + _HEAD.size <= len(raw):
        kind, offset, length, size_before, kept = _HEAD.unpack_from(raw, at)
        old_at, new_at = at + _HEAD.size, at + _HEAD.size + kept
        at = new_at + length
        if at <= len(raw):
            yield Note(kind, offset, size_before, raw[old_at:new_at], raw[new_at:at])


def _take_back(path: Path, changed: list[Note], survives: float, chance: random.Random) -> None:
    if any(note.kind == MADE for note in changed) and chance.random() >= survives:
        path.unlink()
        return
    with path.open("r+b") as file:
        for note in reversed(changed):
            if note.kind == MADE:
                continue
            file.seek(note.offset)
            file.write(note.old)
            file.truncate(note.size_before)
        for note in changed:
            if note.kind == CUT_OFF and chance.random() < survives:
                file.truncate(note.offset)
            for position, sector in _sectors(note):
                if chance.random() < survives:
                    file.seek(position)
                    file.write(sector)


def _sectors(note: Note) -> Iterator[tuple[int, bytes]]:
    """Yield a write by the sectors of the disk that it falls into."""
    at = 0
    while note.kind == WRITTEN and at < len(note.new):
        size = SECTOR - (note.offset + at) % SECTOR
        yield note.offset + at, note.new[at : at + size]
        at += size


def compiled(folder: Path) -> Path:
    """Return the library, made in a folder; fail naming the packages of what makes it."""
    compiler = shutil.which("gcc")
    assert compiler, "gcc is not on this machine; it comes with: apt-get install gcc libc6-dev"
    made = folder / "disk.so"
    source = Path(__file__).with_name("disk.c")
    command = [compiler, "-Wall", "-O1", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"]
    said = subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
    )
    assert said.returncode == 0, f"gcc cannot make it (apt-get install gcc libc6-dev):\n{said.stderr}"
    return made
