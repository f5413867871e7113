"""Where the decisions are on the chain, for whoever reads only those that are new; and where the digests are,
for whoever asks what a ticket was told of in."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_decision = sa.text("kind IN ('ticket', 'episode', 'history', 'shelf')")
    is_digest = sa.text("tickets <> 'null'")
    for name, table, column, where in (
        ("chain_decision", "chain", "number", is_decision),
        ("notice_digest", "notice", "id", is_digest),
    ):
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
