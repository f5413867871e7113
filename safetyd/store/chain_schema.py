"""The tables of the chain through all records, of what is stated on it alone, and of its heads outside."""

from sqlalchemy import Column, Index, Table, UniqueConstraint, text

from safetyd.store.columns import Whole, Words
from safetyd.store.schema import metadata

IS_DECISION = text(
    "kind IN ('ticket', 'episode', 'history', 'shelf')"
)  # word for word, so that SQLite goes by the index

chain = Table(
    "chain",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("kind", Words, nullable=False),
    Column("key", Words, nullable=False),
    Column("body", Words, nullable=False),  # the digest of the record; empty: it is gone from then on
    Column("hash", Words, nullable=False),
    Index("chain_decision", "number", sqlite_where=IS_DECISION),
    Index("chain_record", "kind", "key"),
)

statement = Table(  # rules, plans, calendars and sensors of the site file, digests of readings, heads
    "statement",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("subject", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("body", Words, nullable=False),
    Index("statement_subject", "subject", "name", "id"),
)

anchor = Table(  # a head of the chain, and one way by which it is held outside
    "anchor",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("day", Words, nullable=False),
    Column("way", Words, nullable=False),
    Column("number", Whole, nullable=False),
    Column("hash", Words, nullable=False),
    Column("sealed_at", Whole, nullable=False),
    Column("state", Words, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("due_at", Whole),
    Column("done_at", Whole),
    Column("answer", Words, nullable=False),
    Column("stamp", Words),  # an authority's whole answer (RFC 3161), in base64
    UniqueConstraint("day", "way"),
    Index("anchor_due", "due_at", sqlite_where=text("due_at IS NOT NULL")),
)
