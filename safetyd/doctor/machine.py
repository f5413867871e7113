"""Looks at the machine: where the store's folder is mounted, how worn its disk says it is, its own clock.

Rule: everything is read from what the kernel shows to everybody; what it does not show is left empty.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from safetyd.doctor.machine_findings import Disk

_ESCAPED = re.compile(r"\\([0-7]{3})")


class _Mount(NamedTuple):
    """A line of mountinfo."""

    device: str
    at: str
    kind: str
    is_read_only: bool


def disk_of(folder: Path, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Disk:
    """Return the disk that holds a folder.

    Raises:
        OSError: there is no such folder, or it cannot be looked at.
    """
    there = folder.resolve(strict=True)
    room = shutil.disk_usage(there)
    mount = _mount(there, proc)
    block = _block(mount.device, sys)
    return Disk(
        str(folder),
        mount.kind,
        "" if block is None else block.name,
        mount.is_read_only,
        room.free,
        room.total,
        () if block is None else _numbers(block / "device" / "life_time"),
        None if block is None else next(iter(_numbers(block / "device" / "pre_eol_info")), None),
    )


def has_battery_clock(sys: Path = Path("/sys")) -> bool | None:
    """Return whether there is a clock that goes on without power; None where the kernel does not say."""
    return (sys / "class" / "rtc" / "rtc0").exists() if (sys / "class").is_dir() else None


def runs_on(store: Path, proc: Path = Path("/proc")) -> bool | None:
    """Return whether a daemon holds the lock of a store, without touching it; None where nobody can say."""
    lock = store.with_name(store.name + ".lock")
    try:
        about = lock.stat()
        held = (proc / "locks").read_text("ascii")
    except FileNotFoundError:
        return False if proc.is_dir() else None
    except OSError:
        return None
    device = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    return any(device in line.split() and "FLOCK" in line for line in held.splitlines())


def _mount(folder: Path, proc: Path) -> _Mount:
    found = _Mount("", "", "", False)
    with suppress(OSError):
        for line in (proc / "self" / "mountinfo").read_text("utf-8", "replace").splitlines():
            left, _, right = line.partition(" - ")
            _, _, device, _, at, options, *_ = left.split(" ")
            at = _ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), at)
            if folder.is_relative_to(at) and len(at) >= len(
                found.at
            ):  # of two at one place the later is seen
                is_read_only = "ro" in (*options.split(","), *right.split(" ")[-1].split(","))
                found = _Mount(device, at, right.split(" ")[0], is_read_only)
    return found


def _block(device: str, sys: Path) -> Path | None:
    """The folder of a whole disk, of which a device may be a part."""
    with suppress(OSError):
        block = (sys / "dev" / "block" / device).resolve(strict=True)
        return block.parent if device and (block / "partition").exists() else block
    return None


def _numbers(file: Path) -> tuple[int, ...]:
    try:
        return tuple(int(word, 16) for word in file.read_text("ascii").split())
    except (OSError, ValueError):
        return ()
