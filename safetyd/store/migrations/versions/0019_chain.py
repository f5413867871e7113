"""The chain through all records, and what is stated on it.

What was there before is taken in by the daemon, a piece at a time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chain",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "key", "body", "hash")),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("subject", "name", "body")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("statement_subject", "statement", ["subject", "name", "id"])
