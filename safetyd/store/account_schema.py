"""The tables of the people who may log in, and of what lets them in."""

from sqlalchemy import Column, Index, Integer, Table, Text

from safetyd.store.schema import metadata

account = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("known_as", Text, nullable=False),  # the name however somebody types it
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("buildings", Text, nullable=False),  # a list in JSON; an empty one is every building
    Column("password", Text, nullable=False),  # as argon2 keeps it
    Column("added_at", Integer, nullable=False),
    Column("subject", Text),  # who they are to the district's single sign-on; None: nobody there
    Index("account_known_as", "known_as", unique=True),
    Index("account_subject", "subject", unique=True),
)

token = Table(
    "token",
    metadata,
    Column("hash", Text, primary_key=True),  # SHA-256: what is drawn at random needs no slow one
    Column("account", Integer, nullable=False),
    Column("scope", Text, nullable=False),
    Column("made_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Index("token_account", "account"),
)

session = Table(
    "session",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("account", Integer, nullable=False),
    Column("began_at", Integer, nullable=False),
    Column("used_at", Integer, nullable=False),  # to the hour
    Column("expires_at", Integer, nullable=False),  # unless it is used again
    Column("ends_at", Integer, nullable=False),  # however often it is used
    Index("session_account", "account"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account", Integer),  # None: whoever follows it becomes the first who may log in
    Column("made_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
)
