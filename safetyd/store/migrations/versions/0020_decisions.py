"""Where the decisions are on the chain, for whoever reads only those that are new."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_decision = sa.text("kind IN ('ticket', 'episode', 'history', 'shelf')")
    op.create_index(
        "chain_decision", "chain", ["number"], sqlite_where=is_decision, postgresql_where=is_decision
    )
