"""The tables of the chain through all records, of what is stated on it alone, and of its heads outside."""

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint, text

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
    Index("chain_record", "kind", "key"),
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

anchor = Table(  # a head of the chain, and one way by which it is held outside
    "anchor",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("day", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("sealed_at", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Integer),
    Column("done_at", Integer),
    Column("answer", Text, nullable=False),
    Column("stamp", Text),  # an authority's whole answer (RFC 3161), in base64
    UniqueConstraint("day", "way"),
    Index("anchor_due", "due_at", sqlite_where=text("due_at IS NOT NULL")),
)
