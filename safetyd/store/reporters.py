"""Who has reported something, by the commands that people have left, and in a copy by what is on record.

Rule: a command is read here for its name and role only; it stays in the inbox whatever became of it. The
inbox of a gateway does not come to its copy at a centre.
"""

import json
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from safetyd.core.model import Role
from safetyd.core.telling import SAFETYD
from safetyd.store import copy_of
from safetyd.store.schema import history, inbox

_REPORT = "report"
_REPORTED = ("opened", "recurred", "measured", "notice")  # events of history by who reported


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
    found = {_reporter(each) for each in said if each.get("do") == _REPORT}
    return (found if copy_of.of(connection) is None else found | _on_record(connection)), last


def _on_record(connection: Connection) -> set[Reporter]:
    """Return by whom tickets were opened, heat was measured and notice given, in whichever role."""
    wanted = select(history.c.by).where(history.c.event.in_(_REPORTED), history.c.by != SAFETYD).distinct()
    return {Reporter(name, None) for name in connection.execute(wanted).scalars()}


def _reporter(said: dict[str, object]) -> Reporter:
    role = said.get("role")
    return Reporter(str(said.get("by", "")), Role(str(role)) if role in list(Role) else None)
