"""What the next start must know of the last moments: when the daemon lived, and which bridges came back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "beat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("is_last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "bridge",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("back_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("topic"),
    )
