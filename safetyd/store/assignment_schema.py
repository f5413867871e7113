"""The tables of topics that no site file names: whose people say they are, and what came before."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from safetyd.store.schema import metadata

assignment = Table(  # each row says from when on a topic is a place's, or until when it was
    "assignment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("verb", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("building", Text, nullable=False),
    Column("room", Text, nullable=False),  # empty: the building's mains
    Column("sensor", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("moment", Integer, nullable=False),
    Column("hash", Text, nullable=False),
)

stray = Table(  # the newest messages of each topic that was nobody's when they came
    "stray",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("stray_topic", "topic", "id"),
)
