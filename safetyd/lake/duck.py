"""DuckDB, which writes the Parquet files and reads them again.

Rule: it sees the folders that it is given and nothing else, fetches nothing from anywhere, holds no more
memory than it is allowed, and puts the rest into a folder that is deleted afterwards.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from safetyd.core.errors import SafetydError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_MB = 512  # of each that is open
_MISSING = "Parquet exports need DuckDB: pip install 'safetyd[lake]'"


class LakeError(SafetydError):
    """Parquet files that cannot be written, or not be read."""


@dataclass(frozen=True, slots=True)
class Duck:
    """An open DuckDB without a database, which sees a folder; `scratch` goes with it."""

    connection: "DuckDBPyConnection"
    folder: Path
    scratch: Path

    @property
    def _link(self) -> Path:
        return self.scratch / "lake"

    def seen(self, file: Path) -> str:
        """Return the name by which a file of the folder is seen: one without signs that stand for others."""
        return str(self._link / file.relative_to(self.folder))

    def run(self, sql: str, values: Sequence[Any] = (), of: Path | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; `of` is the file that it is about.

        Raises:
            LakeError: DuckDB cannot carry it out.
        """
        import duckdb

        try:
            return self.connection.execute(sql, list(values)).fetchall()
        except duckdb.Error as error:
            said = str(error).strip().split("\n", 1)[0].replace(str(self._link), str(self.folder))
            raise LakeError(f"{of or 'DuckDB'}: {said}") from error


def require_duckdb() -> None:
    """Return if DuckDB is installed.

    Raises:
        LakeError: it is not.
    """
    try:
        import duckdb  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise LakeError(_MISSING) from error


@contextmanager
def opened(folder: Path, threads: int = 0) -> Iterator[Duck]:
    """Yield a DuckDB that may read and write below a folder; 0 threads are one for each processor.

    Raises:
        LakeError: it is not installed.
    """
    require_duckdb()
    import duckdb

    with TemporaryDirectory(prefix="safetyd-lake-") as name:
        scratch, real = Path(name).resolve(), folder.resolve()
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{MEMORY_MB}MB",
            "temp_directory": name,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if threads:
            config["threads"] = threads
        with duckdb.connect(":memory:", config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET allowed_directories = [{text(str(real))}, {text(str(scratch))}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            duck = Duck(connection, folder, scratch)
            Path(duck.seen(folder)).symlink_to(real, target_is_directory=True)
            yield duck


def text(value: str) -> str:
    """Return a text as SQL has it."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
