"""Every page, with all on it that can be: axe-core finds nothing, nothing lies beside the screen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from safetyd.core.model import Role
from safetyd.web.access import RIGHTS
from safetyd.web.pages.table import PAGES
from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.browser.seeing import axe
from tests.browser.village import Village

pytestmark = pytest.mark.journey

SCREENS = {
    "desk": DESKTOP,
    "phone": PHONE,
    "narrow": {**PHONE, "viewport": {"width": 320, "height": 640}},
}
NO_PAGES = ("_file", "_part", "_points", "_evidence")
MORE = (
    "/history?building=birch&range=day",
    "/history?building=maple&room=12&room=14&range=week",
    "/heatmap?building=birch",
    "/reports?report=compliance&building=birch",
    "/reports?report=rooms&building=*",
    "/reports?report=checklist&building=birch",
    "/reports?report=rooms&building=birch&from=2020-01-01&to=2020-01-31",
)
OPEN = (
    "/login",
    "/account",
    "/report",
    "/report?building=maple&room=gym",
    "/report?building=birch",
    "/nothing",
)
ROOMS = {"maple": "12", "cedar": "1", "birch": "1"}


def paths(village: Village, role: Role = Role.ADMINISTRATOR) -> Iterator[str]:
    """Yield where the pages of a role are, with what can be put in; parts of pages and files are no pages."""
    for page in PAGES:
        if (page.look is None and page.search is None) or page.shared is not None:
            continue
        if page.right not in RIGHTS[role]:
            continue
        for building in ("maple", "cedar", "birch") if "{building}" in page.path else ("",):
            path = page.path.replace("{building}", building).replace("{room}", ROOMS.get(building, ""))
            for id in village.tickets.values() if "{id}" in path else ("",):
                found = path.replace("{id}", id)
                if "{" not in found and not page.name.endswith(NO_PAGES):
                    yield found
    yield from ("/report/sheet?building=birch", "/tickets?status=closed", "/tickets?text=%3Cscript%3E")
    yield from (*MORE, *OPEN)


def faults(page: Page) -> Iterator[str]:
    """Yield what is wrong with how a page lies on the screen."""
    assert page.viewport_size  # a phone's own idea of its width grows with what does not fit
    more = page.evaluate("document.documentElement.scrollWidth") - page.viewport_size["width"]
    if more > 0:
        yield f"{more} px wider than the screen"
    if page.locator("h1").count() != 1:
        yield f"{page.locator('h1').count()} first headings"
    if page.evaluate("window.pwned") is not None:
        yield "a name was run"
    if page.locator(".live").count() > 1:
        yield "it says twice whether it is live"
    found = page.evaluate("[...document.scripts].map(each => each.getAttribute('src') || each.textContent)")
    yield from (f"twice: {each}" for each in {*found} if found.count(each) > 1)
    yield from (f"a script that is not ours: {each}" for each in found if not each.startswith("/static/"))
    images = page.evaluate("[...document.images].map(each => each.getAttribute('src'))")
    yield from (
        f"an image that is not ours: {each}" for each in images if not each.startswith(("/", "data:"))
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    village: Village, visit: Visit, complaints: list[str], scheme: str, screen: str
) -> None:
    page = village.enter(visit(SCREENS[screen], color_scheme=scheme))
    found = {}
    for path in paths(village):
        page.goto(village.url + path)
        wrong = [*faults(page), *axe(page)]
        if wrong:
            found[path] = wrong
    assert not found, "\n".join(f"{path}: {each}" for path, wrong in found.items() for each in wrong)
    complaints[:] = [each for each in complaints if "/nothing" not in each]
