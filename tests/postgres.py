"""A real PostgreSQL for tests: started on a free port, and each store in it a schema of its own.

Rule: it listens on loopback only, its folder goes with it, and where it is missing the test fails and names
the package. PostgreSQL refuses to run as root: then it runs as the user that Debian's package makes.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psycopg

from tests.journeys.servers import LOOPBACK, free_port, until

_SYSTEM_USER = "postgres"
_DATABASE = "postgres"
_OWNER = "safetyd"
_CONFIGURATION = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 64MB
fsync = {fsync}
synchronous_commit = on
wal_retrieve_retry_interval = 500ms
"""


def program(name: str) -> str:
    """Return the path of a server program; fail naming the package it comes in."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    search = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=search)
    assert found, f"{name} is not on this machine; it comes with: apt-get install postgresql"
    return found


class Postgres:
    """A PostgreSQL that can end, be killed and come back on the same port."""

    def __init__(
        self,
        folder: Path,
        *,
        is_durable: bool = False,
        follows: "Postgres | None" = None,
        port: int | None = None,
    ) -> None:
        """`is_durable` where it will be killed; else it does not wait for the disk. A standby `follows`."""
        self._folder = folder
        self.port = port or free_port()
        self._schemas = count(1)
        self._child: subprocess.Popen[bytes] | None = None
        folder.chmod(0o711)
        (folder / "data").mkdir(mode=0o700)
        if self._user is not None:
            os.chown(folder / "data", self._user.pw_uid, self._user.pw_gid)
        if follows is None:
            command = [program("initdb"), "-D", str(folder / "data"), "-U", _OWNER, "-A", "trust"]
            command += ["-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        else:
            command = [program("pg_basebackup"), "-D", str(folder / "data"), "-d", follows.conninfo]
            command += ["-R", "-X", "stream", "--checkpoint=fast", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, **self._as_user)
        with (folder / "data/postgresql.conf").open("a", encoding="utf-8") as file:
            fsync = "on" if is_durable else "off"
            file.write(_CONFIGURATION.format(host=LOOPBACK, port=self.port, fsync=fsync))

    @property
    def _user(self) -> pwd.struct_passwd | None:
        return pwd.getpwnam(_SYSTEM_USER) if os.geteuid() == 0 else None

    @property
    def _as_user(self) -> dict[str, object]:
        user = self._user
        return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def listens_too(self, host: str) -> None:
        """From the next start on, listen at another address of this machine, and let in who comes by it."""
        with (self._folder / "data/postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"listen_addresses = '{LOOPBACK},{host}'\n")
        with (self._folder / "data/pg_hba.conf").open("a", encoding="utf-8") as file:
            file.write(f"host all all {host}/24 trust\n")

    def start(self) -> "Postgres":
        with (self._folder / "postgres.log").open("ab") as log:
            self._child = subprocess.Popen(
                [program("postgres"), "-D", str(self._folder / "data")],
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as_user,  # type: ignore[call-overload]
            )
        until("PostgreSQL answers", self._answers)
        return self

    def _answers(self) -> bool:
        assert self._child is not None and self._child.poll() is None, "PostgreSQL has ended"
        with suppress(psycopg.OperationalError), self.connect():
            return True
        return False

    def connect(self) -> psycopg.Connection:
        """Return a connection of the test's own; each statement is a transaction."""
        return psycopg.connect(self.conninfo, autocommit=True)

    @property
    def conninfo(self) -> str:
        """How libpq finds it."""
        return f"host={LOOPBACK} port={self.port} user={_OWNER} dbname={_DATABASE} connect_timeout=5"

    @property
    def address(self) -> str:
        """The URL of its database."""
        return f"postgresql+psycopg://{_OWNER}@{LOOPBACK}:{self.port}/{_DATABASE}"

    def asks_for(self, name: str, password: str) -> None:
        """Make another user, who is let in by a password only."""
        with self.connect() as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{password}'")
            (rules,) = connection.execute("SHOW hba_file").fetchone() or ("",)
            rest = Path(rules).read_text(encoding="utf-8")
            Path(rules).write_text(f"host all {name} all scram-sha-256\n{rest}", encoding="utf-8")
            connection.execute("SELECT pg_reload_conf()")

    def url(self, schema: str = "") -> str:
        """Return the URL of an empty store: a schema, made unless it is there."""
        name = schema or f"store_{next(self._schemas)}"
        with self.connect() as connection:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name}"')
        return f"{self.address}?options={quote(f'-csearch_path={name}')}"

    def dumped(self) -> bytes:
        """Return all that is in it, as text."""
        command = [program("pg_dump"), "-h", LOOPBACK, "-p", str(self.port), "-U", _OWNER, _DATABASE]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def kill(self) -> None:
        """End it as a power cut would: every process of it, with no word to anybody."""
        if self._child is not None:
            pid = self._child.pid
            self._child.send_signal(signal.SIGSTOP)  # it makes no more of them while they are counted
            until("it stands still", lambda: _state_of(pid) == "T")
            rest = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            for each in rest:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            self._child.kill()
            self._child.wait()
            self._child = None
            until("none of them is left to hold its memory", lambda: not any(map(_state_of, rest)))

    def stop(self) -> None:
        """End it at once, in order: who is connected is cut off."""
        if self._child is not None:
            self._child.send_signal(2)
            self._child.wait()
            self._child = None


def _state_of(pid: int) -> str:
    """Return the letter of a process's state, none if it is gone or waits only to be forgotten."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state in "ZX" else state


@contextmanager
def postgres(*, is_durable: bool = False) -> Iterator[Postgres]:
    """Yield a server that runs, and leave nothing of it."""
    with TemporaryDirectory(prefix="safetyd-postgres-", ignore_cleanup_errors=True) as name:
        server = Postgres(Path(name), is_durable=is_durable)
        try:
            yield server.start()
        finally:
            server.stop()
