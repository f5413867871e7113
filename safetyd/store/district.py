"""What the workers of a district share: how many shards there are, who holds which, and who lives.

Rule: all of it is in one schema of the database beside those of the shards, and all times are by the
database's clock, so that no worker's own clock counts. The number of shards is what it was when it was first
used: a building's history stays in the shard that it began in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError

from safetyd.core.errors import SafetydError
from safetyd.core.shards import Lease, Peer, Standing, name_of
from safetyd.store.database import connecting
from safetyd.store.failure import StoreError, cause

LEASE_S = 2.0  # ours: with a look each half second another worker has it within three
_SCHEMA = "safetyd"
_SOON_S = 2  # libpq takes no less
_PATIENCE_MS = 1500  # below the lease: who is cut off is to know it by then
_TABLES = (
    f"CREATE SCHEMA {_SCHEMA}",
    f"CREATE TABLE {_SCHEMA}.district (id INT PRIMARY KEY CHECK (id = 1), shards INT NOT NULL)",
    f"""CREATE TABLE {_SCHEMA}.lease (
        shard INT PRIMARY KEY, fence BIGINT NOT NULL DEFAULT 0, worker TEXT, holder TEXT NOT NULL DEFAULT '',
        since TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
        until TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())""",
    f"""CREATE TABLE {_SCHEMA}.worker (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, is_fit BOOLEAN NOT NULL, until TIMESTAMPTZ NOT NULL)""",
)
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('safetyd district', 0))")
_HAS_SCHEMA = text("SELECT to_regnamespace(:name) IS NOT NULL")
_SHARDS = text(f"SELECT shards FROM {_SCHEMA}.district")
_BEGIN = text(f"INSERT INTO {_SCHEMA}.district VALUES (1, :shards)")
_ROWS = text(f"INSERT INTO {_SCHEMA}.lease (shard) SELECT generate_series(0, :shards - 1)")
_ANNOUNCE = text(
    f"""INSERT INTO {_SCHEMA}.worker VALUES (:id, :name, :is_fit, clock_timestamp() + :lease * interval '1 s')
    ON CONFLICT (id) DO UPDATE SET is_fit = excluded.is_fit, until = excluded.until
    RETURNING extract(epoch FROM clock_timestamp())"""
)
_LEAVE = text(f"DELETE FROM {_SCHEMA}.worker WHERE id = :id OR until < clock_timestamp() - interval '1 day'")
_PEERS = text(f"SELECT id, is_fit, name FROM {_SCHEMA}.worker WHERE until > clock_timestamp() ORDER BY id")
_LEASES = text(
    f"""SELECT shard, fence, holder, CASE WHEN until > now THEN worker END AS worker,
    extract(epoch FROM now - CASE WHEN until > now THEN since ELSE until END)::float8 AS since_s
    FROM {_SCHEMA}.lease, LATERAL (SELECT clock_timestamp() AS now) AS at ORDER BY shard"""
)
_TAKE = text(
    f"""UPDATE {_SCHEMA}.lease SET fence = fence + 1, worker = :worker, holder = :holder,
    since = clock_timestamp(), until = clock_timestamp() + :lease * interval '1 s'
    WHERE shard = (SELECT shard FROM {_SCHEMA}.lease WHERE shard = :shard AND until <= clock_timestamp()
    FOR UPDATE SKIP LOCKED) RETURNING fence"""
)
_RENEW = text(
    f"""UPDATE {_SCHEMA}.lease SET until = clock_timestamp() + :lease * interval '1 s'
    WHERE shard = :shard AND fence = :fence RETURNING extract(epoch FROM clock_timestamp())"""
)
_TIME = text("SELECT extract(epoch FROM clock_timestamp())")
_NEGLECTED = text(
    f"""SELECT shard FROM {_SCHEMA}.lease WHERE until < clock_timestamp() - :seconds * interval '1 s'
    ORDER BY shard"""
)
_GIVE_BACK = text(
    f"UPDATE {_SCHEMA}.lease SET until = clock_timestamp() WHERE shard = :shard AND fence = :fence"
    " AND until > clock_timestamp()"
)
_END_FORMER = text(
    """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user
    AND application_name LIKE :shard AND application_name <> :mine"""
)


class DistrictError(SafetydError):
    """The district's database cannot be used, or not now."""


class OtherDistrictError(DistrictError):
    """The database has another number of shards."""


class Held(NamedTuple):
    """A shard as people see it: its fence, and who holds it, if anybody does."""

    standing: Standing
    fence: int
    holder: str


class Look(NamedTuple):
    """The district at one moment."""

    peers: tuple[Peer, ...]
    shards: tuple[Held, ...]


def shard_url(url: str, lease: Lease) -> str:
    """Return the URL of a shard's store for whoever holds its lease."""
    named = make_url(store_url(url, lease.shard)).update_query_dict({"application_name": lease.session})
    return named.render_as_string(hide_password=False)


def store_url(url: str, shard: int) -> str:
    """Return the URL of a shard's store."""
    parts = make_url(url)
    given = str(parts.query.get("options", ""))
    options = f"{given} -csearch_path={schema_of(shard)}".strip()
    return parts.update_query_dict({"options": options}).render_as_string(hide_password=False)


