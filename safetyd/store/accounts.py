"""The people who may log in, and the tokens that act for them.

Rule: no decision rests on these tables, so that whoever runs a `user` command writes them, in one short
transaction, as anybody may leave a command in the inbox. Of a token the hash is kept; it is shown once.
"""

import hashlib
import json
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update

from safetyd.core.errors import SafetydError
from safetyd.core.model import Role, same_name
from safetyd.faults import did_you_mean
from safetyd.store.account_schema import account, invitation, session, token
from safetyd.store.database import undone_on_failure
from safetyd.store.moments import micros, moment

_PREFIX = "safetyd_"  # by which a person, or a program that looks for lost secrets, knows what it is
_RANDOM_BYTES = 32
_OURSELVES = "safetyd"  # what history says of what nobody did
STRANGER = "(not logged in)"  # and what it puts behind the name of who acts without an account
LONGEST_NAME = 100


class AccountError(SafetydError):
    """There is no such person, or there is already; nothing has changed."""


class Scope(StrEnum):
    """What a token is good for."""

    READ = "read"
    ACT = "act"


class Account(NamedTuple):
    """Somebody who may log in. No building means every one; the password's hash is not part of it."""

    number: int
    name: str
    role: Role
    buildings: tuple[str, ...]
    added_at: datetime


class Pass(NamedTuple):
    """Whose token it is, and what it is good for."""

    account: Account
    scope: Scope


def check_name(name: str) -> None:
    """Let pass what may stand on record as a person's name.

    Raises:
        AccountError: it is not one line, too long, or what the record calls what nobody did.
    """
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME or name != name.strip():
        shown = repr(name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…")
        raise AccountError(f"{shown} is no name; expected one line of at most {LONGEST_NAME} characters")
    if same_name(name) == _OURSELVES:
        raise AccountError(f"{name!r} is what the record calls what nobody did; expected a person's name")
    if STRANGER in same_name(name):
        raise AccountError(f"{name!r} is marked as nobody's account is; expected the name without {STRANGER}")


def add(
    connection: Connection, name: str, role: Role, buildings: tuple[str, ...], password: str, now: datetime
) -> None:
    """Let somebody log in; `password` is its hash.

    Raises:
        AccountError: somebody of this name may already.
    """
    with undone_on_failure(connection):
        if _known_as(connection, name) is not None:
            connection.rollback()
            raise AccountError(f"{name!r} may log in already; to change that: safetyd user remove, then add")
        connection.execute(
            insert(account).values(
                known_as=same_name(name),
                name=name,
                role=role.value,
                buildings=json.dumps(buildings),
                password=password,
                added_at=micros(now),
            )
        )
        connection.commit()


def enter_as(
    connection: Connection, subject: str, name: str, role: Role, buildings: tuple[str, ...], now: datetime
) -> int:
    """Return the number of who the single sign-on says somebody is, made or brought up to what it says now.

    Raises:
        AccountError: somebody else may log in by this name.
    """
    with undone_on_failure(connection):
        check_name(name)
        known = connection.execute(select(account.c.id).where(account.c.subject == subject)).scalar()
        other = _known_as(connection, name)
        if other is not None and other.id != known:
            connection.rollback()
            raise AccountError(f"{name!r} may log in already as somebody else; ask for another name there")
        said = {
            "known_as": same_name(name),
            "name": name,
            "role": role.value,
            "buildings": json.dumps(buildings),
        }
        if known is None:
            new = {"subject": subject, "password": "", "added_at": micros(now)}
            known = connection.execute(
                insert(account).values(said | new).returning(account.c.id)
            ).scalar_one()
        else:
            connection.execute(update(account).where(account.c.id == known).values(said))
        connection.commit()
        return int(known)


def remove(connection: Connection, name: str) -> None:
    """Let somebody log in no more; their tokens and sessions end with that. What they did stays on record.

    Raises:
        AccountError: nobody of this name may.
    """
    with undone_on_failure(connection):
        number = named(connection, name).number
        for each in (token, session, invitation):
            connection.execute(delete(each).where(each.c.account == number))
        connection.execute(delete(account).where(account.c.id == number))
        connection.commit()


def everybody(connection: Connection) -> list[tuple[Account, list[tuple[Scope, datetime]]]]:
    """Return everybody who may log in, by name, with the scope and end of each of their tokens."""
    tokens: dict[int, list[tuple[Scope, datetime]]] = {}
    for row in connection.execute(select(token).order_by(token.c.expires_at)):
        tokens.setdefault(row.account, []).append((Scope(row.scope), moment(row.expires_at)))
    found = connection.execute(select(account).order_by(account.c.known_as))
    return [(account_of(row), tokens.get(row.id, [])) for row in found]


def named(connection: Connection, name: str) -> Account:
    """Return somebody by name.

    Raises:
        AccountError: nobody of this name may log in.
    """
    row = _known_as(connection, name)
    if row is None:
        names = list(connection.execute(select(account.c.name)).scalars())
        connection.rollback()
        hint = did_you_mean(name, names) or "; who may is shown by: safetyd user list"
        raise AccountError(f"nobody called {name!r} may log in{hint}")
    return account_of(row)


def new_token(connection: Connection, name: str, scope: Scope, now: datetime, lasts: timedelta) -> str:
    """Return a new token that acts for somebody, which is kept nowhere; those that have ended are forgotten.

    Raises:
        AccountError: nobody of this name may log in.
    """
    text = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with undone_on_failure(connection):
        number = named(connection, name).number
        connection.execute(delete(token).where(token.c.expires_at <= micros(now)))
        connection.execute(
            insert(token).values(
                hash=hashed(text),
                account=number,
                scope=scope.value,
                made_at=micros(now),
                expires_at=micros(now + lasts),
            )
        )
        connection.commit()
    return text


def pass_of(connection: Connection, text: str, now: datetime) -> Pass | None:
    """Return whose token this is; None if it is nobody's or has ended."""
    wanted = (
        select(account, token.c.scope)
        .join(token, token.c.account == account.c.id)
        .where(token.c.hash == hashed(text), token.c.expires_at > micros(now))
    )
    row = connection.execute(wanted).first()
    connection.rollback()
    return None if row is None else Pass(account_of(row), Scope(row.scope))


def password_of(connection: Connection, name: str) -> tuple[Account, str] | None:
    """Return somebody by name, with what is kept of the password; None if nobody of this name may log in."""
    row = _known_as(connection, name)
    connection.rollback()
    return None if row is None else (account_of(row), str(row.password))


def _known_as(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(account).where(account.c.known_as == same_name(name))).first()


def account_of(row: Row[Any]) -> Account:
    """Return an account as its row has it."""
    buildings = tuple(json.loads(row.buildings))
    return Account(row.id, row.name, Role(row.role), buildings, moment(row.added_at))


def hashed(text: str) -> str:
    """Return what is kept of a secret that was drawn at random."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
