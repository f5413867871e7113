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


class FencedError(SafetydError):
    """Somebody else holds the shard: nothing of the transaction was written, and nothing may be."""


def keep_fenced(engine: Engine) -> None:
    """Have each commit of an engine show the lease that its URL names, if it names one.

    To be called when all else that is written at a commit has been asked for.
    """
    lease = Lease.of_session(str(engine.url.query.get("application_name", "")))
    if lease is None:
        return

    @event.listens_for(engine, "commit")
    def _on_commit(connection: Connection) -> None:
        if connection.execute(_SHOW, lease._asdict()).first() is None:
            raise FencedError(
                f"shard {lease.shard}: another worker holds it since our lease (fence {lease.fence})"
                " was over; nothing was written"
            )
