"""Commands of people who are not the writer, and the answers they get.

Rule: whoever is not the writer leaves a command here and waits; the writer carries out each once, in order,
and answers in the transaction that changed something.
"""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from safetyd.store.moments import micros
from safetyd.store.schema import inbox


def leave(connection: Connection, body: str, now: datetime) -> int:
    """Leave a command and return its number."""
    made = insert(inbox).values(at=micros(now), body=body).returning(inbox.c.id)
    number = connection.execute(made).scalar_one()
    connection.commit()
    return int(number)


def unanswered(connection: Connection) -> list[tuple[int, str]]:
    """Return the commands to carry out, in order, with their numbers."""
    found = connection.execute(
        select(inbox.c.id, inbox.c.body).where(inbox.c.answer.is_(None)).order_by(inbox.c.id)
    )
    return [(number, body) for number, body in found]


def answer(connection: Connection, number: int, text: str) -> None:
    """Answer a command, in the open transaction."""
    connection.execute(update(inbox).where(inbox.c.id == number).values(answer=text))


def answered(connection: Connection, number: int) -> str | None:
    """Return the answer to a command, None while there is none."""
    found = connection.execute(select(inbox.c.answer).where(inbox.c.id == number)).scalar()
    connection.rollback()
    return found
