"""What keeps a holder that was replaced without knowing it from writing: each commit shows its fence.

Rule: just before a commit the lease's row must still have the fence that this process was given. The row is
locked until the commit is over, so that a commit and a take-over exclude each other; who is frozen in between
is thrown out by the database within a second, and has written nothing.
"""

from sqlalchemy import Connection, Engine, event, text

from safetyd.core.errors import SafetydError
from safetyd.core.shards import Lease

_WINDOW_MS = 1000
_SHOW = text(
    f"""SELECT fence, set_config('idle_in_transaction_session_timeout', '{_WINDOW_MS}', true)
    FROM safetyd.lease WHERE shard = :shard AND fence = :fence FOR SHARE"""
)

_shown: list[Lease] = []


class FencedError(SafetydError):
    """Somebody else holds the shard: nothing of the transaction was written, and nothing may be."""


def show(lease: Lease) -> None:
    """Have every writer that this process opens from now on show this lease at each commit."""
    _shown[:] = [lease]


def keep_fenced(engine: Engine) -> None:
    """Have the commits of an engine show the lease of this process, if it has one.

    To be called when all else that is written at a commit has been asked for.
    """
    for lease in _shown:
        _keep(engine, lease)


def _keep(engine: Engine, lease: Lease) -> None:
    @event.listens_for(engine, "commit")
    def _on_commit(connection: Connection) -> None:
        if connection.execute(_SHOW, lease._asdict()).first() is None:
            raise FencedError(
                f"shard {lease.shard}: another worker holds it since our lease (fence {lease.fence})"
                " was over; nothing was written"
            )
