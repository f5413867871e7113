"""What tests of the web need: an application on a store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.school import School, school


@pytest.fixture
def at_school(tmp_path: Path) -> Iterator[School]:
    """Two schools, a cold room in each."""
    with school(tmp_path) as made:
        yield made
