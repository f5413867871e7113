"""What each delivery met with: its attempts, who was told instead, which addresses are refused for good."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.Integer()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempt_delivery", "attempt", ["delivery", "id"])
    op.create_index("attempt_under_way", "attempt", ["id"], sqlite_where=sa.text("outcome = 'under_way'"))
    op.create_table(
        "rejected_address",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person", "address"),
    )
    for name in ("settled", "instead_of", "went_to"):
        op.add_column("delivery", sa.Column(name, sa.Text()))
    for name in ("unreached_since", "last_resort_at"):
        op.add_column("notice", sa.Column(name, sa.Integer()))
    op.create_index(
        "notice_unreached",
        "notice",
        ["unreached_since"],
        sqlite_where=sa.text("unreached_since IS NOT NULL"),
    )
    op.execute(
        "UPDATE notice SET unreached_since = at"
        " WHERE id IN (SELECT notice FROM delivery WHERE state = 'waiting')"
        " AND id NOT IN (SELECT notice FROM delivery WHERE state = 'accepted')"
    )
