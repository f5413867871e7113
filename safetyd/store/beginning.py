"""What is said to an engine as each of its transactions begins.

Rule: never by SQLAlchemy's event `begin`. Where that fails, the connection takes itself for one that is still
beginning: what it does later belongs to no transaction, and its commits do nothing without a word.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection


def at_each(engine: Engine, say: Callable[[Any], object]) -> None:
    """Have something said to the driver's connection before anything else of a transaction."""
    before = engine.dialect.do_begin

    def begin(dbapi_connection: PoolProxiedConnection) -> None:
        before(dbapi_connection)
        say(dbapi_connection.driver_connection)

    engine.dialect.do_begin = begin  # type: ignore[method-assign]
