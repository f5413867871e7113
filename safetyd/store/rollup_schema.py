"""The tables of the roll-ups, beside those of `schema`.

Rule: rows lie in order of time, all places together; what is written together lies together, which keeps a
memory card alive.
"""

from sqlalchemy import Column, Float, LargeBinary, Table, UniqueConstraint

from safetyd.store.columns import Whole, Words
from safetyd.store.schema import metadata

roll_up_place = Table(  # `since`: the beginning of its first bucket
    "roll_up_place",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("building", Words, nullable=False),
    Column("room", Words, nullable=False),
    Column("since", Whole, nullable=False),
    UniqueConstraint("building", "room"),
)

roll_up = Table(  # `start` is in minutes since 1970, `level` one of rollups.Level
    "roll_up",
    metadata,
    Column("level", Whole, primary_key=True),
    Column("start", Whole, primary_key=True),
    Column("place", Whole, primary_key=True),
    Column("measure", Whole, primary_key=True),
    Column("n", Whole, nullable=False),
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
    Column("level", Whole, primary_key=True),
    Column("start", Whole, primary_key=True),
    Column("place", Whole, primary_key=True),
    Column("cold_breach", Whole),
    Column("cold_unknown", Whole),
    Column("heat_breach", Whole),
    Column("heat_unknown", Whole),
    Column("room_breach", Whole),
    Column("room_unknown", Whole),
    Column("outage_breach", Whole),
    Column("outage_unknown", Whole),
    sqlite_with_rowid=False,
)

roll_up_state = Table(  # what was known of a place at some full hours, to go on from
    "roll_up_state",
    metadata,
    Column("at", Whole, primary_key=True),
    Column("place", Whole, primary_key=True),
    Column("is_settled", Whole, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

roll_up_progress = Table(  # one row: up to when, and which readings need not be looked at again
    "roll_up_progress",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("settled_to", Whole, nullable=False),
    Column("reading", Whole, nullable=False),
    Column("retired_to", Whole),  # readings from before are deleted, or no longer looked at
)
