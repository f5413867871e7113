"""The tables of the people who may log in, and of what lets them in."""

from sqlalchemy import Column, Index, Table

from safetyd.store.columns import Whole, Words
from safetyd.store.schema import metadata

account = Table(
    "account",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("known_as", Words, nullable=False),  # the name however somebody types it
    Column("name", Words, nullable=False),
    Column("role", Words, nullable=False),
    Column("buildings", Words, nullable=False),  # a list in JSON; an empty one is every building
    Column("password", Words, nullable=False),  # as argon2 keeps it
    Column("added_at", Whole, nullable=False),
    Column("subject", Words),  # who they are to the district's single sign-on; None: nobody there
    Index("account_known_as", "known_as", unique=True),
    Index("account_subject", "subject", unique=True),
)

token = Table(
    "token",
    metadata,
    Column("hash", Words, primary_key=True),  # SHA-256: what is drawn at random needs no slow one
    Column("account", Whole, nullable=False),
    Column("scope", Words, nullable=False),
    Column("made_at", Whole, nullable=False),
    Column("expires_at", Whole, nullable=False),
    Index("token_account", "account"),
)

session = Table(
    "session",
    metadata,
    Column("hash", Words, primary_key=True),
    Column("account", Whole, nullable=False),
    Column("began_at", Whole, nullable=False),
    Column("used_at", Whole, nullable=False),  # to the hour
    Column("expires_at", Whole, nullable=False),  # unless it is used again
    Column("ends_at", Whole, nullable=False),  # however often it is used
    Index("session_account", "account"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("hash", Words, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("account", Whole),  # None: whoever follows it becomes the first who may log in
    Column("made_at", Whole, nullable=False),
    Column("expires_at", Whole, nullable=False),
)
