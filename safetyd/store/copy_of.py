"""Whether a store is the copy of a gateway's, which only that gateway's record may write.

Rule: a copy says so itself, in a row that no target's name can be taken for.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from safetyd.core.errors import SafetydError
from safetyd.store.schema import IS_OPEN, copied, episode, ticket

_STREAM, _HEARD = "copy of", "heard"


class CopyError(SafetydError):
    """Somebody would have decided something in a copy."""


def of(connection: Connection) -> str | None:
    """Return whose copy a store is, None where it is nobody's."""
    return connection.execute(select(copied.c.target).where(copied.c.stream == _STREAM)).scalar()


def say(connection: Connection, gateway: str) -> None:
    """Say that a store is a gateway's copy, in the open transaction."""
    connection.execute(delete(copied).where(copied.c.stream == _STREAM))
    connection.execute(insert(copied).values(target=gateway, stream=_STREAM, row=0))


class Counts(NamedTuple):
    """How many tickets are open, and how many stretches of breach go on."""

    open: int
    breach: int


def counts(connection: Connection) -> Counts:
    """Count how it is there, without reading what it is."""
    is_open = select(func.count()).select_from(ticket).where(IS_OPEN)
    goes_on = select(func.count()).select_from(episode).where(episode.c.ended_at.is_(None))
    return Counts(connection.execute(is_open).scalar_one(), connection.execute(goes_on).scalar_one())


def note(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Note what was last heard of the store that this is a copy of, in the open transaction."""
    connection.execute(delete(copied).where(copied.c.target == _HEARD))
    rows = [{"target": _HEARD, "stream": name, "row": number} for name, number in numbers.items()]
    connection.execute(insert(copied), rows)


def noted(connection: Connection) -> dict[str, int]:
    """Return what was last heard of it, nothing before the first word."""
    wanted = select(copied.c.stream, copied.c.row).where(copied.c.target == _HEARD)
    return {name: number for name, number in connection.execute(wanted)}
