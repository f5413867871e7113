"""Commands of people who are not the writer, and the answers they get.

Rule: whoever is not the writer leaves a command here and waits; the writer carries out each once, in order,
and answers in the transaction that changed something. Files that came with it leave the inbox by then.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from safetyd.store.moments import micros
from safetyd.store.schema import inbox


def leave(connection: Connection, body: str, now: datetime) -> int:
    """Leave a command and return its number."""
    number = put(connection, body, now)
    connection.commit()
    return number


def put(connection: Connection, body: str, now: datetime) -> int:
    """Leave a command in the open transaction, and return its number."""
    made = insert(inbox).values(at=micros(now), body=body).returning(inbox.c.id)
    return int(connection.execute(made).scalar_one())


def unanswered(connection: Connection) -> list[int]:
    """Return the numbers of the commands to carry out, in order."""
    found = connection.execute(select(inbox.c.id).where(inbox.c.answer.is_(None)).order_by(inbox.c.id))
    return list(found.scalars())


def body(connection: Connection, number: int) -> str | None:
    """Return what a command says, None once it is answered."""
    wanted = select(inbox.c.body).where(inbox.c.id == number, inbox.c.answer.is_(None))
    found = connection.execute(wanted).scalar()
    connection.rollback()
    return found


def answer(connection: Connection, number: int, text: str) -> None:
    """Answer a command, in the open transaction; of its files only the names are kept."""
    wanted = select(inbox.c.body).where(inbox.c.id == number, inbox.c.body.contains('"attach"'))
    values = {"answer": text}
    said = connection.execute(wanted).scalar()
    if said is not None:
        values["body"] = json.dumps(without_contents(json.loads(said)))
    connection.execute(update(inbox).where(inbox.c.id == number).values(values))


def answered(connection: Connection, number: int) -> str | None:
    """Return the answer to a command, None while there is none."""
    found = connection.execute(select(inbox.c.answer).where(inbox.c.id == number)).scalar()
    connection.rollback()
    return found


def without_contents(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command without the contents of its files."""
    files = said.get("attach")
    if not isinstance(files, list):
        return dict(said)
    kept = [
        {key: value for key, value in each.items() if key != "base64"} if isinstance(each, dict) else each
        for each in files
    ]
    return {**said, "attach": kept}
