"""A district that real workers share: one configuration, a PostgreSQL that waits for its disk, shards.

Rule: workers and the processes of their shards are one thing here. Their memory is what each has alone and
its share of what they have together (PSS), now and not at most.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg
from stand import SAFETYD, cpu_seconds, process, until
from wire import wire
from workers import District

from tests.postgres import postgres


class Shared(District):
    """All buildings in one configuration, watched by so many workers."""

    def __init__(
        self, where: Path, port: int, webhook: int, rooms: int, workers: int, shards: int, stack: ExitStack
    ) -> None:
        super().__init__(where, port, webhook, rooms)
        self._count, self._shards = workers, shards
        server = stack.enter_context(postgres(is_durable=True))
        self._database = stack.enter_context(server.connect())
        url = server.url("public").partition("?")[0]
        (whole,) = self.workers
        text = whole.config.read_text().replace("sqlite:///bench.db", url)
        whole.config.write_text(text + f"[district]\nshards = {shards}\n")

    def start(self, stack: ExitStack) -> tuple[Sequence[subprocess.Popen[str]], list[float]]:
        """Start the workers, until the stack ends; return them and how long it took until all listened."""
        (whole,) = self.workers
        watch = stack.enter_context(wire(self.port, "starter"))
        watch.subscribe(f"{whole.root}/status/+")
        began = time.monotonic()
        command = [*SAFETYD, "run", "--role", "worker", "--config", str(whole.config)]
        children = [stack.enter_context(process(command)) for _ in range(self._count)]
        until(self._are_held, "a holder of each shard", 60)
        until(lambda: self.stored() >= 0, "the tables of each shard", 60)
        span = time.monotonic() - began
        time.sleep(5)  # as long as shards go from one worker to the other, and subscribe
        return children, [span]

    def _are_held(self) -> bool:
        try:
            held = "SELECT count(*) FROM safetyd.lease WHERE until > clock_timestamp()"
            return bool(self._database.execute(held).fetchone() == (self._shards,))
        except psycopg.Error:  # there is no district yet
            return False

    def stored(self) -> int:
        """Return how many readings are committed; -1 while a shard has no tables."""
        each = (f"(SELECT coalesce(max(id), 0) FROM shard_{n:02}.reading)" for n in range(self._shards))
        try:
            row = self._database.execute("SELECT " + " + ".join(each)).fetchone()
        except psycopg.Error:
            return -1
        return int(row[0]) // 2 if row else 0

    def bytes(self) -> int:
        """Return what the database takes on the disk."""
        row = self._database.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0]) if row else 0

    def memory_mb(self, children: Sequence[subprocess.Popen[str]]) -> float:
        return sum(_pss_mb(pid) for child in children for pid in _family(child.pid))

    def cpu_seconds(self, children: Sequence[subprocess.Popen[str]]) -> float:
        return sum(cpu_seconds(pid) for child in children for pid in _family(child.pid))


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all that it began."""
    yield pid
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(each))


def _pss_mb(pid: int) -> float:
    for each in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if each.startswith("Pss:"):
            return int(each.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"/proc/{pid}/smaps_rollup has no Pss")
