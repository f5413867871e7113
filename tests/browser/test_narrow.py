"""What a finger on a small screen needs: words that stay whole, a sign of what lies aside, room to tap, and
forms that say what they need before they are sent.
"""

import pytest
from playwright.sync_api import Page, expect

from safetyd.core.model import Role
from tests.browser.conftest import PHONE, Visit
from tests.browser.seeing import screenshot
from tests.browser.village import Village

pytestmark = pytest.mark.journey

NARROW = {**PHONE, "viewport": {"width": 320, "height": 640}}
_BROKEN_WORDS = """() => [...document.querySelectorAll(".wide tbody th, .wide thead th")].flatMap(cell => {
    const found = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        for (const word of text.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const lines = new Set([...range.getClientRects()].map(each => Math.round(each.top)));
            if (lines.size > 1 && word[0].length < 14) found.push(word[0]);
        }
    }
    return found;
})"""
_SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, input, select, summary, textarea")]
    .filter(each => each.checkVisibility() && each.type !== "hidden" && !each.closest("footer, .skip"))
    .map(each => (each.type === "checkbox" && each.closest("label")) || each)
    .filter(each => each.getBoundingClientRect().height < 24 || each.getBoundingClientRect().width < 24)
    .map(each => each.outerHTML.slice(0, 120))"""


@pytest.fixture
def small(village: Village, visit: Visit) -> Page:
    """Somebody's small telephone, with a login."""
    return village.enter(visit(NARROW))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/heatmap?building=maple", "heatmap"),
        ("/reports?building=maple", "reports"),
        ("/rules", "rules"),
        ("/history?building=maple", "history"),
    ],
)
def test_names_in_tables_are_not_broken_inside_a_word(
    village: Village, small: Page, path: str, name: str
) -> None:
    small.goto(village.url + path)
    for each in small.locator("main details > summary").all():
        each.evaluate("each => each.parentElement.open = true")
    assert small.evaluate(_BROKEN_WORDS) == []
    tables = small.locator(".wide").all()
    assert tables
    for each in tables:
        assert "gradient" in each.evaluate("each => getComputedStyle(each).backgroundImage")
    screenshot(small, f"narrow-{name}")


def test_everything_to_tap_in_the_list_of_tickets_is_large_enough(village: Village, small: Page) -> None:
    small.goto(f"{village.url}/tickets")
    small.get_by_text("Act on those that are ticked").tap()
    assert small.evaluate(_SMALL_TARGETS) == []
    screenshot(small, "narrow-tickets")


def test_a_chart_under_a_finger_does_not_speak_of_mouse_and_keyboard(village: Village, small: Page) -> None:
    small.goto(f"{village.url}/history?building=maple&room=12")
    expect(small.locator(".zoom-hint")).to_contain_text("Tap the chart")
    said = small.locator(".zoom").inner_text() + (small.locator(".zoom").get_attribute("aria-label") or "")
    assert not any(word in said for word in ("Drag", "keyboard", "Escape", "Plus"))


def test_a_cold_reading_needs_its_humidity_before_it_is_sent(village: Village, small: Page) -> None:
    small.goto(f"{village.url}/report?building=maple&room=12")
    humidity = small.get_by_label("Humidity, % (needed with the temperature)")
    expect(humidity).to_be_hidden()
    assert not humidity.evaluate("each => each.required")
    small.get_by_label("Too cold, and I have measured it").check()
    expect(small.get_by_label("Heat index", exact=True)).to_be_hidden()
    small.get_by_label("Temperature", exact=True).fill("55")
    small.get_by_role("button", name="Send the report").tap()
    assert humidity.evaluate("each => each.validity.valueMissing") and "/report?" in small.url
    small.get_by_label("Too hot, and I have measured it").check()
    expect(small.get_by_label("Heat index", exact=True)).to_be_visible()
    assert not humidity.evaluate("each => each.required"), "the heat index alone is enough"


def test_an_empty_tap_on_relief_stays_on_the_page(village: Village, visit: Visit) -> None:
    page = village.enter(visit(PHONE), Role.FACILITIES)
    page.goto(f"{village.url}/tickets/{village.tickets['maple/12 cold']}")
    form = page.locator("#act-relieve")
    if form.get_attribute("open") is None:
        form.locator("summary").tap()
    form.get_by_role("button", name="Put the relief on record").tap()
    assert form.get_by_label("What was done").evaluate("each => each.validity.valueMissing")
    expect(page.get_by_role("status").filter(has_text="on record")).to_have_count(0)
