"""What a test sees in a page: what axe-core finds wrong with it, what it complains of, a picture of it.

Rule: nothing here changes a page, but that axe-core is put into it.
"""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from tests.journeys.servers import LOOPBACK, ROOT

AXE = ROOT / "build" / "axe" / "axe.min.js"
SCREENSHOTS = ROOT / "build" / "screenshots"

_RUN = """async () => (await axe.run(document, {
    resultTypes: ["violations"],
    rules: {"target-size": {enabled: true}},
})).violations"""


def axe(page: Page) -> list[str]:
    """Return every violation that axe-core finds in a page as it is now, one for each element, in words."""
    assert AXE.exists(), "axe-core is missing; npm fetches it: apt-get install npm, then make assets"
    page.evaluate(AXE.read_text("utf-8"))  # as a debugger would: the page's content policy does not apply
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: {node['target']}: {node['html']:.200}"
        for found in page.evaluate(_RUN)
        for node in found["nodes"]
    ]


def screenshot(page: Page, name: str) -> Path:
    """Write the whole page into an ignored folder, and return the file."""
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path


def overhear(context: BrowserContext, complaints: list[str]) -> None:
    """Note from now on whom its pages ask but us, and each error that their console shows.

    What a content policy refuses is an error there; so is an answer of 4xx or 5xx.
    """

    def asked(request: Request) -> None:
        if urlsplit(request.url).hostname not in (LOOPBACK, None):  # None: data: and blob:
            complaints.append(f"asks another host: {request.method} {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} ({message.location['url']})")

    context.on("request", asked)
    context.on("console", said)
    context.on("weberror", lambda error: complaints.append(f"uncaught: {error.error}"))
