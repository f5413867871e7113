"""What a PostgreSQL says of itself and of the store in it, for who looks after it.

Rule: looking changes nothing, also while safetyd writes, and asks for nothing that grows with the store.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from safetyd.setting_store import place_of
from safetyd.store.database import StoreError, reading_whatever, writer_lock
from safetyd.store.failure import cause
from safetyd.store.moments import moment

_SETTINGS = ("server_version", "synchronous_commit", "fsync", "full_page_writes", "synchronous_standby_names")
_STANDBYS = (  # whoever may not read it sees the rows, and no states
    "SELECT count(*), count(sync_state), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum'))"
    " FROM pg_stat_replication WHERE coalesce(state, 'streaming') = 'streaming'"
)
_BYTES = (
    "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relkind = 'r'"
)
_EDGE = "SELECT observed_at + delay FROM reading ORDER BY id {} LIMIT 1"


class Standbys(NamedTuple):
    """How many follow a server, for how many of them a commit waits (None: not told), and by which names."""

    following: int
    waited_for: int | None
    names: str


class Server(NamedTuple):
    """Its release, whether a commit reaches the disk, and of the store: version, bytes, readings from and to.

    `version` is None where there is no store yet; `is_running` says whether a daemon holds its lock.
    """

    release: str
    synchronous_commit: str
    fsync: bool
    full_page_writes: bool
    version: str | None
    bytes: int
    first_at: datetime | None
    last_at: datetime | None
    is_running: bool
    standbys: Standbys


def looked_at(url: str) -> Server:
    """Return what is known of a server and of the store in it.

    Raises:
        StoreError: the server does not answer, or may not be asked.
    """
    try:
        with reading_whatever(url) as (connection, version):
            said = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in _SETTINGS]
            count, told, waited_for = connection.exec_driver_sql(_STANDBYS).one()
            size, edges = 0, list[int | None]()
            if version is not None:
                size = int(connection.exec_driver_sql(_BYTES).scalar_one())
                edges = [connection.exec_driver_sql(_EDGE.format(way)).scalar() for way in ("ASC", "DESC")]
    except DBAPIError as error:
        raise StoreError(f"store {place_of(url)}: cannot be looked at: {cause(error)}") from error
    first, last = (None if each is None else moment(each) for each in edges or (None, None))
    with writer_lock(url) as is_free:  # for a moment
        is_running = not is_free
    return Server(
        str(said[0]).split(" ")[0],
        str(said[1]),
        said[2] == "on",
        said[3] == "on",
        version,
        size,
        first,
        last,
        is_running,
        Standbys(count, waited_for if told == count else None, str(said[4])),
    )
