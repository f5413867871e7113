"""Every page, with all on it that can be: axe-core finds nothing, nothing lies beside the screen.

The keyboard goes through each and out of it, and on paper each has all that is no control.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from safetyd.core.model import Role
from safetyd.web.access import RIGHTS
from safetyd.web.pages.table import PAGES
from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.browser.keys import Keys
from tests.browser.seeing import axe, screenshot
from tests.browser.village import Village

pytestmark = pytest.mark.journey

SCREENS = {
    "desk": DESKTOP,
    "phone": PHONE,
    "narrow": {**PHONE, "viewport": {"width": 320, "height": 640}},
}
NO_PAGES = ("_file", "_part", "_points", "_evidence")
MORE = (
    "/district?clause=9.14.3&only=breach",
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
PAPER = {"viewport": {"width": 725, "height": 964}}  # Letter within margins of 12 mm
ON_ITS_SIDE = {"width": 964, "height": 725}
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


@pytest.mark.timeout(400)
def test_the_keyboard_goes_through_each_page_in_the_order_of_reading_and_out_of_it(
    village: Village, visit: Visit, complaints: list[str]
) -> None:
    page = village.enter(visit())
    for path in paths(village):
        page.goto(village.url + path)
        places = Keys(page).round()
        assert len(places) > 5 and places == sorted(places), path
        assert page.locator("[tabindex]:not([tabindex='-1'], [tabindex='0'])").count() == 0, path
    complaints[:] = [each for each in complaints if "/nothing" not in each]


_NOTE_WHAT_IS_SHOWN = """() => {
    const controls = "form, nav, details:has(form) > summary, .acts, .crumb, .path, .files, .live, .unseen,"
        + ".not-printed, .zoom";
    const words = "h1, h2, h3, p, li, dt, dd, td, th, caption, figcaption, summary";
    window.shown = [...document.querySelectorAll(`main :is(${words})`)]
        .filter(each => !each.closest(controls) && each.checkVisibility() && each.innerText.trim());
}"""
_FAULTS_ON_PAPER = """() => {
    const seen = [...document.querySelectorAll("body *")].filter(each => each.checkVisibility());
    const said = each => `${each.tagName} ${each.className}: ${each.textContent.trim().slice(0, 80)}`;
    const lost = window.shown.filter(each => each.isConnected && !each.checkVisibility());
    const cut = seen.filter(each => getComputedStyle(each).overflowX !== "visible"
        && each.clientWidth && each.scrollWidth > each.clientWidth + 1 && !each.closest(".unseen, svg"));
    const useless = "button, .button, .menu, .top li, .live, textarea, [type=range], [type=file]";
    const idle = seen.filter(each => each.matches(useless) || each.matches(":not(#suppose *):is(input)"));
    const more = document.documentElement.scrollWidth - innerWidth;
    return [
        ...lost.map(each => `lost: ${said(each)}`),
        ...cut.map(each => `cut off: ${said(each)}`),
        ...idle.map(each => `of no use: ${said(each)}`),
        ...(more > 1 ? [`${more} px wider than the paper`] : []),
    ];
}"""


@pytest.mark.timeout(400)
def test_on_paper_each_page_has_all_but_its_controls(
    village: Village, visit: Visit, complaints: list[str]
) -> None:
    page = village.enter(visit(PAPER))
    found = {}
    for path in paths(village):
        page.set_viewport_size(ON_ITS_SIDE if path.startswith("/reports") else PAPER["viewport"])
        page.goto(village.url + path)
        page.evaluate(_NOTE_WHAT_IS_SHOWN)
        page.emulate_media(media="print")
        if wrong := page.evaluate(_FAULTS_ON_PAPER):
            found[path] = wrong
        page.emulate_media(media="screen")
    assert not found, "\n".join(f"{path}: {each}" for path, wrong in found.items() for each in wrong)
    complaints[:] = [each for each in complaints if "/nothing" not in each]


def test_at_320_px_the_menu_leads_to_each_page_by_touch_by_keyboard_and_without_a_script(
    village: Village, visit: Visit, scheme: str
) -> None:
    page = village.enter(visit(SCREENS["narrow"], color_scheme=scheme, java_script_enabled=False))
    page.goto(f"{village.url}/tickets")
    pages, menu = page.get_by_role("navigation", name="Pages"), page.locator(".menu summary")
    entries = pages.locator("li").count()
    assert entries > 10 and pages.get_by_role("link").count() == 0, "they stand behind the menu"
    menu.tap()
    assert pages.get_by_role("link").count() == entries
    for each in pages.get_by_role("link").all():
        expect(each).to_be_in_viewport(ratio=1)
    screenshot(page, f"menu-narrow-{scheme}")
    keys = Keys(page)
    menu.press("Enter")
    assert pages.get_by_role("link").count() == 0
    menu.press("Enter")
    keys.to("Rules", most=entries)
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Rules in force")
