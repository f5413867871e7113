"""Two real PostgreSQLs, of which one follows the other and takes its place when that one is killed.

Rule: as `tests.postgres`: free ports, loopback, nothing is left. They fail over by hand: no third program
watches them.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg

from tests.journeys.servers import LOOPBACK, until
from tests.postgres import Postgres, postgres

_SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = {}"
_STATES = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"


class Pair:
    """The server that is written to, and the one that stands by; `address` names both."""

    def __init__(self, primary: Postgres, stack: ExitStack, *, is_durable: bool) -> None:
        self._stack, self._schemas, self._is_durable = stack, count(1), is_durable
        self.primary = primary
        self.standby = self._following()
        ports = [each.port for each in (self.primary, self.standby)]
        self.address = self.address_of(*ports)

    def address_of(self, *ports: int) -> str:
        """Return the URL of the database by ports of both, in this order."""
        user = self.primary.address.partition("//")[2].partition("@")[0]
        hosts = "&".join(f"host={LOOPBACK}:{port}" for port in ports)
        return f"postgresql+psycopg://{user}@/postgres?{hosts}&target_session_attrs=read-write"

    def url(self, *ports: int) -> str:
        """Return the URL of an empty store, by ports of both if need be."""
        name = f"store_{next(self._schemas)}"
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[arg-type]
        address = self.address_of(*ports) if ports else self.address
        return f"{address}&options={quote(f'-csearch_path={name}')}"

    def connect(self) -> psycopg.Connection:
        """Return a connection of the test's own to the primary."""
        return self.primary.connect()

    def tell(self, *statements: str) -> None:
        """Change the configuration of the primary, as it runs."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")

    def is_to_wait(self, names: str = "*") -> None:
        """Have each commit wait for the standby; for nobody if there are no names."""
        self.tell(_SYNCHRONOUS.format(f"'{names}'"))
        wanted = [("sync" if names else "async",)]
        until("the standby's state is known", lambda: self._states() == wanted)

    def none_follows(self) -> None:
        """Wait until the primary has noticed that its standby is gone."""
        until("nobody follows", lambda: not self._states())

    def promote(self) -> None:
        """Have the standby be the primary."""
        with self.standby.connect() as connection:
            assert connection.execute("SELECT pg_promote()").fetchone() == (True,)
        self.primary, self.standby = self.standby, self.primary
        self.tell(_SYNCHRONOUS.format("''"))  # nobody follows it

    def fail_over(self) -> None:
        """Kill the primary, and promote the standby, which then is alone."""
        self.primary.kill()
        self.promote()

    def follow(self) -> None:
        """Let a new standby follow in the place of the one that was killed, as who mends it would."""
        self.standby = self._following(self.standby.port)
        self.is_to_wait()

    def _states(self) -> list[tuple[str]]:
        with self.connect() as connection:
            return connection.execute(_STATES).fetchall()

    def _following(self, port: int | None = None) -> Postgres:
        prefix = "safetyd-standby-"
        folder = self._stack.enter_context(TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True))
        made = Postgres(Path(folder), is_durable=self._is_durable, follows=self.primary, port=port)
        self._stack.callback(made.kill)
        return made.start()


@contextmanager
def pair(*, is_durable: bool = False) -> Iterator[Pair]:
    """Yield two servers that run, each commit waiting for both, and leave nothing of them."""
    with ExitStack() as stack:
        primary = stack.enter_context(postgres(is_durable=is_durable))
        made = Pair(primary, stack, is_durable=is_durable)
        made.is_to_wait()
        yield made
