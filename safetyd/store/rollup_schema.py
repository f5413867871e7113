"""The tables of the roll-ups, beside those of `schema`.

Rule: rows lie in order of time, all places together; what is written together lies together, which keeps a
memory card alive.
"""

from sqlalchemy import Column, Float, Integer, LargeBinary, Table, Text, UniqueConstraint

from safetyd.store.schema import metadata

roll_up_place = Table(  # `since`: the beginning of its first bucket
    "roll_up_place",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("building", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("since", Integer, nullable=False),
    UniqueConstraint("building", "room"),
)

roll_up = Table(  # `start` is in minutes since 1970, `level` one of rollups.Level
    "roll_up",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("measure", Integer, primary_key=True),
    Column("n", Integer, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("total", Float, nullable=False),
    sqlite_with_rowid=False,
)

# How much of a bucket was in breach and unknown, in microseconds; of an account without numbers all of it is
# unknown, as it is of a bucket without a row. Nought takes no room on the disk.
roll_up_time = Table(
    "roll_up_time",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("cold_breach", Integer),
    Column("cold_unknown", Integer),
    Column("heat_breach", Integer),
    Column("heat_unknown", Integer),
    Column("room_breach", Integer),
    Column("room_unknown", Integer),
    Column("outage_breach", Integer),
    Column("outage_unknown", Integer),
    sqlite_with_rowid=False,
)

roll_up_state = Table(  # what was known of a place at some full hours, to go on from
    "roll_up_state",
    metadata,
    Column("at", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("is_settled", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

roll_up_progress = Table(  # one row: up to when, and which readings need not be looked at again
    "roll_up_progress",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("settled_to", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("retired_to", Integer),  # readings from before are deleted, or no longer looked at
)
