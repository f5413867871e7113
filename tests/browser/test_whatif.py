"""What if, in a browser: a slider by keyboard brings the answer; without a script the form does."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from safetyd.core.model import Role
from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.browser.seeing import axe, screenshot
from tests.browser.village import Village

pytestmark = pytest.mark.journey

NARROW = {**PHONE, "viewport": {"width": 320, "height": 640}}
ANSWER = re.compile("instead of .* tickets")


def test_a_slider_by_keyboard_brings_the_answer_by_itself(village: Village, page: Page) -> None:
    village.enter(page, Role.ASSOCIATION)
    page.goto(f"{village.url}/whatif")
    expect(page.get_by_role("region", name="Answer").get_by_text("No number differs")).to_be_visible()
    slider = page.get_by_role("slider", name="Too cold is below")
    field = page.get_by_role("spinbutton", name="Too cold is below")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(field).to_have_value("62")
    expect(page.get_by_role("heading", name=ANSWER)).to_be_visible()
    expect(slider).to_be_focused()
    expect(page.locator("#whatif-voice")).to_have_text(ANSWER)
    assert "cold=62" in page.url
    assert "--set rules.cold.below_f=62 --exact" in page.locator("pre.command").inner_text()
    field.fill("60")
    field.press("Enter")
    expect(page.get_by_role("region", name="Answer").get_by_text("No number differs")).to_be_visible()
    expect(slider).to_have_value("60")


def test_without_a_script_numbers_are_sent_and_the_page_looks_again(village: Village, visit: Visit) -> None:
    page = village.enter(visit(java_script_enabled=False), Role.ASSOCIATION)
    page.goto(f"{village.url}/whatif")
    expect(page.get_by_role("slider")).to_have_count(0)
    page.get_by_role("spinbutton", name="Too cold is below").fill("63")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("heading", name=ANSWER)).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Too cold is below")).to_have_value("63")


def test_an_answer_is_saved_with_one_click(village: Village, page: Page, tmp_path: Path) -> None:
    village.enter(page)
    page.goto(f"{village.url}/whatif?cold=62")
    for kind, begins in (("CSV", b"building,month"), ("XLSX", b"PK"), ("JSON", b"{")):
        with page.expect_download() as found:
            page.get_by_role("link", name=kind).click()
        file = tmp_path / found.value.suggested_filename
        found.value.save_as(file)
        assert file.name.startswith("what-if-") and file.read_bytes().startswith(begins)


@pytest.mark.parametrize("screen", [DESKTOP, PHONE, NARROW], ids=["desk", "phone", "narrow"])
def test_an_answer_has_no_fault_and_fits_the_screen(
    village: Village, visit: Visit, screen: dict[str, object], scheme: str
) -> None:
    page = village.enter(visit(screen, color_scheme=scheme))
    page.goto(f"{village.url}/whatif?cold=62&heat=80")
    expect(page.get_by_role("heading", name=ANSWER)).to_be_visible()
    width = screen["viewport"]["width"]  # type: ignore[index]
    screenshot(page, f"whatif_{width}_{scheme}")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
