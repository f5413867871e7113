"""The writer's part of an import: what was prepared becomes readings, all of it or nothing.

Rule: one transaction holds the readings and the record of who brought them. How a place stands now does not
change; tickets are opened only where they are asked for, as late readings would open them.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from safetyd.core import hindsight
from safetyd.core.errors import ActionError
from safetyd.core.model import Finding, Sensor
from safetyd.ingest.binding import native_decoder
from safetyd.ingest.topics import Route
from safetyd.recovery import IMPORTED
from safetyd.service import Service
from safetyd.store import chain, imports, readings
from safetyd.store.imports import Extent, Import
from safetyd.store.moments import micros
from safetyd.store.staged import About, Prepared, Share, folder_of, prepared

IMPORT = "import"  # what a command says that it wants done


def take(service: Service, said: Mapping[str, Any], at: datetime) -> int:
    """Carry out an import, and return how many episodes were taken up.

    Raises:
        SafetydError: it cannot be done, in one sentence; nothing has changed.
    """
    by, name, is_ticketed = said.get("by"), said.get("staged"), said.get("tickets") is True
    if not isinstance(by, str) or not by.strip():
        raise ActionError("an import needs by: the name of who brings it")
    folder = folder_of(service.connection)
    if not isinstance(name, str) or ".." in Path(name).parts or Path(name).is_absolute() or folder is None:
        raise ActionError(f"staged: {name!r:.80} is no file beside the store")
    with prepared(folder / name) as found:
        about = found.about
        for share in about.shares:
            if share.place not in service.facts.places:
                raise ActionError(f"there is no room {share.place}; reload the site file first")
        if imports.last_id(service.connection) != about.after:
            raise ActionError("another file was imported meanwhile; look again what this one would do")
        if is_ticketed or any(share.values for share in about.shares):
            _store(service, found, by, at, is_ticketed=is_ticketed)
    if not is_ticketed:
        return 0
    return sum(
        hindsight.learn(service.world, service.facts, share.place, _ended(share), at)
        for share in about.shares
    )


def _ended(share: Share) -> list[Finding]:
    """Return a place's episodes; what ran when the file ended is known up to there."""
    return [each if each.ended_at else each._replace(ended_at=share.last_at) for each in share.episodes]


def _store(service: Service, found: Prepared, by: str, at: datetime, *, is_ticketed: bool) -> None:
    about = found.about
    hearing = service.hearing
    numbers = [
        hearing.speaker(
            Route(Sensor(share.place, about.sensor, share.interval), IMPORTED, native_decoder), about.file
        ).number
        for share in about.shares
    ]
    with service.writing() as connection:
        chain.tell_time(connection, at)
        readings.add_sensors(connection, hearing.fresh)
        before = readings.last_id(connection)
        for rows in found.rows(numbers, micros(at)):
            readings.append(connection, rows)
        made = _record(about, by, at, before + 1, readings.last_id(connection), is_ticketed=is_ticketed)
        imports.add(connection, made)
        connection.commit()


def _record(about: About, by: str, at: datetime, first: int, last: int, *, is_ticketed: bool) -> Import:
    extents = tuple(
        Extent(each.place, each.values, each.first_at, each.last_at) for each in about.shares if each.values
    )
    values, rejected = (sum(getattr(each, name) for each in about.shares) for name in ("values", "rejected"))
    return Import(
        0,
        at,
        by,
        about.file,
        about.sha256,
        about.sensor,
        about.rows,
        values,
        rejected,
        is_ticketed,
        extents,
        first,
        last,
    )
