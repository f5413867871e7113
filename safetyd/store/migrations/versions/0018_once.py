"""Commands that a client may leave again without their being done again, by the key it gave."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "once",
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("command", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "key"),
    )
    op.create_index("once_at", "once", ["at"])
