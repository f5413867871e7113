"""The tables of the chain through all records, and of what is stated on it alone."""

from sqlalchemy import Column, Index, Integer, Table, Text, text

from safetyd.store.schema import metadata

IS_DECISION = text(
    "kind IN ('ticket', 'episode', 'history', 'shelf')"
)  # word for word, so that SQLite goes by the index

chain = Table(
    "chain",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),  # the digest of the record; empty: it is gone from then on
    Column("hash", Text, nullable=False),
    Index("chain_decision", "number", sqlite_where=IS_DECISION),
)

statement = Table(  # rules, plans, calendars and sensors of the site file, digests of readings, heads
    "statement",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("statement_subject", "subject", "name", "id"),
)
