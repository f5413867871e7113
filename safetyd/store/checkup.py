"""What a store's file says of itself, for who looks after the machine.

Rule: looking changes nothing, also while safetyd writes, and asks for nothing that grows with the store.
"""

import sqlite3
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from safetyd.store.database import StoreError
from safetyd.store.moments import moment
from safetyd.store.soundness import opened

SQLITE = sqlite3.sqlite_version


class Checkup(NamedTuple):
    """Version of the tables; bytes, with what is not folded in; readings from and to."""

    version: str
    bytes: int
    first_at: datetime | None
    last_at: datetime | None


def checkup(path: Path) -> Checkup:
    """Return what is known of a store.

    Raises:
        StoreError: it is no store, or cannot be read.
    """
    edge = "SELECT observed_at + delay FROM reading ORDER BY id {} LIMIT 1"
    try:
        with opened(path) as connection:
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            first, last = (connection.execute(edge.format(way)).fetchone() for way in ("ASC", "DESC"))
    except (sqlite3.Error, TypeError) as error:
        raise StoreError(f"{path}: is no store that can be read: {error}") from error
    beside = path.with_name(path.name + "-wal")
    size = path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)
    return Checkup(version, size, moment(first[0]) if first else None, moment(last[0]) if last else None)
