"""The pictures of the README, from `safetyd demo` in a heat wave: a building now, and one of its tickets.

Rule: nothing is arranged; what is to be seen is what the demo shows by itself once rooms are too hot.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import FLAGS
from tests.journeys.servers import ROOT, SAFETYD, WITHIN

WIDE = {"width": 1120, "height": 890}
TALL = {"width": 1040, "height": 1500}  # down to the chart
SPEED = "240"
STORY_MS = 180_000  # until rooms are too hot


@contextmanager
def demo() -> Iterator[str]:
    """Let the demo run, and yield the link into its pages."""
    command = [SAFETYD, "demo", "--scenario", "heat-wave", "--speed", SPEED, "--plain"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        found = (re.search(r"in a browser: (http\S+)", line) for line in running.stdout)
        yield next(filter(None, found))[1]
    finally:
        running.terminate()
        running.communicate(timeout=WITHIN)


def main() -> int:
    """Write both pictures into docs/."""
    program = shutil.which("chromium")
    if not program:
        print("chromium is not on this machine; it comes with: apt-get install chromium", file=sys.stderr)
        return 1
    with demo() as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=[*FLAGS, "--disable-lcd-text"], chromium_sandbox=False
        )
        page = browser.new_page(viewport=WIDE, color_scheme="light", locale="en-US")
        page.goto(link)
        expect(page.locator("#lead")).to_contain_text("3 rooms are too hot", timeout=STORY_MS)
        expect(page.locator(".due time").first).to_contain_text(re.compile("^22 h"), timeout=STORY_MS)
        page.reload()  # the clock of the demo runs faster than that of a browser
        take(page, "now")
        page.locator(".due a").first.click()
        expect(page.locator(".chart-svg:visible")).to_have_count(1)
        page.set_viewport_size(TALL)
        take(page, "ticket")
        browser.close()
    return 0


def take(page: Page, name: str) -> None:
    """Write what is on the screen as a picture."""
    path = ROOT / "docs" / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
