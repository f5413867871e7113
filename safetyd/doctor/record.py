"""Looks at the store, and at what all of it is made of.

Rule: the store is only read, and nothing is asked of it that would take long.
"""

import platform
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from safetyd import __version__
from safetyd.core.errors import SafetydError
from safetyd.doctor.finding import Finding, State
from safetyd.doctor.machine_findings import growth_finding
from safetyd.store.checkup import SQLITE, checkup
from safetyd.store.database import HEAD
from safetyd.store.soundness import damage

_AREA = "store"
_OLDEST_PYTHON = (3, 11)


def store_findings(store: Path, free: int, now: datetime, *, is_running: bool | None) -> Iterator[Finding]:
    """Yield whether the record is there, whole, of this version, and how it grows."""
    yield running_finding(is_running=is_running)
    if not store.exists():
        yield Finding(_AREA, "file", State.WARN, f"{store}: there is none yet", "safetyd run makes it")
        return
    wrong = damage(store)
    if wrong:
        do = "stop safetyd, and put a backup back: safetyd restore FILE --force"
        yield Finding(_AREA, "file", State.BAD, f"{store}: is damaged ({wrong})", do)
        return
    try:
        found = checkup(store)
    except SafetydError as error:
        do = "look at the file's owner, and at [store] url; who runs safetyd may read it"
        yield Finding(_AREA, "file", State.BAD, str(error), do)
        return
    yield Finding(_AREA, "file", State.OK, f"{store}: {found.bytes / 1e6:,.1f} MB, sound as far as looked at")
    yield version_finding(found.version)
    yield growth_finding(found.bytes, found.first_at, found.last_at, free, now)


def running_finding(*, is_running: bool | None) -> Finding:
    """Return whether a daemon runs on the store; None: nobody says."""
    if is_running is None:
        words, do = "the kernel does not say whether one runs", "look with: systemctl status safetyd"
        return Finding(_AREA, "daemon", State.UNCHECKED, words, do)
    if is_running:
        return Finding(_AREA, "daemon", State.OK, "safetyd runs on this store")
    return Finding(_AREA, "daemon", State.WARN, "none runs on this store", "systemctl start safetyd")


def version_finding(version: str) -> Finding:
    """Return whether the tables are of this version."""
    about, seen = "version", f"{version}; this safetyd knows {HEAD}"
    if version > HEAD:
        return Finding(_AREA, about, State.BAD, seen, "install the newer safetyd that wrote it")
    if version < HEAD:
        do = "safetyd backup FILE, then start safetyd: it brings the store up to date"
        return Finding(_AREA, about, State.WARN, seen, do)
    return Finding(_AREA, about, State.OK, seen)


def version_findings() -> Iterator[Finding]:
    """Yield what this program is made of."""
    area = "versions"
    yield Finding(area, "safetyd", State.OK, __version__)
    is_old = sys.version_info < _OLDEST_PYTHON
    state, do = (State.BAD, "install Python 3.11 or newer") if is_old else (State.OK, "")
    yield Finding(area, "Python", state, platform.python_version(), do)
    yield Finding(area, "SQLite", State.OK, SQLITE)
    yield Finding(area, "paho-mqtt", State.OK, version("paho-mqtt"))