def _compare(shards: int, known: int) -> None:
    if known != shards:
        raise OtherDistrictError(
            f"[district] shards: {shards} stands here, and the database keeps the buildings in"
            f" {known}; their history would not follow: write shards = {known}"
        )


def schema_of(shard: int) -> str:
    """Return the schema of a shard's store."""
    return name_of(shard).replace("-", "_")


class District:
    """A connection to what the workers share; each statement is a transaction of its own."""

    def __init__(self, url: str, name: str = "safetyd worker") -> None:
        soon: dict[str, Any] = {"connect_timeout": _SOON_S, "tcp_user_timeout": _PATIENCE_MS}
        soon["options"] = f"-cstatement_timeout={_PATIENCE_MS}"
        self._engine = connecting(url, application_name=name, **soon)
        self._connection: Connection | None = None

    def prepare(self, shards: int) -> None:
        """Make what is missing of the schemas.

        Raises:
            DistrictError: the database has another number of shards, or cannot be used.
        """
        with self._told(), self._engine.begin() as made:
            made.execute(_ONE_AT_A_TIME)
            if not made.execute(_HAS_SCHEMA, {"name": _SCHEMA}).scalar():
                for statement in _TABLES:
                    made.execute(text(statement))
                made.execute(_BEGIN, {"shards": shards})
                made.execute(_ROWS, {"shards": shards})
            _compare(shards, made.execute(_SHARDS).scalar_one())
            for schema in map(schema_of, range(shards)):
                if not made.execute(_HAS_SCHEMA, {"name": schema}).scalar():
                    made.execute(text(f'CREATE SCHEMA "{schema}"'))

    def has_begun(self, shards: int) -> bool:
        """Return whether a worker has begun the district.

        Raises:
            OtherDistrictError: with another number of shards.
        """
        with self._told() as connection:
            if not connection.execute(_HAS_SCHEMA, {"name": _SCHEMA}).scalar():
                return False
            known = connection.execute(_SHARDS).scalar()
        if known is not None:
            _compare(shards, known)
        return known is not None

    def announce(self, id: str, name: str, *, is_fit: bool) -> float:
        """Say that a worker lives, and return what time the database has, in seconds since 1970."""
        told = {"id": id, "name": name, "is_fit": is_fit, "lease": LEASE_S}
        with self._told() as connection:
            return float(connection.execute(_ANNOUNCE, told).scalar_one())

    def leave(self, id: str) -> None:
        """Say that a worker is gone."""
        with self._told() as connection:
            connection.execute(_LEAVE, {"id": id})

    def look(self) -> Look:
        """Return who lives and who holds what."""
        with self._told() as connection:
            peers = tuple(Peer(row.id, row.is_fit) for row in connection.execute(_PEERS))
            rows = connection.execute(_LEASES).all()
        held = (Held(Standing(r.shard, r.worker, r.since_s), r.fence, r.holder) for r in rows)
        return Look(peers, tuple(held))

    def take(self, shard: int, worker: str, holder: str) -> Lease | None:
        """Take a shard whose lease is over, with the next fence; None if somebody has it."""
        told = {"shard": shard, "worker": worker, "holder": holder, "lease": LEASE_S}
        with self._told() as connection:
            fence = connection.execute(_TAKE, told).scalar()
        return None if fence is None else Lease(shard, fence)

    def end_former(self, lease: Lease) -> int:
        """End what is left at the database of those who held a shard before; return how many sessions."""
        told = {"shard": f"safetyd {name_of(lease.shard)} fence %", "mine": lease.session}
        with self._told() as connection:
            return int(connection.execute(_END_FORMER, told).scalar_one())

    def renew(self, lease: Lease) -> float | None:
        """Hold a shard for longer, also if the lease was over and nobody came; None if somebody did.

        It is what time the database has, in seconds since 1970.
        """
        with self._told() as connection:
            at_s = connection.execute(_RENEW, {**lease._asdict(), "lease": LEASE_S}).scalar()
        return None if at_s is None else float(at_s)

    def neglected(self, seconds: float) -> list[int]:
        """Return the shards that nobody holds, for so long."""
        with self._told() as connection:
            return list(connection.execute(_NEGLECTED, {"seconds": seconds}).scalars())

    def time_s(self) -> float:
        """Return what time the database has, in seconds since 1970."""
        with self._told() as connection:
            return float(connection.execute(_TIME).scalar_one())

    def give_back(self, lease: Lease) -> None:
        """Let anybody have a shard at once; nothing may be written under this lease any more."""
        with self._told() as connection:
            connection.execute(_GIVE_BACK, lease._asdict())

    def close(self) -> None:
        """Let go of the connection; the next use makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _told(self) -> Iterator[Connection]:
        try:
            if self._connection is None:
                opened = self._engine.connect()
                self._connection = opened.execution_options(isolation_level="AUTOCOMMIT")
            yield self._connection
        except (DBAPIError, StoreError) as error:
            self._forget()
            raise DistrictError(f"the district's database: {cause(error)}") from error

    def _forget(self) -> None:
        lost, self._connection = self._connection, None
        if lost is not None:
            lost.invalidate()
            lost.close()
