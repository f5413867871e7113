"""A worker on a machine whose clock is off: `python -m tests.journeys.elsewhere SECONDS --config FILE`."""

import logging
import sys
from datetime import timedelta
from pathlib import Path

from safetyd.clock import now
from safetyd.configuration import load
from safetyd.machine import ticks
from safetyd.worker import Worker


def main(off: timedelta, config: Path) -> None:
    """Work by a clock that is off by so much."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    Worker(load(config, {}), lambda: now() + off, ticks, lambda: load(config, {})).run()


if __name__ == "__main__":
    main(timedelta(seconds=float(sys.argv[1])), Path(sys.argv[3]))
