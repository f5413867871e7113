"""The tables of topics that no site file names: whose people say they are, and what came before."""

from sqlalchemy import Column, Index, LargeBinary, Table

from safetyd.store.columns import Whole, Words
from safetyd.store.schema import metadata

assignment = Table(  # each row says from when on a topic is a place's, or until when it was
    "assignment",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("verb", Words, nullable=False),
    Column("at", Whole, nullable=False),
    Column("by", Words, nullable=False),
    Column("role", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("topic", Words, nullable=False),
    Column("building", Words, nullable=False),
    Column("room", Words, nullable=False),  # empty: the building's mains
    Column("sensor", Words, nullable=False),
    Column("format", Words, nullable=False),
    Column("settings", Words, nullable=False),
    Column("moment", Whole, nullable=False),
    Column("hash", Words, nullable=False),
)

stray = Table(  # the newest messages of each topic that was nobody's when they came
    "stray",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("topic", Words, nullable=False),
    Column("at", Whole, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("stray_topic", "topic", "id"),
)
