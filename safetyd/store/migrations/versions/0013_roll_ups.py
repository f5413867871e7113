"""Roll-ups of the readings: five minutes, hours and days of each place, and how far they have come."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ACCOUNTS = ("cold", "heat", "room", "outage")


def upgrade() -> None:
    op.create_table(
        "roll_up_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("building", sa.Text(), nullable=False),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("building", "room"),
    )
    op.create_table(
        "roll_up",
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("level", "start", "place", "measure")),
        sa.Column("n", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("low", "high", "total")),
        sa.PrimaryKeyConstraint("level", "start", "place", "measure"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "roll_up_time",
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("level", "start", "place")),
        *(sa.Column(f"{each}_{what}", sa.Integer()) for each in _ACCOUNTS for what in ("breach", "unknown")),
        sa.PrimaryKeyConstraint("level", "start", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "roll_up_state",
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("at", "place", "is_settled")),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("at", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "roll_up_progress",
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("id", "settled_to", "reading")),
        sa.Column("retired_to", sa.Integer()),
        sa.PrimaryKeyConstraint("id"),
    )
