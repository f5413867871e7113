"""A gateway whose clock a test sets: what it shows, how long the machine has run, whether it is synchronised.

Rule: its time stands still but for what the test lets pass. The daemon is the real one, in a process of its
own; it is handed the clock that `safetyd run` makes of the machine's.
"""

import json
import logging
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from safetyd.configuration import load
from safetyd.core.timekeeping import Ticks
from safetyd.daemon import Daemon
from safetyd.store.database import writer_lock
from tests.journeys.servers import House


class Gateway:
    """The machine below a house's daemon: what its clock shows, and how long it has run."""

    def __init__(self, home: House, wall: datetime) -> None:
        self.wall = wall
        self.since_boot = timedelta(hours=1)
        self.boot = 1
        self.is_synchronised = True
        self._file = home.folder / "clock.json"
        home.command = [sys.executable, "-m", "tests.journeys.gateway", str(home.config), str(self._file)]
        self._show()

    def passes(self, **span: float) -> None:
        """Let time pass: seconds=, hours=, …"""
        self.since_boot += timedelta(**span)
        self.wall += timedelta(**span)
        self._show()

    def is_put(self, wall: datetime, *, is_synchronised: bool = True) -> None:
        """Put its clock right, or wrong."""
        self.wall, self.is_synchronised = wall, is_synchronised
        self._show()

    def boots(self, wall: datetime, *, is_synchronised: bool) -> None:
        """Let it boot again; half a minute after that its clock shows `wall`."""
        self.boot += 1
        self.since_boot = timedelta(seconds=30)
        self.is_put(wall, is_synchronised=is_synchronised)

    def _show(self) -> None:
        said = {
            "wall": self.wall.isoformat(),
            "since_boot": self.since_boot.total_seconds(),
            "boot": f"boot {self.boot}",
            "is_synchronised": self.is_synchronised,
        }
        fresh = self._file.with_suffix(".next")
        fresh.write_text(json.dumps(said), encoding="utf-8")
        fresh.replace(self._file)


def main(config: Path, clock: Path) -> None:
    """Run the daemon by a clock that is a file."""

    def said() -> dict[str, Any]:
        return dict(json.loads(clock.read_text(encoding="utf-8")))

    def ticks() -> Ticks:
        now = said()
        return Ticks(now["boot"], timedelta(seconds=now["since_boot"]), now["is_synchronised"])

    loaded = load(config, {})
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("safetyd").setLevel(logging.INFO)
    with writer_lock(loaded.settings.store.url):
        daemon = Daemon(loaded, lambda: datetime.fromisoformat(said()["wall"]), ticks=ticks)
        signal.signal(signal.SIGTERM, lambda *_: daemon.stop())
        daemon.run()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
