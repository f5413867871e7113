"""What a fault needs: the servers of a journey, a seed that is printed, figures, and how often it happens."""

import secrets
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.disk import Disk, compiled
from tests.journeys.conftest import broker, client, house, sink
from tests.journeys.servers import House

__all__ = ["broker", "client", "house", "sink"]


@pytest.fixture
def often(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Returns how often, or for how long: the first number in a quick run, the second in a soak."""
    asked = request.config

    def chosen(quick: int, soak: int) -> int:
        return max(quick, round(soak * asked.getoption("--share"))) if asked.getoption("--soak") else quick

    return chosen


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What the random points of a test are made of; pytest prints it with a failure."""
    asked = request.config.getoption("--seed")
    chosen = secrets.randbelow(1_000_000) if asked is None else int(asked)
    print(f"again with: --seed {chosen}")
    return chosen


@pytest.fixture
def chance(seed: int) -> Random:
    return Random(seed)


@pytest.fixture
def figure(
    request: pytest.FixtureRequest, record_property: Callable[[str, Any], None]
) -> Callable[[str], None]:
    """Notes what a test has seen; it is printed at the end of the run."""
    return lambda said: record_property(request.node.name, said)


@pytest.fixture
def disk(tmp_path: Path) -> Callable[[House], Disk]:
    """Puts a disk that can fail under a daemon that is not started yet."""
    library = compiled(tmp_path)
    return lambda home: Disk(home, library)
