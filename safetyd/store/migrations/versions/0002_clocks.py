"""Beside each reading, how far the clocks behind it were off, and by what it is known when it comes again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reading", sa.Column("device_skew", sa.Integer(), nullable=True))
    op.add_column("reading", sa.Column("gateway_skew", sa.Integer(), nullable=True))
    op.add_column("reading", sa.Column("frame", sa.Text(), nullable=True))
