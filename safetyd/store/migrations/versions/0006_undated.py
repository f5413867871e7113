"""What arrives before the time is known, and with each sign of life what is needed to count on from it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "undated",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("since_boot", sa.Integer(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("retain", sa.Integer(), nullable=False),
        sa.Column("command", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("beat", sa.Column("since_boot", sa.Integer(), nullable=True))
    op.add_column("beat", sa.Column("unsure", sa.Integer(), nullable=True))
