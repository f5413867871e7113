"""How soon a breach, and a year of a room, are on the screen of Debian's Chromium.

Rule: nothing here asserts. A breach is timed from when its reading is published until the browser has it on
the page of the building, which somebody has left open; a year from when a browser that was never here asks
for it until something is painted, and until all is there and two more frames are drawn.
"""

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from safetyd.core.model import Role
from safetyd.store import accounts, places, readings, sessions
from safetyd.store.database import open_for_writing
from tests.bench.history import filled, made_site, row
from tests.browser.conftest import DESKTOP, FLAGS
from tests.browser.school import School
from tests.journeys.servers import LOOPBACK, Broker, Client, House, free_port

ROOMS = 12
DAYS = 400
WELL = {"temperature_f": 61.5, "humidity": 44}
COLD = {"temperature_f": 59.5, "humidity": 44}  # so near to it that nobody doubts it
_DRAWN = "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"

Visit = Callable[[], BrowserContext]


def main() -> int:
    """Measure both and print the figures."""
    parser = argparse.ArgumentParser(description="Measure what a browser's screen shows on this machine.")
    parser.add_argument("--rooms", type=int, default=ROOMS)
    parser.add_argument("--days", type=int, default=DAYS, help="of readings each minute")
    asked = parser.parse_args()
    program = shutil.which("chromium")
    if not program:
        print("chromium is not on this machine; it comes with: apt-get install chromium", file=sys.stderr)
        return 1
    with (
        TemporaryDirectory(prefix="bench-screen-", dir="/var/tmp") as name,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, chromium_sandbox=False)
        with served(Path(name), asked.rooms, asked.days, browser) as (school, visit):
            year(school, visit, asked.rooms)
            breach(school, visit, asked.rooms)
        browser.close()
    return 0


@contextmanager
def served(folder: Path, rooms: int, days: int, browser: Browser) -> Iterator[tuple[School, Visit]]:
    """Yield a daemon that serves a store of many days, and what opens a new browser's session with it."""
    site = made_site(folder, rooms)
    (folder / "var").mkdir()
    with closing(open_for_writing(filled(folder / "var", "safetyd", site, rooms, days))) as connection:
        places.mark_saved(connection, readings.last_id(connection))  # as a daemon that ran all the while
        connection.commit()
    (folder / "broker").mkdir()
    broker = Broker(folder / "broker").start()
    client, port = Client(broker, "safetyd/status/#"), free_port()
    text = (folder / "site.toml").read_text("utf-8")
    house = House(folder, broker.port, text, f'[web]\nlisten = "{LOOPBACK}:{port}"')
    try:
        school = School(house.start(client), port, client)
        school.is_answering()
        now = datetime.now(UTC)
        with closing(open_for_writing(f"sqlite:///{house.store}")) as connection:
            accounts.add(connection, "Kim Low", Role.ADMINISTRATOR, (), "not used", now)
            secret = sessions.begin(connection, accounts.named(connection, "Kim Low").number, now)

        def visit() -> BrowserContext:
            made = browser.new_context(viewport=DESKTOP["viewport"], locale="en-US")  # type: ignore[arg-type]
            made.add_cookies([{"name": "safetyd", "value": secret, "url": school.url}])
            return made

        yield school, visit
    finally:
        house.close()
        client.close()
        broker.stop()


def year(school: School, visit: Visit, rooms: int) -> None:
    """Have a new browser ask for a year of each room."""
    painted, whole = [], []
    for number in range(1, rooms + 1):
        with visit() as context:
            page = context.new_page()
            page.goto(f"{school.url}/history?building=maple&room={number}&range=year")
            expect(page.locator(".drawn svg").first).to_be_attached()
            page.evaluate(_DRAWN)
            whole.append(page.evaluate("performance.now()"))
            painted.append(page.evaluate(_FIRST_PAINT))
    told(f"a year of a room: first paint, {rooms} first visits", painted, "aim 300 ms")
    told("  all of it there and drawn", whole)


def breach(school: School, visit: Visit, rooms: int) -> None:
    """Let one room after the other become too cold while somebody has the building's page open."""
    for number in range(1, rooms + 1):
        school.hears(f"maple/{number}", **WELL)
    with visit() as context:
        page = context.new_page()
        page.goto(f"{school.url}/buildings/maple")
        expect(page.locator(".live")).to_have_text("Live")
        expect(page.locator(f"#room-{rooms}")).to_contain_text("61.5 °F")
        spans = []
        for number in range(1, rooms + 1):
            began = time.monotonic()
            school.hears(f"maple/{number}", **COLD)
            page.wait_for_selector(f"#room-{number}.rank-cold")
            spans.append((time.monotonic() - began) * 1000)
    told(f"breach on the page after its reading, {rooms} rooms", spans, "aim 1,000 ms")


def told(name: str, spans: Sequence[float], aim: str = "") -> None:
    """Print the median and the slowest."""
    row(name, statistics.median(spans), f"ms (slowest {max(spans):.0f})", aim)


if __name__ == "__main__":
    sys.exit(main())
