"""Who is logged in at the pages, and the links that let somebody in without a password.

Rule: of what a browser or a link brings the hash is kept. A session ends when it is not used for two weeks,
after ninety days, with a new password, and with its account; one of the single sign-on after twelve hours,
so that who leaves the district leaves here too.
"""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, case, delete, insert, select, update

from safetyd.core.model import Role
from safetyd.store import accounts
from safetyd.store.account_schema import account, invitation, session
from safetyd.store.accounts import Account, AccountError
from safetyd.store.database import undone_on_failure
from safetyd.store.moments import micros, moment

UNUSED, LONGEST, A_DAY_S_WORK = timedelta(days=14), timedelta(days=90), timedelta(hours=12)
TOUCHED = timedelta(hours=1)  # how old the note of its last use may become
LINK_LASTS = timedelta(hours=24)
_RANDOM_BYTES = 32


class Link(StrEnum):
    """What a link is good for."""

    FIRST = "first"  # once: to become the first who may log in
    PASSWORD = "password"  # noqa: S105  once: to choose a password of one's own
    ENTER = "enter"  # as often as one likes: to be logged in


class Session(NamedTuple):
    """Who is logged in, and when that was last noted."""

    account: Account
    used_at: datetime


class Invitation(NamedTuple):
    """What a link is good for, and to whom; `account` is None for the first of all."""

    kind: Link
    account: int | None


def begin(connection: Connection, number: int, now: datetime, longest: timedelta = LONGEST) -> str:
    """Log an account in, and return what its browser is to bring; sessions that have ended are forgotten."""
    text = secrets.token_urlsafe(_RANDOM_BYTES)
    with undone_on_failure(connection):
        connection.execute(delete(session).where(session.c.expires_at <= micros(now)))
        connection.execute(
            insert(session).values(
                hash=accounts.hashed(text),
                account=number,
                began_at=micros(now),
                used_at=micros(now),
                expires_at=micros(now + min(UNUSED, longest)),
                ends_at=micros(now + longest),
            )
        )
        connection.commit()
    return text


def session_of(connection: Connection, text: str, now: datetime) -> Session | None:
    """Return whose session this is; None if it is none, or has ended."""
    wanted = (
        select(account, session.c.used_at)
        .join(session, session.c.account == account.c.id)
        .where(session.c.hash == accounts.hashed(text), session.c.expires_at > micros(now))
    )
    row = connection.execute(wanted).first()
    connection.rollback()
    return None if row is None else Session(accounts.account_of(row), moment(row.used_at))


def touch(connection: Connection, text: str, now: datetime) -> None:
    """Note that a session is used, so that it goes on."""
    later = micros(now + UNUSED)
    ends = case((session.c.ends_at < later, session.c.ends_at), else_=later)
    changed = update(session).where(session.c.hash == accounts.hashed(text))
    with undone_on_failure(connection):
        connection.execute(changed.values(used_at=micros(now), expires_at=ends))
        connection.commit()


def end(connection: Connection, text: str) -> None:
    """Log out."""
    with undone_on_failure(connection):
        connection.execute(delete(session).where(session.c.hash == accounts.hashed(text)))
        connection.commit()


def new_password(connection: Connection, number: int, password: str) -> None:
    """Set what is kept of an account's password; who was logged in by the old one is no more."""
    with undone_on_failure(connection):
        connection.execute(update(account).where(account.c.id == number).values(password=password))
        connection.execute(delete(session).where(session.c.account == number))
        connection.execute(delete(invitation).where(invitation.c.account == number))
        connection.commit()


def new_link(
    connection: Connection, kind: Link, number: int | None, now: datetime, lasts: timedelta = LINK_LASTS
) -> str:
    """Return the secret of a new link; one of its kind that was made before for the same is good no more."""
    text = secrets.token_urlsafe(_RANDOM_BYTES)
    with undone_on_failure(connection):
        same = (invitation.c.kind == kind.value) & invitation.c.account.is_not_distinct_from(number)
        connection.execute(delete(invitation).where(same | (invitation.c.expires_at <= micros(now))))
        connection.execute(
            insert(invitation).values(
                hash=accounts.hashed(text),
                kind=kind.value,
                account=number,
                made_at=micros(now),
                expires_at=micros(now + lasts),
            )
        )
        connection.commit()
    return text


def link_of(connection: Connection, text: str, now: datetime) -> Invitation | None:
    """Return what a link is good for; None if it is none of ours, was used, or has ended."""
    wanted = select(invitation).where(
        invitation.c.hash == accounts.hashed(text), invitation.c.expires_at > micros(now)
    )
    row = connection.execute(wanted).first()
    connection.rollback()
    return None if row is None else Invitation(Link(row.kind), row.account)


def has_anybody(connection: Connection) -> bool:
    """Return whether there is anybody who may log in."""
    found = connection.execute(select(account.c.id).limit(1)).first()
    connection.rollback()
    return found is not None


def become_first(connection: Connection, text: str, name: str, password: str, now: datetime) -> int:
    """Make the first who may log in, in the role of the district, and return its number; the link is used up.

    Raises:
        AccountError: the link is none, or somebody else was first; nothing has changed.
    """
    with undone_on_failure(connection):
        link = link_of(connection, text, now)
        if link is None or link.kind is not Link.FIRST or has_anybody(connection):
            raise AccountError("this link is used up, or has ended; a new one is made by: safetyd user add")
        accounts.add(connection, name, Role.DISTRICT, (), password, now)
        connection.execute(delete(invitation).where(invitation.c.kind == Link.FIRST.value))
        connection.commit()
        return accounts.named(connection, name).number
