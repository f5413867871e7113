"""Who has reported something, by the commands that people have left.

Rule: a command is read here for its name and role only; it stays in the inbox whatever became of it.
"""

import json
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from safetyd.core.model import Role
from safetyd.store.schema import inbox

_REPORT = "report"


class Reporter(NamedTuple):
    """Somebody who reported, and as what, where the command says it."""

    name: str
    role: Role | None


def reporters(connection: Connection, seen: int) -> tuple[set[Reporter], int]:
    """Return who has left a report after so many commands, and the number of the last command."""
    last = connection.execute(select(func.max(inbox.c.id))).scalar() or 0
    wanted = select(inbox.c.body).where(
        inbox.c.id > seen, inbox.c.id <= last, inbox.c.body.contains(f'"{_REPORT}"')
    )
    said = [json.loads(body) for body in connection.execute(wanted).scalars()] if last > seen else []
    return {_reporter(each) for each in said if each.get("do") == _REPORT}, last


def _reporter(said: dict[str, object]) -> Reporter:
    role = said.get("role")
    return Reporter(str(said.get("by", "")), Role(str(role)) if role in list(Role) else None)
