"""What the next start must know: when the daemon lived, which bridges came back, sensors by quantity."""

from typing import Any

import msgspec
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
    connection = op.get_bind()
    table = sa.table("place_state", sa.column("rowid"), sa.column("body"))
    for row, body in connection.execute(sa.select(table.c.rowid, table.c.body)).all():
        standing = msgspec.msgpack.decode(body)
        standing[3] = {key: _health(old) for key, old in standing[3].items()}
        changed = msgspec.msgpack.encode(standing)
        connection.execute(sa.update(table).where(table.c.rowid == row).values(body=changed))


def _health(old: list[Any]) -> list[Any]:
    """From [until, [temperature, humidity], since, repeats] to until, heard_at, …, temperature, humidity."""
    until, values, since, repeats = old
    still = [None if value is None else [value, since, since, repeats] for value in values]
    return [until, since, None, None, None, *still]
