"""A school, a file of a logger, and what would come of it; time stands still at NOON."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from safetyd.imports.layout import Layout, Wishes, layout_of
from safetyd.imports.rows import Empty, Refused, Row, Rows
from safetyd.imports.sheet import records
from safetyd.imports.weighing import Source, Weighed, weigh
from safetyd.store.database import Connection
from safetyd.store.staged import Staged
from tests.history.scene import HERE
from tests.stores import empty_store

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HEAD = "Date Time,Temp (F),RH\n"


def file(folder: Path, text: str | bytes, name: str = "logger.csv") -> Path:
    made = folder / name
    made.write_bytes(text if isinstance(text, bytes) else text.encode())
    return made


def laid_out(made: Path, **said: str) -> Layout:
    wishes = {"place": "maple/12", **said}
    return layout_of(made, Wishes(**{name: value or None for name, value in wishes.items()}), HERE)


def read(made: Path, **said: str) -> list[Row | Refused | Empty]:
    layout = laid_out(made, **said)
    return list(Rows(layout, HERE, NOON).read(records(made, layout.encoding, layout.delimiter)))


def weighed(made: Path, staged: Path, store: Connection | None = None, **said: str) -> Weighed:
    layout = laid_out(made, **said)
    source = Source(made.name, "0" * 64, made.stem)
    rows = records(made, layout.encoding, layout.delimiter)
    with closing(Staged(staged)) as opened:
        return weigh(source, layout, rows, HERE, store or empty_store(), opened, NOON)
