"""An empty store for a test, in the engine that `--store` names: a file, or a schema of a real PostgreSQL.

Rule: the server of a process is started by the first test that needs it, and ends with the process. One place
is one store, however often it is opened.
"""

import gc
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from safetyd.store.database import Connection, in_memory, open_for_writing
from tests.postgres import Postgres, postgres

POSTGRESQL, SQLITE = "postgresql", "sqlite"
_MANY = 20


class Engine:
    """Which one this run of the tests is about."""

    name = SQLITE
    asked = 0

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._server: Postgres | None = None

    @property
    def server(self) -> Postgres:
        """The PostgreSQL of this process."""
        if self._server is None:
            self._server = self._stack.enter_context(postgres())
        return self._server

    def end(self) -> None:
        """Stop what was started."""
        self._stack.close()


ENGINE = Engine()


def _tidy() -> None:
    """Have connections that tests have dropped let go of the server, which takes 200 of them."""
    ENGINE.asked += 1
    if not ENGINE.asked % _MANY:
        gc.collect()


def store_url(folder: Path | str, name: str = "safetyd.db") -> str:
    """Return the URL of the store of a folder."""
    if ENGINE.name == SQLITE:
        return f"sqlite:///{folder}/{name}"
    _tidy()
    schema = sha256(f"{Path(folder).absolute()}/{name}".encode()).hexdigest()[:16]
    return ENGINE.server.url(f"at_{schema}")


def store_lines(folder: Path | str, name: str = "safetyd.db") -> str:
    """Return what safetyd.toml says of the store of a folder."""
    return f'[store]\nurl = "{store_url(folder, name)}"\n'


def empty_store() -> Connection:
    """Return a connection that may write to an empty store of its own."""
    if ENGINE.name == SQLITE:
        return in_memory()
    _tidy()
    return open_for_writing(ENGINE.server.url())


def changed_by_another_hand(url: str, statement: str) -> int:
    """Carry out a statement behind safetyd's back; return how many rows it met."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        return connection.execute(text(statement)).rowcount
