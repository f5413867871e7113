"""A store as the first release wrote it; `store/first_release/store.sql.gz` says how it came about."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "store" / "first_release"
SITE = (HERE / "site.toml").read_text(encoding="utf-8")


def first_store(file: Path) -> Path:
    """Make that store in a file, and return the file."""
    file.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(gzip.decompress((HERE / "store.sql.gz").read_bytes()).decode())
    return file


def dump(file: Path) -> str:
    """Return a whole store as SQL."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return "\n".join(connection.iterdump())


def columns(file: Path) -> dict[str, list[str]]:
    """Return the names of the columns of each table."""
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: [each[1] for each in connection.execute(f"PRAGMA table_info({name})")]
            for (name,) in tables
            if name != "alembic_version"
        }


def rows(file: Path, table: str, names: list[str]) -> list[tuple[Any, ...]]:
    """Return these columns of every row."""
    listed = ", ".join(f'"{name}"' for name in names)
    with closing(sqlite3.connect(file)) as connection:
        return sorted(connection.execute(f"SELECT {listed} FROM {table}").fetchall(), key=repr)


def version(file: Path) -> str:
    """Return the migration that a store is at."""
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
