"""What is owed to the outside about the chain: its head to a URL, a stamp of it; and the rows of a record.

The index leads from a record to the rows of the chain about it, before it is saved again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("chain_record", "chain", ["kind", "key"])
    op.create_table(
        "anchor",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("day", "way")),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Integer()),
        sa.Column("done_at", sa.Integer()),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("day", "way"),
    )
    op.create_index("anchor_due", "anchor", ["due_at"], sqlite_where=sa.text("due_at IS NOT NULL"))
