"""Files that go with notes: each content once, by its hash, however many tickets it belongs to.

Rule: a content is written in the transaction of the line of history that names it, and is only handed out for
the ticket of such a line.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, LargeBinary, cast, insert, select

from safetyd.core.attachment import Attachment
from safetyd.store.dialect import upsert
from safetyd.store.schema import attached, attachment, history


def keep(connection: Connection, line: int, files: Iterable[Attachment]) -> None:
    """Keep the files of a line of history, in the open transaction."""
    for each in files:
        known = select(attachment.c.sha256).where(attachment.c.sha256 == each.sha256)
        if connection.execute(known).first() is None:
            connection.execute(insert(attachment).values(sha256=each.sha256, content=each.content))
        belongs = upsert(connection, attached).values(history=line, sha256=each.sha256)
        connection.execute(belongs.on_conflict_do_nothing())


def content(connection: Connection, ticket: str, sha256: str) -> bytes | None:
    """Return a file of a ticket by its hash, None if the ticket has none of it."""
    wanted = (
        select(cast(attachment.c.content, LargeBinary))  # whatever another hand has put there
        .join(attached, attached.c.sha256 == attachment.c.sha256)
        .join(history, history.c.id == attached.c.history)
        .where(history.c.ticket == ticket, attachment.c.sha256 == sha256)
        .limit(1)
    )
    found = connection.execute(wanted).scalar()
    return None if found is None else bytes(found)
