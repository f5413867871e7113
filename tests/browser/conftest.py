"""What a test in a browser needs: one Chromium for all of them, a visitor's pages, a school that serves some.

Rule: the browser is Debian's, and reaches this machine only. A test has contexts of its own: nothing of one
visitor is known to another.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.school import School
from tests.browser.seeing import overhear
from tests.browser.village import Village
from tests.browser.village import village as a_village
from tests.journeys.conftest import broker, client, house
from tests.journeys.served import TWO
from tests.journeys.servers import LOOPBACK, WITHIN, Broker, Client, House, free_port

__all__ = ["broker", "client", "house"]

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {LOOPBACK}",
]

Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests in a browser last: while Playwright runs, no other test could run an event loop."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.is_relative_to(here))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    program = shutil.which("chromium")
    assert program, "chromium is not on this machine; it comes with: apt-get install chromium"
    expect.set_options(timeout=WITHIN * 1000)
    with sync_playwright() as playwright:
        is_root = os.geteuid() == 0  # Chromium has no sandbox for root
        made = playwright.chromium.launch(executable_path=program, args=FLAGS, chromium_sandbox=not is_root)
        yield made
        made.close()


@pytest.fixture
def complaints() -> list[str]:
    """What this test's pages have complained of so far; a test that expects a complaint takes it away."""
    return []


@pytest.fixture
def visit(browser: Browser, complaints: list[str]) -> Iterator[Visit]:
    """Opens a page for a visitor of its own: `visit()`, `visit(PHONE)`, `visit(color_scheme="dark")`, …

    Fails the test in the end if a page asked any host but ours, or had an error in its console.
    """
    made: list[BrowserContext] = []

    def open_page(screen: dict[str, Any] = DESKTOP, **more: Any) -> Page:
        given = {"locale": "en-US", "timezone_id": "America/Los_Angeles", **screen, **more}
        made.append(browser.new_context(**given))
        overhear(made[-1], complaints)
        return made[-1].new_page()

    yield open_page
    for context in made:
        context.close()
    assert complaints == []


@pytest.fixture
def page(visit: Visit) -> Page:
    """A page on a desk."""
    return visit()


@pytest.fixture
def phone(visit: Visit) -> Page:
    """A page on a phone, touched."""
    return visit(PHONE)


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Both colour schemes, for `visit(color_scheme=scheme)`."""
    return str(request.param)


@pytest.fixture
def school(house: Callable[..., House], broker: Broker, client: Client) -> School:
    """A school whose daemon answers."""
    port = free_port()
    home = house(broker, TWO, f'[web]\nlisten = "{LOOPBACK}:{port}"').start(client)
    made = School(home, port, client)
    made.is_answering()
    return made


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """A district with everything on record, for all tests that only look."""
    with a_village(tmp_path_factory.mktemp("village")) as made:
        yield made
