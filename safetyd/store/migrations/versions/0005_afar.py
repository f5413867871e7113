"""What is known of buildings that are watched from afar; a ticket that is joined to another is not open."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = ["building", "room", "condition", "hazard"]


def upgrade() -> None:
    op.create_table(
        "afar",
        sa.Column("building", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("building"),
    )
    at_rest = sa.text("status NOT IN ('joined', 'closed')")
    op.drop_index("one_open_ticket", "ticket")
    op.create_index(
        "one_open_ticket", "ticket", _COLUMNS, unique=True, sqlite_where=at_rest, postgresql_where=at_rest
    )
